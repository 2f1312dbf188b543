import Documents
import Kubernetes
import Testing

@testable import NetworkPolicies

/// Input that the API server would refuse, and clusters in odd states: never silently allowed, always said.
@Suite struct BadInputTests {
    static func policy(_ spec: String) -> String { FindingTests.policy("p", spec) }

    @Test(arguments: [
        ("an address that is no block", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0}}]}]}"),
        ("a prefix that is too long", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/33}}]}]}"),
        (
            "an exception outside its block",
            "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [192.168.0.0/16]}}]}]}"
        ),
        ("a port past the last", "{podSelector: {}, ingress: [{ports: [{port: 65536}]}]}"),
        ("a range that ends before it begins", "{podSelector: {}, ingress: [{ports: [{port: 90, endPort: 80}]}]}"),
        ("a range that begins with a name", "{podSelector: {}, ingress: [{ports: [{port: web, endPort: 80}]}]}"),
        ("a protocol nobody knows", "{podSelector: {}, ingress: [{ports: [{port: 80, protocol: HTTP}]}]}"),
        (
            "an operator nobody knows",
            "{podSelector: {matchExpressions: [{key: app, operator: Equals, values: [a]}]}, ingress: [{}]}"
        ),
        (
            "In without values", "{podSelector: {matchExpressions: [{key: app, operator: In}]}, ingress: [{}]}"
        ),
        ("a peer that says nothing", "{podSelector: {}, ingress: [{from: [{}]}]}"),
        (
            "a block beside a selector",
            "{podSelector: {}, ingress: [{from: [{podSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]}"
        ),
        ("a policy type nobody knows", "{podSelector: {}, policyTypes: [Inbound]}"),
    ])
    func whatIsRefusedIsSaidAndNotBelieved(_ what: String, _ spec: String) {
        let shop = Shop(Self.policy(spec))
        #expect(shop.state.problems.contains { $0.kind == .invalid }, "\(what)")
        #expect(shop.verdict("tools/probe", "shop/web") == .unknown, "\(what)")
        #expect(shop.findings.contains { $0.rule.id == "network/invalid-policy" }, "\(what)")
    }

    @Test func anUnknownFieldLeavesItsRuleOpen() {
        let shop = Shop(Self.policy("{podSelector: {}, ingress: [{from: [{serviceSelector: {}}]}]}"))
        #expect(shop.verdict("tools/probe", "shop/web") == .unknown)
    }

    @Test func equalPrioritiesOverTheSamePodsAreSaid() {
        func admin(_ name: String, _ action: String) -> String {
            """
            apiVersion: policy.networking.k8s.io/v1alpha1
            kind: AdminNetworkPolicy
            metadata: {name: \(name)}
            spec:
              priority: 5
              subject: {namespaces: {}}
              ingress: [{action: \(action), from: [{namespaces: {}}]}]
            """
        }
        let shop = Shop(admin("a", "Allow") + "\n---\n" + admin("b", "Deny"))
        #expect(shop.findings.contains { $0.rule.id == "network/same-priority" })
    }

    @Test func aPodWithoutAddressMayBeInABlock() {
        let block = Self.policy("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}")
        #expect(Shop(block).verdict("tools/probe", "shop/web") == .unknown, "it has no address yet")
        #expect(Shop(block).verdict("shop/db", "shop/web") == .allowed)
    }

    @Test func aPodThatHasEndedIsNoEnd() {
        #expect(Shop().model.endpoint(named: "shop/old") == nil)
        #expect(!Shop().model.outreach().contains { $0.workload.name == "old" })
    }

    @Test func aDualStackPodIsComparedFamilyByFamily() {
        var state = Shop(
            Self.policy("{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}")
        ).state
        var pod = LiveNetwork.PodDescription(name: "both", namespace: "tools", labels: [:])
        pod.addresses = ["10.9.0.1", "fd00::9"].compactMap { IPAddress($0) }
        state.add(pod)
        #expect(state.isDualStack)
        func verdict(_ family: IPAddress.Family?) -> Verdict? {
            state.family = family
            let model = NetworkModel(state)
            guard let from = model.endpoint(named: "tools/both"), let to = model.endpoint(named: "shop/web") else {
                return nil
            }
            return model.verdict(from: from, to: to, Traffic(.tcp, 80)).verdict
        }
        #expect(verdict(nil) == .allowed)
        #expect(verdict(.v4) == .allowed)
        #expect(verdict(.v6) == .denied)
    }

    @Test func theSmallestCutIsTried() throws {
        let shop = Shop(
            Self.policy("{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{namespaceSelector: {}}]}]}"))
        let from = try #require(shop.model.endpoint(named: "tools/probe"))
        let to = try #require(shop.model.endpoint(named: "shop/web"))
        let cut = try #require(shop.model.edits(toDeny: from, to: to, Traffic(.tcp, 80)).first)
        #expect(cut.text.contains("remove NetworkPolicy shop/p spec.ingress[0]") || cut.text.contains("tools"))
        let open = try #require(Shop().model.edits(toDeny: from, to: to, Traffic(.tcp, 80)).first)
        #expect(open.text.contains("add a NetworkPolicy"))
    }

    @Test func aCutSaysWhatGoesBesideTheAskedPort() throws {
        let wide =
            "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}"
        let shop = Shop(Self.policy(wide))
        let from = try #require(shop.model.endpoint(named: "shop/web"))
        let to = try #require(shop.model.endpoint(named: "internet"))
        let cut = try #require(shop.model.edits(toDeny: from, to: to, Traffic(.tcp, 443)).first)
        #expect(cut.also != "cuts nothing else", "\(cut)")
    }

    @Test(arguments: NetworkPlugin.Family.allCases)
    func everyPluginIsToldByWhatItLeaves(_ family: NetworkPlugin.Family) {
        let agents: [NetworkPlugin.Family: String] = [
            .cilium: "cilium", .calico: "calico-node", .antrea: "antrea-agent", .ovn: "ovnkube-node",
            .azure: "azure-npm", .kubeRouter: "kube-router", .weave: "weave-net", .aws: "aws-node",
            .kindnet: "kindnet", .flannel: "kube-flannel-ds", .kubeNetworkPolicies: "kube-network-policies",
        ]
        guard let agent = agents[family] else { return #expect(Shop().state.plugin.family == .standard) }
        let daemon = """
            apiVersion: apps/v1
            kind: DaemonSet
            metadata: {name: \(agent), namespace: kube-system}
            spec: {template: {metadata: {labels: {k8s-app: x}}, spec: {hostNetwork: true, containers: [{name: c, image: i}]}}}
            """
        let plugin = Shop(daemon).state.plugin
        #expect(plugin.family == family)
        #expect(plugin.evidence.contains(agent))
    }

    @Test(arguments: [
        ("aws-node", "aws-eks-nodeagent", "--enable-network-policy=true", true),
        ("aws-node", "aws-eks-nodeagent", "--enable-network-policy=false", false),
        ("aws-node", "aws-node", "", false), ("kube-router", "kube-router", "--run-firewall=true", true),
        ("kube-router", "kube-router", "--run-firewall=false", false), ("kube-flannel-ds", "kube-flannel", "", false),
    ])
    func aPluginMayBeToldNotToEnforce(_ daemon: String, _ container: String, _ flag: String, _ isEnforced: Bool) {
        let object = """
            apiVersion: apps/v1
            kind: DaemonSet
            metadata: {name: \(daemon), namespace: kube-system}
            spec:
              template:
                metadata: {labels: {k8s-app: x}}
                spec: {hostNetwork: true, containers: [{name: \(container), image: i, args: ["\(flag)"]}]}
            """
        #expect(Shop(object).state.plugin.enforcesPolicies == isEnforced)
        let found = Shop(object).findings.contains { $0.rule.id == "network/plugin-without-enforcement" }
        #expect(found == !isEnforced)
    }

    @Test func aPolicyAboutNodesIsNotKnownToActWithoutItsSwitch() {
        let host = """
            apiVersion: cilium.io/v2
            kind: CiliumClusterwideNetworkPolicy
            metadata: {name: nodes}
            spec: {nodeSelector: {}, ingress: [{fromEntities: [cluster]}]}
            """
        #expect(Shop("", plugin: .cilium).verdict("shop/web", "node:n1") == .allowed)
        #expect(Shop(host, plugin: .cilium).verdict("internet", "node:n1") == .unknown)
        var off = NetworkPlugin.cilium
        off.enforcesHostPolicies = false
        #expect(Shop(host, plugin: off).verdict("tools/probe", "node:n1") == .allowed)
        let endpoint = """
            apiVersion: projectcalico.org/v3
            kind: HostEndpoint
            metadata: {name: n1-eth0}
            spec: {node: n1, interfaceName: "*"}
            """
        #expect(Shop(endpoint, plugin: .calico).verdict("internet", "node:n1") == .denied)
    }

    @Test func aNodePortIsNoProofOfDenialWhereNoNodeIsSeen() {
        let text = [
            FileFindingTests.workload, FileFindingTests.policy("{podSelector: {}, policyTypes: [Ingress]}"),
            """
            apiVersion: v1
            kind: Service
            metadata: {name: web, namespace: shop}
            spec: {type: NodePort, selector: {app: web}, ports: [{port: 80}]}
            """,
        ].joined(separator: "\n---\n")
        let objects = DocumentReader.read(SourceText(name: "", bytes: Array(text.utf8))).documents
            .flatMap { KubernetesObject.objects(in: $0).objects }
        let inventory = Inventory(objects)
        let found = NetworkModel(NetworkState(inventory)).exposures(inventory)
        #expect(found.map(\.verdict) == [.unknown])
    }
}
