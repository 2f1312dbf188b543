package import Findings

/// The checks of roles and bindings, in the order of reports.
package enum RBACChecks {
    package static let all: [Check<RBACSubject>] =
        [
            clusterAdmin, anonymous, authenticated, allAccounts, namespaceAdmin, defaultAccount, bootstrapBinding,
            bootstrapRole, wildcard,
        ] + DangerousRight.all.map(\.check) + [
            danglingRole, danglingSubject, masters, duplicateBinding, shadowedRule, clusterRoleForOneNamespace,
            unusedRole,
        ]

    /// Most places told of one object by one check; how many more there are is said.
    static let placeLimit = 500

    package static let rules: [Rule] = all.map(\.rule) + [WorkloadRights.rule]
}
