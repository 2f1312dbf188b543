import Documents
import Kubernetes
import Testing

@testable import RBAC

@Suite struct QuestionTests {
    private static let role = objects(
        """
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: reader, namespace: shop, finalizers: [a]}
        rules:
        - {apiGroups: [""], resources: [pods], verbs: [get]}
        - {apiGroups: [""], resources: [services], verbs: [get]}
        """)

    private static func patch(_ text: String) throws -> ObjectPatch {
        ObjectPatch(
            try #require(DocumentReader.read(SourceText(name: "p", bytes: Array(text.utf8))).documents.first).root)
    }

    static let patches: [(String, String?, [String])] = [
        (
            #"[{op: add, path: /rules/-, value: {apiGroups: [""], resources: [secrets], verbs: [get]}}]"#,
            "role/shop/reader", ["get pods", "get services", "get secrets"]
        ),
        (#"[{op: remove, path: /rules/0}]"#, "Role/reader", ["get services"]),
        (#"[{op: replace, path: /rules/0/verbs/0, value: list}]"#, "roles/shop/reader", ["list pods", "get services"]),
        (#"{rules: [{apiGroups: [""], resources: [nodes], verbs: [get]}]}"#, "role/shop/reader", ["get nodes"]),
        (#"{rules: null}"#, "role/shop/reader", []),
        (
            """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: Role
            metadata: {name: reader, namespace: shop, labels: {x: "y"}, finalizers: [b]}
            """, nil, ["get pods", "get services"]
        ),
    ]

    @Test(arguments: patches)
    func aPatchIsAppliedInEveryForm(_ text: String, _ target: String?, _ rules: [String]) throws {
        let (before, after) = try Self.patch(text).applied(to: Self.role, target: target)
        #expect(before?.name == "reader")
        #expect(after?.node["rules"].elements.map { PolicyRule($0).description } ?? [] == rules)
    }

    @Test func listsOfMetadataAreMergedAndDirectivesHeeded() throws {
        let header =
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: reader, namespace: shop, finalizers: [b]}"
        let merged = try Self.patch("\(header)}").applied(to: Self.role, target: nil).after
        #expect(merged?.metadata["finalizers"].strings == ["a", "b"])
        let gone = try Self.patch("\(header), $patch: delete}").applied(to: Self.role, target: nil)
        #expect(gone.before != nil && gone.after == nil)
        let fresh = try Self.patch(
            "{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: new, namespace: shop}}"
        ).applied(to: Self.role, target: nil)
        #expect(fresh.before == nil && fresh.after?.name == "new")
    }

    static let misfits: [(String, String?, ObjectPatch.Problem)] = [
        ("[{op: remove, path: /rules/7}]", "role/reader", ObjectPatch.Problem.notApplicable("Role shop/reader")),
        ("[{op: shuffle, path: /rules}]", "role/reader", .notApplicable("Role shop/reader")),
        ("[{op: remove, path: /rules/0}]", "role/other", .noObject("role/other")),
        ("{rules: []}", nil, .noTarget), ("7", nil, .notAPatch),
    ]

    @Test(arguments: misfits)
    func aPatchThatDoesNotFitIsRefused(_ text: String, _ target: String?, _ problem: ObjectPatch.Problem) throws {
        let patch = try Self.patch(text)
        #expect(throws: problem) { try patch.applied(to: Self.role, target: target) }
    }

    @Test(arguments: [
        ("wd", "widgets", "example.com"), ("Widget", "widgets", "example.com"),
        ("widgets.example.com", "widgets", "example.com"),
        ("wd/status", "widgets", "example.com"), ("po", "pods", ""), ("deploy", "deployments", "apps"),
        ("unknown", "unknown", ""),
    ])
    func customResourcesAreKnownByTheirShortNames(_ word: String, _ resource: String, _ group: String) {
        let names = ResourceNames(
            objects(
                """
                apiVersion: apiextensions.k8s.io/v1
                kind: CustomResourceDefinition
                metadata: {name: widgets.example.com}
                spec: {group: example.com, scope: Cluster, names: {plural: widgets, singular: widget, kind: Widget, shortNames: [wd, po]}}
                """))
        let parsed = names.parse(word)
        #expect(parsed.resource == resource && parsed.group == group)
        #expect(names.isClusterScoped("widgets", in: "example.com") && !names.isClusterScoped("widgets", in: "other"))
    }

    @Test func aRoleOfManyRulesIsLookedThroughQuickly() {
        var rules = (0..<200_000).map { PolicyRule(verbs: ["get"], apiGroups: [""], resources: ["r\($0)"]) }
        #expect(ShadowedRules.last(in: rules) == nil)
        rules.append(PolicyRule(verbs: ["get"], apiGroups: [""], resources: ["r7"]))
        let found = ShadowedRules.last(in: rules)
        #expect(found?.rule == 200_000 && found?.by == 7)
    }

    @Test func rolesThatSelectOneAnotherEndWithTheSameRules() {
        let text = ["a", "b"].map { name in
            """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: \(name), labels: {loop: "yes"}}
            aggregationRule: {clusterRoleSelectors: [{matchLabels: {loop: "yes"}}]}
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: part-\(name), labels: {loop: "yes"}}
            rules: [{apiGroups: [""], resources: [\(name)], verbs: [get]}]
            """
        }.joined(separator: "\n---\n")
        let model = AccessModel(objects(text))
        for name in ["a", "b"] {
            #expect(
                model.rules(of: RoleReference(.clusterRole, name))?.map(\.description).sorted() == ["get a", "get b"])
        }
    }
}
