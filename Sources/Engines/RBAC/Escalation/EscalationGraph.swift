package import Kubernetes

/// One step of a path: somebody uses an edge and becomes somebody, or reaches a goal.
package struct EscalationStep: Sendable {
    package var actor: Subject
    package var edge: EscalationEdge
    /// The namespace it is used against; empty for everywhere.
    package var namespace: String
    /// Who is become; nil where a goal is reached.
    package var becomes: Subject?
    /// Objects it is limited to; empty for any.
    package var names: [String]
    /// A grant for each right the edge needs.
    package var grants: [Grant]
}

/// Who can reach what, in how few steps.
///
/// Nodes are the subjects of bindings and the service accounts; a right over a namespace leads to all its accounts by
/// way of one node for the namespace, so that the graph grows with rights, not with pairs of accounts.
package struct EscalationGraph: Sendable {
    private struct Arc: Sendable {
        var from: Int32
        var to: Int32
        var edge: Int32
        /// Number of the namespace in `places`; -1 for everywhere.
        var place: Int32
    }

    private let model: AccessModel
    private let edges: [EscalationEdge]
    /// Number of the first line of each edge.
    private let firstLines: [Int]
    private var subjects: [Subject] = []
    private var numbers: [Subject: Int32] = [:]
    private var places: [String] = []
    private var placeNumbers: [String: Int32] = [:]
    private var arcs: [Arc] = []
    private var incoming: [[Int32]] = []
    private var accounts: [Int32: [Int32]] = [:]
    /// Nodes: goals, then places, then subjects.
    private let goals = EscalationEdge.Goal.allCases
    private var firstSubject: Int32 = 0

    /// `accounts` are the service accounts that exist, beside those that bindings name; `minor` the version of
    /// Kubernetes.
    package init(_ model: AccessModel, accounts known: [ServiceAccountName] = [], minor: Int = 36) {
        self.model = model
        edges = EscalationEdge.all.filter { $0.applies(toMinor: minor) && $0.goal != nil && $0.needsRights }
        var first = 0
        firstLines = edges.map { edge in
            defer { first += edge.lines.count }
            return first
        }
        var all = Set(model.subjects)
        all.formUnion(known.map { Subject(.serviceAccount, namespace: $0.namespace, $0.name) })
        all.remove(Subject(.group, Identity.masters))
        subjects = all.sorted()
        for namespace in Set(subjects.map(\.namespace)).union(model.boundNamespaces).sorted() where !namespace.isEmpty {
            placeNumbers[namespace] = Int32(places.count)
            places.append(namespace)
        }
        firstSubject = Int32(goals.count + places.count)
        for (index, subject) in subjects.enumerated() {
            numbers[subject] = firstSubject + Int32(index)
            if subject.kind == .serviceAccount, let place = placeNumbers[subject.namespace] {
                accounts[place, default: []].append(firstSubject + Int32(index))
            }
        }
        link()
    }

    private mutating func link() {
        // A single rule decides a line, so that what roles give is the union of what each gives.
        var byRole: [Int32: NumberSet] = [:]
        func lines(of role: Int32) -> NumberSet {
            if let known = byRole[role] { return known }
            let found = linesGiven(by: role)
            byRole[role] = found
            return found
        }
        for (index, subject) in subjects.enumerated() {
            let node = firstSubject + Int32(index)
            if let number = model.principal(isGroup: subject.kind == .group, subject.matchedName) {
                let principal = model.principals[Int(number)]
                var wide = NumberSet()
                for role in model.roles(boundBy: principal.clusterBindings) { wide.formUnion(lines(of: role)) }
                let wideEdges = Set(edges.indices.filter { isReached($0, wide: wide, own: wide, in: nil) })
                for edge in wideEdges.sorted() { add(node, Int32(edge), nil) }
                let places = principal.namespacedBindings.map { (model.symbols[$0.key], $0.value) }
                for (namespace, bindings) in places.sorted(by: { $0.0 < $1.0 }) {
                    var own = wide
                    for role in model.roles(boundBy: bindings) { own.formUnion(lines(of: role)) }
                    guard own != wide else { continue }
                    for edge in edges.indices where !wideEdges.contains(edge) {
                        if isReached(edge, wide: wide, own: own, in: namespace) { add(node, Int32(edge), namespace) }
                    }
                }
            }
            // What an account's groups reach, the account reaches.
            for group in identityGroups(subject) {
                if let other = numbers[Subject(.group, group)] {
                    arcs.append(Arc(from: node, to: other, edge: -1, place: -1))
                }
            }
        }
        for (place, members) in accounts {
            for member in members {
                arcs.append(Arc(from: Int32(goals.count) + place, to: member, edge: -1, place: place))
            }
        }
        incoming = [[Int32]](repeating: [], count: Int(firstSubject) + subjects.count)
        for (index, arc) in arcs.enumerated() { incoming[Int(arc.to)].append(Int32(index)) }
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

    private mutating func add(_ node: Int32, _ edge: Int32, _ namespace: String?) {
        guard let goal = edges[Int(edge)].goal, let number = goals.firstIndex(of: goal) else { return }
        let place = namespace.flatMap { placeNumbers[$0] } ?? -1
        if goal != .secrets || place == -1 {
            arcs.append(Arc(from: node, to: Int32(number), edge: edge, place: place))
        }
        guard goal == .accounts else { return }
        if place >= 0 {
            arcs.append(Arc(from: node, to: Int32(goals.count) + place, edge: edge, place: place))
        } else {
            for place in places.indices {
                arcs.append(Arc(from: node, to: Int32(goals.count + place), edge: edge, place: Int32(place)))
            }
        }
    }

    package var nodeCount: Int { incoming.count }
    package var arcCount: Int { arcs.count }

    // MARK: Paths

    /// A shortest path of every subject that reaches the goal, shortest first; Kubernetes' own components are left out.
    package func shortestPaths(to goal: EscalationEdge.Goal, including isWanted: (Subject) -> Bool = { !$0.isSystem })
        -> [(subject: Subject, steps: [EscalationStep])]
    {
        let (distances, next) = search(goal)
        var out: [(subject: Subject, steps: [EscalationStep])] = []
        for (index, subject) in subjects.enumerated() where isWanted(subject) {
            let node = Int(firstSubject) + index
            guard distances[node] < .max else { continue }
            out.append((subject, steps(from: node, next)))
        }
        return out.sorted { ($0.steps.count, $0.subject) < ($1.steps.count, $1.subject) }
    }

    /// How many subjects reach the goal.
    package func count(reaching goal: EscalationEdge.Goal) -> Int {
        let (distances, _) = search(goal)
        return subjects.indices.count { distances[Int(firstSubject) + $0] < .max && !subjects[$0].isSystem }
    }

    /// From the goal against the arcs, breadth first; arcs without an edge cost nothing.
    private func search(_ goal: EscalationEdge.Goal) -> (distances: [Int32], next: [Int32]) {
        var distances = [Int32](repeating: .max, count: incoming.count)
        var next = [Int32](repeating: -1, count: incoming.count)
        guard let start = goals.firstIndex(of: goal) else { return (distances, next) }
        distances[start] = 0
        var current = [Int32(start)]
        var distance: Int32 = 0
        while !current.isEmpty {
            var later: [Int32] = []
            var position = 0
            while position < current.count {
                let node = current[position]
                position += 1
                guard distances[Int(node)] == distance else { continue }
                for index in incoming[Int(node)] {
                    let arc = arcs[Int(index)]
                    let cost: Int32 = arc.edge < 0 ? 0 : 1
                    guard distances[Int(arc.from)] > distance + cost else { continue }
                    distances[Int(arc.from)] = distance + cost
                    next[Int(arc.from)] = index
                    if cost == 0 { current.append(arc.from) } else { later.append(arc.from) }
                }
            }
            current = later
            distance += 1
        }
        return (distances, next)
    }

    private func steps(from start: Int, _ next: [Int32]) -> [EscalationStep] {
        var out: [EscalationStep] = []
        var node = start
        var actor = subjects[start - Int(firstSubject)]
        while next[node] >= 0 {
            let arc = arcs[Int(next[node])]
            node = Int(arc.to)
            if node >= Int(firstSubject) {
                let subject = subjects[node - Int(firstSubject)]
                if arc.edge < 0, arc.place >= 0, !out.isEmpty { out[out.count - 1].becomes = subject }
                actor = subject
                continue
            }
            guard arc.edge >= 0 else { continue }
            out.append(step(actor, edges[Int(arc.edge)], arc.place < 0 ? "" : places[Int(arc.place)]))
        }
        return out
    }

    private func step(_ actor: Subject, _ edge: EscalationEdge, _ namespace: String) -> EscalationStep {
        let identity =
            actor.kind == .group ? Identity(user: "", groups: [actor.name]) : Identity(user: actor.matchedName)
        var names: [String] = []
        if case .names(let found) = model.reach(of: identity, edge, against: namespace) { names = found.sorted() }
        return EscalationStep(
            actor: actor, edge: edge, namespace: namespace, becomes: nil, names: names,
            grants: model.grants(of: identity, edge, against: namespace))
    }

    // MARK: Cutting

    /// Changes that cut the most paths to a goal, best first: each is a binding taken away, and what it cuts was
    /// counted by computing everything again without it.
    package func cuts(to goal: EscalationEdge.Goal, limit: Int = 10) -> [(
        binding: ObjectReference, cut: Int, of: Int
    )] {
        let before = Set(shortestPaths(to: goal).map(\.subject))
        guard !before.isEmpty else { return [] }
        var uses: [ObjectReference: (object: KubernetesObject, count: Int)] = [:]
        for (_, steps) in shortestPaths(to: goal) {
            var seen: Set<ObjectReference> = []
            for grant in steps.flatMap(\.grants) where seen.insert(grant.binding.reference).inserted {
                uses[grant.binding.reference, default: (grant.binding, 0)].count += 1
            }
        }
        let candidates = uses.sorted { ($1.value.count, $0.key) < ($0.value.count, $1.key) }.prefix(limit)
        var out: [(binding: ObjectReference, cut: Int, of: Int)] = []
        for (reference, use) in candidates {
            var changed = model
            changed.apply(.deleted(use.object))
            let known = subjects.filter { $0.kind == .serviceAccount }.map {
                ServiceAccountName(namespace: $0.namespace, name: $0.name)
            }
            let after = Set(EscalationGraph(changed, accounts: known).shortestPaths(to: goal).map(\.subject))
            let cut = before.subtracting(after).count
            if cut > 0 { out.append((reference, cut, before.count)) }
        }
        return out.sorted { ($1.cut, $0.binding) < ($0.cut, $1.binding) }
    }
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

    /// For each line of an edge, the first grant that gives it.
    package func grants(of identity: Identity, _ edge: EscalationEdge, against namespace: String) -> [Grant] {
        edge.lines.compactMap { line in
            let place =
                switch line.place {
                case .cluster: ""
                case .target: namespace
                case .namespace(let name): name
                }
            let all = grants(of: identity, in: place)
            return all.first { grant in line.alternatives.contains { $0.reach([grant.rule]) == .any } }
                ?? all.first { grant in line.alternatives.contains { $0.reach([grant.rule]).isReached } }
        }
    }
}
