import ArgumentParser
import Documents
import Kubernetes
import RBAC

struct RBACRightSizeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "right-size", abstract: "The smallest roles that still allow what an audit log shows was used.",
        discussion: """
            Reads audit.k8s.io/v1 events, one a line or as an EventList, gzip and zstd too. Every recorded request is
            replayed against a proposal; one that would deny any is not offered. What a log cannot show is kept and
            said; more than 256 names of one kind of request become all names. Something that runs more seldom than the log is long is not in it: mind the period.
            """)

    @OptionGroup var input: RBACInputOptions

    @Option(name: .customLong("audit-log"), parsing: .upToNextOption, help: "Audit logs; - for standard input.")
    var logs: [String]

    @Option(help: "Only events from this moment on, 2026-09-01 or 2026-09-01T00:00:00Z.")
    var since: String = ""

    @Flag(help: "Write who would lose what instead of the roles.")
    var diff = false

    func run() async throws {
        let read = try await input.read()
        if let hole = read.hole {
            // Rights that were not seen would be taken away by what is proposed without them.
            RBACOutput.write(
                input.output, ["CHANGE", "SUBJECT", "NAMESPACE", "RULE"], [],
                empty: "not observable: \(hole); nothing is proposed without them", hole: hole)
            return try read.finish()
        }
        let model = read.model
        var usage = AuditUsage(since: since, subjects: model.subjects)
        for log in logs {
            try LogFile.audit(log).read(into: &usage)
        }
        let sizing = RightSizing(usage, model, objects: read.objects, bootstrap: read.bootstrap)
        let summary = usage.summary
        Console.note(
            "\(summary.events) events from \(summary.first) to \(summary.last), \(summary.malformed) malformed lines "
                + "skipped, \(summary.passedOver) passed over")
        if let note = usage.simplification { Console.note("martlet: \(note)") }
        Console.note(
            "kept by rule where the log cannot show it, and told with each: bind, escalate and sign, lists of one object by "
                + "its name, calls to kubelets; CronJobs that run more seldom than the log is long are not judged")
        if diff {
            writeDiff(sizing, model, read)
        } else if input.output != .table {
            RBACOutput.write(
                input.output, ["SUBJECT", "NAMESPACE", "WHAT", "RULE", "WHY"], Self.rows(sizing, read.bootstrap),
                empty: "")
        } else {
            Console.print(Self.yaml(sizing, read.bootstrap))
        }
        try read.finish()
    }

    private func writeDiff(_ sizing: RightSizing, _ model: AccessModel, _ read: RBACInput) {
        let offered = sizing.proposals.filter(\.denied.isEmpty)
        var after = model
        // A binding of several subjects goes when each of them has a proposal or was never seen.
        let settled = Set(offered.map(\.subject)).union(sizing.dormant)
        for object in read.objects where object.kind.hasSuffix("Binding") && AccessModel.concerns(object) {
            let own = model.subjects(of: object)
            guard !own.isEmpty, own.allSatisfy(settled.contains),
                !read.bootstrap.contains(object.reference)
            else { continue }
            after.apply(.deleted(object))
        }
        for proposal in offered {
            for object in RightSizing.objects(proposal.subject, proposal.rules) { after.apply(.added(object)) }
        }
        var rows: [[String]] = []
        for change in AccessDiff(from: model, to: after).changes {
            let place = change.namespace.isEmpty ? "*" : change.namespace
            for rule in change.lost { rows.append(["loses", change.subject.description, place, "\(rule)"]) }
            for rule in change.gained { rows.append(["gains", change.subject.description, place, "\(rule)"]) }
        }
        RBACOutput.write(
            input.output, ["CHANGE", "SUBJECT", "NAMESPACE", "RULE"], rows, empty: "nobody loses anything")
    }

    /// The same as rows: what each is given, what is kept, what was never used.
    private static func rows(_ sizing: RightSizing, _ bootstrap: BootstrapPolicy) -> [[String]] {
        var rows: [[String]] = []
        for proposal in sizing.proposals {
            let subject = proposal.subject.description
            guard proposal.denied.isEmpty else {
                rows.append([
                    subject, "", "not offered", "", "\(proposal.denied.count) recorded requests would be denied",
                ])
                continue
            }
            let period = "\(proposal.period.first) to \(proposal.period.last)"
            let why =
                "\(proposal.requests) different requests on \(proposal.days) days, \(period), confidence \(proposal.confidence)"
            for (namespace, rules) in proposal.rules.sorted(by: { $0.key < $1.key }) {
                let place = namespace.isEmpty ? "*" : namespace
                for rule in rules { rows.append([subject, place, "needs", rule.description, why]) }
            }
            for kept in proposal.kept {
                rows.append([
                    subject, kept.namespace.isEmpty ? "*" : kept.namespace, "kept", kept.rule.description, kept.why,
                ])
            }
            for binding in proposal.replaces { rows.append([subject, "", "replaces", binding.description, ""]) }
        }
        for entry in sizing.unjudged { rows.append([entry.subject.description, "", "not judged", "", entry.why]) }
        for subject in sizing.dormant { rows.append([subject.description, "", "never seen", "", ""]) }
        for unused in sizing.unusedRules {
            rows.append(["", unused.role.description, "never used", unused.rule.description, "rules[\(unused.index)]"])
        }
        for binding in sizing.unusedBindings where !bootstrap.contains(binding) {
            rows.append(["", binding.namespace, "unused", binding.description, ""])
        }
        return rows
    }

    /// Roles and bindings to apply, with what to know about them as comments.
    static func yaml(_ sizing: RightSizing, _ bootstrap: BootstrapPolicy) -> String {
        var out = ""
        for proposal in sizing.proposals {
            let bindings = proposal.replaces.map(\.description).joined(separator: ", ")
            guard proposal.denied.isEmpty else {
                out +=
                    "# \(proposal.subject): not offered, \(proposal.denied.count) recorded requests would be denied\n"
                continue
            }
            out += "# \(proposal.subject): \(proposal.requests) different requests on \(proposal.days) days, "
            out += "\(proposal.period.first) to \(proposal.period.last), confidence \(proposal.confidence); "
            out += "replaces \(bindings)\n"
            for kept in proposal.kept { out += "# kept: \(kept.rule): \(kept.why)\n" }
            for object in RightSizing.objects(proposal.subject, proposal.rules) {
                out += "---\n" + text(DocumentValue(object.node), indent: 0)
            }
        }
        for entry in sizing.unjudged { out += "# not judged: \(entry.subject): \(entry.why)\n" }
        for subject in sizing.dormant { out += "# never seen: \(subject)\n" }
        for unused in sizing.unusedRules {
            out += "# never used: rules[\(unused.index)] of \(unused.role): \(unused.rule)\n"
        }
        for binding in sizing.unusedBindings where !bootstrap.contains(binding) {
            out += "# unused in the period: \(binding)\n"
        }
        return out
    }

    private static func text(_ value: DocumentValue, indent: Int) -> String {
        guard case .object(let members) = value else { return "" }
        let space = String(repeating: " ", count: indent)
        var out = ""
        for member in members {
            switch member.value {
            case .object: out += "\(space)\(member.key):\n" + text(member.value, indent: indent + 2)
            case .array(let elements) where elements.contains { if case .object = $0 { true } else { false } }:
                out += "\(space)\(member.key):\n"
                for element in elements {
                    let lines = text(element, indent: indent + 2)
                    out += "\(space)- " + lines.dropFirst(indent + 2)
                }
            default:
                // JSON is YAML: quotes and brackets as they are.
                var writer = JSONWriter()
                writer.value(member.value)
                out += "\(space)\(member.key): \(writer.string)\n"
            }
        }
        return out
    }
}
