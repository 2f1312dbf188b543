internal import YAMLEvents

/// YAML events to a tape: anchors and aliases expanded within bounds, merge keys applied, types resolved as
/// Kubernetes resolves them.
///
/// A broken document does not hide the others of its file: reading goes on at the next line that begins with `---`.
struct YAMLComposer: ~Copyable {
    static let maximumDepth = 1000
    /// Nodes that aliases may add to one document; far above any manifest, far below harm.
    static let maximumExpansion = 500_000

    let source: SourceText
    let options: DocumentReader.Options
    var builder = TapeBuilder()
    var roots: [Int] = []
    var problems: [DocumentError] = []

    init(source: SourceText, options: DocumentReader.Options) {
        self.source = source
        self.options = options
        builder.nodes.reserveCapacity(source.bytes.count / 18 + 16)
    }

    private struct Frame {
        var index: Int
        var isObject: Bool
        var awaitsKey: Bool
        var hasMerge = false
        var anchor: String?
    }

    private struct Key {
        var start: UInt32 = 0
        var length: UInt16 = 0
        var flags: TapeNode.Flags = []
        var isMerge = false
    }

    /// Where the events of the current read begin, and a cursor from Unicode scalars to bytes.
    private struct Cursor {
        var byte: Int
        var scalar = 0
    }

    private var stack: [Frame] = []
    private var anchors: [String: Range<Int>] = [:]
    private var openAnchors: Set<String> = []
    private var key = Key()
    private var expansion = 0
    private var cursor = Cursor(byte: 0)
    /// Nodes of merge members, told from ordinary `"<<"` keys.
    private var mergeNodes: Set<Int> = []

    mutating func parse() {
        // libyaml counts a byte order mark as a column, which would set the first line apart from the rest.
        var from = source.bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        while from < source.bytes.count {
            cursor = Cursor(byte: from)
            resetDocument()
            let rootsBefore = roots.count
            var documentStart = from
            do {
                var failed: DocumentError?
                try YAMLEventReader.read(source.bytes, from: from) { event, text in
                    if event.kind == .documentStart {
                        documentStart = offset(event.start)
                        resetDocument()
                    }
                    do throws(DocumentError) { try take(event, text) } catch {
                        failed = error
                        return false
                    }
                    return true
                }
                guard let failed else { return }
                abandon(rootsBefore)
                problems.append(failed)
            } catch let error as YAMLReadError {
                abandon(rootsBefore)
                problems.append(describe(error))
            } catch {
                preconditionFailure("the event reader throws nothing else")
            }
            from = nextDocument(after: documentStart)
        }
    }

    private mutating func resetDocument() {
        stack.removeAll(keepingCapacity: true)
        anchors.removeAll(keepingCapacity: true)
        openAnchors.removeAll(keepingCapacity: true)
        key = Key()
        expansion = 0
        mergeNodes.removeAll(keepingCapacity: true)
    }

    /// Takes back the nodes of the document that was being read; the complete ones before it stay.
    private mutating func abandon(_ rootsBefore: Int) {
        guard roots.count > rootsBefore, let last = roots.last, !stack.isEmpty || last >= builder.nodes.count else {
            return
        }
        builder.nodes.removeSubrange(last...)
        roots.removeLast()
    }

    /// Offset of the first line behind `start`'s line that begins with the document marker.
    private func nextDocument(after start: Int) -> Int {
        let stored = source.bytes
        let bytes = stored.span
        var position = start
        while position < bytes.count {
            while position < bytes.count, bytes[position] != 0x0A { position += 1 }
            position += 1
            if position + 2 < bytes.count, bytes[position] == 0x2D, bytes[position + 1] == 0x2D,
                bytes[position + 2] == 0x2D,
                position + 3 == bytes.count || bytes[position + 3] == 0x0A || bytes[position + 3] == 0x20
                    || bytes[position + 3] == 0x0D || bytes[position + 3] == 0x09
            {
                return position
            }
        }
        return bytes.count
    }

    /// The byte offset of a scalar index; events come nearly in order, so the cursor moves little.
    private mutating func offset(_ scalar: Int) -> Int {
        let stored = source.bytes
        let bytes = stored.span
        while cursor.scalar < scalar, cursor.byte < bytes.count {
            cursor.byte += 1
            while cursor.byte < bytes.count, bytes[cursor.byte] & 0xC0 == 0x80 { cursor.byte += 1 }
            cursor.scalar += 1
        }
        while cursor.scalar > scalar, cursor.byte > 0 {
            cursor.byte -= 1
            while cursor.byte > 0, bytes[cursor.byte] & 0xC0 == 0x80 { cursor.byte -= 1 }
            cursor.scalar -= 1
        }
        return cursor.byte
    }

    private mutating func take(_ event: YAMLEvent, _ text: Span<UInt8>) throws(DocumentError) {
        switch event.kind {
        case .streamEnd, .documentEnd: return
        case .documentStart: return
        case .scalar: try scalar(event, text)
        case .alias: try alias(event)
        case .mappingStart, .sequenceStart: try open(event)
        case .mappingEnd, .sequenceEnd: try close()
        }
    }

    /// The node's key, and the bookkeeping of whose turn is next.
    private mutating func beginValue() -> Key {
        guard let top = stack.indices.last else {
            roots.append(builder.nodes.count)
            return Key()
        }
        guard stack[top].isObject else { return Key() }
        stack[top].awaitsKey = true
        if key.isMerge { stack[top].hasMerge = true }
        return key
    }

    private var awaitsKey: Bool { stack.last?.isObject == true && stack.last?.awaitsKey == true }

    private mutating func scalar(_ event: YAMLEvent, _ text: Span<UInt8>) throws(DocumentError) {
        let start = offset(event.start)
        let end = offset(event.end)
        if awaitsKey {
            stack[stack.count - 1].awaitsKey = false
            key = makeKey(event, text, start, end)
            if let anchor = event.anchor { anchors[anchor] = builder.nodes.count..<builder.nodes.count }
            return
        }
        let key = beginValue()
        var node = TapeNode(
            start: UInt32(start), extent: UInt32(text.count), key: key.start, keyLength: key.length, kind: .string,
            flags: key.flags)
        if event.style == .plain, event.implicit { node.kind = YAMLScalar.kind(of: text) }
        if let tag = event.tag { node.kind = kind(tagged: tag, text) }
        place(text, event.style, start, end, &node)
        if let anchor = event.anchor { anchors[anchor] = builder.nodes.count..<builder.nodes.count + 1 }
        if key.isMerge { mergeNodes.insert(builder.nodes.count) }
        builder.nodes.append(node)
    }

    private func kind(tagged tag: String, _ text: Span<UInt8>) -> NodeKind {
        switch tag {
        case "tag:yaml.org,2002:null": .null
        case "tag:yaml.org,2002:bool": YAMLScalar.kind(of: text) == .bool ? .bool : .string
        case "tag:yaml.org,2002:int", "tag:yaml.org,2002:float": YAMLScalar.isNumber(text) ? .number : .string
        default: .string
        }
    }

    /// Points the node at its text in the source where it stands there as it is, else keeps a copy.
    private mutating func place(
        _ text: Span<UInt8>, _ style: YAMLEvent.ScalarStyle, _ start: Int, _ end: Int, _ node: inout TapeNode
    ) {
        switch style {
        case .plain where end - start == text.count: return
        case .singleQuoted where end - start == text.count + 2 && source.bytes[start] == UInt8(ascii: "'"),
            .doubleQuoted where end - start == text.count + 2 && source.bytes[start] == UInt8(ascii: "\""):
            node.start += 1
            node.flags.insert(.quoted)
        default:
            node.extent = builder.addSide(text, sourceEnd: trimmedEnd(start, end, style))
            node.flags.insert(style == .singleQuoted || style == .doubleQuoted ? [.side, .quoted] : .side)
        }
    }

    /// Block scalars end, for libyaml, where the next token begins; the text itself ends with its last line.
    private func trimmedEnd(_ start: Int, _ end: Int, _ style: YAMLEvent.ScalarStyle) -> Int {
        guard style == .literal || style == .folded || style == .plain else { return end }
        var last = end
        while last > start,
            source.bytes[last - 1] == 0x0A || source.bytes[last - 1] == 0x20 || source.bytes[last - 1] == 0x0D
        {
            last -= 1
        }
        return last
    }

    private mutating func makeKey(_ event: YAMLEvent, _ text: Span<UInt8>, _ start: Int, _ end: Int) -> Key {
        var out = Key(start: UInt32(start), length: UInt16(truncatingIfNeeded: text.count))
        if event.style == .plain, event.implicit {
            out.isMerge = text.count == 2 && text[0] == UInt8(ascii: "<") && text[1] == UInt8(ascii: "<")
            // Kubernetes turns keys that YAML reads as other types into their JSON text.
            switch text.count < 25 ? YAMLScalar.kind(of: text) : .string {
            case .bool:
                let word = YAMLScalar.truth(text) ? "true" : "false"
                if String(copying: text) != word { return sideKey(word.utf8.span, end) }
            case .number:
                if let value = YAMLScalar.integer(text), String(value) != String(copying: text) {
                    return sideKey(String(value).utf8.span, end)
                }
            case .null:
                if text.count != 4 { return sideKey("null".utf8.span, end) }
            default: break
            }
        }
        let quotes = event.style == .singleQuoted || event.style == .doubleQuoted ? 1 : 0
        if text.count <= Int(UInt16.max), end - start == text.count + 2 * quotes {
            out.start += UInt32(quotes)
            return out
        }
        return sideKey(text, end)
    }

    private mutating func sideKey(_ text: Span<UInt8>, _ end: Int) -> Key {
        Key(start: builder.addSide(text, sourceEnd: end), length: 0, flags: .keySide)
    }

    private mutating func open(_ event: YAMLEvent) throws(DocumentError) {
        let start = offset(event.start)
        guard stack.count < Self.maximumDepth else {
            throw DocumentError(
                .tooDeep, at: source.location(at: start),
                "nested more than \(Self.maximumDepth) levels deep; no Kubernetes object is")
        }
        guard !awaitsKey else {
            throw DocumentError(
                .badKey, at: source.location(at: start),
                "a key must be text, not \(event.kind == .mappingStart ? "a mapping" : "a list")")
        }
        let key = beginValue()
        let isObject = event.kind == .mappingStart
        if let anchor = event.anchor { openAnchors.insert(anchor) }
        if key.isMerge { mergeNodes.insert(builder.nodes.count) }
        stack.append(Frame(index: builder.nodes.count, isObject: isObject, awaitsKey: isObject, anchor: event.anchor))
        builder.nodes.append(
            TapeNode(
                start: UInt32(start), extent: 0, key: key.start, keyLength: key.length,
                kind: isObject ? .object : .array, flags: key.flags))
    }

    private mutating func close() throws(DocumentError) {
        guard let frame = stack.popLast() else { return }
        if frame.hasMerge { try merge(into: frame.index) }
        for lost in builder.close(frame.index, source: source, checkKeys: options.checkDuplicateKeys || frame.hasMerge)
        {
            let node = builder.nodes[lost]
            // A merged value that an explicit one replaces is what merge keys are for.
            if node.flags.contains(.aliased) || frame.hasMerge { continue }
            let place = node.flags.contains(.keySide) ? Int(node.start) : Int(node.key)
            problems.append(.duplicateKey(builder.key(lost, source), at: source.location(at: place)))
        }
        if let anchor = frame.anchor {
            openAnchors.remove(anchor)
            anchors[anchor] = frame.index..<builder.nodes.count
        }
    }

    private mutating func alias(_ event: YAMLEvent) throws(DocumentError) {
        let start = offset(event.start)
        let name = event.anchor ?? ""
        guard !openAnchors.contains(name) else {
            throw DocumentError(
                .badAlias, at: source.location(at: start), "alias \"*\(name)\" stands inside the value it names")
        }
        guard let range = anchors[name] else {
            throw DocumentError(
                .badAlias, at: source.location(at: start), "alias \"*\(name)\" names no anchor before it")
        }
        guard !awaitsKey else {
            throw DocumentError(
                .badKey, at: source.location(at: start), "an alias as a key is not read; write the key out")
        }
        let key = beginValue()
        guard !range.isEmpty else {
            throw DocumentError(
                .badAlias, at: source.location(at: start), "alias \"*\(name)\" names a key; write the value out")
        }
        expansion += range.count
        guard expansion <= Self.maximumExpansion else {
            throw DocumentError(
                .aliasBomb, at: source.location(at: start),
                "aliases expand to more than \(Self.maximumExpansion) values; this is an attack or a mistake")
        }
        let target = builder.nodes.count
        if key.isMerge { mergeNodes.insert(target) }
        appendCopy(of: range)
        builder.nodes[target].key = key.start
        builder.nodes[target].keyLength = key.length
        builder.nodes[target].flags.subtract([.keySide, .keyEscaped, .shadowed])
        builder.nodes[target].flags.formUnion(key.flags)
    }

    private mutating func appendCopy(of range: Range<Int>) {
        let shift = builder.nodes.count - range.lowerBound
        for index in range {
            var node = builder.nodes[index]
            if node.isContainer { node.extent += UInt32(shift) }
            node.flags.insert(.aliased)
            builder.nodes.append(node)
        }
    }

    /// Replaces every merge member of the open mapping at `index` by the members it brings.
    ///
    /// go-yaml 2 applies keys and merges in the order written and the last one wins; so does this.
    private mutating func merge(into index: Int) throws(DocumentError) {
        let tail = Array(builder.nodes[(index + 1)...])
        let base = index + 1
        let merges = mergeNodes
        builder.nodes.removeSubrange(base...)
        var position = 0
        while position < tail.count {
            let end = tail[position].isContainer ? Int(tail[position].extent) - base : position + 1
            if merges.contains(base + position) {
                mergeNodes.remove(base + position)
                try appendMerged(tail, position, end, base)
            } else {
                appendShifted(tail[position..<end], by: builder.nodes.count - (base + position), aliased: false)
            }
            position = end
        }
    }

    private mutating func appendMerged(_ tail: [TapeNode], _ position: Int, _ end: Int, _ base: Int)
        throws(DocumentError)
    {
        func members(of index: Int) -> [Range<Int>] {
            var out: [Range<Int>] = []
            var child = index + 1
            let end = Int(tail[index].extent) - base
            while child < end {
                let next = tail[child].isContainer ? Int(tail[child].extent) - base : child + 1
                out.append(child..<next)
                child = next
            }
            return out
        }
        let sources: [Int]
        switch tail[position].kind {
        case .object: sources = [position]
        case .array:
            // Earlier mappings of a list win, so the last is applied first.
            sources = members(of: position).map(\.lowerBound).reversed()
        default: sources = []
        }
        guard !sources.isEmpty || tail[position].kind == .array, sources.allSatisfy({ tail[$0].kind == .object }) else {
            throw DocumentError(
                .badKey, at: source.location(at: Int(tail[position].start)),
                "\"<<\" merges a mapping or a list of mappings, nothing else")
        }
        for source in sources {
            for member in members(of: source) where !tail[member.lowerBound].flags.contains(.shadowed) {
                appendShifted(tail[member], by: builder.nodes.count - (base + member.lowerBound), aliased: true)
            }
        }
    }

    private mutating func appendShifted(_ nodes: ArraySlice<TapeNode>, by shift: Int, aliased: Bool) {
        for var node in nodes {
            if node.isContainer { node.extent = UInt32(Int(node.extent) + shift) }
            if aliased { node.flags.insert(.aliased) }
            builder.nodes.append(node)
        }
    }

    private mutating func describe(_ error: YAMLReadError) -> DocumentError {
        let place = source.location(at: offset(error.offset))
        if source.bytes.contains(0) || error.problem.contains("control characters") || error.problem.contains("UTF-8") {
            return DocumentError(.binary, at: place, "not text (\(error.problem)); manifests are UTF-8 YAML or JSON")
        }
        if DocumentReader.looksLikeHelmTemplate(source.bytes) {
            return DocumentError(
                .helmTemplate, at: place,
                "an unrendered Helm template; scan the chart's folder (needs helm) or the output of `helm template`")
        }
        let context = error.context.map { " \($0)" } ?? ""
        return DocumentError(.syntax, at: place, "not valid YAML: \(error.problem)\(context)")
    }
}
