/// Answers every check over one slot for a value at once.
///
/// Equalities are one look into a table, prefixes and suffixes one walk down a tree each, substrings one pass; only
/// what is left is asked one by one.
struct SlotIndex: Sendable {
    /// Words of 64 checks.
    let words: Int
    /// Checks that hold for a value unless something below says otherwise.
    private var assumed: [UInt64]
    private var equal: [[UInt8]: [Int]] = [:]
    /// Checks that stop holding for a value.
    private var unequal: [[UInt8]: [Int]] = [:]
    private var prefixes = PrefixTrie()
    private var suffixes = PrefixTrie()
    private var substrings = SubstringSearch([])
    private var others: [Int] = []
    private let atoms: [Program.Atom]

    init(_ slot: Program.Slot, _ atoms: [Program.Atom]) {
        self.atoms = atoms
        words = (atoms.count + 63) / 64
        assumed = Array(repeating: 0, count: words)
        var contained: [(text: [UInt8], value: Int)] = []
        for (bit, atom) in atoms.enumerated() {
            guard case .field = atom.operand else {
                others.append(bit)
                continue
            }
            guard let comparison = atom.comparison else {
                assumed[bit / 64] |= 1 << UInt64(bit % 64)
                continue
            }
            let isPlainText = slot.kind == .text && comparison.type.isText
            guard isPlainText else {
                others.append(bit)
                continue
            }
            let texts = comparison.constants.map(\.asBytes)
            let isSingle = comparison.comparison.modifier == nil
            switch (comparison.comparison.operator, comparison.comparison.modifier) {
            case (.equal, nil), (.sameAs, nil):
                if let text = texts.first { equal[text, default: []].append(bit) }
            case (.in, _), (.intersects, _), (.equal, .anyof), (.sameAs, .anyof):
                for text in Set(texts) { equal[text, default: []].append(bit) }
            case (.notEqual, nil), (.notEqual, .allof):
                guard !texts.isEmpty else { break }
                assumed[bit / 64] |= 1 << UInt64(bit % 64)
                for text in isSingle ? [texts[0]] : texts { unequal[text, default: []].append(bit) }
            case (.startswith, nil), (.startswith, .anyof):
                for text in isSingle ? Array(texts.prefix(1)) : texts { prefixes.add(text, bit) }
            case (.endswith, nil), (.endswith, .anyof):
                for text in isSingle ? Array(texts.prefix(1)) : texts { suffixes.add(text.reversed(), bit) }
            case (.contains, nil), (.contains, .anyof):
                for text in isSingle ? Array(texts.prefix(1)) : texts { contained.append((text, bit)) }
            default: others.append(bit)
            }
        }
        substrings = SubstringSearch(contained)
    }

    /// The checks that hold for a value whose key is `key`.
    func holds(_ key: [UInt8], _ slot: Program.Slot) -> [UInt64] {
        var bits = assumed
        // Text with a NUL inside ends there for some operators and not for others: ask them one by one.
        guard !key.contains(0) || slot.kind != .text else {
            var bits = [UInt64](repeating: 0, count: words)
            let values = SlotKey.values(key, slot)
            for bit in atoms.indices where holds(atoms[bit], values) { bits[bit / 64] |= 1 << UInt64(bit % 64) }
            return bits
        }
        func set(_ bit: Int) { bits[bit / 64] |= 1 << UInt64(bit % 64) }
        for bit in equal[key] ?? [] { set(bit) }
        for bit in unequal[key] ?? [] { bits[bit / 64] &= ~(1 << UInt64(bit % 64)) }
        if !prefixes.isEmpty { prefixes.walk(key, set) }
        if !suffixes.isEmpty { suffixes.walk(key.reversed(), set) }
        substrings.search(key, set)
        if !others.isEmpty {
            let values = SlotKey.values(key, slot)
            for bit in others where holds(atoms[bit], values) { set(bit) }
        }
        return bits
    }

    private func holds(_ atom: Program.Atom, _ values: [FieldValue]) -> Bool {
        guard let left = atom.operand.values({ _ in values }) else { return false }
        return atom.comparison?.holds(left) ?? true
    }
}

/// A slot's value as the bytes it is interned by.
enum SlotKey {
    static func key(_ values: [FieldValue], _ kind: Program.Slot.Kind) -> [UInt8] {
        switch kind {
        case .text, .number: return values.first?.asBytes ?? []
        case .bool:
            if case .number(let number)? = values.first { return [number != 0 ? 1 : 0] }
            return [0]
        case .numberList: return values.flatMap(\.asBytes)
        case .list:
            var out: [UInt8] = []
            for value in values {
                let bytes = value.asBytes
                let count = UInt32(truncatingIfNeeded: bytes.count)
                for shift in stride(from: UInt32(0), to: 32, by: 8) {
                    out.append(UInt8(truncatingIfNeeded: count >> shift))
                }
                out += bytes
            }
            return out
        }
    }

    static func values(_ key: [UInt8], _ slot: Program.Slot) -> [FieldValue] {
        switch slot.kind {
        case .text, .number: return [.bytes(key)]
        case .bool: return [.number(key.first == 1 ? 1 : 0)]
        case .numberList:
            var out: [FieldValue] = []
            for start in stride(from: 0, to: key.count - key.count % 8, by: 8) {
                var number: UInt64 = 0
                for i in 0..<8 { number |= UInt64(key[start + i]) << UInt64(8 * i) }
                out.append(.number(number))
            }
            return out
        case .list:
            var out: [FieldValue] = []
            var i = 0
            while i + 4 <= key.count {
                var count = 0
                for k in 0..<4 { count |= Int(key[i + k]) << (8 * k) }
                i += 4
                out.append(.bytes(Array(key[i..<min(i + count, key.count)])))
                i += count
            }
            return out
        }
    }
}
