/// Decides which rules an event matches.
///
/// The values of an event are interned, one table for each field. A value's row holds the answer to every check over
/// that field and the set of rules that may still match given that value; the rules of an event are those left when
/// the rows of its values are laid over each other, and only they are evaluated. Tables are bounded: what does not fit
/// is answered anew each time.
///
/// A value with caches, for one thread; copy it for another.
package struct Matcher: Sendable {
    /// The values of one event, by slot.
    package struct Event: Sendable {
        /// The row of an interned value, or a number.
        var values: [UInt64]
        /// Which slots of numbers have a value.
        var numbers: [UInt64]
    }

    let program: Program
    /// By rule, the node of its condition.
    private let roots: [Int]
    private let operations: [Operation]
    private let children: [Int32]
    private let ruleWords: Int
    private let isFirstMatchOnly: Bool
    private let layouts: [Layout]
    /// By slot, apart from the rest of it: what every event's values are laid by.
    private let kinds: [Program.Slot.Kind]
    private let ruleOffsets: [Int]
    /// Slots whose values rule out rules, the most selective first.
    private let restrictingSlots: [Int]
    private let emptyEvent: Event
    private let largestTable: Int

    /// Rows of all slots: key, hash, checks that hold, rules that may match.
    private var rows: [UInt64]
    private var keys: [UInt8] = []
    /// By slot: the value that found no room in its table.
    private var overflowKeys: [[UInt8]] = []
    /// By slot: open addressing over row offsets.
    private var tables: [Table]
    /// By slot, the rows of no and yes where values are no more than that; 0 when there is none yet.
    private var flagRows: [UInt32] = []
    private var memory: [UInt32]
    private var serial: UInt32 = 0
    private var candidates: [UInt64]

    /// Grows by one when the tables were emptied: rows kept by a caller are void then.
    package private(set) var generation = 0
    /// Values since then that found no room: when there are many, the tables hold what was and not what is.
    package private(set) var overflows = 0

    private struct Operation {
        enum Kind: UInt8 { case never, bit, number, wide, all, any, not }
        var kind: Kind
        /// Used by more than one rule: the answer is kept for the event.
        var isShared: Bool
        var a: Int32
        var b: Int32
    }

    private struct Layout {
        var index: SlotIndex
        /// Words of a row.
        var width: Int
        /// Where in a row the rules are.
        var ruleOffset: Int
        /// Nodes over this slot alone that rules need, and the rules that need each.
        var needs: [(node: Int, negated: Bool, rules: [UInt64])]
    }

    private struct Table {
        var buckets: [UInt32]
        var count = 0
        /// Bytes of the keys of its values.
        var bytes = 0
        /// The row of values that found no room.
        var overflow: UInt32
        var absent: UInt32
    }

    private static let rowHeader = 2
    private static let overflowMark: UInt64 = 1 << 63
    /// The command lines of all ancestors come to many kilobytes and are those of one process after the other.
    private static let longestKey = 65_536
    private static let mostBytes = 2 << 20

    /// `largestTable` bounds the distinct values kept for each field.
    init(_ program: Program, roots: [Int], firstMatchOnly: Bool = false, largestTable: Int = 4096) {
        self.program = program
        self.roots = roots
        self.isFirstMatchOnly = firstMatchOnly
        self.largestTable = largestTable
        ruleWords = max(1, (roots.count + 63) / 64)
        (operations, children) = Self.flatten(program, roots)
        memory = Array(repeating: 0, count: program.nodes.count)
        candidates = Array(repeating: 0, count: ruleWords)
        let needs = Self.needs(program, roots, ruleWords)
        var layouts: [Layout] = []
        for (i, slot) in program.slots.enumerated() {
            let index = SlotIndex(slot, program.atoms[i])
            let offset = Self.rowHeader + index.words
            layouts.append(Layout(index: index, width: offset + ruleWords, ruleOffset: offset, needs: needs[i]))
        }
        self.layouts = layouts
        kinds = program.slots.map(\.kind)
        ruleOffsets = layouts.map(\.ruleOffset)
        restrictingSlots = program.slots.indices.filter { !needs[$0].isEmpty && program.slots[$0].isInterned }
            .sorted { a, b in
                let (left, right) = (Self.weight(program, needs, a), Self.weight(program, needs, b))
                return left != right ? left > right : a < b
            }
        rows = [0]
        tables = []
        emptyEvent = Event(
            values: Array(repeating: 0, count: program.slots.count),
            numbers: Array(repeating: 0, count: (program.slots.count + 63) / 64))
        reset()
    }

    /// How many rules a slot may rule out; the event's type goes first.
    private static func weight(
        _ program: Program, _ needs: [[(node: Int, negated: Bool, rules: [UInt64])]], _ slot: Int
    ) -> Int {
        if program.slots[slot].field.name == "evt.type" { return Int.max }
        return needs[slot].reduce(0) { $0 + $1.rules.reduce(0) { $0 + $1.nonzeroBitCount } }
    }

    private static func flatten(_ program: Program, _ roots: [Int]) -> ([Operation], [Int32]) {
        var uses = [Int](repeating: 0, count: program.nodes.count)
        for root in roots { uses[root] += 1 }
        for node in program.nodes {
            switch node {
            case .all(let below), .any(let below): for child in below { uses[child] += 1 }
            case .not(let child): uses[child] += 1
            case .never, .bit, .number, .wide: break
            }
        }
        var operations: [Operation] = []
        var children: [Int32] = []
        func list(_ kind: Operation.Kind, _ below: [Int], _ isShared: Bool) {
            let start = Int32(children.count)
            children += below.map { Int32($0) }
            operations.append(
                Operation(kind: kind, isShared: isShared, a: start, b: start + Int32(below.count)))
        }
        for (i, node) in program.nodes.enumerated() {
            switch node {
            case .never: operations.append(Operation(kind: .never, isShared: false, a: 0, b: 0))
            case .bit(let slot, let bit):
                operations.append(Operation(kind: .bit, isShared: false, a: Int32(slot), b: Int32(bit)))
            case .number(let check): operations.append(Operation(kind: .number, isShared: false, a: Int32(check), b: 0))
            case .wide(let check):
                operations.append(Operation(kind: .wide, isShared: uses[i] > 1, a: Int32(check), b: 0))
            case .all(let below): list(.all, below, uses[i] > 1)
            case .any(let below): list(.any, below, uses[i] > 1)
            case .not(let child): operations.append(Operation(kind: .not, isShared: false, a: Int32(child), b: 0))
            }
        }
        return (operations, children)
    }

    /// For each slot, what rules need of its value: the parts of each condition that are joined by `and` at the top
    /// and read that slot alone.
    private static func needs(
        _ program: Program, _ roots: [Int], _ ruleWords: Int
    ) -> [[(node: Int, negated: Bool, rules: [UInt64])]] {
        struct Key: Hashable {
            var node: Int
            var negated: Bool
        }
        var found: [[Key: [UInt64]]] = Array(repeating: [:], count: program.slots.count)
        var order: [[Key]] = Array(repeating: [], count: program.slots.count)
        for (rule, root) in roots.enumerated() {
            var pending = [Key(node: root, negated: false)]
            while let key = pending.popLast() {
                switch (program.nodes[key.node], key.negated) {
                case (.all(let below), false), (.any(let below), true):
                    pending += below.map { Key(node: $0, negated: key.negated) }
                case (.not(let child), _): pending.append(Key(node: child, negated: !key.negated))
                default:
                    guard case .one(let slot) = program.nodeSlots[key.node], program.slots[slot].isInterned else {
                        continue
                    }
                    if found[slot][key] == nil {
                        found[slot][key] = Array(repeating: 0, count: ruleWords)
                        order[slot].append(key)
                    }
                    found[slot][key]?[rule / 64] |= 1 << UInt64(rule % 64)
                }
            }
        }
        return zip(order, found).map { keys, rules in
            keys.map { (node: $0.node, negated: $0.negated, rules: rules[$0] ?? []) }
        }
    }

    // MARK: Values

    /// An event none of whose fields has a value.
    package var blank: Event {
        var event = emptyEvent
        for slot in tables.indices { event.values[slot] = UInt64(tables[slot].absent) }
        return event
    }

    /// Forgets every value seen.
    package mutating func reset() {
        generation += 1
        overflows = 0
        rows = [0]
        keys.removeAll(keepingCapacity: true)
        overflowKeys = program.slots.map { _ in [] }
        flagRows = Array(repeating: 0, count: program.slots.count * 2)
        tables = program.slots.indices.map { _ in Table(buckets: Array(repeating: 0, count: 64), overflow: 0, absent: 0)
        }
        for slot in program.slots.indices {
            tables[slot].absent = addRow(slot)
            fillRules(slot, tables[slot].absent)
            tables[slot].overflow = addRow(slot)
        }
    }

    private mutating func addRow(_ slot: Int) -> UInt32 {
        let offset = rows.count
        rows.append(contentsOf: repeatElement(0, count: layouts[slot].width))
        return UInt32(offset)
    }

    /// Bytes the tables take.
    package var footprint: Int { rows.count * 8 + keys.count + overflowKeys.reduce(0) { $0 + $1.count } }

    package mutating func set(_ slot: Int, number: UInt64, in event: inout Event) {
        switch kinds[slot] {
        case .number:
            event.values[slot] = number
            event.numbers[slot >> 6] |= 1 << UInt64(slot & 63)
        case .bool:
            let place = slot * 2 + (number != 0 ? 1 : 0)
            if flagRows[place] == 0 {
                let key: [UInt8] = [number != 0 ? 1 : 0]
                flagRows[place] = row(slot, key.span)
            }
            event.values[slot] = UInt64(flagRows[place])
        case .text, .list, .numberList: set(slot, [.number(number)], in: &event)
        }
    }

    package mutating func set(_ slot: Int, text: Span<UInt8>, in event: inout Event) {
        set(slot, key: text, in: &event)
    }

    package mutating func set(_ slot: Int, bytes: [UInt8], in event: inout Event) {
        if kinds[slot] == .text { return set(slot, key: bytes.span, in: &event) }
        set(slot, [.bytes(bytes)], in: &event)
    }

    /// Sets a value of any kind; nothing leaves the field as it was.
    package mutating func set(_ slot: Int, _ values: [FieldValue], in event: inout Event) {
        let kind = kinds[slot]
        guard let first = values.first else {
            if kind == .list { set(slot, key: [UInt8]().span, in: &event) }
            return
        }
        switch (kind, first) {
        case (.number, .number(let number)):
            event.values[slot] = number
            event.numbers[slot >> 6] |= 1 << UInt64(slot & 63)
        case (.number, .bytes): return
        case (.text, .bytes(let bytes)): set(slot, key: bytes.span, in: &event)
        default:
            let key = SlotKey.key(values, kind)
            set(slot, key: key.span, in: &event)
        }
    }

    /// Leaves a field without a value.
    package func clear(_ slot: Int, in event: inout Event) {
        event.values[slot] = UInt64(tables[slot].absent)
        event.numbers[slot >> 6] &= ~(1 << UInt64(slot & 63))
    }

    /// Takes over another event's values, without new memory for them.
    package func copy(_ other: Event, into event: inout Event) {
        for i in other.values.indices { event.values[i] = other.values[i] }
        for i in other.numbers.indices { event.numbers[i] = other.numbers[i] }
    }

    private mutating func set(_ slot: Int, key: Span<UInt8>, in event: inout Event) {
        event.values[slot] = UInt64(row(slot, key))
    }

    /// The row of a value, to be set again for as long as `generation` stays and `keeps(row:of:)` says so.
    package mutating func row(_ slot: Int, _ key: Span<UInt8>) -> UInt32 {
        let hash = Self.hash(key)
        var mask = tables[slot].buckets.count - 1
        var bucket = Int(truncatingIfNeeded: hash) & mask
        while true {
            let offset = tables[slot].buckets[bucket]
            if offset == 0 { break }
            if rows[Int(offset) + 1] == hash, hasKey(Int(offset), key) { return offset }
            bucket = (bucket + 1) & mask
        }
        var copy: [UInt8] = []
        copy.reserveCapacity(key.count)
        for i in key.indices { copy.append(key[i]) }
        // An attacker can make as many values as they like, and long ones.
        guard tables[slot].count < largestTable, key.count <= Self.longestKey,
            tables[slot].bytes + key.count <= Self.mostBytes
        else {
            overflows += 1
            let offset = tables[slot].overflow
            overflowKeys[slot] = copy
            rows[Int(offset)] = Self.overflowMark | UInt64(key.count)
            rows[Int(offset) + 1] = hash
            fillChecks(slot, offset, copy)
            return offset
        }
        let offset = addRow(slot)
        fill(slot, offset, copy, hash)
        tables[slot].count += 1
        tables[slot].bytes += key.count
        if tables[slot].count * 2 > tables[slot].buckets.count {
            grow(slot)
            mask = tables[slot].buckets.count - 1
            bucket = Int(truncatingIfNeeded: hash) & mask
            while tables[slot].buckets[bucket] != 0 { bucket = (bucket + 1) & mask }
        }
        tables[slot].buckets[bucket] = offset
        return offset
    }

    /// Whether a row stays that of its value; the one of values that found no room does not.
    package func keeps(row: UInt32, of slot: Int) -> Bool { row != tables[slot].overflow }

    /// Whether every row of an event stays that of its value, so that the event can be kept.
    package func keepsRows(of event: Event) -> Bool {
        tables.indices.allSatisfy { slot in
            kinds[slot] == .number || event.values[slot] != UInt64(tables[slot].overflow)
        }
    }

    package static func setRow(_ slot: Int, _ row: UInt32, in event: inout Event) { event.values[slot] = UInt64(row) }

    private mutating func grow(_ slot: Int) {
        var buckets = [UInt32](repeating: 0, count: tables[slot].buckets.count * 2)
        let mask = buckets.count - 1
        for offset in tables[slot].buckets where offset != 0 {
            var bucket = Int(truncatingIfNeeded: rows[Int(offset) + 1]) & mask
            while buckets[bucket] != 0 { bucket = (bucket + 1) & mask }
            buckets[bucket] = offset
        }
        tables[slot].buckets = buckets
    }

    private func hasKey(_ offset: Int, _ key: Span<UInt8>) -> Bool {
        let header = rows[offset]
        let start = Int(header >> 32)
        guard Int(header & 0xFFFF_FFFF) == key.count else { return false }
        let stored = keys.span
        for i in key.indices where stored[start + i] != key[i] { return false }
        return true
    }

    /// FNV-1a over eight bytes at a time, mixed at the end.
    private static func hash(_ key: Span<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325 ^ UInt64(key.count)
        var i = 0
        while i + 8 <= key.count {
            var word: UInt64 = 0
            for k in 0..<8 { word |= UInt64(key[i + k]) << UInt64(8 * k) }
            hash = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash >> 29
            i += 8
        }
        while i < key.count {
            hash = (hash ^ UInt64(key[i])) &* 0x0000_0100_0000_01B3
            i += 1
        }
        hash ^= hash >> 32
        hash = hash &* 0xD6E8_FEB8_6659_FD93
        return hash ^ hash >> 32
    }

    private mutating func fill(_ slot: Int, _ offset: UInt32, _ key: [UInt8], _ hash: UInt64) {
        let base = Int(offset)
        rows[base] = UInt64(keys.count) << 32 | UInt64(key.count)
        rows[base + 1] = hash
        keys += key
        fillChecks(slot, offset, key)
    }

    private mutating func fillChecks(_ slot: Int, _ offset: UInt32, _ key: [UInt8]) {
        let base = Int(offset)
        let bits = layouts[slot].index.holds(key, program.slots[slot])
        for (i, word) in bits.enumerated() { rows[base + Self.rowHeader + i] = word }
        fillRules(slot, offset)
    }

    private mutating func fillRules(_ slot: Int, _ offset: UInt32) {
        let base = Int(offset)
        var mask = [UInt64](repeating: ~0, count: ruleWords)
        for need in layouts[slot].needs where holdsAlone(need.node, base) == need.negated {
            for i in mask.indices { mask[i] &= ~need.rules[i] }
        }
        for i in mask.indices { rows[base + layouts[slot].ruleOffset + i] = mask[i] }
    }

    /// A node over one slot, given the row of its value.
    private func holdsAlone(_ node: Int, _ row: Int) -> Bool {
        let operation = operations[node]
        switch operation.kind {
        case .bit: return rows[row + Self.rowHeader + Int(operation.b) >> 6] >> UInt64(operation.b & 63) & 1 == 1
        case .all:
            for i in Int(operation.a)..<Int(operation.b) where !holdsAlone(Int(children[i]), row) { return false }
            return true
        case .any:
            for i in Int(operation.a)..<Int(operation.b) where holdsAlone(Int(children[i]), row) { return true }
            return false
        case .not: return !holdsAlone(Int(operation.a), row)
        case .never, .number, .wide: return false
        }
    }

    // MARK: Matching

    /// Appends the indexes of the rules that match, in the order of the rules.
    package mutating func match(_ event: Event, into found: inout [Int]) {
        guard narrow(event) else { return }
        begin()
        for word in 0..<ruleWords {
            var left = candidates[word]
            while left != 0 {
                let bit = left.trailingZeroBitCount
                left &= left - 1
                let rule = word * 64 + bit
                if holds(roots[rule], event) {
                    found.append(rule)
                    if isFirstMatchOnly { return }
                }
            }
        }
    }

    package mutating func match(_ event: Event) -> [Int] {
        var found: [Int] = []
        match(event, into: &found)
        return found
    }

    /// Lays the rows of the event's values over each other; false when no rule is left.
    private mutating func narrow(_ event: Event) -> Bool {
        for word in 0..<ruleWords { candidates[word] = ~0 }
        let rest = roots.count & 63
        if rest != 0 { candidates[ruleWords - 1] = 1 << UInt64(rest) - 1 }
        if roots.isEmpty { return false }
        for slot in restrictingSlots {
            let base = Int(event.values[slot]) + ruleOffsets[slot]
            var left: UInt64 = 0
            for word in 0..<ruleWords {
                candidates[word] &= rows[base + word]
                left |= candidates[word]
            }
            if left == 0 { return false }
        }
        return true
    }

    /// The rules that may still match given the values set so far; slots not set yet rule nothing out.
    package mutating func candidates(_ event: Event, knowing slots: [Int]) -> [Int] {
        var mask = [UInt64](repeating: ~0, count: ruleWords)
        for slot in slots where program.slots[slot].isInterned {
            let base = Int(event.values[slot]) + layouts[slot].ruleOffset
            for word in 0..<ruleWords { mask[word] &= rows[base + word] }
        }
        return roots.indices.filter { mask[$0 >> 6] >> UInt64($0 & 63) & 1 == 1 }
    }

    // MARK: Matching step by step

    /// Every rule, as a set: a bit for each.
    package var everyRule: [UInt64] {
        var words = [UInt64](repeating: ~0, count: ruleWords)
        let rest = roots.count & 63
        if rest != 0 { words[ruleWords - 1] = 1 << UInt64(rest) - 1 }
        if roots.isEmpty { words[0] = 0 }
        return words
    }

    /// Leaves the rules that the value of a slot leaves; false when there is none left.
    package func narrow(_ left: inout [UInt64], _ event: Event, by slot: Int) -> Bool {
        guard kinds[slot] != .number else { return true }
        let base = Int(event.values[slot]) + ruleOffsets[slot]
        var any: UInt64 = 0
        for word in 0..<ruleWords {
            let rest = left[word] & rows[base + word]
            left[word] = rest
            any |= rest
        }
        return any != 0
    }

    /// A set of rules.
    package func ruleSet(_ rules: [Int]) -> [UInt64] {
        var out = [UInt64](repeating: 0, count: ruleWords)
        for rule in rules { out[rule >> 6] |= 1 << UInt64(rule & 63) }
        return out
    }

    /// Slots whose values rule out rules, the most selective first.
    package var narrowing: [Int] { restrictingSlots }

    /// Appends the indexes of the rules left that match, in the order of the rules.
    package mutating func match(_ event: Event, among left: [UInt64], into found: inout [Int]) {
        begin()
        for word in 0..<ruleWords {
            var rest = left[word]
            while rest != 0 {
                let bit = rest.trailingZeroBitCount
                rest &= rest - 1
                if holds(roots[word * 64 + bit], event) {
                    found.append(word * 64 + bit)
                    if isFirstMatchOnly { return }
                }
            }
        }
    }

    private mutating func begin() {
        serial &+= 1
        if serial >= 1 << 31 {
            serial = 1
            for i in memory.indices { memory[i] = 0 }
        }
    }

    /// Whether one node holds, for explanations.
    package mutating func holds(node: Int, _ event: Event) -> Bool {
        begin()
        return holds(node, event)
    }

    private mutating func holds(_ node: Int, _ event: Event) -> Bool {
        let operation = operations[node]
        switch operation.kind {
        case .bit:
            let row = Int(event.values[Int(operation.a)])
            return rows[row + Self.rowHeader + Int(operation.b) >> 6] >> UInt64(operation.b & 63) & 1 == 1
        case .not: return !holds(Int(operation.a), event)
        case .never: return false
        case .number: return holds(program.numberChecks[Int(operation.a)], event)
        case .all, .any, .wide: break
        }
        if operation.isShared, memory[node] >> 1 == serial { return memory[node] & 1 == 1 }
        var answer: Bool
        switch operation.kind {
        case .all:
            answer = true
            for i in Int(operation.a)..<Int(operation.b) where !holds(Int(children[i]), event) {
                answer = false
                break
            }
        case .any:
            answer = false
            for i in Int(operation.a)..<Int(operation.b) where holds(Int(children[i]), event) {
                answer = true
                break
            }
        default: answer = holds(program.wideChecks[Int(operation.a)], event)
        }
        if operation.isShared { memory[node] = serial << 1 | (answer ? 1 : 0) }
        return answer
    }

    private func holds(_ check: Program.NumberCheck, _ event: Event) -> Bool {
        guard event.numbers[check.slot >> 6] >> UInt64(check.slot & 63) & 1 == 1 else { return false }
        guard let comparison = check.comparison else { return true }
        return comparison.holds(number: event.values[check.slot])
    }

    private func holds(_ check: Program.WideCheck, _ event: Event) -> Bool {
        guard let left = check.left.values({ values($0, event) }) else { return false }
        guard let right = check.right else { return check.comparison.holds(left) }
        guard let others = right.values({ values($0, event) }) else { return false }
        return check.comparison.holds(left, against: others)
    }

    /// The values of a slot; nil when absent.
    package func values(_ slot: Int, _ event: Event) -> [FieldValue]? {
        if program.slots[slot].kind == .number {
            guard event.numbers[slot >> 6] >> UInt64(slot & 63) & 1 == 1 else { return nil }
            return [.number(event.values[slot])]
        }
        let offset = UInt32(truncatingIfNeeded: event.values[slot])
        guard offset != tables[slot].absent else { return nil }
        let header = rows[Int(offset)]
        if header & Self.overflowMark != 0 { return SlotKey.values(overflowKeys[slot], program.slots[slot]) }
        let start = Int(header >> 32)
        return SlotKey.values(Array(keys[start..<start + Int(header & 0xFFFF_FFFF)]), program.slots[slot])
    }
}
