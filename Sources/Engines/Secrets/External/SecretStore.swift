package import Documents
package import Kubernetes

/// Where the External Secrets Operator fetches from, and as whom.
///
/// Source: `SecretStore` and `ClusterSecretStore` of external-secrets.io, v1 and v1beta1.
package struct SecretStore: Sendable {
    /// How the operator proves who it is to the manager.
    package enum AuthMode: String, Sendable, Hashable, CaseIterable {
        /// A long-lived credential that lies in a Secret of the cluster.
        case staticCredential = "static-credential"
        /// A short-lived token of a service account, exchanged at the manager.
        case workloadIdentity = "workload-identity"
        /// The identity of the machine or node pool.
        case managedIdentity = "managed-identity"
        /// Whatever identity the operator's own pod has: one for all stores.
        case ambient = "ambient-controller-identity"
        /// A login at Vault with the cloud's identity.
        case cloudIdentity = "cloud-iam"
        /// A login with a signed token.
        case jwt
        /// A login with a service account's token, reviewed by the cluster.
        case kubernetes = "kubernetes-auth"
        case unknown
    }

    package let node: Node
    package let isClusterWide: Bool
    /// `aws`, `vault` …: the member of `spec.provider`; empty where there is none.
    package let provider: String
    package let authMode: AuthMode
    /// The first reference to a credential that lies in a Secret, where there is one; also beside other modes.
    package let staticCredential: Node?

    /// Nil for other kinds.
    package init?(_ object: KubernetesObject) {
        guard object.apiVersion.group == "external-secrets.io",
            object.kind == "SecretStore" || object.kind == "ClusterSecretStore"
        else { return nil }
        node = object.node
        isClusterWide = object.kind == "ClusterSecretStore"
        let member = object.node["spec"]["provider"].members.first { _ in true }
        provider = member?.key ?? ""
        let settings = member?.value ?? object.node["spec"]["provider"]
        staticCredential = Self.findCredential(settings, depth: 0)
        authMode = Self.mode(provider, settings, staticCredential != nil)
    }

    /// Whether only some namespaces may use it; nil for a store that lives in one.
    package var isRestricted: Bool? {
        guard isClusterWide else { return nil }
        return node["spec"]["conditions"].elements.contains { condition in
            !condition["namespaces"].isEmpty || !condition["namespaceRegexes"].isEmpty
                || condition["namespaceSelector"].isObject
        }
    }

    private static func mode(_ provider: String, _ settings: Node, _ hasCredential: Bool) -> AuthMode {
        let auth = settings["auth"]
        switch provider {
        case "aws":
            if auth["jwt"].isObject { return .workloadIdentity }
            return hasCredential ? .staticCredential : .ambient
        case "gcpsm":
            if auth["workloadIdentity"].isObject || auth["workloadIdentityFederation"].isObject {
                return .workloadIdentity
            }
            return hasCredential ? .staticCredential : .ambient
        case "azurekv":
            switch settings["authType"].string {
            case "ManagedIdentity": return .managedIdentity
            case "WorkloadIdentity": return .workloadIdentity
            default: return hasCredential ? .staticCredential : .unknown
            }
        case "vault":
            for (field, mode) in [
                ("kubernetes", AuthMode.kubernetes), ("jwt", .jwt), ("iam", .cloudIdentity), ("gcp", .cloudIdentity),
            ] where auth[field].isObject {
                return mode
            }
            return hasCredential || !auth.isEmpty ? .staticCredential : .unknown
        case "kubernetes":
            if auth["serviceAccount"].isObject { return .kubernetes }
            return hasCredential ? .staticCredential : .unknown
        case "oracle":
            switch settings["principalType"].string {
            case "InstancePrincipal": return .managedIdentity
            case "Workload": return .workloadIdentity
            default: return hasCredential ? .staticCredential : .unknown
            }
        default:
            if auth["jwt"].isObject || auth["workloadIdentity"].isObject { return .workloadIdentity }
            if hasCredential { return .staticCredential }
            return findAccount(settings, depth: 0) ? .workloadIdentity : .unknown
        }
    }

    /// The first reference to a key of a Secret that serves to log in, in the order written. Certificates of
    /// authorities are no credential.
    private static func findCredential(_ node: Node, depth: Int) -> Node? {
        guard depth < 12 else { return nil }
        for member in node.members {
            let key = member.key.lowercased()
            guard !key.hasPrefix("ca"), member.value.isObject else { continue }
            if isCredentialKey(key), pointsAtSecret(member.value) { return member.value }
            if let found = findCredential(member.value, depth: depth + 1) { return found }
        }
        return nil
    }

    private static let credentialKeys: Set<String> = [
        "clientcertificate", "clientcert", "clientkey", "bearertoken", "token", "apikeyref", "privatekey",
        "privatekeyref", "password", "credentials", "authref", "userref", "clientid", "clientsecret", "accesskey",
        "secretkey", "accesskeyid", "accesskeysecret", "apikey", "accessid", "dopplertoken", "serviceaccountkey",
    ]

    private static func isCredentialKey(_ key: String) -> Bool {
        key.contains("secretref") || credentialKeys.contains(key)
    }

    /// `{name, key}`, or an object that has such a thing in it.
    private static func pointsAtSecret(_ node: Node) -> Bool {
        if node["name"].string != nil || node["key"].string != nil { return true }
        return node.members.contains { member in
            member.value["name"].string != nil || member.value["key"].string != nil
        }
    }

    private static func findAccount(_ node: Node, depth: Int) -> Bool {
        guard depth < 12 else { return false }
        return node.members.contains { member in
            (member.hasKey("serviceAccountRef") && member.value.isObject) || findAccount(member.value, depth: depth + 1)
        }
    }
}

/// What an ExternalSecret fetches, and how often.
///
/// Source: `ExternalSecret` of external-secrets.io, v1 and v1beta1.
package struct ExternalSecret: Sendable {
    package let node: Node

    /// - Parameter spec: the `spec`; a ClusterExternalSecret holds it in `externalSecretSpec`.
    package init(_ spec: Node) { node = spec }

    package var storeKind: String? { node["secretStoreRef"]["kind"].string }
    package var refreshInterval: String? { node["refreshInterval"].text }
    package var refreshPolicy: String? { node["refreshPolicy"].string }
    package var creationPolicy: String? { node["target"]["creationPolicy"].string }
    package var deletionPolicy: String? { node["target"]["deletionPolicy"].string }
    package var findsByPattern: Bool { node["dataFrom"].elements.contains { $0["find"].isObject } }

    /// What says that the value is fetched once and never again; nil where it follows the manager.
    package var neverRefreshes: (node: Node, message: String)? {
        switch refreshPolicy {
        case "CreatedOnce":
            return (node["refreshPolicy"], "refreshPolicy CreatedOnce fetches once: a rotated value never arrives")
        case "OnChange":
            return (node["refreshPolicy"], "refreshPolicy OnChange fetches when this object changes, not the value")
        default: break
        }
        guard let interval = refreshInterval, let duration = GoDuration(interval), !duration.isPositive else {
            return nil
        }
        return (node["refreshInterval"], "a refreshInterval of \(interval) fetches once: a rotated value never arrives")
    }

    /// Finds that take whatever is there: a regular expression that matches every name, or none at all.
    package var unboundedFinds: [Node] {
        node["dataFrom"].elements.map { $0["find"] }.filter { find in
            guard find.isObject else { return false }
            if !find["tags"].isEmpty { return false }
            guard let pattern = find["name"]["regexp"].string else { return find["path"].isNull }
            let isEverything = [".*", "^.*$", ".+", "^.+$", "", "^.*", ".*$"].contains(pattern)
            return isEverything && find["path"].isNull
        }
    }
}
