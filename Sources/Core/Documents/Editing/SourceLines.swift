/// Lines of a text and what stands between values: white space, comments, line breaks.
struct SourceLines {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The first byte of text, behind a byte order mark.
    var first: Int { bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0 }

    /// First byte of the line that holds `offset`.
    func start(of offset: Int) -> Int {
        var position = min(offset, bytes.count)
        while position > 0, bytes[position - 1] != 0x0A { position -= 1 }
        return position
    }

    /// One past the line's last byte, the line break not counted.
    func end(of offset: Int) -> Int {
        var position = offset
        while position < bytes.count, bytes[position] != 0x0A { position += 1 }
        if position > offset, bytes[position - 1] == 0x0D { position -= 1 }
        return position
    }

    /// First byte of the line behind the one that holds `offset`, or nil in the last line.
    func next(after offset: Int) -> Int? {
        var position = offset
        while position < bytes.count, bytes[position] != 0x0A { position += 1 }
        return position < bytes.count ? position + 1 : nil
    }

    /// Column from 0, in Unicode scalars; a byte order mark is no column.
    func column(of offset: Int) -> Int {
        var position = start(of: offset)
        if position == 0 { position = first }
        var column = 0
        while position < offset {
            if bytes[position] & 0xC0 != 0x80 { column += 1 }
            position += 1
        }
        return column
    }

    /// The white space a line begins with.
    func indentation(ofLineAt offset: Int) -> ArraySlice<UInt8> {
        let from = max(start(of: offset), first)
        return bytes[from...].prefix { $0 == 0x20 || $0 == 0x09 }
    }

    /// Whether nothing but white space stands before `offset` in its line.
    func isFirst(_ offset: Int) -> Bool {
        bytes[min(max(start(of: offset), first), offset)..<offset].allSatisfy { $0 == 0x20 || $0 == 0x09 }
    }

    /// Where the next text begins.
    func skippingSpaceAndComments(from offset: Int) -> Int {
        var position = offset
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            case UInt8(ascii: "#"): position = end(of: position)
            default: return position
            }
        }
        return position
    }

    /// End of the last of the comment lines that follow the line of `offset` at once and stand at `column` or deeper:
    /// they belong to what ends there.
    func endOfComments(after offset: Int, column: Int) -> Int {
        var last = end(of: offset)
        guard column > 0 else { return last }
        var line = next(after: last)
        while let from = line {
            let text = indentation(ofLineAt: from).endIndex
            guard text < bytes.count, bytes[text] == UInt8(ascii: "#"), text - from >= column else { break }
            last = end(of: text)
            line = next(after: text)
        }
        return last
    }

    /// The line break this text uses: that of its first line.
    var lineBreak: [UInt8] {
        guard let first = bytes.firstIndex(of: 0x0A), first > 0, bytes[first - 1] == 0x0D else { return [0x0A] }
        return [0x0D, 0x0A]
    }
}
