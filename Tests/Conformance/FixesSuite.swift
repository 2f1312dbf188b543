import Documents
import Findings
import Foundation
import Kubernetes
import Manifests
import PodSecurity
import Posture

/// Fixes over the real manifests of the corpus, through the text of their files.
enum FixesSuite {
    /// Workloads that need only field changes: every violation at restricted:latest is a right that nobody asked for
    /// (no `allowPrivilegeEscalation: false`, no `drop: [ALL]`, no seccomp profile, no `runAsNonRoot: true`), nothing
    /// that was set on purpose. A case agrees when the file, written and read again, has the workload at restricted.
    static func reachRestricted(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        try forEachFile(folder) { file in
            for workload in file.workloads where needsOnlyFields(workload.object) {
                agreement.note(workload.id, file.difference(workload))
            }
        }
        return agreement
    }

    /// Every workload with a patch: none opens a finding of any engine, in the file as written and read again.
    static func openNothing(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        try forEachFile(folder) { file in
            for workload in file.workloads {
                guard let fix = file.fixes[workload.key], !fix.isEmpty else { continue }
                agreement.note(workload.id, file.opened(workload, fix))
            }
        }
        return agreement
    }

    private static func needsOnlyFields(_ object: KubernetesObject) -> Bool {
        let evaluator = PodSecurityEvaluator()
        let templates = object.podTemplates
        let violations = templates.flatMap {
            evaluator.evaluate(PodSecurityInput($0, of: object), level: .restricted).violations
        }
        return !violations.isEmpty && templates.allSatisfy { $0.discovery != .shape }
            && violations.allSatisfy { violation in
                switch violation.check {
                case .allowPrivilegeEscalation, .runAsNonRoot: true
                case .seccompRestricted: violation.fields.allSatisfy { !$0.exists }
                case .capabilitiesRestricted: violation.fields.allSatisfy { $0.path.last == .key("drop") }
                default: false
                }
            }
    }

    private static func forEachFile(_ folder: ConformanceFolder, _ body: (FixedCorpusFile) -> Void) throws {
        let root = "\(folder.path)/corpus"
        guard let names = FileManager.default.enumerator(atPath: root) else {
            throw ConformanceError(description: "cannot read \(root)")
        }
        let files = names.compactMap { $0 as? String }.filter { name in
            [".yaml", ".yml", ".json"].contains(where: name.hasSuffix) && name != "PROVENANCE.json"
        }
        for name in files.sorted() {
            guard let data = FileManager.default.contents(atPath: "\(root)/\(name)") else { continue }
            body(FixedCorpusFile(name, Array(data)))
        }
    }
}

/// One file with every fix written into it.
private struct FixedCorpusFile {
    struct Workload {
        var key: ObjectKey
        var object: KubernetesObject
        var id: String { "\(object.file)#\(object.document).\(object.item) \(object.reference)" }
    }

    let workloads: [Workload]
    let fixes: [ObjectKey: VerifiedFix]
    private let file: FixedFile?
    private let before: FixPlanner
    private let after: [ObjectKey: KubernetesObject]
    private let evaluated: [ObjectKey: [Finding]]

    init(_ name: String, _ bytes: [UInt8]) {
        let inventory = Inventory(ManifestReader.parse(bytes, named: name, explicit: false).objects)
        before = FixPlanner(engines: inventory)
        workloads = inventory.workloadKeys.compactMap { key in inventory[key].map { Workload(key: key, object: $0) } }
        let all = before.fixes()
        fixes = Dictionary(all.map { ($0.key, $0) }) { first, _ in first }
        file = FixFiles.files(all).first
        guard let file, file.isChanged else {
            (after, evaluated) = ([:], [:])
            return
        }
        let written = Inventory(ManifestReader.parse(file.after, named: name, explicit: false).objects)
        after = Dictionary(written.keys.compactMap { key in written[key].map { (key, $0) } }) { first, _ in first }
        let planner = FixPlanner(engines: written)
        evaluated = Dictionary(written.workloadKeys.map { ($0, planner.findings(on: $0)) }) { first, _ in first }
    }

    func difference(_ workload: Workload) -> String? {
        guard let object = after[workload.key] else { return "nothing was written: \(refusal(workload))" }
        let evaluator = PodSecurityEvaluator()
        let violations = object.podTemplates.flatMap {
            evaluator.evaluate(PodSecurityInput($0, of: object), level: .restricted).violations
        }
        return violations.isEmpty ? nil : "\(violations.map(\.text)) \(refusal(workload))"
    }

    func opened(_ workload: Workload, _ fix: VerifiedFix) -> String? {
        guard fix.opened.isEmpty else { return "opens \(fix.opened.map(\.rule.id))" }
        let old = Set(before.findings(on: workload.key).filter { $0.outcome == .fail }.map(\.fingerprint))
        let fresh = (evaluated[workload.key] ?? []).filter { $0.outcome == .fail && !old.contains($0.fingerprint) }
        return fresh.isEmpty ? nil : "opens \(fresh.map(\.rule.id)) once written"
    }

    private func refusal(_ workload: Workload) -> String {
        let reasons = file?.refused.filter { $0.object == workload.object.reference }.map(\.reason) ?? []
        let steps = fixes[workload.key]?.refused.map(\.reason) ?? []
        return (reasons + steps).joined(separator: "; ")
    }
}
