package import Documents
import Kubernetes

/// The Secrets a pod uses, and how each reaches it.
///
/// Source: PodSpec and Volume, Kubernetes API reference v1.36.
package struct SecretUses: Sendable {
    /// The way a Secret reaches a pod.
    package enum Way: String, Sendable, Hashable {
        case volume, projected, variable, environment, imagePull, volumeDriver
    }

    package struct Use: Sendable {
        package var secret: String
        package var way: Way
        /// What names the Secret.
        package var node: Node
        /// The container, where one is told: empty for volumes nobody mounts and for image pulls.
        package var container: String
        /// The variable, or the paths a volume is mounted at.
        package var place: String
        /// Keys taken; empty for all.
        package var keys: [String]
        package var isOptional: Bool
        /// Mounted with `subPath`: the file then never follows a rotation.
        package var isSubPath = false
    }

    package let uses: [Use]

    /// - Parameter spec: a pod's `spec`.
    package init(_ spec: Node) {
        var uses: [Use] = []
        for reference in spec["imagePullSecrets"].elements {
            guard let name = reference["name"].string, !name.isEmpty else { continue }
            uses.append(
                Use(
                    secret: name, way: .imagePull, node: reference["name"], container: "", place: "", keys: [],
                    isOptional: true))
        }
        let containers = PodSpec(spec, metadata: spec["metadata"]).allContainers
        for volume in spec["volumes"].elements { uses += Self.uses(of: volume, containers) }
        for container in containers {
            for entry in container.node["env"].elements {
                let reference = entry["valueFrom"]["secretKeyRef"]
                guard let name = reference["name"].string, !name.isEmpty else { continue }
                uses.append(
                    Use(
                        secret: name, way: .variable, node: reference["name"], container: container.name,
                        place: entry["name"].string ?? "", keys: [reference["key"].string].compactMap(\.self),
                        isOptional: reference["optional"].bool ?? false))
            }
            for entry in container.node["envFrom"].elements {
                let reference = entry["secretRef"]
                guard let name = reference["name"].string, !name.isEmpty else { continue }
                uses.append(
                    Use(
                        secret: name, way: .environment, node: reference["name"], container: container.name,
                        place: entry["prefix"].string ?? "", keys: [],
                        isOptional: reference["optional"].bool ?? false))
            }
        }
        self.uses = uses
    }

    /// The names, each once, in order.
    package var names: [String] { Set(uses.map(\.secret)).sorted() }

    private static func uses(of volume: Node, _ containers: [Container]) -> [Use] {
        var found: [(name: Node, way: Way, keys: [String], isOptional: Bool)] = []
        let secret = volume["secret"]
        if secret.isObject {
            found.append(
                (
                    secret["secretName"], .volume, secret["items"].elements.compactMap { $0["key"].string },
                    secret["optional"].bool ?? false
                ))
        }
        for source in volume["projected"]["sources"].elements where source["secret"].isObject {
            let secret = source["secret"]
            found.append(
                (
                    secret["name"], .projected, secret["items"].elements.compactMap { $0["key"].string },
                    secret["optional"].bool ?? false
                ))
        }
        // Credentials of storage drivers: the driver reads them, not the container.
        for driver in ["csi", "flexVolume", "cephfs", "rbd", "iscsi", "scaleIO", "storageos", "azureFile"] {
            let node = volume[driver]
            for field in ["nodePublishSecretRef", "secretRef"] where node[field]["name"].string != nil {
                found.append((node[field]["name"], .volumeDriver, [], false))
            }
            if node["secretName"].string != nil { found.append((node["secretName"], .volumeDriver, [], false)) }
        }
        let volumeName = volume["name"].string ?? ""
        let mounts = containers.flatMap { container in
            container.volumeMounts.filter { $0["name"].string == volumeName }.map { (container.name, $0) }
        }
        return found.flatMap { entry -> [Use] in
            guard let name = entry.name.string, !name.isEmpty else { return [] }
            let whole = Use(
                secret: name, way: entry.way, node: entry.name, container: "", place: "", keys: entry.keys,
                isOptional: entry.isOptional)
            guard !mounts.isEmpty else { return [whole] }
            return mounts.map { container, mount in
                var use = whole
                use.container = container
                use.place = mount["mountPath"].string ?? ""
                use.isSubPath = !(mount["subPath"].string ?? "").isEmpty || !(mount["subPathExpr"].string ?? "").isEmpty
                return use
            }
        }
    }
}
