package import Documents
package import Kubernetes

/// What the checks of Secrets and their managers look at: an object, and what is around it.
package struct SecretSubject: Sendable {
    package let object: KubernetesObject
    package let context: SecretContext

    package init(_ object: KubernetesObject, _ context: SecretContext) {
        self.object = object
        self.context = context
    }

    package var node: Node { object.node }
    package var spec: Node { object.node["spec"] }
}

/// What a user wants of Secrets, where opinions differ.
package struct SecretPolicy: Sendable, Hashable {
    /// Days after which a Secret must have been written anew; nil where age does not count.
    package var rotationDays: Int?
    /// More workloads than this with one Secret are too many.
    package var sharedBy: Int

    package init(rotationDays: Int? = nil, sharedBy: Int = 10) {
        self.rotationDays = rotationDays
        self.sharedBy = sharedBy
    }
}

/// The surroundings that decide over findings on Secrets: who uses them, and who makes them.
package struct SecretContext: Sendable {
    package private(set) var inventory: Inventory
    package let isCluster: Bool
    package let unlistedKinds: Set<String>
    package let policy: SecretPolicy
    /// The present, given by the caller; nil where age is not asked for.
    package let now: EventTime?
    /// Workloads by Secret, as `namespace/name`.
    private let users: [String: [SecretUser]]
    /// Whether every Secret of the cluster was listed, so that one that is missing is missing.
    package let knowsSecrets: Bool
    /// Secrets that an operator makes or keeps, by `namespace/name`, with the object that says so.
    private let makers: [String: ObjectReference]

    package init(
        _ inventory: Inventory, isCluster: Bool, unlistedKinds: Set<String> = [], policy: SecretPolicy = SecretPolicy(),
        now: EventTime? = nil
    ) {
        self.inventory = inventory
        self.isCluster = isCluster
        self.unlistedKinds = unlistedKinds
        self.policy = policy
        self.now = now
        knowsSecrets =
            isCluster && !unlistedKinds.contains("Secret") && !inventory.keys("Secret").isEmpty
        users = SecretUser.all(in: inventory)
        makers = Self.makers(inventory)
    }

    /// The same surroundings over an inventory in which only what does not belong to them changed.
    package func over(_ inventory: Inventory) -> SecretContext {
        var out = self
        out.inventory = inventory
        return out
    }

    package func users(of name: String, in namespace: String) -> [SecretUser] { users["\(namespace)/\(name)"] ?? [] }

    package func maker(of name: String, in namespace: String) -> ObjectReference? { makers["\(namespace)/\(name)"] }

    private static func makers(_ inventory: Inventory) -> [String: ObjectReference] {
        var out: [String: ObjectReference] = [:]
        for key in inventory.keys {
            guard let object = inventory[key] else { continue }
            for name in object.madeSecrets where out["\(object.namespace)/\(name)"] == nil {
                out["\(object.namespace)/\(name)"] = object.reference
            }
        }
        return out
    }
}

extension KubernetesObject {
    /// Names of the Secrets that the object's operator writes in its namespace.
    package var madeSecrets: [String] {
        switch (apiVersion.group, kind) {
        case ("external-secrets.io", "ExternalSecret"):
            [node["spec"]["target"]["name"].string.flatMap { $0.isEmpty ? nil : $0 } ?? name]
        case ("bitnami.com", "SealedSecret"):
            [node["spec"]["template"]["metadata"]["name"].string ?? name]
        case ("secrets.hashicorp.com", _):
            [node["spec"]["destination"]["name"].string].compactMap(\.self)
        case ("secrets-store.csi.x-k8s.io", "SecretProviderClass"):
            node["spec"]["secretObjects"].elements.compactMap { $0["secretName"].string }
        case ("cert-manager.io", "Certificate"):
            [node["spec"]["secretName"].string].compactMap(\.self)
        default: []
        }
    }
}

/// A workload that uses a Secret.
package struct SecretUser: Sendable {
    /// The topmost owner: the Deployment, not its pods.
    package var workload: ObjectReference
    package var object: KubernetesObject
    package var use: SecretUses.Use

    /// Every use in the inventory, by `namespace/name` of the Secret; each owner speaks once.
    static func all(in inventory: Inventory) -> [String: [SecretUser]] {
        var out: [String: [SecretUser]] = [:]
        for key in inventory.keys {
            guard let object = inventory[key] else { continue }
            let namespace = object.namespace
            if object.is("ServiceAccount") {
                for (field, way) in [("imagePullSecrets", SecretUses.Way.imagePull), ("secrets", .volume)] {
                    for reference in object.node[field].elements {
                        guard let name = reference["name"].string, !name.isEmpty else { continue }
                        let use = SecretUses.Use(
                            secret: name, way: way, node: reference["name"], container: "", place: "", keys: [],
                            isOptional: true)
                        out["\(namespace)/\(name)", default: []].append(
                            SecretUser(workload: object.reference, object: object, use: use))
                    }
                }
                continue
            }
            if object.is("Ingress", of: "networking.k8s.io") {
                for entry in object.node["spec"]["tls"].elements {
                    guard let name = entry["secretName"].string, !name.isEmpty else { continue }
                    let use = SecretUses.Use(
                        secret: name, way: .volumeDriver, node: entry["secretName"], container: "", place: "TLS",
                        keys: [], isOptional: false)
                    out["\(namespace)/\(name)", default: []].append(
                        SecretUser(workload: object.reference, object: object, use: use))
                }
                continue
            }
            // Pods and ReplicaSets say again what their owner says, where the owner is known.
            let owner = inventory.topmostOwner(of: object)
            let isFollower = owner != object.reference && inventory[ObjectKey(owner)] != nil
            guard !isFollower else { continue }
            for template in object.podTemplates {
                for use in SecretUses(template.spec.node).uses {
                    out["\(namespace)/\(use.secret)", default: []].append(
                        SecretUser(workload: owner, object: object, use: use))
                }
            }
        }
        return out
    }
}
