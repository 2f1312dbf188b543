package import Findings
import PodSecurity

/// Where each rule is held to at the least cost: by a label of the namespace, by a policy the API server evaluates
/// itself, or by the webhook.
///
/// What the API server decides itself costs no network, needs nobody to be there, and cannot lock anybody out; so the
/// webhook is for what neither can say.
package struct EnforcementPlan: Sendable {
    package enum Means: String, Sendable, CaseIterable {
        case podSecurityLabel = "Pod Security label"
        case nativePolicy = "ValidatingAdmissionPolicy"
        case webhook = "webhook"
    }

    package struct Step: Sendable {
        package var rule: Rule
        package var means: Means
        package var why: String
        /// What to write: a label, or an expression.
        package var example: String
    }

    package let steps: [Step]

    /// Expressions that say what a rule says of a pod; with `variables.pod` for the specification of any workload.
    private static let expressions: [String: String] = [
        "image/mutable-tag":
            "variables.pod.containers.all(c, c.image.contains('@') || c.image.matches(':[^/]+$') && !c.image.endsWith(':latest'))",
        "image/no-digest": "variables.pod.containers.all(c, c.image.contains('@sha256:'))",
        "image/digest-required": "variables.pod.containers.all(c, c.image.contains('@sha256:'))",
        "image/registry-not-allowed":
            "variables.pod.containers.all(c, c.image.startsWith('registry.example.com/'))",
        "pod/token-automount":
            "has(variables.pod.automountServiceAccountToken) && !variables.pod.automountServiceAccountToken",
    ]

    /// - Parameter rules: those a policy enforces or warns of.
    package init(_ rules: [Rule]) {
        let levels = Self.levels
        steps = rules.map { rule in
            if let level = levels[rule.id] {
                return Step(
                    rule: rule, means: .podSecurityLabel,
                    why: "the standard's \(level) level says the same, and the API server holds pods to it itself",
                    example: "pod-security.kubernetes.io/enforce: \(level)")
            }
            if let expression = Self.expressions[rule.id] {
                return Step(
                    rule: rule, means: .nativePolicy, why: "one expression over the object alone says it",
                    example: expression)
            }
            let why =
                rule.id.hasPrefix("image/")
                ? "it needs to know what is in the image"
                : rule.id.hasPrefix("rbac/")
                    ? "it follows rights over other objects"
                    : rule.id.hasPrefix("secrets/")
                        ? "it reads values as people write them, which no expression does within its cost"
                        : "it looks beyond the object, or tells the fix with the reason"
            return Step(rule: rule, means: .webhook, why: why, example: "")
        }
    }

    /// The level of the standard that a rule belongs to.
    private static let levels: [String: String] = {
        var out: [String: String] = [:]
        for rule in PodSecurityChecks.rules(upTo: .restricted) { out[rule.id] = "restricted" }
        for rule in PodSecurityChecks.rules(upTo: .baseline) { out[rule.id] = "baseline" }
        return out
    }()

    /// What a person reads.
    package var text: String {
        var lines: [String] = []
        for means in Means.allCases {
            let own = steps.filter { $0.means == means }
            guard !own.isEmpty else { continue }
            lines.append("\(means.rawValue): \(own.count) \(own.count == 1 ? "rule" : "rules")")
            for step in own {
                lines.append("    \(step.rule.id): \(step.why)")
                if !step.example.isEmpty { lines.append("        \(step.example)") }
            }
        }
        return lines.joined(separator: "\n")
    }
}
