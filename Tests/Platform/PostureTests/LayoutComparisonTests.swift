import Foundation
import TestSupport
import Testing

@testable import Posture

/// The layout beside Graphviz's `dot`: crossings of the drawn lines, counted the same way in both pictures.
@Suite struct LayoutComparisonTests {
    private struct Point {
        var x: Double
        var y: Double
    }

    /// A graph with no circle, the same for the same seed.
    private static func graph(_ seed: UInt64) -> (boxes: Int, arrows: [LayeredLayout.Arrow]) {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func random(_ below: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(below))
        }
        let boxes = 12 + random(28)
        var arrows: Set<LayeredLayout.Arrow> = []
        for box in 1..<boxes { arrows.insert(.init(random(box), box)) }
        for _ in 0..<boxes / 3 {
            let (a, b) = (random(boxes), random(boxes))
            if a != b { arrows.insert(.init(min(a, b), max(a, b))) }
        }
        return (boxes, arrows.sorted { ($0.from, $0.to) < ($1.from, $1.to) })
    }

    /// Pairs of lines without a common end that meet.
    private static func crossings(_ lines: [(arrow: LayeredLayout.Arrow, points: [Point])]) -> Int {
        func side(_ a: Point, _ b: Point, _ c: Point) -> Double {
            (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)
        }
        func meet(_ a: Point, _ b: Point, _ c: Point, _ d: Point) -> Bool {
            side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0
        }
        var count = 0
        for (index, one) in lines.enumerated() {
            for other in lines[..<index] {
                let ends = [one.arrow.from, one.arrow.to]
                if ends.contains(other.arrow.from) || ends.contains(other.arrow.to) { continue }
                let found = zip(one.points, one.points.dropFirst()).contains { a, b in
                    zip(other.points, other.points.dropFirst()).contains { c, d in meet(a, b, c, d) }
                }
                if found { count += 1 }
            }
        }
        return count
    }

    private static func ours(_ boxes: Int, _ arrows: [LayeredLayout.Arrow]) -> Int {
        let layout = LayeredLayout(boxes: boxes, arrows: arrows)
        func place(_ box: Int) -> Point { Point(x: Double(layout.columns[box]), y: Double(layout.rows[box])) }
        return crossings(
            arrows.enumerated().map { index, arrow in
                let first = layout.columns[arrow.from]
                let between = layout.waypoints[index].enumerated().map { step, row in
                    Point(x: Double(first + step + 1), y: Double(row))
                }
                return (arrow, [place(arrow.from)] + between + [place(arrow.to)])
            })
    }

    /// Reads `dot -Tplain`: `edge TAIL HEAD N x1 y1 … xN yN …`, pieces of Bézier curves that hang together.
    private static func graphviz(_ program: String, _ boxes: Int, _ arrows: [LayeredLayout.Arrow]) throws -> Int {
        let source = "digraph { rankdir=LR; " + arrows.map { "\($0.from) -> \($0.to);" }.joined(separator: " ") + " }"
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = ["-Tplain"]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        try input.fileHandleForWriting.write(contentsOf: Data(source.utf8))
        try input.fileHandleForWriting.close()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        let lines = text.split(separator: "\n").filter { $0.hasPrefix("edge ") }.map { line in
            let words = line.split(separator: " ")
            let count = Int(words[3]) ?? 0
            let numbers = words[4..<4 + 2 * count].compactMap { Double($0) }
            let controls = (0..<count).map { Point(x: numbers[2 * $0], y: numbers[2 * $0 + 1]) }
            return (LayeredLayout.Arrow(Int(words[1]) ?? 0, Int(words[2]) ?? 0), curve(controls))
        }
        try #require(lines.count == arrows.count)
        return crossings(lines)
    }

    /// Points on the curve, near enough to each other that a line through them is as good.
    private static func curve(_ controls: [Point]) -> [Point] {
        var out = controls.prefix(1).map { $0 }
        for start in stride(from: 0, to: controls.count - 3, by: 3) {
            let (a, b, c, d) = (controls[start], controls[start + 1], controls[start + 2], controls[start + 3])
            for step in 1...12 {
                let t = Double(step) / 12
                let r = 1 - t
                let (u, v, w, z) = (r * r * r, 3 * t * r * r, 3 * t * t * r, t * t * t)
                out.append(
                    Point(x: u * a.x + v * b.x + w * c.x + z * d.x, y: u * a.y + v * b.y + w * c.y + z * d.y))
            }
        }
        return out
    }

    @Test func asFewLinesCrossAsInGraphvizsPictures() throws {
        guard let program = TestMachine.program("dot") else {
            print("skipped: dot (Graphviz) not found")
            return
        }
        var (own, other) = (0, 0)
        for seed in 1...40 {
            let (boxes, arrows) = Self.graph(UInt64(seed))
            own += Self.ours(boxes, arrows)
            other += try Self.graphviz(program, boxes, arrows)
        }
        print("layout: \(own) crossings in 40 graphs, Graphviz \(other)")
        #expect(other > 0)
        #expect(Double(own) <= Double(other) * 1.1)
    }
}
