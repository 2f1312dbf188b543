import Kubernetes
import Testing

@testable import NetworkPolicies

/// Where the API server is decides what may reach it; a guess is never taken for knowledge.
@Suite struct APIServerTests {
    private static let slice = """
        ---
        apiVersion: discovery.k8s.io/v1
        kind: EndpointSlice
        metadata: {name: kubernetes, namespace: default, labels: {kubernetes.io/service-name: kubernetes}}
        addressType: IPv4
        endpoints: [{addresses: [192.0.2.10]}]
        ports: [{name: https, port: 6443, protocol: TCP}]

        """
    private static let endpoints = """
        ---
        apiVersion: v1
        kind: Endpoints
        metadata: {name: kubernetes, namespace: default}
        subsets: [{addresses: [{ip: 192.0.2.10}], ports: [{port: 6443}]}]

        """
    private static let master = """
        ---
        apiVersion: v1
        kind: Node
        metadata: {name: cp, labels: {node-role.kubernetes.io/control-plane: ''}}
        status: {addresses: [{type: InternalIP, address: 192.0.2.10}]}

        """
    private static let entity = """
        ---
        apiVersion: cilium.io/v2
        kind: CiliumNetworkPolicy
        metadata: {name: web, namespace: shop}
        spec: {endpointSelector: {}, egress: [{toEntities: [kube-apiserver]}]}

        """

    private func verdict(_ more: String, to address: String, plugin: NetworkPlugin = .cilium) -> Verdict? {
        let model = NetworkModel(Cluster(Cluster.deployment("web") + more, plugin: plugin).state)
        guard let source = model.endpoint(named: "shop/web"), let target = model.endpoint(named: address) else {
            return nil
        }
        return model.verdict(from: source, to: target, Traffic(.tcp, 6443)).verdict
    }

    @Test(arguments: [slice, endpoints, master])
    func ciliumsEntityIsWhereTheServerWasSeen(_ seen: String) {
        #expect(verdict(Self.entity + seen, to: "192.0.2.10") == .allowed)
        #expect(verdict(Self.entity + seen, to: "192.0.2.11") == .denied)
    }

    @Test func aServerOnANodeIsThatNode() {
        #expect(verdict(Self.entity + Self.slice + Self.master, to: "node:cp") == .allowed)
    }

    @Test func withoutAnySignTheEntityIsUnknown() {
        #expect(verdict(Self.entity, to: "192.0.2.10") == .unknown)
    }

    @Test func anEndpointsObjectOfAnotherServiceSaysNothing() {
        let other = Self.slice.replacing("service-name: kubernetes", with: "service-name: web")
        #expect(verdict(Self.entity + other, to: "192.0.2.10") == .unknown)
    }

    private static func egress(_ cidr: String, _ port: Int) -> String {
        """
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: out, namespace: shop}
        spec:
          podSelector: {}
          policyTypes: [Egress]
          egress: [{to: [{ipBlock: {cidr: \(cidr)}}], ports: [{port: \(port)}]}]

        """
    }

    @Test(arguments: [
        ("192.0.2.10/32", 6443, Verdict.allowed), ("192.0.2.10/32", 443, .denied), ("192.0.2.11/32", 6443, .denied),
    ])
    func whatReachesTheServerIsAskedOfItsAddressAndPort(_ cidr: String, _ port: Int, _ expected: Verdict) {
        let text = Cluster.deployment("web") + Self.slice + Self.egress(cidr, port)
        #expect(NetworkModel(Cluster(text).state).outreach().map(\.apiServer) == [expected])
    }

    @Test func aLiveNetworkFollowsTheServersAddress() throws {
        let cluster = Cluster(Cluster.deployment("web") + Self.entity, plugin: .cilium)
        var live = LiveNetwork(cluster.inventory, plugin: .cilium)
        let slice = try #require(Cluster.objects(Self.slice).first)
        _ = live.apply(.added(slice))
        let source = try #require(live.model.endpoint(named: "shop/web"))
        let target = try #require(live.model.endpoint(named: "192.0.2.11"))
        #expect(live.model.verdict(from: source, to: target, Traffic(.tcp, 6443)).verdict == .denied)
    }

    @Test(arguments: [("'false'", false), ("'true'", true)])
    func theSettingsOfAmazonsPluginDecideWhetherItEnforces(_ value: String, _ enforces: Bool) {
        let text = """
            apiVersion: apps/v1
            kind: DaemonSet
            metadata: {name: aws-node, namespace: kube-system}
            spec: {template: {spec: {containers: [{name: aws-node, image: i}, {name: aws-eks-nodeagent, image: i}]}}}
            ---
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: amazon-vpc-cni, namespace: kube-system}
            data: {enable-network-policy-controller: \(value)}
            """
        #expect(Cluster(text).state.plugin.enforcesPolicies == enforces)
    }
}
