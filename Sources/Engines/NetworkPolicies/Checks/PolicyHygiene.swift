import Documents
import Findings
import Kubernetes

/// Policies and rules that do not do what they seem to.
struct PolicyHygiene {
    struct Found {
        var rule: Rule
        var policy: ObjectReference
        var evidence: [Evidence]
        /// The policy, for its file and what installed it.
        var object: KubernetesObject?

        init(rule: Rule, policy: Policy, evidence: [Evidence]) {
            self.rule = rule
            self.policy = policy.reference
            self.evidence = evidence
            object = KubernetesObject(policy.node)
        }
    }

    private let model: NetworkModel
    private var state: NetworkState { model.state }

    private let isCluster: Bool
    private let services: [KubernetesObject]

    init(_ model: NetworkModel, services: [KubernetesObject] = [], isCluster: Bool = true) {
        self.model = model
        self.services = services
        self.isCluster = isCluster
    }

    /// What holds over every family of addresses: of a dual-stack cluster a rule that is idle for one may decide over
    /// the other.
    func findings() -> [Found] {
        let families = state.perFamily
        guard families.count > 1 else { return findingsOfFamily() }
        let others = families.map {
            PolicyHygiene(NetworkModel($0), services: services, isCluster: isCluster).findingsOfFamily()
        }
        return others[0].compactMap { found in
            var out = found
            out.evidence = found.evidence.filter { evidence in
                others.dropFirst().allSatisfy { list in
                    list.contains { other in
                        other.rule.id == found.rule.id && other.policy == found.policy
                            && other.evidence.contains { $0.path == evidence.path && $0.message == evidence.message }
                    }
                }
            }
            return out.evidence.isEmpty ? nil : out
        }
    }

    private func findingsOfFamily() -> [Found] {
        var out: [Found] = []
        var rules: [[CompiledRule]] = Array(repeating: [], count: state.policies.count)
        for direction in Direction.allCases {
            for table in tables(direction) {
                // Ports that are always open and profiles are nobody's policies.
                for rule in table.rules where !rule.isGone && rule.identity.policy < rules.count {
                    rules[rule.identity.policy].append(rule)
                }
            }
        }
        for (number, policy) in state.policies.enumerated() {
            let isIdle = Direction.allCases.allSatisfy { direction in
                policy.section(direction) == nil || model.table(direction).subjects[number].isEmpty
            }
            let isAboutHosts = policy.hosts.map { scope in state.guards.contains { $0.isSubject(of: scope) } } ?? false
            if isIdle, !isAboutHosts {
                guard let message = idleness(of: policy) else { continue }
                out.append(
                    Found(
                        rule: NetworkRules.selectsNothing, policy: policy,
                        evidence: [Evidence(node: policy.node["spec"], message: message)]))
                continue
            }
            out += peers(policy, rules[number])
            out += ports(policy, number)
        }
        if let slips = ServicePortSlips(model, services) {
            for (number, policy) in state.policies.enumerated() {
                let evidence = slips.evidence(policy, number)
                if !evidence.isEmpty {
                    out.append(Found(rule: NetworkRules.servicePort, policy: policy, evidence: evidence))
                }
            }
        }
        return out + redundant() + clashes()
    }

    /// The tables a rule may stand in: pods', and those of filters of hosts.
    private func tables(_ direction: Direction) -> [DirectionTable] {
        [model.table(direction), model.hosts.table(direction), model.hosts.forwardTable(direction)].compactMap(\.self)
    }

    /// Why a policy is about nothing, where that is known.
    private func idleness(of policy: Policy) -> String? {
        guard let scope = policy.hosts else {
            return isCluster || subjectsWouldBeHere(policy) ? "no pod matches its selector" : nil
        }
        if state.plugin.family == .cilium {
            if state.plugin.enforcesHostPolicies == false {
                return "it is about nodes, and Cilium's host firewall is off (enable-host-firewall)"
            }
            guard isCluster, !state.nodes.isEmpty else { return nil }
            var isHidden = false
            scope.labels.visitKeys { key in
                if case .own(let name) = key, !CiliumHosts.isSeen(name) { isHidden = true }
            }
            return isHidden
                ? "no node matches its selector: Cilium does not look at labels such as kubernetes.io/os of nodes"
                : "no node matches its selector"
        }
        guard isCluster else { return nil }
        return scope.phase == .normal
            ? "no pod and no host endpoint matches its selector" : "no host endpoint matches its selector"
    }

    private func peers(_ policy: Policy, _ rules: [CompiledRule]) -> [Found] {
        var evidence: [Evidence] = []
        var blocks: [Evidence] = []
        for rule in rules {
            guard let source = model.rule(rule.identity) else { continue }
            let isEmpty = rule.peers.most.isEmpty
            if isEmpty, source.peers != .nobody, isCluster || source.peers.wouldBeHere(state) {
                evidence.append(Evidence(node: source.node, message: "nothing matches the peers of this rule"))
            }
            source.peers.visit { part in
                guard case .addresses(let set, let reach) = part, !reach.contains(.pods) else { return }
                let holdsPods = state.pods.contains { $0.addresses.contains(where: set.contains) }
                if holdsPods, set.v4 != AddressSet.all.v4, set.v6 != AddressSet.all.v6 {
                    blocks.append(Evidence(node: source.node, message: "the block holds addresses of pods"))
                }
            }
        }
        var out: [Found] = []
        if !evidence.isEmpty {
            out.append(Found(rule: NetworkRules.peerSelectsNothing, policy: policy, evidence: evidence))
        }
        if !blocks.isEmpty {
            out.append(Found(rule: NetworkRules.blockWithoutEffect, policy: policy, evidence: blocks))
        }
        return out
    }

    /// Named ports that mean nothing at any destination.
    private func ports(_ policy: Policy, _ number: Int) -> [Found] {
        var evidence: [Evidence] = []
        for direction in Direction.allCases {
            for (index, rule) in (policy.section(direction)?.rules ?? []).enumerated() where !rule.traffic.named.isEmpty
            {
                let identity = RuleIdentity(policy: number, direction: direction, rule: index)
                let known = tables(direction).contains { $0.rules.contains { $0.identity == identity } }
                if !known, hasDestinations(policy, rule, direction) {
                    let names = rule.traffic.named.map { "\"\($0.name)\"" }.joined(separator: ", ")
                    evidence.append(Evidence(node: rule.node, message: "no destination has a port named \(names)"))
                }
            }
        }
        guard !evidence.isEmpty else { return [] }
        return [Found(rule: NetworkRules.unknownNamedPort, policy: policy, evidence: evidence)]
    }

    /// Rules without which every group keeps its answers: proven by folding each group without the rule.
    private func redundant() -> [Found] {
        var evidence: [Int: [Evidence]] = [:]
        for direction in Direction.allCases {
            var isNeeded = Set<RuleIdentity>()
            var isSeen = Set<RuleIdentity>()
            for table in tables(direction) {
                for group in table.groups {
                    for stage in group.stages {
                        for index in stage.rules {
                            let rule = table.rules[Int(index)]
                            isSeen.insert(rule.identity)
                            if !isNeeded.contains(rule.identity), !isCovered(index, stage, table) {
                                isNeeded.insert(rule.identity)
                            }
                        }
                    }
                }
            }
            for identity in isSeen.subtracting(isNeeded).sorted() where identity.policy < state.policies.count {
                guard let rule = model.rule(identity), rule.doubt == nil,
                    isCluster || isRepeated(rule, identity)
                else { continue }
                evidence[identity.policy, default: []].append(
                    Evidence(node: rule.node, message: "another rule already decides all this one would"))
            }
        }
        return evidence.keys.sorted().map { number in
            Found(
                rule: NetworkRules.redundantRule, policy: state.policies[number],
                evidence: evidence[number] ?? [])
        }
    }

    /// Whether a policy that selects nothing here would have to: its namespace has workloads among these files.
    private func subjectsWouldBeHere(_ policy: Policy) -> Bool {
        guard let namespace = state.namespaceNumber(policy.reference.namespace) else { return false }
        return state.pods.contains { $0.namespace == namespace }
    }

    /// Whether any pod is a destination of the rule, so that a name that means nothing there is a slip.
    private func hasDestinations(_ policy: Policy, _ rule: PolicyRule, _ direction: Direction) -> Bool {
        if direction == .ingress { return true }
        return !model.space.select(rule.peers).most.intersection(model.podBits).isEmpty
    }

    /// Whether another rule of the policy says the same or all, whatever pods there are.
    ///
    /// A file does not show all pods: that a rule adds nothing for those it shows proves nothing.
    private func isRepeated(_ rule: PolicyRule, _ identity: RuleIdentity) -> Bool {
        let others = state.policies[identity.policy].section(identity.direction)?.rules ?? []
        return others.enumerated().contains { index, other in
            index != identity.rule && other.action == rule.action && other.own == rule.own
                && (other.peers == rule.peers || other.peers == .anyone)
                && (other.traffic == rule.traffic || other.traffic == .all)
        }
    }

    /// Whether an earlier rule of the stage takes all that this one matches, or one beside it says the same of more.
    private func isCovered(_ index: Int32, _ stage: DirectionTable.Stage, _ table: DirectionTable) -> Bool {
        let rule = table.rules[Int(index)]
        if rule.peers.most.isEmpty { return false }
        guard let place = stage.rules.firstIndex(of: index) else { return false }
        for (position, other) in stage.rules.enumerated() where other != index {
            let candidate = table.rules[Int(other)]
            guard candidate.own == nil, rule.traffic.isSubset(of: candidate.traffic),
                rule.peers.most.isSubset(of: candidate.peers.sure)
            else { continue }
            if position < place {
                // Of two equal rules only the later one is left over.
                return candidate.identity != rule.identity
            }
            let between = stage.rules[place + 1...position]
            let isEqual =
                candidate.traffic.isSubset(of: rule.traffic) && candidate.peers.most.isSubset(of: rule.peers.sure)
            if !isEqual, between.allSatisfy({ table.rules[Int($0)].action == rule.action }) { return true }
        }
        return false
    }

    /// Policies of one tier and priority that are about the same pods and say different things.
    private func clashes() -> [Found] {
        var out: [Found] = []
        var byPlace: [String: [Int]] = [:]
        for (number, policy) in state.policies.enumerated()
        where policy.reference.kind == "AdminNetworkPolicy" || policy.reference.kind == "ClusterNetworkPolicy" {
            byPlace["\(policy.stage.name) \(policy.order)", default: []].append(number)
        }
        for key in byPlace.keys.sorted() {
            let numbers = byPlace[key] ?? []
            for (place, number) in numbers.enumerated() {
                for other in numbers[..<place] {
                    let overlaps = Direction.allCases.contains { direction in
                        let subjects = model.table(direction).subjects
                        return !subjects[number].words.isEmpty && !subjects[other].words.isEmpty
                            && subjects[number].intersects(subjects[other])
                    }
                    guard overlaps else { continue }
                    let policy = state.policies[number]
                    out.append(
                        Found(
                            rule: NetworkRules.samePriority, policy: policy,
                            evidence: [
                                Evidence(
                                    node: policy.node["spec"]["priority"],
                                    message:
                                        "\(state.policies[other].reference) has the same priority and selects the same pods"
                                )
                            ]))
                }
            }
        }
        return out
    }
}

extension PeerSelector {
    /// Whether the pods it means would stand among the same files: it is bound to namespaces that have workloads there.
    fileprivate func wouldBeHere(_ state: NetworkState) -> Bool {
        switch self {
        case .pods(.all(let parts)): return parts.contains { $0.isOfNamespace(with: state) }
        case .pods(let one): return one.isOfNamespace(with: state)
        case .union(let parts): return parts.allSatisfy { $0.wouldBeHere(state) }
        default: return false
        }
    }
}

extension LabelExpression {
    fileprivate func isOfNamespace(with state: NetworkState) -> Bool {
        switch self {
        case .isIn(.namespaceName, let names), .isIn(.namespace("kubernetes.io/metadata.name"), let names):
            names.allSatisfy { name in
                state.namespaceNumber(name).map { number in state.pods.contains { $0.namespace == number } } ?? false
            }
        default: false
        }
    }
}
