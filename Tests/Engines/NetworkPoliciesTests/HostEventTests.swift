import Documents
import Kubernetes
import Testing

@testable import NetworkPolicies

/// Behind filters of nodes a network that follows events gives the answers of one made anew, too.
@Suite struct HostEventTests {
    private typealias Random = LiveNetworkTests.Random
    private typealias Hosts = HostPolicyTests

    /// Filters of nodes of every sort, and the plugin that has them.
    private static func filters(_ number: Int) -> (String, NetworkPlugin) {
        let second = Hosts.endpoint(
            "node: n2, interfaceName: '*', profiles: [projectcalico-default-allow]", labels: "host: n2", name: "n2-all")
        switch number {
        case 0: return (Hosts.everywhere + Hosts.web, .calico)
        case 1:
            return (
                Hosts.everywhere
                    + Hosts.policy(
                        "selector: has(host), applyOnForward: true, types: [Ingress], ingress: "
                            + "[{action: Allow, source: {nets: [10.0.0.0/30, 8.8.8.0/24]}}]"), .calico
            )
        case 2: return (Hosts.named + second + Hosts.early, .calico)
        case 3:
            return (
                Hosts.everywhere + second
                    + Hosts.policy(
                        "selector: has(host), applyOnForward: true, types: [Ingress, Egress], ingress: "
                            + "[{action: Allow, source: {selector: app == 'a'}}], egress: "
                            + "[{action: Allow, protocol: TCP, destination: {selector: has(tier), ports: [80]}}, "
                            + "{action: Deny, destination: {nets: [192.168.0.0/16]}}]")
                    + "{apiVersion: projectcalico.org/v3, kind: IPPool, metadata: {name: x}, "
                    + "spec: {cidr: 10.0.0.0/8, natOutgoing: true}}\n---\n", .calico
            )
        default:
            return (
                Hosts.hosts(
                    "nodeSelector: {matchLabels: {role: worker}}, ingress: [{fromEndpoints: [{matchLabels: {app: a}}]}], "
                        + "egress: [{toEndpoints: [{matchLabels: {app: b}}]}]"), Hosts.firewall(true)
            )
        }
    }

    @Test(arguments: 0..<5, 0..<4)
    func podsAndPoliciesAreFollowed(_ filter: Int, _ seed: UInt64) {
        var random = Random(state: seed &* 31 &+ UInt64(filter))
        let (text, plugin) = Self.filters(filter)
        let given = Cluster.objects(text)
        let surroundings = given.filter { !PolicyCatalogue.isPolicy($0) }
        var policies: [ObjectReference: KubernetesObject] = [:]
        for object in given where PolicyCatalogue.isPolicy(object) { policies[object.reference] = object }
        let world = Inventory(Cluster.objects(Hosts.cluster))
        var live = LiveNetwork(NetworkState(world, plugin: plugin), objects: given)
        let fixed = Set(policies.keys)
        let tools = LiveNetworkTests()
        for step in 0..<40 {
            let before = live.state
            let delta: NetworkDelta
            let namespace = random.pick(["one", "two"])
            let name = "n\(random.next() % 5)"
            switch random.next() % 10 {
            case 0...4:
                var pod = LiveNetwork.PodDescription(
                    name: name, namespace: namespace,
                    labels: random.pick([["app": "a"], ["app": "b", "tier": "x"], ["app": "c"], [:], ["new": "1"]]))
                pod.addresses = [IPAddress(family: .v4, value: 0x0A00_0000 + UInt128(random.next() % 12))]
                pod.node = random.pick(["n1", "n2", nil])
                if random.next() % 3 == 0 {
                    pod.ports = [ContainerPort(name: "web", number: random.pick([80, 8080]), protocol: .tcp)]
                }
                delta = live.put(pod)
            case 5: delta = live.remove(pod: name, in: namespace)
            case 6...8:
                guard let policy = LiveNetworkTests.policy(&random, name, namespace) else { continue }
                policies[policy.reference] = policy
                delta = live.put(policy: policy)
            default:
                guard let reference = policies.keys.sorted().first(where: { !fixed.contains($0) }) else { continue }
                policies[reference] = nil
                delta = live.remove(policy: reference)
            }
            var fresh = live.state
            fresh.reread(policies: Array(policies.values), with: PolicyCatalogue(surroundings, plugin: plugin))
            let place = "filter \(filter) seed \(seed) step \(step)"
            #expect(tools.lines(live.models.connections()) == tools.lines(DualStack(fresh).connections()), "\(place)")
            let change = ConnectivityChange(from: before, to: fresh)
            #expect(tools.spread(delta, live.model, .allowed) == tools.spread(change.added), "\(place): added")
            #expect(tools.spread(delta, live.model, .denied) == tools.spread(change.removed), "\(place): removed")
        }
    }

    @Test func whatWasNotListedStaysAHoleThroughEvents() {
        var state = NetworkState(Inventory(Cluster.objects(Hosts.cluster)), plugin: .calico)
        state.note(unlisted: ["NetworkPolicy"])
        var live = LiveNetwork(state, objects: [])
        func verdict() -> Verdict? {
            guard let a = live.model.endpoint(named: "shop/a"), let b = live.model.endpoint(named: "shop/b") else {
                return nil
            }
            return live.model.verdict(from: a, to: b, Traffic(.tcp, 80)).verdict
        }
        #expect(verdict() == .unknown)
        // A node makes everything anew.
        _ = live.put(node: NetworkNode(name: "n3", labels: [:], addresses: []))
        #expect(verdict() == .unknown)
    }
}
