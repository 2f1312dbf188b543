/// An answer to "may this talk to that".
package enum Verdict: String, Sendable, Hashable {
    case allowed, denied
    /// Something that decides cannot be read or is not known.
    case unknown
}

/// What one direction says, and what decided it.
package struct Decision: Sendable, Hashable {
    package enum Reason: Sendable, Hashable {
        /// No policy selects the pod in this direction.
        case notSelected
        /// These rules match; the first one decides.
        case rules([RuleIdentity])
        /// Policies select the pod and none of their rules matches.
        case isolated(policies: [Int])
        /// The node a pod runs on.
        case ownNode
        /// Calico drops what pods send to the node they run on.
        case ownHost
        /// The filter of a host drops what nothing allows.
        case filtered(host: Int)
        /// A node, a pod on its node's network or the outside: policies for pods do not apply to it.
        case notAPod
        case itself
        /// Cilium denies by default without any policy.
        case alwaysEnforced
        case unknown([String])
    }

    package var verdict: Verdict
    package var reason: Reason
    /// The deciding rule looks into the traffic and may still refuse parts of it.
    package var isInspected = false
    /// It is the filter of a host that decides, not that of a pod.
    package var isAboutHost = false
}

/// Both directions, and what they come to.
package struct Answer: Sendable, Hashable {
    package var verdict: Verdict
    package var egress: Decision
    package var ingress: Decision
}

extension NetworkModel {
    /// Whether one end may open a connection to the other.
    package func verdict(
        from source: Endpoint, to target: Endpoint, _ traffic: Traffic, sourcePort: UInt16? = nil
    ) -> Answer {
        if source == target {
            let itself = Decision(verdict: .allowed, reason: .itself)
            return Answer(verdict: .allowed, egress: itself, ingress: itself)
        }
        let out = decide(.egress, source, target, traffic, sourcePort)
        let into = decide(.ingress, target, source, traffic, sourcePort)
        return Answer(verdict: Self.both(out.verdict, into.verdict), egress: out, ingress: into)
    }

    static func both(_ a: Verdict, _ b: Verdict) -> Verdict {
        if a == .denied || b == .denied { return .denied }
        return a == .unknown || b == .unknown ? .unknown : .allowed
    }

    private func decide(
        _ direction: Direction, _ own: Endpoint, _ peer: Endpoint, _ traffic: Traffic, _ sourcePort: UInt16?
    ) -> Decision {
        guard case .pod(let number) = own, !state.pods[number].isOnHostNetwork else {
            return decideHost(direction, own, peer, traffic, sourcePort)
        }
        let decision = decidePlaced(direction, number, peer, traffic, sourcePort)
        guard decision.verdict != .denied,
            let forwarding = decideForwarding(direction, number, peer, traffic, sourcePort),
            forwarding.verdict != .allowed
        else { return decision }
        return forwarding
    }

    /// A pod that has no node yet may come to run on the one asked about, where nodes are told apart.
    private func decidePlaced(
        _ direction: Direction, _ number: Int, _ peer: Endpoint, _ traffic: Traffic, _ sourcePort: UInt16?
    ) -> Decision {
        let isOwnNode = self.isOwnNode(number, peer)
        let decision = decidePod(direction, number, peer, isOwnNode, traffic, sourcePort)
        guard !hosts.isEmpty, isNode(peer), state.pods[number].node.flatMap({ state.nodeIndex[$0] }) == nil else {
            return decision
        }
        let asOwn = decidePod(direction, number, peer, true, traffic, sourcePort)
        guard asOwn.verdict != decision.verdict, decision.verdict != .unknown else { return decision }
        return Decision(
            verdict: .unknown,
            reason: .unknown(["which node the pod runs on is not known, and with its own node it would be otherwise"]))
    }

    private func isNode(_ peer: Endpoint) -> Bool {
        switch peer {
        case .node: true
        case .pod(let number): state.pods[number].isOnHostNetwork
        case .address, .domain: false
        }
    }

    private func decidePod(
        _ direction: Direction, _ number: Int, _ peer: Endpoint, _ isOwnNode: Bool, _ traffic: Traffic,
        _ sourcePort: UInt16?
    ) -> Decision {
        let ownClass = Int(space.classes.classOfPod[number])
        if isOwnNode,
            direction == .ingress ? state.plugin.allowsIngressFromOwnNode : state.plugin.allowsEgressToOwnNode
        {
            return Decision(verdict: .allowed, reason: .ownNode)
        }
        let holes = reasons(direction, ownClass)
        guard holes.isEmpty else { return Decision(verdict: .unknown, reason: .unknown(holes)) }
        let table = table(direction)
        let group = table.groups[Int(table.groupOfClass[ownClass])]
        guard group.isSelected else { return Decision(verdict: .allowed, reason: .notSelected) }
        return walk(table, group, ownClass, target(of: peer, isOwnNode), traffic, sourcePort)
    }

    /// What one direction says of a class of pods and any peer, by number.
    func decide(_ direction: Direction, ownClass: Int, peer: Int, _ traffic: Traffic) -> Decision {
        let holes = reasons(direction, ownClass)
        guard holes.isEmpty else { return Decision(verdict: .unknown, reason: .unknown(holes)) }
        return direction == .ingress
            ? decide(ingress, ownClass, peer, traffic) : decide(egress, ownClass, peer, traffic)
    }

    private func decide(_ table: DirectionTable, _ ownClass: Int, _ peer: Int, _ traffic: Traffic) -> Decision {
        let group = Int(table.groupOfClass[ownClass])
        guard group >= 0, table.groups[group].isSelected else {
            return Decision(verdict: .allowed, reason: .notSelected)
        }
        return walk(table, table.groups[group], ownClass, .index(peer), traffic, nil)
    }

    /// The peer as rules see it: a number, or a name that no number stands for.
    enum Target {
        case index(Int)
        case domain(String)
    }

    func target(of peer: Endpoint, _ isOwnNode: Bool) -> Target {
        switch peer {
        case .pod(let number):
            let pod = state.pods[number]
            guard pod.isOnHostNetwork else { return .index(Int(space.classes.classOfPod[number])) }
            if let node = pod.node.flatMap({ state.nodeIndex[$0] }) { return nodeTarget(node, isOwnNode) }
            return pod.addresses.first.map { .index(space.outsideIndex(of: $0)) }
                ?? .domain("")
        case .node(let number): return nodeTarget(number, isOwnNode)
        case .address(let address): return .index(space.outsideIndex(of: address))
        case .domain(let name): return .domain(name)
        }
    }

    private func nodeTarget(_ number: Int, _ isOwnNode: Bool) -> Target {
        let base = isOwnNode ? space.ownNodes.lowerBound : space.otherNodes.lowerBound
        return .index(base + Int(space.nodeClassOf[number]))
    }

    private func isOwnNode(_ pod: Int, _ peer: Endpoint) -> Bool {
        guard let name = state.pods[pod].node else { return false }
        switch peer {
        case .node(let number): return state.nodes[number].name == name
        case .pod(let number): return state.pods[number].isOnHostNetwork && state.pods[number].node == name
        default: return false
        }
    }

    private func reasons(_ direction: Direction, _ ownClass: Int) -> [String] {
        guard !gaps.isEmpty else { return [] }
        return state.gaps.indices.filter {
            (direction == .ingress ? state.gaps[$0].ingress : state.gaps[$0].egress) && gaps[$0].contains(ownClass)
        }.map { state.gaps[$0].reason }
    }

    private enum Match { case yes, maybe, no }

    private func match(
        _ rule: CompiledRule, _ ownClass: Int, _ target: Target, _ traffic: Traffic, _ sourcePort: UInt16?
    ) -> Match {
        var result: Match
        switch target {
        case .index(let index):
            result = rule.peers.sure.contains(index) ? .yes : rule.peers.most.contains(index) ? .maybe : .no
        case .domain(let name):
            let selector = self.rule(rule.identity)?.peers ?? .nobody
            result = self.rule(rule.identity)?.doubt != nil ? .maybe : domainMatch(selector, name)
        }
        if let ports = rule.sourcePorts, result != .no, let sourcePort {
            // Known after all: the doubt was only about the port.
            result = ports.contains(Traffic(traffic.protocol, sourcePort)) ? .yes : .no
        }
        if result == .yes, let own = rule.own, !own.sure.contains(ownClass) { result = .maybe }
        return result
    }

    private func domainMatch(_ selector: PeerSelector, _ name: String) -> Match {
        switch selector {
        case .anyone: return .yes
        case .nobody, .pods, .nodes: return .no
        case .addresses(let set, let reach):
            guard reach.contains(.outside), !set.isEmpty else { return .no }
            return set.v4 == AddressSet.all.v4 ? .yes : .maybe
        case .domains(let patterns): return patterns.contains { $0.matches(name) } ? .yes : .no
        case .union(let parts):
            return parts.map { domainMatch($0, name) }.reduce(.no) {
                $0 == .yes || $1 == .yes ? .yes : $0 == .no ? $1 : $0
            }
        case .intersection(let parts):
            return parts.map { domainMatch($0, name) }.reduce(.yes) {
                $0 == .no || $1 == .no ? .no : $0 == .yes ? $1 : $0
            }
        case .complement(let inner):
            switch domainMatch(inner, name) {
            case .yes: return .no
            case .maybe: return .maybe
            case .no: return .yes
            }
        case .unknown(_, let inner): return domainMatch(inner, name) == .no ? .no : .maybe
        }
    }

    /// First match decides; rules that may match are followed both ways.
    func walk(
        _ table: DirectionTable, _ group: DirectionTable.Group, _ ownClass: Int, _ target: Target, _ traffic: Traffic,
        _ sourcePort: UInt16?
    ) -> Decision {
        var possible = Possible()
        var doubts: [RuleIdentity] = []
        var passed: [RuleIdentity] = []
        stages: for stage in group.stages {
            var mayPass = false
            var decided: Decision?
            for index in stage.rules where table.rules[Int(index)].traffic.contains(traffic) {
                let rule = table.rules[Int(index)]
                let match = match(rule, ownClass, target, traffic, sourcePort)
                guard match != .no else { continue }
                if match == .maybe {
                    doubts.append(rule.identity)
                    if rule.action == .pass {
                        mayPass = true
                    } else {
                        possible.insert(rule.action == .allow ? .allowed : .denied)
                    }
                    continue
                }
                if rule.action == .pass {
                    passed.append(rule.identity)
                    continue stages
                }
                decided = Decision(
                    verdict: rule.action == .allow ? .allowed : .denied, reason: .rules(passed + [rule.identity]),
                    isInspected: rule.isInspected)
                break
            }
            if decided == nil, stage.end == .deny {
                decided = Decision(
                    verdict: .denied,
                    reason: stage.policies.isEmpty
                        ? table.guards == nil ? .alwaysEnforced : .filtered(host: ownClass)
                        : .isolated(policies: stage.policies.map { Int($0) }))
            }
            guard let decided else { continue }
            possible.insert(decided.verdict)
            if !mayPass { return settle(decided, possible, doubts) }
        }
        possible.insert(.allowed)
        let nothing = Decision(verdict: .allowed, reason: passed.isEmpty ? .notSelected : .rules(passed))
        return settle(nothing, possible, doubts)
    }

    /// Verdicts that may come out.
    private struct Possible {
        private var bits: UInt8 = 0

        var isCertain: Bool { bits.nonzeroBitCount <= 1 }

        mutating func insert(_ verdict: Verdict) {
            switch verdict {
            case .allowed: bits |= 1
            case .denied: bits |= 2
            case .unknown: bits |= 4
            }
        }
    }

    private func settle(_ decision: Decision, _ possible: Possible, _ doubts: [RuleIdentity]) -> Decision {
        guard !possible.isCertain else { return decision }
        return Decision(verdict: .unknown, reason: .unknown(doubts.map(why)))
    }

    /// Why a rule may or may not match.
    private func why(_ identity: RuleIdentity) -> String {
        guard let rule = rule(identity) else { return "" }
        let name = "\(policy(identity).reference)"
        if let doubt = rule.doubt { return "\(name): \(doubt)" }
        if rule.sourcePorts != nil { return "\(name): the rule asks for a source port" }
        var said: String?
        rule.peers.visit { part in
            if case .unknown(let reason, _) = part { said = said ?? reason }
            if case .domains(let patterns) = part {
                said = said ?? "only names are allowed (\(patterns.map(\.text).joined(separator: ", ")))"
            }
        }
        return "\(name): \(said ?? "an address that is compared is not known")"
    }
}
