import Kubernetes

/// How many of each severity.
package struct SeverityCounts: Sendable, Hashable {
    private var counts: [Int] = Array(repeating: 0, count: Severity.allCases.count)

    package init() {}

    package init(_ findings: some Sequence<Finding>) {
        for finding in findings { self[finding.severity] += 1 }
    }

    package subscript(severity: Severity) -> Int {
        get { counts[severity.rank] }
        set { counts[severity.rank] = newValue }
    }

    package var total: Int { counts.reduce(0, +) }

    /// Whether these are worse: more of the worst, then more of the next.
    package func isWorse(than other: Self) -> Bool {
        for severity in Severity.worstFirst where self[severity] != other[severity] {
            return self[severity] > other[severity]
        }
        return false
    }
}

extension Severity {
    package static let worstFirst: [Severity] = allCases.sorted(by: >)
}

/// The findings of one owner.
struct OwnerGroup {
    var subject: ObjectReference
    var file: String
    var origin: ObjectOrigin?
    var findings: [Finding]
    var counts: SeverityCounts

    /// Owners, worst first; each with its findings in order.
    static func groups(_ findings: [Finding]) -> [OwnerGroup] {
        struct Key: Hashable {
            var subject: ObjectReference
            var file: String
            var cluster: String
        }
        var positions: [Key: Int] = [:]
        var groups: [OwnerGroup] = []
        for finding in findings.sorted(by: Finding.areInOrder) {
            let key = Key(subject: finding.subject, file: finding.file, cluster: finding.cluster)
            if let position = positions[key] {
                groups[position].findings.append(finding)
                groups[position].counts[finding.severity] += 1
            } else {
                positions[key] = groups.count
                groups.append(
                    OwnerGroup(
                        subject: finding.subject, file: finding.file, origin: finding.origin, findings: [finding],
                        counts: SeverityCounts([finding])))
            }
        }
        return groups.sorted { a, b in
            if a.counts != b.counts { return a.counts.isWorse(than: b.counts) }
            return a.subject != b.subject ? a.subject < b.subject : a.file < b.file
        }
    }
}

/// The findings of one rule.
struct RuleGroup {
    var rule: Rule
    var severity: Severity
    var findings: [Finding]

    var places: Int { findings.reduce(0) { $0 + max(1, $1.evidence.count) } }

    /// Rules, worst first, then those with the most owners.
    static func groups(_ findings: [Finding]) -> [RuleGroup] {
        var positions: [Rule: Int] = [:]
        var groups: [RuleGroup] = []
        for finding in findings.sorted(by: Finding.areInOrder) {
            if let position = positions[finding.rule] {
                groups[position].findings.append(finding)
                groups[position].severity = max(groups[position].severity, finding.severity)
            } else {
                positions[finding.rule] = groups.count
                groups.append(RuleGroup(rule: finding.rule, severity: finding.severity, findings: [finding]))
            }
        }
        return groups.sorted { a, b in
            if a.severity != b.severity { return a.severity > b.severity }
            if a.findings.count != b.findings.count { return a.findings.count > b.findings.count }
            return a.rule.id < b.rule.id
        }
    }
}

extension Report {
    var waived: [Finding] { findings.filter { $0.outcome == .waived } }
    var notObservable: [Finding] { findings.filter { $0.outcome == .notObservable } }

    /// Holes: what was asked and has no answer, and what could not be read.
    package var holes: Int { notObservable.count + problems.count { $0.kind != .warning } }

    /// Of the evaluations with an answer, those that pass, 0...1; a waived one is none. Nil without evaluations.
    package var score: Double? {
        let answered = coverage.passed + coverage.failed + coverage.waived
        return answered == 0 ? nil : Double(coverage.passed) / Double(answered)
    }
}

extension Finding {
    /// The value of a place, unless it could be a secret's.
    ///
    /// `Evidence.value` knows the object it stands in; the list of an API server leaves `kind` to the list, so the
    /// references are asked here once more.
    func shownValue(_ evidence: Evidence) -> String? {
        (evidence.object ?? subject).kind == "Secret" || subject.kind == "Secret" ? nil : evidence.value
    }

    /// The first message; a rule's title where a finding has no place.
    var message: String { evidence.first?.message ?? rule.title }
}

/// 0.974 as `97 %`: never rounded up to a perfect figure.
func percent(_ ratio: Double) -> String {
    let hundred = (ratio * 100).rounded()
    if hundred >= 100, ratio < 1 { return "99 %" }
    return "\(Int(hundred)) %"
}

/// `1 place`, `12,345 places`.
func counted(_ count: Int, _ word: String, _ plural: String? = nil) -> String {
    "\(grouped(count)) \(count == 1 ? word : plural ?? word + "s")"
}

/// 12345 as `12,345`.
func grouped(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    var out = number < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
        if index > 0, (digits.count - index) % 3 == 0 { out.append(",") }
        out.append(digit)
    }
    return out
}
