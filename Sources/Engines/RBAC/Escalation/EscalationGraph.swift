import Kubernetes

/// Who can reach what, and how.
///
/// Nodes are the subjects of bindings, the service accounts, workloads and the machines they run on. A right over a
/// namespace leads to all its accounts by way of one node for the namespace, so that the graph grows with rights, not
/// with pairs; machines and running pods are gathered the same way.
package struct EscalationGraph: Sendable {
    struct Arc: Sendable {
        var from: Int32
        var to: Int32
        /// The edge in the catalogues, put one behind the other; -1 for what takes no step.
        var edge: Int32
        /// Number of the namespace in `places`; -1 for everywhere.
        var place: Int32
    }

    let model: AccessModel
    let workloads: WorkloadMap
    let edges: [EscalationEdge]
    /// Number of the first line of each edge.
    private let firstLines: [Int]
    private(set) var subjects: [Subject] = []
    private(set) var numbers: [Subject: Int32] = [:]
    private(set) var places: [String] = []
    private var placeNumbers: [String: Int32] = [:]
    private(set) var arcs: [Arc] = []
    /// Whether a subject has any right that leads further.
    private var leads: [Bool] = []
    /// Arcs by their end and by their start: positions in `arcs`, those of one node side by side.
    private(set) var incoming = Adjacency()
    private(set) var outgoing = Adjacency()
    let goals = EscalationEdge.Goal.allCases
    /// What the numbers of nodes mean: goals, accounts of a namespace, running pods of a namespace, any machine,
    /// machines, the tokens on a machine, workloads, subjects.
    private(set) var layout = Layout()

    struct Layout: Sendable {
        var accounts: Int32 = 0
        var running: Int32 = 0
        var anyHost: Int32 = 0
        var hosts: Int32 = 0
        var tokens: Int32 = 0
        var groups: Int32 = 0
        var subjects: Int32 = 0
        var count: Int32 = 0
    }

    /// Steps that are in no catalogue: taking the tokens of a machine's pods, and the cluster from a machine of the
    /// control plane.
    enum Built: Int, CaseIterable {
        case tokens, controlPlane
        var id: String { self == .tokens ? "tokens-of-pods-on-node" : "files-of-control-plane" }
    }

    /// `accounts` are the service accounts that exist, beside those that bindings name; `minor` the version of
    /// Kubernetes; `workloads` what runs, where it is known.
    package init(
        _ model: AccessModel, accounts known: [ServiceAccountName] = [], workloads: WorkloadMap = WorkloadMap(),
        minor: Int = 36
    ) {
        self.model = model
        self.workloads = workloads
        edges = EscalationEdge.all.filter { $0.applies(toMinor: minor) && $0.goal != nil && $0.needsRights }
        var first = 0
        firstLines = edges.map { edge in
            defer { first += edge.lines.count }
            return first
        }
        var all = Set(model.subjects)
        all.formUnion(known.map { Subject(.serviceAccount, namespace: $0.namespace, $0.name) })
        var last: ServiceAccountName?
        for group in workloads.groups where group.account != last {
            last = group.account
            all.insert(Subject(.serviceAccount, namespace: group.account.namespace, group.account.name))
        }
        all.remove(Subject(.group, Identity.masters))
        subjects = all.sorted()
        let named = Set(subjects.map(\.namespace)).union(model.boundNamespaces)
        for namespace in named.sorted() where !namespace.isEmpty {
            placeNumbers[namespace] = Int32(places.count)
            places.append(namespace)
        }
        let (spaces, hosts) = (Int32(places.count), Int32(workloads.hosts.count))
        layout.accounts = Int32(goals.count)
        layout.running = layout.accounts + spaces
        layout.anyHost = layout.running + spaces
        layout.hosts = layout.anyHost + 1
        layout.tokens = layout.hosts + hosts
        layout.groups = layout.tokens + hosts
        layout.subjects = layout.groups + Int32(workloads.groups.count)
        layout.count = layout.subjects + Int32(subjects.count)
        numbers.reserveCapacity(subjects.count)
        for (index, subject) in subjects.enumerated() { numbers[subject] = layout.subjects + Int32(index) }
        linkRights()
        linkWorkloads()
        incoming = Adjacency(arcs.lazy.map(\.to), count: Int(layout.count))
        outgoing = Adjacency(arcs.lazy.map(\.from), count: Int(layout.count))
    }

    package var nodeCount: Int { Int(layout.count) }
    package var arcCount: Int { arcs.count }

    // MARK: Rights

    private mutating func linkRights() {
        // A single rule decides a line, so that what roles give is the union of what each gives.
        var byRole: [Int32: NumberSet] = [:]
        func lines(of role: Int32) -> NumberSet {
            if let known = byRole[role] { return known }
            let found = linesGiven(by: role)
            byRole[role] = found
            return found
        }
        /// Roles are few and are held together in few ways: what a set of lines makes is found once.
        var known: [NumberSet: [Int32]] = [:]
        var wideEdges: [Int32] = []
        for (index, subject) in subjects.enumerated() {
            let node = layout.subjects + Int32(index)
            if let number = model.principal(isGroup: subject.kind == .group, subject.matchedName) {
                let principal = model.principals[Int(number)]
                var wide = NumberSet()
                for role in model.roles(boundBy: principal.clusterBindings) { wide.formUnion(lines(of: role)) }
                if let found = known[wide] {
                    wideEdges = found
                } else {
                    wideEdges = edges.indices.filter { isReached($0, wide: wide, own: wide, in: nil) }.map(Int32.init)
                    known[wide] = wideEdges
                }
                for edge in wideEdges { add(node, edge, nil) }
                let places = principal.namespacedBindings.map { (model.symbols[$0.key], $0.value) }
                for (namespace, bindings) in places.sorted(by: { $0.0 < $1.0 }) {
                    var own = wide
                    for role in model.roles(boundBy: bindings) { own.formUnion(lines(of: role)) }
                    guard own != wide else { continue }
                    for edge in edges.indices where !wideEdges.contains(Int32(edge)) {
                        if isReached(edge, wide: wide, own: own, in: namespace) { add(node, Int32(edge), namespace) }
                    }
                }
            }
        }
        leads = [Bool](repeating: false, count: subjects.count)
        for arc in arcs { leads[Int(arc.from - layout.subjects)] = true }
        // What an account's groups reach, the account reaches.
        for (index, subject) in subjects.enumerated() {
            for group in identityGroups(subject) {
                guard let other = numbers[Subject(.group, group)], leads[Int(other - layout.subjects)] else { continue }
                arcs.append(Arc(from: layout.subjects + Int32(index), to: other, edge: -1, place: -1))
                leads[index] = true
            }
        }
    }

    /// Which lines of all edges, numbered through, the rules of a role give.
    private func linesGiven(by role: Int32) -> NumberSet {
        let rules = model.roles[Int(role)].rules.map { model.rules.rule($0.rule, model.symbols) }
        var out = NumberSet()
        var number = 0
        for edge in edges {
            for line in edge.lines {
                if line.alternatives.contains(where: { $0.reach(rules).isReached }) { out.insert(number) }
                number += 1
            }
        }
        return out
    }

    /// Whether the lines given everywhere and in a namespace make an edge.
    private func isReached(_ edge: Int, wide: NumberSet, own: NumberSet, in namespace: String?) -> Bool {
        for (index, line) in edges[edge].lines.enumerated() {
            let number = firstLines[edge] + index
            let given =
                switch line.place {
                case .cluster: wide.contains(number)
                case .target: own.contains(number)
                case .namespace(let name): (namespace == nil || namespace == name ? own : wide).contains(number)
                }
            guard given else { return false }
        }
        return true
    }

    private func identityGroups(_ subject: Subject) -> [String] {
        switch subject.kind {
        case .serviceAccount: ServiceAccountName.groups(of: subject.namespace) + ["system:authenticated"]
        case .user: ["system:authenticated"]
        case .group: []
        }
    }

    private mutating func add(_ node: Int32, _ number: Int32, _ namespace: String?) {
        let edge = edges[Int(number)]
        guard let goal = edge.goal, let position = goals.firstIndex(of: goal) else { return }
        let place = namespace.flatMap { placeNumbers[$0] } ?? -1
        switch goal {
        case .node:
            if edge.isStoppedByPodSecurity, let namespace, workloads.hardened.contains(namespace) { return }
            arcs.append(Arc(from: node, to: layout.anyHost, edge: number, place: place))
        case .accounts:
            let isRunning = edge.isThroughPods
            for target in place >= 0 ? place..<place + 1 : 0..<Int32(places.count) {
                let isKnown = isRunning && workloads.populated.contains(places[Int(target)])
                let first = isKnown ? layout.running : layout.accounts
                arcs.append(Arc(from: node, to: first + target, edge: number, place: target))
            }
            arcs.append(Arc(from: node, to: Int32(position), edge: number, place: place))
        case .secrets where place != -1: return
        case .clusterAdmin, .secrets, .cloud:
            arcs.append(Arc(from: node, to: Int32(position), edge: number, place: place))
        }
    }

    // MARK: What runs

    private mutating func linkWorkloads() {
        func goal(_ wanted: EscalationEdge.Goal) -> Int32 { Int32(goals.firstIndex(of: wanted) ?? 0) }
        let escapeBase = Int32(edges.count)
        let builtBase = escapeBase + Int32(ContainerEscape.all.count)
        let tokens = builtBase + Int32(Built.tokens.rawValue)
        let tokenMounted = escapeBase + Int32(ContainerEscape.positions["CE-token-mounted"] ?? 0)
        // An account without a right that leads anywhere is no stop on the way.
        for (index, subject) in subjects.enumerated() where subject.kind == .serviceAccount {
            let node = layout.subjects + Int32(index)
            guard leads[index], let place = placeNumbers[subject.namespace] else { continue }
            arcs.append(Arc(from: layout.accounts + place, to: node, edge: -1, place: place))
        }
        arcs.append(Arc(from: layout.anyHost, to: goal(.node), edge: -1, place: -1))
        for host in workloads.hosts.indices.map(Int32.init) {
            arcs.append(Arc(from: layout.anyHost, to: layout.hosts + host, edge: -1, place: -1))
            arcs.append(Arc(from: layout.hosts + host, to: goal(.node), edge: -1, place: -1))
            arcs.append(Arc(from: layout.hosts + host, to: layout.tokens + host, edge: tokens, place: -1))
            arcs.append(Arc(from: layout.tokens + host, to: goal(.accounts), edge: -1, place: -1))
            if workloads.isControlPlane[Int(host)] {
                let edge = builtBase + Int32(Built.controlPlane.rawValue)
                arcs.append(Arc(from: layout.hosts + host, to: goal(.clusterAdmin), edge: edge, place: -1))
            }
        }
        for (index, group) in workloads.groups.enumerated() {
            let node = layout.groups + Int32(index)
            let place = placeNumbers[group.account.namespace] ?? -1
            if place >= 0 { arcs.append(Arc(from: layout.running + place, to: node, edge: -1, place: place)) }
            let account = numbers[
                Subject(.serviceAccount, namespace: group.account.namespace, group.account.name)]
            if let account, leads[Int(account - layout.subjects)] {
                if group.mountsToken { arcs.append(Arc(from: node, to: account, edge: tokenMounted, place: place)) }
                for host in group.hosts {
                    arcs.append(Arc(from: layout.tokens + host, to: account, edge: -1, place: -1))
                }
            }
            for (escape, _) in group.escapes {
                link(group, node, escapeBase + Int32(escape), ContainerEscape.all[escape].leads)
            }
        }
    }

    private mutating func link(_ group: WorkloadMap.Group, _ node: Int32, _ edge: Int32, _ lead: ContainerEscape.Lead?)
    {
        func arc(_ to: Int32) -> Arc { Arc(from: node, to: to, edge: edge, place: -1) }
        switch lead {
        case .node where group.hosts.isEmpty:
            arcs.append(arc(Int32(goals.firstIndex(of: .node) ?? 0)))
        case .node: for host in group.hosts { arcs.append(arc(layout.hosts + host)) }
        case .tokens: for host in group.hosts { arcs.append(arc(layout.tokens + host)) }
        case .clusterAdmin:
            // Where the nodes are known, it is known whether one of the control plane is among its own.
            let isThere = group.hosts.contains { workloads.isControlPlane[Int($0)] }
            guard isThere || !workloads.areNodesKnown || group.hosts.isEmpty else { return }
            arcs.append(arc(Int32(goals.firstIndex(of: .clusterAdmin) ?? 0)))
        case .account, nil: return
        }
    }
}

/// Numbers gathered by a key, in one list.
struct Adjacency: Sendable {
    private var starts: [Int32] = [0]
    private var list: [Int32] = []

    init() {}

    init(_ keys: some Sequence<Int32>, count: Int) {
        starts = [Int32](repeating: 0, count: count + 1)
        var total = 0
        for key in keys {
            starts[Int(key) + 1] += 1
            total += 1
        }
        for index in 0..<count { starts[index + 1] += starts[index] }
        var next = starts
        list = [Int32](repeating: 0, count: total)
        var position: Int32 = 0
        for key in keys {
            list[Int(next[Int(key)])] = position
            next[Int(key)] += 1
            position += 1
        }
    }

    subscript(_ key: Int) -> ArraySlice<Int32> { list[Int(starts[key])..<Int(starts[key + 1])] }
}

extension Subject {
    /// Kubernetes' own components: what their rights lead to is no news.
    package var isSystem: Bool {
        switch kind {
        case .serviceAccount: namespace == "kube-system"
        case .user:
            name.hasPrefix("system:") && !name.hasPrefix(ServiceAccountName.prefix) && name != "system:anonymous"
        case .group:
            name.hasPrefix("system:") && name != "system:authenticated" && name != "system:unauthenticated"
                && !name.hasPrefix("system:serviceaccounts")
        }
    }
}

extension AccessModel {
    /// The roles of some bindings.
    func roles(boundBy numbers: [Int32]) -> [Int32] { numbers.compactMap { bindings[Int($0)]?.role } }

    /// Namespaces with a RoleBinding.
    var boundNamespaces: Set<String> {
        var out: Set<String> = []
        for case let binding? in bindings {
            if let namespace = binding.namespace { out.insert(symbols[namespace]) }
        }
        return out
    }
}
