package import CISBenchmark
package import Kubernetes

extension CISEvaluation: PostureEngine {
    package mutating func follow(
        _ touched: Set<ObjectKey>, before: Inventory, after: Inventory
    ) -> ChangeReach {
        guard touched.contains(where: { Self.kindsRead.contains($0.reference.kind) }) else { return .touched }
        let chosen = selected
        self = CISEvaluation(after, isCluster: isCluster, version: version)
        selected = chosen
        return .everything
    }
}
