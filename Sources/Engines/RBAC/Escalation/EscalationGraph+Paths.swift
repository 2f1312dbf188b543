import Kubernetes

extension EscalationGraph {
    /// Where paths begin: subjects that are not Kubernetes' own, and workloads with a way out of their pods.
    package enum Starts: Sendable { case subjects, subjectsAndWorkloads }

    func isStart(_ node: Int, _ starts: Starts) -> Bool {
        if node >= Int(layout.subjects) { return !subjects[node - Int(layout.subjects)].isSystem }
        guard starts == .subjectsAndWorkloads, node >= Int(layout.groups) else { return false }
        let group = workloads.groups[node - Int(layout.groups)]
        return !group.escapes.isEmpty && group.account.namespace != "kube-system"
    }

    func actor(_ node: Int32) -> EscalationActor? {
        if node >= layout.subjects { return .subject(subjects[Int(node - layout.subjects)]) }
        if node >= layout.groups { return .workload(workloads.groups[Int(node - layout.groups)].reference) }
        if node >= layout.hosts, node < layout.tokens { return .node(workloads.hosts[Int(node - layout.hosts)]) }
        return node == layout.anyHost ? .node("") : nil
    }

    // MARK: Shortest

    /// A shortest path of everybody who reaches the goal, shortest first; Kubernetes' own components are left out.
    package func shortestPaths(
        to goal: EscalationEdge.Goal, from starts: Starts = .subjects,
        including isWanted: (EscalationActor) -> Bool = { _ in true }
    ) -> [EscalationPath] {
        let (distances, next) = search(goal)
        var out: [EscalationPath] = []
        for node in Int(layout.groups)..<Int(layout.count) where distances[node] < .max && isStart(node, starts) {
            guard let start = actor(Int32(node)), isWanted(start) else { continue }
            out.append(EscalationPath(start: start, goal: goal, steps: steps(from: node, next)))
        }
        return out.sorted { ($0.steps.count, $0.start) < ($1.steps.count, $1.start) }
    }

    /// How many reach the goal.
    package func count(reaching goal: EscalationEdge.Goal, from starts: Starts = .subjects) -> Int {
        let (distances, _) = search(goal)
        return (Int(layout.groups)..<Int(layout.count)).count { distances[$0] < .max && isStart($0, starts) }
    }

    /// From the goal against the arcs, breadth first; arcs without an edge cost nothing.
    func search(_ goal: EscalationEdge.Goal, without dead: NumberSet = NumberSet()) -> (
        distances: [Int32], next: [Int32]
    ) {
        var distances = [Int32](repeating: .max, count: nodeCount)
        var next = [Int32](repeating: -1, count: nodeCount)
        guard let start = goals.firstIndex(of: goal) else { return (distances, next) }
        let spared = dead.isEmpty
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
                for index in incoming[Int(node)] where spared || !dead.contains(Int(index)) {
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
        var path: [Int32] = []
        var node = start
        while next[node] >= 0 {
            path.append(next[node])
            node = Int(arcs[Int(next[node])].to)
        }
        return steps(along: path, from: Int32(start))
    }

    func way(_ owner: EscalationActor, _ arc: Arc) -> EscalationWay {
        let number = Int(arc.edge)
        if number < edges.count, case .subject(let subject) = owner {
            let edge = edges[number]
            let namespace = arc.place < 0 ? "" : places[Int(arc.place)]
            let identity =
                subject.kind == .group
                ? Identity(user: "", groups: [subject.name]) : Identity(user: subject.matchedName)
            var names: [String] = []
            if case .names(let found) = model.reach(of: identity, edge, against: namespace) { names = found.sorted() }
            return EscalationWay(
                id: edge.id, condition: edge.condition, namespace: namespace, names: names,
                grants: model.grants(of: identity, edge, against: namespace), field: nil)
        }
        let escape = number - edges.count
        if escape < ContainerEscape.all.count {
            var field = workloads.groups.first?.escapes.first?.field
            if arc.from >= layout.groups, arc.from < layout.subjects {
                field = workloads.groups[Int(arc.from - layout.groups)].escapes.first { $0.escape == escape }?.field
            }
            return EscalationWay(
                id: ContainerEscape.all[escape].id, condition: ContainerEscape.all[escape].condition, namespace: "",
                names: [], grants: [], field: field)
        }
        let built = Built(rawValue: escape - ContainerEscape.all.count) ?? .tokens
        return EscalationWay(id: built.id, condition: nil, namespace: "", names: [], grants: [], field: nil)
    }

    // MARK: All minimal ones

    /// A minimal path in numbers: what is in hand at each step, and the arcs that lead from one to the next.
    struct Route: Sendable, Hashable {
        var stops: [Int32]
        /// For each step, the arcs that make it; any one is enough.
        var arcs: [[Int32]]
    }

    /// Every minimal path of somebody to the goal, shortest first: one from which no step can be left out. Stops at
    /// `limit`, and says whether there are more.
    package func minimalPaths(from start: EscalationActor, to goal: EscalationEdge.Goal, limit: Int = 50) -> (
        paths: [EscalationPath], cut: EscalationLimit?
    ) {
        guard let node = number(of: start) else { return ([], nil) }
        var finder = RouteFinder(self, to: goal)
        let (routes, cut) = finder.routes(from: node, limit: limit)
        return (routes.map { path($0, goal) }, cut)
    }

    func number(of actor: EscalationActor) -> Int32? {
        switch actor {
        case .subject(let subject): numbers[subject]
        case .workload(let reference):
            workloads.groups.firstIndex { $0.reference == reference }.map { layout.groups + Int32($0) }
        case .node(""): layout.anyHost
        case .node(let name): workloads.hosts.firstIndex(of: name).map { layout.hosts + Int32($0) }
        }
    }

    func path(_ route: Route, _ goal: EscalationEdge.Goal) -> EscalationPath {
        var steps: [EscalationStep] = []
        for (index, options) in route.arcs.enumerated() {
            guard let holder = actor(route.stops[index]) else { continue }
            let ways = options.map { number in
                let arc = arcs[Int(number)]
                return way(actor(arc.from) ?? holder, arc)
            }
            steps.append(EscalationStep(actor: holder, becomes: actor(route.stops[index + 1]), ways: ways))
        }
        let start = actor(route.stops[0]) ?? .node("")
        return EscalationPath(start: start, goal: goal, steps: steps)
    }
}

/// Why there may be more paths than were found.
package enum EscalationLimit: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// So many of one start were asked for.
    case paths(Int)
    /// So many steps were tried from one start; a higher limit of paths tries more.
    case steps(Int)
    /// So many of all starts together are weighed.
    case allPaths(Int)

    package var description: String {
        switch self {
        case .paths(let count): "the limit of \(count) paths of one start"
        case .steps(let count): "the limit of \(count) steps tried from one start"
        case .allPaths(let count): "the limit of \(count) paths of all starts"
        }
    }
}

/// Looks for minimal paths to one goal; what a stop leads to is found once for all starts.
struct RouteFinder {
    private let graph: EscalationGraph
    private let end: Int32
    let distances: [Int32]
    private var known: [Int32: [(stop: Int32, arcs: [Int32])]] = [:]

    init(_ graph: EscalationGraph, to goal: EscalationEdge.Goal) {
        self.graph = graph
        end = Int32(graph.goals.firstIndex(of: goal) ?? 0)
        distances = graph.search(goal).distances
    }

    /// What one step leads to from a stop, and by which arcs; only what leads on to the goal, in order.
    private mutating func neighbours(_ stop: Int32) -> [(stop: Int32, arcs: [Int32])] {
        if let known = known[stop] { return known }
        var found: [Int32: [Int32]] = [:]
        func arrive(_ node: Int32, _ by: Int32) {
            guard distances[Int(node)] < .max, node != stop else { return }
            if node == end || graph.actor(node) != nil, found[node]?.last != by { found[node, default: []].append(by) }
            // Namespaces, machines and their tokens are gone through; a subject's own groups are not.
            guard node < graph.layout.groups, node != end else { return }
            for index in graph.outgoing[Int(node)] where graph.arcs[Int(index)].edge < 0 {
                arrive(graph.arcs[Int(index)].to, by)
            }
        }
        var own = [stop]
        for index in graph.outgoing[Int(stop)] where graph.arcs[Int(index)].edge < 0 && stop >= graph.layout.groups {
            own.append(graph.arcs[Int(index)].to)
        }
        for node in own {
            for index in graph.outgoing[Int(node)] where graph.arcs[Int(index)].edge >= 0 {
                arrive(graph.arcs[Int(index)].to, index)
            }
        }
        // What reaches the goal at once goes no further: everything longer holds this path.
        let list: [(stop: Int32, arcs: [Int32])]
        if let last = found[end] {
            list = [(end, last)]
        } else {
            list = found.sorted { (distances[Int($0.key)], $0.key) < (distances[Int($1.key)], $1.key) }
                .map { ($0.key, $0.value) }
        }
        known[stop] = list
        return list
    }

    /// Minimal paths of one start in numbers, by rising length; none holds a stop that an earlier one reaches at once.
    mutating func routes(from start: Int32, limit: Int) -> (routes: [EscalationGraph.Route], cut: EscalationLimit?) {
        guard distances[Int(start)] < .max else { return ([], nil) }
        var walk = Walk(limit: limit)
        var depth = Int(distances[Int(start)])
        while true {
            walk.isDeeper = false
            var route = EscalationGraph.Route(stops: [start], arcs: [])
            visit(&route, [start], depth, &walk)
            if walk.cut != nil || !walk.isDeeper { break }
            depth += 1
        }
        return (walk.routes, walk.cut)
    }

    private mutating func visit(
        _ route: inout EscalationGraph.Route, _ shunned: Set<Int32>, _ depth: Int, _ walk: inout Walk
    ) {
        guard walk.routes.count < walk.limit else {
            walk.cut = .paths(walk.limit)
            return
        }
        guard walk.budget > 0 else {
            walk.cut = .steps(Walk.budget(for: walk.limit))
            return
        }
        walk.budget -= 1
        let next = neighbours(route.stops[route.stops.count - 1])
        if let last = next.first, last.stop == end {
            if route.arcs.count + 1 == depth {
                walk.routes.append(
                    EscalationGraph.Route(stops: route.stops + [end], arcs: route.arcs + [last.arcs]))
            }
            return
        }
        guard route.arcs.count + 1 < depth else {
            walk.isDeeper = true
            return
        }
        let left = depth - route.arcs.count - 1
        let reached = shunned.union(next.map(\.stop))
        for entry in next where !shunned.contains(entry.stop) {
            guard Int(distances[Int(entry.stop)]) <= left else {
                walk.isDeeper = true
                break
            }
            route.stops.append(entry.stop)
            route.arcs.append(entry.arcs)
            visit(&route, reached, depth, &walk)
            route.stops.removeLast()
            route.arcs.removeLast()
        }
    }

    private struct Walk {
        var routes: [EscalationGraph.Route] = []
        var isDeeper = false
        var cut: EscalationLimit?
        let limit: Int
        /// Stops looked at before a search is given up: paths without a shortcut can be more than anybody reads.
        var budget: Int

        static func budget(for limit: Int) -> Int { max(2000, limit * 40) }

        init(limit: Int) {
            self.limit = limit
            budget = Self.budget(for: limit)
        }
    }
}
