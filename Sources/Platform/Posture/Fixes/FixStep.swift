package import Documents

/// One change of one field that a fix is made of, with its reason and its price.
package struct FixStep: Sendable, Hashable {
    /// Paths from the object's root.
    package var operation: PatchOperation
    /// What the change does for security, in one sentence.
    package var why: String
    /// What may break, or what cannot be known from the object; empty where nothing is expected to.
    package var risk: String
    /// The rules, or the Pod Security checks, it answers.
    package var answers: [String]
    /// Whether the object alone cannot show that the program still runs: the image has to be tried.
    package var needsTrial: Bool

    package init(
        _ operation: PatchOperation, why: String, risk: String = "", answers: [String] = [], needsTrial: Bool = false
    ) {
        self.operation = operation
        self.why = why
        self.risk = risk
        self.answers = answers
        self.needsTrial = needsTrial
    }
}

/// Something only a person can decide: no change of a field mends it without changing what the workload does.
package struct FixDecision: Sendable, Hashable {
    /// The rule, or the Pod Security check, it is about.
    package var about: String
    /// The field, from the object's root.
    package var path: FieldPath
    package var location: SourceLocation?
    /// What is there, why it is not changed by itself, and the ways there are.
    package var reason: String

    package init(about: String, at node: Node, reason: String) {
        self.about = about
        path = node.path
        location = node.location
        self.reason = reason
    }
}

/// What to do about one object: the steps that can be taken by field, and what is left for a person.
package struct FixProposal: Sendable, Hashable {
    package var steps: [FixStep]
    package var decisions: [FixDecision]

    package init(steps: [FixStep] = [], decisions: [FixDecision] = []) {
        self.steps = steps
        self.decisions = decisions
    }

    package var patch: JSONPatch { JSONPatch(steps.map(\.operation)) }

    /// Adds another proposal; a change of a field that is proposed already is taken once.
    package mutating func append(_ other: FixProposal) {
        for step in other.steps {
            if let same = steps.firstIndex(where: { $0.operation == step.operation }) {
                for answer in step.answers where !steps[same].answers.contains(answer) {
                    steps[same].answers.append(answer)
                }
            } else if !steps.contains(where: { $0.operation.path == step.operation.path }) {
                steps.append(step)
            }
        }
        for decision in other.decisions where !decisions.contains(decision) { decisions.append(decision) }
    }
}
