package import Findings

/// The checks of the Pod Security Standards as findings: one for each rule, at the newest policy version.
package enum PodSecurityChecks {
    /// Every rule of the engine once, in the order of the checks.
    package static let all: [Check<PodSecurityInput>] = PodSecurityCheck.all.reduce(into: []) { checks, source in
        for rule in source.rules where !checks.contains(where: { $0.rule == rule }) { checks.append(check(rule)) }
    }

    /// The rules of a level: what stands between a pod and that level.
    package static func rules(upTo level: PodSecurityLevel) -> [Rule] {
        PodSecurityCheck.all.filter { $0.level <= level }.reduce(into: []) { rules, check in
            for rule in check.rules where !rules.contains(rule) { rules.append(rule) }
        }
    }

    /// What each check says of a pod, by rule.
    package static func outcomes(of pod: PodSecurityInput) -> [String: Outcome] {
        all.reduce(into: [:]) { outcomes, check in
            var report = CheckReport()
            check.evaluate(pod, &report)
            outcomes[check.rule.id] = report.outcome
        }
    }

    private static func check(_ rule: Rule) -> Check<PodSecurityInput> {
        // The restricted form of a check finds all its baseline form does.
        let replaced = PodSecurityCheck.all.compactMap { $0.editions.last?.replaces }.reduce(into: Set()) {
            $0.formUnion($1)
        }
        let sources = PodSecurityCheck.all.filter { $0.rules.contains(rule) && !replaced.contains($0.id) }
        let editions = sources.compactMap(\.editions.last)
        let ids = Set(PodSecurityCheck.all.filter { $0.rules.contains(rule) }.map(\.id))
        return Check(rule) { pod, report in
            for edition in editions {
                guard let violation = edition.evaluate(pod) else { continue }
                for place in violation.places where place.rule == rule { report.fail(at: place.node, place.message) }
            }
            for problem in pod.problems where !problem.checks.isDisjoint(with: ids) {
                report.notObservable(at: problem.node, problem.reason)
            }
        }
    }
}
