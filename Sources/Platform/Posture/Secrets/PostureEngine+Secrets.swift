package import Kubernetes
package import Secrets

extension SecretsEvaluation: PostureEngine {
    /// Every object speaks for itself.
    package mutating func follow(_ touched: Set<ObjectKey>, before: Inventory, after: Inventory) -> ChangeReach {
        .touched
    }
}
