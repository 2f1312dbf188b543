/// Merge keys.
///
/// go-yaml 2 applies members and merges in the order they are written and the last one wins, so a merge key below a
/// member replaces it: other than the YAML specification says, but what Kubernetes reads.
extension YAMLComposer {
    /// One member that a mapping may have in the end.
    private struct Candidate {
        var node: Int
        var isMerged: Bool
    }

    /// Closes the mapping: members that merges replace are hidden, those that merges bring are copied to its end.
    mutating func applyMerges(_ frame: Frame) throws(DocumentError) {
        let own = Array(merges[frame.firstMerge...])
        merges.removeSubrange(frame.firstMerge...)
        var candidates: [Candidate] = []
        var nextMerge = own.startIndex
        for child in builder.children(of: frame.index, end: builder.nodes.count) {
            if nextMerge < own.endIndex, own[nextMerge].member == child {
                try collect(own[nextMerge], &candidates)
                nextMerge += 1
            } else {
                candidates.append(Candidate(node: child, isMerged: false))
            }
        }
        var winners: [[UInt8]: Int] = [:]
        winners.reserveCapacity(candidates.count)
        for (position, candidate) in candidates.enumerated() {
            let name = builder.keyBytes(candidate.node, source)
            guard let loser = winners.updateValue(position, forKey: name), !candidates[loser].isMerged else { continue }
            builder.nodes[candidates[loser].node].flags.insert(.shadowed)
            if !candidate.isMerged, options.checkDuplicateKeys {
                problems.appendDuplicate(at: builder.keyStart(candidates[loser].node), source) {
                    String(decoding: name, as: UTF8.self)
                }
            }
        }
        for (position, candidate) in candidates.enumerated() where candidate.isMerged {
            guard winners[builder.keyBytes(candidate.node, source)] == position else { continue }
            builder.appendCopy(of: candidate.node)
        }
        builder.nodes[frame.index].extent = UInt32(builder.nodes.count)
    }

    private func collect(_ merge: Merge, _ candidates: inout [Candidate]) throws(DocumentError) {
        var sources = [merge.source]
        if merge.isList {
            // Earlier mappings of a list win, so the last is applied first.
            sources = builder.children(of: merge.source, end: Int(builder.nodes[merge.source].extent)).reversed()
        }
        for source in sources {
            let node = builder.nodes[source]
            guard node.kind == .object else { throw notAMapping(Int(node.start)) }
            for child in builder.children(of: source, end: Int(node.extent))
            where !builder.nodes[child].flags.contains(.shadowed) {
                candidates.append(Candidate(node: child, isMerged: true))
            }
        }
    }
}
