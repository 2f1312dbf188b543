internal import Synchronization

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
    /// The bytes were made from the file by Kustomize or Helm: places inside them are not places in the file.
    package let isRendered: Bool
    /// Offsets of the first byte of every line, found when a location is first asked for.
    private let lineStarts = Mutex<[UInt32]?>(nil)

    package init(name: String, bytes: [UInt8], isRendered: Bool = false) {
        self.name = name
        self.bytes = bytes
        self.isRendered = isRendered
    }

    /// Whether locations in this text mean something to a person.
    package var isFile: Bool { !name.isEmpty }

    /// The place of a byte offset.
    package func location(at offset: Int) -> SourceLocation {
        guard !isRendered else { return SourceLocation(file: name, line: 1, column: 1) }
        let (line, start) = lineAndStart(of: offset)
        var column = 1
        var index = start
        let end = min(offset, bytes.count)
        while index < end {
            // Continuation bytes of UTF-8 are not columns.
            if bytes[index] & 0xC0 != 0x80 { column += 1 }
            index += 1
        }
        return SourceLocation(file: name, line: line, column: column)
    }

    /// Line number from 1 and the offset of the line's first byte.
    package func lineAndStart(of offset: Int) -> (line: Int, start: Int) {
        lineStarts.withLock { cache in
            let starts = cache ?? Self.scanLines(bytes)
            cache = starts
            var low = 0
            var high = starts.count
            while high - low > 1 {
                let middle = (low + high) / 2
                if Int(starts[middle]) <= offset { low = middle } else { high = middle }
            }
            return (low + 1, Int(starts[low]))
        }
    }

    private static func scanLines(_ bytes: [UInt8]) -> [UInt32] {
        var starts: [UInt32] = [0]
        let span = bytes.span
        for index in span.indices where span[index] == UInt8(ascii: "\n") { starts.append(UInt32(index + 1)) }
        return starts
    }
}
