import Documents
import Foundation
import Kubernetes
import RBAC

/// Right-sizing from a recorded audit log, judged by every check the server really made.
extension ConformanceSuite {
    private struct Run {
        var name: String
        var model: AccessModel
        var sizing: RightSizing
        /// What replaced the bindings it replaces, for each subject; all other bindings as they were.
        var proposed: AccessModel
    }

    private static func runs(_ folder: ConformanceFolder) throws -> [Run] {
        try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/audit").filter { $0.hasPrefix("run-") }
            .sorted().map { name in
                var usage = AuditUsage()
                for event in try folder.gzipLines("audit/\(name)/audit.jsonl.gz") { usage.read(event) }
                let objects = try folder.objects("audit/\(name)/rbac-objects.jsonl.gz")
                let model = AccessModel(objects, aggregation: .stored)
                let sizing = RightSizing(usage, model)
                let replaced = Set(sizing.proposals.flatMap(\.replaces))
                let kept = objects.filter { !replaced.contains($0.reference) }
                let made = sizing.proposals.flatMap { RightSizing.objects($0.subject, $0.rules) }
                return Run(
                    name: name, model: model, sizing: sizing,
                    proposed: AccessModel(kept + made, aggregation: .stored))
            }
    }

    /// Every check that RBAC allowed must be allowed by what is proposed.
    static func auditReplay(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for run in try runs(folder) {
            for (number, line) in try folder.gzipLines("audit/\(run.name)/authz-checks.jsonl.gz").enumerated() {
                let who = identity(line)
                guard run.model.isAllowed(who, request(line)) else { continue }
                agreement.note(
                    "\(run.name):\(number + 1)",
                    run.proposed.isAllowed(who, request(line)) ? nil : "denied: \(who.user) \(request(line))")
            }
        }
        return agreement
    }

    static func auditUnusedBindings(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for run in try runs(folder) {
            let unused = Set(run.sizing.unusedBindings)
            for line in try folder.gzipLines("audit/\(run.name)/expected-binding-usage.jsonl.gz") {
                let reference = ObjectReference(
                    group: AccessModel.group, kind: line["kind"].string ?? "",
                    namespace: line["namespace"].string ?? "", name: line["name"].string ?? "")
                agreement.note(
                    "\(run.name) \(reference)", expected: "\(line["checksItCouldAllow"].int == 0)",
                    found: "\(unused.contains(reference))")
            }
        }
        return agreement
    }

    /// Of the single rights a run's proposals hold, at most one in twenty may be one that no check needed.
    static func auditExcess(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for run in try runs(folder) {
            var needed: [String: [AccessRequest]] = [:]
            for line in try folder.gzipLines("audit/\(run.name)/authz-checks.jsonl.gz") {
                needed[line["user"].string ?? "", default: []].append(request(line))
                for group in line["groups"].strings { needed["group \(group)", default: []].append(request(line)) }
            }
            var total = 0
            var unneeded: [String] = []
            for proposal in run.sizing.proposals {
                let key =
                    proposal.subject.kind == .group ? "group \(proposal.subject.name)" : proposal.subject.matchedName
                for (namespace, rules) in proposal.rules.sorted(by: { $0.key < $1.key }) {
                    for part in rules.flatMap(RuleCovering.parts) {
                        total += 1
                        let isNeeded = (needed[key] ?? []).contains {
                            part.allows($0) && (namespace.isEmpty || $0.namespace == namespace)
                        }
                        if !isNeeded { unneeded.append("\(proposal.subject): \(part) in \(namespace)") }
                    }
                }
            }
            agreement.note(
                run.name,
                unneeded.count * 20 <= total
                    ? nil : "\(unneeded.count) of \(total) rights not needed: \(unneeded.joined(separator: "; "))")
        }
        return agreement
    }
}
