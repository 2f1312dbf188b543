/// One thing a user may do.
package struct Permission: Sendable, Hashable, CustomStringConvertible {
    package var verb: String
    package var group: String
    package var resource: String
    /// Nil for the whole cluster.
    package var namespace: String?
    /// The only object; nil for any.
    package var name: String?

    package init(_ verb: String, _ resource: String, in group: String, namespace: String? = nil, name: String? = nil) {
        self.verb = verb
        self.group = group
        self.resource = resource
        self.namespace = namespace
        self.name = name
    }

    /// `list deployments.apps in all namespaces`.
    package var description: String {
        let kind = group.isEmpty ? resource : "\(resource).\(group)"
        return "\(verb) \(kind) \(name.map { "\"\($0)\" " } ?? "")"
            + (namespace.map { "in namespace \($0)" } ?? "in the whole cluster")
    }
}

/// Whether the user has a permission.
package struct PermissionStatus: Sendable, Hashable {
    package var permission: Permission
    package var isHeld: Bool
    /// What the authorizer said; often nothing.
    package var reason: String
}

extension ResourceSet {
    /// What reading the set takes, in the order of the table.
    package func permissions(in namespace: String? = nil) -> [Permission] {
        guard let namespace else {
            return entries.map { Permission("list", $0.name, in: $0.group) }
                + singles.map {
                    Permission("get", $0.name, in: $0.group, namespace: $0.namespace, name: $0.names.first)
                }
        }
        return [Permission("get", "namespaces", in: "", namespace: namespace)]
            + namespaced.entries.map { Permission("list", $0.name, in: $0.group, namespace: namespace) }
    }

    /// The role that allows to read the set and nothing else, as YAML: bound to a service account, it is all Martlet
    /// needs.
    ///
    /// - Parameter watching: with "watch" beside "list": what the hub and its agents need.
    package func clusterRole(named name: String = "martlet", watching: Bool = false) -> String {
        role(
            kind: "ClusterRole", metadata: ["name: \(name)"],
            comment: [
                "The least Martlet needs to read a cluster: \"list\"\(watching ? " and \"watch\"" : "") on each kind it looks at, and \"get\" on what is named",
                "at the end.",
                "/version and discovery need no rule: every signed-in user has them (system:discovery).",
            ], entries: entries, namespaces: nil, verbs: watching ? "list, watch" : "list")
    }

    /// The same for one namespace.
    package func role(named name: String = "martlet", in namespace: String) -> String {
        role(
            kind: "Role", metadata: ["name: \(name)", "namespace: \(namespace)"],
            comment: ["The least Martlet needs to read this one namespace."], entries: namespaced.entries,
            namespaces: namespace, verbs: "list")
    }

    private func role(
        kind: String, metadata: [String], comment: [String], entries: [Entry], namespaces: String?, verbs: String
    ) -> String {
        var lines = comment.map { "# \($0)" }
        lines += ["apiVersion: rbac.authorization.k8s.io/v1", "kind: \(kind)", "metadata:"]
        lines += metadata.map { "  \($0)" }
        lines.append("rules:")
        if let namespaces {
            lines += [
                "# The namespace itself: its Pod Security labels.", "- apiGroups: [\"\"]", "  resources: [namespaces]",
                "  resourceNames: [\(namespaces)]", "  verbs: [get]",
            ]
        }
        let groups = Set(entries.map(\.group)).sorted()
        for isSecret in [false, true] {
            for group in groups {
                let own = entries.filter { $0.group == group && ($0.name == "secrets") == isSecret }
                guard !own.isEmpty else { continue }
                if isSecret {
                    lines += [
                        "# Martlet asks for the metadata of Secrets only. RBAC cannot say so: whoever holds this rule",
                        "# can read every value. Leave it out, and Secrets are reported as not observable.",
                    ]
                } else if let custom = own.first(where: { !$0.isBuiltIn }) {
                    lines.append("# \(custom.reason); harmless where \(group) is not installed.")
                }
                lines += ["- apiGroups: [\"\(group)\"]", "  resources:"]
                for entry in own.sorted(by: { $0.name < $1.name }) {
                    lines.append("  - \(entry.name)" + (entry.isBuiltIn && !isSecret ? "  # \(entry.reason)" : ""))
                }
                lines.append("  verbs: [\(verbs)]")
            }
        }
        for single in namespaces == nil ? singles : [] {
            lines += ["# \(single.reason).", "- apiGroups: [\"\(single.group)\"]", "  resources: [\(single.name)]"]
            if !single.names.isEmpty { lines.append("  resourceNames: [\(single.names.joined(separator: ", "))]") }
            lines.append("  verbs: [get]")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
