package import Store

/// What somebody may do.
package enum Permission: String, Sendable, CaseIterable {
    /// See findings, workloads, scores, alerts.
    case read
    /// Ask for a waiver.
    case propose
    /// Approve, reject and revoke waivers; never one's own request.
    case decide
    /// Acknowledge alerts, silence them.
    case operate
    /// Send events and reports of other tools.
    case ingest
    /// Users, tokens, clusters, notifiers, the audit chain.
    case administer
}

/// A set of permissions with a name; who has it is said by grants.
package enum Role: String, Sendable, CaseIterable {
    case viewer, editor, `operator`, approver, sender, admin

    package var permissions: Set<Permission> {
        switch self {
        case .viewer: [.read]
        case .editor: [.read, .propose]
        case .operator: [.read, .propose, .operate]
        case .approver: [.read, .propose, .decide]
        case .sender: [.ingest]
        case .admin: Set(Permission.allCases)
        }
    }
}

/// Who asks, and what he may do where.
package struct Identity: Sendable {
    package enum Kind: Sendable { case session(digest: [UInt8]), token(id: String) }

    /// The user's id; the token's for tokens.
    package let id: String
    package let name: String
    package let kind: Kind
    package let grants: [GrantRow]
    /// The same with namespaces by name in place of labels.
    private let named: [GrantRow]
    /// What forms and scripts of this session send along; empty for tokens, which no browser sends by itself.
    package let csrf: String

    /// - Parameter db: tells which namespaces carry the labels that grants ask for.
    package init(
        id: String, name: String, kind: Kind, grants: [GrantRow], csrf: String = "", in db: any SQLConnection
    ) throws(StoreError) {
        self.id = id
        self.name = name
        self.kind = kind
        self.grants = grants
        named = try db.namingNamespaces(grants)
        self.csrf = csrf
    }

    /// Where a permission holds.
    package func scope(_ permission: Permission) -> AccessScope {
        AccessScope(
            named.compactMap { grant in
                guard let role = Role(rawValue: grant.role), role.permissions.contains(permission) else { return nil }
                return grant.part
            })
    }

    package func may(_ permission: Permission) -> Bool { !scope(permission).parts.isEmpty }
}
