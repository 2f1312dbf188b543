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

    static func admin(_ name: String, _ priority: Int, _ rule: String) -> String {
        """
        apiVersion: policy.networking.k8s.io/v1alpha1
        kind: AdminNetworkPolicy
        metadata: {name: \(name)}
        spec: {priority: \(priority), subject: {namespaces: {}}, ingress: [\(rule)]}
        """
    }

    @Test func aRuleInTheShadowOfAnEarlierPolicyIsFound() {
        let all = Self.admin("first", 5, "{action: Deny, from: [{namespaces: {}}]}")
        let some = "{action: Allow, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: shop}}}]}"
        let shadowed = [all, Self.admin("second", 6, some)].joined(separator: "\n---\n")
        #expect(ids(shadowed, "AdminNetworkPolicy second").contains("network/redundant-rule"))
        #expect(!ids(shadowed, "AdminNetworkPolicy first").contains("network/redundant-rule"))
        // Asked first, it decides.
        let before = [all, Self.admin("second", 4, some)].joined(separator: "\n---\n")
        #expect(!ids(before, "AdminNetworkPolicy second").contains("network/redundant-rule"))
    }

    @Test(arguments: [(5, true), (6, false)])
    func equalPrioritiesOverTheSamePodsClash(_ priority: Int, _ isFound: Bool) {
        let rule = "{action: Deny, from: [{namespaces: {matchLabels: {kubernetes.io/metadata.name: tools}}}]}"
        let both = [Self.admin("a", 5, rule), Self.admin("b", priority, rule)].joined(separator: "\n---\n")
        #expect(ids(both, "AdminNetworkPolicy b").contains("network/same-priority") == isFound)
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
