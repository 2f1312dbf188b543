import Documents
import PodSecurity

/// The plan as a person reads it in a terminal: a table of namespaces, then what to do in each.
package struct PlanText: Sendable {
    private let width: Int
    private let paint: Paint

    package init(width: Int = 100, colour: Bool = false) {
        self.width = max(width, 60)
        paint = Paint(isOn: colour)
    }

    package func text(_ plan: PodSecurityPlan) -> String {
        var out = [paint.bold("Pod Security plan, policy version \(plan.version)"), ""]
        out += table(plan.namespaces)
        for namespace in plan.namespaces where namespace.target != nil { out += [""] + details(namespace) }
        if !plan.system.isEmpty {
            out += ["", paint.bold("System namespaces, shown apart: their makers set their levels"), ""]
            out += table(plan.system)
        }
        return out.joined(separator: "\n") + "\n"
    }

    // MARK: Table

    private func table(_ plans: [NamespacePlan]) -> [String] {
        guard !plans.isEmpty else { return ["no namespaces"] }
        let longest = plans.map { shown($0).count }.max() ?? 9
        // The other columns take 58.
        let name = min(max(longest, 9), max(width - 58, 9))
        var out = [
            paint.faint(
                "\(TextLayout.padded("NAMESPACE", name))  ENFORCED    MEETS       NEXT        BLOCKED      EFFORT")
        ]
        for plan in plans {
            let met = plan.unknown.isEmpty ? plan.met.rawValue : "\(plan.met.rawValue)?"
            let blocked = "\(plan.blocked.count) of \(plan.workloads)"
            let columns = [
                TextLayout.padded(shown(plan), name), TextLayout.padded(plan.policy.enforce.level.rawValue, 10),
                paintedLevel(plan, TextLayout.padded(met, 10)),
                TextLayout.padded(plan.target?.rawValue ?? "-", 10), TextLayout.padded(blocked, 11),
                plan.isReady ? paint.green("ready") : plan.target == nil ? "done" : String(plan.effort.score),
            ]
            out.append(columns.joined(separator: "  "))
        }
        return out
    }

    private func paintedLevel(_ plan: NamespacePlan, _ text: String) -> String {
        plan.met < plan.policy.enforce.level ? paint.red(text) : text
    }

    private func shown(_ plan: NamespacePlan) -> String { plan.name.isEmpty ? "(none named)" : plan.name }

    // MARK: Details

    private func details(_ plan: NamespacePlan) -> [String] {
        guard let target = plan.target else { return [] }
        var out = [paint.bold("\(shown(plan)) → \(target.rawValue)")]
        if plan.isExempt {
            out += wrap("exempt: the cluster's configuration lets everything pass, labels do nothing", 2)
        }
        for error in plan.labelErrors { out += wrap("wrong label: \(error)", 2).map(paint.red) }
        if !plan.isLabelled, !plan.name.isEmpty {
            out += wrap("no Namespace object was seen; its labels are taken for absent", 2).map(paint.faint)
        }
        out += wrap("effort: \(plan.effort.explanation)", 2).map(paint.faint)
        for workload in plan.blocked { out += details(workload) }
        for unknown in plan.unknown {
            out.append("  \(paint.yellow("?")) \(unknown.object)\(place(unknown.location))")
            out += wrap(unknown.reason, 6)
        }
        if plan.blocked.isEmpty, plan.unknown.isEmpty {
            out += wrap("every workload meets \(target.rawValue); it can be enforced", 2).map(paint.green)
        }
        for stage in plan.stages { out += command(stage) }
        if let rollback = plan.rollback { out += command(rollback) }
        return out
    }

    private func details(_ workload: WorkloadPlan) -> [String] {
        let hiding = workload.hiding.isEmpty ? "" : paint.yellow(" (\(workload.hiding))")
        var out = ["  \(workload.object.reference)\(hiding)\(place(workload.object.node.location))"]
        for violation in workload.violations {
            out += wrap("✗ \(violation.text)", 4)
            for field in violation.fields { out.append(paint.faint("        \(field.path)\(lineNumber(field))")) }
        }
        for extra in workload.onlyInPods {
            out += wrap("✗ only in pod \(extra.pod), changed after its template: \(extra.detail)", 4)
        }
        for step in workload.fix?.steps ?? [] {
            out.append("      \(paint.green("+")) \(step.operation.path) = \(value(step.operation.value))")
            if step.needsTrial { out += wrap(step.risk, 10).map(paint.faint) }
        }
        for decision in workload.fix?.decisions ?? [] {
            out += wrap("? \(decision.path): \(decision.reason)", 6).map(paint.yellow)
        }
        if workload.isFixable { out += wrap("the patch is enough", 6).map(paint.green) }
        for caution in workload.fix?.cautions ?? [] { out += wrap("note: \(caution)", 6).map(paint.faint) }
        return out
    }

    private func command(_ stage: LabelStage) -> [String] {
        ["  \(TextLayout.padded(stage.name, 8))  $ \(stage.command)"]
    }

    private func value(_ value: DocumentValue?) -> String {
        var writer = JSONWriter()
        writer.value(value ?? .null)
        return writer.string
    }

    private func place(_ location: SourceLocation?) -> String {
        location.map { paint.faint("  \($0.file):\($0.line)") } ?? ""
    }

    private func lineNumber(_ node: Node) -> String { node.location.map { "  line \($0.line)" } ?? "" }
    private func wrap(_ text: String, _ indent: Int) -> [String] { TextLayout.wrapped(text, indent, width) }
}

extension PlanText {
    /// The plan for a page: one table, one section for each namespace.
    package static func markdown(_ plan: PodSecurityPlan) -> String {
        var out = [
            "# Pod Security plan, policy version \(plan.version)", "",
            "| namespace | enforced | meets | next | blocked | effort |", "|---|---|---|---|---|---|",
        ]
        for namespace in plan.namespaces + plan.system {
            let cells = [
                cell(namespace.name.isEmpty ? "(none named)" : namespace.name), namespace.policy.enforce.description,
                namespace.met.rawValue + (namespace.unknown.isEmpty ? "" : "?"), namespace.target?.rawValue ?? "-",
                "\(namespace.blocked.count) of \(namespace.workloads)", namespace.effort.explanation,
            ]
            out.append("| \(cells.joined(separator: " | ")) |")
        }
        for namespace in plan.namespaces where namespace.target != nil { out += markdown(namespace) }
        return out.joined(separator: "\n") + "\n"
    }

    private static func markdown(_ plan: NamespacePlan) -> [String] {
        var out = [
            "", "## \(cell(plan.name.isEmpty ? "(none named)" : plan.name)) → \(plan.target?.rawValue ?? "")", "",
        ]
        for workload in plan.blocked {
            let hiding = workload.hiding.isEmpty ? "" : " (\(workload.hiding))"
            out.append("- **\(cell(workload.object.reference.description))**\(hiding)")
            out += workload.violations.map { "  - ✗ \(cell($0.text))" }
            out += workload.onlyInPods.map { "  - ✗ only in pod `\($0.pod)`: \(cell($0.detail))" }
            for decision in workload.fix?.decisions ?? [] {
                out.append("  - decide: `\(decision.path)`: \(cell(decision.reason))")
            }
            if let fix = workload.fix, !fix.isEmpty {
                out += ["", "  ```yaml"]
                out += (fix.strategic ?? fix.kustomizeJSON).yaml.split(separator: "\n").map { "  \($0)" }
                out += ["  ```", ""]
            }
        }
        out += plan.unknown.map { "- **\(cell($0.object.description))**: \(cell($0.reason))" }
        out += ["", "```sh"]
        out += plan.stages.map { "\($0.command)   # \($0.name)" }
        if let rollback = plan.rollback { out.append("\(rollback.command)   # rollback") }
        return out + ["```"]
    }

    private static func cell(_ text: String) -> String {
        text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
}
