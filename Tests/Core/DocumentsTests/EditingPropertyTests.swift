import Testing

@testable import Documents

/// A generator that gives the same numbers for the same seed, everywhere. Source: SplitMix64.
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }
}

/// Random documents in every manner of writing, random patches: what is written reads back as meant, and lines nobody
/// asked to change are there still.
@Suite struct EditingPropertyTests {
    @Test(arguments: 0..<40)
    func whatIsWrittenReadsBack(_ seed: Int) {
        var random = Seeded(state: UInt64(seed) &* 977 &+ 1)
        var refused = 0
        for round in 0..<25 {
            var writer = RandomYAML(random: random)
            let text = writer.document()
            random = writer.random
            let source = SourceText(name: "r.yaml", bytes: Array(text.utf8))
            let before = DocumentReader.read(source)
            guard before.problems.isEmpty, let root = before.documents.first?.root else {
                Issue.record("seed \(seed), round \(round): the generator wrote what cannot be read:\n\(text)")
                return
            }
            let patch = Self.patch(root, &random)
            guard let expected = patch.applied(to: root) else { continue }
            let edit = YAMLSourceEditor.apply([SourceEdit(document: 0, patch: patch)], to: source)
            guard edit.refused.isEmpty else {
                // A scalar that keeps the empty lines behind it would take those of a removed neighbour too:
                // refusing is right there, and only there.
                if text.contains("|+") { continue }
                refused += 1
                Issue.record("seed \(seed), round \(round): \(edit.refused[0].reason)\n\(patch.json())\n\(text)")
                continue
            }
            let after = DocumentReader.read(SourceText(name: "r.yaml", bytes: edit.bytes))
            #expect(after.documents.first?.root.isEquivalent(to: expected) == true, "\(text)")
            Self.expectUntouchedLines(text, edit.bytes, before, patch)
        }
        #expect(refused == 0)
    }

    /// One to three operations on places that exist, or just beside them.
    private static func patch(_ root: Node, _ random: inout Seeded) -> JSONPatch {
        var operations: [PatchOperation] = []
        var current = root
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            var node = current
            while random.chance(80), let child = children(node).randomElement(using: &random) { node = child }
            let operation: PatchOperation
            switch Int.random(in: 0..<4, using: &random) {
            case 0 where !node.path.isEmpty: operation = PatchOperation(.remove, node.path)
            case 1 where node.isArray:
                operation = PatchOperation(
                    .add, node.path.appending(Int.random(in: 0...node.count, using: &random)), value(&random))
            case 2 where node.isObject || node.isNull:
                operation = PatchOperation(.add, node.path.appending("new\(random.next() % 5)"), value(&random))
            default:
                guard !node.path.isEmpty else { continue }
                operation = PatchOperation(.replace, node.path, value(&random))
            }
            guard let next = JSONPatch([operation]).applied(to: current) else { continue }
            operations.append(operation)
            current = next
        }
        return JSONPatch(operations)
    }

    private static func children(_ node: Node) -> [Node] {
        Array(node.elements) + node.members.map(\.value)
    }

    private static func value(_ random: inout Seeded) -> DocumentValue {
        let values: [DocumentValue] = [
            true, 0, "plain", "yes", "a: b # c", "", nil, ["ALL"], [], [:], ["type": "RuntimeDefault"],
            ["a": ["b": ["c", ["d": 1]]], "e": false], [["k": 1, "l": []], "x"], "1.5", .number("1.5"), "line\nbreak",
        ]
        return values[Int.random(in: 0..<values.count, using: &random)]
    }

    /// Top-level members that no operation leads to are there byte for byte.
    private static func expectUntouchedLines(
        _ text: String, _ bytes: [UInt8], _ before: DocumentSet, _ patch: JSONPatch
    ) {
        guard let root = before.documents.first?.root else { return }
        let touched = Set(patch.operations.compactMap { $0.path.elements.first })
        let edited = String(decoding: bytes, as: UTF8.self)
        for member in root.members where !touched.contains(.key(member.key)) {
            guard let range = member.value.sourceRange, !range.isEmpty else { continue }
            let own = String(decoding: Array(text.utf8)[range], as: UTF8.self)
            #expect(edited.contains(own), "\(member.key) changed\n\(text)\n→\n\(edited)")
        }
    }
}

/// Writes documents the way people do, and then some.
private struct RandomYAML {
    var random: Seeded
    private var names = 0

    init(random: Seeded) { self.random = random }

    mutating func document() -> String {
        let ending = random.chance(15) ? "\r\n" : "\n"
        var lines: [String] = []
        if random.chance(30) { lines.append("# head") }
        if random.chance(30) { lines.append("---") }
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            lines += member(at: 0, depth: 0)
            if random.chance(20) { lines.append("") }
        }
        if random.chance(20) { lines.append("# tail") }
        let text = lines.joined(separator: ending)
        let mark = random.chance(5) ? "\u{FEFF}" : ""
        return mark + (random.chance(85) ? text + ending : text)
    }

    private mutating func member(at column: Int, depth: Int) -> [String] {
        names += 1
        let key = ["k\(names)", "\"q \(names)\"", "'s\(names)'", "ü\(names)"].randomElement(using: &random) ?? "k"
        return value(prefix: pad(column) + key + ":", column: column, depth: depth, isElement: false)
    }

    private mutating func value(prefix: String, column: Int, depth: Int, isElement: Bool) -> [String] {
        let choice = depth > 3 ? Int.random(in: 0..<3, using: &random) : Int.random(in: 0..<8, using: &random)
        let note = random.chance(20) ? "  # note \(names)" : ""
        switch choice {
        case 0: return [prefix + (random.chance(15) ? "" : " " + scalar()) + note]
        case 1: return [prefix + " " + flow(depth) + note]
        case 2 where random.chance(40): return blockScalar(prefix, column)
        case 3, 4:
            let inner = isElement ? column + 2 : column + (random.chance(60) ? 0 : 2)
            return [prefix + note] + elements(at: inner, depth: depth + 1)
        default:
            if isElement {
                // The first member stands behind the dash.
                var lines = members(at: column + 2, depth: depth + 1)
                lines[0] = prefix + " " + lines[0].drop { $0 == " " }
                return lines
            }
            return [prefix + note] + members(at: column + (random.chance(80) ? 2 : 4), depth: depth + 1)
        }
    }

    private mutating func members(at column: Int, depth: Int) -> [String] {
        var lines: [String] = []
        for index in 0..<Int.random(in: 1...3, using: &random) {
            if index > 0, random.chance(15) { lines.append(pad(column) + "# between \(names)") }
            lines += member(at: column, depth: depth)
        }
        if random.chance(10) { lines.append(pad(column) + "# end \(names)") }
        return lines
    }

    private mutating func elements(at column: Int, depth: Int) -> [String] {
        var lines: [String] = []
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            if random.chance(10) { lines.append(pad(column) + "# about \(names)") }
            lines += value(prefix: pad(column) + "-", column: column, depth: depth, isElement: true)
        }
        return lines
    }

    private mutating func blockScalar(_ prefix: String, _ column: Int) -> [String] {
        let header = ["|", "|-", ">", ">-", "|+"].randomElement(using: &random) ?? "|"
        var lines = ["\(prefix) \(header)", pad(column + 2) + "text \(names)", pad(column + 2) + "# not a comment"]
        if random.chance(30) { lines.append("") }
        return lines
    }

    private mutating func flow(_ depth: Int) -> String {
        names += 1
        let space = random.chance(30) ? " " : ""
        switch Int.random(in: 0..<5, using: &random) {
        case 0: return "{}"
        case 1: return "[]"
        case 2: return "[\(space)\(flowScalar()), \(flowScalar())\(space)]"
        case 3 where depth < 4: return "{\(space)f\(names): \(flow(depth + 1)), \"g\": \(flowScalar())\(space)}"
        default: return "{\(space)f: \(flowScalar())\(space)}"
        }
    }

    private mutating func scalar() -> String {
        [
            "true", "1", "0644", "~", "text", "two words", "'single'", "\"dou\\nble\"", "null", "1.5", "a#b",
            "http://x:1/y",
        ]
        .randomElement(using: &random) ?? "x"
    }

    private mutating func flowScalar() -> String {
        ["true", "1", "text", "'single'", "\"double\"", "null"].randomElement(using: &random) ?? "x"
    }

    private func pad(_ count: Int) -> String { String(repeating: " ", count: count) }
}
