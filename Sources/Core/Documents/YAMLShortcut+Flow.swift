/// Flow collections: `[a, b]`, `{k: v}`.
extension YAMLShortcut {
    /// The collection that begins here, with its key; `position` is then behind its bracket.
    mutating func collection(_ bytes: Span<UInt8>, depth: Int) throws(Beyond) {
        guard depth < Self.maximumDepth else { throw Beyond() }
        let isObject = bytes[position] == UInt8(ascii: "{")
        let close = bytes[position] + 2
        let index = builder.nodes.count
        append(
            TapeNode(
                start: UInt32(position), extent: 0, key: 0, keyLength: 0, kind: isObject ? .object : .array, flags: []))
        position += 1
        while true {
            try skipSpace(bytes)
            if bytes[position] == close { break }
            key = YAMLComposer.Key()
            if isObject { try flowKey(bytes) }
            try flowValue(bytes, depth: depth)
            try skipSpace(bytes)
            if bytes[position] == close { break }
            guard bytes[position] == UInt8(ascii: ",") else { throw Beyond() }
            position += 1
        }
        position += 1
        self.close(index)
    }

    private mutating func flowKey(_ bytes: Span<UInt8>) throws(Beyond) {
        let start = position
        let scalar = Self.isQuote(bytes[start]) ? try quoted(bytes) : try flowPlain(bytes)
        skipSpaces(bytes)
        guard position < end, bytes[position] == UInt8(ascii: ":"), position - start < Self.maximumKey else {
            throw Beyond()
        }
        position += 1
        try setKey(scalar, bytes)
        try skipSpace(bytes)
    }

    private mutating func flowValue(_ bytes: Span<UInt8>, depth: Int) throws(Beyond) {
        let first = bytes[position]
        if Self.opensFlow(first) {
            try collection(bytes, depth: depth + 1)
        } else if Self.isQuote(first) {
            append(try quoted(bytes))
        } else {
            append(try flowPlain(bytes))
        }
    }

    /// A plain scalar of one line; what may not follow it is found behind it.
    private mutating func flowPlain(_ bytes: Span<UInt8>) throws(Beyond) -> TapeNode {
        let start = position
        guard beginsPlain(start, bytes) else { throw Beyond() }
        var last = start
        scan: while position < end {
            switch bytes[position] {
            case 0x09: throw Beyond()
            case 0x0A, UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"):
                break scan
            case 0x20:
                position += 1
                continue
            case UInt8(ascii: ":"):
                guard !isBlank(position + 1, bytes) else { break scan }
                switch bytes[position + 1] {
                case UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"),
                    UInt8(ascii: "?"):
                    throw Beyond()
                default: break
                }
            case UInt8(ascii: "#") where position > start && bytes[position - 1] == 0x20: throw Beyond()
            default: break
            }
            position += 1
            last = position
        }
        let text = bytes.extracting(start..<last)
        return TapeNode(
            start: UInt32(start), extent: UInt32(text.count), key: 0, keyLength: 0, kind: try Self.kind(of: text),
            flags: [])
    }

    /// To what comes next, on this line or a later one; the text may not end here.
    private mutating func skipSpace(_ bytes: Span<UInt8>) throws(Beyond) {
        while true {
            skipSpaces(bytes)
            guard position < end else { throw Beyond() }
            guard bytes[position] == 0x0A else { return }
            position += 1
            // Document markers and directives count inside brackets too.
            guard position < end, bytes[position] != UInt8(ascii: "-"), bytes[position] != UInt8(ascii: "."),
                bytes[position] != UInt8(ascii: "%")
            else { throw Beyond() }
        }
    }
}
