package import Documents
package import Kubernetes

/// A secret of a manager that feeds a Secret of the cluster.
package struct SecretSource: Sendable {
    /// The member of the store's `provider`: `vault`, `aws`, `azurekv`; as the Secrets Store driver and Vault's
    /// operator name theirs, brought to the same words.
    package var provider: String
    /// The name or path there.
    package var key: String
    /// The settings of the provider.
    package var node: Node

    /// The sources that objects of the inventory name for a Secret, in order, each once.
    package static func sources(of name: String, in namespace: String, _ inventory: Inventory) -> [SecretSource] {
        var out: [SecretSource] = []
        func add(_ source: SecretSource) {
            if !out.contains(where: { $0.provider == source.provider && $0.key == source.key }) { out.append(source) }
        }
        for key in inventory.keys(in: namespace) {
            guard let object = inventory[key], object.madeSecrets.contains(name) else { continue }
            let spec = object.node["spec"]
            switch (object.apiVersion.group, object.kind) {
            case ("external-secrets.io", "ExternalSecret"):
                for (reference, store) in remotes(spec) {
                    guard let settings = provider(store, namespace, inventory) else { continue }
                    add(SecretSource(provider: settings.name, key: reference, node: settings.node))
                }
            case ("secrets.hashicorp.com", "VaultStaticSecret"):
                guard let mount = spec["mount"].string, let path = spec["path"].string else { continue }
                add(SecretSource(provider: "vault", key: "\(mount)/\(path)", node: spec["no settings"]))
            default: continue
            }
        }
        return out
    }

    /// Keys that an ExternalSecret names, each with the reference to its store.
    private static func remotes(_ spec: Node) -> [(key: String, store: Node)] {
        var out: [(key: String, store: Node)] = []
        for entry in spec["data"].elements {
            guard let key = entry["remoteRef"]["key"].string else { continue }
            let own = entry["sourceRef"]["storeRef"]
            out.append((key, own.isObject ? own : spec["secretStoreRef"]))
        }
        for entry in spec["dataFrom"].elements {
            guard let key = entry["extract"]["key"].string else { continue }
            let own = entry["sourceRef"]["storeRef"]
            out.append((key, own.isObject ? own : spec["secretStoreRef"]))
        }
        return out
    }

    private static func provider(
        _ store: Node, _ namespace: String, _ inventory: Inventory
    ) -> (name: String, node: Node)? {
        guard let name = store["name"].string else { return nil }
        let isClusterWide = store["kind"].equals("ClusterSecretStore")
        let reference = ObjectReference(
            group: "external-secrets.io", kind: isClusterWide ? "ClusterSecretStore" : "SecretStore",
            namespace: isClusterWide ? "" : namespace, name: name)
        guard let object = inventory[ObjectKey(reference)],
            let member = object.node["spec"]["provider"].members.first(where: { _ in true })
        else { return nil }
        return (member.key, member.value)
    }
}
