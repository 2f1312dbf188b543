package import Findings
package import Kubernetes
package import PodSecurity

/// How a what-if is judged: every engine over some objects of an inventory.
package struct FixEvaluation: Sendable {
    /// Fails, and what was not observable, of the objects with these keys.
    package let findings: @Sendable (Inventory, [ObjectKey]) -> [Finding]

    package init(_ findings: @escaping @Sendable (Inventory, [ObjectKey]) -> [Finding]) { self.findings = findings }

    /// The findings of several evaluations together.
    package func and(_ other: FixEvaluation) -> FixEvaluation {
        FixEvaluation { findings($0, $1) + other.findings($0, $1) }
    }

    /// The Pod Security Standards, every rule of the newest version.
    package static let podSecurity = FixEvaluation { inventory, keys in
        let evaluation = PodSecurityEvaluation()
        return keys.compactMap { inventory[$0] }.flatMap { object in
            evaluation.evaluate(OwnerFamily(alone: object)).findings.map { finding in
                var finding = finding
                finding.subject = inventory.topmostOwner(of: object)
                return finding
            }
        }
    }
}

/// Where steps come from: one engine's knowledge of how its findings are mended.
package struct FixSource: Sendable {
    package let proposal: @Sendable (KubernetesObject, Inventory) -> FixProposal

    package init(_ proposal: @escaping @Sendable (KubernetesObject, Inventory) -> FixProposal) {
        self.proposal = proposal
    }

    package static func podSecurity(_ policy: LevelVersion = LevelVersion(.restricted)) -> FixSource {
        let fixes = PodSecurityFixes(policy)
        return FixSource { object, _ in fixes.proposal(for: object) }
    }
}
