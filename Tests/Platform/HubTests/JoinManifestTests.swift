import Documents
import Findings
import Hub
import Kubernetes
import Posture
import Testing

@Suite struct JoinManifestTests {
    /// Where the hub and the API server are is not known when the manifest is made: its policy names their ports only,
    /// and the name servers' namespace is not in it.
    private static let known: Set<String> = [
        "network/peer-selects-nothing", "network/internet-egress", "network/cross-namespace-open",
    ]

    @Test(arguments: JoinManifest.Storage.allCases)
    func theAgentsOwnManifestHasNothingToReport(_ storage: JoinManifest.Storage) async throws {
        var manifest = JoinManifest(
            hub: "hub.example.org:8444", token: "mlj_x.y",
            image: "registry.example.org/martlet@sha256:" + String(repeating: "a", count: 64))
        manifest.storage = storage
        let set = DocumentReader.read(SourceText(name: "join.yaml", bytes: Array(manifest.yaml.utf8)))
        #expect(set.problems.isEmpty)
        let objects = set.documents.flatMap { KubernetesObject.objects(in: $0).objects }
        #expect(objects.count == 10)
        var scan = PostureScan(Inventory(objects), options: ScanOptions(cluster: "edge"))
        await scan.evaluateAll(width: 1)
        let failing = scan.owners.flatMap { scan.result(of: $0)?.findings ?? [] }.filter {
            $0.outcome == .fail && !Self.known.contains($0.rule.id)
        }
        #expect(failing.map { "\($0.rule.id) \($0.subject.name): \($0.evidence.first?.message ?? "")" } == [])
    }

    @Test func theAgentMayReadNoSecretAndChangeNothingButItsLease() throws {
        let manifest = JoinManifest(hub: "hub:8444", token: "mlj_x.y", image: "martlet")
        let set = DocumentReader.read(SourceText(name: "join.yaml", bytes: Array(manifest.yaml.utf8)))
        let roles = set.documents.map(\.root).filter { ["Role", "ClusterRole"].contains($0["kind"].string ?? "") }
        #expect(roles.count == 2)
        for rule in roles.flatMap({ $0["rules"].elements }) {
            let resources = rule["resources"].strings
            #expect(!resources.contains { $0.contains("*") || $0 == "secrets" || $0.hasPrefix("pods/") })
            #expect(!rule["verbs"].strings.contains("*") && !rule["apiGroups"].strings.contains("*"))
            let changes = Set(rule["verbs"].strings).subtracting(["get", "list", "watch"])
            guard !changes.isEmpty else { continue }
            #expect(changes == ["update"] && resources == ["leases"])
            #expect(rule["resourceNames"].strings == ["martlet-agent"])
        }
    }
}
