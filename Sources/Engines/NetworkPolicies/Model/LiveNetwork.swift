package import Kubernetes

/// A network that is kept up to date by events and tells what each of them opens and cuts.
///
/// A value. Each family of addresses is a network of its own, and what one of them lets pass does pass; with the first
/// pod that has addresses of both, two are followed.
package struct LiveNetwork: Sendable {
    private var families: [LiveFamily]

    /// The answers, or those of the first family.
    package var model: NetworkModel { families[0].model }
    /// One model a family.
    package var models: DualStack { DualStack(families.map(\.model)) }

    package var state: NetworkState {
        var out = families[0].state
        out.family = nil
        return out
    }

    /// - Parameters:
    ///   - state: pods, namespaces and nodes; its policies are read from `objects`.
    ///   - objects: policies, and what they speak of.
    package init(_ state: NetworkState, objects: [KubernetesObject]) {
        families = state.perFamily.map { LiveFamily($0, objects: objects) }
    }

    package init(_ inventory: Inventory, plugin: NetworkPlugin? = nil) {
        let objects = inventory.keys.filter { $0.copy == 0 }.compactMap { inventory[$0] }
        self.init(
            NetworkState(inventory, plugin: plugin),
            objects: objects.filter {
                PolicyCatalogue.isPolicy($0) || PolicyCatalogue.isSurrounding($0) || $0.is("Namespace")
            })
    }

    /// A pod as the engine needs it, of an API object or of anything else.
    package struct PodDescription: Sendable {
        package var name: String
        package var namespace: String
        package var labels: [String: String]
        package var addresses: [IPAddress] = []
        package var ports: [ContainerPort] = []
        package var serviceAccount = "default"
        package var isOnHostNetwork = false
        package var node: String?
        package var owner: ObjectReference?
        package var object: KubernetesObject?

        package init(name: String, namespace: String, labels: [String: String]) {
            self.name = name
            self.namespace = namespace
            self.labels = labels
        }
    }

    /// A pod came, or changed.
    package mutating func put(_ description: PodDescription) -> NetworkDelta {
        prepare(description)
        return change { $0.put(description) }
    }

    /// A pod of the API: one that has ended takes no traffic and is as good as gone.
    package mutating func put(pod object: KubernetesObject, owner: ObjectReference? = nil) -> NetworkDelta {
        if let description = NetworkState.describe(pod: object, owner: owner ?? object.reference) {
            prepare(description)
        }
        return change { $0.put(pod: object, owner: owner) }
    }

    package mutating func remove(pod: String, in namespace: String) -> NetworkDelta {
        change { $0.remove(pod: pod, in: namespace) }
    }

    /// A policy came, or changed.
    package mutating func put(policy object: KubernetesObject) -> NetworkDelta { change { $0.put(policy: object) } }

    package mutating func remove(policy reference: ObjectReference) -> NetworkDelta {
        change { $0.remove(policy: reference) }
    }

    package mutating func put(namespace name: String, labels: [String: String], object: KubernetesObject? = nil)
        -> NetworkDelta
    {
        change { $0.put(namespace: name, labels: labels, object: object) }
    }

    package mutating func remove(namespace name: String) -> NetworkDelta { change { $0.remove(namespace: name) } }

    package mutating func put(node: NetworkNode) -> NetworkDelta { change { $0.put(node: node) } }

    /// A Service, a set of addresses or a tier came or changed; nil takes it out.
    package mutating func put(surrounding reference: ObjectReference, _ object: KubernetesObject?) -> NetworkDelta {
        change { $0.put(surrounding: reference, object) }
    }

    /// Applies a watch event of any kind; kinds that the network does not look at change nothing.
    package mutating func apply(_ event: Inventory.Event, owner: ObjectReference? = nil) -> NetworkDelta {
        switch event {
        case .added(let object) where object.is("Pod"), .modified(let object) where object.is("Pod"):
            return put(pod: object, owner: owner)
        default: return change { $0.apply(event, owner: owner) }
        }
    }

    // MARK: Families

    /// Follows both families from the first pod on that has addresses of both.
    private mutating func prepare(_ description: PodDescription) {
        guard families.count == 1, let first = description.addresses.first,
            description.addresses.contains(where: { $0.family != first.family })
        else { return }
        families = [families[0].of(.v4), families[0].of(.v6)]
    }

    private mutating func change(_ body: (inout LiveFamily) -> NetworkDelta) -> NetworkDelta {
        guard families.count > 1 else { return body(&families[0]) }
        let before = state
        var deltas: [NetworkDelta] = []
        for index in families.indices { deltas.append(body(&families[index])) }
        if deltas.contains(where: \.isRebuilt) {
            return NetworkDelta(ConnectivityChange(from: before, to: state))
        }
        return NetworkDelta(joining: deltas, families.map(\.model))
    }
}

extension NetworkDelta {
    /// What a network that was made anew says otherwise than the one before.
    init(_ difference: ConnectivityChange) {
        isRebuilt = true
        for (list, becomes) in [
            (difference.added, Verdict.allowed), (difference.removed, .denied), (difference.unclear, .unknown),
        ] {
            changes += list.map { connection in
                Change(
                    becomes: becomes, traffic: connection.traffic, sources: .party(connection.source),
                    targets: .party(connection.target))
            }
        }
    }

    /// What the families of a network come to together: a connection is opened when no family had it, and cut when none
    /// has it any more.
    fileprivate init(joining deltas: [NetworkDelta], _ models: [NetworkModel]) {
        guard deltas.contains(where: { !$0.isEmpty }) else { return }
        struct Pair: Hashable, Comparable {
            var source: Party
            var target: Party
            static func < (a: Self, b: Self) -> Bool { (a.source, a.target) < (b.source, b.target) }
        }
        /// What changed in each family, by pair.
        struct Moved {
            var gained: [TrafficSet]
            var lost: [TrafficSet]
            var doubted = TrafficSet()
            var cause: [Verdict: Change] = [:]
        }
        var moved: [Pair: Moved] = [:]
        let none = [TrafficSet](repeating: TrafficSet(), count: models.count)
        for (family, delta) in deltas.enumerated() {
            for change in delta.changes {
                for connection in models[family].connections(of: change) {
                    let pair = Pair(source: connection.source, target: connection.target)
                    var known = moved[pair] ?? Moved(gained: none, lost: none)
                    switch change.becomes {
                    case .allowed: known.gained[family] = known.gained[family].union(connection.traffic)
                    case .denied: known.lost[family] = known.lost[family].union(connection.traffic)
                    case .unknown: known.doubted = known.doubted.union(connection.traffic)
                    }
                    if known.cause[change.becomes] == nil { known.cause[change.becomes] = change }
                    moved[pair] = known
                }
            }
        }
        let finders = models.map(PartyTraffic.init)
        for (pair, known) in moved.sorted(by: { $0.key < $1.key }) {
            var (before, after) = (TrafficSet(), TrafficSet())
            for (family, finder) in finders.enumerated() {
                let now = finder.traffic(from: pair.source, to: pair.target)
                after = after.union(now)
                before = before.union(now.subtracting(known.gained[family]).union(known.lost[family]))
            }
            // What a pod that came or went had by itself is told though its workload has it through others.
            let gained = Self.all(known.gained).subtracting(before)
            let lost = Self.all(known.lost).subtracting(after)
            for (traffic, becomes) in [
                (gained, Verdict.allowed), (lost, .denied), (known.doubted.subtracting(after), .unknown),
            ] where !traffic.isEmpty {
                changes.append(
                    Change(
                        becomes: becomes, traffic: traffic, sources: .party(pair.source), targets: .party(pair.target),
                        direction: known.cause[becomes]?.direction, decision: known.cause[becomes]?.decision))
            }
        }
    }

    private static func all(_ sets: [TrafficSet]) -> TrafficSet { sets.reduce(TrafficSet()) { $0.union($1) } }
}

/// What one party may send another for certain, looked up pair by pair.
private struct PartyTraffic {
    private let model: NetworkModel
    private var classes: [Party: Set<Int>] = [:]

    init(_ model: NetworkModel) {
        self.model = model
        for (number, pod) in model.state.pods.enumerated() {
            let own = Int(model.space.classes.classOfPod[number])
            if own >= 0 { classes[model.party(of: pod), default: []].insert(own) }
        }
    }

    private func peers(of party: Party) -> [Int] {
        switch party {
        case .workload, .namespace: return (classes[party] ?? []).sorted()
        case .nodes, .someNodes:
            return model.space.nodes.filter { peer in
                model.space.nodes(at: peer).contains { model.nodeParties[$0] == party }
            }
        case .outside(let range):
            let atoms = model.space.atoms
            return atoms.ranges.indices.filter { place in
                let first = atoms.ranges[place].first
                return first.family == range.first.family && range.first.value <= first.value
                    && first.value <= range.last.value
            }.map { model.space.outside.lowerBound + Int(atoms.numbers[$0]) }
        }
    }

    func traffic(from source: Party, to target: Party) -> TrafficSet {
        var out = TrafficSet()
        let targets = peers(of: target)
        for from in peers(of: source) {
            for to in targets {
                let leaving = allowed(.egress, from, to)
                guard !leaving.isEmpty else { continue }
                out = out.union(leaving.intersection(allowed(.ingress, to, from)))
            }
        }
        return out
    }

    private func allowed(_ direction: Direction, _ own: Int, _ peer: Int) -> TrafficSet {
        guard own < model.space.podCount else { return .all }
        guard !model.isInGap(direction, ofClass: own) else { return TrafficSet() }
        let table = model.table(direction)
        var out = TrafficSet()
        for part in table.groups[Int(table.groupOfClass[own])].allowed where part.sure.contains(peer) {
            out = out.union(part.traffic)
        }
        return out
    }
}
