/// How bad a vulnerability is, in the words that vendors and scores share.
package enum Severity: UInt8, Sendable, Hashable, Comparable, CaseIterable {
    case unknown, negligible, low, medium, high, critical

    package static func < (left: Severity, right: Severity) -> Bool { left.rawValue < right.rawValue }

    package var name: String { "\(self)" }

    /// Reads any vendor's word; nil where it is none that we know.
    package init?(word: some StringProtocol) {
        switch word.lowercased().trimmed {
        case "critical", "urgent", "very_high": self = .critical
        case "high", "important", "error": self = .high
        case "medium", "moderate", "warning": self = .medium
        case "low", "minor", "note", "very_low": self = .low
        case "negligible", "unimportant", "info", "informational", "none": self = .negligible
        case "unknown", "untriaged", "unassigned", "not yet assigned", "unspecified": self = .unknown
        default: return nil
        }
    }

    /// Standard: CVSS v3.1, 5 (also v4.0); for v2 the bands of NVD.
    package init(score: Double, isSecondVersion: Bool = false) {
        if isSecondVersion {
            self = score >= 7 ? .high : score >= 4 ? .medium : score > 0 ? .low : .negligible
        } else {
            self =
                score >= 9 ? .critical : score >= 7 ? .high : score >= 4 ? .medium : score > 0 ? .low : .negligible
        }
    }
}
