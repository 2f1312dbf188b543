package import Documents

/// How bad it is that a rule is broken.
package enum Severity: String, Sendable, Hashable, Comparable, CaseIterable {
    case info, low, medium, high, critical

    package static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
    package var rank: Int {
        switch self {
        case .info: 0
        case .low: 1
        case .medium: 2
        case .high: 3
        case .critical: 4
        }
    }
}

/// Where a rule comes from, or what it counts towards.
package struct RuleReference: Sendable, Hashable, CustomStringConvertible {
    package enum Source: String, Sendable, CaseIterable {
        case podSecurity = "Pod Security Standards"
        case cis = "CIS Kubernetes Benchmark 2.0.1"
        case nsa = "NSA/CISA Kubernetes Hardening Guide"
        case attack = "MITRE ATT&CK"
        case cwe = "CWE"
        case kubernetes = "Kubernetes"
    }
    package var source: Source
    package var id: String

    package static func pss(_ level: String) -> Self { Self(source: .podSecurity, id: level) }
    package static func cis(_ id: String) -> Self { Self(source: .cis, id: id) }
    package static func nsa(_ id: String) -> Self { Self(source: .nsa, id: id) }
    package static func attack(_ id: String) -> Self { Self(source: .attack, id: id) }
    package static func cwe(_ id: String) -> Self { Self(source: .cwe, id: id) }
    package static func kubernetes(_ id: String) -> Self { Self(source: .kubernetes, id: id) }

    package var description: String { "\(source.rawValue) \(id)" }
}

/// What a check looks for, in words: the part of it that people see.
///
/// One object per rule, shared by all its findings.
package final class Rule: Sendable {
    package enum Category: String, Sendable { case security, reliability, hygiene }

    /// `pod/host-port`: words, and forever.
    package let id: String
    /// The wrong, as a headline: "A container asks for a port on the node itself".
    package let title: String
    /// Why it matters.
    package let why: String
    /// What to do instead.
    package let remedy: String
    package let severity: Severity
    package let category: Category
    package let references: [RuleReference]

    package init(
        _ id: String, _ severity: Severity, _ references: [RuleReference] = [], category: Category = .security,
        title: String, why: String, remedy: String
    ) {
        self.id = id
        self.title = title
        self.why = why
        self.remedy = remedy
        self.severity = severity
        self.category = category
        self.references = references
    }
}

extension Rule: Hashable {
    package static func == (a: Rule, b: Rule) -> Bool { a.id == b.id }
    package func hash(into hasher: inout Hasher) { hasher.combine(id) }
}

/// A rule and the function that looks for it.
///
/// `evaluate` says what it finds to the report; saying nothing is a pass. `fix` gives the operations that mend one
/// place, with paths from the object's root, or nothing where only a person can know.
package struct Check<Subject: Sendable>: Sendable {
    package let rule: Rule
    package let evaluate: @Sendable (Subject, inout CheckReport) -> Void
    package let fix: (@Sendable (Subject, Evidence) -> [PatchOperation])?

    package init(
        _ rule: Rule, fix: (@Sendable (Subject, Evidence) -> [PatchOperation])? = nil,
        evaluate: @escaping @Sendable (Subject, inout CheckReport) -> Void
    ) {
        self.rule = rule
        self.evaluate = evaluate
        self.fix = fix
    }
}

/// What one check says of one subject.
package struct CheckReport: Sendable {
    package private(set) var failures: [Evidence] = []
    package private(set) var unobservable: [Evidence] = []
    package private(set) var isApplicable = true
    /// Replaces the rule's severity where the circumstances make it better or worse.
    package var severity: Severity?

    package init() {}

    /// The subject is wrong at `node`; a missing node says what should be there.
    package mutating func fail(at node: Node, _ message: String) {
        failures.append(Evidence(node: node, message: message))
    }

    /// The subject is wrong where the evidence says.
    package mutating func fail(_ evidence: Evidence) { failures.append(evidence) }

    /// It cannot be known from what was seen, and why.
    package mutating func notObservable(at node: Node, _ reason: String) {
        unobservable.append(Evidence(node: node, message: reason))
    }

    /// The check does not apply to this subject.
    package mutating func notApplicable() { isApplicable = false }

    package var outcome: Outcome {
        if !failures.isEmpty { return .fail }
        if !unobservable.isEmpty { return .notObservable }
        return isApplicable ? .pass : .notApplicable
    }
}

/// The result of a check on a subject. There is no other: what was not looked at is `notObservable`, never a pass.
package enum Outcome: String, Sendable, Hashable, CaseIterable {
    case pass, fail, notApplicable, notObservable, waived
}
