/// Which policy and which of its rules; what every answer names.
package struct RuleIdentity: Sendable, Hashable, Comparable {
    package var policy: Int
    package var direction: Direction
    package var rule: Int

    package static func < (a: Self, b: Self) -> Bool {
        (a.policy, a.direction.rawValue, a.rule) < (b.policy, b.direction.rawValue, b.rule)
    }
}

/// A rule with its peers and ports looked up.
struct CompiledRule: Sendable {
    var identity: RuleIdentity
    var action: PolicyRule.Action
    var peers: PeerSpace.Selection
    var traffic: TrafficSet
    /// Classes it is about; nil for all the policy's pods.
    var own: PeerSpace.Selection?
    var sourcePorts: TrafficSet?
    var isInspected: Bool
}

/// What may be reached by, or may reach, the pods of a group: kinds of packets with the peers allowed for them.
struct AllowedPeers: Sendable {
    var traffic: TrafficSet
    /// Peers that may be allowed.
    var allowed: Bits
    /// Peers that may be denied; nil when that is just the others.
    var denied: Bits?

    var sure: Bits { denied.map { allowed.subtracting($0) } ?? allowed }
}

/// One direction of the model: classes with the same rules are one group, and each group is folded once.
struct DirectionTable: Sendable {
    struct Stage: Sendable {
        var rules: [Int32]
        var end: Policy.End
        /// Policies that select the group here.
        var policies: [Int32]
    }

    struct Group: Sendable {
        var stages: [Stage] = []
        var allowed: [AllowedPeers] = []
        var classes: [Int32] = []
        var signature: [Int32] = []
        /// One stage of allows with a drop behind them.
        var isPlain = false
        /// The filters of the node its pods run on, where these decide over what it hands on.
        var host: Int32 = -1
        var isSelected: Bool { !stages.isEmpty }
    }

    var groups: [Group] = []
    var groupOfClass: [Int32] = []
    var rules: [CompiledRule] = []
    /// Classes each policy is about.
    var subjects: [Bits] = []

    let direction: Direction
    var rulesOfPolicy: [[Int32]] = []
    /// Whether a policy has rules that are about some of its pods only.
    var isNarrowed: [Bool] = []
    var policiesOfClass: [[Int32]] = []
    var groupIndex: [[Int32]: Int32] = [:]
    var freeRules: [Int32] = []
    var freeGroups: [Int32] = []
    /// Numbers of policies whose subjects, and whose peers, are of one namespace, by its name; and of all the others.
    var bySubjectNamespace = PolicyPlaces()
    var byPeerNamespace = PolicyPlaces()
    /// Whether any rule goes before others of its stage whatever policy it is of.
    var hasPrecedence = false
    /// What the table is about where that is not pods: filters of hosts stand in the place of classes.
    let guards: [HostGuard]?
    /// What filters of nodes let a node hand on, by the number of the filters.
    let forwarded: [Int32: [AllowedPeers]]
    /// What the rules of each policy ask of peers, in a model that follows events.
    var forms = PeerForms()

    init(
        _ direction: Direction, _ state: NetworkState, _ space: PeerSpace, guards: [HostGuard]? = nil,
        forwarded: [Int32: [AllowedPeers]] = [:]
    ) {
        self.direction = direction
        self.guards = guards
        self.forwarded = forwarded
        let count = guards?.count ?? space.podCount
        policiesOfClass = [[Int32]](repeating: [], count: count)
        groupOfClass = [Int32](repeating: -1, count: count)
        for number in state.policies.indices {
            rulesOfPolicy.append([])
            isNarrowed.append(false)
            subjects.append(Bits(count: 0))
            read(number, state, space)
        }
        let ranks = Self.ranks(state.policies)
        for number in 0..<(guards?.count ?? space.classes.used) { place(number, state, space, ranks) }
        for index in groups.indices { fold(index, state, space) }
    }

    /// The classes, or the filters, that a policy is about.
    private func select(_ policy: Policy, _ space: PeerSpace) -> Bits {
        guard let guards else {
            var selected = Bits(count: space.podCount)
            space.classes.select(policy.subjects, into: &selected)
            return selected
        }
        var selected = Bits(count: guards.count)
        guard let scope = policy.hosts else { return selected }
        for (number, one) in guards.enumerated() where one.isSubject(of: scope) { selected.insert(number) }
        return selected
    }

    /// The subjects that a rule narrows its policy to.
    private func select(own selector: PeerSelector, _ space: PeerSpace) -> PeerSpace.Selection {
        guard let guards else { return space.select(selector) }
        var (sure, possible) = (Bits(count: guards.count), Bits(count: guards.count))
        for (number, one) in guards.enumerated() {
            let found = one.match(selector)
            if found.sure { sure.insert(number) }
            if found.possible { possible.insert(number) }
        }
        return PeerSpace.Selection(sure, possible: sure == possible ? nil : possible)
    }

    /// Looks up the pods and rules of a policy.
    mutating func read(_ number: Int, _ state: NetworkState, _ space: PeerSpace) {
        let policy = state.policies[number]
        guard let section = policy.section(direction) else { return }
        let selected = select(policy, space)
        subjects[number] = selected
        selected.forEach { policiesOfClass[$0].append(Int32(number)) }
        for (index, rule) in section.rules.enumerated() {
            if rule.precedence != 0 { hasPrecedence = true }
            guard !selected.isEmpty else { continue }
            let identity = RuleIdentity(policy: number, direction: direction, rule: index)
            for compiled in compile(rule, identity, selected, state, space) {
                if compiled.own != nil { isNarrowed[number] = true }
                if let free = freeRules.popLast() {
                    rules[Int(free)] = compiled
                    rulesOfPolicy[number].append(free)
                } else {
                    rulesOfPolicy[number].append(Int32(rules.count))
                    rules.append(compiled)
                }
            }
        }
    }

    // MARK: Rules

    /// Looks up peers and ports; a rule with named ports becomes one for every meaning the names have.
    private func compile(
        _ rule: PolicyRule, _ identity: RuleIdentity, _ subjects: Bits, _ state: NetworkState, _ space: PeerSpace
    ) -> [CompiledRule] {
        var peers = rule.doubt == nil ? space.select(rule.peers) : space.select(.unknown("", .anyone))
        var own = rule.own.map { select(own: $0, space) }
        var sourcePorts = rule.sourcePorts
        if sourcePorts == .withPorts { sourcePorts = nil }
        if sourcePorts != nil {
            // Which port the client sends from is not known until a question says so.
            peers = PeerSpace.Selection(Bits(count: space.count), possible: peers.most)
        }
        func make(_ traffic: TrafficSet, _ peers: PeerSpace.Selection, _ own: PeerSpace.Selection?) -> CompiledRule {
            CompiledRule(
                identity: identity, action: rule.action, peers: peers, traffic: traffic, own: own,
                sourcePorts: sourcePorts, isInspected: rule.isInspected)
        }
        if rule.doubt != nil { return [make(.all, peers, own)] }
        guard rule.traffic.hasNames else { return [make(rule.traffic.known, peers, own)] }
        var meanings: [TrafficSet: Bits] = [:]
        let destinations = identity.direction == .ingress ? subjects : peers.most
        if let guards, identity.direction == .ingress {
            subjects.forEach { index in
                let meaning = rule.traffic.resolved(guards[index].ports)
                meanings[meaning, default: Bits(count: guards.count)].insert(index)
            }
        } else {
            for index in 0..<space.podCount where destinations.contains(index) {
                let meaning = rule.traffic.resolved(state.portTables[Int(space.classes.portTables[index])])
                meanings[meaning, default: Bits(count: space.count)].insert(index)
            }
        }
        if identity.direction == .egress {
            // Nodes and the outside name no ports.
            let meaning = rule.traffic.resolved([])
            for index in space.podCount..<space.count where destinations.contains(index) {
                meanings[meaning, default: Bits(count: space.count)].insert(index)
            }
        }
        var out: [CompiledRule] = []
        for (meaning, where_) in meanings.sorted(by: { $0.key.description < $1.key.description }) where !meaning.isEmpty
        {
            if identity.direction == .egress {
                let narrowed = PeerSpace.Selection(
                    peers.sure.intersection(where_), possible: peers.possible.map { $0.intersection(where_) })
                out.append(make(meaning, narrowed, own))
            } else {
                own = rule.own.map { select(own: $0, space) }
                let narrowed = PeerSpace.Selection(
                    own.map { $0.sure.intersection(where_) } ?? where_,
                    possible: own?.possible.map { $0.intersection(where_) })
                out.append(make(meaning, peers, narrowed))
            }
        }
        return out
    }

    // MARK: Groups

    /// Puts a class into the group of those with the same rules; gives the group's number when it is new.
    @discardableResult
    mutating func place(_ number: Int, _ state: NetworkState, _ space: PeerSpace, _ ranks: [Int]? = nil) -> Int? {
        let policies = policiesOfClass[number]
        var signature = policies
        for policy in policies where isNarrowed[Int(policy)] {
            for rule in rulesOfPolicy[Int(policy)] {
                guard let own = rules[Int(rule)].own, own.most.contains(number) else { continue }
                // Possibly and surely about the class are two signs.
                signature.append(-2 * rule - (own.sure.contains(number) ? 1 : 2))
            }
        }
        let host = guards == nil && !forwarded.isEmpty ? space.classes.host(of: number) : -1
        if host != -1 { signature.append(Int32.min / 2 + host) }
        if let known = groupIndex[signature] {
            groupOfClass[number] = known
            groups[Int(known)].classes.append(Int32(number))
            return nil
        }
        var group = Group()
        group.signature = signature
        group.host = host
        group.classes = [Int32(number)]
        var byStage: [(stage: Policy.Stage, policies: [Int32])] = []
        for policy in policies {
            let stage = state.policies[Int(policy)].stage
            if let index = byStage.firstIndex(where: { $0.stage == stage }) {
                byStage[index].policies.append(policy)
            } else {
                byStage.append((stage, [policy]))
            }
        }
        if byStage.count > 1 { byStage.sort { $0.stage < $1.stage } }
        for (_, policies) in byStage {
            var chosen: [Int32] = []
            // Only what is compared is taken into the closure: a state has many parts.
            let ordered: [Int32]
            if let ranks {
                ordered = policies.sorted { ranks[Int($0)] < ranks[Int($1)] }
            } else if policies.count > 1 {
                let all = state.policies
                ordered = policies.sorted { Self.goesBefore(Int($0), Int($1), all) }
            } else {
                ordered = policies
            }
            for policy in ordered {
                for rule in rulesOfPolicy[Int(policy)]
                where rules[Int(rule)].own.map({ $0.most.contains(number) }) ?? true { chosen.append(rule) }
            }
            if hasPrecedence {
                chosen = chosen.enumerated().sorted {
                    let a = precedence($0.element, state)
                    let b = precedence($1.element, state)
                    return a == b ? $0.offset < $1.offset : a < b
                }.map(\.element)
            }
            let denies = policies.contains { number in
                let policy = Int(number)
                return direction == .ingress
                    ? state.policies[policy].ingress?.end == .deny : state.policies[policy].egress?.end == .deny
            }
            group.stages.append(Stage(rules: chosen, end: denies ? .deny : .next, policies: policies))
        }
        if state.plugin.family == .cilium, state.plugin.enforcement == .always {
            if let standard = group.stages.indices.last {
                group.stages[standard].end = .deny
            } else {
                group.stages = [Stage(rules: [], end: .deny, policies: [])]
            }
        }
        if guards?[number].dropsByDefault ?? false {
            group.stages.append(Stage(rules: [], end: .deny, policies: []))
        }
        let new: Int32
        if let free = freeGroups.popLast() {
            new = free
            groups[Int(free)] = group
        } else {
            new = Int32(groups.count)
            groups.append(group)
        }
        groupIndex[signature] = new
        groupOfClass[number] = new
        return Int(new)
    }

    private func precedence(_ rule: Int32, _ state: NetworkState) -> Int {
        let identity = rules[Int(rule)].identity
        return state.policies[identity.policy].section(identity.direction)?.rules[identity.rule].precedence ?? 0
    }

    private static func goesBefore(_ a: Int, _ b: Int, _ policies: [Policy]) -> Bool {
        if policies[a].order != policies[b].order { return policies[a].order < policies[b].order }
        if policies[a].reference.name != policies[b].reference.name {
            return policies[a].reference.name < policies[b].reference.name
        }
        return policies[a].reference < policies[b].reference
    }

    /// The place of every policy among the others of its stage: by order, then by name.
    private static func ranks(_ policies: [Policy]) -> [Int] {
        let sorted = policies.indices.sorted { goesBefore($0, $1, policies) }
        var out = [Int](repeating: 0, count: policies.count)
        for (rank, index) in sorted.enumerated() { out[index] = rank }
        return out
    }

    // MARK: Folding

    mutating func fold(_ number: Int, _ state: NetworkState, _ space: PeerSpace) {
        let group = groups[number]
        groups[number].allowed = []
        let own = Int(group.classes[0])
        var sets: [TrafficSet] = []
        var hasDoubt = false
        for stage in group.stages {
            for rule in stage.rules {
                let compiled = rules[Int(rule)]
                if !sets.contains(compiled.traffic) { sets.append(compiled.traffic) }
                if compiled.peers.possible != nil { hasDoubt = true }
                if let narrowed = compiled.own, !narrowed.sure.contains(own) { hasDoubt = true }
            }
        }
        let ownNodeIsFree =
            guards == nil
            && (direction == .ingress
                ? state.plugin.allowsIngressFromOwnNode : state.plugin.allowsEgressToOwnNode)
        defer { pass(number, space) }
        // What most clusters have: one stage of allows with a drop behind them, which is a plain union.
        groups[number].isPlain =
            !hasDoubt && group.stages.count == 1 && group.stages[0].end == .deny
            && group.stages[0].rules.allSatisfy { rules[Int($0)].action == .allow }
        for atom in Self.atoms(sets) {
            if groups[number].isPlain {
                let allowed = union(group.stages[0].rules, atom, ownNodeIsFree, space)
                groups[number].allowed.append(AllowedPeers(traffic: atom, allowed: allowed))
                continue
            }
            guard let sample = atom.points.intervals.first?.first else { continue }
            var remaining = Bits(full: space.count)
            var allowed = Bits(count: space.count)
            var denied = Bits(count: space.count)
            if ownNodeIsFree {
                for node in space.ownNodes {
                    allowed.insert(node)
                    remaining.remove(node)
                }
            }
            for stage in group.stages {
                var passed = Bits(count: space.count)
                for rule in stage.rules where rules[Int(rule)].traffic.points.contains(sample) {
                    let compiled = rules[Int(rule)]
                    switch compiled.action {
                    case .allow: allowed.formUnion(remaining, and: compiled.peers.most)
                    case .deny: denied.formUnion(remaining, and: compiled.peers.most)
                    case .pass: passed.formUnion(remaining, and: compiled.peers.most)
                    }
                    if compiled.own.map({ $0.sure.contains(own) }) ?? true { remaining.subtract(compiled.peers.sure) }
                }
                switch stage.end {
                case .deny:
                    denied.formUnion(remaining)
                    remaining = passed
                case .next: remaining.formUnion(passed)
                }
            }
            allowed.formUnion(remaining)
            groups[number].allowed.append(
                AllowedPeers(traffic: atom, allowed: allowed, denied: hasDoubt ? denied : nil))
        }
    }

    /// Leaves of what a group is allowed what the filters of its node hand on.
    private mutating func pass(_ number: Int, _ space: PeerSpace) {
        guard groups[number].host != -1, let filter = forwarded[groups[number].host] else { return }
        groups[number].isPlain = false
        groups[number].allowed = AllowedPeers.both(groups[number].allowed, filter, space.count)
    }

    /// Gives policies the numbers that answers name them by, in a table that holds some of them only.
    mutating func rename(_ numbers: [Int]) {
        for index in rules.indices { rules[index].identity.policy = numbers[rules[index].identity.policy] }
        for group in groups.indices {
            for stage in groups[group].stages.indices {
                let policies = groups[group].stages[stage].policies
                groups[group].stages[stage].policies = policies.map { Int32(numbers[Int($0)]) }
            }
        }
    }

    private func union(_ chosen: [Int32], _ atom: TrafficSet, _ ownNodeIsFree: Bool, _ space: PeerSpace) -> Bits {
        var allowed = Bits(count: space.count)
        if ownNodeIsFree { allowed.insert(space.ownNodes) }
        guard let sample = atom.points.intervals.first?.first else { return allowed }
        for index in chosen where rules[Int(index)].traffic.points.contains(sample) {
            allowed.formUnion(rules[Int(index)].peers.sure)
        }
        return allowed
    }

    /// Cuts all traffic into kinds that every one of the sets treats alike.
    static func atoms(_ sets: [TrafficSet]) -> [TrafficSet] {
        let sets = sets.filter { $0 != .all && !$0.isEmpty }
        guard !sets.isEmpty else { return [.all] }
        var cuts: Set<UInt32> = []
        for set in sets {
            for interval in set.points.intervals {
                cuts.insert(interval.first)
                cuts.insert(interval.last + 1)
            }
        }
        var merged: [[Bool]: Int] = [:]
        var out: [TrafficSet] = []
        let end = TransportProtocol.other.lane << 16 | 0xFFFF
        let starts = ([0] + cuts.filter { $0 > 0 && $0 <= end }).sorted()
        for (index, start) in starts.enumerated() {
            let last = index + 1 < starts.count ? starts[index + 1] - 1 : end
            let signature = sets.map { $0.points.contains(start) }
            let piece = TrafficSet(points: IntervalSet(start, through: last))
            if let known = merged[signature] {
                out[known] = out[known].union(piece)
            } else {
                merged[signature] = out.count
                out.append(piece)
            }
        }
        return out
    }
}
