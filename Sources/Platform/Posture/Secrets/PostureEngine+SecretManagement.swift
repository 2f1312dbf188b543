import Findings
package import Kubernetes
package import Secrets

extension SecretManagementEvaluation: PostureEngine {
    /// Kinds that are Secrets, make them or say how they are kept; a change of one may concern any other.
    private static let central: Set<String> = kindsRead.subtracting([
        "Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Pod", "ReplicaSet", "ReplicationController",
    ])

    /// A workload that changes matters to others only where it uses other Secrets than before.
    package mutating func follow(_ touched: Set<ObjectKey>, before: Inventory, after: Inventory) -> ChangeReach {
        let isCentral = touched.contains { Self.central.contains($0.reference.kind) }
        guard isCentral || touched.contains(where: { Self.uses(before[$0]) != Self.uses(after[$0]) }) else {
            return .touched
        }
        self = following(after)
        let secrets = Set(after.keys("Secret")).union(touched)
        return isCentral ? .everything : .objects(secrets)
    }

    private static func uses(_ object: KubernetesObject?) -> Set<String> {
        guard let object, object.controller == nil else { return [] }
        return Set(object.podTemplates.flatMap { SecretUses($0.spec.node).uses.map(\.secret) })
    }
}
