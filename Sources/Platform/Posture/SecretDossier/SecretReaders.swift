import Kubernetes
package import RBAC
import Secrets

/// A way in which somebody can come by the value of a Secret.
package struct SecretAccess: Sendable, Hashable, Comparable {
    package enum Way: String, Sendable, Hashable, CaseIterable, Comparable {
        /// get, list or watch on the Secret itself.
        case read = "reads it"
        /// Makes a pod, or what makes pods, in its namespace, which can mount it.
        case mount = "makes pods that can mount it"
        /// Gets into a pod that has it.
        case enter = "gets into a pod that has it"
        /// Speaks to the kubelet of a node where a pod has it.
        case node = "speaks to kubelets, whose pods have it"
        /// Becomes somebody who can.
        case become = "can become somebody who reads it"
        /// Gives themselves the right.
        case grant = "can give themselves the right"
        /// Has an operator copy it.
        case copy = "has an operator copy it out"

        package static func < (a: Self, b: Self) -> Bool {
            let all = Self.allCases
            return (all.firstIndex(of: a) ?? 0) < (all.firstIndex(of: b) ?? 0)
        }
    }

    package var subject: Subject
    package var way: Way
    /// The right that lets them: `create pods/exec in shop`.
    package var right: String
    /// `RoleBinding shop/api of Role shop/api`.
    package var through: String
    /// Where the rule stands in a file; empty for a cluster.
    package var place: String
    /// What else has to be so; empty where nothing.
    package var condition: String

    package static func < (a: Self, b: Self) -> Bool {
        (a.way, a.subject, a.right, a.through) < (b.way, b.subject, b.right, b.through)
    }
}

/// Who can come by a Secret, directly and by one step aside.
///
/// Longer ways are what `martlet rbac escalation` shows. Members of `system:masters` always can and are not listed.
struct SecretReaders {
    let model: AccessModel
    let namespace: String
    let name: String
    /// Pods and templates that have the Secret.
    let users: [SecretUser]
    /// Service accounts that can read the Secret, by user name.
    private let readingAccounts: [String: Subject]
    private let direct: [SecretAccess]

    init(_ model: AccessModel, namespace: String, name: String, users: [SecretUser]) {
        self.model = model
        self.namespace = namespace
        self.name = name
        self.users = users
        var accounts: [String: Subject] = [:]
        var direct: [SecretAccess] = []
        for (verb, named) in [("get", name), ("list", ""), ("watch", ""), ("list", name), ("watch", name)] {
            let request = AccessRequest(verb, .init("secrets", name: named, namespace: namespace))
            for entry in Self.accesses(model, request, .read) {
                // A right by name shows up for the name; one for all shows up in both questions.
                guard !direct.contains(where: { $0.subject == entry.subject && $0.right == entry.right }) else {
                    continue
                }
                direct.append(entry)
                if entry.subject.kind == .serviceAccount { accounts[entry.subject.matchedName] = entry.subject }
            }
        }
        self.direct = direct
        readingAccounts = accounts
    }

    var all: [SecretAccess] {
        var out = direct
        for (verb, group, resource, way, condition) in Self.indirect {
            // Getting into a pod helps only where a pod has the Secret.
            if way == .enter, podNames.isEmpty { continue }
            let request = AccessRequest(verb, Self.resource(group, resource, namespace: namespace))
            out += Self.accesses(model, request, way, condition: condition)
        }
        for verb in ["get", "create"] where !podNames.isEmpty {
            let request = AccessRequest(verb, .init("nodes", subresource: "proxy"))
            out += Self.accesses(
                model, request, .node, condition: "a pod that has it runs on a node they can reach")
        }
        out += becoming()
        for (verb, resource) in [("escalate", "roles"), ("bind", "roles"), ("escalate", "clusterroles")] {
            let place = resource == "roles" ? namespace : ""
            let request = AccessRequest(verb, .init(group: AccessModel.group, resource, namespace: place))
            out += Self.accesses(
                model, request, .grant, condition: "they can also create or update the role or binding")
        }
        return Self.folded(out)
    }

    /// One entry for each subject, way and binding, its rights together; members of `system:masters` always can.
    private static func folded(_ all: [SecretAccess]) -> [SecretAccess] {
        struct Key: Hashable {
            var subject: Subject
            var way: SecretAccess.Way
            var through: String
        }
        var out: [SecretAccess] = []
        var positions: [Key: Int] = [:]
        for entry in Set(all).sorted() where entry.subject != Subject(.group, Identity.masters) {
            let key = Key(subject: entry.subject, way: entry.way, through: entry.through)
            guard let position = positions[key] else {
                positions[key] = out.count
                out.append(entry)
                continue
            }
            out[position].right += "; \(entry.right)"
            if !entry.condition.isEmpty, !out[position].condition.contains(entry.condition) {
                out[position].condition += out[position].condition.isEmpty ? entry.condition : "; \(entry.condition)"
            }
        }
        return out
    }

    /// Verb, API group, resource, what it leads to, and what else has to be so.
    private static let indirect: [(String, String, String, SecretAccess.Way, String)] = [
        ("create", "", "pods", .mount, ""), ("create", "apps", "deployments", .mount, ""),
        ("create", "apps", "statefulsets", .mount, ""), ("create", "apps", "daemonsets", .mount, ""),
        ("create", "apps", "replicasets", .mount, ""), ("create", "batch", "jobs", .mount, ""),
        ("create", "batch", "cronjobs", .mount, ""), ("create", "", "replicationcontrollers", .mount, ""),
        ("patch", "apps", "deployments", .mount, "there is a Deployment to change"),
        ("patch", "apps", "statefulsets", .mount, "there is a StatefulSet to change"),
        ("patch", "apps", "daemonsets", .mount, "there is a DaemonSet to change"),
        ("create", "", "pods/exec", .enter, ""), ("get", "", "pods/exec", .enter, "before Kubernetes 1.35"),
        ("create", "", "pods/attach", .enter, ""), ("update", "", "pods/ephemeralcontainers", .enter, ""),
        ("patch", "", "pods/ephemeralcontainers", .enter, ""),
        ("create", "external-secrets.io", "pushsecrets", .copy, "the External Secrets Operator runs, with a store"),
    ]

    private static func resource(_ group: String, _ text: String, namespace: String) -> AccessRequest.Resource {
        let parts = text.split(separator: "/").map(String.init)
        return .init(
            group: group, parts[0], subresource: parts.count > 1 ? parts[1] : "", namespace: namespace)
    }

    /// Who can take a token of, or speak as, an account that can read it.
    private func becoming() -> [SecretAccess] {
        var out: [SecretAccess] = []
        for (_, account) in readingAccounts.sorted(by: { $0.key < $1.key }) {
            let who = "\(account.namespace)/\(account.name)"
            let token = AccessRequest(
                "create",
                .init("serviceaccounts", subresource: "token", name: account.name, namespace: account.namespace))
            out += Self.accesses(model, token, .become, condition: "takes a token of service account \(who)")
            let speak = AccessRequest(
                "impersonate", .init("serviceaccounts", name: account.name, namespace: account.namespace))
            out += Self.accesses(model, speak, .become, condition: "speaks as service account \(who)")
        }
        for (resource, words) in [("users", "speaks as a user who can"), ("groups", "speaks as system:masters")] {
            let named = resource == "groups" ? "system:masters" : ""
            out += Self.accesses(
                model, AccessRequest("impersonate", .init(resource, name: named)), .become, condition: words)
        }
        return out
    }

    private var podNames: [String] { users.filter { $0.object.kind != "ServiceAccount" }.map(\.object.name) }

    private static func accesses(
        _ model: AccessModel, _ request: AccessRequest, _ way: SecretAccess.Way, condition: String = ""
    ) -> [SecretAccess] {
        var out: [SecretAccess] = []
        for (subject, grants) in model.whoCan(request) {
            for grant in grants {
                out.append(
                    SecretAccess(
                        subject: subject, way: way, right: "\(request)",
                        through: "\(grant.binding.reference) of \(grant.role)",
                        place: grant.ruleNode.location.map { "\($0)" } ?? "", condition: condition))
            }
        }
        return out
    }
}
