/// What a secret manager tells of a secret without its value.
package struct SecretMetadata: Sendable, Hashable {
    package struct Version: Sendable, Hashable {
        /// As the manager calls it: `3`, a UUID.
        package var id: String
        /// ISO 8601 in UTC; empty where the manager does not tell.
        package var created: String
        /// The one that readers get.
        package var isCurrent: Bool
        /// Deleted, destroyed or disabled: not to be had any more.
        package var isGone: Bool

        package init(id: String, created: String, isCurrent: Bool = false, isGone: Bool = false) {
            self.id = id
            self.created = created
            self.isCurrent = isCurrent
            self.isGone = isGone
        }
    }

    /// `Vault KV v2 at https://vault:8200`, for people.
    package var manager: String
    /// The secret's name or path there.
    package var path: String
    /// Newest last.
    package var versions: [Version] = []
    package var created = ""
    /// When the value was last written.
    package var changed = ""
    /// When the manager itself last rotated it; empty where it never did.
    package var rotated = ""
    /// Whether the manager rotates it by itself; nil where it does not tell.
    package var rotatesItself: Bool?
    /// When it stops being valid.
    package var expires = ""
    /// What the manager cannot tell.
    package var notes: [String] = []

    package init(manager: String, path: String) {
        self.manager = manager
        self.path = path
    }
}

/// Why a manager could not be asked: one line that says what to do, and never a credential.
package struct SecretManagerError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        case badAddress, unreachable, timeout, untrusted, unauthorized, forbidden, notFound, badAnswer, server, tooLarge
        case missingCredentials
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
