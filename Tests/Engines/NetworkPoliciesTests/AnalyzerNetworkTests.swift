import Testing

@testable import NetworkPolicies

/// Networks beside the cluster's own, as netpol-analyzer tells them apart.
@Suite struct AnalyzerNetworkTests {
    private static func pod(_ name: String, in place: String, _ networks: String = "") -> String {
        let notes = networks.isEmpty ? "" : ", annotations: {k8s.v1.cni.cncf.io/networks: '\(networks)'}"
        return """
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name), namespace: \(place), labels: {app: \(name)}\(notes)}
            spec: {containers: [{name: c, image: i}]}

            """
    }

    private func pairs(_ text: String) -> [String] {
        AnalyzerLikeness(Cluster(text).inventory).edges.compactMap { edge in
            guard case .workload(let from) = edge.source, case .workload(let to) = edge.target else { return nil }
            return "\(from.name) \(to.name)" + (edge.network.isEmpty ? "" : " \(edge.network)")
        }
    }

    @Test(arguments: [("", ["b a", "a b"]), ("k8s.ovn.org/primary-user-defined-network: ''", [])])
    func aPrimaryNetworkKeepsItsNamespaceApart(_ label: String, _ expected: [String]) {
        let text =
            """
            {apiVersion: v1, kind: Namespace, metadata: {name: green, labels: {\(label)}}}
            ---
            apiVersion: k8s.ovn.org/v1
            kind: UserDefinedNetwork
            metadata: {name: own, namespace: green}
            spec: {topology: Layer2, layer2: {role: Primary}}

            """ + Self.pod("a", in: "green") + Self.pod("b", in: "blue")
        #expect(pairs(text) == expected)
    }

    @Test func anAttachedNetworkHasPoliciesOfItsOwn() {
        let text =
            """
            apiVersion: k8s.cni.cncf.io/v1
            kind: NetworkAttachmentDefinition
            metadata: {name: l2, namespace: shop}
            spec: {config: '{"name": "l2", "type": "x", }'}
            ---
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {name: closed, namespace: shop}
            spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
            ---
            apiVersion: k8s.cni.cncf.io/v1beta1
            kind: MultiNetworkPolicy
            metadata: {name: p, namespace: shop, annotations: {k8s.v1.cni.cncf.io/policy-for: l2}}
            spec: {podSelector: {matchLabels: {app: b}}, ingress: [{from: [{ipBlock: {cidr: 10.2.0.0/24}}]}]}

            """ + Self.pod("a", in: "shop", #"[{"name": "l2", "ips": ["10.2.0.7/24"]}]"#)
            + Self.pod("b", in: "shop", "shop/l2@net1") + Self.pod("c", in: "shop", "l2") + Self.pod("d", in: "shop")
        #expect(pairs(text) == ["a b l2", "a c l2", "b a l2", "b c l2", "c a l2"])
    }

    private static let attached = """
        apiVersion: k8s.cni.cncf.io/v1
        kind: NetworkAttachmentDefinition
        metadata: {name: l2, namespace: shop}
        spec: {config: '{"name": "l2", "type": "x"}'}
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: closed, namespace: shop}
        spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
        ---
        apiVersion: k8s.cni.cncf.io/v1beta1
        kind: MultiNetworkPolicy
        metadata: {name: p, namespace: shop, annotations: {k8s.v1.cni.cncf.io/policy-for: l2}}
        spec: {podSelector: {matchLabels: {app: b}}, ingress: [{from: [{podSelector: {matchLabels: {app: a}}}]}]}

        """

    /// What the networks of two pods come to: the exact answer, without anybody's likeness.
    @Test(arguments: [
        ("a", "b", [Verdict.denied, .allowed]), ("c", "b", [.denied, .denied]), ("a", "c", [.denied, .allowed]),
        ("d", "b", [.denied]),
    ])
    func anAttachedNetworkPassesPoliciesOfTheClusterBy(_ from: String, _ to: String, _ expected: [Verdict]) {
        let cluster = Cluster(
            Self.attached + Self.pod("a", in: "shop", "l2") + Self.pod("b", in: "shop", "l2")
                + Self.pod("c", in: "shop", "l2") + Self.pod("d", in: "shop"))
        let networks = PodNetworks(cluster.inventory, cluster.state)
        let ways = networks.ways(from: "shop/\(from)", to: "shop/\(to)", Traffic(.tcp, 80))
        #expect(ways.map(\.verdict) == expected)
        let isTold = networks.connections().contains {
            "\($0.source)" == "shop/\(from) (Pod)" && "\($0.target)" == "shop/\(to) (Pod)" && !$0.traffic.isEmpty
        }
        #expect(isTold == expected.contains(.allowed))
        #expect(networks.ways(from: "shop/a", to: "internet", Traffic(.tcp, 80)).map(\.verdict) == [.denied])
    }

    @Test func aChangeIsToldOfEveryNetworkItTouches() throws {
        let pods =
            Self.pod("a", in: "shop", "l2") + Self.pod("b", in: "shop", "l2") + Self.pod("c", in: "shop", "l2")
        func networks(_ text: String) -> PodNetworks {
            let cluster = Cluster(text)
            return PodNetworks(cluster.inventory, cluster.state)
        }
        let before = networks(Self.attached + pods)
        #expect(before.changes(to: before).isEmpty)
        let after = networks(Self.attached.replacing("matchLabels: {app: a}", with: "matchLabels: {app: c}") + pods)
        let changes = before.changes(to: after)
        #expect(changes.map(\.network) == before.names)
        let change = try #require(changes.first).change
        #expect(change.removed.map { "\($0.source) \($0.target)" } == ["shop/a (Pod) shop/b (Pod)"])
        #expect(change.added.map { "\($0.source) \($0.target)" } == ["shop/c (Pod) shop/b (Pod)"])
        // A pod that leaves the network loses what it had there, and nothing outside.
        let left = networks(
            Self.attached + Self.pod("a", in: "shop") + Self.pod("b", in: "shop", "l2")
                + Self.pod("c", in: "shop", "l2"))
        let gone = try #require(before.changes(to: left).first).change
        #expect(gone.added.isEmpty)
        #expect(
            gone.removed.map { "\($0.source) \($0.target)" }.sorted() == [
                "shop/a (Pod) shop/b (Pod)", "shop/a (Pod) shop/c (Pod)", "shop/b (Pod) shop/a (Pod)",
                "shop/c (Pod) shop/a (Pod)",
            ])
    }

    @Test func anAttachedNetworkThatIsOnlyNamedIsOneToo() {
        let text = Self.pod("a", in: "shop", "fast") + Self.pod("b", in: "shop", "fast")
        let cluster = Cluster(text)
        #expect(PodNetworks(cluster.inventory, cluster.state).names == ["shop/fast"])
        #expect(PodNetworks(Cluster(Self.pod("a", in: "shop")).inventory, Cluster("").state).names.isEmpty)
    }

    @Test func podsOfDifferentPrimaryNetworksDoNotMeet() {
        let text =
            """
            {apiVersion: v1, kind: Namespace, metadata: {name: green, labels: {k8s.ovn.org/primary-user-defined-network: ''}}}
            ---
            apiVersion: k8s.ovn.org/v1
            kind: UserDefinedNetwork
            metadata: {name: own, namespace: green}
            spec: {topology: Layer2, layer2: {role: Primary}}

            """ + Self.pod("a", in: "green") + Self.pod("b", in: "blue") + Self.pod("c", in: "green")
        let cluster = Cluster(text)
        let networks = PodNetworks(cluster.inventory, cluster.state)
        #expect(networks.ways(from: "green/a", to: "blue/b", Traffic(.tcp, 80)).isEmpty)
        #expect(networks.ways(from: "green/a", to: "green/c", Traffic(.tcp, 80)).map(\.verdict) == [.allowed])
        #expect(networks.ways(from: "green/a", to: "internet", Traffic(.tcp, 80)).map(\.verdict) == [.allowed])
    }

    @Test func aPolicyOfAnAttachedNetworkThatIsNotUnderstoodIsNoAnswer() {
        let text =
            Self.attached.replacing(
                "podSelector: {matchLabels: {app: b}}, ingress",
                with: "podSelector: {matchLabels: {app: b}}, odd: 1, ingress")
            + Self.pod("a", in: "shop", "l2") + Self.pod("b", in: "shop", "l2")
        let cluster = Cluster(text)
        let ways = PodNetworks(cluster.inventory, cluster.state).ways(
            from: "shop/a", to: "shop/b", Traffic(.tcp, 80))
        #expect(ways.map(\.verdict) == [.denied, .unknown])
    }
}
