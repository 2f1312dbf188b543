/// Which elements of a patched list are those of the list it came from.
struct SequenceMatch {
    /// Pairs in order: the same element, or one that takes the other's place.
    private(set) var kept: [(old: Int, new: Int)] = []
    /// New elements behind the old one they follow; nil for those before the first.
    private(set) var added: [(old: Int?, new: [Int])] = []

    init(before: [Node], after: [Node]) {
        // Elements that stand where they stood are the same; values tell for the rest.
        var anchors: [(old: Int, new: Int)] = []
        var from = 0
        for (new, node) in after.enumerated() {
            let same = before.indices[from...].first { old in
                node.isSynthetic
                    ? node.isEquivalent(to: before[old])
                    : node.sourceStart == before[old].sourceStart && node.isAliased == before[old].isAliased
                        && (!node.isAliased || node.isEquivalent(to: before[old]))
            }
            guard let old = same else { continue }
            anchors.append((old, new))
            from = old + 1
        }
        var old = 0
        var new = 0
        for anchor in anchors + [(before.count, after.count)] {
            let pairs = min(anchor.old - old, anchor.new - new)
            for offset in 0..<pairs { kept.append((old + offset, new + offset)) }
            let extra = Array((new + pairs)..<anchor.new)
            if !extra.isEmpty { added.append((kept.last?.old, extra)) }
            if anchor.old < before.count { kept.append(anchor) }
            (old, new) = (anchor.old + 1, anchor.new + 1)
        }
    }
}
