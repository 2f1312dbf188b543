/// Who may talk to whom, exactly: every policy language folded into one table a direction.
///
/// Building it costs the policies and the classes of pods, never pairs of pods. It is a value; a change is a new one.
package struct NetworkModel: Sendable {
    package internal(set) var state: NetworkState
    var space: PeerSpace
    var ingress: DirectionTable
    var egress: DirectionTable
    /// What nodes themselves may send and receive.
    var hosts: HostTables
    /// For every hole, the classes it may touch.
    var gaps: [Bits]
    /// Nodes as people speak of them: those that are filtered alike are one party.
    let nodeParties: [Party]
    /// Whether traffic between nodes and the outside is told: where something decides over it.
    let tellsNodes: Bool
    var podsByName: [String: Int]
    var podsByAddress: [IPAddress: Int]
    private let nodesByAddress: [IPAddress: Int]

    /// `others` are states this one will be compared with: the address space is cut where their policies cut it too.
    package init(_ given: NetworkState, comparedWith others: [NetworkState] = []) {
        self.init(given, comparedWith: others, spare: 0)
    }

    /// - Parameter spare: classes and address ranges to keep free, for a model that follows events.
    init(_ given: NetworkState, comparedWith others: [NetworkState] = [], spare: Int) {
        var state = given
        state.policyCount = state.policies.count
        let plugin = state.plugin
        if !plugin.enforcesPolicies || (plugin.family == .cilium && plugin.enforcement == .never) {
            state.policies = []
            state.guards = []
            state.hostSettings = HostSettings()
            state.filtersForwarded = false
        }
        state.numberHosts()
        self.state = state
        var selectors: [PeerSelector] = []
        var expressions: [LabelExpression] = state.gaps.map(\.subjects)
        var names: Set<String> = []
        for policy in state.policies + state.hostSettings.policies {
            expressions.append(policy.subjects)
            for direction in Direction.allCases {
                for rule in policy.section(direction)?.rules ?? [] {
                    selectors.append(rule.peers)
                    if let own = rule.own { selectors.append(own) }
                    for port in rule.traffic.named + rule.traffic.excludedNames { names.insert(port.name) }
                }
            }
        }
        for policy in others.flatMap(\.policies) {
            if spare > 0 { expressions.append(policy.subjects) }
            for direction in Direction.allCases {
                for rule in policy.section(direction)?.rules ?? [] {
                    selectors.append(rule.peers)
                    if let own = rule.own { selectors.append(own) }
                }
            }
        }
        let space = PeerSpace(state, selectors: selectors, expressions: expressions, portNames: names, spare: spare)
        self.space = space
        nodeParties = Self.parties(of: state, others)
        tellsNodes = state.filtersHosts || others.contains { $0.filtersHosts }
        let hosts = HostTables(state, space)
        self.hosts = hosts
        ingress = DirectionTable(.ingress, state, space, forwarded: hosts.forwarded(.ingress))
        egress = DirectionTable(.egress, state, space, forwarded: hosts.forwarded(.egress))
        gaps = state.gaps.map { gap in
            var bits = Bits(count: space.podCount)
            space.classes.select(gap.subjects, into: &bits)
            return bits
        }
        var podsByName: [String: Int] = [:]
        var podsByAddress: [IPAddress: Int] = [:]
        podsByName.reserveCapacity(state.pods.count)
        for (index, pod) in state.pods.enumerated() {
            podsByName["\(state.namespaces[pod.namespace].name)/\(pod.name)"] = index
            if !pod.isOnHostNetwork { for address in pod.addresses { podsByAddress[address] = index } }
        }
        var nodesByAddress: [IPAddress: Int] = [:]
        for (index, node) in state.nodes.enumerated() {
            for address in node.addresses { nodesByAddress[address] = index }
        }
        self.podsByName = podsByName
        self.podsByAddress = podsByAddress
        self.nodesByAddress = nodesByAddress
    }

    /// Nodes that one of the states filters otherwise than the rest are parties of their own, the same in all states.
    private static func parties(of state: NetworkState, _ others: [NetworkState]) -> [Party] {
        guard !state.guards.isEmpty || others.contains(where: { !$0.guards.isEmpty }) else {
            return [Party](repeating: .nodes, count: state.nodes.count)
        }
        var groups: [[Int32]: [String]] = [:]
        var keys: [[Int32]] = []
        let signs = ([state] + others).map { given in
            var other = given
            other.numberHosts()
            return other
        }
        for node in state.nodes {
            let key = signs.map { other in
                other.nodeIndex[node.name].map { $0 < other.hostSigns.count ? other.hostSigns[$0] : -1 } ?? -9
            }
            keys.append(key)
            groups[key, default: []].append(node.name)
        }
        guard groups.count > 1 else { return [Party](repeating: .nodes, count: state.nodes.count) }
        return keys.map { .someNodes((groups[$0] ?? []).sorted().joined(separator: ", ")) }
    }

    /// Numbers of the namespaces that a policy, or a hole, is about.
    var namespacesWithPolicies: Set<Int> {
        var out: Set<Int> = []
        var concerned = Bits(count: space.podCount)
        for subjects in ingress.subjects + egress.subjects where !subjects.words.isEmpty {
            concerned.formUnion(subjects)
        }
        for gap in gaps { concerned.formUnion(gap) }
        concerned.forEach { number in
            for pod in space.classes.members[number] { out.insert(state.pods[Int(pod)].namespace) }
        }
        return out
    }

    func table(_ direction: Direction) -> DirectionTable { direction == .ingress ? ingress : egress }

    /// Number of classes of pods that policies tell apart.
    package var classCount: Int { space.classes.used }

    // MARK: Ends

    /// One end of a connection.
    package enum Endpoint: Sendable, Hashable {
        case pod(Int)
        case node(Int)
        case address(IPAddress)
        /// A name outside the cluster.
        case domain(String)
    }

    package func pod(named name: String, in namespace: String) -> Endpoint? {
        podsByName["\(namespace)/\(name)"].map(Endpoint.pod)
    }

    package func node(named name: String) -> Endpoint? { state.nodeIndex[name].map(Endpoint.node) }

    /// The end an address belongs to: a pod, a node, or the outside.
    package func endpoint(at address: IPAddress) -> Endpoint {
        if let pod = podsByAddress[address] { return .pod(pod) }
        if let node = nodesByAddress[address] { return .node(node) }
        return .address(address)
    }

    /// The rule an answer names.
    package func rule(_ identity: RuleIdentity) -> PolicyRule? {
        state.policy(numbered: identity.policy).section(identity.direction)?.rules[identity.rule]
    }

    package func policy(_ identity: RuleIdentity) -> Policy { state.policy(numbered: identity.policy) }
}
