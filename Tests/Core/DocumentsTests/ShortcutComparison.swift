@testable import Documents

/// The two ways to read YAML, side by side.
struct ShortcutComparison {
    /// Bytes that the shortcut read.
    private(set) var taken = 0
    /// Bytes of all texts.
    private(set) var total = 0

    /// What differs between the shortcut's reading of a text and libyaml's; nil when nothing does.
    mutating func difference(_ bytes: [UInt8], checkKeys: Bool = true) -> String? {
        let source = SourceText(name: "s.yaml", bytes: bytes)
        var options = DocumentReader.Options(checkDuplicateKeys: checkKeys)
        var short = YAMLComposer(source: source, options: options)
        short.parse()
        total += bytes.count
        taken += short.shortcutBytes
        // Nothing to compare: libyaml read all of it.
        guard short.shortcutBytes > 0 else { return nil }
        options.usesShortcut = false
        var long = YAMLComposer(source: source, options: options)
        long.parse()

        let problems = (short.problems.finished(source), long.problems.finished(source))
        if problems.0 != problems.1 { return "problems: \(problems.0) against \(problems.1)" }
        if short.roots != long.roots { return "documents: \(short.roots) against \(long.roots)" }
        let tapes = (short.builder.finish(source), long.builder.finish(source))
        if tapes.0.nodes.count != tapes.1.nodes.count {
            return "\(tapes.0.nodes.count) nodes against \(tapes.1.nodes.count)"
        }
        for index in tapes.0.nodes.indices {
            let nodes = (ShortcutNode(tapes.0, index), ShortcutNode(tapes.1, index))
            if nodes.0 != nodes.1 { return "node \(index): \(nodes.0) against \(nodes.1)" }
        }
        for root in short.roots {
            let nodes = (Node(tape: tapes.0, index: root, root: root), Node(tape: tapes.1, index: root, root: root))
            if let what = Self.difference(nodes.0, nodes.1) { return what }
        }
        return nil
    }

    /// What the package can see of a document.
    private static func difference(_ a: Node, _ b: Node) -> String? {
        if a.json() != b.json() { return "\(a.json()) against \(b.json())" }
        for (x, y) in zip(all(a), all(b)) {
            guard x.location == y.location, x.sourceRange == y.sourceRange, x.keyRange == y.keyRange,
                x.isQuoted == y.isQuoted, x.isAliased == y.isAliased, x.kind == y.kind, x.int == y.int
            else { return "\(x.path) stands otherwise" }
        }
        return nil
    }

    private static func all(_ node: Node) -> [Node] {
        var out = [node]
        for member in node.members { out += all(member.value) }
        for element in node.elements { out += all(element) }
        return out
    }
}

/// One node of a tape, side entries resolved: their order is nothing that shows.
private struct ShortcutNode: Equatable {
    var kind: NodeKind
    var flags: UInt8
    var start: UInt32
    var extent: UInt32
    var text: [UInt8] = []
    var textEnd: UInt32 = 0
    var key: UInt32
    var keyText: [UInt8] = []
    var keyEnd: UInt32

    init(_ tape: Tape, _ index: Int) {
        let node = tape.nodes[index]
        (kind, flags, start, extent) = (node.kind, node.flags.rawValue, node.start, node.extent)
        if node.flags.contains(.side) {
            let entry = tape.sideEntries[Int(node.extent)]
            text = Array(tape.side[Int(entry.offset)..<Int(entry.offset + entry.length)])
            (extent, textEnd) = (entry.sourceStart, entry.sourceEnd)
        }
        (key, keyEnd) = (node.key, node.key + UInt32(node.keyLength))
        if node.flags.contains(.keySide) {
            let entry = tape.sideEntries[Int(node.key)]
            keyText = Array(tape.side[Int(entry.offset)..<Int(entry.offset + entry.length)])
            (key, keyEnd) = (entry.sourceStart, entry.sourceEnd)
        }
    }
}

/// Makes of a text one that is a little wrong.
struct TextMutator {
    var random: Seeded

    private static let letters = Array(" \n:-#'\"[]{},|>&*!?%\t\\.~0ae@<\r_+n\u{7F}".utf8) + [0xC3, 0xA9, 0x80, 0xEF]

    mutating func mutated(_ bytes: [UInt8], with other: [UInt8]) -> [UInt8] {
        var out = bytes
        for _ in 0..<Int.random(in: 1...3, using: &random) { change(&out, other) }
        return out
    }

    private mutating func change(_ out: inout [UInt8], _ other: [UInt8]) {
        guard !out.isEmpty else { return out.append(contentsOf: other) }
        let at = Int.random(in: 0..<out.count, using: &random)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: out[at] = letter()
        case 1: out.insert(letter(), at: at)
        case 2: out.removeSubrange(at..<min(out.count, at + Int.random(in: 1...4, using: &random)))
        case 3: lines(&out) { $0.swapAt($1, $2) }
        case 4: lines(&out) { $0.insert($0[$1], at: $2) }
        case 5: lines(&out) { $0[$1].insert(contentsOf: [0x20, 0x20].prefix(1 + $2 % 2), at: $0[$1].startIndex) }
        case 6: lines(&out) { lines, line, _ in if lines[line].first == 0x20 { lines[line].removeFirst() } }
        default:
            let from = other.isEmpty ? 0 : Int.random(in: 0..<other.count, using: &random)
            out.insert(contentsOf: other[from..<min(other.count, from + 12)], at: at)
        }
    }

    private mutating func letter() -> UInt8 {
        random.chance(90) ? Self.letters[Int(random.next() % UInt64(Self.letters.count))] : UInt8(random.next() & 0xFF)
    }

    private mutating func lines(_ out: inout [UInt8], _ body: (inout [ArraySlice<UInt8>], Int, Int) -> Void) {
        var lines = out.split(separator: 0x0A, omittingEmptySubsequences: false)
        let count = UInt64(lines.count)
        body(&lines, Int(random.next() % count), Int(random.next() % count))
        out = Array(lines.joined(separator: [0x0A]))
    }
}
