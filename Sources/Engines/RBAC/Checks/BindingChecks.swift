import Documents
import Findings

extension RBACChecks {
    static let clusterAdmin = Check<RBACSubject>(
        Rule(
            "rbac/cluster-admin-bound", .critical, [.cis("5.1.1"), .attack("T1078"), .nsa("authz-rbac")],
            title: "Somebody may do everything in the cluster",
            why: "A token of theirs is the cluster: every Secret, every node, every workload.",
            remedy: "Bind a role with what is used, in the namespaces where it is used.")
    ) { subject, report in
        guard subject.object.kind == "ClusterRoleBinding" else { return report.notApplicable() }
        if let unseen = subject.unseenRole { return report.notObservable(at: subject.node["roleRef"]["name"], unseen) }
        guard subject.grantedTraits.contains(.everything) else { return }
        for entry in subject.addedEntries where entry.subject != Subject(.group, Identity.masters) {
            report.fail(at: entry.node, "\(entry.subject) may do everything (\(subject.role))")
        }
    }

    static let namespaceAdmin = Check<RBACSubject>(
        Rule(
            "rbac/namespace-admin-bound", .medium, [.cis("5.1.3")],
            title: "Somebody may do everything in a namespace",
            why: "Every Secret and service account of the namespace is theirs, and the node where pods may reach it.",
            remedy: "Bind a role with what is used.")
    ) { subject, report in
        guard subject.object.kind == "RoleBinding" else { return report.notApplicable() }
        if let unseen = subject.unseenRole { return report.notObservable(at: subject.node["roleRef"]["name"], unseen) }
        guard subject.grantedTraits.contains(.everything) else { return }
        for entry in subject.addedEntries {
            if subject.namespace == "kube-system" { report.severity = .critical }
            report.fail(at: entry.node, "\(entry.subject) may do everything in \(subject.namespace)")
        }
    }

    static let anonymous = Check<RBACSubject>(
        Rule(
            "rbac/anonymous-bound", .critical, [.nsa("authn-anonymous"), .attack("T1078.001")],
            title: "A binding names callers without credentials",
            why: "Everybody who reaches the API server has the right, from the Internet where it is exposed.",
            remedy: "Bind people and accounts; health checks have default bindings of their own."),
        fix: { _, evidence in [PatchOperation(.remove, evidence.path)] }
    ) { subject, report in
        broad(subject, &report, ["system:anonymous", "system:unauthenticated"])
    }

    static let authenticated = Check<RBACSubject>(
        Rule(
            "rbac/authenticated-bound", .high, [.attack("T1078")],
            title: "A binding names everybody who has any credentials",
            why: "Every pod with a token is one of them; on some clouds every account of the provider.",
            remedy: "Bind a group of your own.")
    ) { subject, report in
        broad(subject, &report, ["system:authenticated"])
    }

    static let allAccounts = Check<RBACSubject>(
        Rule(
            "rbac/all-service-accounts-bound", .high, [.cis("5.1.5")],
            title: "A binding names every service account",
            why: "Every pod has the right, the next one that is broken into included.",
            remedy: "Bind the accounts that need it.")
    ) { subject, report in
        broad(subject, &report, ["system:serviceaccounts"])
        for entry in subject.addedEntries
        where entry.subject.kind == .group && entry.subject.name.hasPrefix("system:serviceaccounts:") {
            report.fail(
                at: entry.node, "every service account of \(entry.subject.name.dropFirst(23)) holds \(subject.role)")
            if report.severity == nil { report.severity = .medium }
        }
    }

    /// Fails for entries that name one of `names`; how bad it is depends on what they get.
    private static func broad(_ subject: RBACSubject, _ report: inout CheckReport, _ names: [String]) {
        guard subject.isBinding else { return report.notApplicable() }
        for entry in subject.addedEntries
        where entry.subject.kind != .serviceAccount && names.contains(entry.subject.name) {
            report.fail(at: entry.node, "\(entry.subject.name) holds \(subject.role)")
            let traits = subject.grantedTraits
            if subject.unseenRole == nil, traits.isDisjoint(with: [.changing, .dangerous]) {
                report.severity = names[0] == "system:anonymous" ? .high : .medium
            }
            if traits.contains(.everything) { report.severity = .critical }
        }
    }

    static let masters = Check<RBACSubject>(
        Rule(
            "rbac/masters-group-bound", .low, [.cis("5.1.7")], category: .hygiene,
            title: "A binding names system:masters",
            why: "Its members may do everything whatever bindings say: the binding does nothing but mislead.",
            remedy: "Remove the entry, and hand out no certificates with that group."),
        fix: { _, evidence in [PatchOperation(.remove, evidence.path)] }
    ) { subject, report in
        guard subject.isBinding else { return report.notApplicable() }
        for entry in subject.addedEntries where entry.subject == Subject(.group, Identity.masters) {
            report.fail(at: entry.node, "system:masters needs no binding")
        }
    }

    static let defaultAccount = Check<RBACSubject>(
        Rule(
            "rbac/default-service-account-bound", .medium, [.cis("5.1.5")],
            title: "The default service account holds rights",
            why: "Every pod that names no account has them.",
            remedy: "Make an account for the workload that needs the rights.")
    ) { subject, report in
        guard subject.isBinding else { return report.notApplicable() }
        for entry in subject.addedEntries where entry.subject.kind == .serviceAccount && entry.subject.name == "default"
        {
            report.fail(at: entry.node, "\(entry.subject.namespace)/default holds \(subject.role)")
            if subject.grantedTraits.contains(.dangerous) { report.severity = .high }
        }
    }

    static let danglingRole = Check<RBACSubject>(
        Rule(
            "rbac/dangling-role", .medium, category: .hygiene,
            title: "A binding names a role that is not there",
            why: "It grants nothing today; whoever makes a role of that name decides what it grants tomorrow.",
            remedy: "Delete the binding, or make the role.")
    ) { subject, report in
        guard subject.isBinding else { return report.notApplicable() }
        guard subject.context.model.rules(of: subject.role) == nil else { return }
        let place = subject.node["roleRef"]["name"]
        if subject.context.unlistedKinds.contains(subject.role.kind.rawValue) {
            return report.notObservable(at: place, "\(subject.role.kind.rawValue) objects could not be listed")
        }
        guard subject.context.isCluster else {
            return report.notObservable(at: place, "\(subject.role) is not in the input")
        }
        report.fail(at: place, "there is no \(subject.role)")
    }

    static let danglingSubject = Check<RBACSubject>(
        Rule(
            "rbac/dangling-subject", .medium, category: .hygiene,
            title: "A binding names a service account that is not there",
            why: "Whoever makes an account of that name, in that namespace, holds the rights.",
            remedy: "Remove the entry, or make the account."),
        fix: { _, evidence in [PatchOperation(.remove, evidence.path)] }
    ) { subject, report in
        guard subject.isBinding else { return report.notApplicable() }
        // Last first, so that removing several in this order keeps the other paths right.
        for entry in subject.addedEntries.reversed() where entry.subject.kind == .serviceAccount {
            let name = ServiceAccountName(namespace: entry.subject.namespace, name: entry.subject.name)
            guard !subject.context.serviceAccounts.contains(name) else { continue }
            guard subject.context.isAccountKnown else {
                let why =
                    subject.context.isCluster
                    ? "ServiceAccount objects could not be listed" : "\(entry.subject) is not in the input"
                report.notObservable(at: entry.node, why)
                continue
            }
            report.fail(at: entry.node, "there is no \(entry.subject)")
            if subject.grantedTraits.contains(.dangerous) { report.severity = .high }
        }
    }

    static let bootstrapBinding = Check<RBACSubject>(
        Rule(
            "rbac/changed-default-binding", .high, [.kubernetes("Default roles and role bindings")],
            title: "A binding of Kubernetes itself names more than it comes with",
            why: "Nobody looks for added subjects in a binding they believe to know.",
            remedy: "Give them a binding of their own, with a role of what they need."),
        fix: { _, evidence in
            // An added subject is taken out; which role is meant, where another one is named, is for a person.
            if case .index = evidence.path.elements.last { [PatchOperation(.remove, evidence.path)] } else { [] }
        }
    ) { subject, report in
        guard subject.isBinding, let own = subject.context.bootstrap.bindings[subject.object.reference] else {
            return report.notApplicable()
        }
        if own.role != subject.role {
            report.fail(at: subject.node["roleRef"]["name"], "comes with \(own.role), not \(subject.role)")
        }
        for entry in subject.addedEntries.reversed() {
            report.fail(at: entry.node, "does not come with \(entry.subject)")
        }
    }

    static let duplicateBinding = Check<RBACSubject>(
        Rule(
            "rbac/duplicate-binding", .info, category: .hygiene,
            title: "A binding gives what another gives already",
            why: "Deleting one of them looks as if it took the role away, and does not.",
            remedy: "Delete one of the bindings."),
        fix: { _, evidence in [PatchOperation(.remove, evidence.path)] }
    ) { subject, report in
        guard subject.isBinding else { return report.notApplicable() }
        for entry in subject.entries {
            for (binding, role) in subject.context.model.bindings(of: entry.subject)
            where role == subject.role && binding.reference != subject.object.reference {
                let isWider = binding.kind == "ClusterRoleBinding" && subject.object.kind == "RoleBinding"
                let isSame = binding.kind == subject.object.kind && binding.namespace == subject.object.namespace
                guard isWider || isSame && binding.reference < subject.object.reference else { continue }
                report.fail(at: entry.node, "\(binding.reference) gives \(role) to \(entry.subject) already")
                break
            }
        }
    }

    /// Whether rules hold any right of `DangerousRight`, or everything.
    static func isDangerous(_ rules: [PolicyRule]) -> Bool {
        rules.contains { rule in
            rule.isEverything
                || DangerousRight.all.contains { right in
                    right.rule.severity >= .high && right.patterns.contains { !$0.granted(by: rule).isEmpty }
                }
        }
    }
}

extension PolicyRule {
    /// Whether a verb of it does more than look.
    var changesAnything: Bool {
        !verbs.allSatisfy { ["get", "list", "watch"].contains($0) }
            && !resources.allSatisfy { $0.hasPrefix("selfsubject") }
    }
}
