import Kubernetes

/// Which namespaces, and how far to go.
package struct GenerationOptions: Sendable {
    /// Only these namespaces; all but those of the system when empty.
    package var namespaces: Set<String> = []
    /// Isolates workloads of which nothing is known too.
    package var isolatesUnknown = false
    package var form = PolicyForm.kubernetes
    /// The namespace of the ingress controller, where it is not in the inventory.
    package var ingressNamespace: String?

    package init() {}
}

/// From needs to policies: who is isolated, and what rules it takes.
struct PolicyPlanner: Sendable {
    let state: NetworkState
    let selectors: WorkloadSelectors
    let intent: DeclaredIntent
    let facts: ClusterFacts
    let options: GenerationOptions
    private(set) var needs: [NetworkNeed]
    private(set) var ingress: [Stance] = []
    private(set) var egress: [Stance] = []
    private(set) var notes: [String]
    private(set) var policies: [PlannedPolicy] = []
    /// Workloads of which something is known, and those that were seen to call.
    private let described: Set<Int>
    private let seenFrom: Set<Int>

    init(
        _ model: NetworkModel, _ intent: DeclaredIntent, _ observed: ObservedIntent?, _ options: GenerationOptions
    ) {
        state = model.state
        selectors = intent.selectors
        self.intent = intent
        facts = ClusterFacts(intent)
        self.options = options
        needs = intent.needs + (observed?.needs ?? [])
        for (number, port) in facts.dns {
            needs.append(
                NetworkNeed(
                    .anyone, .workload(number), port.protocol, port.number, reason: .declared,
                    why: "answers names for the cluster"))
        }
        notes = intent.notes + (observed?.notes ?? [])
        seenFrom = observed?.seenFrom ?? []
        described = intent.described.union(seenFrom).union(observed?.seenTo ?? [])
        let called = Self.called(needs)
        let calling = Self.calling(needs)
        for number in selectors.workloads.indices {
            let isDescribed = described.contains(number)
            var ingress = stance(.ingress, number, model, isDescribed)
            var egress = stance(.egress, number, model, isDescribed)
            if !options.isolatesUnknown {
                if case .closed = ingress, let why = whyUncalled(number, called) { ingress = .open(why) }
                if case .closed = egress, !seenFrom.contains(number), let why = whyUnknownCalls(number, called, calling)
                {
                    egress = .open(why)
                }
            }
            self.ingress.append(ingress)
            self.egress.append(egress)
        }
        spreadOpenness()
        collapse()
        for number in selectors.workloads.indices { plan(workload: number) }
        for namespace in Set(selectors.workloads.map(\.namespace)).sorted() { plan(namespace: namespace, model) }
        policies.sort { ($0.namespace, $0.name) < ($1.namespace, $1.name) }
    }

    private func isInScope(_ namespace: String) -> Bool {
        options.namespaces.isEmpty
            ? !KnownRoles.systemNamespaces.contains(namespace) : options.namespaces.contains(namespace)
    }

    // MARK: Stances

    private func stance(
        _ direction: Direction, _ number: Int, _ model: NetworkModel, _ isDescribed: Bool
    ) -> Stance {
        let workload = selectors.workloads[number]
        guard isInScope(workload.namespace) else { return .outOfScope }
        guard !workload.isOnHostNetwork else { return .onHostNetwork }
        let kept = isolating(direction, workload, model)
        if !kept.isEmpty { return .kept(by: kept) }
        guard !workload.selector.isEmpty else { return .open("it has no label that stays over a roll-out") }
        guard isDescribed || options.isolatesUnknown else {
            return .open("nothing tells who it talks to: no Service, port, probe, address or flow")
        }
        return .closed
    }

    /// Workloads that somebody is known to call; the kubelet is nobody.
    private static func called(_ needs: [NetworkNeed]) -> Set<Int> {
        Set(
            needs.compactMap { need in
                guard need.reason != .probe, need.source != need.target, case .workload(let number) = need.target else {
                    return nil
                }
                return number
            })
    }

    private static func calling(_ needs: [NetworkNeed]) -> Set<Int> {
        Set(needs.compactMap { need in if case .workload(let number) = need.source { number } else { nil } })
    }

    /// A Service is there for somebody; where nobody is known to call it, the list of callers is not whole.
    private func whyUncalled(_ number: Int, _ called: Set<Int>) -> String? {
        guard intent.offered.contains(number), !called.contains(number) else { return nil }
        return "a Service leads to it, and nobody is known to call it"
    }

    /// Why it is not known whom a workload calls.
    private func whyUnknownCalls(_ number: Int, _ called: Set<Int>, _ calling: Set<Int>) -> String? {
        if let secret = intent.hidden[number] {
            return "\(secret) may name addresses, and its content is not read"
        }
        if facts.dns.contains(where: { $0.workload == number }) {
            return "it asks the resolvers of its node, which are not known"
        }
        guard !calling.contains(number) else { return nil }
        // It says nothing of whom it calls, and beside it stands somebody whose callers are not known.
        let namespace = selectors.workloads[number].namespace
        let lonely = selectors.workloads.indices.first { other in
            other != number && selectors.workloads[other].namespace == namespace && whyUncalled(other, called) != nil
        }
        return lonely.map {
            "it names nobody it calls, and nobody is known to call \(selectors.workloads[$0].name)"
        }
    }

    /// Policies that drop by default what reaches every pod of the workload.
    private func isolating(
        _ direction: Direction, _ workload: SelectableWorkload, _ model: NetworkModel
    ) -> [ObjectReference] {
        var all: Set<Int>?
        for pod in workload.pods {
            let own = model.space.classes.classOfPod[pod]
            guard own >= 0 else { return [] }
            let table = model.table(direction)
            let group = table.groups[Int(table.groupOfClass[Int(own)])]
            let found = group.stages.filter { $0.end == .deny }.flatMap(\.policies).map { Int($0) }
            all = all.map { $0.intersection(found) } ?? Set(found)
        }
        return (all ?? []).sorted().map { state.policies[$0].reference }
    }

    /// A selector that takes an open workload too would isolate it by accident.
    private mutating func spreadOpenness() {
        var changed = true
        while changed {
            changed = false
            for (number, workload) in selectors.workloads.enumerated() {
                for other in workload.alsoSelects {
                    let name = selectors.workloads[other].name
                    if case .closed = ingress[number], case .open = ingress[other] {
                        ingress[number] = .open("its labels are also those of \(name), which stays open")
                        changed = true
                    }
                    if case .closed = egress[number], case .open = egress[other] {
                        egress[number] = .open("its labels are also those of \(name), which stays open")
                        changed = true
                    }
                }
            }
        }
        for workload in selectors.workloads where !workload.alsoSelects.isEmpty {
            let others = workload.alsoSelects.map { selectors.workloads[$0].name }.joined(separator: ", ")
            notes.append("\(workload.name): its labels select \(others) too")
        }
    }

    /// One need a rule; the name of a port is kept only where all reasons agree on it.
    private mutating func collapse() {
        var index: [NetworkNeed.Key: Int] = [:]
        var out: [NetworkNeed] = []
        for need in needs {
            if let known = index[need.key] {
                if out[known].portName == nil { out[known].portName = need.portName }
                if out[known].flow == nil { out[known].flow = need.flow }
                if !out[known].why.contains(need.why), out[known].why.utf8.count < 160 {
                    out[known].why += ", \(need.why)"
                }
                if out[known].location == nil { out[known].location = need.location }
            } else {
                index[need.key] = out.count
                out.append(need)
            }
        }
        needs = out
    }

    // MARK: Rules

    private mutating func plan(workload number: Int) {
        let workload = selectors.workloads[number]
        var directions: [Direction] = []
        if case .closed = ingress[number] { directions.append(.ingress) }
        if case .closed = egress[number] { directions.append(.egress) }
        guard !directions.isEmpty else { return }
        var policy = PlannedPolicy(
            name: "allow-\(workload.reference.name)", namespace: workload.namespace,
            subjects: .labels(workload.selector), directions: directions)
        if policies.contains(where: { $0.namespace == policy.namespace && $0.name == policy.name }) {
            policy.name += "-\(workload.reference.kind.lowercased())"
        }
        var remarks: [String] = []
        for direction in directions {
            var drafts: [Draft] = []
            for need in needs {
                let (own, other) = direction == .ingress ? (need.target, need.source) : (need.source, need.target)
                guard own == .workload(number), need.reason != .dns, !isDNS(need, direction) else { continue }
                guard need.protocol.hasPorts || options.form != .kubernetes else {
                    notes.append("\(workload.name): \(need.protocol.rawValue) has no words in NetworkPolicy")
                    continue
                }
                guard let draft = draft(need, direction) else { continue }
                drafts.append(draft)
                let ports = draft.ports
                let arrow = direction == .ingress ? "from" : "to"
                let place = need.location.map { " (\($0.file):\($0.line))" } ?? ""
                let numbers = ports.compactMap { $0.name ?? $0.number.map { String($0) } }.joined(separator: ",")
                remarks.append("\(arrow) \(text(other)), \(need.protocol.rawValue) \(numbers): \(need.why)\(place)")
            }
            let rules = Self.rules(drafts)
            if direction == .ingress { policy.ingress = rules } else { policy.egress = rules }
        }
        var seen: Set<String> = []
        policy.remarks = remarks.filter { seen.insert($0).inserted }
        policies.append(policy)
    }

    private typealias Draft = (peers: [PlannedPolicy.Peer]?, ports: [PlannedPolicy.Port])

    /// What a rule has to say for a need; nil where none is needed.
    private func draft(_ need: NetworkNeed, _ direction: Direction) -> Draft? {
        let other = direction == .ingress ? need.source : need.target
        var peer: [PlannedPolicy.Peer]?
        switch peers(other, direction, need) {
        case .none: return nil
        case .everybody: break
        case .some(let found): peer = found
        }
        let name = isNamed(need) ? need.portName : nil
        var ports = [PlannedPolicy.Port(transport: need.protocol, number: need.port, name: name)]
        if case .apiServer = other, need.port == nil { ports = apiServerPorts(direction) }
        return (peer, ports)
    }

    /// The rules that supply some workloads in one direction, to put in place of a rule that opens more; nil where not
    /// everything they need is known, or NetworkPolicy cannot say it.
    func neededRules(of numbers: [Int], _ direction: Direction, withNames: Bool) -> [PlannedPolicy.Rule]? {
        let called = Self.called(needs)
        let calling = Self.calling(needs)
        for number in numbers {
            guard described.contains(number) else { return nil }
            if direction == .ingress, whyUncalled(number, called) != nil { return nil }
            // Who names nobody may yet know addresses from elsewhere.
            if direction == .egress, !seenFrom.contains(number),
                !calling.contains(number) || whyUnknownCalls(number, called, calling) != nil
            {
                return nil
            }
        }
        var drafts: [Draft] = []
        for need in needs where need.reason != .dns && !isDNS(need, direction) {
            guard case .workload(let own) = direction == .ingress ? need.target : need.source, numbers.contains(own)
            else { continue }
            guard need.protocol.hasPorts else { return nil }
            if let draft = draft(need, direction) { drafts.append(draft) }
        }
        return Self.rules(drafts) + (direction == .egress && withNames ? nameRules : [])
    }

    /// Whether the policy for names allows it already.
    private func isDNS(_ need: NetworkNeed, _ direction: Direction) -> Bool {
        guard direction == .egress, case .workload(let target) = need.target else { return false }
        return facts.dns.contains {
            $0.workload == target && $0.port.number == need.port && $0.port.protocol == need.protocol
        }
    }

    /// A port goes by its name when all pods of the target have it under this number.
    private func isNamed(_ need: NetworkNeed) -> Bool {
        guard let name = need.portName, case .workload(let target) = need.target else { return false }
        return selectors.workloads[target].pods.allSatisfy { pod in
            state.ports(of: state.pods[pod]).filter { $0.name == name }.map(\.number) == [need.port]
        }
    }

    private enum Peers {
        case none
        case everybody
        case some([PlannedPolicy.Peer])
    }

    static let privateBlocks = ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"]
        .compactMap { CIDR($0) }
    static let privateBlocks6 = ["fc00::/7", "fe80::/10"].compactMap { CIDR($0) }
    private static let everything = [CIDR("0.0.0.0/0"), CIDR("::/0")].compactMap(\.self)

    private static func internet() -> [PlannedPolicy.Peer] {
        zip(everything, [privateBlocks, privateBlocks6]).map { .block($0, except: $1) }
    }

    private func peers(_ end: NetworkNeed.End, _ direction: Direction, _ need: NetworkNeed) -> Peers {
        let isCilium = options.form == .cilium
        switch end {
        case .workload(let other):
            let workload = selectors.workloads[other]
            if workload.isOnHostNetwork { return nodes(of: workload) }
            return .some([.pods(namespace: workload.namespace, labels: workload.selector)])
        case .convention(let namespace, let labels): return .some([.pods(namespace: namespace, labels: labels)])
        case .block(let block): return .some([.block(block, except: [])])
        case .internet: return .some(isCilium ? [.entity("world")] : Self.internet())
        case .domain(let name): return .some(isCilium ? [.domain(name)] : Self.internet())
        case .outside:
            if isCilium { return .some(["world", "host", "remote-node"].map { .entity($0) }) }
            return .some(Self.everything.map { .block($0, except: []) })
        case .anyone:
            if let namespace = options.ingressNamespace, need.reason == .route {
                return .some([.pods(namespace: namespace, labels: [])])
            }
            return .everybody
        case .node(let number):
            if isCilium { return .some(["host", "remote-node"].map { .entity($0) }) }
            let blocks = state.nodes[number].addresses.map { PlannedPolicy.Peer.block(CIDR(address: $0), except: []) }
            return blocks.isEmpty ? .everybody : .some(blocks)
        case .ownNode:
            // Most plugins let a pod's own node in whatever policies say.
            guard !state.plugin.allowsIngressFromOwnNode else { return .none }
            if isCilium { return .some([.entity("host")]) }
            return everyNode()
        case .apiServer: return apiServer(direction)
        case .dns: return .none
        }
    }

    private func nodes(of workload: SelectableWorkload) -> Peers {
        if options.form == .cilium { return .some(["host", "remote-node"].map { .entity($0) }) }
        // Its pods move from node to node; any node may be where the next one is.
        return everyNode()
    }

    private func everyNode() -> Peers {
        let blocks = state.nodes.flatMap(\.addresses).sorted().map {
            PlannedPolicy.Peer.block(CIDR(address: $0), except: [])
        }
        return blocks.isEmpty ? .everybody : .some(blocks)
    }

    private func apiServer(_ direction: Direction) -> Peers {
        if options.form == .cilium {
            return .some(
                (direction == .egress ? ["kube-apiserver"] : ["kube-apiserver", "host", "remote-node"]).map {
                    .entity($0)
                })
        }
        if direction == .ingress, !facts.tunnels.isEmpty {
            return .some(
                facts.tunnels.map {
                    .pods(namespace: selectors.workloads[$0].namespace, labels: selectors.workloads[$0].selector)
                })
        }
        let known = Set(facts.apiServer.map(\.address)).sorted().map {
            PlannedPolicy.Peer.block(CIDR(address: $0), except: [])
        }
        if !known.isEmpty { return .some(known) }
        if direction == .ingress { return .everybody }
        let metadata = CIDR("169.254.0.0/16").map { [$0] } ?? []
        return .some(Self.everything.map { .block($0, except: $0.base.family == .v4 ? metadata : []) })
    }

    private func apiServerPorts(_ direction: Direction) -> [PlannedPolicy.Port] {
        let known = Set(facts.apiServer.map(\.port)).sorted()
        return (known.isEmpty ? [443, 6443] : known).map { .init(transport: .tcp, number: $0, name: nil) }
    }

    /// Peers with the same ports share a rule, and ports of the same peers.
    private static func rules(
        _ drafts: [(peers: [PlannedPolicy.Peer]?, ports: [PlannedPolicy.Port])]
    ) -> [PlannedPolicy.Rule] {
        var order: [[PlannedPolicy.Peer]] = []
        var ports: [[PlannedPolicy.Peer]: Set<PlannedPolicy.Port>] = [:]
        for draft in drafts {
            let peers = draft.peers ?? []
            if ports[peers] == nil { order.append(peers) }
            ports[peers, default: []].formUnion(draft.ports)
        }
        // A port everybody may use needs no other rule.
        let free = ports[[]] ?? []
        var merged: [[PlannedPolicy.Port]: [PlannedPolicy.Peer]] = [:]
        var keys: [[PlannedPolicy.Port]] = []
        for peers in order {
            let left = (ports[peers] ?? []).filter { peers.isEmpty || !free.contains($0) }.sorted()
            guard !left.isEmpty else { continue }
            if peers.isEmpty {
                keys.insert(left, at: 0)
                merged[left] = []
            } else if merged[left] == nil {
                keys.append(left)
                merged[left] = peers
            } else if merged[left]?.isEmpty == false {
                merged[left]?.append(contentsOf: peers)
            }
        }
        return keys.map { key in
            var seen: Set<PlannedPolicy.Peer> = []
            return PlannedPolicy.Rule(peers: (merged[key] ?? []).filter { seen.insert($0).inserted }, ports: key)
        }
    }

    // MARK: Namespaces

    private mutating func plan(namespace: String, _ model: NetworkModel) {
        guard isInScope(namespace) else { return }
        for direction in Direction.allCases {
            let stances = direction == .ingress ? ingress : egress
            let own = selectors.workloads.indices.filter { selectors.workloads[$0].namespace == namespace }
            let closed = own.filter { stances[$0].isClosed }
            let open = own.filter { if case .open = stances[$0] { true } else { false } }
            guard !closed.isEmpty else { continue }
            let isThere = state.namespaceNumber(namespace).map { state.isClosed($0, direction) } ?? false
            let nameless = open.filter { Self.telling($0, closed, selectors) == nil }
            guard let subjects = Self.subjects(open, closed, selectors) else {
                let names = nameless.map { selectors.workloads[$0].name }.joined(separator: ", ")
                notes.append(
                    "namespace \(namespace): no default deny of \(direction.rawValue), which would isolate \(names)")
                // Names still have to be looked up by those that are isolated.
                if direction == .egress { allowNames(in: namespace, each: closed) }
                continue
            }
            if !isThere {
                policies.append(
                    PlannedPolicy(
                        name: "default-deny-\(direction.rawValue)", namespace: namespace, subjects: subjects,
                        directions: [direction], remarks: remarks(open)))
            }
            let isNew = own.contains { if case .closed = stances[$0] { true } else { false } }
            if direction == .egress, isNew || !isThere {
                var policy = PlannedPolicy(
                    name: "allow-dns", namespace: namespace, subjects: subjects, directions: [.egress])
                policy.egress = nameRules
                policies.append(policy)
            }
        }
    }

    private func remarks(_ open: [Int]) -> [String] {
        open.isEmpty
            ? [] : ["left open: \(open.map { selectors.workloads[$0].name }.joined(separator: ", "))"]
    }

    private var nameRules: [PlannedPolicy.Rule] {
        var drafts: [(peers: [PlannedPolicy.Peer]?, ports: [PlannedPolicy.Port])] = []
        for (end, port) in facts.dnsNeeds {
            let peer: PlannedPolicy.Peer
            switch end {
            case .workload(let number):
                peer = .pods(
                    namespace: selectors.workloads[number].namespace, labels: selectors.workloads[number].selector)
            case .convention(let namespace, let labels): peer = .pods(namespace: namespace, labels: labels)
            case .block(let block): peer = .block(block, except: [])
            default: continue
            }
            drafts.append(([peer], [.init(transport: port.protocol, number: port.number, name: nil)]))
        }
        return Self.rules(drafts)
    }

    private mutating func allowNames(in namespace: String, each closed: [Int]) {
        for number in closed {
            guard case .closed = egress[number],
                let place = policies.firstIndex(where: {
                    $0.namespace == namespace && $0.subjects == .labels(selectors.workloads[number].selector)
                })
            else { continue }
            policies[place].egress += nameRules
        }
    }

    /// Every pod but the open ones; nil when no label tells those apart.
    private static func subjects(
        _ open: [Int], _ closed: [Int], _ selectors: WorkloadSelectors
    ) -> PlannedPolicy.Subjects? {
        var but: [String: [String]] = [:]
        for number in open {
            guard let pair = telling(number, closed, selectors) else { return nil }
            but[pair.key] = Array(Set((but[pair.key] ?? []) + [pair.value])).sorted()
        }
        return .allBut(but)
    }

    /// A label that the workload has and no closed one does.
    private static func telling(_ number: Int, _ closed: [Int], _ selectors: WorkloadSelectors) -> LabelPair? {
        selectors.workloads[number].selector.first { pair in
            !closed.contains { selectors.workloads[$0].selector.contains(pair) }
        }
    }

    // MARK: Words

    func text(_ end: NetworkNeed.End) -> String {
        switch end {
        case .workload(let number): selectors.workloads[number].name
        case .block(let block): block.length == (block.base.family == .v4 ? 32 : 128) ? "\(block.base)" : "\(block)"
        case .internet: "the internet"
        case .domain(let name): name
        case .anyone: "everybody"
        case .node(let number): "node \(state.nodes[number].name)"
        case .ownNode: "the kubelet"
        case .outside: "outside the cluster"
        case .apiServer: "the API server"
        case .dns: "DNS"
        case .convention(let namespace, let labels):
            "pods \(labels.map { "\($0.key)=\($0.value)" }.joined(separator: ",")) of "
                + (namespace.isEmpty ? "any namespace" : namespace)
        }
    }
}
