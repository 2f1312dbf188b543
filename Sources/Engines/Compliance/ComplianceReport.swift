package import Findings
import Kubernetes

/// What is said of a control, a family or a check.
package enum ControlOutcome: String, Sendable, Hashable, CaseIterable {
    case pass
    case fail
    /// Nothing that was seen fails, and something that counts was not seen.
    case partly
    /// Fails, but every place has an owner, a reason and an end.
    case waived
    /// Only people can show it.
    case manual
    case notObservable
    /// There is nothing it could be about.
    case notApplicable

    /// In words, for people.
    package var words: String {
        switch self {
        case .notObservable: "not observable"
        case .notApplicable: "not applicable"
        default: rawValue
        }
    }

    /// What several come to.
    static func together(_ parts: [ControlOutcome]) -> ControlOutcome {
        let counted = parts.filter { $0 != .notApplicable }
        if counted.isEmpty { return parts.isEmpty ? .manual : .notApplicable }
        if counted.contains(.fail) { return .fail }
        let seen = counted.filter { $0 == .pass || $0 == .waived || $0 == .partly }
        if seen.isEmpty { return counted.contains(.notObservable) ? .notObservable : .manual }
        if seen.contains(.partly) || seen.count < counted.count { return .partly }
        return seen.contains(.waived) ? .waived : .pass
    }
}

/// What one check says of everything it was asked of.
package struct CheckResult: Sendable {
    package var rule: Rule
    package var outcome: ControlOutcome
    /// What it was asked of: an id of `PopulationKind`.
    package var population: String
    package var populationSize: Int
    /// Positions in the report's findings.
    package var failed: [Int] = []
    package var waived: [Int] = []
    package var unseen: [Int] = []
    /// Failing on software of Kubernetes or the provider, which the provider answers for.
    package var inherited = 0
    /// Why, where it is neither pass nor fail.
    package var reason: String
}

package struct FamilyResult: Sendable {
    package var family: EvidenceFamily
    package var outcome: ControlOutcome
    package var checks: [CheckResult]
    /// What was shown otherwise, or is missing.
    package var notes: [String]
    package var attestations: [Attestation]
}

package struct ControlResult: Sendable {
    package var control: ComplianceControl
    package var outcome: ControlOutcome
    package var families: [FamilyResult]
    /// Checks of its own.
    package var checks: [CheckResult]
    package var attestations: [Attestation]
    /// Evaluations that had an answer, of those that should have had one.
    package var answered: Int
    package var asked: Int
    /// Positions in the report's findings, each once, in order.
    package var failing: [Int]
    package var waived: [Int]
    /// State over the period, where one was asked for.
    package var time: StateTime?

    package var coverage: Double? { asked == 0 ? nil : Double(answered) / Double(asked) }

    /// Every check that counts, each once, by id.
    package var allChecks: [CheckResult] {
        var seen: Set<String> = []
        return (families.flatMap(\.checks) + checks).filter { seen.insert($0.rule.id).inserted }
            .sorted { $0.rule.id < $1.rule.id }
    }

    /// What is missing, each once.
    package var notes: [String] {
        var seen: Set<String> = []
        return families.flatMap(\.notes).filter { seen.insert($0).inserted }
    }
}

/// A framework, control by control.
package struct ComplianceReport: Sendable {
    package var framework: ComplianceFramework
    package var controls: [ControlResult]
    package var facts: ComplianceFacts
    package var period: Period?

    package func count(_ outcome: ControlOutcome) -> Int { controls.count { $0.outcome == outcome } }

    /// Controls whose evidence was seen, of those of which a tool can show anything.
    package var coverage: (seen: Int, of: Int) {
        let technical = controls.filter { $0.control.reach != .none && $0.outcome != .notApplicable }
        return (
            technical.count { $0.outcome == .pass || $0.outcome == .fail || $0.outcome == .waived }, technical.count
        )
    }

    /// Waivers that keep something of this framework from failing, each once, by end and place.
    package var exceptions: [Waiver] {
        var seen: Set<Waiver> = []
        for control in controls {
            for index in control.waived {
                if let waiver = facts.report.findings[index].waiver { seen.insert(waiver) }
            }
        }
        return seen.sorted { ($0.expires, $0.place, $0.scope.check) < ($1.expires, $1.place, $1.scope.check) }
    }
}
