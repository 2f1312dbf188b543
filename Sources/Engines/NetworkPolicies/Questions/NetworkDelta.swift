/// What an event opens and cuts, and because of which rule.
package struct NetworkDelta: Sendable {
    /// One rectangle of connections that are judged otherwise now.
    package struct Change: Sendable {
        /// The verdict they have now.
        package var becomes: Verdict
        package var traffic: TrafficSet
        var sources: Ends
        var targets: Ends
        /// The side that changed its mind, and what decides there now; nil where the pod itself came or went.
        package var direction: Direction?
        package var decision: Decision?
    }

    enum Ends: Sendable {
        case classes(Bits)
        case party(Party)
    }

    package internal(set) var changes: [Change] = []
    /// The model was made anew: the event asked for something that told no pods apart before.
    package internal(set) var isRebuilt = false

    package var isEmpty: Bool { changes.isEmpty }
}

extension NetworkModel {
    /// A change of a delta of this model, spelled out between parties as people speak of them.
    package func connections(of change: NetworkDelta.Change) -> [Connection] {
        var out: [Connection] = []
        let targets = parties(change.targets)
        for source in parties(change.sources) {
            for target in targets where source != target {
                out.append(Connection(source: source, target: target, traffic: change.traffic))
            }
        }
        return out.sorted()
    }

    /// Why, in words, with the deciding rules.
    package func explain(_ change: NetworkDelta.Change) -> [String] {
        guard let direction = change.direction, let decision = change.decision else { return [] }
        return explain(decision, direction)
    }

    private func parties(_ ends: NetworkDelta.Ends) -> [Party] {
        switch ends {
        case .party(let party): return [party]
        case .classes(let bits):
            var out: Set<Party> = []
            bits.forEach { number in
                switch number {
                case ..<space.podCount:
                    for pod in space.classes.members[number] { out.insert(party(of: state.pods[Int(pod)])) }
                case space.nodes: for node in space.nodes(at: number) { out.insert(nodeParties[node]) }
                default:
                    if let range = space.atoms.range(numbered: number - space.outside.lowerBound) {
                        out.insert(.outside(range))
                    }
                }
            }
            return out.sorted()
        }
    }

    func party(of pod: NetworkPod) -> Party {
        var owner = pod.owner
        owner.namespace = state.namespaces[pod.namespace].name
        return .workload(owner)
    }
}

// MARK: A pod

extension NetworkModel {
    /// What a pod gains and loses by going from one class to another, or by coming or going.
    func delta(of party: Party, from before: PodReach, to after: PodReach, ownClass: Int?) -> NetworkDelta {
        var delta = NetworkDelta()
        for direction in Direction.allCases {
            let (old, new) =
                direction == .ingress ? (before.incoming, after.incoming) : (before.outgoing, after.outgoing)
            for (rows, others, becomes) in [(new, old, Verdict.allowed), (old, new, .denied)] {
                for (peers, traffic) in Self.subtract(rows, others) {
                    var change = NetworkDelta.Change(
                        becomes: becomes, traffic: traffic, sources: .party(party), targets: .party(party))
                    if direction == .ingress {
                        change.sources = .classes(peers)
                    } else {
                        change.targets = .classes(peers)
                    }
                    if let ownClass, let peer = peers.first, let sample = traffic.sample {
                        (change.direction, change.decision) = self.deciding(direction, ownClass, peer, sample)
                    }
                    delta.changes.append(change)
                }
            }
        }
        return delta
    }

    /// The side that decides over a class and a peer: the one that denies, or the one asked about.
    private func deciding(
        _ direction: Direction, _ own: Int, _ peer: Int, _ traffic: Traffic
    ) -> (Direction, Decision) {
        let decision = decide(direction, ownClass: own, peer: peer, traffic)
        guard decision.verdict != .denied, peer < space.podCount else { return (direction, decision) }
        let other: Direction = direction == .ingress ? .egress : .ingress
        let answer = decide(other, ownClass: peer, peer: own, traffic)
        return answer.verdict == .denied ? (other, answer) : (direction, decision)
    }

    private static func subtract(
        _ rows: [PodReach.Row], _ others: [PodReach.Row]
    ) -> [PodReach.Row] {
        guard !others.isEmpty else { return rows }
        var left = rows
        for other in others {
            var next: [PodReach.Row] = []
            for row in left {
                guard row.traffic.intersects(other.traffic), row.peers.intersects(other.peers) else {
                    next.append(row)
                    continue
                }
                let outside = row.peers.subtracting(other.peers)
                if !outside.isEmpty { next.append((outside, row.traffic)) }
                let rest = row.traffic.subtracting(other.traffic)
                if !rest.isEmpty { next.append((row.peers.intersection(other.peers), rest)) }
            }
            left = next
        }
        return left
    }
}

// MARK: A policy

/// The groups that classes were in before a policy changed.
struct FormerGroups {
    var ingress: [Int: (group: Int32, allowed: [AllowedPeers])] = [:]
    var egress: [Int: (group: Int32, allowed: [AllowedPeers])] = [:]

    func of(_ direction: Direction) -> [Int: (group: Int32, allowed: [AllowedPeers])] {
        direction == .ingress ? ingress : egress
    }
}

extension NetworkModel {
    /// Remembers what every class that a policy is about may do.
    func remember(_ policies: [Int], in former: inout FormerGroups) {
        for policy in policies where policy < state.policies.count {
            remember(ingress, policy, &former.ingress)
            remember(egress, policy, &former.egress)
        }
    }

    private func remember(
        _ table: DirectionTable, _ policy: Int, _ former: inout [Int: (group: Int32, allowed: [AllowedPeers])]
    ) {
        guard !table.subjects[policy].words.isEmpty else { return }
        table.subjects[policy].forEach { remember(table, class: $0, &former) }
    }

    private func remember(
        _ table: DirectionTable, class own: Int, _ former: inout [Int: (group: Int32, allowed: [AllowedPeers])]
    ) {
        guard former[own] == nil, table.groupOfClass[own] >= 0 else { return }
        let group = table.groupOfClass[own]
        former[own] = (group, table.groups[Int(group)].allowed)
    }

    /// Remembers what the classes that a new policy will be about may do.
    func remember(_ policy: Policy, in former: inout FormerGroups) {
        var selected = Bits(count: space.podCount)
        space.classes.select(policy.subjects, into: &selected)
        if policy.ingress != nil { selected.forEach { remember(ingress, class: $0, &former.ingress) } }
        if policy.egress != nil { selected.forEach { remember(egress, class: $0, &former.egress) } }
    }

    private enum Moment { case now, before, both }

    /// What connections the classes that were remembered have gained and lost since.
    func delta(since former: FormerGroups) -> NetworkDelta {
        var delta = NetworkDelta()
        for direction in Direction.allCases {
            let table = table(direction)
            // Classes that went the same way from group to group are answered together.
            var moves: [[Int32]: (classes: Bits, old: [AllowedPeers])] = [:]
            for (own, was) in former.of(direction) where !space.classes.members[own].isEmpty {
                guard !isInGap(direction, ofClass: own) else { continue }
                let key = [was.group, table.groupOfClass[own]]
                if moves[key] == nil { moves[key] = (Bits(count: space.count), was.allowed) }
                moves[key]?.classes.insert(own)
            }
            for key in moves.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                guard let move = moves[key] else { continue }
                for old in move.old {
                    for new in table.groups[Int(key[1])].allowed where new.traffic.intersects(old.traffic) {
                        let traffic = old.traffic.intersection(new.traffic)
                        let gained = new.sure.subtracting(old.allowed)
                        let lost = old.sure.subtracting(new.allowed)
                        let doubt = new.doubted.subtracting(old.doubted)
                        let isIn = direction == .ingress
                        for (peers, becomes, moment) in [
                            (gained, Verdict.allowed, isIn ? Moment.now : .both),
                            (lost, .denied, isIn ? .before : .both), (doubt, .unknown, isIn ? .now : .both),
                        ] where !peers.isEmpty {
                            join(direction, move.classes, peers, traffic, becomes, moment, former, &delta)
                        }
                    }
                }
            }
        }
        return delta
    }

    /// Adds what the other ends agree to.
    private func join(
        _ direction: Direction, _ own: Bits, _ peers: Bits, _ traffic: TrafficSet, _ becomes: Verdict,
        _ moment: Moment, _ former: FormerGroups, _ delta: inout NetworkDelta
    ) {
        let otherDirection: Direction = direction == .ingress ? .egress : .ingress
        let table = table(otherDirection)
        let changed = former.of(otherDirection)
        var byGroup: [[Int32]: Bits] = [:]
        var outsiders = Bits(count: space.count)
        peers.forEach { peer in
            guard peer < space.podCount else { return outsiders.insert(peer) }
            let group = table.groupOfClass[peer]
            guard group >= 0, !space.classes.members[peer].isEmpty else { return }
            let key = [group, changed[peer]?.group ?? -1]
            if byGroup[key] == nil { byGroup[key] = Bits(count: space.count) }
            byGroup[key]?.insert(peer)
        }
        if !outsiders.isEmpty { note(direction, own, outsiders, traffic, becomes, &delta) }
        for key in byGroup.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            guard let others = byGroup[key] else { continue }
            let now = table.groups[Int(key[0])].allowed
            let old = others.first.flatMap { changed[$0]?.allowed } ?? now
            for part in moment == .before ? old : now where part.traffic.intersects(traffic) {
                let both = traffic.intersection(part.traffic)
                let reached = own.intersection(part.sure)
                guard !reached.isEmpty else { continue }
                guard moment == .both, key[1] >= 0 else {
                    note(direction, reached, others, both, becomes, &delta)
                    continue
                }
                for earlier in old where earlier.traffic.intersects(both) {
                    let always = reached.intersection(earlier.sure)
                    guard !always.isEmpty else { continue }
                    note(direction, always, others, both.intersection(earlier.traffic), becomes, &delta)
                }
            }
        }
    }

    private func note(
        _ direction: Direction, _ own: Bits, _ peers: Bits, _ traffic: TrafficSet, _ becomes: Verdict,
        _ delta: inout NetworkDelta
    ) {
        // Rows that differ in their peers only are one.
        let isIn = direction == .ingress
        for index in delta.changes.indices.reversed().prefix(16) {
            let known = delta.changes[index]
            guard known.direction == direction, known.becomes == becomes, known.traffic == traffic,
                case .classes(let sources) = known.sources, case .classes(let targets) = known.targets,
                (isIn ? targets : sources) == own
            else { continue }
            let all = (isIn ? sources : targets).union(peers)
            if isIn {
                delta.changes[index].sources = .classes(all)
            } else {
                delta.changes[index].targets = .classes(all)
            }
            return
        }
        var decision: Decision?
        if let first = own.first, let peer = peers.first, let sample = traffic.sample {
            decision = decide(direction, ownClass: first, peer: peer, sample)
        }
        delta.changes.append(
            NetworkDelta.Change(
                becomes: becomes, traffic: traffic, sources: .classes(isIn ? peers : own),
                targets: .classes(isIn ? own : peers), direction: direction, decision: decision))
    }
}

extension AllowedPeers {
    /// Peers of which it is not known whether they are allowed.
    fileprivate var doubted: Bits {
        denied.map { allowed.intersection($0) } ?? Bits(count: allowed.words.count << 6)
    }
}
