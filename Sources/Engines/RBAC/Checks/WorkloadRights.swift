import Documents
import Findings
import Kubernetes

/// A pod template with the rights of the account it runs as.
struct WorkloadRights: Sendable {
    static let rule = Rule(
        "rbac/workload-with-dangerous-rights", .high, [.cis("5.1.6"), .attack("T1528"), .nsa("authn-token")],
        title: "A workload carries a token with rights that lead further",
        why: "Whoever breaks into a container of it finds the token at a known place and acts with its rights.",
        remedy: """
            Set automountServiceAccountToken: false where the API is not needed; otherwise run it as an account of its \
            own with what it uses.
            """)

    let object: KubernetesObject
    let context: RBACContext

    func evaluate(_ report: inout CheckReport) {
        let templates = object.podTemplates
        guard !templates.isEmpty else { return report.notApplicable() }
        defer {
            // What was not seen may be the right that counts.
            if report.outcome != .fail, let hole = context.hole, let spec = templates.first?.spec {
                report.notObservable(at: spec.node["serviceAccountName"], hole)
            }
        }
        for template in templates {
            let spec = template.spec
            let account = ServiceAccountName(namespace: object.namespace, name: spec.serviceAccountName)
            let mounts = spec.automountServiceAccountToken ?? context.accountMounts[account] ?? true
            guard mounts || Self.projectsToken(spec) else { continue }
            let identity = Identity.serviceAccount(account.namespace, account.name)
            let place =
                spec.node["serviceAccountName"].exists
                ? spec.node["serviceAccountName"]
                : spec.node["serviceAccount"].exists
                    ? spec.node["serviceAccount"] : spec.node["serviceAccountName"]
            var said: Set<String> = []
            for namespace in [""] + context.model.namespaces(of: identity) {
                let (grants, more) = context.model.dangerousGrants(
                    of: identity, in: namespace, context.traits, limit: RBACChecks.placeLimit
                ) { context.bootstrap.contains($0.reference) }
                if more > 0 { report.fail(at: place, "its account \(account.name) has \(more) more such rights") }
                for grant in grants where said.insert(grant.description).inserted {
                    let isEverything = grant.rule.isEverything && grant.binding.kind == "ClusterRoleBinding"
                    if isEverything { report.severity = .critical }
                    let what = isEverything ? "do everything" : "\(grant.rule)"
                    report.fail(at: place, "its account \(account.name) may \(what): \(grant)")
                }
            }
        }
    }

    private static func projectsToken(_ spec: PodSpec) -> Bool {
        spec.volumes.contains { volume in
            volume.node["projected"]["sources"].elements.contains { $0["serviceAccountToken"].exists }
        }
    }
}
