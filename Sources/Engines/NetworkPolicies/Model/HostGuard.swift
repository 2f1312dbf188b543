package import Documents
package import Kubernetes

/// A place where a node's own traffic is filtered: a host endpoint of Calico, or a node under Cilium's host firewall.
package struct HostGuard: Sendable {
    /// The HostEndpoint or the Node.
    package var reference: ObjectReference
    package var document: Node?
    package var node: String
    package var labels: [String: String]
    /// Addresses of the interface it stands at.
    package var addresses: AddressSet
    package var ports: [ContainerPort] = []
    package var profiles: [String] = []
    /// It stands at every interface.
    package var isEverywhere: Bool
    /// The name of the interface, where it has one.
    package var interface = ""
    /// What no policy allows is dropped even where no policy speaks.
    package var dropsByDefault = false
    /// Why it is not known whether it filters at all.
    package var doubt: String?
    /// Nor is it known what policies select it.
    package var isOpaque = false
    /// It is asked about what the node hands on.
    var isForwarding = false

    /// What policies call it by, as selectors ask for it.
    func value(_ key: LabelKey) -> String? {
        if case .own(let name) = key { labels[name] } else { nil }
    }

    func isSubject(of scope: HostScope) -> Bool {
        if let profile = scope.profile { return profiles.contains(profile) }
        // A host endpoint for all interfaces knows no untracked policies.
        if scope.phase == .untracked, isEverywhere { return false }
        return scope.phase == .failsafe || scope.labels.matches(value)
    }

    /// Whether it is the end that a rule speaks of on the policy's own side, for sure or possibly.
    func match(_ selector: PeerSelector) -> (sure: Bool, possible: Bool) {
        // Of what is handed on the own side is some pod, which nobody told here.
        if isForwarding { return (selector == .anyone, selector != .nobody) }
        switch selector {
        case .anyone: return (true, true)
        case .nobody, .domains, .nodes: return (false, false)
        case .pods(let expression):
            let holds = expression.matches(value)
            return (holds, holds)
        case .addresses(let set, _):
            if addresses.isEmpty { return (set == .all, !set.isEmpty) }
            return (addresses.subtracting(set).isEmpty, !addresses.intersection(set).isEmpty)
        case .union(let parts):
            let all = parts.map(match)
            return (all.contains { $0.sure }, all.contains { $0.possible })
        case .intersection(let parts):
            let all = parts.map(match)
            return (all.allSatisfy { $0.sure }, all.allSatisfy { $0.possible })
        case .complement(let inner):
            let found = match(inner)
            return (!found.possible, !found.sure)
        case .unknown(_, let inner): return (false, match(inner).possible)
        }
    }
}

/// How a plugin treats hosts where that is a setting.
package struct HostSettings: Sendable {
    /// What becomes of traffic from a pod to the node it runs on.
    package enum OwnHost: Sendable {
        case allowed, dropped
        /// The node's own rules decide, which nobody showed.
        case unknown
        /// The filter of the host decides, as over anybody else's traffic.
        case filtered
    }

    /// Whose address a pod's traffic to another node carries.
    package enum Sender: Sendable { case pod, node, either }

    package var ownHost = OwnHost.allowed
    /// Whether what a node sends to its own pods is filtered.
    package var filtersOwnPods = false
    package var sender = Sender.pod
    /// Policies nobody wrote: ports that are always open, and profiles.
    package var policies: [Policy] = []
}

extension NetworkState {
    /// Whether anything filters what nodes themselves send and receive.
    package var filtersHosts: Bool { !guards.isEmpty || hostSettings.ownHost != .allowed }

    /// The policy of a number; those behind the last one are the plugin's own.
    func policy(numbered number: Int) -> Policy {
        number < policies.count ? policies[number] : hostSettings.policies[number - policies.count]
    }

    /// The filters on the way between a node and the rest of the world, and whether there may be a way around them.
    func guards(of node: Int, _ direction: Direction) -> (numbers: [Int], mayPassBy: Bool) {
        let own = guardsOfNode[nodes[node].name] ?? []
        guard !own.isEmpty else { return ([], true) }
        let isDoubtful = own.contains { guards[$0].doubt != nil }
        if let address = withComparedAddressFirst(nodes[node]).addresses.first {
            let exact = own.filter { !guards[$0].isEverywhere && guards[$0].addresses.contains(address) }
            // Answers are about this address; what a node sends leaves by its interface where there is no other filter.
            if !exact.isEmpty, direction == .ingress || own.count == exact.count { return (exact, isDoubtful) }
        }
        return (own, isDoubtful || !own.contains { guards[$0].isEverywhere })
    }

    /// Gives equal numbers to nodes whose filters no policy can tell apart; -1 where there is none.
    mutating func numberHosts() {
        guardsOfNode = [:]
        hostSigns = []
        guard !guards.isEmpty else { return }
        for (number, guarding) in guards.enumerated() { guardsOfNode[guarding.node, default: []].append(number) }
        var keys: Set<String> = []
        var comparesOwn = false
        for policy in policies + hostSettings.policies {
            guard let scope = policy.hosts else { continue }
            scope.labels.visitKeys { if case .own(let name) = $0 { keys.insert(name) } }
            for rule in (policy.ingress?.rules ?? []) + (policy.egress?.rules ?? []) {
                guard let own = rule.own else { continue }
                comparesOwn = true
                own.visit { part in
                    guard case .pods(let expression) = part else { return }
                    expression.visitKeys { if case .own(let name) = $0 { keys.insert(name) } }
                }
            }
        }
        var known: [[HostSign]: Int32] = [:]
        hostSigns = nodes.indices.map { node in
            let signs = [Direction.ingress, .egress].flatMap { direction in
                let (numbers, mayPassBy) = guards(of: node, direction)
                return numbers.map { number in
                    let one = guards[number]
                    return HostSign(
                        labels: one.labels.filter { keys.contains($0.key) }, ports: one.ports, profiles: one.profiles,
                        addresses: comparesOwn ? one.addresses : AddressSet(), mayPassBy: mayPassBy, doubt: one.doubt,
                        isOpaque: one.isOpaque, direction: direction)
                }
            }
            guard !signs.isEmpty else { return -1 }
            let next = Int32(known.count)
            let sign = known[signs] ?? next
            if sign == next { known[signs] = next }
            return sign
        }
    }

    /// The number of the filters of a pod's node where these decide over what the node hands on: -1 without any, -2 when
    /// the pod has no node yet, -3 when its node was not seen.
    func hostSign(of pod: NetworkPod) -> Int32 {
        guard filtersForwarded else { return -1 }
        guard let name = pod.node else { return -2 }
        guard let node = nodeIndex[name], node < hostSigns.count else { return -3 }
        return hostSigns[node]
    }

    /// Whether what every node does is known: that of nodes which filters speak of and nobody showed is not.
    var seesAllFilteredNodes: Bool {
        !nodes.isEmpty && guards.allSatisfy { nodeIndex[$0.node] != nil }
    }
}

/// What tells the filters of one node from those of another.
private struct HostSign: Hashable {
    var labels: [String: String]
    var ports: [ContainerPort]
    var profiles: [String]
    var addresses: AddressSet
    var mayPassBy: Bool
    var doubt: String?
    var isOpaque: Bool
    var direction: Direction
}
