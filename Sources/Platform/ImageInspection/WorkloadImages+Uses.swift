package import Foundation
package import ImageStore
package import Kubernetes

extension WorkloadImages {
    /// Who runs which digest, as the store keeps it.
    ///
    /// - Parameter digests: by the images' names, as their inspection told.
    package func uses(
        cluster: String, digests: [String: String], inventory: Inventory, now: Date
    ) -> [ImageUse] {
        var out: Set<ImageUse> = []
        for image in images {
            guard let digest = digests[image.name] else { continue }
            for use in image.uses {
                let family = families[use.family]
                let workload = family.owner.reference
                out.insert(
                    ImageUse(
                        cluster: cluster, digest: digest, group: workload.group, kind: workload.kind,
                        namespace: workload.namespace, name: workload.name, container: use.container,
                        reference: image.written, owner: Self.owner(use.object, inventory), seen: now))
            }
        }
        return out.sorted {
            ($0.namespace, $0.kind, $0.name, $0.container, $0.digest)
                < ($1.namespace, $1.kind, $1.name, $1.container, $1.digest)
        }
    }

    /// Who answers for an object: what it says, else what its namespace says. `a8r.io/owner` is the convention of
    /// "Annotations for services" (a8r.io); the others are what people write.
    private static func owner(_ object: KubernetesObject, _ inventory: Inventory) -> String? {
        let namespace = inventory[
            ObjectKey(ObjectReference(group: "", kind: "Namespace", namespace: "", name: object.namespace))]
        for place in [object, namespace].compactMap(\.self) {
            for key in ["martlet.dev/owner", "a8r.io/owner", "owner", "team"] {
                if let name = place.annotations[key] ?? place.labels[key], !name.isEmpty { return name }
            }
        }
        return nil
    }
}
