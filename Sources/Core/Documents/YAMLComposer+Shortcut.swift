/// The way past libyaml.
extension YAMLComposer {
    /// Reads a part by the shortcut; false, and nothing is changed, where that gives up.
    mutating func takeShortcut(_ range: Range<Int>) -> Bool {
        guard !range.isEmpty, Self.isPlainText(source.bytes, range) else { return false }
        let before = (builder.nodes.count, builder.side.count, builder.sideEntries.count)
        var shortcut = YAMLShortcut(
            source: source, range: range, checkKeys: options.checkDuplicateKeys, problems: problems)
        swap(&builder, &shortcut.builder)
        defer { swap(&builder, &shortcut.builder) }
        do throws(YAMLShortcut.Beyond) {
            let stored = source.bytes
            try shortcut.read(stored.span)
        } catch {
            shortcut.builder.nodes.removeSubrange(before.0...)
            shortcut.builder.side.removeSubrange(before.1...)
            shortcut.builder.sideEntries.removeSubrange(before.2...)
            return false
        }
        problems = shortcut.problems
        if let root = shortcut.root { roots.append(root) }
        return true
    }

    /// Whether the bytes are text whose lines end with line feeds only, without what libyaml refuses or reads in its
    /// own way: control characters, the line ends of YAML 1.1 beyond ASCII, byte order marks.
    private static func isPlainText(_ bytes: [UInt8], _ range: Range<Int>) -> Bool {
        let span = bytes.span.extracting(range)
        var seen: UInt8 = 0
        var odd: UInt8 = 0
        for i in span.indices {
            let byte = span[i]
            seen |= byte
            odd |= (byte < 0x20 && byte != 0x0A && byte != 0x09) || byte == 0x7F ? 1 : 0
        }
        guard odd == 0 else { return false }
        guard seen >= 0x80 else { return true }
        guard (try? UTF8Span(validating: span)) != nil else { return false }
        for i in span.indices where span[i] >= 0xC2 {
            switch span[i] {
            case 0xC2: if span[i + 1] < 0xA0 { return false }
            case 0xE2: if span[i + 1] == 0x80, span[i + 2] == 0xA8 || span[i + 2] == 0xA9 { return false }
            case 0xEF:
                if span[i + 1] == 0xBB, span[i + 2] == 0xBF { return false }
                if span[i + 1] == 0xBF, span[i + 2] >= 0xBE { return false }
            default: break
            }
        }
        return true
    }
}
