package import Documents
package import Kubernetes

/// Configuration files that lie among manifests.
extension CISInput {
    /// The namespaces whose ConfigMap `config` stands in the place of flags, of those where a component runs.
    package static func openShiftNamespaces(of inventory: Inventory) -> [String] {
        ["openshift-kube-apiserver", "openshift-kube-controller-manager"].filter { namespace in
            inventory.objects("Pod").contains { $0.namespace == namespace }
        }
    }

    private static let configurations: [(kind: String, groups: Set<String>)] = [
        ("AuthenticationConfiguration", ["apiserver.config.k8s.io"]),
        ("AuthorizationConfiguration", ["apiserver.config.k8s.io"]),
        ("EncryptionConfiguration", ["apiserver.config.k8s.io"]), ("EncryptionConfig", [""]),
        ("AdmissionConfiguration", ["apiserver.config.k8s.io"]), ("Policy", ["audit.k8s.io"]),
        ("KubeSchedulerConfiguration", ["kubescheduler.config.k8s.io"]),
        ("KubeProxyConfiguration", ["kubeproxy.config.k8s.io"]),
        ("KubeletConfiguration", ["kubelet.config.k8s.io"]),
    ]

    /// Whether an object is the configuration of a component rather than an object of the API.
    package static func isConfiguration(_ object: KubernetesObject) -> Bool {
        configurations.contains { $0.kind == object.kind && $0.groups.contains(object.apiVersion.group) }
    }

    /// The files of an inventory that flags may lead to, by base name. A name that two files share says nothing.
    package static func looseFiles(_ inventory: Inventory) -> [String: SourceText] {
        var out: [String: SourceText] = [:]
        var twice: Set<String> = []
        for (kind, groups) in configurations {
            for group in groups.sorted() {
                for object in inventory.objects(kind, of: group) where !object.file.isEmpty {
                    let name = object.file.split(separator: "/").last.map(String.init) ?? object.file
                    if let known = out[name], known !== object.node.source { twice.insert(name) }
                    out[name] = object.node.source
                }
            }
        }
        for name in twice { out[name] = nil }
        return out
    }

    /// The control that a file answers without the component that reads it.
    static func judgedAlone(_ object: KubernetesObject) -> String? {
        if object.is("EncryptionConfiguration", of: "apiserver.config.k8s.io") { return "1.2.28" }
        if object.is("Policy", of: "audit.k8s.io") { return "3.2.2" }
        return nil
    }

    /// Files that answer a control on their own, where no component was seen that reads them.
    func alone(_ control: String) -> [KubernetesObject] {
        inventory.keys.compactMap { inventory[$0] }.filter { Self.judgedAlone($0) == control }
    }
}
