import Documents
import Findings
import PodSecurity
import Secrets

/// What a person reads when an object is refused: every reason, where, and what mends it, at once.
struct AdmissionMessage {
    /// Findings told in full; the number says how many there are.
    private static let most = 40
    /// A patch longer than this is for a file, not for a terminal.
    private static let longestPatch = 2000

    /// The API server shows `admission webhook "…" denied the request: ` before it.
    static func refusal(
        _ findings: [Finding], subject: String, fix: JSONPatch, note: String?
    ) -> String {
        let sorted = findings.sorted(by: Finding.areInOrder)
        var lines = ["\(subject): \(failing(sorted.count))"]
        for finding in sorted.prefix(most) {
            lines.append("- \(finding.rule.id) (\(finding.severity.rawValue)): \(places(finding))")
            lines.append("  fix: \(oneLine(finding.rule.remedy))")
        }
        if sorted.count > most { lines.append("- and \(sorted.count - most) more; martlet scan shows all") }
        let patch = fix.isEmpty ? "" : fix.json()
        if !patch.isEmpty, patch.utf8.count <= longestPatch {
            lines.append("JSON patch that mends it, as far as a field can: \(patch)")
        } else if !patch.isEmpty {
            lines.append("martlet fix writes the change of the file that mends it")
        }
        if let note { lines.append(note) }
        return lines.joined(separator: "\n")
    }

    /// One warning of a kind that clients show in one line.
    static func warning(_ finding: Finding) -> String {
        shortened("\(finding.rule.id) (\(finding.severity.rawValue)): \(places(finding))")
    }

    private static func places(_ finding: Finding) -> String {
        guard !finding.evidence.isEmpty else { return oneLine(finding.rule.title) }
        let told = finding.evidence.prefix(4).map { evidence in
            let path = evidence.path.description
            return path.isEmpty ? text(evidence) : "\(text(evidence)) [\(path)]"
        }
        let more = finding.evidence.count > 4 ? "; and \(finding.evidence.count - 4) more places" : ""
        return told.joined(separator: "; ") + more
    }

    /// What is wrong at one place. Of a value that must stay hidden not even the hint is told: whoever reads audit logs
    /// and events of the cluster is not who may read the object.
    static func text(_ evidence: Evidence) -> String {
        oneLine(evidence.hidesValue ? SecretSeal.withoutHints(evidence.message) : evidence.message)
    }

    static func oneLine(_ text: String) -> String {
        text.contains(where: \.isNewline)
            ? text.split(whereSeparator: \.isNewline).joined(separator: " ") : text
    }

    /// Clients cut what is longer than 256 characters.
    private static func shortened(_ text: String) -> String {
        text.count > 250 ? "\(text.prefix(249))…" : text
    }

    static func failing(_ checks: Int) -> String { checks == 1 ? "1 check fails" : "\(checks) checks fail" }
}
