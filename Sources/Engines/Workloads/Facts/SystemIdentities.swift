import Documents
import Findings
import Kubernetes

/// Which workloads are part of Kubernetes itself, of its network or of the provider's software.
///
/// Recognised by namespace, name and image together: a name alone is easily taken.
/// Source: `Resources/system-workloads.json`.
struct SystemIdentities: Sendable {
    struct Identity: Sendable {
        var who: String
        var namespaces: [Glob]
        var names: [Glob]
        var images: [Glob]
    }

    let identities: [Identity]
    let bootstrapNamespaces: Set<String>
    let bootstrapNames: Set<String>

    static let known: SystemIdentities = {
        let root = FactFile.root(PackageResources.system_workloads_json, "system-workloads.json")
        return SystemIdentities(
            identities: root["workloads"].elements.map { entry in
                Identity(
                    who: entry["who"].string ?? "", namespaces: entry["namespaces"].strings.map(Glob.init),
                    names: entry["names"].strings.map(Glob.init), images: entry["images"].strings.map(Glob.init))
            },
            bootstrapNamespaces: Set(root["bootstrapNamespaces"].strings),
            bootstrapNames: Set(root["bootstrapNames"].strings))
    }()

    /// Whose software the workload is; nil for the user's own.
    func owner(of name: String, in namespace: String, running spec: PodSpec) -> String? {
        guard !namespace.isEmpty else { return nil }
        let containers = spec.initContainers + spec.containers
        guard !containers.isEmpty else { return nil }
        for identity in identities
        where identity.namespaces.contains(where: { $0.matches(namespace) })
            && identity.names.contains(where: { $0.matches(name) })
        {
            let isTheirs = containers.allSatisfy { container in
                let image = ImageReference(container.image)
                let full = "\(image.registry)/\(image.repository)"
                return identity.images.contains { $0.matches(full) }
            }
            if isTheirs { return identity.who }
        }
        return nil
    }

    /// Whether an object without pods is one that Kubernetes makes itself.
    func isBootstrap(_ object: KubernetesObject) -> Bool {
        if object.metadata["labels"]["kubernetes.io/bootstrapping"].exists { return true }
        if object.name.hasPrefix("system:") { return true }
        if object.namespace == "default", object.name == "kubernetes" {
            return object.is("Service") || object.is("Endpoints")
        }
        return bootstrapNamespaces.contains(object.namespace) && bootstrapNames.contains(object.name)
    }
}
