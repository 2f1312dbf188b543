/// Evaluates pods against every level and version of the Pod Security Standards.
///
/// Equal to the API server's admission in verdict, order and text; the tables are laid out once, so keep one.
package struct PodSecurityEvaluator: Sendable {
    /// What `latest`, and versions beyond it, mean: the policy an API server of this minor version has.
    package let newest: Int
    /// By minor version.
    private let baseline: [[PodSecurityCheck.Edition]]
    private let restricted: [[PodSecurityCheck.Edition]]

    package init(newest: Int = PolicyVersion.newestKnown) {
        let newest = min(max(newest, 0), PolicyVersion.newestKnown)
        self.newest = newest
        baseline = (0...newest).map { minor in
            PodSecurityCheck.all.filter { $0.level == .baseline }.compactMap { $0.edition(minor) }
        }
        restricted = (0...newest).map { minor in
            let strict = PodSecurityCheck.all.filter { $0.level == .restricted }.compactMap { $0.edition(minor) }
            let replaced = strict.reduce(into: Set()) { $0.formUnion($1.replaces) }
            let kept = PodSecurityCheck.all.filter { $0.level == .baseline && !replaced.contains($0.id) }
            return kept.compactMap { $0.edition(minor) } + strict
        }
    }

    package func evaluate(
        _ pod: PodSecurityInput, level: PodSecurityLevel, version: PolicyVersion = .latest
    ) -> PodSecurityVerdict {
        evaluate(pod, LevelVersion(level, version))
    }

    package func evaluate(_ pod: PodSecurityInput, _ policy: LevelVersion) -> PodSecurityVerdict {
        let minor = policy.version.edition(newest: newest)
        var violations: [PodSecurityViolation] = []
        switch policy.level {
        case .privileged: break
        case .baseline:
            for edition in baseline[minor] {
                if let violation = edition.evaluate(pod) { violations.append(violation) }
            }
        case .restricted:
            for edition in restricted[minor] {
                if let violation = edition.evaluate(pod) { violations.append(violation) }
            }
        }
        let problems = policy.level == .privileged ? [] : pod.problems
        return PodSecurityVerdict(policy: policy, violations: violations, problems: problems)
    }

    /// The strictest level that admits the pod; nil when a field could not be read.
    package func level(_ pod: PodSecurityInput, version: PolicyVersion = .latest) -> PodSecurityLevel? {
        guard pod.problems.isEmpty else { return nil }
        if evaluate(pod, level: .restricted, version: version).allowed { return .restricted }
        return evaluate(pod, level: .baseline, version: version).allowed ? .baseline : .privileged
    }
}
