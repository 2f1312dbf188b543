import Documents
import Kubernetes

/// The simulation as a person reads it.
package struct SimulationText: Sendable {
    private let width: Int
    private let paint: Paint

    package init(width: Int = 100, colour: Bool = false) {
        self.width = max(width, 60)
        paint = Paint(isOn: colour)
    }

    package func text(_ simulation: PodSecuritySimulation) -> String {
        var out = [
            paint.bold("Namespace \(simulation.namespace), if it enforced \(simulation.policy)"), "",
        ]
        if simulation.isExempt {
            out += wrap("exempt: the cluster's configuration lets everything in this namespace pass", 0).map(
                paint.yellow)
        }
        for warning in simulation.labelWarnings { out += wrap("Warning: \(warning)", 0).map(paint.yellow) }
        if !simulation.labelWarnings.isEmpty { out.append("") }
        out += section("refused", simulation.refused, paint.red)
        out += section("let in with a warning", simulation.warned, paint.yellow)
        if !simulation.unknown.isEmpty { out.append(paint.bold("cannot be said")) }
        for unknown in simulation.unknown {
            out.append("  \(unknown.object)\(place(unknown.location))")
            out += wrap(unknown.reason, 6)
        }
        for (object, why) in simulation.exempt { out.append(paint.faint("exempt by \(why): \(object)")) }
        out.append(
            paint.bold(
                "\(simulation.refused.count) refused, \(simulation.warned.count) warned of, "
                    + "\(simulation.unknown.count) unknown, \(simulation.exempt.count) exempt, "
                    + "\(simulation.passed) pass"
            ))
        return out.joined(separator: "\n") + "\n"
    }

    private func section(
        _ title: String, _ list: [PodSecuritySimulation.Refusal], _ colour: (String) -> String
    ) -> [String] {
        guard !list.isEmpty else { return [] }
        var out = [colour(title)]
        for refusal in list {
            let hiding = refusal.hiding.isEmpty ? "" : paint.yellow(" (\(refusal.hiding))")
            out.append("  \(refusal.object)\(hiding)\(place(refusal.location))")
            if !refusal.message.isEmpty { out += wrap(subject(refusal) + refusal.message, 6) }
            for warning in refusal.warnings { out += wrap("on apply: Warning: \(warning)", 6).map(paint.faint) }
        }
        return out + [""]
    }

    private func subject(_ refusal: PodSecuritySimulation.Refusal) -> String {
        refusal.object.kind == "Pod" ? "" : "its pods are forbidden: "
    }

    private func place(_ location: SourceLocation?) -> String {
        location.map { paint.faint("  \($0.file):\($0.line)") } ?? ""
    }

    private func wrap(_ text: String, _ indent: Int) -> [String] { TextLayout.wrapped(text, indent, width) }

    /// The simulation for a page.
    package static func markdown(_ simulation: PodSecuritySimulation) -> String {
        var out = ["# \(simulation.namespace), if it enforced \(simulation.policy)", ""]
        out += simulation.labelWarnings.map { "> Warning: \($0)" }
        if !simulation.labelWarnings.isEmpty { out.append("") }
        out += ["| object | state | message |", "|---|---|---|"]
        let rows =
            simulation.refused.map { ($0, "refused") } + simulation.warned.map { ($0, "warning") }
        for (refusal, state) in rows {
            let hiding = refusal.hiding.isEmpty ? "" : " (\(refusal.hiding))"
            let message = refusal.message.isEmpty ? refusal.warnings.joined(separator: " ") : refusal.message
            out.append("| \(cell(refusal.object.description + hiding)) | \(state) | \(cell(message)) |")
        }
        for unknown in simulation.unknown {
            out.append("| \(cell(unknown.object.description)) | unknown | \(cell(unknown.reason)) |")
        }
        for (object, why) in simulation.exempt {
            out.append("| \(cell(object.description)) | exempt | by \(why) |")
        }
        return (out + ["", "\(simulation.passed) pass."]).joined(separator: "\n") + "\n"
    }

    private static func cell(_ text: String) -> String {
        text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
}
