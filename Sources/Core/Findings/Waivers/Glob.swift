/// Whether text matches a pattern in which `*` stands for any run of characters, none included.
///
/// Without a `*` the text must be the pattern. Linear in text times stars; no pattern is slow.
package struct Glob: Sendable, Hashable {
    package let pattern: String
    /// The pieces between the stars.
    private let pieces: [[UInt8]]

    package init(_ pattern: String) {
        self.pattern = pattern
        pieces = pattern.utf8.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(Array.init)
    }

    /// Whether everything matches.
    package var matchesAll: Bool { pieces.count > 1 && pieces.allSatisfy(\.isEmpty) }

    package func matches(_ text: String) -> Bool {
        guard pieces.count > 1 else { return text.utf8.elementsEqual(pieces[0]) }
        return stand(in: Array(text.utf8))
    }

    /// Whether the text, or its beginning up to a `.` or `[`, matches: a field and all below it.
    package func coversPath(_ text: String) -> Bool {
        if matches(text) { return true }
        return text.utf8.indices.contains { index in
            let byte = text.utf8[index]
            guard byte == UInt8(ascii: ".") || byte == UInt8(ascii: "[") else { return false }
            return matches(String(text[..<index]))
        }
    }

    /// Whether the pieces stand in the text in order, the first at its beginning and the last at its end.
    private func stand(in bytes: [UInt8]) -> Bool {
        let first = pieces[0]
        let last = pieces[pieces.count - 1]
        guard bytes.starts(with: first), bytes.count >= first.count + last.count,
            bytes.suffix(last.count).elementsEqual(last)
        else { return false }
        var position = first.count
        let limit = bytes.count - last.count
        for piece in pieces[1..<pieces.count - 1] where !piece.isEmpty {
            guard let found = Self.find(piece, in: bytes, from: position, to: limit) else { return false }
            position = found + piece.count
        }
        return position <= limit
    }

    private static func find(_ piece: [UInt8], in bytes: [UInt8], from start: Int, to end: Int) -> Int? {
        guard end - start >= piece.count else { return nil }
        return (start...(end - piece.count)).first { bytes[$0..<$0 + piece.count].elementsEqual(piece) }
    }
}
