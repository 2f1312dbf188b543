/// JSON bytes to a tape, without recursion.
///
/// Standard: RFC 8259. Values may follow one another with white space between them, as `kubectl` prints streams.
struct JSONParser: ~Copyable {
    static let maximumDepth = 1000

    let source: SourceText
    let options: DocumentReader.Options
    var builder = TapeBuilder()
    var roots: [Int] = []
    var problems = ProblemList()

    init(source: SourceText, options: DocumentReader.Options) {
        self.source = source
        self.options = options
        // A node for every 14 bytes is what API answers have.
        builder.nodes.reserveCapacity(source.bytes.count / 14 + 16)
    }

    /// Roots that were read to their end.
    private(set) var completeRoots: [Int] = []

    private struct Frame {
        var index: Int
        var isObject: Bool
        /// Nodes below here are dropped when the container closes (`managedFields`).
        var dropFrom: Int
        /// The container it stands in; -1 for a root.
        var parent: Int
    }

    /// Reads every value; stops at the first syntax error.
    mutating func parse() throws(DocumentError) {
        let stored = source.bytes
        let bytes = stored.span
        let count = bytes.count
        var stack: [Frame] = []
        var position = 0
        if count >= 3, bytes[0] == 0xEF, bytes[1] == 0xBB, bytes[2] == 0xBF { position = 3 }
        var keyStart = 0
        var keyLength = 0
        var keyFlags: TapeNode.Flags = []
        var expectComma = false

        while true {
            // White space.
            while position < count {
                let byte = bytes[position]
                guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { break }
                position += 1
            }
            guard position < count else { break }
            var byte = bytes[position]

            if let frame = stack.last {
                let closing = frame.isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
                if byte == closing {
                    position += 1
                    close(frame)
                    stack.removeLast()
                    expectComma = !stack.isEmpty
                    if stack.isEmpty { completeRoots.append(frame.index) }
                    continue
                }
                if expectComma {
                    guard byte == UInt8(ascii: ",") else {
                        throw failure(position, "expected \",\" or \"\(Character(Unicode.Scalar(closing)))\"")
                    }
                    position = skipSpace(bytes, position + 1)
                    guard position < count else { break }
                    byte = bytes[position]
                    if byte == closing { throw failure(position, "a value is missing behind the last \",\"") }
                }
                if frame.isObject {
                    guard byte == UInt8(ascii: "\"") else { throw failure(position, "expected a key in quotes") }
                    let (end, escaped) = try scanString(bytes, position + 1)
                    keyStart = position + 1
                    keyLength = end - keyStart
                    keyFlags = escaped ? .keyEscaped : []
                    if keyLength > Int(UInt16.max) {
                        keyFlags = .keySide
                        let text = bytes.extracting(keyStart..<end)
                        let plain = escaped ? JSONText.unescaped(text) : []
                        keyStart = Int(
                            escaped
                                ? builder.addSide(plain.span, from: keyStart - 1, to: end + 1)
                                : builder.addSide(text, from: keyStart - 1, to: end + 1))
                        keyLength = 0
                    }
                    position = skipSpace(bytes, end + 1)
                    guard position < count else { break }
                    guard bytes[position] == UInt8(ascii: ":") else {
                        throw failure(position, "expected \":\" behind the key")
                    }
                    position = skipSpace(bytes, position + 1)
                    guard position < count else { break }
                    byte = bytes[position]
                } else {
                    keyStart = 0
                    keyLength = 0
                    keyFlags = []
                }
            } else {
                roots.append(builder.nodes.count)
                keyStart = 0
                keyLength = 0
                keyFlags = []
            }

            var node = TapeNode(
                start: UInt32(truncatingIfNeeded: position), extent: 0, key: UInt32(truncatingIfNeeded: keyStart),
                keyLength: UInt16(truncatingIfNeeded: keyLength), kind: .null, flags: keyFlags)
            switch byte {
            case UInt8(ascii: "\""):
                let (end, escaped) = try scanString(bytes, position + 1)
                node.kind = .string
                node.start += 1
                node.extent = UInt32(truncatingIfNeeded: end - position - 1)
                node.flags.insert(escaped ? [.quoted, .escaped] : .quoted)
                builder.nodes.append(node)
                position = end + 1
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard stack.count < Self.maximumDepth else {
                    throw DocumentError(
                        .tooDeep, at: source.location(at: position),
                        "nested more than \(Self.maximumDepth) levels deep; no Kubernetes object is")
                }
                node.kind = byte == UInt8(ascii: "{") ? .object : .array
                var dropFrom = -1
                if options.dropManagedFields, node.kind == .array, keyLength == 13,
                    builderKeyIs("managedFields", bytes, keyStart)
                {
                    dropFrom = builder.nodes.count
                }
                stack.append(
                    Frame(
                        index: builder.nodes.count, isObject: node.kind == .object, dropFrom: dropFrom,
                        parent: stack.last?.index ?? -1))
                builder.nodes.append(node)
                position += 1
                expectComma = false
                continue
            default:
                let end = try scanLiteral(bytes, position, &node)
                builder.nodes.append(node)
                position = end
            }
            expectComma = !stack.isEmpty
            if stack.isEmpty { completeRoots.append(builder.nodes.count - 1) }
        }
        if let frame = stack.last {
            let opened = source.location(at: Int(builder.nodes[frame.index].start))
            throw failure(count, "the text ends inside the value that begins at line \(opened.line)")
        }
    }

    private mutating func close(_ frame: Frame) {
        if frame.dropFrom >= 0 {
            builder.nodes.removeSubrange(frame.dropFrom...)
            if frame.parent >= 0 { builder.nodes[frame.parent].flags.insert(.edited) }
            return
        }
        for lost in builder.close(frame.index, source: source, checkKeys: options.checkDuplicateKeys) {
            problems.appendDuplicate(at: builder.keyStart(lost), source) { builder.key(lost, source) }
        }
    }

    private func builderKeyIs(_ text: StaticString, _ bytes: Span<UInt8>, _ start: Int) -> Bool {
        bytes[start] == UInt8(ascii: "m") && bytes[start + 7] == UInt8(ascii: "F")
            && String(copying: bytes.extracting(start..<start + 13)) == "\(text)"
    }

    @inline(__always)
    private func skipSpace(_ bytes: Span<UInt8>, _ start: Int) -> Int {
        var position = start
        while position < bytes.count {
            let byte = bytes[position]
            guard byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 else { break }
            position += 1
        }
        return position
    }

    /// From behind the opening quote to the closing one.
    @inline(__always)
    private func scanString(_ bytes: Span<UInt8>, _ start: Int) throws(DocumentError) -> (end: Int, escaped: Bool) {
        var position = start
        var escaped = false
        let count = bytes.count
        while position < count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") { return (position, escaped) }
            if byte == UInt8(ascii: "\\") {
                escaped = true
                try checkEscape(bytes, position)
                position += 2
            } else {
                if byte < 0x20 { throw failure(position, "a control character inside a string; write it as an escape") }
                position += 1
            }
        }
        throw failure(start - 1, "the string that begins here has no end")
    }

    private func checkEscape(_ bytes: Span<UInt8>, _ position: Int) throws(DocumentError) {
        guard position + 1 < bytes.count else { throw failure(position, "the text ends inside an escape") }
        switch bytes[position + 1] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return
        case UInt8(ascii: "u"):
            for i in position + 2..<position + 6 {
                guard i < bytes.count, JSONText.hexDigit(bytes[i]) != nil else {
                    throw failure(position, "\"\\u\" needs four hexadecimal digits")
                }
            }
        default: throw failure(position, "JSON knows no such escape")
        }
    }

    /// A number, `true`, `false` or `null`; gives the offset behind it.
    private func scanLiteral(_ bytes: Span<UInt8>, _ start: Int, _ node: inout TapeNode) throws(DocumentError) -> Int {
        var end = start
        while end < bytes.count {
            switch bytes[end] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "E"),
                UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                end += 1
                continue
            default: break
            }
            break
        }
        node.extent = UInt32(truncatingIfNeeded: end - start)
        let text = bytes.extracting(start..<end)
        switch text.count > 0 ? text[0] : 0 {
        case UInt8(ascii: "t") where matches(text, "true"): node.kind = .bool
        case UInt8(ascii: "f") where matches(text, "false"): node.kind = .bool
        case UInt8(ascii: "n") where matches(text, "null"): node.kind = .null
        case _ where Self.isNumber(text): node.kind = .number
        default:
            throw failure(start, "expected a value; strings stand in double quotes")
        }
        return end
    }

    private func matches(_ text: Span<UInt8>, _ word: String) -> Bool {
        let wanted = word.utf8.span
        guard text.count == wanted.count else { return false }
        for i in text.indices where text[i] != wanted[i] { return false }
        return true
    }

    static func isNumber(_ text: Span<UInt8>) -> Bool {
        var i = 0
        func digits(_ i: inout Int) -> Int {
            let start = i
            while i < text.count, 0x30...0x39 ~= text[i] { i += 1 }
            return i - start
        }
        if i < text.count, text[i] == UInt8(ascii: "-") { i += 1 }
        let first = i
        let whole = digits(&i)
        guard whole > 0, whole == 1 || text[first] != UInt8(ascii: "0") else { return false }
        if i < text.count, text[i] == UInt8(ascii: ".") {
            i += 1
            guard digits(&i) > 0 else { return false }
        }
        if i < text.count, text[i] == UInt8(ascii: "e") || text[i] == UInt8(ascii: "E") {
            i += 1
            if i < text.count, text[i] == UInt8(ascii: "+") || text[i] == UInt8(ascii: "-") { i += 1 }
            guard digits(&i) > 0 else { return false }
        }
        return i == text.count
    }

    private func failure(_ position: Int, _ message: String) -> DocumentError {
        DocumentError(.syntax, at: source.location(at: position), message)
    }
}

extension DocumentError {
    static func duplicateKey(_ key: String, at location: SourceLocation) -> DocumentError {
        DocumentError(
            .duplicateKey, at: location,
            "duplicate key \(JSONText.quoted(key)); Kubernetes keeps the last, remove the other")
    }
}
