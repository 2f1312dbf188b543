import Documents
import Findings
import Kubernetes
import Posture
import SecretSearch
import Secrets
import Testing

/// Archives that lie in a ConfigMap's `binaryData`, as the scan of everything meets them.
@Suite("Archives in objects")
struct ArchiveInObjectTests {
    private static let secret = "DB_PASSWORD=kV9x2mQp7LzT\n"

    private static func tar(_ name: String, _ bytes: [UInt8]) -> [UInt8] {
        ImageSearchTests.tar([(name: name, bytes: bytes)])
    }

    /// The bytes in tars, one in the other.
    private static func nested(_ depth: Int) -> [UInt8] {
        (0..<depth).reduce(tar("app/.env", Array(secret.utf8))) { inner, level in tar("level\(level).tar", inner) }
    }

    private static func configMap(_ key: String, _ bytes: [UInt8]) -> Inventory {
        let text = """
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: files, namespace: shop}
            binaryData: {\(key): \(Base64.encoded(bytes))}
            """
        let set = DocumentReader.read(SourceText(name: "files.yaml", bytes: Array(text.utf8)))
        return Inventory(set.documents.flatMap { KubernetesObject.objects(in: $0).objects })
    }

    private static func evaluate(
        _ bytes: [UInt8], _ archives: ArchiveOpener?
    ) -> (rules: [String], messages: [String], unseen: Int) {
        let inventory = configMap("files.tar", bytes)
        let evaluation = SecretsEvaluation(inventory, isCluster: true, archives: archives)
        let results = inventory.keys.compactMap { inventory[$0] }.map(evaluation.evaluate)
        let findings = results.flatMap(\.findings)
        return (
            findings.map(\.rule.id), findings.flatMap(\.evidence).map(\.message),
            results.reduce(0) { $0 + $1.coverage.notObservable }
        )
    }

    @Test("the scan of everything opens them as `secrets scan` does, and says which member holds what")
    func scanOpensArchives() async {
        let inventory = Self.configMap("files.tar", Self.nested(0))
        var scan = PostureScan(inventory, options: ScanOptions(include: ["secrets/plaintext*"], archives: .bounded))
        await scan.evaluateAll()
        #expect(scan.report(target: "", generatedAt: "", version: "").failures.count == 1)
        let found = Self.evaluate(Self.nested(0), .bounded)
        #expect(found.rules == ["secrets/plaintext-value"])
        #expect(found.messages.allSatisfy { $0.contains("app/.env") && !$0.contains("kV9x2mQp7LzT") })
        #expect(found.unseen == 0)
    }

    @Test("archives in archives are opened too, up to a depth; what lies deeper counts as not observed")
    func nestedArchives() {
        #expect(Self.evaluate(Self.nested(3), .bounded).rules == ["secrets/plaintext-value"])
        let deep = Self.evaluate(Self.nested(9), .bounded)
        #expect(deep.rules.isEmpty)
        #expect(deep.unseen == 1)
    }

    @Test("without somebody who opens archives, and with one that is damaged, nothing reads as clean")
    func shutArchives() {
        #expect(Self.evaluate(Self.nested(0), nil).unseen == 1)
        let cut = Self.evaluate(Array("PK\u{3}\u{4}".utf8) + [UInt8](repeating: 7, count: 60), .bounded)
        #expect(cut.rules.isEmpty)
        #expect(cut.unseen == 1)
    }
}
