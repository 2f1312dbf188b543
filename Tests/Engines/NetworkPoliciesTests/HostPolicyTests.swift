import Documents
import Kubernetes
import Testing

@testable import NetworkPolicies

/// Policies about nodes: Calico's host endpoints and Cilium's host firewall.
@Suite struct HostPolicyTests {
    /// Two nodes, a pod with a network of its own on each, one on the first node's network.
    static let cluster = """
        {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
        ---
        {apiVersion: v1, kind: Node, metadata: {name: n1, labels: {role: worker, kubernetes.io/os: linux}},
         status: {addresses: [{type: InternalIP, address: 172.18.0.2}]}}
        ---
        {apiVersion: v1, kind: Node, metadata: {name: n2, labels: {role: edge, kubernetes.io/os: linux}},
         status: {addresses: [{type: InternalIP, address: 172.18.0.3}]}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop, labels: {app: a}},
         spec: {nodeName: n1, containers: [{name: c, image: i}]}, status: {podIP: 10.0.1.1}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: b, namespace: shop, labels: {app: b}},
         spec: {nodeName: n2, containers: [{name: c, image: i}]}, status: {podIP: 10.0.2.1}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: agent, namespace: shop, labels: {app: agent}},
         spec: {nodeName: n1, hostNetwork: true, containers: [{name: c, image: i, ports: [{containerPort: 9100}]}]},
         status: {podIP: 172.18.0.2}}

        """

    private struct World {
        let inventory: Inventory
        let model: NetworkModel

        init(_ text: String, _ plugin: NetworkPlugin) {
            inventory = Inventory(Cluster.objects(HostPolicyTests.cluster + "---\n" + text))
            model = NetworkModel(NetworkState(inventory, plugin: plugin))
        }

        func ask(_ from: String, _ to: String, _ port: UInt16, _ transport: TransportProtocol = .tcp) -> Verdict? {
            guard let source = model.endpoint(named: from), let target = model.endpoint(named: to) else { return nil }
            return model.verdict(from: source, to: target, Traffic(transport, port)).verdict
        }

        func why(_ from: String, _ to: String, _ port: UInt16) -> String {
            guard let source = model.endpoint(named: from), let target = model.endpoint(named: to) else { return "" }
            let answer = model.verdict(from: source, to: target, Traffic(.tcp, port))
            return (model.explain(answer.egress, .egress) + model.explain(answer.ingress, .ingress))
                .joined(separator: "\n")
        }
    }

    struct Question: CustomTestStringConvertible, Sendable {
        var name: String
        var objects: String
        var from: String
        var to: String
        var port: UInt16
        var transport = TransportProtocol.tcp
        var expected: Verdict
        var testDescription: String { name }

        init(
            _ name: String, _ objects: String, _ from: String, _ to: String, _ port: UInt16, _ expected: Verdict
        ) {
            self.init(name, objects, from, to, port, .tcp, expected)
        }

        init(
            _ name: String, _ objects: String, _ from: String, _ to: String, _ port: UInt16,
            _ transport: TransportProtocol, _ expected: Verdict
        ) {
            self.name = name
            self.objects = objects
            self.from = from
            self.to = to
            self.port = port
            self.transport = transport
            self.expected = expected
        }
    }

    // MARK: Calico

    static func endpoint(_ spec: String, labels: String = "host: n1", name: String = "n1-all") -> String {
        "{apiVersion: projectcalico.org/v3, kind: HostEndpoint, metadata: {name: \(name), labels: {\(labels)}}, "
            + "spec: {\(spec)}}\n---\n"
    }

    static let everywhere = endpoint("node: n1, interfaceName: '*'")

    static func policy(_ spec: String, name: String = "p") -> String {
        "{apiVersion: projectcalico.org/v3, kind: GlobalNetworkPolicy, metadata: {name: \(name)}, spec: {\(spec)}}\n---\n"
    }

    static func felix(_ spec: String) -> String {
        "{apiVersion: projectcalico.org/v3, kind: FelixConfiguration, metadata: {name: default}, spec: {\(spec)}}\n---\n"
    }

    static let early = policy(
        "selector: has(host), preDNAT: true, applyOnForward: true, types: [Ingress], ingress: [{action: Deny}]",
        name: "early")
    static let web = policy(
        "selector: has(host), types: [Ingress], ingress: [{action: Allow, protocol: TCP, destination: {ports: [443]}}]")
    private static let pods = "{apiVersion: projectcalico.org/v3, kind: IPPool, metadata: {name: x}, spec: {cidr: "
    private static let exchanging = pods + "10.0.0.0/8, natOutgoing: true}}\n---\n"
    private static let plain = pods + "10.0.0.0/8}}\n---\n"
    static let named = endpoint("node: n1, interfaceName: eth0, expectedIPs: [172.18.0.2]")

    static let calico: [Question] = [
        Question("a host endpoint without policy drops", everywhere, "internet", "node:n1", 443, .denied),
        Question("and drops what the node sends", everywhere, "node:n1", "internet", 443, .denied),
        Question("other nodes stay open", everywhere, "internet", "node:n2", 443, .allowed),
        Question("a port that is always open stays so", everywhere, "internet", "node:n1", 22, .allowed),
        Question("in one direction only", everywhere, "node:n1", "internet", 22, .denied),
        Question("names can always be asked", everywhere, "node:n1", "internet", 53, .udp, .allowed),
        Question(
            "ports that are always open can be set",
            everywhere
                + felix("failsafeInboundHostPorts: [{protocol: tcp, port: 443, net: 172.18.0.3/32}]"),
            "node:n2", "node:n1", 443, .allowed),
        Question(
            "for some addresses only",
            everywhere
                + felix("failsafeInboundHostPorts: [{protocol: tcp, port: 443, net: 172.18.0.3/32}]"),
            "internet", "node:n1", 443, .denied),
        Question(
            "and taken away", everywhere + felix("failsafeInboundHostPorts: []"), "internet", "node:n1", 22, .denied),
        Question("a policy opens a port", everywhere + web, "internet", "node:n1", 443, .allowed),
        Question("and no other one", everywhere + web, "internet", "node:n1", 80, .denied),
        Question("a pod on the node's network is the node", everywhere + web, "internet", "shop/agent", 9100, .denied),
        Question(
            "the profile of automatic endpoints lets everything through",
            endpoint("node: n1, interfaceName: '*', profiles: [projectcalico-default-allow]"), "internet", "node:n1",
            80,
            .allowed),
        Question(
            "but not once a policy selects them",
            endpoint("node: n1, interfaceName: '*', profiles: [projectcalico-default-allow]") + web, "internet",
            "node:n1", 80, .denied),
        Question(
            "a profile has rules of its own",
            endpoint("node: n1, interfaceName: '*', profiles: [mine]")
                + "{apiVersion: projectcalico.org/v3, kind: Profile, metadata: {name: mine}, spec: {ingress: "
                + "[{action: Allow, protocol: TCP, destination: {ports: [80]}}]}}\n---\n",
            "internet", "node:n1", 80, .allowed),
        Question(
            "a profile that is not there is no answer", endpoint("node: n1, interfaceName: '*', profiles: [gone]"),
            "internet", "node:n1", 80, .unknown),
        Question("a named interface stands at its address", named + web, "internet", "node:n1", 80, .denied),
        Question(
            "what passes another interface is not known", endpoint("node: n1, interfaceName: eth1"), "internet",
            "node:n1", 80, .unknown),
        Question("pods of the node pass it by", everywhere + web, "shop/a", "node:n1", 80, .allowed),
        Question(
            "unless Calico drops what they send", everywhere + felix("defaultEndpointToHostAction: Drop"), "shop/a",
            "node:n1", 443, .denied),
        Question(
            "or leaves it to the node", everywhere + felix("defaultEndpointToHostAction: Return"), "shop/a", "node:n1",
            443, .unknown),
        Question(
            "the eBPF dataplane filters them",
            everywhere + web
                + felix("bpfEnabled: true, defaultEndpointToHostAction: Accept"), "shop/a", "node:n1", 80, .denied),
        Question("a node always reaches its pods", everywhere + web, "node:n1", "shop/a", 80, .allowed),
        Question("pods of other nodes are filtered", everywhere + web, "shop/b", "node:n1", 80, .denied),
        Question(
            "a pod comes under the address of its node",
            everywhere + exchanging
                + policy("selector: has(host), ingress: [{action: Allow, source: {nets: [172.18.0.3/32]}}]"),
            "shop/b", "node:n1", 80, .allowed),
        Question(
            "or under its own",
            everywhere + plain
                + policy("selector: has(host), ingress: [{action: Allow, source: {nets: [172.18.0.3/32]}}]"),
            "shop/b", "node:n1", 80, .denied),
        Question(
            "which is not known without the pools",
            everywhere + policy("selector: has(host), ingress: [{action: Allow, source: {nets: [172.18.0.3/32]}}]"),
            "shop/b", "node:n1", 80, .unknown),
        Question(
            "a policy over everything selects nodes and pods alike",
            everywhere + policy("selector: all(), types: [Ingress]"), "internet", "shop/b", 80, .denied),
        Question(
            "one with a namespaceSelector selects pods only",
            endpoint("node: n1, interfaceName: '*', profiles: [projectcalico-default-allow]")
                + policy("namespaceSelector: all(), types: [Ingress]"), "internet", "node:n1", 80, .allowed),
        Question(
            "global() means what has no namespace",
            everywhere + policy("namespaceSelector: global(), types: [Ingress]"), "internet", "shop/a", 80, .allowed),
        Question(
            "a named port of the endpoint",
            endpoint("node: n1, interfaceName: '*', ports: [{name: api, port: 8443, protocol: TCP}]")
                + policy(
                    "selector: has(host), ingress: [{action: Allow, protocol: TCP, destination: {ports: [api]}}]"),
            "internet", "node:n1", 8443, .allowed),
        // What a node hands on.
        Question(
            "a policy of nodes leaves what they hand on", everywhere + policy("selector: has(host), types: [Ingress]"),
            "internet", "shop/a", 80, .allowed),
        Question(
            "unless it applies on forward",
            everywhere + policy("selector: has(host), types: [Ingress], applyOnForward: true"), "internet", "shop/a",
            80, .denied),
        Question(
            "on that node only",
            everywhere + policy("selector: has(host), types: [Ingress], applyOnForward: true"), "internet", "shop/b",
            80, .allowed),
        Question(
            "in its direction only",
            everywhere + policy("selector: has(host), types: [Ingress], applyOnForward: true"), "shop/a", "internet",
            80, .allowed),
        Question(
            "from its pods",
            everywhere + policy("selector: has(host), types: [Egress], applyOnForward: true"), "shop/a", "internet", 80,
            .denied),
        Question(
            "pods of the node do not leave it",
            everywhere + policy("selector: has(host), types: [Ingress, Egress], applyOnForward: true"), "shop/a",
            "shop/agent", 80, .allowed),
        Question(
            "how traffic between pods is carried is not known",
            everywhere + policy("selector: has(host), types: [Ingress], applyOnForward: true"), "shop/b", "shop/a", 80,
            .unknown),
        Question(
            "an early policy denies before all others",
            everywhere + web
                + policy(
                    "selector: has(host), preDNAT: true, applyOnForward: true, types: [Ingress], ingress: "
                        + "[{action: Deny, protocol: TCP, destination: {ports: [443]}}]", name: "early"),
            "internet", "node:n1", 443, .denied),
        Question(
            "an early policy that allows is the last word for the node",
            everywhere
                + policy(
                    "selector: has(host), preDNAT: true, applyOnForward: true, types: [Ingress], ingress: "
                        + "[{action: Allow, protocol: TCP, destination: {ports: [443]}}]", name: "early"),
            "internet", "node:n1", 443, .allowed),
        Question(
            "and drops nothing it does not speak of",
            everywhere + web
                + policy(
                    "selector: has(host), preDNAT: true, applyOnForward: true, types: [Ingress], ingress: "
                        + "[{action: Deny, protocol: TCP, destination: {ports: [80]}}]", name: "early"),
            "internet", "node:n1", 443, .allowed),
        Question(
            "an early policy is met by what is handed on",
            everywhere
                + policy(
                    "selector: has(host), preDNAT: true, applyOnForward: true, types: [Ingress], ingress: "
                        + "[{action: Deny, source: {nets: [203.0.113.0/24]}}]", name: "early"),
            "internet", "shop/a", 80, .denied),
        Question(
            "a port that is always open is past early policies of what is handed on", everywhere + early, "internet",
            "shop/a", 22, .allowed),
        Question(
            "and past them only",
            everywhere + early + policy("selector: has(host), types: [Ingress], applyOnForward: true"),
            "internet", "shop/a", 22, .denied),
        Question(
            "which ports these are is a setting",
            everywhere + early + felix("failsafeInboundHostPorts: [{protocol: TCP, port: 80}]"), "internet", "shop/a",
            80, .allowed),
        Question(
            "and from where",
            everywhere + early
                + felix("failsafeInboundHostPorts: [{protocol: TCP, port: 80, net: 198.51.100.0/24}]"), "internet",
            "shop/a", 80, .denied),
        Question(
            "every tier of early policies",
            everywhere + early
                + "{apiVersion: projectcalico.org/v3, kind: Tier, metadata: {name: first}, spec: {order: 1}}\n---\n"
                + policy(
                    "tier: first, selector: has(host), preDNAT: true, applyOnForward: true, types: [Ingress], "
                        + "ingress: [{action: Deny}]", name: "first.early"), "internet", "shop/a", 22, .allowed),
        Question(
            "an untracked policy goes before early ones",
            named
                + policy(
                    "selector: has(host), doNotTrack: true, applyOnForward: true, types: [Ingress, Egress], ingress: "
                        + "[{action: Allow, protocol: TCP, destination: {ports: [443]}}]", name: "raw")
                + policy(
                    "selector: has(host), preDNAT: true, applyOnForward: true, types: [Ingress], ingress: "
                        + "[{action: Deny}]", name: "early"), "internet", "node:n1", 443, .allowed),
        Question(
            "a wildcard endpoint knows no untracked policies",
            everywhere
                + policy(
                    "selector: has(host), doNotTrack: true, applyOnForward: true, types: [Ingress], ingress: "
                        + "[{action: Allow}]", name: "raw"), "internet", "node:n1", 443, .denied),
        Question(
            "a rule may name the address of the node",
            everywhere
                + policy(
                    "selector: has(host), types: [Ingress], ingress: [{action: Allow, destination: {nets: [10.9.0.0/16]}}]"
                ),
            "internet", "node:n1", 443, .denied),
        Question(
            "which is not known of an interface without addresses",
            endpoint("node: n1, interfaceName: eth0")
                + policy(
                    "selector: has(host), types: [Ingress], ingress: [{action: Allow, destination: {nets: [10.9.0.0/16]}}]"
                ),
            "internet", "node:n1", 443, .unknown),
    ]

    @Test(arguments: calico) func calicoFiltersHosts(_ question: Question) {
        let world = World(question.objects, .calico)
        #expect(
            world.ask(question.from, question.to, question.port, question.transport) == question.expected,
            "\(world.why(question.from, question.to, question.port))")
    }

    // MARK: Cilium

    static func hosts(_ spec: String) -> String {
        "{apiVersion: cilium.io/v2, kind: CiliumClusterwideNetworkPolicy, metadata: {name: h}, spec: {\(spec)}}\n---\n"
    }

    private static let workers = "nodeSelector: {matchLabels: {role: worker}}"
    static let cluster80 = hosts(
        "\(workers), ingress: [{fromEntities: [cluster]}, {toPorts: [{ports: [{port: '22', protocol: TCP}]}]}]")

    static let cilium: [Question] = [
        Question("what no rule names is dropped", cluster80, "internet", "node:n1", 80, .denied),
        Question("a port for everybody", cluster80, "internet", "node:n1", 22, .allowed),
        Question("pods of the cluster", cluster80, "shop/b", "node:n1", 80, .allowed),
        Question("other nodes", cluster80, "node:n2", "node:n1", 80, .allowed),
        Question("nodes that are not selected", cluster80, "internet", "node:n2", 80, .allowed),
        Question("the other direction stays open", cluster80, "node:n1", "internet", 80, .allowed),
        Question("pods on the host's network", cluster80, "internet", "shop/agent", 9100, .denied),
        Question("pods with a network of their own are none of it", cluster80, "internet", "shop/a", 80, .allowed),
        Question(
            "egress of the node", hosts("\(workers), egress: [{toEntities: [cluster]}]"), "node:n1", "internet", 443,
            .denied),
        Question(
            "pods of the node are filtered too", hosts("\(workers), ingress: [{fromEntities: [remote-node]}]"),
            "shop/a",
            "node:n1", 80, .denied),
        Question(
            "a deny goes first",
            hosts("\(workers), ingress: [{fromEntities: [all]}], ingressDeny: [{fromEntities: [world]}]"),
            "internet", "node:n1", 80, .denied),
        Question(
            "labels that Cilium leaves out select no node",
            hosts("nodeSelector: {matchLabels: {kubernetes.io/os: linux}}, ingress: [{fromEntities: [cluster]}]"),
            "internet", "node:n1", 80, .allowed),
        Question(
            "an empty selector is every node", hosts("nodeSelector: {}, ingress: [{fromEntities: [cluster]}]"),
            "internet", "node:n2", 80, .denied),
    ]

    static func firewall(_ isOn: Bool?) -> NetworkPlugin {
        var plugin = NetworkPlugin.cilium
        plugin.enforcesHostPolicies = isOn
        return plugin
    }

    @Test(arguments: cilium) func ciliumFiltersHosts(_ question: Question) {
        let world = World(question.objects, Self.firewall(true))
        #expect(
            world.ask(question.from, question.to, question.port, question.transport) == question.expected,
            "\(world.why(question.from, question.to, question.port))")
        let off = World(question.objects, Self.firewall(false))
        #expect(off.ask(question.from, question.to, question.port, question.transport) == .allowed)
        // Whether the firewall is on was not seen: what it lets pass passes, the rest is open.
        let unseen = World(question.objects, Self.firewall(nil))
        #expect(
            unseen.ask(question.from, question.to, question.port, question.transport)
                == (question.expected == .allowed ? .allowed : .unknown))
    }

    @Test func ciliumMayDropWhatNoPolicyNames() {
        var plugin = Self.firewall(true)
        plugin.enforcement = .always
        #expect(World("", plugin).ask("internet", "node:n1", 80) == .denied)
    }

    // MARK: Everything that is told of nodes

    @Test func anAnswerNamesTheRule() {
        let world = World(Self.everywhere + Self.web, .calico)
        #expect(world.why("internet", "node:n1", 443).contains("GlobalNetworkPolicy p spec.ingress[0]"))
        #expect(world.why("internet", "node:n1", 80).contains("these policies select the node"))
        #expect(world.why("internet", "node:n1", 22).contains("FelixConfiguration default"))
        #expect(
            World(Self.everywhere, .calico).why("internet", "node:n1", 80)
                .contains("no policy and no profile allows it at HostEndpoint n1-all"))
    }

    @Test func theTableOfAllConnectionsAgreesWithEveryAnswer() {
        for question in Self.calico {
            check(World(question.objects, .calico), question.name)
            check(World(Self.unplaced + question.objects, .calico), "\(question.name), and a pod without a node")
        }
        for question in Self.cilium {
            check(World(question.objects, Self.firewall(true)), question.name)
            check(
                World(Self.unplaced + question.objects, Self.firewall(true)),
                "\(question.name), and a pod without a node")
        }
    }

    @Test func theTableIsAsUnsureOfAPodWithoutANodeAsTheAnswer() throws {
        let world = World(Self.unplaced + Self.everywhere + Self.web, .calico)
        let rows = world.model.connections().filter { "\($0.source)" == "shop/c (Pod)" && "\($0.target)" == "node n1" }
        let row = try #require(rows.first)
        #expect(!row.traffic.contains(Traffic(.tcp, 80)))
        #expect(row.doubtful.contains(Traffic(.tcp, 80)))
        #expect(row.traffic.contains(Traffic(.tcp, 443)))
        // A closed pod is reached by the node it runs on, whichever that will be.
        let closed =
            "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: c, namespace: shop}, "
            + "spec: {podSelector: {matchLabels: {app: c}}, policyTypes: [Ingress]}}\n---\n"
        let other = World(Self.unplaced + closed + Self.everywhere, .calico)
        #expect(other.ask("node:n2", "shop/c", 80) == .unknown)
        #expect(other.ask("shop/b", "shop/c", 80) == .denied)
    }

    @Test func theMatrixOfNamespacesSpeaksOfNoWorkload() {
        let world = World(Self.everywhere + Self.web, .calico)
        for connection in world.model.connections(byNamespace: true) {
            for party in [connection.source, connection.target] {
                if case .workload = party { Issue.record("\(party) among namespaces") }
            }
        }
    }

    /// A pair that is told as certain, or as impossible, is so for every pod and node behind it.
    private func check(_ world: World, _ name: String) {
        let model = world.model
        // Of what unknown nodes hand on an answer is more in doubt than the table.
        if model.state.filtersForwarded, model.endpoint(named: "shop/c") != nil { return }
        let connections = model.connections()
        let ends = ["shop/a", "shop/b", "shop/c", "node:n1", "node:n2", "internet"].compactMap {
            model.endpoint(named: $0)
        }
        for source in ends {
            for target in ends where source != target {
                let (from, to) = (party(source, model), party(target, model))
                guard from != to else { continue }
                for port: UInt16 in [22, 80, 443] {
                    let traffic = Traffic(.tcp, port)
                    let found = connections.filter { matches($0.source, from) && matches($0.target, to) }
                    let sure = found.contains { $0.traffic.contains(traffic) }
                    let possible = sure || found.contains { $0.doubtful.contains(traffic) }
                    let verdict = model.verdict(from: source, to: target, traffic).verdict
                    if !possible { #expect(verdict == .denied, "\(name): \(from) to \(to) \(port)") }
                    // Nodes that are filtered alike are told together.
                    if verdict == .allowed { #expect(possible, "\(name): \(from) to \(to) \(port)") }
                    if sure { #expect(verdict == .allowed, "\(name): \(from) to \(to) \(port)") }
                }
            }
        }
    }

    private func party(_ endpoint: NetworkModel.Endpoint, _ model: NetworkModel) -> Party {
        switch endpoint {
        case .pod(let number): model.party(of: model.state.pods[number])
        case .node(let number): model.nodeParties[number]
        default: .outside(AddressRange(first: Self.world, last: Self.world))
        }
    }

    private func matches(_ party: Party, _ wanted: Party) -> Bool {
        if case .outside(let range) = party, case .outside(let one) = wanted {
            return range.first.family == one.first.family && range.first.value <= one.first.value
                && one.first.value <= range.last.value
        }
        return party == wanted
    }

    private static let world = IPAddress(family: .v4, value: 0xCB00_7101)

    private static let published = """
        {apiVersion: v1, kind: Service, metadata: {name: a, namespace: shop},
         spec: {type: NodePort, selector: {app: a}, ports: [{port: 80, nodePort: 30080}]}}
        ---

        """

    @Test(arguments: [
        ("", Verdict.allowed),
        (
            "preDNAT: true, applyOnForward: true, selector: has(host), types: [Ingress], ingress: [{action: Deny, protocol: TCP, destination: {ports: ['30000:32767']}}]",
            .denied
        ),
        (
            "preDNAT: true, applyOnForward: true, selector: host == 'n1', types: [Ingress], ingress: [{action: Deny, protocol: TCP, destination: {ports: ['30000:32767']}}]",
            .unknown
        ),
    ])
    func anEarlyPolicyClosesNodePorts(_ spec: String, _ expected: Verdict) throws {
        let endpoints =
            Self.endpoint("node: n1, interfaceName: '*', profiles: [projectcalico-default-allow]")
            + Self.endpoint(
                "node: n2, interfaceName: '*', profiles: [projectcalico-default-allow]", labels: "host: n2",
                name: "n2-all")
        let world = World(
            Self.published + endpoints + (spec.isEmpty ? "" : Self.policy(spec)), .calico)
        let exposure = try #require(world.model.exposures(world.inventory).first { $0.route == .nodePort })
        #expect(exposure.verdict == expected)
    }

    @Test func exposureOfTheNodesNetworkFollowsPoliciesAboutNodes() throws {
        func verdict(_ objects: String) -> Verdict? {
            let world = World(objects, .calico)
            return world.model.exposures(world.inventory).first { $0.route == .hostNetwork }?.verdict
        }
        #expect(verdict("") == .allowed)
        #expect(verdict(Self.everywhere) == .denied)
        let open = Self.policy(
            "selector: has(host), ingress: [{action: Allow, protocol: TCP, destination: {ports: [9100]}}]")
        #expect(verdict(Self.everywhere + open) == .allowed)
        let world = World(Self.everywhere + Self.felix("failsafeOutboundHostPorts: []"), .calico)
        let agent = try #require(world.model.outreach().first { $0.workload.name == "agent" })
        #expect(agent.internet == .denied)
    }

    @Test(arguments: [
        "preDNAT: true, selector: all(), ingress: [{action: Deny}]",
        "preDNAT: true, doNotTrack: true, applyOnForward: true, selector: all()",
        "preDNAT: true, applyOnForward: true, selector: all(), types: [Ingress, Egress]",
    ])
    func policiesThatCalicoRefusesAreRefused(_ spec: String) {
        let world = World(Self.everywhere + Self.policy(spec), .calico)
        #expect(world.model.state.problems.contains { $0.message.contains("GlobalNetworkPolicy p") })
        #expect(world.ask("internet", "node:n1", 443) == .unknown)
    }

    @Test(arguments: ["NetworkPolicy", "Calico GlobalNetworkPolicy", "CiliumClusterwideNetworkPolicy"])
    func policiesThatWereNotListedAreNoAllClear(_ kind: String) {
        var state = World("", .calico).model.state
        state.note(unlisted: [kind])
        let model = NetworkModel(state)
        guard let pod = model.endpoint(named: "shop/a"), let other = model.endpoint(named: "shop/b") else { return }
        #expect(model.verdict(from: pod, to: other, Traffic(.tcp, 80)).verdict == .unknown)
    }

    private static let unplaced = """
        {apiVersion: v1, kind: Pod, metadata: {name: c, namespace: shop, labels: {app: c}},
         spec: {containers: [{name: c, image: i}]}}
        ---

        """

    @Test func aPodThatHasNoNodeYetMayComeToRunOnAnyOfThem() {
        let world = World(Self.unplaced + Self.everywhere + Self.web, .calico)
        #expect(world.ask("shop/b", "node:n1", 80) == .denied)
        // On the first node it would reach it, from the second one it would not.
        #expect(world.ask("shop/c", "node:n1", 80) == .unknown)
        #expect(world.why("shop/c", "node:n1", 80).contains("which node the pod runs on is not known"))
        #expect(world.ask("shop/c", "node:n1", 443) == .allowed)
        #expect(world.ask("shop/c", "node:n2", 80) == .allowed)
    }

    @Test func whatAllNodesSayHoldsForAPodThatHasNoNodeYet() {
        let forward = Self.policy("selector: has(host), types: [Ingress], applyOnForward: true")
        let second = Self.endpoint("node: n2, interfaceName: '*'", labels: "host: n2", name: "n2-all")
        let agreeing = World(Self.unplaced + Self.everywhere + second + forward, .calico)
        #expect(agreeing.ask("internet", "shop/c", 80) == .denied)
        #expect(agreeing.why("internet", "shop/c", 80).contains("GlobalNetworkPolicy p"))
        #expect(agreeing.ask("shop/c", "internet", 80) == .allowed)
        // On one of the nodes it would be reached, on the other one not.
        let differing = World(Self.unplaced + Self.everywhere + forward, .calico)
        #expect(differing.ask("internet", "shop/c", 80) == .unknown)
        #expect(differing.ask("shop/c", "internet", 80) == .allowed)
        check(agreeing, "nodes that agree")
        check(differing, "nodes that differ")
    }

    @Test func ofNodesThatNobodyShowedNothingIsKnown() {
        let forward = Self.policy("selector: has(host), types: [Ingress], applyOnForward: true")
        let unseen = Self.endpoint("node: n9, interfaceName: '*'", labels: "host: n9", name: "n9-all")
        let world = World(Self.unplaced + unseen + forward, .calico)
        #expect(world.ask("internet", "shop/c", 80) == .unknown)
        #expect(world.ask("internet", "shop/a", 80) == .allowed)
        let elsewhere = Self.unplaced.replacing("spec: {", with: "spec: {nodeName: n9, ")
        let placed = World(elsewhere + unseen + forward, .calico)
        #expect(placed.ask("internet", "shop/c", 80) == .unknown)
        check(world, "a filtered node that was not seen")
        check(placed, "a pod on a node that was not seen")
    }

    @Test func aPodOnTheNetworkOfNoNodeYetIsFilteredAsAllNodesAre() {
        let pod = Self.unplaced.replacing("spec: {", with: "spec: {hostNetwork: true, ")
        let second = Self.endpoint("node: n2, interfaceName: '*'", labels: "host: n2", name: "n2-all")
        let agreeing = World(pod + Self.everywhere + second + Self.web, .calico)
        #expect(agreeing.ask("internet", "shop/c", 80) == .denied)
        #expect(agreeing.ask("internet", "shop/c", 443) == .allowed)
        let differing = World(pod + Self.everywhere + Self.web, .calico)
        #expect(differing.ask("internet", "shop/c", 80) == .unknown)
        #expect(differing.ask("internet", "shop/c", 443) == .allowed)
    }

    @Test func whatCouldNotBeListedLeavesNodesOpenToDoubt() {
        var state = World("", .calico).model.state
        state.note(unlisted: ["HostEndpoint"])
        let model = NetworkModel(state)
        guard let node = model.endpoint(named: "node:n1"), let world = model.endpoint(named: "internet") else { return }
        #expect(model.verdict(from: world, to: node, Traffic(.tcp, 80)).verdict == .unknown)
    }

    @Test(
        arguments: [
            // What is about hosts is about something.
            ("selector: has(host), ingress: [{action: Allow, protocol: TCP, destination: {ports: [443]}}]", nil),
            ("selector: has(host), preDNAT: true, applyOnForward: true, ingress: [{action: Deny}]", nil),
            ("selector: has(nothing), ingress: [{action: Allow}]", "no pod and no host endpoint matches its selector"),
            (
                "selector: has(nothing), preDNAT: true, applyOnForward: true, ingress: [{action: Deny}]",
                "no host endpoint matches its selector"
            ),
        ] as [(String, String?)])
    func aPolicyAboutHostsIsNotAboutNothing(_ spec: String, _ expected: String?) {
        let world = World(Self.everywhere + Self.policy(spec), .calico)
        let found = NetworkEvaluation(world.model).results().findings.filter { $0.rule.id == "network/selects-nothing" }
        #expect(found.first?.evidence.first?.message == expected)
        let fixes = NetworkFixes(world.model.state, world.inventory).all()
        let removed = fixes.contains { if case .remove = $0.remedy { $0.isOffered } else { false } }
        #expect(removed == (expected != nil))
    }

    @Test func aRuleThatHostsNeedIsNotRedundant() {
        // For pods the first rule says all; hosts have no other one.
        let pods = Self.policy("namespaceSelector: all(), order: 1, ingress: [{action: Allow}]", name: "pods")
        let all = Self.policy("selector: all(), order: 2, ingress: [{action: Allow, protocol: TCP}]", name: "all")
        func redundant(_ text: String) -> [String] {
            NetworkEvaluation(World(text, .calico).model).results().findings
                .filter { $0.rule.id == "network/redundant-rule" }.map { "\($0.subject)" }
        }
        #expect(redundant(pods + all) == ["GlobalNetworkPolicy all"])
        #expect(redundant(Self.everywhere + pods + all).isEmpty)
    }

    @Test(
        arguments: [
            (true, "role: worker", nil), (true, "role: none", "no node matches its selector"),
            (
                true, "kubernetes.io/os: linux",
                "no node matches its selector: Cilium does not look at labels such as kubernetes.io/os of nodes"
            ), (false, "role: worker", "it is about nodes, and Cilium's host firewall is off (enable-host-firewall)"),
        ] as [(Bool, String, String?)])
    func aCiliumPolicyAboutNodesMaySelectNone(_ isOn: Bool, _ labels: String, _ expected: String?) {
        let text = Self.hosts("nodeSelector: {matchLabels: {\(labels)}}, ingress: [{fromEntities: [cluster]}]")
        let found = NetworkEvaluation(World(text, Self.firewall(isOn)).model).results().findings
            .filter { $0.rule.id == "network/selects-nothing" }
        #expect(found.first?.evidence.first?.message == expected)
    }

    @Test func eventsOfHostEndpointsAndTheirPoliciesAreFollowed() {
        let empty = World("", .calico)
        var live = LiveNetwork(empty.inventory, plugin: .calico)
        let objects = Cluster.objects(Self.everywhere + Self.web)
        let closed = live.apply(.added(objects[0]))
        #expect(closed.changes.contains { $0.becomes == .denied })
        let opened = live.apply(.added(objects[1]))
        #expect(opened.changes.contains { $0.becomes == .allowed })
        let fresh = World(Self.everywhere + Self.web, .calico).model
        #expect(live.model.connections() == fresh.connections())
        _ = live.apply(.deleted(objects[1]))
        _ = live.apply(.deleted(objects[0]))
        #expect(live.model.connections() == empty.model.connections())
    }
}
