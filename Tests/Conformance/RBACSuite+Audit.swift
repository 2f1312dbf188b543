import Documents
import Foundation
import Kubernetes
import RBAC

/// Right-sizing from a recorded audit log, judged by every check the server really made.
extension ConformanceSuite {
    private struct Run {
        var name: String
        var model: AccessModel
        var roles: [KubernetesObject]
        var sizing: RightSizing
        /// What replaced the bindings it replaces, for each subject; all other bindings as they were.
        var proposed: AccessModel
    }

    private static func runs(_ folder: ConformanceFolder) throws -> [Run] {
        try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/audit").filter { $0.hasPrefix("run-") }
            .sorted().map { name in
                let objects = try folder.objects("audit/\(name)/rbac-objects.jsonl.gz")
                let model = AccessModel(objects, aggregation: .stored)
                var usage = AuditUsage(subjects: model.subjects)
                for event in try folder.gzipLines("audit/\(name)/audit.jsonl.gz") { usage.read(event) }
                let sizing = RightSizing(usage, model)
                let replaced = Set(sizing.proposals.flatMap(\.replaces))
                let kept = objects.filter { !replaced.contains($0.reference) }
                let made = sizing.proposals.flatMap { RightSizing.objects($0.subject, $0.rules) }
                return Run(
                    name: name, model: model, roles: objects.filter { $0.kind.hasSuffix("Role") }, sizing: sizing,
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

    /// What each user and each group's members needed, and everything that anybody asked for, each once.
    private static func needs(_ folder: ConformanceFolder, _ run: Run) throws -> (
        byUser: [String: Set<AccessRequest>], all: Set<AccessRequest>
    ) {
        var byUser: [String: Set<AccessRequest>] = [:]
        var all: Set<AccessRequest> = []
        for line in try folder.gzipLines("audit/\(run.name)/expected-needed.jsonl.gz") {
            for check in line["checks"].elements {
                let isPath = check["path"].exists
                func text(_ key: String) -> String { check[key].string ?? "" }
                let request =
                    isPath
                    ? AccessRequest(text("verb"), path: text("path"))
                    : AccessRequest(
                        text("verb"),
                        AccessRequest.Resource(
                            group: text("group"), text("resource"), subresource: text("subresource"),
                            name: text("name"), namespace: text("namespace")))
                all.insert(request)
                guard check["allowedByRBAC"].bool == true else { continue }
                byUser[line["user"].string ?? "", default: []].insert(request)
                for group in line["groups"].strings { byUser["group \(group)", default: []].insert(request) }
            }
        }
        return (byUser, all)
    }

    private static func key(_ subject: Subject) -> String {
        subject.kind == .group ? "group \(subject.name)" : subject.matchedName
    }

    private static func alone(_ subject: Subject) -> Identity {
        subject.kind == .group ? Identity(user: "", groups: [subject.name]) : Identity(user: subject.matchedName)
    }

    /// Of everything that was asked for by anybody and that a subject could do without needing it, at least 95 of 100
    /// are gone with its proposal.
    static func auditRemoved(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for run in try runs(folder) {
            let needs = try needs(folder, run)
            var before = 0
            var after = 0
            for proposal in run.sizing.proposals where proposal.denied.isEmpty {
                let needed = needs.byUser[key(proposal.subject)] ?? []
                let who = alone(proposal.subject)
                let own = AccessModel(RightSizing.objects(proposal.subject, proposal.rules), aggregation: .stored)
                let old = AccessModel(
                    run.model.bindings(of: proposal.subject).filter { proposal.replaces.contains($0.binding.reference) }
                        .map(\.binding) + run.roles, aggregation: .stored)
                for request in needs.all where !needed.contains(request) && old.isAllowed(who, request) {
                    before += 1
                    if own.isAllowed(who, request) { after += 1 }
                }
            }
            print("rbac/audit.removed \(run.name): \(before - after) of \(before) excess grants removed")
            agreement.note(run.name, after * 20 <= before ? nil : "\(after) of \(before) excess grants are left")
        }
        return agreement
    }

    /// A run's proposals have at most 1.2 times the rules that its needs put together would have.
    static func auditRules(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for run in try runs(folder) {
            let needs = try needs(folder, run)
            var proposed = 0
            var smallest = 0
            for proposal in run.sizing.proposals where proposal.denied.isEmpty {
                proposed += proposal.rules.values.reduce(0) { $0 + $1.count }
                var parts: [String: [PolicyRule]] = [:]
                let needed = (needs.byUser[key(proposal.subject)] ?? []).filter {
                    run.model.isAllowed(alone(proposal.subject), $0)
                }
                for request in needed.sorted(by: { $0.description < $1.description }) {
                    switch request.target {
                    case .path(let path):
                        parts["", default: []].append(PolicyRule(verbs: [request.verb], nonResourceURLs: [path]))
                    case .resource(let target):
                        parts[target.namespace, default: []].append(
                            PolicyRule(
                                verbs: [request.verb], apiGroups: [target.group], resources: [target.combined],
                                resourceNames: target.name.isEmpty ? [] : [target.name]))
                    }
                }
                smallest += parts.values.reduce(0) { $0 + PolicyRule.joined($1).count }
            }
            print("rbac/audit.rules \(run.name): \(proposed) rules proposed, \(smallest) at least")
            agreement.note(
                run.name, proposed * 10 <= smallest * 12 ? nil : "\(proposed) rules where \(smallest) would do")
        }
        return agreement
    }
}
