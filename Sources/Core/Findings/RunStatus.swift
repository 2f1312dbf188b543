/// What a run tells the shell.
package enum RunStatus: Int32, Sendable, CaseIterable {
    /// Nothing at or above the severity asked for.
    case clean = 0
    case findings = 1
    /// Bad usage, or input that could not be read.
    case unreadable = 2
    /// Something was not observable, and the caller was strict.
    case partial = 3

    /// The status of a report.
    ///
    /// Input that could not be read comes first: without it nobody knows what the findings would be. Then findings,
    /// since a failing one is true whatever else was not seen.
    ///
    /// - Parameters:
    ///   - failOn: the least severity that counts; nil for none.
    ///   - countSystem: whether findings on Kubernetes' and the provider's own software count; without a wish they do
    ///     in files, where somebody wrote them, and not in a cluster, where nobody there can mend them.
    package init(_ report: Report, failOn: Severity? = .info, strict: Bool = false, countSystem: Bool? = nil) {
        let countSystem = countSystem ?? !report.isCluster
        let worst = report.findings.lazy.filter { $0.outcome == .fail && (countSystem || !$0.isSystem) }
            .map(\.severity).max()
        if report.problems.contains(where: { $0.kind == .unreadable || $0.kind == .invalid }) {
            self = .unreadable
        } else if let failOn, let worst, worst >= failOn {
            self = .findings
        } else if strict, report.holes > 0 {
            self = .partial
        } else {
            self = .clean
        }
    }
}
