package import Findings

/// What is said of admission policies and of what they would refuse.
package enum PolicyRules {
    package static let all = [violated, unevaluated, defective, idle, otherEngine]

    package static let violated = Rule(
        "policy/violated", .medium, [.kubernetes("Validating Admission Policy")],
        title: "An admission policy of this cluster would refuse the object",
        why: """
            The API server asks policies when an object is written; what was there before, or comes with the files of \
            tomorrow, nobody asks about. The next change to the object will be refused.
            """,
        remedy: "Change the object as the policy's message says, or exempt it in the policy's binding, with a reason.")

    package static let unevaluated = Rule(
        "policy/not-evaluated", .low, [.kubernetes("Validating Admission Policy")],
        title: "An admission policy could not be decided for the object",
        why: "An expression failed, or needs what only the API server has; under failurePolicy Fail it would refuse.",
        remedy: "Guard the expression with has() and optional fields; a policy should decide every object it matches.")

    package static let defective = Rule(
        "policy/does-not-compile", .high, [.kubernetes("Validating Admission Policy")],
        title: "An expression of an admission policy does not compile",
        why: """
            With failurePolicy Fail it refuses everything it matches, with Ignore it checks nothing: neither is what its \
            author meant.
            """,
        remedy: "Mend the expression; `martlet policy lint` names the place.")

    package static let idle = Rule(
        "policy/not-bound", .medium, [.kubernetes("Validating Admission Policy")],
        title: "An admission policy does nothing",
        why: "A policy without a binding is never asked, a binding without its policy binds nothing.",
        remedy: "Add a ValidatingAdmissionPolicyBinding with the actions you want, or remove what is left over.")

    package static let otherEngine = Rule(
        "policy/other-engine", .info, [],
        title: "A policy of another engine stands here and is not evaluated",
        why:
            "Kyverno, Gatekeeper and Kubewarden decide by their own languages; what they would refuse is not known here.",
        remedy: "Ask the engine's own reports, or write the policy as a ValidatingAdmissionPolicy.")
}
