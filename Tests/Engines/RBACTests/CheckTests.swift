import Documents
import Findings
import Kubernetes
import Testing

@testable import RBAC

@Suite struct CheckTests {
    struct Example: Sendable, CustomTestStringConvertible {
        var name: String
        var rule: String
        var fails: Bool
        var severity: Severity?
        var text: String
        var testDescription: String { name }
    }

    private static func role(
        _ rules: String, binding: String = "ClusterRoleBinding", subject: String = "kind: User, name: eve"
    )
        -> String
    {
        let place = binding == "RoleBinding" ? ", namespace: shop" : ""
        return """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: it}
            rules: [\(rules)]
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: \(binding)
            metadata: {name: it\(place)}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: it}
            subjects: [{\(subject)}]
            """
    }

    private static let pods = #"{apiGroups: [""], resources: [pods], verbs: [get]}"#
    private static let secrets = #"{apiGroups: [""], resources: [secrets], verbs: [get]}"#
    private static let all = #"{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}"#

    static let examples: [Example] = [
        Example(
            name: "everything under another name", rule: "rbac/cluster-admin-bound", fails: true, severity: .critical,
            text: role(all)),
        Example(
            name: "everything in two rules is not everything in one", rule: "rbac/cluster-admin-bound", fails: false,
            text: role(pods)),
        Example(
            name: "everything in a namespace", rule: "rbac/namespace-admin-bound", fails: true, severity: .medium,
            text: role(all, binding: "RoleBinding")),
        Example(
            name: "secrets everywhere", rule: "rbac/secrets-read", fails: true, severity: .high, text: role(secrets)),
        Example(
            name: "secrets in a namespace", rule: "rbac/secrets-read", fails: true, severity: .medium,
            text: role(secrets, binding: "RoleBinding")),
        Example(name: "pods are no secrets", rule: "rbac/secrets-read", fails: false, text: role(pods)),
        Example(
            name: "a star on resources", rule: "rbac/wildcard", fails: true, severity: .medium,
            text: role(#"{apiGroups: [""], resources: ["*"], verbs: [get]}"#)),
        Example(
            name: "anonymous callers", rule: "rbac/anonymous-bound", fails: true, severity: .high,
            text: role(pods, subject: "kind: Group, name: 'system:unauthenticated'")),
        Example(
            name: "all authenticated with secrets", rule: "rbac/authenticated-bound", fails: true, severity: .high,
            text: role(secrets, subject: "kind: Group, name: 'system:authenticated'")),
        Example(
            name: "all accounts of a namespace", rule: "rbac/all-service-accounts-bound", fails: true,
            text: role(pods, subject: "kind: Group, name: 'system:serviceaccounts:shop'")),
        Example(
            name: "the default account", rule: "rbac/default-service-account-bound", fails: true, severity: .high,
            text: role(secrets, subject: "kind: ServiceAccount, name: default, namespace: shop")),
        Example(
            name: "masters need no binding", rule: "rbac/masters-group-bound", fails: true,
            text: role(pods, subject: "kind: Group, name: 'system:masters'")),
        Example(
            name: "a Role reaches no kubelet", rule: "rbac/node-proxy", fails: false,
            text: """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: Role
                metadata: {name: a, namespace: shop}
                rules: [{apiGroups: [""], resources: ["*"], verbs: [get]}]
                """),
        Example(
            name: "kubelets by get", rule: "rbac/node-proxy", fails: true, severity: .critical,
            text: role(#"{apiGroups: [""], resources: ["*/proxy"], verbs: [get]}"#)),
        Example(
            name: "bind by star", rule: "rbac/bind", fails: true,
            text: role(#"{apiGroups: [rbac.authorization.k8s.io], resources: [clusterroles], verbs: ["*"]}"#)),
        Example(
            name: "a rule within another", rule: "rbac/shadowed-rule", fails: true,
            text: role("\(pods), {apiGroups: [\"\"], resources: [pods, nodes], verbs: [get]}")),
        Example(
            name: "two rules side by side", rule: "rbac/shadowed-rule", fails: false,
            text: role("\(pods), \(secrets)")),
    ]

    @Test(arguments: examples)
    func aCheckSaysWhatItShould(_ example: Example) throws {
        let inventory = Inventory(objects(example.text))
        let evaluation = RBACEvaluation(inventory, isCluster: true)
        let findings = inventory.keys.compactMap { inventory[$0] }.flatMap { evaluation.evaluate($0).findings }
        let found = findings.first { $0.rule.id == example.rule && $0.outcome == .fail }
        #expect((found != nil) == example.fails)
        if let severity = example.severity { #expect(found?.severity == severity) }
    }

    @Test func kubernetesOwnObjectsUnchangedAreNoFindings() {
        let inventory = Inventory(BootstrapPolicy.current.objects)
        let evaluation = RBACEvaluation(inventory, isCluster: true, unlistedKinds: ["ServiceAccount"])
        let findings = inventory.keys.compactMap { inventory[$0] }.flatMap { evaluation.evaluate($0).findings }
        #expect(findings.filter { $0.outcome == .fail }.map { "\($0.rule.id) \($0.subject)" } == [])
    }

    @Test func whatWasAddedToADefaultBindingIsFoundAndMended() throws {
        var changed = BootstrapPolicy.current.objects
        let index = try #require(changed.firstIndex { $0.name == "cluster-admin" && $0.kind == "ClusterRoleBinding" })
        var editor = DocumentEditor(changed[index].node)
        editor.add("subjects[1]", ["kind": "User", "name": "eve"])
        changed[index] = changed[index].with(editor.finish())
        func failures(_ objects: [KubernetesObject]) -> [Finding] {
            let evaluation = RBACEvaluation(Inventory(objects), isCluster: true)
            return evaluation.evaluate(objects[index]).findings.filter { $0.outcome == .fail }
        }
        let found = failures(changed)
        #expect(Set(found.map(\.rule.id)) == ["rbac/changed-default-binding", "rbac/cluster-admin-bound"])
        let finding = try #require(found.first { $0.rule.id == "rbac/changed-default-binding" })
        let patch = RBACEvaluation(Inventory(changed), isCluster: true).fix(finding, in: changed[index])
        changed[index] = changed[index].with(try #require(patch.applied(to: changed[index].node)))
        #expect(failures(changed).isEmpty)
    }

    /// A check that knows a fix, and an object of a cluster that it is about.
    struct Mend: Sendable, CustomTestStringConvertible {
        var rule: String
        var text: String
        var testDescription: String { rule }
    }

    private static func binding(_ role: String, _ subjects: String, more: String = "") -> String {
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: tried}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: \(role)}
        subjects: [\(subjects)]
        ---
        {apiVersion: v1, kind: ServiceAccount, metadata: {name: api, namespace: shop}}
        \(more)
        """
    }

    private static func bound(_ rules: String) -> String {
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: tried}
        rules: [\(rules)]
        ---
        \(binding("tried", account))
        """
    }

    private static let account = "{kind: ServiceAccount, name: api, namespace: shop}"
    private static let group = "apiGroups: [rbac.authorization.k8s.io]"

    static let mends: [Mend] = [
        Mend(
            rule: "rbac/anonymous-bound",
            text: binding(
                "view", "\(account), {kind: User, apiGroup: rbac.authorization.k8s.io, name: 'system:anonymous'}")
        ),
        Mend(
            rule: "rbac/masters-group-bound",
            text: binding(
                "view", "{kind: Group, apiGroup: rbac.authorization.k8s.io, name: 'system:masters'}, \(account)")
        ),
        Mend(
            rule: "rbac/dangling-subject",
            text: binding(
                "view",
                "{kind: ServiceAccount, name: a, namespace: b}, \(account), {kind: ServiceAccount, name: c, namespace: d}"
            )),
        Mend(
            rule: "rbac/duplicate-binding",
            text: binding(
                "view", account,
                more: """
                    ---
                    apiVersion: rbac.authorization.k8s.io/v1
                    kind: ClusterRoleBinding
                    metadata: {name: first}
                    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
                    subjects: [\(account)]
                    """)),
        Mend(
            rule: "rbac/changed-default-binding",
            text: """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRoleBinding
                metadata: {name: 'system:basic-user'}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: 'system:basic-user'}
                subjects: [{kind: User, name: eve}, {kind: Group, name: 'system:authenticated'}, {kind: User, name: mallory}]
                """),
        Mend(
            rule: "rbac/changed-default-role",
            text: """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: ClusterRole
                metadata: {name: 'system:basic-user'}
                rules:
                - {apiGroups: [""], resources: [secrets], verbs: [get]}
                - {apiGroups: [authorization.k8s.io], resources: [selfsubjectaccessreviews, selfsubjectrulesreviews], verbs: [create]}
                - {apiGroups: [""], resources: [configmaps], verbs: [get]}
                """),
        Mend(
            rule: "rbac/shadowed-rule",
            text: bound(
                "{apiGroups: [''], resources: [pods], verbs: [get, list]}, {apiGroups: [''], resources: [pods], verbs: [get]}"
            )),
        Mend(rule: "rbac/escalate", text: bound("{\(group), resources: [roles], verbs: [get, escalate, list]}")),
        Mend(rule: "rbac/bind", text: bound("{\(group), resources: [clusterroles], verbs: [bind]}")),
        Mend(
            rule: "rbac/impersonate",
            text: bound(
                "{apiGroups: [''], resources: [pods, users], verbs: [impersonate, get]}, {apiGroups: [authentication.k8s.io], resources: [users], verbs: ['impersonate:user-info']}"
            )),
        Mend(rule: "rbac/node-proxy", text: bound("{apiGroups: [''], resources: [nodes, nodes/proxy], verbs: [get]}")),
        Mend(rule: "rbac/node-proxy", text: bound("{apiGroups: [''], resources: [nodes/proxy], verbs: [create]}")),
    ]

    @Test(arguments: mends)
    func aFixClosesItsFindingAndOpensNone(_ mend: Mend) throws {
        func evaluate(_ objects: [KubernetesObject]) -> (RBACEvaluation, [Finding]) {
            let evaluation = RBACEvaluation(Inventory(objects), isCluster: true)
            let all = objects.flatMap { evaluation.evaluate($0).findings }
            return (evaluation, all.filter { $0.outcome == .fail })
        }
        let written = objects(mend.text)
        let own = BootstrapPolicy.current.objects.filter { object in
            !written.contains { $0.reference == object.reference }
        }
        let before = own + written
        let (evaluation, found) = evaluate(before)
        let finding = try #require(found.first { $0.rule.id == mend.rule })
        let place = try #require(before.firstIndex { $0.reference == finding.subject })
        let patch = evaluation.fix(finding, in: before[place])
        var after = before
        after[place] = before[place].with(try #require(patch.applied(to: before[place].node)))
        let (_, left) = evaluate(after)
        #expect(!left.contains { $0.rule.id == mend.rule && $0.subject == finding.subject })
        let known = Set(found.map(\.fingerprint))
        #expect(left.filter { !known.contains($0.fingerprint) }.map { "\($0.rule.id) \($0.subject)" } == [])
        // Whoever is not meant keeps all.
        let changes = AccessDiff(from: AccessModel(before), to: AccessModel(after)).changes
        #expect(changes.allSatisfy { $0.gained.isEmpty || mend.rule == "rbac/node-proxy" })
        if mend.rule == "rbac/duplicate-binding" || mend.rule == "rbac/shadowed-rule" { #expect(changes.isEmpty) }
    }

    @Test func everyCheckWithAFixIsTried() {
        let known = Set(RBACChecks.all.filter { $0.fix != nil }.map(\.rule.id))
        #expect(known == Set(Self.mends.map(\.rule)))
    }

    @Test func whatCouldNotBeListedIsNotObservable() {
        let inventory = Inventory(
            objects(Self.role(Self.pods, subject: "kind: ServiceAccount, name: api, namespace: shop")))
        let evaluation = RBACEvaluation(inventory, isCluster: true, unlistedKinds: ["ServiceAccount"])
        let outcomes = inventory.keys.compactMap { inventory[$0] }.flatMap { evaluation.evaluate($0).findings }
            .filter { $0.rule.id == "rbac/dangling-subject" }.map(\.outcome)
        #expect(outcomes == [.notObservable])
    }

    @Test(arguments: [("", true), ("automountServiceAccountToken: false, ", false)])
    func aWorkloadAnswersForTheTokenItCarries(_ setting: String, _ fails: Bool) {
        let inventory = Inventory(
            objects(
                Self.role(Self.secrets, subject: "kind: ServiceAccount, name: api, namespace: shop") + """

                    ---
                    apiVersion: apps/v1
                    kind: Deployment
                    metadata: {name: api, namespace: shop}
                    spec: {template: {spec: {\(setting)serviceAccountName: api, containers: [{name: c, image: i}]}}}
                    """))
        let evaluation = RBACEvaluation(inventory, isCluster: true)
        let findings = inventory.objects("Deployment", of: "apps").flatMap { evaluation.evaluate($0).findings }
        #expect(findings.map(\.rule.id) == (fails ? ["rbac/workload-with-dangerous-rights"] : []))
    }

    @Test func everyRuleHasAnIdOfItsOwnAndWords() {
        let rules = RBACChecks.rules
        #expect(Set(rules.map(\.id)).count == rules.count)
        for rule in rules { #expect(rule.id.hasPrefix("rbac/") && !rule.why.isEmpty && !rule.remedy.isEmpty) }
    }
}
