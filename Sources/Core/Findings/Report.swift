package import Documents

/// Everything one run has to say; what every output format is made from.
package struct Report: Sendable {
    /// What was looked at: `Examples/shop`, or the context of a cluster.
    package var target: String
    package var isCluster: Bool
    /// ISO 8601, given by the caller; engines have no clock.
    package var generatedAt: String
    package var version: String
    /// Fails, waived ones and what was not observable, in order; passes are counted only.
    package var findings: [Finding]
    /// Files or documents that could not be read, and resources that could not be listed.
    package var problems: [Problem]
    package var coverage: Coverage
    /// The rules that were evaluated, in order.
    package var rules: [Rule]
    /// Waivers that have expired or matched nothing.
    package var waiverNotes: [String]
    /// What was left out because a baseline knows it; nil without one.
    package var baseline: BaselineComparison?

    package init(
        target: String, isCluster: Bool, generatedAt: String, version: String, findings: [Finding] = [],
        problems: [Problem] = [], coverage: Coverage = Coverage(), rules: [Rule] = [], waiverNotes: [String] = []
    ) {
        self.target = target
        self.isCluster = isCluster
        self.generatedAt = generatedAt
        self.version = version
        self.findings = findings
        self.problems = problems
        self.coverage = coverage
        self.rules = rules
        self.waiverNotes = waiverNotes
    }

    package var failures: [Finding] { findings.filter { $0.outcome == .fail } }
    package func count(_ severity: Severity) -> Int {
        findings.count { $0.outcome == .fail && $0.severity == severity }
    }
    package var worst: Severity? { findings.lazy.filter { $0.outcome == .fail }.map(\.severity).max() }
}

/// Something that could not be read, listed or understood: a hole in the report, said.
package struct Problem: Sendable, Hashable {
    package enum Kind: String, Sendable { case unreadable, invalid, forbidden, unsupported, warning }
    package var kind: Kind
    package var code: String
    package var message: String
    package var location: SourceLocation?

    package init(_ kind: Kind, code: String, _ message: String, location: SourceLocation? = nil) {
        self.kind = kind
        self.code = code
        self.message = message
        self.location = location
    }
}

/// How much was seen, beside every score.
package struct Coverage: Sendable, Hashable {
    package var files = 0
    package var objects = 0
    package var workloads = 0
    /// Evaluations of a check on a subject, by result.
    package var passed = 0
    package var failed = 0
    package var notApplicable = 0
    package var notObservable = 0
    package var waived = 0

    package init() {}

    /// Evaluations that had an answer, of those that should have had one, 0...1; nil when there were none.
    package var ratio: Double? {
        let asked = passed + failed + waived + notObservable
        return asked == 0 ? nil : Double(asked - notObservable) / Double(asked)
    }
}
