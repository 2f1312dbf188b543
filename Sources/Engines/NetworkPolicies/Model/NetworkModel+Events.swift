/// Changes in place: what a pod or a policy touches is looked up again, and nothing else.
///
/// Classes and address ranges are numbered with some numbers kept free, so that a new one is a bit that is set where it
/// belongs; only when they run out, or when something is asked of pods that told no classes apart before, is the whole
/// model made anew.
extension NetworkModel {
    /// A model that follows events; `policies` are to come next, so that room is made for what they ask.
    init(following state: NetworkState, awaiting policies: [Policy] = []) {
        var next = NetworkState(plugin: state.plugin)
        next.policies = policies
        self.init(state, comparedWith: policies.isEmpty ? [] : [next], spare: 256)
        for number in self.state.policies.indices { index(number) }
    }

    private mutating func index(_ number: Int) {
        let policy = state.policies[number]
        for direction in Direction.allCases {
            guard let section = policy.section(direction) else {
                change(direction) { table in
                    table.bySubjectNamespace.remove(number)
                    table.byPeerNamespace.remove(number)
                    table.forms.set(number, [], direction)
                }
                continue
            }
            var places: [String]? = []
            for rule in section.rules {
                for selector in [rule.peers, rule.own].compactMap(\.self) {
                    guard let more = selector.boundNamespaces, rule.doubt == nil else {
                        places = nil
                        break
                    }
                    places? += more
                }
            }
            change(direction) { table in
                table.bySubjectNamespace.remove(number)
                table.byPeerNamespace.remove(number)
                table.bySubjectNamespace.add(number, policy.subjects.boundNamespaces)
                table.byPeerNamespace.add(number, places)
                table.forms.set(number, section.rules, direction)
            }
        }
    }

    private mutating func change<Result>(
        _ direction: Direction, _ body: (inout DirectionTable) -> Result
    ) -> Result {
        direction == .ingress ? body(&ingress) : body(&egress)
    }

    // MARK: Pods

    /// The class of a pod, opened where there is none yet; nil when no class is free.
    mutating func findClass(of pod: NetworkPod) -> Int? {
        let key = space.classes.key(of: pod, state, space.atoms, [])
        if let known = space.classes.number(of: key) { return known }
        guard let number = space.classes.add(key, for: pod, state) else { return nil }
        admit(number)
        return number
    }

    /// Sets the bits of a new class wherever selectors hold it.
    private mutating func admit(_ number: Int) {
        let address = space.atoms.range(numbered: Int(space.classes.atoms[number]))?.first
        let traits = space.classes.traits(of: number, state, address: address)
        for index in gaps.indices where state.gaps[index].subjects.matches(traits) { gaps[index].insert(number) }
        for policy in ingress.admit(number, traits, state, space) { renew(policy, .ingress) }
        for policy in egress.admit(number, traits, state, space) { renew(policy, .egress) }
    }

    // MARK: Policies

    /// Whether policies can be taken in without making the model anew; makes room for what they ask of pods.
    mutating func prepare(_ policies: [Policy]) -> Bool {
        var keys: Set<LabelKey> = []
        var nodeKeys: Set<LabelKey> = []
        var sets: [AddressSet] = []
        for policy in policies {
            policy.subjects.visitKeys { keys.insert($0) }
            for direction in Direction.allCases {
                for rule in policy.section(direction)?.rules ?? [] {
                    for selector in [rule.peers, rule.own].compactMap(\.self) {
                        selector.visit { part in
                            switch part {
                            case .pods(let expression): expression.visitKeys { keys.insert($0) }
                            case .nodes(let expression, _): expression.visitKeys { nodeKeys.insert($0) }
                            case .addresses(let set, _): sets.append(set)
                            default: break
                            }
                        }
                    }
                }
            }
        }
        guard space.knows(nodeKeys: nodeKeys), space.classes.prepare(keys, state) else { return false }
        for set in sets {
            for cut in space.atoms.missingCuts(set) {
                guard self.cut(before: cut) else { return false }
            }
        }
        return true
    }

    /// Cuts a range of addresses in two: the new half is in every set the old one is in.
    private mutating func cut(before address: IPAddress) -> Bool {
        // One set of another policy may have made the cut already.
        guard let first = space.atoms.missingCuts(AddressSet(CIDR(address: address))).first, first == address else {
            return true
        }
        guard !space.partsNodes(at: address), let (old, new) = space.atoms.cut(before: address) else { return false }
        copyBit(space.outside.lowerBound + old, to: space.outside.lowerBound + new)
        for number in 0..<space.classes.used where Int(space.classes.atoms[number]) == old {
            let members = space.classes.members[number]
            let moved = members.filter { pod in
                guard let own = state.comparedAddress(of: state.pods[Int(pod)]) else { return false }
                return space.atoms.index(of: own) == new
            }
            guard !moved.isEmpty else { continue }
            guard let half = space.classes.split(number, atom: new, state) else { return false }
            copyBit(number, to: half)
            for index in gaps.indices where gaps[index].contains(number) { gaps[index].insert(half) }
            for direction in Direction.allCases {
                change(direction) { table in
                    for policy in table.policiesOfClass[number] { table.subjects[Int(policy)].insert(half) }
                    table.policiesOfClass[half] = table.policiesOfClass[number]
                    table.groupOfClass[half] = table.groupOfClass[number]
                    table.groups[Int(table.groupOfClass[number])].classes.append(Int32(half))
                }
            }
            for pod in moved {
                space.classes.leave(Int(pod))
                space.classes.join(Int(pod), half)
            }
        }
        return true
    }

    private mutating func copyBit(_ old: Int, to new: Int) {
        ingress.copyBit(old, to: new)
        egress.copyBit(old, to: new)
    }

    /// Puts a policy in the place of another, or behind the last one.
    mutating func put(_ policy: Policy, at number: Int) {
        var before: [Direction: [Int]] = [:]
        if number == state.policies.count {
            state.policies.append(policy)
            for direction in Direction.allCases { change(direction) { $0.addPolicy() } }
        } else {
            for direction in Direction.allCases { before[direction] = change(direction) { $0.drop(number) } }
            state.policies[number] = policy
        }
        index(number)
        for direction in Direction.allCases { renew(number, direction, before[direction] ?? []) }
    }

    /// Takes the last policy out; its classes go to the groups of their other policies.
    mutating func removeLastPolicy() {
        let number = state.policies.count - 1
        var before: [Direction: [Int]] = [:]
        for direction in Direction.allCases { before[direction] = change(direction) { $0.drop(number) } }
        state.policies.removeLast()
        for direction in Direction.allCases { change(direction) { $0.removeLastPolicy() } }
        ingress.settle(before[.ingress] ?? [], state, space)
        egress.settle(before[.egress] ?? [], state, space)
    }

    /// Looks a policy's pods and rules up again.
    private mutating func renew(_ number: Int, _ direction: Direction, _ before: [Int] = []) {
        if direction == .ingress {
            ingress.renew(number, before, state, space)
        } else {
            egress.renew(number, before, state, space)
        }
    }
}

extension DirectionTable {
    mutating func addPolicy() {
        rulesOfPolicy.append([])
        isNarrowed.append(false)
        subjects.append(Bits(count: 0))
    }

    mutating func removeLastPolicy() {
        rulesOfPolicy.removeLast()
        isNarrowed.removeLast()
        subjects.removeLast()
        bySubjectNamespace.remove(rulesOfPolicy.count)
        byPeerNamespace.remove(rulesOfPolicy.count)
        forms.set(rulesOfPolicy.count, [], direction)
    }

    /// Puts classes that are in no group into theirs.
    mutating func settle(_ classes: [Int], _ state: NetworkState, _ space: PeerSpace) {
        var isNew: [Int] = []
        for own in classes {
            if let group = place(own, state, space) { isNew.append(group) }
        }
        for group in isNew { fold(group, state, space) }
    }

    /// Looks a policy's pods and rules up again; `before` are classes it was about that are in no group now.
    mutating func renew(_ number: Int, _ before: [Int], _ state: NetworkState, _ space: PeerSpace) {
        var classes = Set(before).union(drop(number))
        read(number, state, space)
        if !subjects[number].words.isEmpty {
            subjects[number].forEach { own in
                leaveGroup(own)
                classes.insert(own)
                policiesOfClass[own].sort()
            }
        }
        settle(classes.sorted(), state, space)
    }

    /// Sets the bit of a new class wherever selectors hold it; gives the policies that have to be looked up again.
    mutating func admit(
        _ number: Int, _ traits: borrowing ClassTraits, _ state: NetworkState, _ space: PeerSpace
    ) -> [Int] {
        var again: Set<Int> = []
        for policy in bySubjectNamespace.policies(in: traits.namespace)
        where state.policies[policy].subjects.matches(traits) {
            subjects[policy].insert(number)
            policiesOfClass[number].append(Int32(policy))
            let isIdle = rulesOfPolicy[policy].isEmpty
            guard let section = state.policies[policy].section(direction), !section.rules.isEmpty else { continue }
            // Nothing of a policy is compiled before it selects somebody, and a name means what the pods say.
            if isIdle || (direction == .ingress && !admitNames(number, policy, section, state, space)) {
                again.insert(policy)
            }
        }
        var answers = forms.ask()
        for policy in byPeerNamespace.policies(in: traits.namespace)
        where !subjects[policy].isEmpty && !again.contains(policy) {
            if admitPeer(number, policy, traits, &answers, state, space) { again.insert(policy) }
        }
        settle([number], state, space)
        return again.sorted()
    }

    /// Takes a new class of a policy's pods into the rules with named ports that mean the same there; false when one
    /// means something that no rule was compiled for.
    private mutating func admitNames(
        _ number: Int, _ policy: Int, _ section: Policy.Section, _ state: NetworkState, _ space: PeerSpace
    ) -> Bool {
        for known in section.rules.indices
        where section.rules[known].traffic.hasNames && section.rules[known].doubt == nil {
            guard section.rules[known].own == nil else { return false }
            let ports = state.portTables[Int(space.classes.portTables[number])]
            let meaning = section.rules[known].traffic.resolved(ports)
            guard !meaning.isEmpty else { continue }
            let place = rulesOfPolicy[policy].firstIndex { index in
                let rule = Int(index)
                return rules[rule].identity.rule == known && rules[rule].own != nil && rules[rule].traffic == meaning
            }
            guard let place else { return false }
            rules[Int(rulesOfPolicy[policy][place])].own?.sure.insert(number)
        }
        return true
    }

    /// Sets the bit of a new class in the rules of a policy; true when the rules have to be looked up again.
    private mutating func admitPeer(
        _ number: Int, _ policy: Int, _ traits: borrowing ClassTraits, _ answers: inout PeerForms.Answers,
        _ state: NetworkState, _ space: PeerSpace
    ) -> Bool {
        if !forms.isPlain(policy) {
            let sections = direction == .ingress ? state.policies[policy].ingress : state.policies[policy].egress
            guard let section = sections else { return false }
            // What a name means at the new pods may be something no rule was compiled for, or the first it means at all.
            if direction == .egress,
                section.rules.contains(where: {
                    $0.traffic.hasNames && ($0.doubt != nil || $0.peers.match(traits).possible)
                })
            {
                return true
            }
            for index in rulesOfPolicy[policy] {
                let own = section.rules[rules[Int(index)].identity.rule].own
                if let own, own.match(traits).possible { return true }
            }
        }
        var touched = TrafficSet()
        for place in rulesOfPolicy[policy].indices {
            let index = Int(rulesOfPolicy[policy][place])
            var (sure, possible) = forms.match(policy, rule: rules[index].identity.rule, traits, &answers)
            // Most rules do not hold it, and nothing else of them is looked at.
            guard possible else { continue }
            if rules[index].sourcePorts != nil { sure = false }
            if !sure, rules[index].peers.possible == nil { return true }
            if sure { rules[index].peers.sure.insert(number) }
            rules[index].peers.possible?.insert(number)
            touched = touched.union(rules[index].traffic)
        }
        guard !touched.isEmpty else { return false }
        var met: [Int32] = []
        subjects[policy].forEach { own in
            let group = groupOfClass[own]
            if group >= 0, !met.contains(group) { met.append(group) }
        }
        for group in met { admit(number, to: Int(group), touched, state, space) }
        return false
    }

    /// Takes a new peer that a rule holds into a group.
    mutating func admit(
        _ number: Int, to group: Int, _ touched: TrafficSet, _ state: NetworkState, _ space: PeerSpace
    ) {
        guard groups[group].isPlain else { return fold(group, state, space) }
        for part in groups[group].allowed.indices where groups[group].allowed[part].traffic.intersects(touched) {
            admit(number, part, group)
        }
    }

    /// Sets a peer's bit in one kind of packets of a group of allows, when a rule holds it.
    mutating func admit(_ number: Int, _ part: Int, _ group: Int) {
        guard let sample = groups[group].allowed[part].traffic.points.intervals.first?.first else { return }
        let isHeld = groups[group].stages[0].rules.contains { index in
            rules[Int(index)].traffic.points.contains(sample) && rules[Int(index)].peers.sure.contains(number)
        }
        if isHeld { groups[group].allowed[part].allowed.insert(number) }
    }

    /// Takes a policy out of everything; gives its classes, which are in no group then.
    mutating func drop(_ number: Int) -> [Int] {
        let classes = subjects[number].words.isEmpty ? [] : subjects[number].members
        for own in classes {
            policiesOfClass[own].removeAll { $0 == Int32(number) }
            leaveGroup(own)
        }
        for rule in rulesOfPolicy[number] {
            rules[Int(rule)] = .gone
            freeRules.append(rule)
        }
        rulesOfPolicy[number] = []
        isNarrowed[number] = false
        subjects[number] = Bits(count: 0)
        return classes
    }

    mutating func leaveGroup(_ own: Int) {
        let group = groupOfClass[own]
        guard group >= 0 else { return }
        groupOfClass[own] = -1
        groups[Int(group)].classes.removeAll { $0 == Int32(own) }
        guard groups[Int(group)].classes.isEmpty else { return }
        groupIndex[groups[Int(group)].signature] = nil
        groups[Int(group)] = Group()
        freeGroups.append(group)
    }

    mutating func copyBit(_ old: Int, to new: Int) {
        for index in rules.indices where !rules[index].isGone {
            if rules[index].peers.sure.contains(old) { rules[index].peers.sure.insert(new) }
            if rules[index].peers.possible?.contains(old) ?? false { rules[index].peers.possible?.insert(new) }
            if rules[index].own?.sure.contains(old) ?? false { rules[index].own?.sure.insert(new) }
            if rules[index].own?.possible?.contains(old) ?? false { rules[index].own?.possible?.insert(new) }
        }
        for group in groups.indices {
            for part in groups[group].allowed.indices {
                if groups[group].allowed[part].allowed.contains(old) {
                    groups[group].allowed[part].allowed.insert(new)
                }
                if groups[group].allowed[part].denied?.contains(old) ?? false {
                    groups[group].allowed[part].denied?.insert(new)
                }
            }
        }
    }
}

extension CompiledRule {
    /// The place of a rule that is no more.
    static let gone = CompiledRule(
        identity: RuleIdentity(policy: -1, direction: .ingress, rule: 0), action: .allow,
        peers: PeerSpace.Selection(Bits(count: 0)), traffic: TrafficSet(), own: nil, sourcePorts: nil,
        isInspected: false)

    var isGone: Bool { identity.policy < 0 }
}
