package import Documents
package import Kubernetes

/// Whether going from one `EncryptionConfiguration` to another leaves every stored object readable.
///
/// An API server reads an object with whichever provider of its entry knows its prefix. What was written before is
/// still there: as plaintext where there was no entry, under the old keys where there was one. A new file without
/// them makes those objects unreadable, and an unreadable Secret fails every list of Secrets.
package struct EncryptionChange: Sendable {
    package struct Loss: Sendable {
        package enum Kind: String, Sendable { case plaintextUnreadable, keyMissing, keyNotYetEverywhere }
        package var kind: Kind
        package var node: Node
        package var message: String
    }

    package private(set) var losses: [Loss] = []

    /// - Parameters:
    ///   - old: what the API servers run with; nil for none, which stores plaintext.
    ///   - servers: how many API servers there are; with more than one, a key must be known to all before one writes
    ///     with it.
    package init(
        from old: EncryptionConfiguration?, to new: EncryptionConfiguration, group: String = "",
        resource: String = "secrets", servers: Int = 1
    ) {
        let before = old?.entry(group: group, resource: resource)
        let after = new.entry(group: group, resource: resource)
        let node = after?.node["providers"] ?? new.entries.first?.node
        guard let node else { return }
        let readable = after.map { Self.prefixes($0.providers) } ?? ["identity"]
        let stored = before.map { Self.prefixes($0.providers) } ?? ["identity"]
        for prefix in stored where !readable.contains(prefix) {
            let isPlain = prefix == "identity"
            losses.append(
                Loss(
                    kind: isPlain ? .plaintextUnreadable : .keyMissing, node: node,
                    message: isPlain
                        ? "\(resource) stored as plaintext can no longer be read: put identity last until all are rewritten"
                        : "\(resource) stored with \(prefix) can no longer be read: keep it until all are rewritten"))
        }
        guard servers > 1, let writer = after?.providers.first, let prefix = Self.prefixes([writer]).first,
            !stored.contains(prefix)
        else { return }
        losses.append(
            Loss(
                kind: .keyNotYetEverywhere, node: writer.node,
                message: "\(prefix) writes before every API server can read it: add it second first, restart all, "
                    + "then put it first"))
    }

    /// How stored bytes tell who wrote them: `aescbc/key1`, `kmsv2/name`, `identity`.
    private static func prefixes(_ providers: [EncryptionConfiguration.Provider]) -> [String] {
        providers.flatMap { provider -> [String] in
            if let kms = provider.kms { return ["\(provider.name)/\(kms.name)"] }
            if provider.algorithm == .identity { return ["identity"] }
            return provider.keys.map { "\(provider.name)/\($0.name)" }
        }
    }
}
