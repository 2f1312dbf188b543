import Testing

@testable import NetworkPolicies

@Suite struct ReachTests {
    static let onlyWeb = """
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: db, namespace: shop}
        spec:
          podSelector: {matchLabels: {app: db}}
          ingress:
          - from: [{podSelector: {matchLabels: {app: web}}}]
            ports: [{port: sql}]
        """

    @Test func withoutPoliciesEverybodyMayTalk() {
        let shop = Shop()
        #expect(shop.verdict("shop/web", "shop/db", 5432) == .allowed)
        #expect(shop.verdict("internet", "shop/db", 5432) == .allowed)
    }

    @Test func aPolicyLetsInWhatItNamesAndNothingElse() {
        let shop = Shop(Self.onlyWeb)
        #expect(shop.verdict("shop/web", "shop/db", 5432) == .allowed)
        #expect(shop.verdict("shop/web", "shop/db", 5433) == .denied)
        #expect(shop.verdict("tools/probe", "shop/db", 5432) == .denied)
        #expect(shop.verdict("internet", "shop/db", 5432) == .denied)
        #expect(shop.verdict("shop/db", "shop/web") == .allowed)
    }

    @Test func theNodeOfAPodAlwaysReachesIt() {
        #expect(Shop(Self.onlyWeb).verdict("node:n1", "shop/db", 5432) == .allowed)
    }

    @Test func podsThatHaveEndedAreNoEnds() { #expect(Shop().verdict("shop/web", "shop/old") == nil) }

    @Test func anAnswerNamesTheRuleAndItsPlace() {
        let lines = Shop(Self.onlyWeb).explanation("shop/web", "shop/db", 5432)
        #expect(lines.first == "egress: allowed: no policy decides over it")
        #expect(lines.contains { $0.contains("allowed by NetworkPolicy shop/db spec.ingress[0] (shop.yaml:") })
        let denied = Shop(Self.onlyWeb).explanation("tools/probe", "shop/db", 5432)
        #expect(denied.contains { $0.contains("NetworkPolicy shop/db (shop.yaml:") })
    }

    @Test func anUnknownFieldMakesTheAnswersItMayTouchUnknown() {
        let shop = Shop(
            """
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {name: db, namespace: shop}
            spec:
              podSelector: {matchLabels: {app: db}}
              ingress: [{from: [{planetSelector: {}}]}]
            """)
        #expect(shop.verdict("shop/web", "shop/db") == .unknown)
        #expect(shop.verdict("shop/db", "shop/web") == .allowed)
        #expect(shop.state.problems.contains { $0.message.contains("planetSelector") })
    }

    @Test func aRefusedPolicyIsNeitherIgnoredNorBelieved() {
        let shop = Shop(
            """
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {name: db, namespace: shop}
            spec:
              podSelector: {}
              ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8, except: [11.0.0.0/16]}}]}]
            """)
        #expect(shop.verdict("shop/web", "shop/db") == .unknown)
        #expect(shop.findings.contains { $0.rule.id == "network/invalid-policy" })
    }

    @Test func aPolicyKindNobodyReadsMakesItsNamespaceUnknown() {
        let shop = Shop(
            "{apiVersion: crd.antrea.io/v1beta1, kind: NetworkPolicy, metadata: {name: a, namespace: shop}, spec: {}}")
        #expect(shop.verdict("tools/probe", "shop/db") == .unknown)
        #expect(shop.verdict("tools/probe", "internet") == .allowed)
    }

    @Test func aPodWithoutAnAddressMayOrMayNotBeInABlock() {
        let shop = Shop(
            """
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {name: db, namespace: shop}
            spec: {podSelector: {matchLabels: {app: db}}, ingress: [{from: [{ipBlock: {cidr: 10.0.1.0/24}}]}]}
            """)
        #expect(shop.verdict("shop/web", "shop/db") == .allowed)
        #expect(shop.verdict("tools/probe", "shop/db") == .unknown)
        #expect(shop.verdict("internet", "shop/db") == .denied)
    }

    @Test func stagedPoliciesEnforceNothing() {
        let shop = Shop(
            """
            apiVersion: projectcalico.org/v3
            kind: StagedGlobalNetworkPolicy
            metadata: {name: s}
            spec: {selector: all(), ingress: [{action: Deny}]}
            """)
        #expect(shop.state.plugin.family == .calico)
        #expect(shop.verdict("shop/web", "shop/db") == .allowed)
    }

    @Test func aPlainNetworkEnforcesNothing() {
        let flannel = NetworkPlugin(.flannel, evidence: "DaemonSet kube-flannel/kube-flannel-ds")
        let shop = Shop(Self.onlyWeb, plugin: flannel)
        #expect(shop.verdict("tools/probe", "shop/db", 5432) == .allowed)
        #expect(shop.findings.contains { $0.rule.id == "network/plugin-without-enforcement" })
    }

    @Test func namesAreAllowedByPatternAndAddressesStayOpen() {
        let shop = Shop(
            """
            apiVersion: cilium.io/v2
            kind: CiliumNetworkPolicy
            metadata: {name: out, namespace: shop}
            spec: {endpointSelector: {}, egress: [{toFQDNs: [{matchPattern: "*.example.com"}]}]}
            """)
        #expect(shop.verdict("shop/web", "dns:api.example.com", 443) == .allowed)
        #expect(shop.verdict("shop/web", "dns:example.org", 443) == .denied)
        #expect(shop.verdict("shop/web", "internet", 443) == .unknown)
        #expect(shop.verdict("shop/web", "tools/probe", 443) == .denied)
    }

    @Test func anEditIsOfferedOnlyWhenItWorks() throws {
        let shop = Shop(Self.onlyWeb)
        let probe = try #require(shop.model.endpoint(named: "tools/probe"))
        let db = try #require(shop.model.endpoint(named: "shop/db"))
        let edits = try #require(shop.model.edits(toAllow: probe, to: db, Traffic(.tcp, 5432)))
        #expect(edits.map { "\($0.policy) \($0.path) \($0.alsoOpens)" } == ["NetworkPolicy shop/db spec.ingress 0"])
        let web = try #require(shop.model.endpoint(named: "shop/web"))
        #expect(shop.model.edits(toAllow: db, to: web, Traffic(.tcp, 80)) == nil)
    }
}
