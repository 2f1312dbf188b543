import Documents

/// What an audit policy writes into the log that must not be there.
///
/// Source: audit.k8s.io/v1 Policy: the first rule that matches decides. Request logs the object that is sent,
/// RequestResponse the answer too.
struct AuditPolicyLeak {
    var node: Node
    var message: String

    /// What holds values: group, resource, and how it reads.
    private static let confidential: [(group: String, resource: String, words: String)] = [
        ("", "secrets", "Secrets"), ("", "serviceaccounts/token", "service account tokens"),
        ("authentication.k8s.io", "tokenreviews", "bearer tokens under review"),
    ]

    static func leaks(in policy: Node) -> [AuditPolicyLeak] {
        confidential.compactMap { target in
            for rule in policy["rules"].elements {
                guard applies(rule, target.group, target.resource) else { continue }
                let level = rule["level"]
                // A rule for some users, verbs or namespaces only does not settle the rest.
                let isNarrow = ["users", "userGroups", "verbs", "namespaces"].contains { !rule[$0].isEmpty }
                if level.equals("Request") || level.equals("RequestResponse") {
                    // The request for a token review or a Secret's write holds the value; a read's answer does.
                    let reads = rule["verbs"].strings
                    let writes = reads.isEmpty || reads.contains { ["create", "update", "patch", "*"].contains($0) }
                    if level.equals("RequestResponse") || writes {
                        return AuditPolicyLeak(
                            node: level, message: "level \(level.string ?? "") logs \(target.words) with their values")
                    }
                }
                if !isNarrow { return nil }
            }
            return nil
        }
    }

    private static func applies(_ rule: Node, _ group: String, _ resource: String) -> Bool {
        // Rules for paths say nothing about resources.
        guard rule["resources"].isEmpty else {
            return rule["resources"].elements.contains { entry in
                let isGroup = (entry["group"].string ?? "") == group
                guard isGroup, entry["resourceNames"].isEmpty else { return false }
                let names = entry["resources"].strings
                let parts = resource.split(separator: "/")
                return names.isEmpty
                    || names.contains { name in
                        name == resource || name == "*" || (parts.count == 2 && name == "*/\(parts[1])")
                            || (parts.count == 2 && name == "\(parts[0])/*")
                    }
            }
        }
        return rule["nonResourceURLs"].isEmpty
    }
}
