import Documents
import Findings
import Kubernetes
import Testing

@testable import Secrets

@Suite("Secrets in objects")
struct ObjectTests {
    private func scan(_ yaml: String, isManifest: Bool = true) -> [ObjectSecret] {
        let set = DocumentReader.read(SourceText(name: "a.yaml", bytes: Array(yaml.utf8)))
        var scanner = ObjectScanner(seal: .unkeyed, isManifest: isManifest)
        return set.documents.flatMap { KubernetesObject.objects(in: $0).objects }.flatMap { scanner.scan($0) }
    }

    private func pod(_ container: String) -> String {
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    image: a:1\n"
            + container.split(separator: "\n").map { "    \($0)\n" }.joined()
    }

    @Test(
        "a value stands where its field says",
        arguments: [
            ("env: [{name: DB_PASSWORD, value: kV9x2mQp7LzT}]", "spec.containers[0].env[0].value"),
            ("args: [--token, kV9x2mQp7LzT88]", "spec.containers[0].args[1]"),
            ("args: [--db-password=kV9x2mQp7LzT]", "spec.containers[0].args[0]"),
            ("command: [curl, -u, 'deploy:kV9x2mQp7LzT', 'https://x.test']", "spec.containers[0].command[2]"),
            ("command: [sh, -c, 'mysql -uroot -pkV9x2mQp7LzT']", "spec.containers[0].command[2]"),
            (
                "livenessProbe: {httpGet: {path: /, httpHeaders: [{name: X-Api-Key, value: kV9x2mQp7LzT88}]}}",
                "spec.containers[0].livenessProbe.httpGet.httpHeaders[0].value"
            ),
        ])
    func places(_ container: String, _ path: String) {
        #expect(scan(pod(container)).map { "\($0.node.path)" } == [path])
    }

    @Test(
        "references and settings about credentials are silent",
        arguments: [
            "env: [{name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}]",
            "env: [{name: DB_PASSWORD, value: $(OTHER)}]", "env: [{name: PASSWORD_FILE, value: /run/secrets/x}]",
            "env: [{name: DB_PASSWORD, value: ''}]", "args: [--password=$(DB_PASSWORD)]",
            "args: [--secret-name=web-tls, --token-ttl=1h]",
            "env: [{name: AWS_ACCESS_KEY_ID, value: AKIAIOSFODNN7EXAMPLE}]",
        ])
    func silent(_ container: String) { #expect(scan(pod(container)).isEmpty) }

    @Test("data of a Secret counts in a file, not in a cluster")
    func secretData() {
        let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: kV9x2mQp7LzT}\n"
        #expect(scan(text).map(\.place) == [.secretManifest])
        #expect(scan(text, isManifest: false).isEmpty)
    }

    @Test("a value of fifty megabytes and binary data are read and end")
    func bigValue() {
        let text =
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: \""
            + String(repeating: "password=x ", count: 1 << 16) + "\"\nbinaryData: {b: //////79, c: '***'}\n"
        #expect(scan(text).isEmpty)
    }

    @Test("no report format shows a value")
    func formats() throws {
        let value = "kV9x2mQp7LzT55Wq"
        let yaml =
            pod("args: ['--token', '\(value)']\nenv: [{name: API_TOKEN, value: \(value)}]")
            + "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {password: \(value)}\n"
        let set = DocumentReader.read(SourceText(name: "a.yaml", bytes: Array(yaml.utf8)))
        let objects = set.documents.flatMap { KubernetesObject.objects(in: $0).objects }
        let evaluation = SecretsEvaluation(Inventory(objects), isCluster: false, key: [1, 2, 3])
        var report = Report(
            target: "a.yaml", isCluster: false, generatedAt: "2026-11-23T00:00:00Z", version: "0", problems: [],
            rules: evaluation.rules)
        for object in objects { report.findings += evaluation.evaluate(object).findings }
        #expect(report.findings.count == 2)
        for format in ReportFormat.allCases {
            var bytes: [UInt8] = []
            format.write(report, options: RenderOptions()) { bytes += $0 }
            #expect(!String(decoding: bytes, as: UTF8.self).contains(value), "\(format)")
        }
    }
}
