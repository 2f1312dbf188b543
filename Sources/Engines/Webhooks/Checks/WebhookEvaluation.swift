package import Documents
package import Findings
package import Kubernetes

/// Judges webhook configurations and admission policies by what they block when they fail.
package struct WebhookEvaluation: Sendable {
    /// Ids of the rules to evaluate; nil for all.
    package var selected: Set<String>?
    package let isCluster: Bool
    private let unlistedKinds: Set<String>
    private let conditions: @Sendable (Node, AdmittedRequest) -> Bool?
    private let entries: [ObjectReference: [LockOutAnalysis.Entry]]

    /// - Parameter conditions: evaluates match conditions; nil where that cannot be decided.
    package init(
        _ inventory: Inventory, isCluster: Bool, unlistedKinds: Set<String> = [],
        conditions: @escaping @Sendable (Node, AdmittedRequest) -> Bool? = { _, _ in nil }
    ) {
        self.isCluster = isCluster
        self.unlistedKinds = unlistedKinds
        self.conditions = conditions
        entries = Dictionary(grouping: LockOutAnalysis(inventory, conditions: conditions).entries) {
            $0.gate.object.reference
        }
    }

    /// The same over another inventory.
    package func over(_ inventory: Inventory) -> WebhookEvaluation {
        var out = WebhookEvaluation(
            inventory, isCluster: isCluster, unlistedKinds: unlistedKinds, conditions: conditions)
        out.selected = selected
        return out
    }

    package var rules: [Rule] { WebhookRules.all.filter { selected?.contains($0.id) ?? true } }

    /// Kinds of gates: without any, nothing else matters.
    private static let gateKinds: Set<String> = [
        "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding", "MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding",
    ]

    /// Kinds that, when one of them changes, may change what is said of a gate.
    package static let kindsRead: Set<String> = gateKinds.union(["Namespace", "Service", "DaemonSet"])

    /// Whether a change of a kind may change anything here.
    package func reads(_ kind: String) -> Bool {
        Self.gateKinds.contains(kind)
            || (!entries.isEmpty
                && (Self.kindsRead.contains(kind) || ["Deployment", "StatefulSet", "ReplicaSet"].contains(kind)))
    }

    /// What is said of one configuration or policy; nothing of other kinds.
    package func evaluate(_ object: KubernetesObject) -> (findings: [Finding], coverage: Coverage) {
        guard object.apiVersion.group == AdmissionGate.group, let own = entries[object.reference] else {
            return ([], Coverage())
        }
        var notes: [(rule: Rule, report: CheckReport)] = WebhookRules.all.map { ($0, CheckReport()) }
        func note(_ rule: Rule, _ body: (inout CheckReport) -> Void) {
            guard let index = notes.firstIndex(where: { $0.rule == rule }) else { return }
            body(&notes[index].report)
        }
        for entry in own where entry.gate.object.file == object.file { judge(entry, note) }
        var findings: [Finding] = []
        var coverage = Coverage()
        coverage.objects = 1
        for (rule, report) in notes where selected?.contains(rule.id) ?? true {
            switch report.outcome {
            case .pass, .waived: coverage.passed += 1
            case .notApplicable: coverage.notApplicable += 1
            case .fail, .notObservable:
                let isFailure = report.outcome == .fail
                if isFailure { coverage.failed += 1 } else { coverage.notObservable += 1 }
                findings.append(
                    Finding(
                        rule: rule, severity: isFailure ? report.severity : nil, outcome: report.outcome,
                        subject: object.reference, file: object.file,
                        evidence: isFailure ? report.failures : report.unobservable, origin: ObjectOrigin(object)))
            }
        }
        return (findings, coverage)
    }

    private func judge(_ entry: LockOutAnalysis.Entry, _ note: (Rule, (inout CheckReport) -> Void) -> Void) {
        let gate = entry.gate
        let name = "\(gate.kind.rawValue) \"\(gate.name)\""
        if gate.kind != .policy, gate.timeoutSeconds > 5, gate.failsClosed {
            note(WebhookRules.patience) {
                $0.fail(at: gate.node["timeoutSeconds"], "\(name) waits \(gate.timeoutSeconds) s for an answer")
            }
        }
        guard gate.failsClosed else { return }
        let place = gate.node["failurePolicy"]
        blocked(entry.own, WebhookRules.lockOut, at: gate.node["namespaceSelector"], note) {
            "\(name) asks \(gate.backend.text) about \(Self.resources($0)) in its own namespace: "
                + Self.effects($0)
        }
        blocked(
            entry.bootstrap, WebhookRules.bootstrap, at: gate.node["rules"].exists ? gate.node["rules"] : place,
            isPolicy: gate.kind == .policy, note
        ) { "\(name) (\(gate.backend.text)) is asked about \(Self.resources($0)): \(Self.effects($0))" }
        if !entry.cycle.isEmpty {
            note(WebhookRules.cycle) {
                $0.fail(
                    at: gate.node["namespaceSelector"],
                    "\(name) and \(entry.cycle.map { "\"\($0)\"" }.joined(separator: ", ")) refuse each other's pods")
            }
        }
        if gate.kind != .policy {
            for plugin in entry.plugins {
                let text = "\(name) is asked about pods of \(plugin.workload), which gives nodes their \(plugin.part)"
                note(WebhookRules.plugins) { report in
                    if let doubt = plugin.doubt {
                        report.notObservable(at: gate.node["namespaceSelector"], "\(text), unless \(doubt)")
                    } else {
                        report.fail(at: gate.node["namespaceSelector"], text)
                    }
                }
            }
        }
        guard isCluster, let backend = entry.backend else { return }
        if !backend.isServiceSeen, !unlistedKinds.contains("Service") {
            note(WebhookRules.backendMissing) {
                $0.fail(
                    at: gate.node["clientConfig"]["service"],
                    "\(name): there is no service \(backend.namespace)/\(backend.service)")
            }
        }
        if backend.replicas == 1 {
            note(WebhookRules.singleReplica) {
                $0.fail(
                    at: place,
                    "\(name): one replica of \(backend.workloads[0].reference) answers for it")
            }
        }
    }

    private func blocked(
        _ all: [LockOutAnalysis.Blocked], _ rule: Rule, at node: Node, isPolicy: Bool = false,
        _ note: (Rule, (inout CheckReport) -> Void) -> Void, _ text: ([LockOutAnalysis.Blocked]) -> String
    ) {
        let certain = all.filter { $0.doubt == nil }
        if !certain.isEmpty {
            let told = text(certain)
            note(rule) { report in
                report.fail(at: node, told)
                // An expression answers by itself; only a mistake in it refuses.
                if isPolicy || !certain.contains(where: \.essential.isVital) { report.severity = .medium }
            }
        } else if let doubt = all.lazy.compactMap(\.doubt).first {
            let told = text(all)
            note(rule) { $0.notObservable(at: node, "\(told); but \(doubt)") }
        }
    }

    private static func resources(_ all: [LockOutAnalysis.Blocked]) -> String {
        var names: [String] = []
        for one in all where !names.contains(one.essential.request.resourceText) {
            names.append(one.essential.request.resourceText)
        }
        return names.joined(separator: ", ")
    }

    /// The first few effects; the resources tell the rest.
    private static func effects(_ all: [LockOutAnalysis.Blocked]) -> String {
        var texts: [String] = []
        let sorted = all.filter(\.essential.isVital) + all.filter { !$0.essential.isVital }
        for one in sorted where !texts.contains(one.essential.effect) { texts.append(one.essential.effect) }
        return texts.prefix(3).joined(separator: "; ") + (texts.count > 3 ? "; and more" : "")
    }
}
