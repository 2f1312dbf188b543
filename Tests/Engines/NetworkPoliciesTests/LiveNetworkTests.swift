import Documents
import Kubernetes
import Testing

@testable import NetworkPolicies

/// A network that follows events gives the answers of one made anew, and tells exactly what each event changed.
@Suite struct LiveNetworkTests {
    struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
        mutating func pick<T>(_ list: [T]) -> T { list[Int(next() % UInt64(list.count))] }
    }

    private static let selectors: [DocumentValue] = [
        [:], ["matchLabels": ["app": "a"]], ["matchLabels": ["app": "b"]], ["matchLabels": ["tier": "x"]],
        ["matchExpressions": [["key": "app", "operator": "NotIn", "values": ["a", "c"]]]],
        ["matchExpressions": [["key": "new", "operator": "Exists"]]],
        ["matchExpressions": [["key": "tier", "operator": "DoesNotExist"]]],
    ]
    private static let blocks = ["10.0.0.0/8", "10.0.0.4/30", "0.0.0.0/0", "192.168.0.0/16", "10.0.0.7/32"]
    private static let blocks6 = ["fd00::/126", "fd00::2/128", "::/0"]

    private static func peer(_ random: inout Random) -> DocumentValue {
        switch random.next() % 4 {
        case 0: ["podSelector": random.pick(selectors)]
        case 1:
            [
                "namespaceSelector": random.pick([[:], ["matchLabels": ["team": "red"]]]),
                "podSelector": random.pick(selectors),
            ]
        case 2: ["namespaceSelector": ["matchLabels": ["kubernetes.io/metadata.name": "two"]]]
        default: ["ipBlock": ["cidr": .string(random.pick(random.next() % 2 == 0 ? blocks : blocks6))]]
        }
    }

    static func policy(_ random: inout Random, _ name: String, _ namespace: String) -> KubernetesObject? {
        func rules(_ key: String) -> DocumentValue {
            .array(
                (0..<random.next() % 3).map { _ in
                    var members: [DocumentValue.Member] = []
                    if random.next() % 4 > 0 {
                        members.append(.init(key, .array((0...random.next() % 2).map { _ in peer(&random) })))
                    }
                    if random.next() % 2 == 0 {
                        members.append(
                            .init(
                                "ports",
                                [random.pick([["port": 80], ["port": "web"], ["port": 53, "protocol": "UDP"]])]))
                    }
                    return .object(members)
                })
        }
        let types: [DocumentValue] = random.pick([["Ingress"], ["Egress"], ["Ingress", "Egress"]])
        var writer = JSONWriter()
        writer.value(
            [
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": ["name": .string(name), "namespace": .string(namespace)],
                "spec": [
                    "podSelector": random.pick(selectors), "policyTypes": .array(types), "ingress": rules("from"),
                    "egress": rules("to"),
                ],
            ] as DocumentValue)
        return DocumentReader.read(SourceText(name: "", bytes: writer.bytes)).documents.first
            .flatMap { KubernetesObject($0.root) }
    }

    func lines(_ connections: [Connection]) -> [String] {
        connections.map { "\($0.source) \($0.target) \($0.traffic) \($0.doubtful)" }
    }

    /// One address of every piece that any of the blocks cuts.
    private static let samples = [
        "10.0.0.1", "10.0.0.4", "10.0.0.7", "192.168.0.1", "8.8.8.8", "2001:db8::1", "fd00::1",
        "fd00::2", "fd00::3",
    ]
    .compactMap { IPAddress($0) }

    private func names(_ party: Party) -> [String] {
        guard case .outside(let range) = party else { return ["\(party)"] }
        return Self.samples.filter {
            $0.family == range.first.family && $0.value >= range.first.value && $0.value <= range.last.value
        }.map { "\($0)" }
    }

    /// Every pair of parties with all its traffic.
    func spread(_ connections: [Connection]) -> [String: TrafficSet] {
        var out: [String: TrafficSet] = [:]
        for connection in connections {
            for source in names(connection.source) {
                for target in names(connection.target) {
                    let key = "\(source) \(target)"
                    out[key] = (out[key] ?? TrafficSet()).union(connection.traffic)
                }
            }
        }
        return out
    }

    func spread(_ delta: NetworkDelta, _ model: NetworkModel, _ becomes: Verdict) -> [String: TrafficSet] {
        spread(delta.changes.filter { $0.becomes == becomes }.flatMap { model.connections(of: $0) })
    }

    @Test(arguments: 0..<12, [false, true])
    func anyEventsEndWhereAFreshModelStands(_ seed: UInt64, _ isDual: Bool) {
        var random = Random(state: seed)
        var live = LiveNetwork(NetworkState(), objects: [])
        var policies: [ObjectReference: KubernetesObject] = [:]
        for namespace in ["one", "two", "three"] {
            _ = live.put(namespace: namespace, labels: namespace == "three" ? [:] : ["team": "red"])
        }
        for step in 0..<60 {
            let before = live.state
            let delta: NetworkDelta
            let namespace = random.pick(["one", "two", "three"])
            let name = "n\(random.next() % 6)"
            switch random.next() % 10 {
            case 0...3:
                var pod = LiveNetwork.PodDescription(
                    name: name, namespace: namespace,
                    labels: random.pick([["app": "a"], ["app": "b", "tier": "x"], ["app": "c"], [:], ["new": "1"]]))
                pod.addresses = [IPAddress(family: .v4, value: 0x0A00_0000 + UInt128(random.next() % 12))]
                if isDual, random.next() % 3 > 0 {
                    let second = IPAddress(family: .v6, value: 0xFD00 << 112 | UInt128(random.next() % 4))
                    pod.addresses = random.next() % 4 == 0 ? [second] : pod.addresses + [second]
                }
                if random.next() % 3 == 0 {
                    pod.ports = [ContainerPort(name: "web", number: random.pick([80, 8080]), protocol: .tcp)]
                }
                delta = live.put(pod)
            case 4: delta = live.remove(pod: name, in: namespace)
            case 5...7:
                guard let policy = Self.policy(&random, name, namespace) else { continue }
                policies[policy.reference] = policy
                delta = live.put(policy: policy)
            case 8:
                guard let reference = policies.keys.sorted().first else { continue }
                policies[reference] = nil
                delta = live.remove(policy: reference)
            default:
                delta = live.put(namespace: namespace, labels: random.pick([[:], ["team": "red"]]))
            }
            var fresh = live.state
            fresh.policies = []
            fresh.problems = []
            fresh.gaps = []
            fresh.read(policies: Array(policies.values), among: [])
            #expect(
                lines(live.models.connections()) == lines(DualStack(fresh).connections()), "seed \(seed) step \(step)")
            // A pod that comes or goes changes what its workload as a whole may do only where it is alone.
            let change = ConnectivityChange(from: before, to: fresh)
            #expect(spread(delta, live.model, .allowed) == spread(change.added), "seed \(seed) step \(step): added")
            #expect(spread(delta, live.model, .denied) == spread(change.removed), "seed \(seed) step \(step): removed")
        }
    }

    @Test func anEventCutsWhatNoFamilyLetsPass() throws {
        var live = LiveNetwork(NetworkState(), objects: [])
        for (name, last) in [("a", 1), ("b", 2)] as [(String, UInt128)] {
            var pod = LiveNetwork.PodDescription(name: name, namespace: "shop", labels: ["app": name])
            pod.addresses = [
                IPAddress(family: .v4, value: 0x0A00_0000 + last), IPAddress(family: .v6, value: 0xFD00 << 112 | last),
            ]
            _ = live.put(pod)
        }
        func policy(_ blocks: String) throws -> KubernetesObject {
            try #require(
                Cluster.objects(
                    """
                    apiVersion: networking.k8s.io/v1
                    kind: NetworkPolicy
                    metadata: {name: p, namespace: shop}
                    spec: {podSelector: {matchLabels: {app: b}}, ingress: [{from: [\(blocks)]}]}
                    """
                ).first)
        }
        func between(_ delta: NetworkDelta) -> [NetworkDelta.Change] {
            delta.changes.filter { change in
                live.model.connections(of: change).contains { "\($0.source)" == "shop/a (Pod)" }
            }
        }
        // The second family still lets the pod in: nothing is cut between the two.
        let half = live.put(policy: try policy("{ipBlock: {cidr: 'fd00::/64'}}"))
        #expect(between(half).isEmpty)
        #expect(!half.isEmpty, "others are cut")
        let none = live.put(policy: try policy("{ipBlock: {cidr: 192.0.2.0/24}}"))
        #expect(between(none).map(\.becomes) == [.denied])
        let first = live.put(policy: try policy("{ipBlock: {cidr: 10.0.0.0/24}}"))
        #expect(between(first).map(\.becomes) == [.allowed])
    }

    @Test func anEventNamesTheRuleThatDecides() throws {
        let shop = Shop()
        var live = LiveNetwork(shop.inventory)
        let closed = Shop(FindingTests.closed).inventory.objects("NetworkPolicy", of: "networking.k8s.io")[0]
        let cut = live.apply(.added(closed))
        let change = try #require(cut.changes.first)
        #expect(change.becomes == .denied)
        #expect(live.model.explain(change).joined().contains("NetworkPolicy shop/closed"))
        #expect(live.apply(.added(closed)).isEmpty, "nothing has changed")
        let opened = live.apply(.deleted(closed))
        #expect(opened.changes.allSatisfy { $0.becomes == .allowed })
        #expect(!opened.isRebuilt)
    }
}
