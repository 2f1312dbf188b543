internal import Synchronization
internal import YAMLEvents

/// A place in a file, as editors count: lines and columns from 1, columns in Unicode scalars.
package struct SourceLocation: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The file as the user named it; `<stdin>` for standard input; empty for objects of a live cluster.
    package var file: String
    package var line: Int
    package var column: Int

    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }

    package var description: String { "\(file):\(line):\(column)" }

    package static func < (a: Self, b: Self) -> Bool {
        (a.file, a.line, a.column) < (b.file, b.line, b.column)
    }
}

/// The bytes of one file or one API answer, shared by every document read from it.
package final class SourceText: Sendable {
    /// The file as the user named it; empty when the bytes came from an API server.
    package let name: String
    package let bytes: [UInt8]
    /// Lines before every block of `blockSize` bytes, counted when a location is first asked for.
    private let linesBefore = Mutex<[UInt32]?>(nil)
    private static let blockSize = 1024

    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    /// Whether locations in this text mean something to a person.
    package var isFile: Bool { !name.isEmpty }

    /// The place of a byte offset.
    package func location(at offset: Int) -> SourceLocation {
        let (line, start) = lineAndStart(of: offset)
        var column = 1
        // A byte order mark is nothing an editor shows.
        let isMarked = start == 0 && bytes.count > 2 && bytes[0] == 0xEF && bytes[1] == 0xBB && bytes[2] == 0xBF
        let text = (isMarked ? 3 : start)..<max(isMarked ? 3 : start, min(offset, bytes.count))
        column += TextScan.scalars(bytes, in: text)
        return SourceLocation(file: name, line: line, column: column)
    }

    /// Line number from 1 and the offset of the line's first byte.
    package func lineAndStart(of offset: Int) -> (line: Int, start: Int) {
        let offset = max(0, min(offset, bytes.count))
        let block = offset / Self.blockSize
        // A line may be the whole text: its start is looked for by blocks first.
        let (before, last) = linesBefore.withLock { cache in
            let counted = cache ?? Self.countLines(bytes)
            cache = counted
            var last = block
            while last > 0, counted[last] == counted[block] { last -= 1 }
            return (Int(counted[block]), last)
        }
        let stored = bytes
        let span = stored.span
        let inBlock = TextScan.lines(bytes, in: block * Self.blockSize..<offset)
        var start = inBlock > 0 || last == block ? offset : min(offset, (last + 1) * Self.blockSize)
        while start > 0, span[start - 1] != UInt8(ascii: "\n") { start -= 1 }
        return (before + inBlock + 1, start)
    }

    private static func countLines(_ bytes: [UInt8]) -> [UInt32] {
        var counts: [UInt32] = []
        counts.reserveCapacity(bytes.count / blockSize + 1)
        var lines = 0
        for start in stride(from: 0, through: bytes.count, by: blockSize) {
            counts.append(UInt32(lines))
            lines += TextScan.lines(bytes, in: start..<min(start + blockSize, bytes.count))
        }
        return counts
    }
}
