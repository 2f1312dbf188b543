import Documents
package import Kubernetes

/// One change that takes a way away.
package enum EscalationChange: Sendable, Hashable, Comparable, CustomStringConvertible {
    case removeBinding(ObjectReference)
    /// A rule of a role, by its position.
    case removeRule(RoleReference, Int)
    /// Every way out of a workload's pods that leads further.
    case confine(ObjectReference)

    package var description: String {
        switch self {
        case .removeBinding(let binding): "remove \(binding)"
        case .removeRule(let role, let index): "remove rules[\(index)] of \(role)"
        case .confine(let workload): "confine \(workload)"
        }
    }

    package static func < (a: Self, b: Self) -> Bool { a.description < b.description }
}

/// Changes, and what they were found to cut when everything was computed again with them.
package struct EscalationCut: Sendable {
    package var changes: [EscalationChange]
    /// Minimal paths that are gone, of those there were.
    package var paths: (cut: Int, of: Int)
    /// Subjects and workloads that no longer reach the goal.
    package var starts: (cut: Int, of: Int)
    /// Whether no smaller set cuts as much; else it was found step by step.
    package var isFewest: Bool
}

/// The fewest changes that cut the most paths to a goal.
///
/// Candidates are weighed on the graph: an arc is gone when one of the rights it needs is given by nobody any more. What
/// is told was computed again, from the roles and bindings as they would be.
package struct EscalationCuts: Sendable {
    private let graph: EscalationGraph
    private let goal: EscalationEdge.Goal
    private let known: [ServiceAccountName]
    private let minor: Int
    private let bootstrap: BootstrapPolicy
    private var routes: [EscalationGraph.Route] = []
    /// Which limit kept some paths out of the weighing; nil where all there are were weighed.
    package private(set) var limit: EscalationLimit?
    private var changes: [EscalationChange] = []
    private var changeNumbers: [EscalationChange: Int] = [:]
    /// For each arc of a route, the rights it needs; for each, who gives it: the changes that would end that.
    private var supports: [Int32: [[NumberSet]]] = [:]
    /// For each change, the routes it has a part in.
    private var involved: [[Int32]] = []

    /// Most paths that are weighed, in all and of one start.
    private static let routeLimit = 2000
    private static let routesEach = 12

    package init(_ graph: EscalationGraph, to goal: EscalationEdge.Goal, minor: Int = 36) {
        self.graph = graph
        self.goal = goal
        self.minor = minor
        bootstrap = BootstrapPolicy.of(minor: minor)
        known = graph.subjects.filter { $0.kind == .serviceAccount }.map {
            ServiceAccountName(namespace: $0.namespace, name: $0.name)
        }
        (routes, limit) = Self.routes(graph, goal)
        for route in routes { for step in route.arcs { for arc in step { support(arc) } } }
        involved = [[Int32]](repeating: [], count: changes.count)
        for (index, route) in routes.enumerated() {
            var seen = NumberSet()
            for step in route.arcs {
                for arc in step { for line in supports[arc] ?? [] { for set in line { seen.formUnion(set) } } }
            }
            for number in seen.numbers { involved[number].append(Int32(index)) }
        }
    }

    private static func routes(_ graph: EscalationGraph, _ goal: EscalationEdge.Goal) -> (
        [EscalationGraph.Route], EscalationLimit?
    ) {
        var finder = RouteFinder(graph, to: goal)
        var out: [EscalationGraph.Route] = []
        var cut: EscalationLimit?
        for node in Int(graph.layout.groups)..<graph.nodeCount
        where finder.distances[node] < .max && graph.isStart(node, .subjectsAndWorkloads) {
            guard out.count < routeLimit else { return (out, .allPaths(routeLimit)) }
            let found = finder.routes(from: Int32(node), limit: routesEach)
            out += found.routes
            cut = cut ?? found.cut
        }
        return (out, cut)
    }

    // MARK: What holds an arc

    private mutating func number(_ change: EscalationChange) -> Int {
        if let known = changeNumbers[change] { return known }
        changeNumbers[change] = changes.count
        changes.append(change)
        return changes.count - 1
    }

    private mutating func support(_ index: Int32) {
        guard supports[index] == nil else { return }
        let arc = graph.arcs[Int(index)]
        guard Int(arc.edge) < graph.edges.count, arc.from >= graph.layout.subjects else {
            guard arc.from >= graph.layout.groups, arc.from < graph.layout.subjects,
                Int(arc.edge) - graph.edges.count < ContainerEscape.all.count,
                ContainerEscape.all[Int(arc.edge) - graph.edges.count].leads != .account
            else {
                supports[index] = []
                return
            }
            let workload = graph.workloads.groups[Int(arc.from - graph.layout.groups)].reference
            var one = NumberSet()
            one.insert(number(.confine(workload)))
            supports[index] = [[one]]
            return
        }
        let subject = graph.subjects[Int(arc.from - graph.layout.subjects)]
        let place = arc.place < 0 ? "" : graph.places[Int(arc.place)]
        supports[index] = graph.edges[Int(arc.edge)].lines.map { line in
            let namespace =
                switch line.place {
                case .cluster: ""
                case .target: place
                case .namespace(let name): name
                }
            let identity =
                subject.kind == .group
                ? Identity(user: "", groups: [subject.name]) : Identity(user: subject.matchedName)
            return graph.model.suppliers(of: line, identity, in: namespace).map { supplier in
                var set = NumberSet()
                // What Kubernetes makes itself comes back.
                if !bootstrap.contains(supplier.binding) {
                    set.insert(number(.removeBinding(supplier.binding)))
                }
                if supplier.isWritten, !bootstrap.contains(supplier.role) {
                    set.insert(number(.removeRule(supplier.role, supplier.index)))
                }
                return set
            }
        }
    }

    private func isAlive(_ arc: Int32, _ removed: NumberSet) -> Bool {
        (supports[arc] ?? []).allSatisfy { line in line.contains { $0.isDisjoint(with: removed) } }
    }

    private func isCut(_ route: EscalationGraph.Route, _ removed: NumberSet) -> Bool {
        route.arcs.contains { step in !step.contains { isAlive($0, removed) } }
    }

    private func cutCount(_ removed: NumberSet) -> Int { routes.count { isCut($0, removed) } }

    // MARK: Choosing

    /// The best single changes, most paths first, each computed again.
    package func singles(limit: Int = 5) -> [EscalationCut] {
        let scored = changes.indices.map { number in
            let one = NumberSet(number)
            return (number, involved[number].count { isCut(routes[Int($0)], one) })
        }.filter { $0.1 > 0 }
            .sorted { ($1.1, weight($0.0), changes[$0.0]) < ($0.1, weight($1.0), changes[$1.0]) }
        return scored.prefix(limit).map { verified([changes[$0.0]], isFewest: true) }
    }

    /// The smallest set that cuts every path, or as many as up to `limit` changes can; nil where nothing can be cut.
    package func set(limit: Int = 12) -> EscalationCut? {
        guard !routes.isEmpty else { return nil }
        let greedy = pruned(greedily(limit))
        guard !greedy.isEmpty else { return nil }
        let cut = cutCount(NumberSet(greedy))
        if let exact = exact(below: greedy.count, cutting: cut) {
            return verified(exact.map { changes[$0] }, isFewest: true)
        }
        return verified(greedy.map { changes[$0] }.sorted(), isFewest: isSmall || greedy.count == 1)
    }

    /// Few enough for every small set to be tried.
    private var isSmall: Bool { changes.count <= 24 && routes.count <= 400 }

    private func greedily(_ limit: Int) -> [Int] {
        var chosen: [Int] = []
        var removed = NumberSet()
        var isLeft = [Bool](repeating: true, count: routes.count)
        while chosen.count < limit {
            let held = involved.map { $0.count { isLeft[Int($0)] } }
            let order = changes.indices.filter { held[$0] > 0 && !removed.contains($0) }
                .sorted { (held[$1], weight($0), changes[$0]) < (held[$0], weight($1), changes[$1]) }
            guard let first = order.first else { break }
            // Where two give the same right, neither alone cuts: then the one that holds most is taken first.
            var best = (number: first, cut: 0)
            for number in order {
                guard held[number] > best.cut else { break }
                var trial = removed
                trial.insert(number)
                let cut = involved[number].count { isLeft[Int($0)] && isCut(routes[Int($0)], trial) }
                if cut > best.cut { best = (number, cut) }
            }
            chosen.append(best.number)
            removed.insert(best.number)
            for index in involved[best.number] where isLeft[Int(index)] && isCut(routes[Int(index)], removed) {
                isLeft[Int(index)] = false
            }
        }
        return chosen
    }

    /// How many others a change hits: what is used by many is the dearer cut.
    private func weight(_ number: Int) -> Int {
        switch changes[number] {
        case .confine: 0
        case .removeBinding(let binding): graph.model.subjectCount(of: binding)
        case .removeRule(let role, _): graph.model.subjectCount(boundTo: role)
        }
    }

    /// Without what turns out not to be needed.
    private func pruned(_ chosen: [Int]) -> [Int] {
        var kept = chosen
        let goal = cutCount(NumberSet(chosen))
        for number in chosen {
            let rest = kept.filter { $0 != number }
            if cutCount(NumberSet(rest)) == goal { kept = rest }
        }
        return kept
    }

    /// A smaller set that cuts as much, by trying all; nil where there is none, or too much to try.
    private func exact(below size: Int, cutting wanted: Int) -> [Int]? {
        guard isSmall, size > 1 else { return nil }
        var found: [Int]?
        func grow(_ chosen: [Int], _ from: Int, _ left: Int) {
            guard found == nil else { return }
            if left == 0 {
                if cutCount(NumberSet(chosen)) >= wanted { found = chosen }
                return
            }
            for number in from..<changes.count where changes.count - number >= left {
                grow(chosen + [number], number + 1, left - 1)
            }
        }
        for count in 1..<min(size, 4) {
            grow([], 0, count)
            if found != nil { break }
        }
        return found
    }

    // MARK: Computing again

    private func verified(_ chosen: [EscalationChange], isFewest: Bool) -> EscalationCut {
        let changed = Self.applied(chosen, to: graph, known, minor)
        let after = Self.routes(changed, goal).0
        let left = Set(after.map { key($0, changed) })
        let gone = routes.count { !left.contains(key($0, graph)) }
        let before = Set(routes.compactMap { graph.actor($0.stops[0]) })
        let still = Set(after.compactMap { changed.actor($0.stops[0]) })
        return EscalationCut(
            changes: chosen, paths: (gone, routes.count), starts: (before.subtracting(still).count, before.count),
            isFewest: isFewest)
    }

    /// A path by what is in hand on it: numbers differ between two graphs.
    private func key(_ route: EscalationGraph.Route, _ graph: EscalationGraph) -> [EscalationActor?] {
        route.stops.map(graph.actor)
    }

    /// The graph as it would be.
    static func applied(
        _ chosen: [EscalationChange], to graph: EscalationGraph, _ known: [ServiceAccountName], _ minor: Int
    ) -> EscalationGraph {
        var model = graph.model
        var closed: Set<ObjectReference> = []
        var rules: [RoleReference: [Int]] = [:]
        for change in chosen {
            switch change {
            case .removeBinding(let reference): model.removeBinding(reference)
            case .removeRule(let role, let index): rules[role, default: []].append(index)
            case .confine(let workload): closed.insert(workload)
            }
        }
        for (role, indexes) in rules.sorted(by: { $0.key < $1.key }) { model.removeRules(indexes, of: role) }
        return EscalationGraph(model, accounts: known, workloads: graph.workloads.closing(closed), minor: minor)
    }
}

extension AccessModel {
    /// Who gives a right: a binding, and the rule of a role by way of it.
    struct Supplier {
        var binding: ObjectReference
        var role: RoleReference
        var index: Int
        /// Whether a person wrote the rule there: an aggregated role is filled again.
        var isWritten: Bool
    }

    func suppliers(of line: EscalationEdge.Line, _ identity: Identity, in namespace: String) -> [Supplier] {
        var out: [Supplier] = []
        for (number, _) in bindingNumbersFor(identity, in: namespace) {
            guard let binding = bindings[Int(number)] else { continue }
            for use in roles[Int(binding.role)].rules {
                let rule = rules.rule(use.rule, symbols)
                guard line.alternatives.contains(where: { $0.reach([rule]).isReached }) else { continue }
                let source = roles[Int(use.source)]
                out.append(
                    Supplier(
                        binding: binding.object.reference, role: source.reference, index: Int(use.index),
                        isWritten: source.object?.node["aggregationRule"].isObject != true))
            }
        }
        return out
    }

    func subjectCount(of binding: ObjectReference) -> Int {
        bindingNumbers[binding].flatMap { bindings[Int($0)] }?.subjects.count ?? 0
    }

    func subjectCount(boundTo role: RoleReference) -> Int {
        guard let number = roleNumbers[role] else { return 0 }
        let entry = roles[Int(number)]
        let all = entry.clusterBindings + entry.namespacedBindings.values.flatMap(\.self)
        return all.reduce(0) { $0 + (bindings[Int($1)]?.subjects.count ?? 0) }
    }

    mutating func removeBinding(_ reference: ObjectReference) {
        guard let object = bindingNumbers[reference].flatMap({ bindings[Int($0)] })?.object else { return }
        apply(.deleted(object))
    }

    mutating func removeRules(_ indexes: [Int], of role: RoleReference) {
        guard let object = roleNumbers[role].flatMap({ roles[Int($0)].object }) else { return }
        var editor = DocumentEditor(object.node)
        for index in Set(indexes).sorted(by: >) { editor.remove(FieldPath([.key("rules"), .index(index)])) }
        apply(.modified(object.with(editor.finish())))
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

extension BootstrapPolicy {
    func contains(_ role: RoleReference) -> Bool { roles[role] != nil }
}
