/// Scalars: plain, quoted, blocks.
extension YAMLShortcut {
    // MARK: Plain

    /// The first line of a plain scalar; `position` is then at what ends it: `:`, `#`, the line's end.
    mutating func plain(_ bytes: Span<UInt8>) throws(Beyond) -> TapeNode {
        let start = position
        guard beginsPlain(start, bytes) else { throw Beyond() }
        let last = try scanPlain(bytes)
        let text = bytes.extracting(start..<last)
        return TapeNode(
            start: UInt32(start), extent: UInt32(text.count), key: 0, keyLength: 0, kind: try Self.kind(of: text),
            flags: [])
    }

    /// Numbers that JSON has no word for are an error, which is not told here.
    static func kind(of text: Span<UInt8>) throws(Beyond) -> NodeKind {
        let kind = YAMLScalar.kind(of: text)
        guard kind != .number || text.count > 5 || YAMLScalar.notFinite(text) == nil else { throw Beyond() }
        return kind
    }

    func beginsPlain(_ offset: Int, _ bytes: Span<UInt8>) -> Bool {
        switch bytes[offset] {
        case UInt8(ascii: "-"): return !isBlank(offset + 1, bytes)
        case UInt8(ascii: "?"), UInt8(ascii: ":"), UInt8(ascii: ","), UInt8(ascii: "["), UInt8(ascii: "]"),
            UInt8(ascii: "{"), UInt8(ascii: "}"), UInt8(ascii: "#"), UInt8(ascii: "&"), UInt8(ascii: "*"),
            UInt8(ascii: "!"), UInt8(ascii: "|"), UInt8(ascii: ">"), UInt8(ascii: "'"), UInt8(ascii: "\""),
            UInt8(ascii: "%"), UInt8(ascii: "@"), UInt8(ascii: "`"), 0x09, 0x0A, 0x20:
            return false
        default: return true
        }
    }

    /// One past the last byte of the text on this line.
    private mutating func scanPlain(_ bytes: Span<UInt8>) throws(Beyond) -> Int {
        let start = position
        var next = start
        var last = start
        scan: while next < end {
            let byte = bytes[next]
            if byte > UInt8(ascii: ":") {
                next += 1
                last = next
                continue
            }
            switch byte {
            case 0x0A: break scan
            case 0x20:
                next += 1
                continue
            case 0x09: throw Beyond()
            case UInt8(ascii: ":"): if isBlank(next + 1, bytes) { break scan }
            case UInt8(ascii: "#"): if next > start, bytes[next - 1] == 0x20 { break scan }
            default: break
            }
            next += 1
            last = next
        }
        position = next
        return last
    }

    /// Appends the scalar, with the lines that continue it.
    mutating func appendPlain(_ scalar: TapeNode, _ bytes: Span<UInt8>) throws(Beyond) {
        guard position < end, bytes[position] == 0x0A, let column = blocks.last?.column,
            var (next, breaks) = continuation(deeperThan: column, bytes)
        else {
            // A colon here is a mapping where none can begin.
            guard position >= end || bytes[position] != UInt8(ascii: ":") else { throw Beyond() }
            return append(scalar)
        }
        let start = Int(scalar.start)
        let offset = builder.side.count
        var last = start + Int(scalar.extent)
        builder.side.append(contentsOf: source.bytes[start..<last])
        while true {
            // One end of line is a space, more are one less.
            builder.side.append(contentsOf: repeatElement(breaks > 0 ? 0x0A : 0x20, count: max(breaks, 1)))
            position = next
            last = try scanPlain(bytes)
            guard last > next, position >= end || bytes[position] != UInt8(ascii: ":") else { throw Beyond() }
            builder.side.append(contentsOf: source.bytes[next..<last])
            guard position < end, bytes[position] == 0x0A, let more = continuation(deeperThan: column, bytes) else {
                break
            }
            (next, breaks) = more
        }
        var node = scalar
        node.extent = addSide(from: offset, start, last)
        node.flags = .side
        let stored = builder.side
        let text = stored.span
        node.kind = try Self.kind(of: text.extracting(offset..<text.count))
        append(node)
    }

    /// Where the plain scalar that ends at this line's end goes on, and the empty lines before it.
    private func continuation(deeperThan column: Int, _ bytes: Span<UInt8>) -> (next: Int, breaks: Int)? {
        var next = position
        var breaks = 0
        while true {
            next += 1
            let start = next
            while next < end, bytes[next] == 0x20 { next += 1 }
            guard next < end else { return nil }
            guard bytes[next] == 0x0A else {
                return next - start > column && bytes[next] != UInt8(ascii: "#") ? (next, breaks) : nil
            }
            breaks += 1
        }
    }

    /// Makes the bytes kept since `offset` a side entry.
    private mutating func addSide(from offset: Int, _ start: Int, _ end: Int) -> UInt32 {
        builder.sideEntries.append(
            SideEntry(
                offset: UInt32(offset), length: UInt32(builder.side.count - offset), sourceStart: UInt32(start),
                sourceEnd: UInt32(end)))
        return UInt32(builder.sideEntries.count - 1)
    }

    // MARK: Quoted

    /// A quoted scalar of one line, with the escapes that people write.
    mutating func quoted(_ bytes: Span<UInt8>) throws(Beyond) -> TapeNode {
        let start = position
        let quote = bytes[start]
        let isDouble = quote == UInt8(ascii: "\"")
        var next = start + 1
        var isSide = false
        while true {
            guard next < end else { throw Beyond() }
            let byte = bytes[next]
            if byte == quote {
                guard !isDouble, next + 1 < end, bytes[next + 1] == quote else { break }
                isSide = true
                next += 2
            } else if byte == UInt8(ascii: "\\"), isDouble {
                isSide = true
                next += 2
            } else {
                guard byte != 0x0A else { throw Beyond() }
                next += 1
            }
        }
        position = next + 1
        guard isSide else {
            return TapeNode(
                start: UInt32(start + 1), extent: UInt32(next - start - 1), key: 0, keyLength: 0, kind: .string,
                flags: .quoted)
        }
        let offset = builder.side.count
        try unescape(start + 1..<next, isDouble, bytes)
        return TapeNode(
            start: UInt32(start), extent: addSide(from: offset, start, position), key: 0, keyLength: 0, kind: .string,
            flags: [.quoted, .side])
    }

    private mutating func unescape(_ text: Range<Int>, _ isDouble: Bool, _ bytes: Span<UInt8>) throws(Beyond) {
        let mark = isDouble ? UInt8(ascii: "\\") : UInt8(ascii: "'")
        var next = text.lowerBound
        while next < text.upperBound {
            let byte = bytes[next]
            next += 1
            guard byte == mark else {
                builder.side.append(byte)
                continue
            }
            switch bytes[next] {
            case UInt8(ascii: "n") where isDouble: builder.side.append(0x0A)
            case UInt8(ascii: "t") where isDouble: builder.side.append(0x09)
            case UInt8(ascii: "r") where isDouble: builder.side.append(0x0D)
            case UInt8(ascii: "\\") where isDouble, UInt8(ascii: "\"") where isDouble,
                UInt8(ascii: "'") where !isDouble:
                builder.side.append(bytes[next])
            default: throw Beyond()
            }
            next += 1
        }
    }

    // MARK: Blocks

    /// A `|` or `>` block whose indentation is that of its first line.
    mutating func block(_ bytes: Span<UInt8>) throws(Beyond) {
        guard let block = blocks.last else { throw Beyond() }
        let start = position
        let isFolded = bytes[start] == UInt8(ascii: ">")
        position += 1
        var chomping: UInt8 = 0
        if position < end, bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+") {
            chomping = bytes[position]
            position += 1
        }
        skipSpaces(bytes)
        guard position < end, bytes[position] == 0x0A else { throw Beyond() }
        // The widest of the empty lines before it would set the indentation too.
        var (line, breaks, widest) = (0, 0, 0)
        repeat {
            position += 1
            line = position
            skipSpaces(bytes)
            guard position < end, bytes[position] != 0x09 else { throw Beyond() }
            if bytes[position] == 0x0A {
                breaks += 1
                widest = max(widest, position - line)
            }
        } while bytes[position] == 0x0A
        let indent = position - line
        guard indent > block.column, indent >= widest else { throw Beyond() }

        let offset = builder.side.count
        var last = line
        builder.side.append(contentsOf: repeatElement(0x0A, count: breaks))
        while true {
            last = line + indent
            // Deeper lines of a folded block are not folded.
            guard !isFolded || !isBlank(last, bytes) else { throw Beyond() }
            while last < end, bytes[last] != 0x0A { last += 1 }
            builder.side.append(contentsOf: source.bytes[line + indent..<last])
            position = min(last + 1, end)
            breaks = try emptyLines(indent, bytes)
            guard position < end, position + indent < end, isIndented(indent, bytes) else { break }
            line = position
            if isFolded, breaks == 0 { builder.side.append(0x20) }
            builder.side.append(contentsOf: repeatElement(0x0A, count: isFolded ? breaks : breaks + 1))
        }
        switch chomping {
        case UInt8(ascii: "-"): break
        case UInt8(ascii: "+"): builder.side.append(contentsOf: repeatElement(0x0A, count: breaks + 1))
        default: builder.side.append(0x0A)
        }
        while last > start, bytes[last - 1] == 0x0A || bytes[last - 1] == 0x20 { last -= 1 }
        append(
            TapeNode(
                start: UInt32(start), extent: addSide(from: offset, start, last), key: 0, keyLength: 0, kind: .string,
                flags: .side))
    }

    /// Steps over lines of no more than `indent` spaces; `position` is at the beginning of the one behind them.
    private mutating func emptyLines(_ indent: Int, _ bytes: Span<UInt8>) throws(Beyond) -> Int {
        var count = 0
        while position < end {
            var next = position
            let limit = min(end, position + indent)
            while next < limit, bytes[next] == 0x20 { next += 1 }
            // The last line may have no end.
            guard next < end else {
                position = end
                return count + 1
            }
            if bytes[next] != 0x0A {
                guard bytes[next] != 0x09 || next - position == indent else { throw Beyond() }
                return count
            }
            count += 1
            position = next + 1
        }
        return count
    }

    private func isIndented(_ indent: Int, _ bytes: Span<UInt8>) -> Bool {
        for next in position..<position + indent where bytes[next] != 0x20 { return false }
        return true
    }
}
