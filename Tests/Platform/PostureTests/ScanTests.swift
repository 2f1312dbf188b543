import Documents
import Findings
import Kubernetes
import Posture
import Testing

/// The scan as a whole: owners, engines together, and that evaluating what changed equals evaluating everything.
@Suite struct ScanTests {
    private func objects(_ text: String, file: String = "") throws -> [KubernetesObject] {
        let set = DocumentReader.read(SourceText(name: file, bytes: Array(text.utf8)))
        try #require(set.problems.isEmpty, "\(set.problems)")
        return set.documents.flatMap { KubernetesObject.objects(in: $0).objects }
    }

    private static let deployment = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: api, namespace: shop, uid: d}
        spec: {template: {metadata: {labels: {app: api}}, spec: {hostPID: true, containers: [{name: a, image: "x/a:1"}]}}}
        """
    private static let replicaSet = """
        apiVersion: apps/v1
        kind: ReplicaSet
        metadata: {name: api-1, namespace: shop, uid: r, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: api, uid: d, controller: true}]}
        spec: {template: {metadata: {labels: {app: api}}, spec: {hostPID: true, containers: [{name: a, image: "x/a:1"}]}}}
        """
    private static func pod(_ name: String, hostNetwork: Bool = false) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name), namespace: shop, uid: \(name), ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: api-1, uid: r, controller: true}]}
        spec: {hostPID: true, hostNetwork: \(hostNetwork), containers: [{name: a, image: "x/a:1"}]}
        """
    }

    private func scanned(_ objects: [KubernetesObject]) async -> PostureScan {
        var scan = PostureScan(Inventory(objects), options: ScanOptions(cluster: "test"))
        await scan.evaluateAll(width: 2)
        return scan
    }

    private func summary(_ scan: PostureScan) -> [String] {
        scan.report(target: "", generatedAt: "", version: "").findings.map { finding in
            let places = finding.evidence.map { "\($0.object.map { "\($0)" } ?? "") \($0.path): \($0.message)" }
            return "\(finding.outcome) \(finding.rule.id) \(finding.subject) \(finding.severity) \(places)"
        }
    }

    @Test func podsFoldIntoTheirDeployment() async throws {
        let all = try objects(
            [Self.deployment, Self.replicaSet, Self.pod("p1"), Self.pod("p2")].joined(separator: "\n---\n"))
        let findings = await scanned(all).report(target: "", generatedAt: "", version: "").findings
        let hostPID = findings.filter { $0.rule.id == "pod/host-pid" }
        #expect(hostPID.map(\.subject.description) == ["Deployment shop/api"])
        #expect(hostPID.first?.evidence.count == 1)
        #expect(Set(findings.map(\.subject.description)) == ["Deployment shop/api", "Namespace shop"])
    }

    @Test func aPodThatDiffersFromItsTemplateAddsItsPlace() async throws {
        let all = try objects(
            [Self.deployment, Self.replicaSet, Self.pod("p1", hostNetwork: true)].joined(separator: "\n---\n"))
        let findings = await scanned(all).report(target: "", generatedAt: "", version: "").findings
        let network = try #require(findings.first { $0.rule.id == "pod/host-network" })
        #expect(network.subject.description == "Deployment shop/api")
        #expect(network.evidence.first?.object?.description == "Pod shop/p1")
    }

    @Test func evaluatingWhatChangedEqualsEvaluatingEverything() async throws {
        let binding = """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: admin}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
            subjects: [{kind: ServiceAccount, name: default, namespace: shop}]
            """
        let role = """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: cluster-admin}
            rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
            """
        let account =
            "{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: shop}, automountServiceAccountToken: false}"
        let texts = [
            Self.deployment, Self.replicaSet, Self.pod("p1"), Self.pod("p2", hostNetwork: true), binding, role, account,
        ]
        let all = try texts.flatMap { try objects($0) }
        var live = await scanned([])
        for (index, object) in all.enumerated() {
            live.apply(.added(object))
            let fresh = await scanned(Array(all[...index]))
            #expect(summary(live) == summary(fresh), "after adding \(object.reference)")
        }
        for (index, object) in all.enumerated() {
            live.apply(.deleted(object))
            let fresh = await scanned(Array(all[(index + 1)...]))
            #expect(summary(live) == summary(fresh), "after deleting \(object.reference)")
        }
        #expect(summary(live).isEmpty)
    }

    @Test func whatDecidesOverOthersIsFollowed() async throws {
        let limits = """
            apiVersion: v1
            kind: LimitRange
            metadata: {name: defaults, namespace: shop}
            spec: {limits: [{type: Container, default: {cpu: 1, memory: 64Mi}, defaultRequest: {cpu: 1, memory: 64Mi}}]}
            """
        let workload = try objects(Self.deployment)
        let range = try objects(limits)
        var live = await scanned(workload)
        let before = summary(live)
        live.apply(.added(range[0]))
        #expect(summary(live) != before, "the namespace's limits answer what the workload leaves out")
        #expect(summary(live) == summary(await scanned(workload + range)))
        live.apply(.deleted(range[0]))
        #expect(summary(live) == before)
    }

    @Test func onlyTheChecksAskedForCount() async throws {
        var scan = PostureScan(
            Inventory(try objects(Self.deployment)),
            options: ScanOptions(include: ["pod/host-*"], exclude: ["pod/host-port"]))
        await scan.evaluateAll()
        let report = scan.report(target: "", generatedAt: "", version: "")
        #expect(report.findings.map(\.rule.id) == ["pod/host-pid"])
        #expect(report.coverage.failed == 1)
        #expect(report.coverage.passed == report.rules.count - 1)
    }

    @Test func rightsAreToldBesideTheRest() async throws {
        let text = """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: admin}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
            subjects: [{kind: ServiceAccount, name: robot, namespace: shop}]
            """
        var scan = PostureScan(Inventory(try objects(text, file: "b.yaml")))
        await scan.evaluateAll()
        let report = scan.report(target: "", generatedAt: "", version: "")
        #expect(report.findings.contains { $0.rule.id == "rbac/cluster-admin-bound" && $0.location?.file == "b.yaml" })
    }

    @Test func theSameInputGivesTheSameOrder() async throws {
        let all = try objects([Self.deployment, Self.pod("p1"), Self.pod("p2")].joined(separator: "\n---\n"))
        let first = summary(await scanned(all))
        for _ in 0..<5 { #expect(summary(await scanned(all)) == first) }
    }
}
