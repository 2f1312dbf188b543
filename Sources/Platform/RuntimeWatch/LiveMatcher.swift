package import Detection
package import Sensor

/// Asks the rules of system calls about the sensor's events.
///
/// What only depends on the process is looked up once and kept with it; of an event's own fields only those are made
/// that rules still need to know.
package struct LiveMatcher {
    private var detector: Detector
    private let fields: [LiveField?]
    private let processSlots: [Int]
    private let typeSlot: Int?
    /// Slots that rule out rules: the process's, and the event's, the cheapest and most telling first; and the others.
    private let processNarrowing: [Int]
    private let narrowing: [Int]
    private let plain: [Int]
    private let words: Int
    /// By slot, the rules that read it: `words` words each.
    private let readers: [UInt64]
    private let everyRule: [UInt64]
    /// By number of a kind, the row of its name; 0 when it is not known yet.
    private var typeRows: [UInt32]
    private var generation = -1
    private var found: [Int] = []
    /// What is asked about now: kept from event to event, so that none takes new memory.
    private var record: Matcher.Event
    private var left: [UInt64]
    /// Whose values are in `record`.
    private var loaded: Kept?
    private static let mostOverflows = 50_000
    package let context: LiveContext
    /// Fields that conditions read and the sensor does not have, with the rules that read them.
    package let unavailable: [(field: String, rules: [String])]

    package var rules: [DetectionRule] { detector.rules }

    /// What is kept with a process: the rows of its values and, for each kind of event it made so far, where asking
    /// begins.
    private final class Kept {
        let record: Matcher.Event
        let stamp: Int
        let generation: Int
        /// `Revisions.count` when the stamp was last found to be that of the process.
        var checked: Int
        var starts: [Start] = []

        init(_ record: Matcher.Event, stamp: Int, generation: Int, checked: Int) {
            self.record = record
            self.stamp = stamp
            self.generation = generation
            self.checked = checked
        }
    }

    /// The rules that a process and a kind of event leave, and the event's slots these read, in the order of asking.
    private final class Start {
        let kind: Int
        let typeRow: UInt32
        let left: [UInt64]
        let narrowing: [Int]
        let plain: [Int]

        init(kind: Int, typeRow: UInt32, left: [UInt64], narrowing: [Int], plain: [Int]) {
            self.kind = kind
            self.typeRow = typeRow
            self.left = left
            self.narrowing = narrowing
            self.plain = plain
        }
    }

    package init(_ detector: Detector, context: LiveContext) {
        self.detector = detector
        self.context = context
        let fields = detector.fields.map { LiveField($0.field) }
        self.fields = fields
        processSlots = fields.indices.filter { fields[$0]?.scope == .process }
        let typeSlot = detector.fields.firstIndex { $0.field.name == "evt.type" && $0.field.argument == nil }
        self.typeSlot = typeSlot
        let telling = detector.matcher.narrowing.filter { fields[$0]?.scope == .event && $0 != typeSlot }
        // A flag costs next to nothing; a name has to be made and looked up.
        let flags = telling.filter { detector.fields[$0].info.type == .bool }
        narrowing = flags + telling.filter { !flags.contains($0) }
        let known = Set(narrowing + processSlots + (typeSlot.map { [$0] } ?? []))
        plain = fields.indices.filter { fields[$0] != nil && !known.contains($0) }
        let all = Set(detector.matcher.narrowing)
        processNarrowing = processSlots.filter { all.contains($0) }
        everyRule = detector.matcher.everyRule
        words = everyRule.count
        readers = fields.indices.flatMap { slot in
            detector.matcher.ruleSet(detector.rules.indices.filter { detector.slotsOfRule[$0].contains(slot) })
        }
        typeRows = Array(repeating: 0, count: SensorEvent.Kind.numbers)
        record = detector.matcher.blank
        left = everyRule
        var missing: [(String, [String])] = []
        for slot in fields.indices where fields[slot] == nil {
            let rules = detector.rules.indices.filter { detector.slotsOfRule[$0].contains(slot) }
            if !rules.isEmpty {
                missing.append((detector.fields[slot].field.description, rules.map { detector.rules[$0].name }))
            }
        }
        unavailable = missing.sorted { $0.0 < $1.0 }
    }

    /// The rules that match, in order.
    package mutating func match(_ event: SensorEvent) -> [DetectionRule] {
        // Rules ask about all that is mapped, which nobody hands over.
        if event.kind == .mapped { return [] }
        found.removeAll(keepingCapacity: true)
        find(event)
        if event.hasTwoNames {
            // A link is no way round a rule: the event is asked about by both names.
            context.usesResolvedPath = true
            defer { context.usesResolvedPath = false }
            find(event)
            if found.count > 1 { found = Set(found).sorted() }
        }
        guard !found.isEmpty else { return [] }
        return found.map { detector.rules[$0] }
    }

    /// Appends what matches to `found`. Values are made one after the other, the most telling first, and only for as
    /// long as a rule is left that reads them.
    private mutating func find(_ event: SensorEvent) {
        // Tables full of what a node did last week: begun anew, seldom enough not to matter.
        if detector.matcher.overflows > Self.mostOverflows { detector.matcher.reset() }
        if generation != detector.matcher.generation {
            generation = detector.matcher.generation
            for i in typeRows.indices { typeRows[i] = 0 }
            loaded = nil
        }
        let kept = kept(event)
        let start = start(kept, event)
        var any: UInt64 = 0
        for word in 0..<words {
            left[word] = start.left[word]
            any |= left[word]
        }
        guard any != 0 else { return }
        if loaded !== kept {
            detector.matcher.copy(kept.record, into: &record)
            loaded = kept
        }
        if let typeSlot { Matcher.setRow(typeSlot, start.typeRow, in: &record) }
        for slot in start.narrowing where isRead(slot) {
            fields[slot]?.set(slot, event, context, &detector.matcher, &record)
            guard detector.matcher.narrow(&left, record, by: slot) else { return }
        }
        for slot in start.plain where isRead(slot) {
            fields[slot]?.set(slot, event, context, &detector.matcher, &record)
        }
        detector.matcher.match(record, among: left, into: &found)
    }

    /// Whether a rule that is left reads a slot. What an event before left in slots nobody reads does not matter.
    private func isRead(_ slot: Int) -> Bool {
        for word in 0..<words where left[word] & readers[slot * words + word] != 0 { return true }
        return false
    }

    private mutating func start(_ kept: Kept, _ event: SensorEvent) -> Start {
        let kind = event.kind.number
        for start in kept.starts where start.kind == kind { return start }
        for word in 0..<words { left[word] = everyRule[word] }
        detector.matcher.copy(kept.record, into: &record)
        loaded = kept
        var row: UInt32 = 0
        if let typeSlot {
            row = typeRow(typeSlot, kind, event)
            Matcher.setRow(typeSlot, row, in: &record)
            _ = detector.matcher.narrow(&left, record, by: typeSlot)
        }
        for slot in processNarrowing { _ = detector.matcher.narrow(&left, record, by: slot) }
        let start = Start(
            kind: kind, typeRow: row, left: left, narrowing: narrowing.filter { isRead($0) },
            plain: plain.filter { isRead($0) })
        kept.starts.append(start)
        return start
    }

    /// The row of a kind's name. There are few: none of them finds no room.
    private mutating func typeRow(_ slot: Int, _ kind: Int, _ event: SensorEvent) -> UInt32 {
        if typeRows[kind] == 0 {
            let name = Array(event.kind.name.utf8)
            typeRows[kind] = detector.matcher.row(slot, name.span)
        }
        return typeRows[kind]
    }

    private mutating func kept(_ event: SensorEvent) -> Kept {
        let process = event.process
        let changes = Revisions.count
        let known = process.annotation as? Kept
        if let known, known.generation == generation, known.checked == changes { return known }
        let stamp = process.stamp
        if let known, known.stamp == stamp, known.generation == generation {
            known.checked = changes
            return known
        }
        var made = detector.matcher.blank
        for slot in processSlots { fields[slot]?.set(slot, event, context, &detector.matcher, &made) }
        let kept = Kept(made, stamp: stamp, generation: generation, checked: changes)
        loaded = nil
        // The row of a value that found no room is the next such value's.
        process.annotation = detector.matcher.keepsRows(of: made) ? kept : nil
        return kept
    }

    /// The values of an event, for outputs.
    package func values(_ event: SensorEvent) -> (FieldReference, FieldInfo) -> [FieldValue]? {
        { [context] field, _ in LiveField(field)?.values(event, context) }
    }
}

extension SensorProcess {
    /// Changes whenever the process, its container or one of its next ancestors does.
    fileprivate var stamp: Int {
        var out = revision &* 31 &+ (container?.revision ?? 0)
        var next = parent
        var left = 8
        while let ancestor = next, left > 0 {
            out = out &* 31 &+ ancestor.revision
            next = ancestor.parent
            left -= 1
        }
        return out
    }
}

extension SensorEvent.Kind {
    /// A number for each kind, below `numbers`.
    fileprivate var number: Int {
        switch self {
        case .exec: 0
        case .fork: 1
        case .exit: 2
        case .stopped: 3
        case .mapped: 4
        case .call(let call): 5 + Int(call.rawValue)
        }
    }

    fileprivate static let numbers = 5 + 256
}
