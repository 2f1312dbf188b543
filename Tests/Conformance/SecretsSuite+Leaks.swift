import Documents
import Findings
import Foundation
import Kubernetes
import Posture
import Secrets

/// No output of Martlet holds a secret's value: every format over every object and file of the suite.
extension ConformanceSuite {
    /// Texts of the outputs in which a value may not stand.
    static func hiddenValues(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/k8s/cases").sorted()
        for name in names where name.hasSuffix(".yaml") {
            let bytes = try folder.bytes("k8s/cases/\(name)")
            let objects = DocumentReader.read(SourceText(name: name, bytes: bytes)).documents
                .flatMap { KubernetesObject.objects(in: $0).objects }
            let values = secretValues(of: objects)
            guard !values.isEmpty else { continue }
            let shown = outputs(name, bytes, objects).first { output in values.contains { output.text.contains($0) } }
            agreement.note("k8s/\(name)", shown.map { "\($0.name) shows a value" })
        }
        for entry in try folder.json("files/manifest.json").members {
            guard let raw = Base64.decode(try folder.bytes("files/\(entry.key).b64")) else { continue }
            let values = entry.value["expected"].elements.compactMap { $0["value_b64"].string }
                .compactMap { Base64.decode(Array($0.utf8)) }.map { String(decoding: $0, as: UTF8.self) }
                .filter(isLong)
            guard !values.isEmpty else { continue }
            let name = entry.value["originalPath"].string ?? entry.key
            let shown = scanOutputs(name, raw).first { output in values.contains { output.text.contains($0) } }
            agreement.note("files/\(entry.key)", shown.map { "\($0.name) shows a value" })
        }
        return agreement
    }

    /// Short values are words that an output may hold for other reasons.
    private static func isLong(_ value: String) -> Bool { value.utf8.count >= 10 }

    /// What detection found, taken from the objects: the bare value, or the wrapping it stands in.
    private static func secretValues(of objects: [KubernetesObject]) -> Set<String> {
        var scanner = ObjectScanner(seal: .unkeyed, isManifest: true)
        var values: Set<String> = []
        for object in objects {
            // Of a copy in an annotation the range is that of the value inside it.
            for found in scanner.scan(object) where found.place != .lastApplied {
                guard let text = found.node.text else { continue }
                let bytes = Array(text.utf8)
                guard found.secret.range.upperBound <= bytes.count else { continue }
                values.insert(String(decoding: bytes[found.secret.range], as: UTF8.self))
            }
        }
        return values.filter(isLong)
    }

    private static func scanOutputs(_ name: String, _ bytes: [UInt8]) -> [(name: String, text: String)] {
        var scan = SourceSecretScan(seal: SecretSeal(key: [UInt8](repeating: 7, count: 32)))
        let report = SecretScanReport(secrets: scan.scan(file: name, bytes: bytes), gaps: [], scanned: 1, version: "0")
        return SecretScanReport.Format.allCases.map { ("secrets scan \($0.rawValue)", report.render($0)) }
    }

    private static func outputs(
        _ name: String, _ bytes: [UInt8], _ objects: [KubernetesObject]
    ) -> [(name: String, text: String)] {
        let inventory = Inventory(objects)
        let scan = PostureScan(inventory)
        var report = scan.report(target: name, generatedAt: "2026-01-01T00:00:00Z", version: "0")
        for family in inventory.families() { report.findings += scan.evaluate(family).findings }
        let formats = ReportFormat.allCases.map { ("scan \($0.rawValue)", $0.render(report)) }
        let fixes = FixPlanner(engines: Inventory(objects), isCluster: false).fixes { _ in true }
        return scanOutputs(name, bytes) + formats + [("fix json", FixText.json(fixes, cluster: nil))]
    }
}
