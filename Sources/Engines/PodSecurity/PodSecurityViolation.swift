package import Documents
package import Findings

/// What one check of the standard has against a pod.
package struct PodSecurityViolation: Sendable {
    package let check: PodSecurityCheck.ID
    /// The few words the API server prints: `hostPort`, `runAsNonRoot != true`.
    package let reason: String
    // Most verdicts are only asked whether they allow; the words are made when someone reads them.
    private let makeDetail: @Sendable () -> String
    private let makePlaces: @Sendable () -> [Place]

    init(
        check: PodSecurityCheck.ID, reason: String, detail: @autoclosure @escaping @Sendable () -> String,
        places: @autoclosure @escaping @Sendable () -> [Place]
    ) {
        self.check = check
        self.reason = reason
        makeDetail = detail
        makePlaces = places
    }

    /// What the API server prints in parentheses; empty for none.
    package var detail: String { makeDetail() }
    /// Every field that is wrong, or that is missing.
    package var places: [Place] { makePlaces() }

    /// A field that breaks the check.
    package struct Place: Sendable {
        /// The field; a missing node where a value has to be set.
        package let node: Node
        /// What findings about this field are filed under.
        package let rule: Rule
        /// What is wrong here, in words for a finding.
        package let message: String
    }

    package var fields: [Node] { places.map(\.node) }

    /// `REASON (DETAIL)`
    package var text: String {
        let detail = detail
        return detail.isEmpty ? reason : "\(reason) (\(detail))"
    }
}

/// A field that holds what its type does not allow: an API server refuses the object, so no level can be said of it.
package struct PodSecurityProblem: Sendable {
    package let node: Node
    package let reason: String
    /// The checks that would have read the field.
    package let checks: Set<PodSecurityCheck.ID>
}

/// The answer for one pod, level and version.
package struct PodSecurityVerdict: Sendable {
    package let policy: LevelVersion
    /// In the order of the API server's message.
    package let violations: [PodSecurityViolation]
    package let problems: [PodSecurityProblem]

    /// Whether the level admits the pod. Never true when a field could not be read.
    package var allowed: Bool { violations.isEmpty && problems.isEmpty }
    package var isObservable: Bool { problems.isEmpty }

    /// `REASON (DETAIL), REASON (DETAIL)`: every violation with its detail.
    package var detail: String { violations.map(\.text).joined(separator: ", ") }
    /// `REASON, REASON`
    package var reason: String { violations.map(\.reason).joined(separator: ", ") }
    /// `violates PodSecurity "LEVEL:VERSION": …`, as the API server says it.
    package var message: String { "violates PodSecurity \(GoText.quoted(policy.description)): \(detail)" }
}
