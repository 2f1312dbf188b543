/// What a selector looks at: labels of the pod, its namespace, its service account or its node, and their names.
///
/// Each policy language writes these its own way (`pcns.team`, `k8s:io.cilium.k8s.namespace.labels.team`,
/// a `namespaceSelector`); here they are one thing.
package enum LabelKey: Sendable, Hashable {
    /// A label of the endpoint itself: pod, node or network set.
    case own(String)
    case namespace(String)
    case namespaceName
    case serviceAccount(String)
    case serviceAccountName
    /// `projectcalico.org/orchestrator`: "k8s" for every pod.
    case orchestrator
    /// Cilium's cluster name.
    case cluster
}

/// A condition over labels.
package indirect enum LabelExpression: Sendable, Hashable {
    case everything
    case nothing
    /// The label is there and has one of the values.
    case isIn(LabelKey, [String])
    /// The label is missing or has another value.
    case isNotIn(LabelKey, [String])
    case exists(LabelKey)
    case hasPrefix(LabelKey, String)
    case hasSuffix(LabelKey, String)
    case contains(LabelKey, String)
    case not(LabelExpression)
    case all([LabelExpression])
    case any([LabelExpression])

    package func matches(_ value: (LabelKey) -> String?) -> Bool {
        switch self {
        case .everything: true
        case .nothing: false
        case .isIn(let key, let values): value(key).map(values.contains) ?? false
        case .isNotIn(let key, let values): value(key).map { !values.contains($0) } ?? true
        case .exists(let key): value(key) != nil
        case .hasPrefix(let key, let text): value(key)?.hasPrefix(text) ?? false
        case .hasSuffix(let key, let text): value(key)?.hasSuffix(text) ?? false
        case .contains(let key, let text): value(key)?.contains(text) ?? false
        case .not(let inner): !inner.matches(value)
        case .all(let parts): parts.allSatisfy { $0.matches(value) }
        case .any(let parts): parts.contains { $0.matches(value) }
        }
    }

    /// Every key the answer depends on.
    func visitKeys(_ visit: (LabelKey) -> Void) {
        switch self {
        case .everything, .nothing: break
        case .isIn(let key, _), .isNotIn(let key, _), .exists(let key), .hasPrefix(let key, _),
            .hasSuffix(let key, _), .contains(let key, _):
            visit(key)
        case .not(let inner): inner.visitKeys(visit)
        case .all(let parts), .any(let parts): for part in parts { part.visitKeys(visit) }
        }
    }

    /// Both, with what is trivial left out.
    func and(_ other: LabelExpression) -> LabelExpression {
        switch (self, other) {
        case (.everything, _): other
        case (_, .everything): self
        case (.all(let a), .all(let b)): .all(a + b)
        case (.all(let a), _): .all(a + [other])
        case (_, .all(let b)): .all([self] + b)
        default: .all([self, other])
        }
    }
}
