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
    /// The bytes were made from the file by Kustomize or Helm: places inside them are not places in the file.
    package let isRendered: Bool
    /// What stands before every block of `blockSize` bytes, counted when a location is first asked for.
    private let blocks = Mutex<[Block]?>(nil)
    private static let blockSize = 1024

    /// So that a place in a file of one long line costs no walk back to its start.
    private struct Block {
        var lines: UInt32
        /// First byte of the line that the block begins in.
        var lineStart: UInt32
        /// Bytes that continue a Unicode scalar, before the block.
        var continuations: UInt32
    }

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
        let offset = max(0, min(offset, bytes.count))
        let (line, start) = lineAndStart(of: offset)
        // A byte order mark is no column: editors do not show it.
        let mark = start == 0 && offset >= 3 && bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 1 : 0
        let wide = continuations(before: offset) - continuations(before: start)
        return SourceLocation(file: name, line: line, column: offset - start - wide - mark + 1)
    }

    /// Line number from 1 and the offset of the line's first byte.
    package func lineAndStart(of offset: Int) -> (line: Int, start: Int) {
        let offset = max(0, min(offset, bytes.count))
        let index = offset / Self.blockSize
        let block = block(index)
        let first = index * Self.blockSize
        let line = Int(block.lines) + TextScan.lines(bytes, in: first..<offset) + 1
        let stored = bytes
        let span = stored.span
        var start = offset
        while start > first, span[start - 1] != UInt8(ascii: "\n") { start -= 1 }
        return (line, start > first ? start : Int(block.lineStart))
    }

    private func continuations(before offset: Int) -> Int {
        let index = offset / Self.blockSize
        return Int(block(index).continuations) + Self.continuations(bytes, in: index * Self.blockSize..<offset)
    }

    private static func continuations(_ bytes: [UInt8], in range: Range<Int>) -> Int {
        let span = bytes.span
        var count = 0
        for i in range where span[i] & 0xC0 == 0x80 { count += 1 }
        return count
    }

    private func block(_ index: Int) -> Block {
        blocks.withLock { cache in
            let counted = cache ?? Self.count(bytes)
            cache = counted
            return counted[index]
        }
    }

    private static func count(_ bytes: [UInt8]) -> [Block] {
        let span = bytes.span
        var blocks: [Block] = []
        blocks.reserveCapacity(bytes.count / blockSize + 1)
        var block = Block(lines: 0, lineStart: 0, continuations: 0)
        for i in 0...bytes.count {
            if i % blockSize == 0 { blocks.append(block) }
            guard i < bytes.count else { break }
            if span[i] == UInt8(ascii: "\n") {
                block.lines += 1
                block.lineStart = UInt32(i + 1)
            } else if span[i] & 0xC0 == 0x80 {
                block.continuations += 1
            }
        }
        return blocks
    }
}
