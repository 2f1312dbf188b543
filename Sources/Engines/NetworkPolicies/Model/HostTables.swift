/// What the filters of nodes let pass: to and from the nodes themselves, and on to pods and from them.
///
/// Nodes that are filtered alike are one class of nodes; each has one answer for what comes over the wire and one for
/// the pods it runs itself.
struct HostTables: Sendable {
    /// Filters as subjects: of a node's own traffic, of what it hands on, and of packets before a Service's address is
    /// exchanged.
    private var own: [Direction: DirectionTable] = [:]
    private var forward: [Direction: DirectionTable] = [:]
    private(set) var early: DirectionTable?
    /// By class of nodes.
    private var overWire: [Direction: [[AllowedPeers]]] = [:]
    private var fromOwnPods: [Direction: [[AllowedPeers]]] = [:]
    private var handedOn: [Direction: [Int32: [AllowedPeers]]] = [:]

    /// Whether nodes are as free as they are without any filter.
    let isEmpty: Bool

    init(_ state: NetworkState, _ space: PeerSpace) {
        isEmpty = !state.filtersHosts
        guard !isEmpty else { return }
        for direction in Direction.allCases {
            own[direction] = Self.table(
                direction, state, space, [.failsafe, .untracked, .preDNAT, .normal, .profile], isForward: false)
            overWire[direction] = (0..<space.nodeCount).map { number in
                guard let node = space.nodes(ofClass: number).first else { return [] }
                let list = answers(own[direction], state.guards(of: node, direction), state, space)
                return direction == .ingress ? Self.exchangingSenders(list, state, space) : list
            }
            fromOwnPods[direction] = (0..<space.nodeCount).map { number in
                let list = space.nodes(ofClass: number).first.map { ownPods(direction, $0, state, space) } ?? []
                return list.map { part in
                    var part = part
                    part.allowed.formIntersection(space.pods)
                    return part
                }
            }
        }
        guard state.filtersForwarded else { return }
        early = Self.table(.ingress, state, space, [.preDNAT], isForward: true)
        for direction in Direction.allCases {
            forward[direction] = Self.table(direction, state, space, [.preDNAT, .normal], isForward: true)
            var lists: [Int32: [AllowedPeers]] = [:]
            for (node, sign) in state.hostSigns.enumerated() where lists[sign] == nil {
                lists[sign] = handingOn(direction, state.guards(of: node, direction), state, space)
            }
            // A pod that has no node yet may come behind any of them; of nodes that nobody showed nothing is known.
            lists[-3] = Self.unseen(space)
            lists[-2] =
                state.seesAllFilteredNodes
                ? AllowedPeers.oneOf(lists.filter { $0.key >= -1 }.sorted { $0.key < $1.key }.map(\.value), space.count)
                : lists[-3]
            lists[-1] = nil
            handedOn[direction] = lists
        }
    }

    func table(_ direction: Direction) -> DirectionTable? { own[direction] }
    func forwardTable(_ direction: Direction) -> DirectionTable? { forward[direction] }
    func forwarded(_ direction: Direction) -> [Int32: [AllowedPeers]] { handedOn[direction] ?? [:] }

    /// What a class of nodes may receive or send over the wire.
    func peers(_ direction: Direction, nodeClass number: Int) -> [AllowedPeers] { overWire[direction]?[number] ?? [] }

    /// What a class of nodes may receive from the pods it runs, or send to them.
    func ownPods(_ direction: Direction, nodeClass number: Int) -> [AllowedPeers] {
        fromOwnPods[direction]?[number] ?? []
    }

    private static func table(
        _ direction: Direction, _ given: NetworkState, _ space: PeerSpace, _ phases: Set<HostScope.Phase>,
        isForward: Bool
    ) -> DirectionTable {
        var state = given
        state.policies = []
        var numbers: [Int] = []
        for number in 0..<given.policies.count + given.hostSettings.policies.count {
            guard given.policy(numbered: number).hosts != nil else { continue }
            let policy = given.policy(numbered: number).forHosts(phases, isForward: isForward)
            guard policy.section(direction) != nil else { continue }
            state.policies.append(policy)
            numbers.append(number)
        }
        if isForward, direction == .ingress { Self.openFailsafes(given, &state.policies, &numbers) }
        let guards = given.guards.map { one in
            var one = one
            // What a node only hands on is let through where no policy speaks.
            if isForward { one.dropsByDefault = false }
            one.isForwarding = isForward && phases.contains(.normal)
            return one
        }
        var table = DirectionTable(direction, state, space, guards: guards)
        table.rename(numbers)
        return table
    }

    /// Ports that are always open are past the early policies of what is handed on, too, and of these only: what applies
    /// on forward is asked all the same.
    ///
    /// Source: Calico's Felix, whose chain of pre-DNAT policies begins with the failsafe ports, while its chains of
    /// forwarded traffic know none.
    private static func openFailsafes(_ given: NetworkState, _ policies: inout [Policy], _ numbers: inout [Int]) {
        let last = given.policies.count + given.hostSettings.policies.count
        guard
            let number = (given.policies.count..<last).first(where: {
                given.policy(numbered: $0).hosts?.phase == .failsafe
            }), let open = given.policy(numbered: number).ingress
        else { return }
        let early = Set(policies.filter { $0.hosts?.phase == .preDNAT }.map(\.stage))
        for stage in early.sorted() {
            var failsafe = given.policy(numbered: number)
            failsafe.stage = stage
            failsafe.order = -.infinity
            failsafe.egress = nil
            failsafe.ingress = open
            failsafe.ingress?.rules = open.rules.map { rule in
                var rule = rule
                rule.action = .pass
                return rule
            }
            policies.append(failsafe)
            numbers.append(number)
        }
    }

    /// The answers of the filters that traffic may meet; where they differ, nothing is certain.
    private func answers(
        _ table: DirectionTable?, _ way: (numbers: [Int], mayPassBy: Bool), _ state: NetworkState, _ space: PeerSpace
    ) -> [AllowedPeers] {
        let free = [AllowedPeers.everything(space.count)]
        guard let table, !way.numbers.isEmpty else { return free }
        var lists = way.numbers.map { number in
            let allowed = table.groups[Int(table.groupOfClass[number])].allowed
            guard state.guards[number].isOpaque || isInGap(number, table.direction, state) else { return allowed }
            return [AllowedPeers.anything(space.count)]
        }
        if way.mayPassBy { lists.append(free) }
        return AllowedPeers.oneOf(lists, space.count)
    }

    /// Whether a policy that cannot be read may be about a filter.
    private func isInGap(_ number: Int, _ direction: Direction, _ state: NetworkState) -> Bool {
        state.gaps.contains { gap in
            guard let scope = gap.hosts, direction == .ingress ? gap.ingress : gap.egress else { return false }
            return state.guards[number].isSubject(of: scope)
        }
    }

    /// What becomes of traffic between a node and the pods it runs.
    private func ownPods(
        _ direction: Direction, _ node: Int, _ state: NetworkState, _ space: PeerSpace
    ) -> [AllowedPeers] {
        let free = [AllowedPeers.everything(space.count)]
        if direction == .egress {
            guard state.hostSettings.filtersOwnPods else { return free }
            return answers(own[direction], state.guards(of: node, direction), state, space)
        }
        switch state.hostSettings.ownHost {
        case .allowed: return free
        case .dropped: return [AllowedPeers(traffic: .all, allowed: Bits(count: space.count))]
        case .unknown: return [AllowedPeers.anything(space.count)]
        case .filtered:
            let everywhere = (state.guardsOfNode[state.nodes[node].name] ?? []).filter { state.guards[$0].isEverywhere }
            let isDoubtful = everywhere.contains { state.guards[$0].doubt != nil }
            return answers(own[direction], (everywhere, isDoubtful), state, space)
        }
    }

    /// A pod's traffic may reach another node under the address of its own node.
    private static func exchangingSenders(
        _ list: [AllowedPeers], _ state: NetworkState, _ space: PeerSpace
    ) -> [AllowedPeers] {
        guard state.hostSettings.sender != .pod, space.nodeCount > 0 else { return list }
        var senders = Bits(count: space.count)
        senders.insert(space.otherNodes)
        return list.map { part in
            var out = part
            var denied = part.mayBeDenied(space.count)
            if state.hostSettings.sender == .node {
                out.allowed.subtract(space.pods)
                denied.subtract(space.pods)
            }
            if part.allowed.intersects(senders) { out.allowed.formUnion(space.pods) }
            if part.mayBeDenied(space.count).intersects(senders) { denied.formUnion(space.pods) }
            out.denied = denied
            return out
        }
    }

    /// What a node may hand on of which nothing is known: its own traffic with its pods is no matter of filters.
    private static func unseen(_ space: PeerSpace) -> [AllowedPeers] {
        var part = AllowedPeers.anything(space.count)
        var own = Bits(count: space.count)
        own.insert(space.ownNodes)
        part.denied?.subtract(own)
        return [part]
    }

    /// What filters let a node hand on to its pods, or from them. Its own traffic is no matter of theirs, and whether
    /// traffic between pods meets them depends on how it is carried.
    private func handingOn(
        _ direction: Direction, _ way: (numbers: [Int], mayPassBy: Bool), _ state: NetworkState, _ space: PeerSpace
    ) -> [AllowedPeers] {
        answers(forward[direction], way, state, space).map { part in
            var out = part
            var denied = part.mayBeDenied(space.count)
            out.allowed.formUnion(space.pods)
            out.allowed.insert(space.ownNodes)
            var own = Bits(count: space.count)
            own.insert(space.ownNodes)
            denied.subtract(own)
            out.denied = denied
            return out
        }
    }
}

extension PeerSpace {
    /// The classes of pods among all peers.
    var pods: Bits {
        var bits = Bits(count: count)
        bits.insert(0..<podCount)
        return bits
    }
}

extension AllowedPeers {
    /// Nothing is known.
    static func anything(_ count: Int) -> AllowedPeers {
        AllowedPeers(traffic: .all, allowed: Bits(full: count), denied: Bits(full: count))
    }

    func mayBeDenied(_ count: Int) -> Bits { denied ?? Bits(full: count).subtracting(allowed) }

    /// What two filters one after the other let pass.
    static func both(_ first: [AllowedPeers], _ second: [AllowedPeers], _ count: Int) -> [AllowedPeers] {
        meeting(first, second) { a, b in
            let denied = a.mayBeDenied(count).union(b.mayBeDenied(count))
            return (a.allowed.intersection(b.allowed), denied)
        }
    }

    /// What passes where one of several filters is met and nobody knows which.
    static func oneOf(_ lists: [[AllowedPeers]], _ count: Int) -> [AllowedPeers] {
        guard var out = lists.first else { return [everything(count)] }
        for list in lists.dropFirst() {
            out = meeting(out, list) { a, b in
                (a.allowed.union(b.allowed), a.mayBeDenied(count).union(b.mayBeDenied(count)))
            }
        }
        return out
    }

    private static func meeting(
        _ first: [AllowedPeers], _ second: [AllowedPeers],
        _ join: (AllowedPeers, AllowedPeers) -> (allowed: Bits, denied: Bits)
    ) -> [AllowedPeers] {
        var out: [AllowedPeers] = []
        for a in first {
            for b in second where a.traffic.intersects(b.traffic) {
                let (allowed, denied) = join(a, b)
                out.append(
                    AllowedPeers(traffic: a.traffic.intersection(b.traffic), allowed: allowed, denied: denied))
            }
        }
        return out
    }
}
