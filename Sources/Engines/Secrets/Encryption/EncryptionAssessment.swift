package import Documents
package import Kubernetes

/// What is wrong with an `EncryptionConfiguration`, for one resource.
///
/// Only what the file itself says. Whether an API server really uses it, and what etcd really holds, is shown by
/// `StorageProof`.
package struct EncryptionAssessment: Sendable {
    /// One thing to say of a configuration. The raw values are names for reports and forever.
    package enum Kind: String, Sendable, Hashable, CaseIterable, Comparable {
        case plaintextIdentityFirst = "plaintext-write-identity-first"
        case plaintextNotListed = "plaintext-write-resource-not-listed"
        case rejectedMaskedResource = "config-rejected-masked-resource"
        case rejectedOverlap = "config-rejected-overlapping-resources"
        case rejectedKeyLength = "config-rejected-bad-key-length"
        case rejectedKey = "config-rejected-bad-key"
        case rejectedDuplicateKMSName = "config-rejected-duplicate-kms-name"
        case rejectedKMS = "config-rejected-bad-kms"
        case rejectedNoProvider = "config-rejected-no-provider"
        case rejected = "config-rejected"
        case kmsV1 = "kmsv1-deprecated-disabled-by-default"
        case lowEntropyKey = "low-entropy-key"
        case repeatedByteKey = "repeated-byte-key"
        case documentationKey = "well-known-documentation-key"
        case aescbc = "weak-provider-aescbc"
        case aesgcm = "aesgcm-needs-rotation-every-200k-writes"
        case localKey = "local-key-on-control-plane-host"
        case identityFallback = "identity-fallback-present"
        case oldKeys = "old-keys-still-listed"

        package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }

        package var isRejection: Bool { rawValue.hasPrefix("config-rejected") }
    }

    package struct Remark: Sendable {
        package var kind: Kind
        package var node: Node
        package var message: String
    }

    package private(set) var remarks: [Remark] = []
    /// What becomes of new writes, as `writeProvider` of the configuration says; nil where it does not load.
    package let writes: EncryptionConfiguration.WriteProvider?

    /// - Parameter allowsKMSv1: the `KMSv1` feature gate of the API server.
    package init(
        _ configuration: EncryptionConfiguration, group: String = "", resource: String = "secrets",
        allowsKMSv1: Bool = false
    ) {
        let refusals = configuration.problems.filter { !($0.code == .kmsV1Disabled && allowsKMSv1) }
        if !refusals.isEmpty {
            writes = nil
            for problem in refusals {
                remarks.append(
                    Remark(kind: Self.kind(of: problem.code), node: problem.node, message: problem.message))
            }
            return
        }
        let writes = configuration.writeProvider(group: group, resource: resource)
        self.writes = writes
        switch writes {
        case .unlisted:
            let root = configuration.entries.first?.node.rootNode["resources"] ?? configuration.entries.first?.node
            if let root {
                say(.plaintextNotListed, root, "\(resource) are named by no entry, so they are written as plaintext")
            }
        case .provider(let provider, let entry):
            guard writes.isEncrypting else {
                say(
                    .plaintextIdentityFirst, provider.node,
                    "identity stands first for \(resource), so they are written as plaintext; "
                        + "the keys behind it only read")
                return
            }
            judge(provider, entry)
        }
    }

    private mutating func judge(_ provider: EncryptionConfiguration.Provider, _ entry: EncryptionConfiguration.Entry) {
        for key in provider.keys.prefix(1) { judge(key) }
        switch provider.algorithm {
        case .aescbc:
            say(.aescbc, provider.node, "aescbc has no authentication: stored bytes can be changed unseen")
        case .aesgcm:
            say(
                .aesgcm, provider.node,
                "aesgcm draws its nonces at random: the key must be replaced after 200,000 writes, and nothing does so")
        case .kms where provider.kms?.version == "v1":
            say(.kmsV1, provider.node, "KMS v1 is deprecated and off by default since Kubernetes 1.29")
        default: break
        }
        if !provider.keys.isEmpty {
            say(
                .localKey, provider.node,
                "the \(provider.name) key lies in this file on the control plane's disk: who copies the disk has both")
        }
        let others = entry.providers.dropFirst()
        if let identity = others.first(where: { $0.algorithm == .identity }) {
            say(
                .identityFallback, identity.node,
                "identity is still accepted: an object written before, or put into etcd by hand, is read as plaintext")
        }
        let oldKeys = provider.keys.dropFirst().map(\.node) + others.filter { $0.algorithm != .identity }.map(\.node)
        if let first = oldKeys.first {
            say(
                .oldKeys, first,
                "\(oldKeys.count == 1 ? "an old key is" : "\(oldKeys.count) old keys are") still accepted; "
                    + "take them out once every object is rewritten")
        }
    }

    private mutating func judge(_ key: EncryptionConfiguration.Key) {
        guard let bytes = key.bytes else { return }
        let node = key.node["secret"]
        let name = key.name.isEmpty ? "the key" : "key \"\(key.name)\""
        if PublishedKeys.all.contains(bytes) {
            say(.documentationKey, node, "\(name) stands in public documentation; everybody has it")
        } else if bytes.allSatisfy({ $0 == 0 }) {
            say(.lowEntropyKey, node, "\(name) is all zeroes")
        } else if Set(bytes).count == 1 {
            say(.repeatedByteKey, node, "\(name) is one byte, repeated")
        } else if Set(bytes).count <= 4 || Self.isSequence(bytes) {
            say(.lowEntropyKey, node, "\(name) was not drawn at random")
        }
    }

    /// `0123…`, or a short piece written again and again.
    private static func isSequence(_ bytes: [UInt8]) -> Bool {
        if zip(bytes, bytes.dropFirst()).allSatisfy({ $1 == $0 &+ 1 }) { return true }
        for period in 2...16 where bytes.count >= 2 * period {
            if bytes.indices.dropFirst(period).allSatisfy({ bytes[$0] == bytes[$0 - period] }) { return true }
        }
        return false
    }

    private mutating func say(_ kind: Kind, _ node: Node, _ message: String) {
        remarks.append(Remark(kind: kind, node: node, message: message))
    }

    private static func kind(of code: EncryptionConfiguration.LoadProblem.Code) -> Kind {
        switch code {
        case .maskedResource: .rejectedMaskedResource
        case .overlappingResources, .duplicateResource: .rejectedOverlap
        case .badKeyLength: .rejectedKeyLength
        case .noKeys, .keyWithoutName, .keyWithoutSecret, .notBase64: .rejectedKey
        case .kmsDuplicateName: .rejectedDuplicateKMSName
        case .kmsName, .kmsEndpoint, .kmsTimeout, .kmsCacheSize, .kmsVersion: .rejectedKMS
        case .noProvider: .rejectedNoProvider
        case .kmsV1Disabled: .kmsV1
        case .notAConfiguration, .unknownField, .wrongType, .duplicateKey, .noEntries, .noResources, .unknownProvider,
            .severalProviders, .resourceName:
            .rejected
        }
    }
}
