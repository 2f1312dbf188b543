import Documents
import Findings
import Kubernetes
import RBAC
import Testing

@testable import Posture

/// A shop that is open to the internet and careless in every way that one can be.
enum RiskShop {
    static let text = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: shop}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: shop}
        spec: {type: LoadBalancer, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: shop}
        spec:
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              serviceAccountName: web
              containers: [{name: web, image: example/web:1, ports: [{containerPort: 8080}]}]
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: worker, namespace: shop}
        spec:
          selector: {matchLabels: {app: worker}}
          template:
            metadata: {labels: {app: worker}}
            spec:
              serviceAccountName: worker
              automountServiceAccountToken: false
              containers:
              - name: worker
                image: example/worker:1
                ports: [{containerPort: 9000}]
                securityContext: {privileged: true}
                envFrom: [{secretRef: {name: database}}]
        ---
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: web, namespace: shop}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: reader}
        rules: [{apiGroups: [""], resources: [secrets], verbs: [get, list]}]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: web-reader}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
        subjects: [{kind: ServiceAccount, name: web, namespace: shop}]

        """

    static let kev = Weakness(
        id: "CVE-2021-44228", severity: .critical, isKnownExploited: true, port: 8080, image: "example/web:1")
    static let inside = Weakness(id: "CVE-2020-1", severity: .high, epss: 0.2, port: 9000, image: "example/worker:1")

    static func inventory(_ more: String = "", replacing: (String, String)? = nil) -> Inventory {
        var text = Self.text
        if let replacing { text = text.replacing(replacing.0, with: replacing.1) }
        if !more.isEmpty { text += "---\n" + more }
        let set = DocumentReader.read(SourceText(name: "shop.yaml", bytes: Array(text.utf8)))
        return Inventory(set.documents.flatMap { KubernetesObject.objects(in: $0).objects })
    }

    static func graph(
        _ inventory: Inventory = inventory(), weaknesses: [Weakness] = [kev, inside],
        targets: [RiskTarget] = RiskTarget.standard
    ) -> RiskGraph {
        RiskGraph(
            inventory, model: AccessModel(inventory.objects.values), targets: targets,
            weaknesses: ListedWeaknesses(weaknesses))
    }
}

@Suite struct RiskTests {
    private static func ways(_ graph: RiskGraph, all: Bool = false) -> [String] {
        graph.paths(graph.answers(), fromInternetOnly: !all).map { path in
            "\(path.target): " + path.steps.map(\.by).joined(separator: " > ")
        }
    }

    @Test func theInternetReachesSecretsByATokenAndANodeByAnotherPod() {
        #expect(
            Self.ways(RiskShop.graph()) == [
                "secrets: LoadBalancer Service shop/web > CVE-2021-44228 > CE-token-mounted > secret-list",
                "node: LoadBalancer Service shop/web > CVE-2021-44228 > TCP 9000, CVE-2020-1 > CE-privileged",
            ])
    }

    @Test func everyStepNamesItsGrantOrField() throws {
        let graph = RiskShop.graph()
        let paths = graph.paths(graph.answers())
        let secrets = try #require(paths.first { $0.target == .allSecrets })
        #expect(secrets.start == .internet(.loadBalancer))
        #expect(secrets.steps.flatMap(\.evidence).contains { $0.text.contains("ClusterRoleBinding web-reader") })
        #expect(secrets.steps.flatMap(\.evidence).contains { $0.location.hasPrefix("shop.yaml:") })
        #expect(secrets.effort == 1 + 2)
        let node = try #require(paths.first { $0.target == .nodeRoot })
        #expect(node.steps.map(\.kind) == [.exposure, .weakness, .network, .rights])
        #expect(node.steps[2].by == "TCP 9000, CVE-2020-1")
    }

    @Test func aPolicyThatKeepsPodsApartEndsTheWayOverTheNetwork() {
        let policy = """
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {name: worker, namespace: shop}
            spec: {podSelector: {matchLabels: {app: worker}}, policyTypes: [Ingress], ingress: []}
            """
        let graph = RiskShop.graph(RiskShop.inventory(policy))
        #expect(!graph.paths(graph.answers()).contains { $0.target == .nodeRoot })
        let port = """
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata: {name: worker, namespace: shop}
            spec: {podSelector: {matchLabels: {app: worker}}, policyTypes: [Ingress], ingress: [{ports: [{port: 9001}]}]}
            """
        let other = RiskShop.graph(RiskShop.inventory(port))
        #expect(!other.paths(other.answers()).contains { $0.target == .nodeRoot })
    }

    @Test func withoutAFlawInsideNobodyMovesFromPodToPod() {
        let graph = RiskShop.graph(weaknesses: [RiskShop.kev])
        #expect(!graph.paths(graph.answers()).contains { $0.target == .nodeRoot })
        #expect(
            graph.paths(graph.answers(), fromInternetOnly: false).contains {
                $0.target == .nodeRoot && $0.start == .pod
            })
    }

    @Test func anInternalLoadBalancerIsNotTheInternet() {
        let inventory = RiskShop.inventory(
            replacing: (
                "{name: web, namespace: shop}\nspec: {type: LoadBalancer",
                "{name: web, namespace: shop, annotations: {networking.gke.io/load-balancer-type: Internal}}\n"
                    + "spec: {type: LoadBalancer"
            ))
        let graph = RiskShop.graph(inventory)
        #expect(graph.workloads.allSatisfy { $0.exposures.isEmpty })
        #expect(graph.paths(graph.answers()).isEmpty)
    }

    @Test func aNodePortIsTheInternetOnlyWhereNodesAreOnIt() {
        let change = ("type: LoadBalancer", "type: NodePort")
        #expect(RiskShop.graph(RiskShop.inventory(replacing: change)).workloads.allSatisfy { $0.exposures.isEmpty })
        let node = """
            apiVersion: v1
            kind: Node
            metadata: {name: n1}
            status: {addresses: [{type: ExternalIP, address: 203.0.113.7}]}
            """
        let graph = RiskShop.graph(RiskShop.inventory(node, replacing: change))
        #expect(graph.workloads.contains { !$0.exposures.isEmpty })
    }

    @Test func aChosenSecretAndNamespaceAreTargets() throws {
        let secret = try #require(RiskTarget("secret/shop/database"))
        let graph = RiskShop.graph(targets: [secret])
        let paths = graph.paths(graph.answers(), fromInternetOnly: false)
        let texts = paths.map { path in path.steps.map(\.by).joined(separator: " > ") }
        #expect(texts.contains { $0.contains("may get it") })
        #expect(texts.contains { $0 == "has it" })
        #expect(RiskTarget("namespace/") == nil && RiskTarget("secret/a") == nil && RiskTarget("nodes") == nil)
    }

    // MARK: The sum and its fixes

    @Test func theRiskIsTheSumOfItsTerms() {
        let graph = RiskShop.graph()
        let score = graph.score(graph.answers())
        #expect(abs(score.total - score.terms.reduce(0) { $0 + $1.points }) < 1e-9)
        for term in score.terms {
            let expected = Double(term.value) * RiskGraph.ease(term.startEffort + term.wayEffort)
            #expect(abs(term.points - expected) < 1e-9)
        }
        #expect(score.fromInternet > 0 && score.fromInternet < score.total)
    }

    /// What the ranking says a fix removes is what a graph made anew without the thing says.
    @Test func aFixRemovesWhatAGraphWithoutItLacks() throws {
        let graph = RiskShop.graph()
        let before = graph.score(graph.answers()).total
        let ranked = graph.rankedFixes(graph.answers())
        let order = ranked.map(\.removed)
        #expect(order == order.sorted().reversed())
        #expect(ranked.allSatisfy { $0.removed > 0 })
        func total(_ inventory: Inventory, _ weaknesses: [Weakness] = [RiskShop.kev, RiskShop.inside]) -> Double {
            let other = RiskShop.graph(inventory, weaknesses: weaknesses)
            return other.score(other.answers()).total
        }
        let anew: [(String, Double)] = [
            (
                "remove ClusterRoleBinding web-reader",
                total(RiskShop.inventory(replacing: ("[{kind: ServiceAccount, name: web, namespace: shop}]", "[]")))
            ),
            (
                "keep Service shop/web off the internet",
                total(RiskShop.inventory(replacing: ("type: LoadBalancer", "type: ClusterIP")))
            ),
            ("rebuild example/web:1", total(RiskShop.inventory(), [RiskShop.inside])),
            ("rebuild example/worker:1", total(RiskShop.inventory(), [RiskShop.kev])),
            (
                "confine Deployment shop/worker (no host access, no added powers)",
                total(RiskShop.inventory(replacing: ("privileged: true", "privileged: false")))
            ),
            (
                "mount no token into Deployment shop/web",
                total(
                    RiskShop.inventory(
                        replacing: (
                            "serviceAccountName: web\n",
                            "serviceAccountName: web\n      automountServiceAccountToken: false\n"
                        )))
            ),
        ]
        for (name, after) in anew {
            let fix = try #require(ranked.first { $0.fix.description == name }, "\(name) is not among the fixes")
            #expect(abs(fix.removed - (before - after)) < 1e-6, "\(name): \(fix.removed) against \(before - after)")
        }
        #expect(ranked.first { $0.fix.description.hasPrefix("keep Service") }?.closed == [.allSecrets, .nodeRoot])
    }

    @Test func aChangeOfRightsIsFollowed() throws {
        let inventory = RiskShop.inventory()
        var graph = RiskShop.graph(inventory)
        let binding = try #require(inventory.objects("ClusterRoleBinding", of: "rbac.authorization.k8s.io").first)
        graph.apply(.deleted(binding))
        #expect(!graph.paths(graph.answers()).contains { $0.target == .allSecrets })
        graph.apply(.added(binding))
        #expect(graph.paths(graph.answers()).contains { $0.target == .allSecrets })
    }

    // MARK: Findings

    private static func findings(_ inventory: Inventory, _ weaknesses: [Weakness]) async -> [Finding] {
        var scan = PostureScan(
            inventory, options: ScanOptions(include: ["risk/*"], weaknesses: ListedWeaknesses(weaknesses)))
        await scan.evaluateAll()
        return scan.report(target: "shop", generatedAt: "2026-11-23T00:00:00Z", version: "0").findings
    }

    @Test func theThreeTogetherAreAFindingOfTheirOwn() async {
        let found = await Self.findings(RiskShop.inventory(), [RiskShop.kev])
        #expect(found.map(\.rule.id) == ["risk/internet-reachable-kev-secret-reader"])
        #expect(found.first?.subject.name == "web")
        #expect(found.first?.evidence.count == 3)
        #expect(found.first?.evidence.first?.location?.file == "shop.yaml")
    }

    @Test func eachPartMissingIsAnotherFindingOrNone() async {
        let without = await Self.findings(RiskShop.inventory(), [])
        #expect(without.map(\.rule.id) == ["risk/internet-reachable-secret-reader"])
        let closed = await Self.findings(
            RiskShop.inventory(replacing: ("type: LoadBalancer", "type: ClusterIP")), [RiskShop.kev])
        #expect(closed.isEmpty)
        let powerless = await Self.findings(
            RiskShop.inventory(replacing: ("verbs: [get, list]", "verbs: [create]")), [RiskShop.kev])
        #expect(powerless.map(\.rule.id) == ["risk/internet-reachable-kev"])
        let admin = await Self.findings(
            RiskShop.inventory(
                replacing: ("resources: [secrets], verbs: [get, list]", "resources: ['*'], verbs: ['*']")), [])
        #expect(admin.map(\.rule.id).contains("risk/internet-reachable-secret-reader"))
    }

    @Test func theScanFollowsEvents() async throws {
        let inventory = RiskShop.inventory()
        var scan = PostureScan(
            inventory,
            options: ScanOptions(include: ["risk/*"], cluster: "c", weaknesses: ListedWeaknesses([RiskShop.kev])))
        await scan.evaluateAll()
        func ids() -> [String] {
            scan.report(target: "c", generatedAt: "", version: "").findings.map(\.rule.id)
        }
        #expect(ids() == ["risk/internet-reachable-kev-secret-reader"])
        let binding = try #require(inventory.objects("ClusterRoleBinding", of: "rbac.authorization.k8s.io").first)
        scan.apply(.deleted(binding))
        scan.settle()
        #expect(ids() == ["risk/internet-reachable-kev"])
    }

    @Test func whatCouldNotBeListedIsSaid() async {
        var scan = PostureScan(
            RiskShop.inventory(),
            options: ScanOptions(
                workloads: .init(unlistedKinds: ["NetworkPolicy"]), include: ["risk/*"], cluster: "c",
                weaknesses: ListedWeaknesses([RiskShop.kev])))
        await scan.evaluateAll()
        let found = scan.report(target: "c", generatedAt: "", version: "").findings
        #expect(found.map(\.outcome) == [.notObservable])
    }

    // MARK: Layout

    @Test func aTreeIsDrawnWithoutCrossings() {
        let arrows = (1..<31).map { LayeredLayout.Arrow(($0 * 7919 + 3) % max(1, $0), $0) }
        let layout = LayeredLayout(boxes: 31, arrows: arrows)
        #expect(layout.crossings == 0)
        for arrow in arrows { #expect(layout.columns[arrow.from] < layout.columns[arrow.to]) }
        #expect(Set(zip(layout.columns, layout.rows).map { "\($0) \($1)" }).count == 31)
    }

    @Test func circlesAndLoopsAreDrawnToo() {
        let layout = LayeredLayout(boxes: 3, arrows: [.init(0, 1), .init(1, 2), .init(2, 0), .init(1, 1)])
        #expect(layout.columnCount == 3)
        #expect(layout.waypoints.count == 4)
        #expect(LayeredLayout(boxes: 0, arrows: []).columnCount == 0)
    }

    @Test func thePictureIsWholeAndHarmless() {
        let hostile = RiskShop.inventory(
            replacing: ("{name: web, namespace: shop}\nspec: {type", "{name: \"<a>&\", namespace: shop}\nspec: {type"))
        let graph = RiskShop.graph(hostile)
        let svg = RiskPicture(graph.paths(graph.answers()), title: "Shop").svg
        #expect(svg.hasPrefix("<svg") && svg.hasSuffix("</svg>\n"))
        #expect(!svg.contains("<a>") && svg.contains("&lt;a&gt;&amp;"))
    }
}
