import Documents
import Findings
import Kubernetes

/// What policies of other engines say they refuse, by their well-known forms. Their languages are not spoken here, so a
/// claim is told and never counted.
///
/// Sources: the constraint templates of Gatekeeper's library (`pod-security-policy`), Kyverno's Pod Security policies and
/// its `podSecurity` rule.
struct PolicyClaims {
    struct Claim {
        /// `Gatekeeper's K8sPSPPrivilegedContainer "no-privileged"`
        var title: String
        /// Whether it says that it refuses, rather than warn or record.
        var refuses: Bool
        var object: KubernetesObject
    }

    private let claims: [(control: String, claim: Claim)]

    /// Kinds of Gatekeeper's library by what their constraints are about.
    private static let constraints: [String: [String]] = [
        "K8sPSPPrivilegedContainer": ["5.2.2"], "K8sPSPHostNamespace": ["5.2.3", "5.2.4"],
        "K8sPSPHostNetworkingPorts": ["5.2.5", "5.2.12"], "K8sPSPAllowPrivilegeEscalationContainer": ["5.2.6"],
        "K8sPSPAllowedUsers": ["5.2.7"], "K8sPSPCapabilities": ["5.2.8", "5.2.9"],
        "K8sPSPHostFilesystem": ["5.2.11"], "K8sPSPVolumeTypes": ["5.2.11"],
    ]

    /// Kyverno's Pod Security policies, by name.
    private static let policies: [String: [String]] = [
        "disallow-privileged-containers": ["5.2.2"], "disallow-host-namespaces": ["5.2.3", "5.2.4", "5.2.5"],
        "disallow-privilege-escalation": ["5.2.6"], "require-run-as-nonroot": ["5.2.7"],
        "require-run-as-non-root-user": ["5.2.7"], "disallow-capabilities-strict": ["5.2.8", "5.2.9"],
        "disallow-host-process": ["5.2.10"], "disallow-host-path": ["5.2.11"], "disallow-host-ports": ["5.2.12"],
    ]

    private static let baseline = ["5.2.2", "5.2.3", "5.2.4", "5.2.5", "5.2.10", "5.2.11", "5.2.12"]
    private static let restricted = baseline + ["5.2.6", "5.2.7", "5.2.8", "5.2.9"]

    init(_ inventory: Inventory) {
        var found: [(String, Claim)] = []
        for key in inventory.keys {
            guard let object = inventory[key] else { continue }
            switch object.apiVersion.group {
            case "constraints.gatekeeper.sh":
                for control in Self.constraints[object.kind] ?? [] {
                    found.append((control, Self.gatekeeper(object)))
                }
            case "kyverno.io" where object.kind == "ClusterPolicy" || object.kind == "Policy":
                for control in Self.controls(ofKyverno: object) { found.append((control, Self.kyverno(object))) }
            default: break
            }
        }
        claims = found
    }

    var isEmpty: Bool { claims.isEmpty }

    /// What is claimed of a control in a namespace, the strongest first.
    func about(_ control: String, namespace: KubernetesObject) -> [Claim] {
        let found = claims.filter { $0.control == control && Self.covers($0.claim.object, namespace) }.map(\.claim)
        return found.filter(\.refuses) + found.filter { !$0.refuses }
    }

    private static func gatekeeper(_ object: KubernetesObject) -> Claim {
        let action = object.node["spec"]["enforcementAction"].string ?? "deny"
        return Claim(
            title: "Gatekeeper's \(object.kind) \(object.name)", refuses: action == "deny" || action == "scoped",
            object: object)
    }

    private static func kyverno(_ object: KubernetesObject) -> Claim {
        let spec = object.node["spec"]
        let whole = spec["validationFailureAction"].string?.lowercased()
        let rules = spec["rules"].elements.compactMap { $0["validate"]["failureAction"].string?.lowercased() }
        return Claim(
            title: "Kyverno's \(object.kind) \(object.name)",
            refuses: whole == "enforce" || rules.contains("enforce"), object: object)
    }

    private static func controls(ofKyverno object: KubernetesObject) -> [String] {
        if let known = policies[object.name] { return known }
        for rule in object.node["spec"]["rules"].elements {
            let security = rule["validate"]["podSecurity"]
            guard security.isObject else { continue }
            // What it excludes it does not claim, and which pods that touches is its own business.
            return security["level"].equals("baseline") ? baseline : restricted
        }
        return []
    }

    /// Whether a policy says that it judges pods of a namespace.
    private static func covers(_ object: KubernetesObject, _ namespace: KubernetesObject) -> Bool {
        if object.kind == "Policy" { return object.namespace == namespace.name }
        guard object.apiVersion.group == "constraints.gatekeeper.sh" else { return true }
        let match = object.node["spec"]["match"]
        func names(_ key: String) -> [String] { match[key].strings }
        func isNamed(_ patterns: [String]) -> Bool { patterns.contains { Glob($0).matches(namespace.name) } }
        if isNamed(names("excludedNamespaces")) { return false }
        if !names("namespaces").isEmpty, !isNamed(names("namespaces")) { return false }
        if let selector = LabelSelector(match["namespaceSelector"]), !selector.isEmpty {
            return selector.matches(namespace.labels)
        }
        return true
    }
}
