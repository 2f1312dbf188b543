/// How far the network keeps workloads apart, with the counts it is made of.
///
/// Each term is a share of namespaces or workloads; the score is their mean, weighted by what an attacker gains where
/// the term fails. A plugin that enforces nothing makes all of it 0.
package struct IsolationScore: Sendable, Hashable {
    package struct Term: Sendable, Hashable {
        package var name: String
        package var good: Int
        package var count: Int
        package var weight: Int
    }

    package var terms: [Term]
    package var isEnforced: Bool

    /// 0 to 100; nil where there is nothing to keep apart.
    package var value: Int? {
        let counted = terms.filter { $0.count > 0 }
        let weight = counted.reduce(0) { $0 + $1.weight }
        guard weight > 0 else { return nil }
        guard isEnforced else { return 0 }
        let sum = counted.reduce(0.0) { $0 + Double($1.weight) * Double($1.good) / Double($1.count) }
        return Int(100 * sum / Double(weight))
    }
}

extension NetworkState {
    /// Whether a policy selects every pod the namespace can ever have, and drops what nothing allows.
    func isClosed(_ namespace: Int, _ direction: Direction) -> Bool {
        policies.contains { policy in
            policy.section(direction)?.end == .deny && selectsEverything(policy.subjects, in: namespace)
        }
    }

    /// Whether a pod without any label would be selected, and pods with labels nobody foresaw.
    func selectsEverything(_ subjects: LabelExpression, in namespace: Int) -> Bool {
        let labels = namespaces[namespace].labels
        let name = namespaces[namespace].name
        func value(_ own: String?) -> (LabelKey) -> String? {
            { key in
                switch key {
                case .own: own
                case .namespace(let label): labels[label]
                case .namespaceName: name
                case .orchestrator: "k8s"
                default: nil
                }
            }
        }
        return subjects.matches(value(nil)) && subjects.matches(value("any value nobody has written"))
    }
}

extension NetworkModel {
    /// Pods with a network of their own, by the number of their namespace.
    var podsByNamespace: [[Int]] {
        var out = [[Int]](repeating: [], count: state.namespaces.count)
        for (number, pod) in state.pods.enumerated() where !pod.isOnHostNetwork { out[pod.namespace].append(number) }
        return out
    }

    /// Whether a policy that drops what it does not allow selects the pod.
    func isSelected(_ pod: Int, _ direction: Direction) -> Bool {
        let table = table(direction)
        let own = Int(space.classes.classOfPod[pod])
        guard own >= 0 else { return false }
        return table.groups[Int(table.groupOfClass[own])].stages.contains { $0.end == .deny }
    }

    /// The place of the metadata address among the peers.
    var metadataPeers: Bits {
        var bits = Bits(count: space.count)
        bits.insert(space.outsideIndex(of: Self.metadataAddress))
        return bits
    }

    /// Whether every pod of the cluster is let in on some port.
    func isOpenToEveryPod(_ pod: Int) -> Bool {
        let everyPod = podBits
        return allowed(.ingress, pod: pod).contains { everyPod.isSubset(of: $0.allowed) }
    }

    /// Namespaces and workloads counted by how far policies close them.
    package func isolation() -> IsolationScore { DualStack([self]).isolation() }
}

extension DualStack {
    /// The same over every family of addresses: what one of them lets pass is open.
    package func isolation() -> IsolationScore {
        let model = models[0]
        let state = model.state
        var closed = [Direction.ingress: 0, .egress: 0]
        var namespaces = 0
        for (number, pods) in model.podsByNamespace.enumerated() where !pods.isEmpty {
            namespaces += 1
            for direction in Direction.allCases where state.isClosed(number, direction) {
                closed[direction, default: 0] += 1
            }
        }
        var chosen = [Direction.ingress: 0, .egress: 0]
        var (workloads, offline, safe, apart, total) = (0, 0, 0, 0, 0)
        for row in outreach() {
            total += 1
            if row.metadata == .denied { safe += 1 }
            if row.internet == .denied { offline += 1 }
            guard !state.pods[row.pod].isOnHostNetwork else { continue }
            workloads += 1
            for direction in Direction.allCases where model.isSelected(row.pod, direction) {
                chosen[direction, default: 0] += 1
            }
            if !models.contains(where: { $0.isOpenToEveryPod(row.pod) }), !model.isInGap(.ingress, row.pod) {
                apart += 1
            }
        }
        return IsolationScore(
            terms: [
                .init(
                    name: "namespaces that drop ingress by default", good: closed[.ingress] ?? 0, count: namespaces,
                    weight: 3),
                .init(
                    name: "namespaces that drop egress by default", good: closed[.egress] ?? 0, count: namespaces,
                    weight: 2),
                .init(
                    name: "workloads a policy selects for ingress", good: chosen[.ingress] ?? 0, count: workloads,
                    weight: 3),
                .init(
                    name: "workloads a policy selects for egress", good: chosen[.egress] ?? 0, count: workloads,
                    weight: 2),
                .init(name: "workloads not every pod may reach", good: apart, count: workloads, weight: 2),
                .init(name: "workloads that cannot reach the internet", good: offline, count: total, weight: 1),
                .init(name: "workloads that cannot reach the metadata address", good: safe, count: total, weight: 2),
            ], isEnforced: state.plugin.enforcesPolicies)
    }
}
