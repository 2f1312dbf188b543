/// The difference of two texts as `diff -u` writes it, for people and for `git apply`.
///
/// Lines are compared as bytes: a changed line break is a changed line. Standard: POSIX `diff -u`, with git's `a/` and
/// `b/` before the names.
package enum UnifiedDiff {
    /// Empty when both are the same.
    package static func text(_ name: String, from old: [UInt8], to new: [UInt8], context: Int = 3) -> [UInt8] {
        guard old != new else { return [] }
        let before = Self.lines(old)
        let after = Self.lines(new)
        let changes = Self.changes(before, after)
        let path =
            name.hasPrefix("/") ? String(name.dropFirst()) : name.hasPrefix("./") ? String(name.dropFirst(2)) : name
        var out = Array("--- a/\(path)\n+++ b/\(path)\n".utf8)
        var index = 0
        while index < changes.count {
            // Changes whose contexts touch share a hunk.
            var last = index
            while last + 1 < changes.count,
                changes[last + 1].old.lowerBound - changes[last].old.upperBound <= 2 * context
            {
                last += 1
            }
            write(Array(changes[index...last]), before, after, context, &out)
            index = last + 1
        }
        return out
    }

    /// Lines that differ: those of the old text and what stands there in the new one.
    struct Change {
        var old: Range<Int>
        var new: Range<Int>
    }

    private static func write(
        _ changes: [Change], _ before: [ArraySlice<UInt8>], _ after: [ArraySlice<UInt8>], _ context: Int,
        _ out: inout [UInt8]
    ) {
        guard let first = changes.first, let last = changes.last else { return }
        let lead = min(context, first.old.lowerBound)
        let tail = min(context, before.count - last.old.upperBound)
        let old = first.old.lowerBound - lead..<last.old.upperBound + tail
        let new = first.new.lowerBound - lead..<last.new.upperBound + tail
        out += Array("@@ -\(range(old)) +\(range(new)) @@\n".utf8)
        var position = old.lowerBound
        for change in changes {
            for index in position..<change.old.lowerBound { write(" ", before[index], &out) }
            for index in change.old { write("-", before[index], &out) }
            for index in change.new { write("+", after[index], &out) }
            position = change.old.upperBound
        }
        for index in position..<old.upperBound { write(" ", before[index], &out) }
    }

    private static func range(_ range: Range<Int>) -> String {
        // An empty range names the line before it.
        let start = range.isEmpty ? range.lowerBound : range.lowerBound + 1
        return range.count == 1 ? "\(start)" : "\(start),\(range.count)"
    }

    private static func write(_ mark: Unicode.Scalar, _ line: ArraySlice<UInt8>, _ out: inout [UInt8]) {
        out += Array(String(mark).utf8)
        out += line
        if line.last != 0x0A { out += Array("\n\\ No newline at end of file\n".utf8) }
    }

    /// Lines with their breaks.
    private static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        var out: [ArraySlice<UInt8>] = []
        var start = 0
        for index in bytes.indices where bytes[index] == 0x0A {
            out.append(bytes[start...index])
            start = index + 1
        }
        if start < bytes.count { out.append(bytes[start...]) }
        return out
    }

    /// The shortest edit script. Source: Myers, "An O(ND) Difference Algorithm", 1986.
    static func changes(_ old: [ArraySlice<UInt8>], _ new: [ArraySlice<UInt8>]) -> [Change] {
        var front = 0
        while front < old.count, front < new.count, old[front] == new[front] { front += 1 }
        var back = 0
        while back < old.count - front, back < new.count - front, old[old.count - 1 - back] == new[new.count - 1 - back]
        {
            back += 1
        }
        let a = old[front..<old.count - back].map { $0 }
        let b = new[front..<new.count - back].map { $0 }
        let limit = a.count + b.count
        // Above this many changed lines the shortest script is not worth its memory: one block then.
        guard limit > 0, limit <= 20_000, let trace = trace(a, b) else {
            guard limit > 0 else { return [] }
            return [Change(old: front..<old.count - back, new: front..<new.count - back)]
        }
        var changes: [Change] = []
        var x = a.count
        var y = b.count
        for d in stride(from: trace.count - 1, through: 1, by: -1) {
            let reach = trace[d - 1]
            let k = x - y
            let isInsertion = k == -d || (k != d && reach[k - 1 + d] < reach[k + 1 + d])
            let previous = isInsertion ? k + 1 : k - 1
            let fromX = reach[previous + d]
            let fromY = fromX - previous
            let at = Change(
                old: front + fromX..<front + fromX + (isInsertion ? 0 : 1),
                new: front + fromY..<front + fromY + (isInsertion ? 1 : 0))
            if let next = changes.last, at.old.upperBound == next.old.lowerBound,
                at.new.upperBound == next.new.lowerBound
            {
                changes[changes.count - 1] = Change(
                    old: at.old.lowerBound..<next.old.upperBound, new: at.new.lowerBound..<next.new.upperBound)
            } else {
                changes.append(at)
            }
            (x, y) = (fromX, fromY)
        }
        return changes.reversed()
    }

    /// For every number of differences `d`, how far each diagonal reaches; row `d` holds diagonals -d-1...d+1. Nil when
    /// there are too many differences.
    private static func trace(_ a: [ArraySlice<UInt8>], _ b: [ArraySlice<UInt8>]) -> [[Int]]? {
        var rows: [[Int]] = []
        for d in 0...(a.count + b.count) {
            guard d <= 3_000 else { return nil }
            // Room for one diagonal more on each side, which the next row looks at.
            var row = [Int](repeating: -1, count: 2 * d + 3)
            for k in stride(from: -d, through: d, by: 2) {
                var x = 0
                if d > 0 {
                    let previous = rows[d - 1]
                    let down = k == -d || (k != d && previous[k - 1 + d] < previous[k + 1 + d])
                    x = down ? previous[k + 1 + d] : previous[k - 1 + d] + 1
                }
                while x < a.count, x - k < b.count, x - k >= 0, a[x] == b[x - k] { x += 1 }
                row[k + d + 1] = x
                if k == a.count - b.count, x >= a.count {
                    rows.append(row)
                    return rows
                }
            }
            rows.append(row)
        }
        return rows
    }
}
