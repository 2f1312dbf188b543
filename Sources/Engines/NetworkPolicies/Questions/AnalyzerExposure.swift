import Documents
import Kubernetes

/// What workloads are exposed to beside each other, as netpol-analyzer lists it: to pods that are not among the
/// manifests and that a rule would let in if they were.
///
/// Each pair of selectors that a rule names stands for pods of its own; a rule is about them when it names the same
/// selectors or none. Pods that no selector is about stand for the entire cluster. The exact answers need none of this:
/// they are about pods that are there, and `network/cross-namespace-open` about those that are not.
package struct AnalyzerExposure: Sendable, Hashable, Comparable {
    package enum Peer: Sendable, Hashable, Comparable {
        case entireCluster
        case outside(AddressRange)
        /// Pods of two selectors, in the tool's words.
        case pods(String)
    }

    package var direction: Direction
    package var workload: Party
    package var peer: Peer
    package var traffic: TrafficSet
    /// Ports that are known by name only.
    package var names: [NamedPort]

    package static func < (a: Self, b: Self) -> Bool {
        if a.direction != b.direction { return a.direction == .ingress }
        return (a.workload, a.peer) < (b.workload, b.peer)
    }
}

extension AnalyzerLikeness {
    /// What every workload is exposed to, in order; or for one connection only.
    package func exposures(on focus: Traffic? = nil) -> [AnalyzerExposure] {
        var out = AnalyzerStandIns(simplifiedState).exposures(counted: Self.counted, focus)
        // The outside is told of only beside something else of the same workload.
        let told = Set(out.map(\.workload))
        for edge in edges {
            let (workload, direction, range): (Party, Direction, AddressRange)
            switch (edge.source, edge.target) {
            case (.outside(let found), _): (workload, direction, range) = (edge.target, .ingress, found)
            case (_, .outside(let found)): (workload, direction, range) = (edge.source, .egress, found)
            default: continue
            }
            guard told.contains(workload), focus.map(edge.traffic.contains) ?? true else { continue }
            out.append(
                AnalyzerExposure(
                    direction: direction, workload: workload, peer: .outside(range), traffic: edge.traffic,
                    names: []))
        }
        return out.sorted()
    }
}

/// The state with pods that stand for what rules name.
private struct AnalyzerStandIns {
    /// No object can have such a label: a key holds no space.
    private static let mark = LabelKey.own("stand in")
    private static let place = "stand in"
    private static let everybody = "everybody"

    /// Two selectors of a rule.
    fileprivate struct Selectors {
        /// Requirements in one form: what is alike has the same text.
        var namespaces: String
        var pods: String
        var text: String
        var labels: (namespace: [String: String], pod: [String: String])
        var hasExpressions: Bool
    }

    private var standIns: [Selectors] = []
    private let state: NetworkState
    private var changed: NetworkState
    private var names: [(port: NamedPort, number: ContainerPort)] = []

    init(_ state: NetworkState) {
        self.state = state
        changed = state
        collect()
        nameNumbers()
        for index in changed.policies.indices { mark(&changed.policies[index]) }
        for name in [Self.everybody] + standIns.indices.map(String.init) {
            changed.add(
                pod: name, in: Self.place, labels: ["stand in": name], ports: names.map(\.number),
                owner: Self.reference(name))
        }
    }

    private static func reference(_ name: String) -> ObjectReference {
        ObjectReference(group: "", kind: "Pod", namespace: place, name: name)
    }

    // MARK: Who is stood for

    /// The peers of a rule by labels; nil for one that is about every pod of every namespace.
    private func peers(_ policy: Policy, _ rule: PolicyRule, _ direction: Direction) -> [Selectors]? {
        let list = rule.node[direction == .ingress ? "from" : "to"]
        guard !list.isEmpty else { return nil }
        var out: [Selectors] = []
        for peer in list.elements {
            var (namespaces, pods) = (peer["namespaceSelector"], peer["podSelector"])
            var own = policy.reference.namespace.isEmpty ? "default" : policy.reference.namespace
            if policy.stage != .standard {
                own = ""
                if peer["namespaces"].exists {
                    namespaces = peer["namespaces"]
                } else if peer["pods"].exists {
                    (namespaces, pods) = (peer["pods"]["namespaceSelector"], peer["pods"]["podSelector"])
                } else {
                    continue
                }
            } else if namespaces.isNull, pods.isNull {
                continue
            }
            let made = Selectors(namespaces, pods, ownNamespace: namespaces.isNull ? own : "")
            if made.namespaces.isEmpty, made.pods.isEmpty { return nil }
            out.append(made)
        }
        return out
    }

    private mutating func collect() {
        var seen: Set<String> = []
        for policy in state.policies {
            for direction in Direction.allCases {
                for rule in policy.section(direction)?.rules ?? [] {
                    for selectors in peers(policy, rule, direction) ?? []
                    where !isThere(selectors) && seen.insert("\(selectors.namespaces) \(selectors.pods)").inserted {
                        standIns.append(selectors)
                    }
                }
            }
        }
    }

    /// Whether plain labels of both selectors are those of a pod that is there: then that pod tells all there is to it.
    private func isThere(_ selectors: Selectors) -> Bool {
        guard !selectors.hasExpressions, !selectors.namespaces.isEmpty, !selectors.pods.isEmpty else { return false }
        return state.pods.contains { pod in
            let labels = state.labels(of: pod)
            let around = state.namespaces[pod.namespace].labels
            return selectors.labels.pod.allSatisfy { labels[$0.key] == $0.value }
                && selectors.labels.namespace.allSatisfy { around[$0.key] == $0.value }
        }
    }

    /// A number for every name of a port, one that no rule speaks of, so that it can be told apart in the answer.
    private mutating func nameNumbers() {
        var taken: Set<UInt16> = [0]
        var wanted: [NamedPort] = []
        for policy in state.policies {
            for rule in Direction.allCases.flatMap({ policy.section($0)?.rules ?? [] }) {
                for transport in [TransportProtocol.tcp, .udp, .sctp] {
                    for range in rule.traffic.known.ports(of: transport) {
                        taken.formUnion([range.lowerBound, range.upperBound])
                    }
                }
                for port in rule.traffic.named where !wanted.contains(port) { wanted.append(port) }
            }
        }
        var next = UInt16.max - 1
        for port in wanted {
            while !taken.isDisjoint(with: [next, next + 1, next - 1]), next > 2 { next -= 1 }
            taken.insert(next)
            guard let transport = port.protocols.first else { continue }
            names.append((port, ContainerPort(name: port.name, number: next, protocol: transport)))
        }
    }

    // MARK: What rules say of them

    private func mark(_ policy: inout Policy) {
        policy.subjects = policy.subjects.and(.not(.exists(Self.mark)))
        let original = policy
        for index in (policy.ingress?.rules ?? []).indices {
            policy.ingress?.rules[index].peers = marked(original, original.ingress?.rules[index], .ingress)
        }
        for index in (policy.egress?.rules ?? []).indices {
            policy.egress?.rules[index].peers = marked(original, original.egress?.rules[index], .egress)
        }
    }

    private func marked(_ policy: Policy, _ rule: PolicyRule?, _ direction: Direction) -> PeerSelector {
        guard let rule else { return .nobody }
        var numbers = [Self.everybody] + standIns.indices.map(String.init)
        if let named = peers(policy, rule, direction) {
            numbers = standIns.indices.filter { index in
                named.contains { selectors in
                    (selectors.namespaces.isEmpty || selectors.namespaces == standIns[index].namespaces)
                        && (selectors.pods.isEmpty || selectors.pods == standIns[index].pods)
                }
            }.map(String.init)
        }
        let real = PeerSelector.intersection([rule.peers, .complement(.pods(.exists(Self.mark)))])
        return numbers.isEmpty ? real : .union([real, .pods(.isIn(Self.mark, numbers))])
    }

    // MARK: What comes of it

    func exposures(counted: (TrafficSet) -> TrafficSet, _ focus: Traffic?) -> [AnalyzerExposure] {
        let only = focus.map { TrafficSet($0.protocol, $0.port...$0.port) } ?? .all
        let model = NetworkModel(changed)
        var found: [Ends: TrafficSet] = [:]
        for connection in model.connections(mergesRanges: false) {
            found[Ends(source: connection.source, target: connection.target)] = counted(connection.traffic)
                .intersection(only)
        }
        var guarded: [Direction: Set<Party>] = [:]
        for direction in Direction.allCases {
            for pod in state.pods where isGuarded(pod, direction) {
                guarded[direction, default: []].insert(model.party(of: pod))
            }
        }
        var out: [AnalyzerExposure] = []
        for party in Set(state.pods.map(model.party)).sorted() {
            for direction in Direction.allCases {
                func traffic(_ name: String) -> TrafficSet {
                    let other = Party.workload(Self.reference(name))
                    let ends =
                        direction == .ingress
                        ? Ends(source: other, target: party) : Ends(source: party, target: other)
                    return found[ends] ?? TrafficSet()
                }
                func add(_ peer: AnalyzerExposure.Peer, _ traffic: TrafficSet) {
                    let (plain, names) = named(traffic)
                    out.append(
                        AnalyzerExposure(
                            direction: direction, workload: party, peer: peer, traffic: plain, names: names))
                }
                guard guarded[direction]?.contains(party) ?? false else {
                    add(.entireCluster, counted(.all).intersection(only))
                    continue
                }
                let general = traffic(Self.everybody)
                if !general.isEmpty { add(.entireCluster, general) }
                for (number, selectors) in standIns.enumerated() {
                    let one = traffic(String(number))
                    if one != general { add(.pods(selectors.text), one) }
                }
            }
        }
        return out
    }

    private struct Ends: Hashable {
        var source: Party
        var target: Party
    }

    private func isGuarded(_ pod: NetworkPod, _ direction: Direction) -> Bool {
        state.policies.contains { policy in
            policy.section(direction) != nil
                && policy.subjects.matches { key in
                    state.value(
                        key, namespace: pod.namespace, labels: pod.labels, serviceAccount: pod.serviceAccount)
                }
        }
    }

    /// Numbers that stand for names, taken out where they stand alone.
    private func named(_ traffic: TrafficSet) -> (TrafficSet, [NamedPort]) {
        var plain = traffic
        var out: [NamedPort] = []
        for (port, number) in names {
            let only = TrafficSet(number.protocol, number.number...number.number)
            let beside = TrafficSet(number.protocol, (number.number - 1)...(number.number - 1))
            guard only.isSubset(of: traffic), !beside.isSubset(of: traffic) else { continue }
            plain = plain.subtracting(only)
            out.append(port)
        }
        return (plain, out)
    }
}

extension AnalyzerStandIns.Selectors {
    fileprivate init(_ namespaces: Node, _ pods: Node, ownNamespace: String) {
        let nameLabel = "kubernetes.io/metadata.name"
        let own = ownNamespace.isEmpty ? [:] : [nameLabel: ownNamespace]
        let place = ownNamespace.isEmpty ? namespaces["matchLabels"].stringMap : own
        self.namespaces = Self.requirements(place, namespaces["matchExpressions"])
        self.pods = Self.requirements(pods["matchLabels"].stringMap, pods["matchExpressions"])
        labels = (place, pods["matchLabels"].stringMap)
        hasExpressions = !namespaces["matchExpressions"].isEmpty || !pods["matchExpressions"].isEmpty
        let around: String
        if place.count == 1, let name = place[nameLabel], namespaces["matchExpressions"].isEmpty {
            around = name
        } else {
            let words = Self.words(place, namespaces["matchExpressions"])
            around = words.isEmpty ? "[all namespaces]" : "[namespace with {\(words)}]"
        }
        let words = Self.words(pods["matchLabels"].stringMap, pods["matchExpressions"])
        text = "\(around)/\(words.isEmpty ? "[all pods]" : "[pod with {\(words)}]")"
    }

    private static func requirements(_ labels: [String: String], _ expressions: Node) -> String {
        var out = labels.map { "\($0.key)=\($0.value)" }
        for expression in expressions.elements {
            let (key, sign) = (expression["key"].string ?? "", expression["operator"].string ?? "")
            let values = expression["values"].strings.sorted()
            out.append(
                sign == "In" && values.count == 1
                    ? "\(key)=\(values[0])" : "\(key) \(sign) (\(values.joined(separator: ",")))")
        }
        return out.sorted().joined(separator: ";")
    }

    private static func words(_ labels: [String: String], _ expressions: Node) -> String {
        let plain = labels.keys.sorted().map { "\($0)=\(labels[$0] ?? "")" }
        let others = expressions.elements.map { expression in
            let values = expression["values"].strings.joined(separator: " ")
            return "{Key:\(expression["key"].string ?? ""),Operator:\(expression["operator"].string ?? ""),"
                + "Values:[\(values)],}"
        }
        return (plain + others.sorted()).joined(separator: ",")
    }
}
