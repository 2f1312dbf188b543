package import Documents

/// Who a binding gives a role to, as it is written.
package struct Subject: Sendable, Hashable, Comparable, CustomStringConvertible {
    package enum Kind: String, Sendable, Hashable, CaseIterable {
        case user = "User"
        case group = "Group"
        case serviceAccount = "ServiceAccount"
    }
    package var kind: Kind
    /// Of service accounts; empty otherwise.
    package var namespace: String
    package var name: String

    package init(_ kind: Kind, namespace: String = "", _ name: String) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
    }

    /// Reads an element of `subjects`; nil for kinds the authorizer does not know, and for a service account of a
    /// cluster-wide binding that names no namespace: neither ever matches anybody.
    ///
    /// A service account without a namespace in a RoleBinding is one of the binding's own.
    package init?(_ node: Node, bindingNamespace: String) {
        guard let kind = node["kind"].string.flatMap(Kind.init) else { return nil }
        let name = node["name"].string ?? ""
        switch kind {
        case .user, .group: self.init(kind, name)
        case .serviceAccount:
            let own = node["namespace"].string ?? ""
            let namespace = own.isEmpty ? bindingNamespace : own
            guard !namespace.isEmpty else { return nil }
            self.init(kind, namespace: namespace, name)
        }
    }

    /// The position of the first entry of a binding's `subjects` that is `identity`; nil when none is.
    package static func applies(_ subjects: Node, to identity: Identity, bindingNamespace: String) -> Int? {
        for (index, node) in subjects.elements.enumerated() {
            guard let subject = Subject(node, bindingNamespace: bindingNamespace) else { continue }
            let names = subject.kind == .group ? identity.groups : [identity.user]
            if names.contains(subject.matchedName) { return index }
        }
        return nil
    }

    /// The name authentication gives: what requests are matched by.
    package var matchedName: String {
        kind == .serviceAccount ? ServiceAccountName.userName(namespace, name) : name
    }

    /// Somebody who is nothing but this subject, for asking what it alone can do.
    package var identity: Identity {
        switch kind {
        case .user: Identity.named(name)
        case .serviceAccount: Identity.serviceAccount(namespace, name)
        case .group: Identity(user: "", groups: [name])
        }
    }

    /// `ServiceAccount shop/api`.
    package var description: String {
        kind == .serviceAccount ? "ServiceAccount \(namespace)/\(name)" : "\(kind.rawValue) \(name)"
    }

    package static func < (a: Self, b: Self) -> Bool {
        (a.kind.rawValue, a.namespace, a.name) < (b.kind.rawValue, b.namespace, b.name)
    }
}

/// What a binding's `roleRef` points to.
package struct RoleReference: Sendable, Hashable, Comparable, CustomStringConvertible {
    package enum Kind: String, Sendable, Hashable { case role = "Role", clusterRole = "ClusterRole" }
    package var kind: Kind
    /// Of a Role; empty for a ClusterRole.
    package var namespace: String
    package var name: String

    package init(_ kind: Kind, namespace: String = "", _ name: String) {
        self.kind = kind
        self.namespace = kind == .clusterRole ? "" : namespace
        self.name = name
    }

    package var description: String { "\(kind.rawValue) \(namespace.isEmpty ? name : "\(namespace)/\(name)")" }

    package static func < (a: Self, b: Self) -> Bool {
        (a.kind.rawValue, a.namespace, a.name) < (b.kind.rawValue, b.namespace, b.name)
    }
}
