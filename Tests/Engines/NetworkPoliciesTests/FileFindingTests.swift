import Documents
import Findings
import Kubernetes
import Testing

@testable import NetworkPolicies

/// Files show less than a cluster; what they do not show is no reason to accuse.
@Suite struct FileFindingTests {
    private func findings(_ text: String, isCluster: Bool = false) -> [String] {
        let source = SourceText(name: "a.yaml", bytes: Array(text.utf8))
        let objects = DocumentReader.read(source).documents.flatMap { KubernetesObject.objects(in: $0).objects }
        let results = NetworkEvaluation(Inventory(objects), isCluster: isCluster).results()
        return results.findings.map { "\($0.outcome) \($0.severity) \($0.rule.id) \($0.subject)" }
    }

    static let workload = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: shop}
        spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i}]}}}
        """
    static let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}"
    static func policy(_ spec: String, _ namespace: String = "shop") -> String {
        """
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: p, namespace: \(namespace)}
        spec: \(spec)
        """
    }

    @Test func aLoneWorkloadIsNotAccused() {
        #expect(
            findings(Self.workload) == [
                "notObservable medium network/no-default-deny-ingress Namespace shop",
                "notObservable low network/no-default-deny-egress Namespace shop",
            ])
    }

    @Test func filesThatMakeTheNamespaceAnswerForItMildly() {
        #expect(
            findings([Self.namespace, Self.workload].joined(separator: "\n---\n")) == [
                "fail low network/no-default-deny-egress Namespace shop",
                "fail low network/no-default-deny-ingress Namespace shop",
            ])
    }

    @Test func aClusterIsAccusedOfBoth() {
        let found = findings(Self.workload, isCluster: true)
        #expect(found.contains("fail medium network/unselected-ingress Deployment shop/web"))
        #expect(found.contains("fail medium network/no-default-deny-ingress Namespace shop"))
    }

    @Test func filesWithAPolicyForTheNamespaceAreReadLikeACluster() {
        let found = findings(
            [Self.workload, Self.policy("{podSelector: {matchLabels: {app: web}}}")].joined(separator: "\n---\n"))
        #expect(found.contains("fail medium network/no-default-deny-ingress Namespace shop"))
        #expect(found.contains("fail low network/unselected-egress Deployment shop/web"))
        #expect(!found.contains { $0.contains("unselected-ingress") })
    }

    @Test func peersAndPodsOfOtherFoldersAreNotMissed() {
        let elsewhere = Self.policy(
            "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: x}}}]}]}")
        #expect(
            !findings([Self.workload, elsewhere].joined(separator: "\n---\n")).contains {
                $0.contains("selects-nothing")
            })
        let policyOnly = Self.policy("{podSelector: {matchLabels: {app: y}}}")
        #expect(!findings(policyOnly).contains { $0.contains("selects-nothing") })
        let slip = Self.policy("{podSelector: {matchLabels: {app: wbe}}}")
        #expect(
            findings([Self.workload, slip].joined(separator: "\n---\n")).contains(
                "fail low network/selects-nothing NetworkPolicy shop/p"))
    }

    @Test func aRuleIsRedundantInFilesOnlyWhateverPodsThereAre() {
        let byPods = Self.policy(
            "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}, {from: [{podSelector: {matchLabels: {app: web}}}]}]}"
        )
        #expect(!findings([Self.workload, byPods].joined(separator: "\n---\n")).contains { $0.contains("redundant") })
        let twice = Self.policy(
            "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}, {from: [{podSelector: {}}]}]}")
        #expect(findings([Self.workload, twice].joined(separator: "\n---\n")).contains { $0.contains("redundant") })
    }

    @Test(arguments: [
        ("{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}", true),
        ("{podSelector: {}, ingress: [{}]}", true),
        ("{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: a}}}]}]}", false),
        ("{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]}", true),
        (
            "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}], ports: [{port: 53, protocol: UDP}]}]}",
            false
        ),
    ])
    func everyNamespaceIsOpen(_ spec: String, _ isOpen: Bool) {
        let found = findings([Self.workload, Self.policy(spec)].joined(separator: "\n---\n"))
        #expect(found.contains { $0.contains("network/cross-namespace-open") } == isOpen)
    }

    @Test func whatAServicePublishesIsMeantForEverybody() {
        let service = """
            apiVersion: v1
            kind: Service
            metadata: {name: web, namespace: shop}
            spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80}]}
            """
        let open = Self.policy("{podSelector: {}, ingress: [{}]}")
        let found = findings([Self.workload, open, service].joined(separator: "\n---\n"))
        #expect(!found.contains { $0.contains("cross-namespace-open") })
    }

    @Test func policiesThatCouldNotBeListedLeaveEverythingOpen() {
        let source = SourceText(name: "a.yaml", bytes: Array(Self.workload.utf8))
        let objects = DocumentReader.read(source).documents.flatMap { KubernetesObject.objects(in: $0).objects }
        let findings = NetworkEvaluation(
            Inventory(objects), isCluster: true, unlistedKinds: ["NetworkPolicy"]
        ).results().findings
        #expect(!findings.isEmpty)
        #expect(findings.allSatisfy { $0.outcome == .notObservable })
    }

    @Test func theScoreIsMadeOfItsTerms() {
        let open = Shop("").model.isolation()
        #expect(open.value == 0)
        let closed = Shop(FindingTests.closed).model.isolation()
        #expect((closed.value ?? 0) > 0)
        #expect(closed.terms.first?.good == 1 && closed.terms.first?.count == 2)
    }
}
