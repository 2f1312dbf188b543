internal import YAMLEvents

/// One event at a time: scalars, keys, containers and aliases.
extension YAMLComposer {
    mutating func take(_ event: borrowing YAMLEvent, _ text: Span<UInt8>) throws(DocumentError) {
        switch event.kind {
        case .scalar: try scalar(event, text)
        case .mappingStart, .sequenceStart: try open(event)
        case .mappingEnd, .sequenceEnd: try close()
        case .alias: try alias(event)
        case .streamEnd, .documentStart, .documentEnd: return
        }
    }

    private var awaitsKey: Bool {
        guard let top = stack.indices.last else { return false }
        return stack[top].awaitsKey
    }

    /// The node's key, and the bookkeeping of whose turn is next.
    private mutating func beginValue() -> Key {
        guard let top = stack.indices.last else {
            roots.append(builder.nodes.count)
            return Key()
        }
        guard stack[top].isObject else { return Key() }
        stack[top].awaitsKey = true
        return key
    }

    private func failure(_ code: DocumentError.Code, _ start: Int, _ message: String) -> DocumentError {
        DocumentError(code, at: source.location(at: start), message)
    }

    // MARK: Scalars

    private mutating func scalar(_ event: borrowing YAMLEvent, _ text: Span<UInt8>) throws(DocumentError) {
        decodeCount += 1
        var start = offset(event.start)
        let end = offset(event.end)
        if event.anchor != nil || event.tag != nil { start = behindProperties(start, end) }
        var node = TapeNode(
            start: UInt32(start), extent: UInt32(text.count), key: 0, keyLength: 0, kind: .string, flags: [])
        if let tag = event.tag {
            switch YAMLTag.resolve(tag, text) {
            case .kind(let kind):
                node.kind = kind
                try place(text, event, start, end, &node)
            case .decoded(let bytes):
                node.extent = builder.addSide(bytes.span, from: start, to: trimmedEnd(start, end))
                node.flags = .side
            case .refused(let why):
                throw failure(
                    .badValue, start, "\(JSONText.quoted(String(copying: text))) is \(why); Kubernetes refuses it")
            }
        } else {
            if event.implicit { node.kind = YAMLScalar.kind(of: text) }
            try place(text, event, start, end, &node)
        }
        if awaitsKey {
            stack[stack.count - 1].awaitsKey = false
            if let anchor = event.anchor { anchors[anchor] = .key(node) }
            key = try makeKey(node, text)
            if text.count == 2, text[0] == UInt8(ascii: "<"), text[1] == UInt8(ascii: "<") {
                key.isMerge = event.implicit || event.tag == YAMLTag.merge
            }
            return
        }
        if node.kind == .number, text.count <= 5, YAMLScalar.notFinite(text) != nil {
            throw failure(
                .badValue, start, "\(String(copying: text)) is a number JSON has no word for; Kubernetes refuses it")
        }
        let key = beginValue()
        guard !key.isMerge else { throw notAMapping(start) }
        if let anchor = event.anchor { anchors[anchor] = .value(builder.nodes.count) }
        node.setKey(key)
        builder.nodes.append(node)
    }

    func notAMapping(_ start: Int) -> DocumentError {
        failure(.badKey, start, "\"<<\" merges a mapping or a list of mappings, nothing else")
    }

    /// Points the node at its text in the source where it stands there as it is, else keeps a copy.
    private mutating func place(
        _ text: Span<UInt8>, _ event: borrowing YAMLEvent, _ start: Int, _ end: Int, _ node: inout TapeNode
    ) throws(DocumentError) {
        switch event.style {
        case .plain:
            if end - start == text.count, !event.multiline { return }
        case .singleQuoted, .doubleQuoted:
            let escapes = event.style == .doubleQuoted ? try hasEscapes(start, end) : false
            if end - start == text.count + 2, !event.multiline, !escapes {
                node.start += 1
                node.flags = .quoted
                return
            }
            node.flags = .quoted
        case .literal, .folded: break
        }
        node.extent = builder.addSide(text, from: start, to: node.flags == .quoted ? end : trimmedEnd(start, end))
        node.flags.insert(.side)
    }

    private func hasEscapes(_ start: Int, _ end: Int) throws(DocumentError) -> Bool {
        let stored = source.bytes
        let bytes = stored.span
        var found = false
        var position = start
        while position < end {
            if bytes[position] == UInt8(ascii: "\\") {
                found = true
                position += 1
                if position < end, bytes[position] == UInt8(ascii: "/") {
                    throw failure(
                        .syntax, position - 1, "YAML has no escape \"\\/\" for Kubernetes; write the slash alone")
                }
            }
            position += 1
        }
        return found
    }

    /// Block scalars end, for libyaml, where the next token begins; the text itself ends with its last line.
    private func trimmedEnd(_ start: Int, _ end: Int) -> Int {
        let stored = source.bytes
        let bytes = stored.span
        var last = end
        while last > start, bytes[last - 1] == 0x0A || bytes[last - 1] == 0x20 || bytes[last - 1] == 0x0D {
            last -= 1
        }
        return last
    }

    /// Where the value itself begins behind its anchor and tag, which libyaml counts to it.
    private func behindProperties(_ start: Int, _ end: Int) -> Int {
        let stored = source.bytes
        let bytes = stored.span
        var position = start
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "&"), UInt8(ascii: "!"):
                guard position < end else { return position }
                while position < bytes.count, !Self.endsProperty(bytes[position]) { position += 1 }
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            case UInt8(ascii: "#"): while position < bytes.count, bytes[position] != 0x0A { position += 1 }
            default: return Swift.min(position, Swift.max(start, end))
            }
            if position >= end { return end }
        }
        return position
    }

    private static func endsProperty(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D || byte == UInt8(ascii: ",")
            || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]")
    }

    // MARK: Keys

    /// A scalar as a key: what YAML reads as another type becomes its JSON text, as Kubernetes does it.
    private mutating func makeKey(_ node: TapeNode, _ text: Span<UInt8>) throws(DocumentError) -> Key {
        let isSide = node.flags.contains(.side)
        switch node.kind {
        case .string: break
        case .bool:
            let word = YAMLScalar.truth(text) ? "true" : "false"
            if String(copying: text) != word { return sideKey(word, node, text.count) }
        case .number:
            guard let word = YAMLKey.text(ofNumber: text) else {
                throw failure(.badKey, Int(node.start), "a number this large is no key; put it in quotes")
            }
            if String(copying: text) != word { return sideKey(word, node, text.count) }
        default:
            throw failure(.badKey, Int(node.start), "null is no key; Kubernetes refuses it, put it in quotes")
        }
        if isSide { return Key(start: node.extent, length: 0, flags: .keySide) }
        guard text.count <= Int(UInt16.max) else {
            let quote = node.flags.contains(.quoted) ? 1 : 0
            let start = Int(node.start) - quote
            let index = builder.addSide(text, from: start, to: start + text.count + 2 * quote)
            return Key(start: index, length: 0, flags: .keySide)
        }
        return Key(start: node.start, length: UInt16(text.count), flags: [])
    }

    private mutating func sideKey(_ word: String, _ node: TapeNode, _ length: Int) -> Key {
        let quote = node.flags.contains(.quoted) ? 1 : 0
        let start = Int(node.start) - (node.flags.contains(.side) ? 0 : quote)
        let index = builder.addSide(word.utf8.span, from: start, to: start + length + 2 * quote)
        return Key(start: index, length: 0, flags: .keySide)
    }

    // MARK: Containers

    private mutating func open(_ event: borrowing YAMLEvent) throws(DocumentError) {
        decodeCount += 1
        var start = offset(event.start)
        let isObject = event.kind == .mappingStart
        guard stack.count < Self.maximumDepth else {
            throw failure(.tooDeep, start, "nested more than \(Self.maximumDepth) levels deep; no Kubernetes object is")
        }
        guard !awaitsKey else {
            throw failure(.badKey, start, "a key must be text, not \(isObject ? "a mapping" : "a list")")
        }
        if event.anchor != nil || event.tag != nil { start = behindProperties(start, source.bytes.count) }
        let key = beginValue()
        let index = builder.nodes.count
        if let anchor = event.anchor { anchors[anchor] = .value(index) }
        stack.append(
            Frame(
                index: index, isObject: isObject, awaitsKey: isObject, isMerge: key.isMerge,
                isAnchored: event.anchor != nil, firstMerge: merges.count, decodeStart: decodeCount - 1))
        var node = TapeNode(
            start: UInt32(start), extent: 0, key: 0, keyLength: 0, kind: isObject ? .object : .array, flags: [])
        node.setKey(key)
        if key.isMerge { node.flags.insert(.shadowed) }
        builder.nodes.append(node)
    }

    private mutating func close() throws(DocumentError) {
        guard let frame = stack.popLast() else { return }
        if merges.count > frame.firstMerge, frame.isObject {
            try applyMerges(frame)
        } else {
            for lost in builder.close(frame.index, source: source, checkKeys: options.checkDuplicateKeys) {
                problems.appendDuplicate(at: builder.keyStart(lost), source) { builder.key(lost, source) }
            }
        }
        if frame.isAnchored { weights[frame.index] = decodeCount - frame.decodeStart }
        if frame.isMerge {
            merges.append(Merge(source: frame.index, member: frame.index, isList: !frame.isObject))
        }
    }

    // MARK: Aliases

    private mutating func alias(_ event: borrowing YAMLEvent) throws(DocumentError) {
        let start = offset(event.start)
        let end = offset(event.end)
        let name = event.anchor ?? ""
        guard let anchor = anchors[name] else {
            throw failure(.badAlias, start, "alias \"*\(name)\" names no anchor before it")
        }
        decodeCount += 2
        aliasCount += 1
        switch anchor {
        case .key(var node):
            if awaitsKey { return try keyFrom(node, start) }
            let key = beginValue()
            guard !key.isMerge else { throw notAMapping(start) }
            node.setKey(key)
            node.flags.insert(.aliased)
            builder.aliasUses.append(AliasUse(node: builder.nodes.count, start: start, end: end))
            builder.nodes.append(node)
        case .value(let index):
            let node = builder.nodes[index]
            guard !node.isContainer || node.extent != 0 else {
                throw failure(.badAlias, start, "alias \"*\(name)\" stands inside the value it names")
            }
            if awaitsKey {
                guard !node.isContainer else {
                    throw failure(.badKey, start, "a key must be text, not an alias of \(node.kind.phrase)")
                }
                return try keyFrom(node, start)
            }
            let key = beginValue()
            try count(weight: (weights[index] ?? 1) - 1, start)
            if key.isMerge {
                guard node.kind == .object else { throw notAMapping(start) }
                merges.append(Merge(source: index, member: builder.nodes.count, isList: false))
                var hidden = TapeNode(
                    start: UInt32(start), extent: UInt32(end - start), key: 0, keyLength: 0, kind: .null, flags: [])
                hidden.setKey(key)
                hidden.flags.insert(.shadowed)
                builder.nodes.append(hidden)
                return
            }
            let target = builder.nodes.count
            builder.aliasUses.append(AliasUse(node: target, start: start, end: end))
            builder.appendCopy(of: index)
            builder.nodes[target].flags.subtract([.keySide, .keyEscaped, .shadowed])
            builder.nodes[target].setKey(key)
        }
    }

    private mutating func keyFrom(_ node: TapeNode, _ start: Int) throws(DocumentError) {
        stack[stack.count - 1].awaitsKey = false
        let text = builder.text(of: node, source)
        key = try makeKey(node, text.span)
    }

    /// The bound of go-yaml: in a small document nearly everything may come by aliases, in a large one a tenth.
    private mutating func count(weight: Int, _ start: Int) throws(DocumentError) {
        decodeCount += weight
        aliasCount += weight
        guard aliasCount > 100, decodeCount > 1000 else { return }
        let (low, high) = (400_000.0, 4_000_000.0)
        let steps = Double(decodeCount)
        let allowed = steps <= low ? 0.99 : steps >= high ? 0.10 : 0.99 - 0.89 * (steps - low) / (high - low)
        guard Double(aliasCount) / steps <= allowed else {
            throw failure(
                .aliasBomb, start,
                "aliases make \(aliasCount) of \(decodeCount) values; Kubernetes refuses that as an attack")
        }
    }
}

extension TapeNode {
    mutating func setKey(_ key: YAMLComposer.Key) {
        self.key = key.start
        keyLength = key.length
        flags.formUnion(key.flags)
    }
}
