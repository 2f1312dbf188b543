import Documents
import Findings
import Kubernetes

/// Fixes as a person reads them: what changes and why, what it closes, opens and leaves, what is left to decide.
package struct FixText: Sendable {
    private let width: Int
    private let paint: Paint

    package init(width: Int = 100, colour: Bool = false) {
        self.width = max(width, 40)
        paint = Paint(isOn: colour)
    }

    package func text(_ fixes: [VerifiedFix], cluster context: String? = nil) -> String {
        var out: [String] = []
        for fix in fixes { out += lines(fix, context) + [""] }
        let closed = fixes.reduce(0) { $0 + $1.closed.count }
        let opened = fixes.reduce(0) { $0 + $1.opened.count }
        let left = fixes.reduce(0) { $0 + $1.unchanged.count }
        let decisions = fixes.reduce(0) { $0 + $1.decisions.count }
        let patches = fixes.count { !$0.isEmpty }
        out.append(
            paint.bold(
                "\(count(patches, "fix", "fixes")): \(count(closed, "finding")) closed, \(opened) opened, \(left) "
                    + "unchanged; \(count(decisions, "decision")) left to you"))
        return out.joined(separator: "\n") + "\n"
    }

    private func lines(_ fix: VerifiedFix, _ context: String?) -> [String] {
        var out = [paint.bold(fix.object.reference.description) + place(fix)]
        for step in fix.steps {
            out.append("  \(paint.green(symbol(step))) \(step.operation.path)\(value(step))")
            out += wrapped(step.why, 6)
            if !step.risk.isEmpty { out += wrapped("may break: \(step.risk)", 6).map(paint.faint) }
        }
        for (step, reason) in fix.refused {
            out += wrapped("not offered: \(step.operation.path): \(reason)", 4).map(paint.yellow)
        }
        for decision in fix.decisions {
            out.append("  \(paint.yellow("?")) \(decision.path)")
            out += wrapped(decision.reason, 6)
        }
        for caution in fix.cautions { out += wrapped("note: \(caution)", 4).map(paint.faint) }
        out += summary("closed", fix.closed, paint.green)
        out += summary("opened", fix.opened, paint.red)
        out += summary("unchanged", fix.unchanged, paint.faint)
        if !fix.isEmpty, fix.object.file.isEmpty, let command = fix.kubectl(context: context) {
            out.append("  $ \(command)")
        }
        return out
    }

    private func place(_ fix: VerifiedFix) -> String {
        guard let location = fix.object.node.location else { return "" }
        return paint.faint("  \(location.file):\(location.line)")
    }

    private func symbol(_ step: FixStep) -> String {
        switch step.operation.kind {
        case .add: "+"
        case .replace: "~"
        case .remove: "-"
        case .test: "="
        }
    }

    private func value(_ step: FixStep) -> String {
        guard let value = step.operation.value else { return "" }
        var writer = JSONWriter()
        writer.value(value)
        return " = \(writer.string)"
    }

    private func summary(_ word: String, _ findings: [Finding], _ colour: (String) -> String) -> [String] {
        guard !findings.isEmpty else { return [] }
        return wrapped("\(word): " + findings.map(\.rule.id).joined(separator: ", "), 4).map(colour)
    }

    private func wrapped(_ text: String, _ indent: Int) -> [String] { TextLayout.wrapped(text, indent, width) }
    private func count(_ number: Int, _ one: String, _ many: String? = nil) -> String {
        "\(number) \(number == 1 ? one : many ?? one + "s")"
    }

    /// The same for programs.
    package static func json(_ fixes: [VerifiedFix], cluster context: String? = nil) -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member(
                "fixes",
                array: { writer in for fix in fixes { writer.object { fix.write(to: &$0, context) } } })
        }
        return writer.string + "\n"
    }
}

extension VerifiedFix {
    fileprivate func write(to writer: inout JSONWriter, _ context: String?) {
        writer.member("object", object.reference.description)
        if let location = object.node.location { writer.member("location", location.description) }
        writer.key("patch")
        writer.raw(patch.json())
        if object.file.isEmpty, !isEmpty, let command = kubectl(context: context) { writer.member("kubectl", command) }
        writer.member(
            "steps",
            array: { writer in
                for step in steps {
                    writer.object { writer in
                        writer.member("path", step.operation.path.description)
                        writer.member("why", step.why)
                        if !step.risk.isEmpty { writer.member("mayBreak", step.risk) }
                        writer.member("needsTrial", step.needsTrial)
                        writer.member("answers", step.answers)
                    }
                }
            })
        writer.member(
            "notOffered",
            array: { writer in
                for (step, reason) in refused {
                    writer.object { writer in
                        writer.member("path", step.operation.path.description)
                        writer.member("reason", reason)
                    }
                }
            })
        writer.member(
            "decisions",
            array: { writer in for decision in decisions { writer.object { decision.write(to: &$0) } } })
        writer.member("cautions", cautions)
        for (name, findings) in [("closed", closed), ("opened", opened), ("unchanged", unchanged)] {
            writer.member(
                name,
                array: { writer in
                    for finding in findings {
                        writer.object { writer in
                            writer.member("rule", finding.rule.id)
                            writer.member("fingerprint", finding.fingerprint)
                        }
                    }
                })
        }
    }
}

extension FixDecision {
    func write(to writer: inout JSONWriter) {
        writer.member("about", about)
        writer.member("path", path.description)
        if let location { writer.member("location", location.description) }
        writer.member("reason", reason)
    }
}
