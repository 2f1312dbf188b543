/// What names that were judged lately say: a text has few names, each many times.
struct NameMemory: Sendable {
    private enum Answer: Sendable {
        case unknown
        case known(CredentialName?)
    }

    /// Longer names are judged each time.
    private static let longest = 32
    private static let places = 128

    private var answers = [Answer](repeating: .unknown, count: places)
    private var lengths = [UInt8](repeating: 0, count: places)
    private var bytes = [UInt8](repeating: 0, count: places * longest)

    /// What the name at `range` says of its value; nothing where it is no credential's.
    mutating func name(_ text: Span<UInt8>, _ range: Range<Int>) -> CredentialName? {
        guard range.count <= Self.longest else { return Self.judged(text, range) }
        let place = Self.place(text, range)
        if case .known(let name) = answers[place], isSame(text, range, place) { return name }
        let name = Self.judged(text, range)
        answers[place] = .known(name)
        lengths[place] = UInt8(range.count)
        for (offset, i) in range.enumerated() { bytes[place * Self.longest + offset] = text[i] }
        return name
    }

    private func isSame(_ text: Span<UInt8>, _ range: Range<Int>, _ place: Int) -> Bool {
        guard Int(lengths[place]) == range.count else { return false }
        var kept = place * Self.longest
        for i in range {
            guard bytes[kept] == text[i] else { return false }
            kept += 1
        }
        return true
    }

    /// Source of the constants: FNV-1a, the IETF draft of Fowler, Noll, Vo and Eastlake.
    private static func place(_ text: Span<UInt8>, _ range: Range<Int>) -> Int {
        var hash: UInt32 = 2_166_136_261
        for i in range { hash = (hash ^ UInt32(text[i])) &* 16_777_619 }
        return Int((hash ^ hash >> 16) % UInt32(places))
    }

    private static func judged(_ text: Span<UInt8>, _ range: Range<Int>) -> CredentialName? {
        let written = String(copying: text, range)
        // SQL: `IDENTIFIED BY 'value'`.
        return CredentialName(written)
            ?? (written.lowercased().hasPrefix("identified") ? CredentialName("password") : nil)
    }
}
