import Documents
package import Findings
package import Kubernetes
import PodSecurity

/// Fixes that were proven: every patch is applied to a copy of the inventory and everything is evaluated again.
package struct FixPlanner: Sendable {
    package let inventory: Inventory
    private let sources: [FixSource]
    private let evaluation: FixEvaluation
    /// What a person would change.
    private let keys: @Sendable (Inventory) -> [ObjectKey]

    package init(
        _ inventory: Inventory, sources: [FixSource] = [.podSecurity()], evaluation: FixEvaluation = .podSecurity,
        keys: @escaping @Sendable (Inventory) -> [ObjectKey] = { $0.workloadKeys }
    ) {
        self.keys = keys
        self.inventory = inventory
        self.sources = sources
        self.evaluation = evaluation
    }

    /// Fixes for what can be mended, or for `keys`, in order; objects without anything to say are left out.
    ///
    /// `answering` takes only steps for rules it says yes to.
    package func fixes(
        for keys: [ObjectKey]? = nil, answering: (String) -> Bool = { _ in true }
    ) -> [VerifiedFix] {
        (keys ?? self.keys(inventory)).compactMap { fix($0, answering: answering) }
    }

    /// The fix of one object; nil where nothing is to be done.
    package func fix(_ key: ObjectKey, answering: (String) -> Bool = { _ in true }) -> VerifiedFix? {
        guard let object = inventory[key] else { return nil }
        var proposal = FixProposal()
        for source in sources { proposal.append(source.proposal(object, inventory)) }
        let steps = proposal.steps.filter { $0.answers.isEmpty || $0.answers.contains(where: answering) }
        let decisions = proposal.decisions.filter { answering($0.about) }
        guard !steps.isEmpty || !decisions.isEmpty else { return nil }

        let trial = Trial(self, key, object)
        var out = VerifiedFix(
            key: key, object: object, patched: object, steps: [], decisions: decisions, refused: [], closed: [],
            opened: [], unchanged: trial.before.filter { $0.outcome == .fail && VerifiedFix.concerns($0, object) },
            origin: inventory.origin(of: object),
            controller: object.controller.map {
                ObjectReference(
                    group: $0.apiVersion.group, kind: $0.kind, namespace: object.namespace, name: $0.name)
            })
        if let result = trial.result(of: steps), result.refusal == nil {
            out.take(steps, result)
            return out
        }
        // Something goes wrong together: step by step, and what opens a finding stays out.
        var kept: [FixStep] = []
        for step in steps {
            guard let result = trial.result(of: kept + [step]) else {
                out.refused.append((step, "the change does not fit the object"))
                continue
            }
            if let refusal = result.refusal {
                out.refused.append((step, refusal))
                continue
            }
            kept.append(step)
            out.take(kept, result)
        }
        return out
    }

    /// What every engine says of one object as it is.
    package func findings(on key: ObjectKey) -> [Finding] {
        evaluation.findings(inventory, [key])
    }

    // MARK: Trying

    fileprivate struct Result {
        var patched: KubernetesObject
        var closed: [Finding]
        var opened: [Finding]
        var unchanged: [Finding]
        /// What an API server would refuse in the patched object and took before.
        var errors: [PodFieldError]

        /// Why it is no fix; nil where it is one.
        var refusal: String? {
            if let error = errors.first { return "an API server would refuse the object: \(error.description)" }
            guard let finding = opened.first else { return nil }
            return "it would open \(finding.rule.id): \(finding.evidence.first?.message ?? finding.rule.title)"
        }
    }

    /// One object, evaluated as it is and as it would be.
    private struct Trial {
        let planner: FixPlanner
        let key: ObjectKey
        let object: KubernetesObject
        /// Without what the object made: a rollout makes that anew.
        let base: Inventory
        let before: [Finding]
        /// What an API server refuses already.
        let errors: Set<String>

        init(_ planner: FixPlanner, _ key: ObjectKey, _ object: KubernetesObject) {
            self.planner = planner
            self.key = key
            self.object = object
            var base = planner.inventory
            Self.dropMade(by: object, from: &base)
            self.base = base
            before = planner.evaluation.findings(base, [key])
            errors = Set(PodValidation.errors(in: object).map(\.description))
        }

        func result(of steps: [FixStep]) -> Result? {
            guard let node = JSONPatch(steps.map(\.operation)).applied(to: object.node) else { return nil }
            let patched = object.with(node)
            var copy = base
            copy.replace(key, with: patched)
            let after = planner.evaluation.findings(copy, [key])
            let old = Dictionary(before.map { ($0.fingerprint, $0) }) { first, _ in first }
            let new = Dictionary(after.map { ($0.fingerprint, $0) }) { first, _ in first }
            let failing = before.filter { $0.outcome == .fail }
            return Result(
                patched: patched,
                // What can no longer be seen is not closed.
                closed: failing.filter { new[$0.fingerprint] == nil },
                opened: after.filter { $0.outcome == .fail && !isKnown($0, old[$0.fingerprint]) },
                unchanged: failing.filter { new[$0.fingerprint] != nil && VerifiedFix.concerns($0, object) },
                errors: PodValidation.errors(in: patched).filter { !errors.contains($0.description) })
        }

        /// Whether every place of a finding was there before: a new place is a new wrong.
        private func isKnown(_ finding: Finding, _ earlier: Finding?) -> Bool {
            guard let earlier, earlier.outcome == .fail else { return false }
            let places = Set(earlier.evidence.map { "\($0.path.description) \($0.message)" })
            return finding.evidence.allSatisfy { places.contains("\($0.path.description) \($0.message)") }
        }

        private static func dropMade(by object: KubernetesObject, from inventory: inout Inventory) {
            var queue = [object.uid].compactMap(\.self)
            var seen = Set(queue)
            while let uid = queue.popLast() {
                for key in inventory.keys(ownedBy: uid) {
                    guard let made = inventory[key] else { continue }
                    if let uid = made.uid, seen.insert(uid).inserted { queue.append(uid) }
                    _ = inventory.apply(.deleted(made))
                }
            }
        }
    }
}

extension VerifiedFix {
    fileprivate mutating func take(_ steps: [FixStep], _ result: FixPlanner.Result) {
        self.steps = steps
        patched = result.patched
        closed = result.closed
        opened = result.opened
        unchanged = result.unchanged
    }
}
