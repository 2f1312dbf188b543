import Documents
import Findings
import Kubernetes
import Testing

@testable import RBAC

/// What was evaluated change by change is what a look at everything finds.
@Suite struct ChangeTests {
    private struct Random {
        var state: UInt64
        mutating func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(bound))
        }
    }

    private static func object(_ random: inout Random) throws -> KubernetesObject {
        let place = ["a", "b"][random.next(2)]
        let account = "s\(random.next(3))"
        let rules = [
            #"{apiGroups: [""], resources: [secrets], verbs: [get]}"#,
            #"{apiGroups: [""], resources: [pods/exec], verbs: [create]}"#,
            #"{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}"#,
            #"{apiGroups: [""], resources: [pods], verbs: [list]}"#,
        ]
        let subjects = [
            "{kind: ServiceAccount, name: \(account), namespace: \(place)}", "{kind: User, name: eve}",
            "{kind: Group, name: 'system:serviceaccounts:\(place)'}", "{kind: Group, name: 'system:authenticated'}",
        ]
        let group = "apiVersion: rbac.authorization.k8s.io/v1"
        let text =
            switch random.next(6) {
            case 0:
                "{\(group), kind: ClusterRole, metadata: {name: c\(random.next(3)), uid: x, labels: {take: 'y\(random.next(2))'}}, rules: [\(rules[random.next(4)])]}"
            case 1:
                "{\(group), kind: ClusterRole, metadata: {name: agg, uid: x}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {take: y1}}]}, rules: [\(rules[random.next(4)])]}"
            case 2:
                "{\(group), kind: Role, metadata: {name: r\(random.next(2)), namespace: \(place), uid: x}, rules: [\(rules[random.next(4)])]}"
            case 3:
                "{\(group), kind: ClusterRoleBinding, metadata: {name: cb\(random.next(3))}, roleRef: {kind: ClusterRole, name: \(["agg", "c0", "c1", "c2"][random.next(4)])}, subjects: [\(subjects[random.next(4)])]}"
            case 4:
                "{\(group), kind: RoleBinding, metadata: {name: rb\(random.next(3)), namespace: \(place)}, roleRef: {kind: \(["Role, name: r0", "Role, name: r1", "ClusterRole, name: c0", "ClusterRole, name: agg"][random.next(4)])}, subjects: [\(subjects[random.next(3)]), \(subjects[random.next(3)])]}"
            default: "{apiVersion: v1, kind: ServiceAccount, metadata: {name: \(account), namespace: \(place)}}"
            }
        return try #require(objects(text).first)
    }

    private static func findings(_ evaluation: RBACEvaluation, _ object: KubernetesObject) -> Set<String> {
        Set(
            evaluation.evaluate(object).findings.map { finding in
                "\(finding.rule.id) \(finding.severity) \(finding.outcome) "
                    + finding.evidence.map { "\($0.path) \($0.message)" }.sorted().joined(separator: ";")
            })
    }

    @Test(arguments: 1...12)
    func everyResultIsThatOfALookAtEverything(_ seed: Int) throws {
        var random = Random(state: UInt64(seed))
        var inventory = Inventory(
            objects(
                ["a", "b"].flatMap { place in
                    (0..<3).map { number in
                        """
                        apiVersion: apps/v1
                        kind: Deployment
                        metadata: {name: d\(number), namespace: \(place)}
                        spec: {template: {spec: {serviceAccountName: s\(number), containers: [{name: c, image: i}]}}}
                        """
                    }
                }.joined(separator: "\n---\n")))
        var evaluation = RBACEvaluation(inventory, isCluster: true)
        var known: [ObjectKey: Set<String>] = [:]
        for key in inventory.keys { known[key] = inventory[key].map { Self.findings(evaluation, $0) } }
        for _ in 0..<60 {
            let object = try Self.object(&random)
            let before = inventory
            let touched = Set(inventory.apply(random.next(4) == 0 ? .deleted(object) : .modified(object)))
            var again = touched
            switch evaluation.follow(touched, from: before, to: inventory) {
            case .nothing: break
            case .objects(let others): again.formUnion(others)
            case .everything: again.formUnion(inventory.keys)
            }
            for key in again { known[key] = inventory[key].map { Self.findings(evaluation, $0) } }
            let fresh = RBACEvaluation(inventory, isCluster: true)
            for key in inventory.keys {
                let expected = inventory[key].map { Self.findings(fresh, $0) }
                #expect(known[key] == expected, "\(key.reference) after \(object.reference)")
            }
        }
    }

    @Test func aBindingOfAnAccountReachesItsWorkloadsAndNoOthers() throws {
        let inventory = Inventory(
            objects(
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: api, namespace: shop}
                spec: {serviceAccountName: api, containers: [{name: c, image: i}]}
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: web, namespace: shop}
                spec: {serviceAccountName: web, containers: [{name: c, image: i}]}
                """))
        var after = inventory
        let binding = try #require(
            objects(
                """
                apiVersion: rbac.authorization.k8s.io/v1
                kind: RoleBinding
                metadata: {name: api, namespace: shop}
                roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: api}
                subjects: [{kind: ServiceAccount, name: api}]
                """
            ).first)
        let touched = Set(after.apply(.added(binding)))
        var evaluation = RBACEvaluation(inventory, isCluster: true)
        guard case .objects(let reached) = evaluation.follow(touched, from: inventory, to: after) else {
            Issue.record("a binding of one account reaches objects")
            return
        }
        #expect(Set(reached.map(\.reference.description)) == ["Pod shop/api", "Role shop/api", "RoleBinding shop/api"])
    }

    @Test(arguments: ["ClusterRoleBinding", "RoleBinding", "ClusterRole", "Role"])
    func aKindThatCouldNotBeListedIsToldAsAHole(_ kind: String) {
        let evaluation = RBACEvaluation(Inventory(), isCluster: true, unlistedKinds: [kind])
        let (findings, coverage) = evaluation.wholeResults()
        #expect(findings.map(\.outcome) == [.notObservable])
        #expect(findings.first?.subject.kind == kind)
        #expect(coverage.notObservable == 1)
        #expect(RBACEvaluation(Inventory(), isCluster: false, unlistedKinds: []).wholeResults().findings.isEmpty)
    }
}
