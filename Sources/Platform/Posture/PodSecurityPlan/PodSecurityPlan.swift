package import Documents
package import Kubernetes
package import PodSecurity

/// The way of every namespace to the next level of the Pod Security Standards, least effort first.
package struct PodSecurityPlan: Sendable {
    /// The version that the label patches pin.
    package var version: PolicyVersion
    package var namespaces: [NamespacePlan]
    /// Namespaces of Kubernetes and of the provider, which are not anyone's to label.
    package var system: [NamespacePlan]
}

/// One namespace: where it stands, where it can go, what stands in the way.
package struct NamespacePlan: Sendable {
    /// Empty for objects of files that name none.
    package var name: String
    /// What the labels ask for today, over the cluster's defaults.
    package var policy: NamespacePolicy
    /// Whether a Namespace object was seen; without one nothing is known of labels.
    package var isLabelled: Bool
    package var labelErrors: [LabelError]
    package var isExempt: Bool
    /// The strictest level every workload meets, at the plan's version.
    package var met: PodSecurityLevel
    package var workloads: Int
    /// Workloads of which no level can be said, and why.
    package var unknown: [UnknownWorkload]
    /// The next level; nil where nothing is left to do.
    package var target: PodSecurityLevel?
    /// What stands between the namespace and `target`.
    package var blocked: [WorkloadPlan]
    package var effort: Effort
    /// Audit, warn, enforce: a command for each, in this order.
    package var stages: [LabelStage]
    /// Sets the enforce labels back to what they are now.
    package var rollback: LabelStage?

    /// Whether the next level can be enforced today.
    package var isReady: Bool { target != nil && blocked.isEmpty && unknown.isEmpty }
}

/// A workload that does not meet the target.
package struct WorkloadPlan: Sendable {
    package var object: KubernetesObject
    /// The strictest level it meets today.
    package var level: PodSecurityLevel
    /// "scaled to zero", "CronJob", "no live pod": why a look at pods alone misses it; empty otherwise.
    package var hiding: String
    /// The violations in the API server's words, with the fields that cause them.
    package var violations: [PodSecurityViolation]
    /// What only its live pods break: something added to them after the template.
    package var onlyInPods: [(pod: String, detail: String)]
    /// The smallest patch; nil where no field can be changed.
    package var fix: VerifiedFix?
    /// What is still violated once the fix is applied; empty where it suffices.
    package var remaining: [PodSecurityViolation]

    /// Whether the patch alone brings it to the target.
    package var isFixable: Bool { remaining.isEmpty && onlyInPods.isEmpty && fix?.isEmpty == false }
}

/// A workload whose level cannot be said.
package struct UnknownWorkload: Sendable, Hashable {
    package var object: ObjectReference
    package var location: SourceLocation?
    package var reason: String
}

/// How much work a namespace is: small numbers first. The parts say how the score came about.
package struct Effort: Sendable, Hashable {
    package struct Part: Sendable, Hashable {
        package var count: Int
        package var weight: Int
        package var words: String
    }
    package private(set) var parts: [Part] = []

    package var score: Int { parts.reduce(0) { $0 + $1.count * $1.weight } }

    /// "3 patches × 1 + 1 decision × 5 = 8"
    package var explanation: String {
        guard !parts.isEmpty else { return "nothing to do = 0" }
        return parts.map { "\($0.count) \($0.words) × \($0.weight)" }.joined(separator: " + ") + " = \(score)"
    }

    mutating func add(_ count: Int, _ one: String, _ many: String, weight: Int) {
        guard count > 0 else { return }
        parts.append(Part(count: count, weight: weight, words: count == 1 ? one : many))
    }
}

/// Labels to set on a namespace.
package struct LabelStage: Sendable, Hashable {
    /// `audit`, `warn`, `enforce`, `rollback`
    package var name: String
    /// Nil takes the label away.
    package var labels: [Label]
    package var namespace: String

    package struct Label: Sendable, Hashable {
        package var key: String
        package var value: String?
    }

    package var command: String {
        let target = namespace.isEmpty ? "\"$NAMESPACE\"" : Shell.quoted(namespace)
        let words = labels.map { label in label.value.map { "\(label.key)=\($0)" } ?? "\(label.key)-" }
        return "kubectl label --overwrite namespace \(target) \(words.joined(separator: " "))"
    }

    /// For the Namespace object in a file or a cluster.
    package var patch: JSONPatch {
        JSONPatch(
            labels.map { label in
                let path = FieldPath([.key("metadata"), .key("labels"), .key(label.key)])
                return label.value.map { PatchOperation(.add, path, .string($0)) } ?? PatchOperation(.remove, path)
            })
    }
}
