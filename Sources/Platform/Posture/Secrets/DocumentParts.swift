/// A stream of YAML documents in parts of whole documents, so that a long one is never held as a tree at once.
///
/// Standard: YAML 1.2.2, rule 206 (`c-forbidden`): `---` at the beginning of a line ends a document wherever it stands.
struct DocumentParts: Sequence, IteratorProtocol {
    struct Part {
        var bytes: [UInt8]
        /// Lines before the part.
        var lines: Int
    }

    private let bytes: [UInt8]
    private let size: Int
    private var start = 0
    private var lines = 0

    /// Texts shorter than this are one part.
    static let usualSize = 1 << 20

    init(_ bytes: [UInt8], size: Int = usualSize) {
        self.bytes = bytes
        self.size = Self.isOneDocument(bytes) ? .max : size
    }

    mutating func next() -> Part? {
        guard start < bytes.count else { return nil }
        let end = boundary(from: start)
        let part = Part(bytes: start == 0 && end == bytes.count ? bytes : Array(bytes[start..<end]), lines: lines)
        if end < bytes.count {
            lines += bytes[start..<end].count { $0 == 0x0A }
        }
        start = end
        return part
    }

    /// The first beginning of a document that is a part's length away, or the end.
    private func boundary(from start: Int) -> Int {
        guard bytes.count - start > size else { return bytes.count }
        let text = bytes.span
        var i = start + size
        while i < text.count {
            if text[i] == UInt8(ascii: "-"), text[i - 1] == 0x0A, isMark(text, i) { return i }
            i += 1
        }
        return text.count
    }

    private func isMark(_ text: Span<UInt8>, _ place: Int) -> Bool {
        guard place + 3 < text.count, text[place + 1] == UInt8(ascii: "-"), text[place + 2] == UInt8(ascii: "-") else {
            return false
        }
        return [0x20, 0x09, 0x0A, 0x0D].contains(text[place + 3])
    }

    /// JSON is read whole, and so is a stream with directives, which stand before the mark they belong to.
    private static func isOneDocument(_ bytes: [UInt8]) -> Bool {
        let text = bytes.span
        var i = 0
        while i < text.count, [0x20, 0x09, 0x0A, 0x0D].contains(text[i]) { i += 1 }
        if i < text.count, text[i] == UInt8(ascii: "{") || text[i] == UInt8(ascii: "[") { return true }
        for i in text.indices where text[i] == UInt8(ascii: "%") && (i == 0 || text[i - 1] == 0x0A) { return true }
        return false
    }
}
