import Findings
import Testing

@testable import NetworkPolicies

@Suite struct FindingTests {
    static func policy(_ name: String, _ spec: String) -> String {
        """
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: \(name), namespace: shop}
        spec: \(spec)
        """
    }

    static let closed = policy("closed", "{podSelector: {}, policyTypes: [Ingress, Egress]}")

    private func ids(_ policies: String, _ subject: String? = nil) -> Set<String> {
        Set(Shop(policies).findings.filter { subject == nil || "\($0.subject)" == subject }.map(\.rule.id))
    }

    @Test func anOpenNamespaceIsFoundAndAClosedOneIsNot() {
        #expect(ids("", "Namespace shop") == ["network/no-default-deny-ingress", "network/no-default-deny-egress"])
        #expect(ids(Self.closed, "Namespace shop").isEmpty)
    }

    @Test func aPolicyOverTodaysPodsOnlyIsNoDefaultDeny() {
        let some = Self.policy("some", "{podSelector: {matchExpressions: [{key: app, operator: Exists}]}}")
        #expect(ids(some, "Namespace shop").contains("network/no-default-deny-ingress"))
        #expect(!ids(some, "Pod shop/db").contains("network/unselected-ingress"))
    }

    @Test(arguments: [
        ("network/selects-nothing", "{podSelector: {matchLabels: {app: dbb}}}"),
        (
            "network/peer-selects-nothing",
            "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: x}}}]}]}"
        ),
        ("network/unknown-named-port", "{podSelector: {}, ingress: [{ports: [{port: htpp}]}]}"),
        (
            "network/redundant-rule",
            "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}, {from: [{podSelector: {matchLabels: {app: db}}}]}]}"
        ),
        ("network/invalid-policy", "{podSelector: {}, ingress: [{ports: [{port: 70000}]}]}"),
    ])
    func hygieneIsFound(_ id: String, _ spec: String) {
        #expect(ids(Self.policy("p", spec), "NetworkPolicy shop/p").contains(id))
    }

    @Test func whatDiffersIsNotRedundant() {
        let spec =
            "{podSelector: {}, ingress: [{from: [{podSelector: {}}], ports: [{port: 80}]}, {from: [{podSelector: {}}], ports: [{port: 81}]}]}"
        #expect(!ids(Self.policy("p", spec)).contains("network/redundant-rule"))
    }

    @Test func anOpenBlockReachesTheMetadataAddressUnlessLeftOut() {
        let open = Self.policy(
            "p", "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}")
        #expect(ids(open, "Pod shop/web").isSuperset(of: ["network/internet-egress", "network/metadata-reachable"]))
        let cut = Self.policy(
            "p",
            "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}}]}]}"
        )
        #expect(ids(cut, "Pod shop/web").contains("network/internet-egress"))
        #expect(!ids(cut, "Pod shop/web").contains("network/metadata-reachable"))
    }

    @Test func everyRuleHasWordsAndAnIdOfItsOwn() {
        #expect(Set(NetworkRules.all.map(\.id)).count == NetworkRules.all.count)
        for rule in NetworkRules.all { #expect(!rule.remedy.isEmpty && rule.id.hasPrefix("network/")) }
    }
}
