package import Kubernetes

/// Answers where pods have networks beside the cluster's own: primary networks that users define, which do not meet each
/// other, and networks that pods are attached to, where only MultiNetworkPolicy counts.
///
/// Source: OVN-Kubernetes documentation, "User Defined Networks"; Network Plumbing Working Group, "Kubernetes Network
/// Custom Resource Definition De-facto Standard" and MultiNetworkPolicy.
package struct PodNetworks: Sendable {
    private let networks: [AnalyzerNetworks.Network]

    package init(_ inventory: Inventory, _ state: NetworkState) {
        networks = AnalyzerNetworks(inventory, state, notesDoubt: true).networks
    }

    /// Names of the networks beside the cluster's own, in order.
    package var names: [String] { networks.map(\.name).filter { !$0.isEmpty } }

    /// One network that both ends are on.
    package struct Way: Sendable {
        /// Empty for the cluster's own.
        package var network: String
        package var verdict: Verdict
        package var reasons: [String]
    }

    /// Every network that two ends, named as people write them, meet on; none when nothing connects them.
    package func ways(from source: String, to target: String, _ traffic: Traffic) -> [Way] {
        networks.flatMap { network in
            network.state.perFamily.compactMap { state -> Way? in
                let model = NetworkModel(state)
                guard let from = model.endpoint(named: source), let to = model.endpoint(named: target) else {
                    return nil
                }
                if network.isAttached {
                    // An attached network has pods and nobody else.
                    guard case .pod(let a) = from, case .pod(let b) = to, !state.pods[a].isOnHostNetwork,
                        !state.pods[b].isOnHostNetwork
                    else { return nil }
                }
                let answer = model.verdict(from: from, to: to, traffic)
                return Way(
                    network: network.name, verdict: answer.verdict,
                    reasons: model.explain(answer.egress, .egress) + model.explain(answer.ingress, .ingress))
            }
        }
    }

    /// What a change opens and cuts over one network.
    package struct Change: Sendable {
        package var network: String
        package var change: ConnectivityChange
    }

    /// What a change opens and cuts over each network beside the cluster's own, in order; networks over which nothing
    /// changes are left out.
    package func changes(to after: PodNetworks) -> [Change] {
        Set(names).union(after.names).sorted().compactMap { name in
            let (old, new) = (network(named: name), after.network(named: name))
            guard let some = old ?? new else { return nil }
            // A network that one side does not have is one without pods there.
            let nobody = some.state.keeping { _ in false }
            var change = ConnectivityChange(from: old?.state ?? nobody, to: new?.state ?? nobody)
            if some.isAttached {
                func areOnIt(_ connection: Connection) -> Bool { connection.source.isPods && connection.target.isPods }
                change.added = change.added.filter(areOnIt)
                change.removed = change.removed.filter(areOnIt)
                change.unclear = change.unclear.filter(areOnIt)
            }
            return change.isEmpty ? nil : Change(network: name, change: change)
        }
    }

    private func network(named name: String) -> AnalyzerNetworks.Network? { networks.first { $0.name == name } }

    /// Who may talk to whom over any of the networks, in order.
    package func connections(byNamespace: Bool = false) -> [Connection] {
        let lists = networks.flatMap { network in
            network.state.perFamily.map { state in
                NetworkModel(state).connections(byNamespace: byNamespace, mergesRanges: false).filter { connection in
                    !network.isAttached || (connection.source.isPods && connection.target.isPods)
                }
            }
        }
        return Connection.merged(Connection.joined(lists))
    }
}

extension Party {
    fileprivate var isPods: Bool {
        switch self {
        case .workload, .namespace: true
        case .nodes, .someNodes, .outside: false
        }
    }
}
