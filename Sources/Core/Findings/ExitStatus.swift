/// What a run tells the shell.
package enum ExitStatus: Int32, Sendable, CaseIterable {
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
    /// - Parameter failOn: the least severity that counts; nil for none.
    package init(_ report: Report, failOn: Severity? = .info, strict: Bool = false) {
        if report.problems.contains(where: { $0.kind == .unreadable || $0.kind == .invalid }) {
            self = .unreadable
        } else if let failOn, let worst = report.worst, worst >= failOn {
            self = .findings
        } else if strict, report.holes > 0 {
            self = .partial
        } else {
            self = .clean
        }
    }
}
