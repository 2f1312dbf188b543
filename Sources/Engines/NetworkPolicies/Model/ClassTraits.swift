/// What selectors look at of one class of pods, taken out of the tables once.
///
/// A new class is compared with the selectors of hundreds of policies; each comparison then touches this and no table.
struct ClassTraits: Sendable {
    var labels: [String: String]
    var namespaceLabels: [String: String]
    var namespace: String
    var account: String
    var accountLabels: [String: String]
    var cluster: String
    /// An address of the range its pods are in.
    var address: IPAddress?

    func value(_ key: LabelKey) -> String? {
        switch key {
        case .own(let name): labels[name]
        case .namespace(let name): namespaceLabels[name]
        case .namespaceName: namespace
        case .serviceAccount(let name): accountLabels[name]
        case .serviceAccountName: account
        case .orchestrator: "k8s"
        case .cluster: cluster
        }
    }
}

extension LabelExpression {
    func matches(_ traits: borrowing ClassTraits) -> Bool {
        switch self {
        case .everything: return true
        case .nothing: return false
        case .isIn(let key, let values):
            guard let value = traits.value(key) else { return false }
            return values.contains(value)
        case .isNotIn(let key, let values):
            guard let value = traits.value(key) else { return true }
            return !values.contains(value)
        case .exists(let key): return traits.value(key) != nil
        case .hasPrefix(let key, let text): return traits.value(key)?.hasPrefix(text) ?? false
        case .hasSuffix(let key, let text): return traits.value(key)?.hasSuffix(text) ?? false
        case .contains(let key, let text): return traits.value(key)?.contains(text) ?? false
        case .not(let inner): return !inner.matches(traits)
        case .all(let parts):
            for part in parts where !part.matches(traits) { return false }
            return true
        case .any(let parts):
            for part in parts where part.matches(traits) { return true }
            return false
        }
    }
}

extension PeerSelector {
    /// Whether it holds a class, for sure or possibly.
    func match(_ traits: borrowing ClassTraits) -> (sure: Bool, possible: Bool) {
        switch self {
        case .anyone: return (true, true)
        case .nobody, .nodes, .domains: return (false, false)
        case .pods(let expression):
            let holds = expression.matches(traits)
            return (holds, holds)
        case .addresses(let set, let reach):
            guard reach.contains(.pods), !set.isEmpty else { return (false, false) }
            guard let address = traits.address else {
                return (set.v4 == AddressSet.all.v4 || set.v6 == AddressSet.all.v6, true)
            }
            let holds = set.contains(address)
            return (holds, holds)
        case .union(let parts):
            var out = (sure: false, possible: false)
            for part in parts {
                let next = part.match(traits)
                out = (out.sure || next.sure, out.possible || next.possible)
                if out.sure { break }
            }
            return out
        case .intersection(let parts):
            var out = (sure: true, possible: true)
            for part in parts {
                let next = part.match(traits)
                out = (out.sure && next.sure, out.possible && next.possible)
                if !out.possible { break }
            }
            return out
        case .complement(let inner):
            let next = inner.match(traits)
            return (!next.possible, !next.sure)
        case .unknown(_, let inner): return (false, inner.match(traits).possible)
        }
    }
}
