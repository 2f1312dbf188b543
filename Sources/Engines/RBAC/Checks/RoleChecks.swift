import Documents
import Findings

extension RBACChecks {
    static let wildcard = Check<RBACSubject>(
        Rule(
            "rbac/wildcard", .high, [.cis("5.1.3"), .kubernetes("RBAC Good Practices")],
            title: "A role uses wildcards",
            why: "A star grants what exists today and what an upgrade or a new custom resource brings tomorrow.",
            remedy: "Write the verbs and resources that are used; martlet rbac right-size finds them in an audit log.")
    ) { subject, report in
        guard !subject.isBinding else { return report.notApplicable() }
        var worst = Severity.info
        var more = 0
        for written in subject.addedRules {
            let rule = written.rule
            if rule.isEverything {
                worst = max(worst, .critical)
                guard report.failures.count < RBACChecks.placeLimit else {
                    more += 1
                    continue
                }
                report.fail(at: written.node, "every verb on everything")
                continue
            }
            var stars: [String] = []
            if rule.verbs.contains("*") { stars.append("verbs") }
            if rule.resources.contains("*") { stars.append("resources") }
            if rule.apiGroups.contains("*") { stars.append("apiGroups") }
            if rule.nonResourceURLs.contains("*") { stars.append("nonResourceURLs") }
            guard !stars.isEmpty else { continue }
            let isWide = stars.contains("verbs") && stars.contains("resources") || stars.contains("apiGroups")
            worst = max(worst, isWide ? .high : .medium)
            guard report.failures.count < RBACChecks.placeLimit else {
                more += 1
                continue
            }
            report.fail(at: written.node[stars[0]], "\"*\" in \(stars.joined(separator: ", ")): \(rule)")
        }
        guard report.outcome == .fail else { return }
        if more > 0 { report.fail(at: subject.node["rules"], "\(more) more rules do") }
        if subject.reach != .cluster { worst = worst.lowered }
        if subject.reach == .nowhere { worst = min(worst, .low) }
        report.severity = worst
    }

    static let bootstrapRole = Check<RBACSubject>(
        Rule(
            "rbac/changed-default-role", .high, [.kubernetes("Default roles and role bindings")],
            title: "A role of Kubernetes itself grants more than it comes with",
            why: "Nobody looks for added rights in a role they believe to know, and everybody bound to it has them.",
            remedy: "Put the rules into a role of their own and restore the default one."),
        fix: { _, evidence in [PatchOperation(.remove, evidence.path)] }
    ) { subject, report in
        guard !subject.isBinding, subject.context.bootstrap.roles[subject.reference] != nil, !subject.isAggregated
        else { return report.notApplicable() }
        // Which rules are too many is seen as well by the first of them; what is left is found when these are gone.
        for written in subject.addedRules.prefix(RBACChecks.placeLimit) {
            report.fail(at: written.node, "\(subject.reference) does not come with \(written.rule)")
        }
    }

    static let unusedRole = Check<RBACSubject>(
        Rule(
            "rbac/unused-role", .info, category: .hygiene,
            title: "A role is bound to nobody",
            why: "It waits for a binding; whoever may bind roles finds it.",
            remedy: "Delete it, or bind it.")
    ) { subject, report in
        guard !subject.isBinding, subject.context.isCluster, subject.context.bootstrap.roles[subject.reference] == nil
        else { return report.notApplicable() }
        if let kind = ["RoleBinding", "ClusterRoleBinding"].first(where: subject.context.unlistedKinds.contains) {
            return report.notObservable(at: subject.node["rules"], "\(kind) objects could not be listed")
        }
        if subject.reach == .nowhere { report.fail(at: subject.node["metadata"]["name"], "no binding names it") }
    }

    static let shadowedRule = Check<RBACSubject>(
        Rule(
            "rbac/shadowed-rule", .info, category: .hygiene,
            title: "A rule of a role grants nothing the others do not",
            why: "Removing the other rule then looks as if it took the right away, and does not.",
            remedy: "Remove the rule."),
        fix: { _, evidence in [PatchOperation(.remove, evidence.path)] }
    ) { subject, report in
        guard !subject.isBinding, !subject.isAggregated, subject.context.bootstrap.roles[subject.reference] == nil
        else {
            return report.notApplicable()
        }
        // Only one place a finding, so that removing it leaves the paths of others as they are.
        guard let found = ShadowedRules.last(in: subject.node["rules"].elements.map { PolicyRule($0) }) else { return }
        report.fail(
            at: subject.node["rules"][found.rule], "rules[\(found.by)] grants it already")
    }

    static let clusterRoleForOneNamespace = Check<RBACSubject>(
        Rule(
            "rbac/cluster-role-for-one-namespace", .info, category: .hygiene,
            title: "A ClusterRole is used in one namespace only",
            why: "A Role would be enough, and could not be bound cluster-wide by mistake.",
            remedy: "Make it a Role of that namespace.")
    ) { subject, report in
        guard subject.object.kind == "ClusterRole", subject.context.isCluster, !subject.isAggregated,
            subject.context.bootstrap.roles[subject.reference] == nil,
            !subject.object.labels.keys.contains(where: { $0.hasPrefix("rbac.authorization.k8s.io/aggregate-to-") })
        else { return report.notApplicable() }
        if let kind = ["RoleBinding", "ClusterRoleBinding"].first(where: subject.context.unlistedKinds.contains) {
            return report.notObservable(at: subject.node["metadata"]["name"], "\(kind) objects could not be listed")
        }
        let namespaces = subject.context.model.boundNamespaces(of: subject.reference)
        if subject.reach == .namespaces, namespaces.count == 1 {
            report.fail(at: subject.node["metadata"]["name"], "bound in \(namespaces[0]) only")
        }
    }
}
