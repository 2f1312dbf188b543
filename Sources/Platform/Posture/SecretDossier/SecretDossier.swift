import Documents
package import Findings
package import Kubernetes
import RBAC
package import Secrets

/// All that is known of one Secret, but its value.
package struct SecretDossier: Sendable {
    /// What is known from outside the inventory; empty where nobody looked.
    package struct Evidence: Sendable {
        /// The Secret's metadata with its managedFields, from a server; nil to take what the inventory has.
        package var metadata: KubernetesObject?
        /// Who read it, and from when to when the log goes; nil without a log.
        package var audit: SecretAudit?
        /// How etcd holds it, where that was proved.
        package var proof: StorageProof.Verdict?
        /// What secret managers tell, as words: when written, when rotated.
        package var manager: [String] = []
        /// Places with the same value, found by its keyed hash; nil where nobody looked.
        package var sameValue: [String]?

        package init() {}
    }

    package struct Mark: Sendable {
        package var time: String
        package var what: String
    }

    package var reference: ObjectReference
    /// Whether the Secret itself was seen; a dossier is also made of one that is only named.
    package var isSeen: Bool
    package var type: String?
    /// Names of its keys; nil where only metadata was read.
    package var keys: [String]?
    package var isImmutable: Bool?
    /// The object that makes it: an ExternalSecret, a SealedSecret, an owner.
    package var maker: ObjectReference?
    package var access: [SecretAccess]
    package var users: [SecretUser]
    package var reads: [(key: ReaderTable.Key, row: ReaderTable.Row)]?
    /// The time the audit log covers.
    package var auditPeriod: (first: String, last: String)?
    package var incidents: [SecretIncident]
    package var writes: [Mark]
    package var manager: [String]
    package var sameValue: [String]?
    package var proof: StorageProof.Verdict?
    /// What configurations among the objects say of its encryption.
    package var configured: [String]
    package var findings: [Finding]
    /// What could not be looked at.
    package var gaps: [String]

    /// Nil where nothing in the inventory is, uses, makes or names the Secret.
    package init?(
        _ name: String, in namespace: String, _ inventory: Inventory, isCluster: Bool, evidence: Evidence = Evidence(),
        policy: SecretPolicy = SecretPolicy(), now: EventTime? = nil
    ) {
        let reference = ObjectReference(group: "", kind: "Secret", namespace: namespace, name: name)
        let seen = inventory[ObjectKey(reference)]
        let context = SecretContext(inventory, isCluster: isCluster, policy: policy, now: now)
        let users = context.users(of: name, in: namespace)
        let maker = context.maker(of: name, in: namespace)
        guard seen != nil || evidence.metadata != nil || !users.isEmpty || maker != nil else { return nil }
        self.reference = reference
        self.users = users
        self.maker =
            maker ?? seen.flatMap { inventory.topmostOwner(of: $0) == reference ? nil : inventory.topmostOwner(of: $0) }
        isSeen = seen != nil || evidence.metadata != nil
        type = seen?.node["type"].string
        if let node = seen?.node, node["data"].isObject || node["stringData"].isObject {
            keys = Set(node["data"].members.map(\.key) + node["stringData"].members.map(\.key)).sorted()
            isImmutable = node["immutable"].bool ?? false
        }
        let objects = inventory.keys.compactMap { inventory[$0] }
        let hasRoles = objects.contains(where: AccessModel.concerns)
        access =
            hasRoles
            ? SecretReaders(AccessModel(objects), namespace: namespace, name: name, users: users).all : []
        reads = evidence.audit?.readers.readers(of: name, in: namespace)
        auditPeriod = evidence.audit.map { ($0.summary.first, $0.summary.last) }
        incidents =
            evidence.audit?.incidents.filter { incident in
                incident.message.contains("Secret \(name) in \(namespace)")
                    || incident.message.contains("Secrets in \(namespace)")
                    || incident.message.contains("in all namespaces")
            } ?? []
        let written = (evidence.metadata ?? seen).map(WriteEvidence.init)
        writes = written?.marks.map { Mark(time: $0.time.description, what: $0.what) } ?? []
        manager = evidence.manager
        sameValue = evidence.sameValue
        proof = evidence.proof
        configured = Self.configured(objects)
        let evaluation = SecretManagementEvaluation(inventory, isCluster: isCluster, policy: policy, now: now)
        findings = seen.map { evaluation.evaluate($0).findings } ?? []
        if let maker, let object = inventory[ObjectKey(maker)] { findings += evaluation.evaluate(object).findings }
        findings.sort(by: Finding.areInOrder)
        gaps = []
        if !hasRoles { gaps.append("no roles and bindings were read: who can read it is not known") }
        if evidence.audit == nil { gaps.append("no audit log was given: who did read it is not known") }
        if written?.isLowerBound ?? true {
            gaps.append("managedFields were not read: it may have been written since its creation")
        }
        if evidence.proof == nil, configured.isEmpty {
            gaps.append("neither proved nor configured before our eyes: whether etcd holds it encrypted is not known")
        }
        if evidence.sameValue == nil {
            gaps.append("values were not compared: whether it stands elsewhere is not known")
        }
    }

    /// Whether nothing uses it, as far as was seen.
    package var isUnused: Bool { users.isEmpty }

    private static func configured(_ objects: [KubernetesObject]) -> [String] {
        var out: [String] = []
        for object in objects {
            if EncryptionConfiguration.isOne(object.node) {
                let writes = EncryptionAssessment(EncryptionConfiguration(object.node)).writes
                let place = object.node.location.map { "\($0.file): " } ?? ""
                out.append(
                    writes.map {
                        "\(place)new writes of secrets are \($0.isEncrypting ? "encrypted by" : "plaintext,") \($0.name)"
                    }
                        ?? "\(place)the API server refuses this configuration")
            } else if object.kind == "ClusterDescribe", let cloud = CloudEncryption(object.node) {
                let layer =
                    switch cloud.layer {
                    case .none: "only the disks are encrypted"
                    case .providerKey: "encrypted by a key of the provider"
                    case .customerKey: "encrypted by a key of the customer"
                    }
                out.append("\(cloud.provider.rawValue): \(layer)")
            }
        }
        return out
    }
}
