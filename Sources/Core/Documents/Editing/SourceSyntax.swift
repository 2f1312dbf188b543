internal import YAMLEvents

/// How the documents of a text are written: every value with its bytes, anchors, aliases and style.
///
/// The tape says what a text means; this says how it looks, which is what an edit has to keep.
struct SourceSyntax {
    enum Style {
        case plain, singleQuoted, doubleQuoted, blockScalar, alias
        case blockMapping, flowMapping, blockSequence, flowSequence
    }

    /// One value as it is written.
    struct Part {
        var style: Style
        /// First byte, the anchor and tag included.
        var start: Int
        /// First byte behind anchor and tag.
        var content: Int
        /// One past the last byte; block collections end with their last child.
        var end: Int
        var isTagged = false
        /// Elements, or keys and values in turn.
        var children: [Int] = []
        /// The text of a mapping's key.
        var key = ""
        /// The value an alias stands for.
        var target: Int?
        /// An alias of this value, when there is one.
        var use: Int?

        var isBlock: Bool { style == .blockMapping || style == .blockSequence }
        var isFlow: Bool { style == .flowMapping || style == .flowSequence }
        var isMapping: Bool { style == .blockMapping || style == .flowMapping }
        var isSequence: Bool { style == .blockSequence || style == .flowSequence }
        /// A value that is not written at all, like that of `key:`.
        var isUnwritten: Bool { start == end }
    }

    /// A member of a mapping.
    struct Entry {
        var name: String
        var key: Int
        var value: Int
        /// `<<`: its value's members belong to the mapping.
        var isMerge: Bool
    }

    private(set) var parts: [Part] = []
    private(set) var roots: [Int] = []
    /// Whether the text is JSON, where every string is quoted.
    let isJSON: Bool

    /// Documents behind one that cannot be read are not in `roots`.
    init(_ source: SourceText) {
        if let json = Self.jsonTape(source) {
            isJSON = true
            for root in json.roots { roots.append(add(json.tape, root)) }
            return
        }
        isJSON = false
        var builder = Builder(source: source)
        builder.read()
        parts = builder.parts
        roots = builder.roots
    }

    func entries(of mapping: Int) -> [Entry] {
        let children = parts[mapping].children
        return stride(from: 0, to: children.count - 1, by: 2).map { index in
            let key = parts[children[index]]
            return Entry(
                name: key.key, key: children[index], value: children[index + 1],
                isMerge: key.key == "<<" && key.style == .plain && !isJSON)
        }
    }

    // MARK: JSON

    private static func jsonTape(_ source: SourceText) -> (tape: Tape, roots: [Int])? {
        let first = source.bytes.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") || first == 0xEF else { return nil }
        var parser = JSONParser(source: source, options: DocumentReader.Options(checkDuplicateKeys: false))
        do throws(DocumentError) { try parser.parse() } catch { return nil }
        guard !parser.roots.isEmpty else { return nil }
        return (parser.builder.finish(source), parser.roots)
    }

    private mutating func add(_ tape: Tape, _ index: Int) -> Int {
        let node = tape.nodes[index]
        let start = tape.sourceStart(index) ?? 0
        let own = parts.count
        let style: Style =
            switch node.kind {
            case .object: .flowMapping
            case .array: .flowSequence
            case .string: .doubleQuoted
            default: .plain
            }
        parts.append(Part(style: style, start: start, content: start, end: start))
        guard node.isContainer else {
            parts[own].end = tape.sourceEnd(index)
            return own
        }
        var children: [Int] = []
        var end = start + 1
        var child = index + 1
        while child < tape.end(of: index) {
            if node.kind == .object {
                let entry = tape.nodes[child]
                let key = Int(entry.key) - 1
                var part = Part(
                    style: .doubleQuoted, start: key, content: key, end: key + Int(entry.keyLength) + 2)
                part.key = tape.key(child)
                children.append(parts.count)
                parts.append(part)
            }
            children.append(add(tape, child))
            end = parts[children[children.count - 1]].end
            child = tape.end(of: child)
        }
        let bytes = tape.source.bytes
        while end < bytes.count, bytes[end] != UInt8(ascii: "}"), bytes[end] != UInt8(ascii: "]") { end += 1 }
        parts[own].children = children
        parts[own].end = min(end + 1, bytes.count)
        return own
    }

    // MARK: YAML

    private struct Builder {
        let source: SourceText
        var offsets = ScalarOffsets([], in: 0..<0)
        var parts: [Part] = []
        var roots: [Int] = []
        private var stack: [Int] = []
        private var anchors: [String: Int] = [:]

        init(source: SourceText) { self.source = source }

        /// Each part between `---` lines by itself, as the reader does it, so that a broken one hides no other.
        mutating func read() {
            let bytes = source.bytes
            // A byte order mark would count as a column of the first line.
            var position = SourceLines(bytes).first
            while position < bytes.count {
                let end = TextScan.nextMarker(bytes, after: position) ?? bytes.count
                offsets = ScalarOffsets(bytes, in: position..<end)
                stack.removeAll()
                do {
                    try YAMLEventReader.read(bytes, in: position..<end) { event, text in
                        take(event, text)
                        return true
                    }
                } catch {
                    // The document that was being read is not complete; those before it are.
                    if !stack.isEmpty { roots.removeLast() }
                }
                position = end
            }
        }

        private mutating func take(_ event: borrowing YAMLEvent, _ text: Span<UInt8>) {
            let start = offsets[event.start]
            let end = offsets[event.end]
            switch event.kind {
            case .streamEnd, .documentEnd: return
            case .documentStart: anchors.removeAll()
            case .mappingEnd, .sequenceEnd:
                guard let own = stack.popLast() else { return }
                let last = parts[own].children.last.map { parts[$0].end }
                parts[own].end = parts[own].isFlow ? end : last ?? parts[own].content
            case .mappingStart:
                stack.append(begin(.blockMapping, event, start, end))
            case .sequenceStart:
                stack.append(begin(.blockSequence, event, start, end))
            case .alias:
                let own = begin(.alias, event, start, end)
                guard let name = event.anchor, let target = anchors[name] else { return }
                parts[own].target = target
                if parts[target].use == nil { parts[target].use = own }
            case .scalar:
                let style: Style =
                    switch event.style {
                    case .plain: .plain
                    case .singleQuoted: .singleQuoted
                    case .doubleQuoted: .doubleQuoted
                    case .literal, .folded: .blockScalar
                    }
                let own = begin(style, event, start, end)
                parts[own].key = keyText(text, plain: event.style == .plain && event.implicit)
                if style == .blockScalar { trimBlockScalar(own) }
            }
        }

        private mutating func begin(_ style: Style, _ event: borrowing YAMLEvent, _ start: Int, _ end: Int) -> Int {
            var part = Part(style: style, start: start, content: start, end: end)
            if style != .alias, event.anchor != nil || event.tag != nil { part.content = behindProperties(start, end) }
            part.isTagged = event.tag != nil
            if part.isBlock, part.content < source.bytes.count {
                if source.bytes[part.content] == UInt8(ascii: "{") { part.style = .flowMapping }
                if source.bytes[part.content] == UInt8(ascii: "[") { part.style = .flowSequence }
            }
            let own = parts.count
            parts.append(part)
            if let parent = stack.last { parts[parent].children.append(own) } else { roots.append(own) }
            if style != .alias, let anchor = event.anchor { anchors[anchor] = own }
            return own
        }

        /// Kubernetes turns keys that YAML reads as other types into their JSON text.
        private func keyText(_ text: Span<UInt8>, plain: Bool) -> String {
            guard plain, text.count < 25 else { return String(copying: text) }
            switch YAMLScalar.kind(of: text) {
            case .bool: return YAMLScalar.truth(text) ? "true" : "false"
            case .number: return YAMLScalar.integer(text).map { String($0) } ?? String(copying: text)
            default: return String(copying: text)
            }
        }

        /// Behind `&anchor` and `!tag`, in whatever order.
        private func behindProperties(_ start: Int, _ end: Int) -> Int {
            let bytes = source.bytes
            var position = start
            while position < bytes.count, bytes[position] == UInt8(ascii: "&") || bytes[position] == UInt8(ascii: "!") {
                while position < bytes.count, bytes[position] > 0x20 { position += 1 }
                let next = SourceLines(bytes).skippingSpaceAndComments(from: position)
                // Nothing written behind them: the value is the empty one that ends here.
                guard next < bytes.count else { return position }
                position = next
            }
            return position
        }

        /// libyaml ends a block scalar where the next token's line begins; here it ends with its last line, and with
        /// its last empty line where the header keeps those (`|+`).
        private mutating func trimBlockScalar(_ own: Int) {
            let bytes = source.bytes
            let content = parts[own].content
            var end = parts[own].end
            var header = content
            var keeps = false
            while header < end, bytes[header] != 0x0A, bytes[header] != UInt8(ascii: "#") {
                if bytes[header] == UInt8(ascii: "+") { keeps = true }
                header += 1
            }
            while end > content, bytes[end - 1] == 0x20 { end -= 1 }
            while end > content, bytes[end - 1] == 0x0A || bytes[end - 1] == 0x0D {
                let wasBreak = bytes[end - 1] == 0x0A
                end -= 1
                if wasBreak, end > content, bytes[end - 1] == 0x0D { end -= 1 }
                if keeps { break }
                var blank = end
                while blank > content, bytes[blank - 1] == 0x20 { blank -= 1 }
                if blank > content, bytes[blank - 1] == 0x0A { end = blank }
            }
            parts[own].end = end
        }
    }
}

/// Byte offsets of Unicode scalars in a part of a text, which is what libyaml counts.
private struct ScalarOffsets {
    /// Empty for ASCII, where both are the same.
    private var offsets: [UInt32] = []
    private let range: Range<Int>

    init(_ bytes: [UInt8], in range: Range<Int>) {
        self.range = range
        guard !TextScan.isASCII(bytes, in: range) else { return }
        offsets.reserveCapacity(range.count)
        for index in range where bytes[index] & 0xC0 != 0x80 { offsets.append(UInt32(index)) }
    }

    subscript(_ scalar: Int) -> Int {
        if offsets.isEmpty { return min(range.lowerBound + scalar, range.upperBound) }
        return scalar < offsets.count ? Int(offsets[scalar]) : range.upperBound
    }
}
