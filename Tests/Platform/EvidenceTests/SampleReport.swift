import Compliance
import Documents
import Findings
import Foundation
import Kubernetes
import Testing

/// A report with every state in it, and names as hostile as a cluster lets them be.
enum SampleReport {
    static let hostile = "<script>alert(1)</script>\u{202E}) Tj ET\\ =1+1 \u{1F600}\u{4E2D}"

    static func make(_ id: String = "soc2", hostile: Bool = true, period: Period? = nil) throws -> ComplianceReport {
        let rules = [
            "pod/host-port", "pod/privileged", "rbac/wildcard", "rbac/secrets-read", "ingress/no-tls",
            "network/no-default-deny-ingress",
        ]
        .map { Rule($0, .high, title: "title of \($0)", why: "why", remedy: "remedy") }
        let name = hostile ? Self.hostile : "web"
        let subject = ObjectReference(group: "apps", kind: "Deployment", namespace: "shop", name: name)
        var report = Report(
            target: hostile ? "cluster \(Self.hostile)" : "example", isCluster: true,
            generatedAt: "2026-11-23T10:00:00Z", version: "0.9.0", rules: rules)
        report.findings = [
            Finding(rule: rules[0], outcome: .fail, subject: subject, evidence: []),
            Finding(rule: rules[2], outcome: .waived, subject: subject, evidence: []),
            Finding(rule: rules[3], outcome: .notObservable, subject: subject, evidence: []),
        ]
        report.findings[1].waiver = Waiver(
            owner: hostile ? Self.hostile : "ada", reason: "=HYPERLINK(\"x\")", expires: "2027-01-31",
            scope: .init(check: "rbac/wildcard", namespace: "shop"), place: "waivers.yaml:1:1")
        let at = try #require(Moment("2026-11-23T10:00:00Z"))
        let days = (0..<200).map { EvidenceHistory.Scan(at: Moment(seconds: at.seconds - $0 * 86_400)) }
        let history = EvidenceHistory(
            scans: days,
            changes: [
                .init(
                    at: Moment(seconds: at.seconds - 864_000), check: "pod/host-port",
                    subject: "Deployment shop/\(name)",
                    outcome: .fail, actor: "ada")
            ])
        let expires = try #require(CalendarDate("2027-01-01"))
        let attestation = Attestation(
            subject: "soc2/CC1.1", owner: "Ada", statement: name, file: "conduct.pdf",
            sha256: String(repeating: "ab", count: 32), date: Moment(seconds: at.seconds - 86_400),
            expires: expires, place: "")
        let facts = ComplianceFacts(
            report: report,
            populations: ["workloads": [subject], "rights": [subject, subject], "namespaces": [subject]],
            attestations: [attestation], history: history, at: at)
        let framework = try #require(ComplianceCatalogue.builtIn.framework(id))
        return try ComplianceEvaluation(facts).report(framework, over: period)
    }

    static func period() throws -> Period {
        let start = try #require(Moment("2026-10-01"))
        let end = try #require(Moment("2026-11-23"))
        return try #require(Period(from: start, to: end))
    }

    /// Runs another program; nil where it is not installed.
    static func run(_ program: String, _ arguments: [String]) throws -> (status: Int32, output: String)? {
        let folders = ["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
        let path =
            program.hasPrefix("/")
            ? program : folders.map { "\($0)/\(program)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
        guard let path, FileManager.default.isExecutableFile(atPath: path) else { return nil }
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }

    static func inFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-evidence-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }
}
