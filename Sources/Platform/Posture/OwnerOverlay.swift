import Findings
import Kubernetes

/// Results that an evaluation of the whole has for owners, to be laid over what is said of each by itself.
extension [OwnerIdentity: OwnerResult] {
    /// What others say of an owner, with what stands here.
    func merged(_ result: OwnerResult?, _ owner: OwnerIdentity) -> OwnerResult? {
        guard let own = self[owner] else { return result }
        guard var result else { return own }
        result.merge(own)
        return result
    }

    /// The same for all owners; some, as namespaces of which no object was seen, have results here only.
    func merged(_ others: consuming Self) -> Self {
        var out = others
        for (owner, own) in self {
            if out[owner] == nil { out[owner] = own } else { out[owner]?.merge(own) }
        }
        return out
    }

    /// Owners of which something else is said than in `old`, in order.
    func owners(changedFrom old: Self) -> [OwnerIdentity] {
        Set(old.keys).union(keys).filter { !Self.areSame(old[$0], self[$0]) }.sorted()
    }

    private static func areSame(_ a: OwnerResult?, _ b: OwnerResult?) -> Bool {
        guard let a, let b else { return a == nil && b == nil }
        return a.coverage == b.coverage && a.findings.count == b.findings.count
            && zip(a.findings, b.findings).allSatisfy { x, y in
                x.rule.id == y.rule.id && x.outcome == y.outcome && x.severity == y.severity
                    && x.evidence.map(\.message) == y.evidence.map(\.message)
            }
    }
}
