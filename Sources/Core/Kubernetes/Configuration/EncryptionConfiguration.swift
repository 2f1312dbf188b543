package import Documents

/// How an API server encrypts what it writes to etcd: the file of `--encryption-provider-config`.
///
/// The order of the file is its meaning. The first entry that names a resource holds its providers; the first
/// provider of that entry writes, the others only read what was written before. `identity` in front therefore means
/// plaintext, whatever keys stand behind it.
///
/// Standard: `apiserver.config.k8s.io/v1`, `EncryptionConfiguration`, as the loader of Kubernetes 1.28 to 1.36 reads
/// it. The legacy `v1`/`EncryptionConfig` of old clusters still loads and is read too.
package struct EncryptionConfiguration: Sendable {
    package var entries: [Entry]
    /// Why an API server would refuse to start with this file, in the order of the file; empty when it loads.
    package var problems: [LoadProblem]

    /// A list of resources and the providers they share.
    package struct Entry: Sendable {
        package var resources: [ResourcePattern]
        package var providers: [Provider]
        package var node: Node
    }

    /// One name of a `resources` list: `secrets`, `deployments.apps`, `*.apps`, `*.` (the core group), `*.*`.
    package struct ResourcePattern: Sendable, Hashable, CustomStringConvertible {
        package var group: String
        package var resource: String

        package init(_ text: String) {
            if let dot = text.firstIndex(of: ".") {
                resource = String(text[..<dot])
                group = String(text[text.index(after: dot)...])
            } else {
                resource = text
                group = ""
            }
        }

        package init(group: String, resource: String) {
            self.group = group
            self.resource = resource
        }

        package static let everything = ResourcePattern(group: "*", resource: "*")

        package var isWildcard: Bool { resource == "*" }

        package func matches(group: String, resource: String) -> Bool {
            if self == .everything { return true }
            return self.group == group && (self.resource == "*" || self.resource == resource)
        }

        package var description: String { group.isEmpty && resource != "*" ? resource : "\(resource).\(group)" }
    }

    package enum Algorithm: String, Sendable, CaseIterable {
        /// No encryption at all.
        case identity
        case aescbc
        case aesgcm
        case secretbox
        case kms
    }

    package struct Provider: Sendable {
        package var algorithm: Algorithm
        /// Local keys, the writing one first; none for `identity` and `kms`.
        package var keys: [Key]
        package var kms: KMSPlugin?
        package var node: Node

        /// The algorithm as one word, with the version of the KMS protocol: `identity`, `aescbc`, `kmsv2`.
        package var name: String { kms.map { "kms\($0.version)" } ?? algorithm.rawValue }
    }

    /// A local key. Its bytes are at hand for judging them and must never enter a message.
    package struct Key: Sendable {
        package var name: String
        /// The decoded key; nil when it was not base64 or the file was redacted before we saw it.
        package var bytes: [UInt8]?
        /// The value was replaced by a mark before we saw the file, so nothing can be said of the key.
        package var isWithheld: Bool
        package var node: Node
    }

    package struct KMSPlugin: Sendable {
        /// `v1` when the file does not say.
        package var version: String
        package var name: String
        package var endpoint: String
        /// 3 seconds when the file does not say.
        package var timeout: GoDuration?
        /// Only version 1 has a cache of keys; 1000 when the file does not say.
        package var cacheSize: Int?
    }

    /// A reason for the API server to refuse the file.
    package struct LoadProblem: Sendable {
        package enum Code: String, Sendable, CaseIterable {
            case notAConfiguration, unknownField, wrongType, duplicateKey, noEntries, noResources, noProvider
            case unknownProvider, severalProviders
            case noKeys, keyWithoutName, keyWithoutSecret, notBase64, badKeyLength
            case kmsName, kmsDuplicateName, kmsEndpoint, kmsTimeout, kmsCacheSize, kmsVersion, kmsV1Disabled
            case resourceName, overlappingResources, duplicateResource, maskedResource
        }

        package var code: Code
        package var message: String
        package var node: Node
    }

    /// What becomes of new writes of a resource.
    package enum WriteProvider: Sendable {
        /// No entry names the resource: it is written as plaintext.
        case unlisted
        case provider(Provider, entry: Entry)

        /// `none`, `identity`, `aescbc`, `aesgcm`, `secretbox`, `kmsv1` or `kmsv2`.
        package var name: String {
            switch self {
            case .unlisted: "none"
            case .provider(let provider, _): provider.name
            }
        }

        package var isEncrypting: Bool { name != "none" && name != Algorithm.identity.rawValue }
    }

    /// Whether an API server starts with this file.
    ///
    /// - Parameter allowsKMSv1: the `KMSv1` feature gate, off by default since Kubernetes 1.29.
    package func loads(allowsKMSv1: Bool = false) -> Bool {
        problems.allSatisfy { $0.code == .kmsV1Disabled && allowsKMSv1 }
    }

    /// The entry whose providers serve a resource. An exact name stands over `*.group`, that over `*.*`; in a file
    /// that loads this is the first entry that matches, since one behind a wildcard is refused as masked.
    package func entry(group: String = "", resource: String) -> Entry? {
        let wanted = [
            ResourcePattern(group: group, resource: resource), ResourcePattern(group: group, resource: "*"),
            .everything,
        ]
        for pattern in wanted {
            if let entry = entries.first(where: { $0.resources.contains(pattern) }) { return entry }
        }
        return nil
    }

    /// Who writes a resource: the first provider of its entry.
    package func writeProvider(group: String = "", resource: String) -> WriteProvider {
        guard let entry = entry(group: group, resource: resource), let provider = entry.providers.first else {
            return .unlisted
        }
        return .provider(provider, entry: entry)
    }

    /// Whether a document is such a file, by its kind.
    package static func isOne(_ root: Node) -> Bool {
        root["kind"].equals("EncryptionConfiguration") || isLegacy(root)
    }

    static func isLegacy(_ root: Node) -> Bool {
        root["kind"].equals("EncryptionConfig") && root["apiVersion"].equals("v1")
    }

    /// Reads a document; what the API server would refuse is in `problems`, and what could be read is there anyway.
    ///
    /// Keys that stand twice are refused too, but only the reader of the bytes sees them: see `DocumentSet.problems`.
    package init(_ root: Node) {
        var loader = EncryptionConfigurationLoader()
        loader.read(root)
        entries = loader.entries
        problems = loader.problems
    }

    /// Reads a file: its first document, as the API server does.
    package init?(_ source: SourceText) {
        let set = DocumentReader.read(source)
        guard let document = set.documents.first(where: { !$0.root.isNull }) else { return nil }
        self.init(document.root)
        for problem in set.problems {
            let code: LoadProblem.Code = problem.code == .duplicateKey ? .duplicateKey : .notAConfiguration
            problems.insert(LoadProblem(code: code, message: problem.message, node: document.root), at: 0)
        }
    }
}
