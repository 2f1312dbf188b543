/// Somebody as authentication hands them to the authorizers. Groups are those sent; none is implied.
package struct Identity: Sendable, Hashable {
    package var user: String
    package var groups: [String]
    package var uid: String
    package var extra: [String: [String]]

    package init(user: String, groups: [String] = [], uid: String = "", extra: [String: [String]] = [:]) {
        self.user = user
        self.groups = groups
        self.uid = uid
        self.extra = extra
    }

    /// A service account with the groups its tokens carry.
    package static func serviceAccount(_ namespace: String, _ name: String) -> Identity {
        Identity(
            user: ServiceAccountName.userName(namespace, name),
            groups: ServiceAccountName.groups(of: namespace) + ["system:authenticated"])
    }

    /// A user name with the groups authentication always gives: those of a service account where it is one's.
    package static func named(_ user: String) -> Identity {
        if let account = ServiceAccountName(userName: user) { return serviceAccount(account.namespace, account.name) }
        return Identity(
            user: user, groups: [user == "system:anonymous" ? "system:unauthenticated" : "system:authenticated"])
    }

    /// The group the API server lets do anything, before any authorizer and whatever bindings say.
    package static let masters = "system:masters"

    package var isMaster: Bool { groups.contains(Self.masters) }
}

/// `system:serviceaccount:NAMESPACE:NAME` and back.
package struct ServiceAccountName: Sendable, Hashable {
    package var namespace: String
    package var name: String

    package static let prefix = "system:serviceaccount:"

    package static func userName(_ namespace: String, _ name: String) -> String { "\(prefix)\(namespace):\(name)" }
    package static func groups(of namespace: String) -> [String] {
        ["system:serviceaccounts", "system:serviceaccounts:\(namespace)"]
    }

    /// Nil for what is no service account's user name.
    ///
    /// Both parts must be valid names, as for the API server: `system:serviceaccount:a:B` is somebody else.
    package init?(userName: String) {
        guard userName.hasPrefix(Self.prefix) else { return nil }
        let parts = userName.dropFirst(Self.prefix.count).split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, DNSName.isLabel(parts[0]), DNSName.isSubdomain(parts[1]) else { return nil }
        namespace = String(parts[0])
        name = String(parts[1])
    }
}

/// The two shapes of names Kubernetes knows (RFC 1123, lower case only).
enum DNSName {
    static func isLabel(_ text: some StringProtocol) -> Bool {
        let bytes = Array(text.utf8)
        guard (1...63).contains(bytes.count), isAlphanumeric(bytes.first), isAlphanumeric(bytes.last) else {
            return false
        }
        return bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    static func isSubdomain(_ text: some StringProtocol) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        return text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
            let bytes = Array(part.utf8)
            return isAlphanumeric(bytes.first) && isAlphanumeric(bytes.last)
                && bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isAlphanumeric(_ byte: UInt8?) -> Bool {
        guard let byte else { return false }
        return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
