package import Documents
import Kubernetes

/// What a cloud says of the encryption of its managed control plane.
///
/// Read from what `aws eks describe-cluster`, `gcloud container clusters describe` and `az aks show` print, alone or
/// inside a `ClusterDescribe` object. Below all of this every provider encrypts the disks of etcd; that protects a
/// stolen disk and nobody else's view, so it counts as no layer here.
package struct CloudEncryption: Sendable {
    package enum Provider: String, Sendable, CaseIterable { case eks = "EKS", gke = "GKE", aks = "AKS" }

    /// Who holds the key that Secrets are encrypted with before they reach etcd.
    package enum Layer: Sendable, Hashable {
        /// Nobody: only the disk below is encrypted.
        case none
        /// The provider, by default.
        case providerKey
        /// The customer, in the provider's key service.
        case customerKey(String)
    }

    package var provider: Provider
    package var name: String
    package var layer: Layer
    /// What says so.
    package var node: Node
    /// What is missing, or what does not help although it looks so.
    package var note: String?

    /// Nil for a document that describes no managed cluster.
    package init?(_ root: Node) {
        let isDescribed = root["kind"].equals("ClusterDescribe")
        let data = isDescribed ? root["data"] : root
        let name = root["metadata"]["name"].string ?? data["cluster"]["name"].string ?? data["name"].string ?? ""
        if data["cluster"].isObject, Self.isEKS(data["cluster"]) {
            self.init(eks: data["cluster"], name)
        } else if Self.isEKS(data) {
            self.init(eks: data, name)
        } else if root["apiVersion"].string?.hasPrefix("container.googleapis.com/") == true || Self.isGKE(data) {
            self.init(gke: data, name)
        } else if root["apiVersion"].string?.hasPrefix("management.azure.com/") == true || Self.isAKS(data) {
            self.init(aks: data, name)
        } else {
            return nil
        }
    }

    private static func isEKS(_ node: Node) -> Bool {
        node["arn"].string?.contains(":eks:") == true || node["platformVersion"].string?.hasPrefix("eks.") == true
    }

    private static func isGKE(_ node: Node) -> Bool {
        node["selfLink"].string?.contains("container.googleapis.com") == true || node["databaseEncryption"].isObject
            || node["database_encryption"].isObject
    }

    private static func isAKS(_ node: Node) -> Bool {
        node["id"].string?.lowercased().contains("microsoft.containerservice/managedclusters") == true
    }

    private init(eks cluster: Node, _ name: String) {
        provider = .eks
        self.name = name
        let configuration = cluster["encryptionConfig"]
        for entry in configuration.elements {
            let key = entry["provider"]["keyArn"]
            guard let text = key.string, entry["resources"].strings.contains("secrets") else { continue }
            layer = .customerKey(text)
            node = key
            return
        }
        // Default envelope encryption of all API data with a key of AWS, from 1.28 on (EKS user guide).
        let minor = cluster["version"].string.flatMap { $0.split(separator: ".").dropFirst().first }.flatMap { Int($0) }
        if let minor, minor >= 28 {
            layer = .providerKey
            node = cluster["version"]
        } else {
            layer = .none
            node = configuration
            note = minor == nil ? "the cluster's version is not told; from 1.28 on EKS encrypts by default" : nil
        }
    }

    private init(gke cluster: Node, _ name: String) {
        provider = .gke
        self.name = name
        let encryption =
            cluster["databaseEncryption"].isObject ? cluster["databaseEncryption"] : cluster["database_encryption"]
        let state = encryption["state"]
        node = encryption
        // The API's enumeration: 1 is ENCRYPTED, 2 is DECRYPTED; newer clusters tell of all objects too.
        let isOn =
            state.equals("ENCRYPTED") || state.equals("ALL_OBJECTS_ENCRYPTION_ENABLED") || state.int == 1
        layer = isOn ? .customerKey(encryption["keyName"].string ?? encryption["key_name"].string ?? "") : .none
        let current = encryption["currentState"].string ?? encryption["current_state"].string ?? ""
        if isOn, current.contains("PENDING") || current.contains("ERROR") {
            note = "it is switched on, and the present state is \(current): not every Secret is encrypted yet"
        }
    }

    private init(aks cluster: Node, _ name: String) {
        provider = .aks
        self.name = name
        let properties = cluster["properties"].isObject ? cluster["properties"] : cluster
        let profile = properties["securityProfile"]
        let kms = profile["azureKeyVaultKms"]
        if kms["enabled"].bool == true {
            layer = .customerKey(kms["keyId"].string ?? "")
            node = kms["keyId"]
            if kms["keyVaultNetworkAccess"].equals("Public") {
                note = "the key vault is reachable from the internet"
            }
            return
        }
        if profile["kubernetesResourceObjectEncryptionProfile"]["infrastructureEncryption"].equals("Enabled") {
            layer = .providerKey
            node = profile["kubernetesResourceObjectEncryptionProfile"]
            return
        }
        layer = .none
        node = kms
        if properties["agentPoolProfiles"].elements.contains(where: { $0["enableEncryptionAtHost"].bool == true }) {
            note = "encryption at host covers the disks of nodes, not etcd"
        }
    }
}
