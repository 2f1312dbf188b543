import Documents
import Foundation
import Kubernetes
import PodSecurity
import Testing

@testable import Posture

@Suite struct PlanTests {
    private static let restricted = """
        securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}, containers: [{name: c, image: x, \
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}}]
        """

    private static let cluster = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline, pod-security.kubernetes.io/enforce-version: v1.30}}
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: clean}
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: kube-system}
        ---
        apiVersion: v1
        kind: Namespace
        metadata: {name: host}
        ---
        apiVersion: batch/v1
        kind: CronJob
        metadata: {name: nightly, namespace: shop, uid: c1}
        spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: c, image: x}]}}}}}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: asleep, namespace: shop, uid: d1}
        spec: {replicas: 0, template: {spec: {containers: [{name: c, image: x}]}}}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: good, namespace: shop, uid: d2}
        spec: {template: {spec: {\(restricted)}}}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: good-1, namespace: shop, uid: p2, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: good, uid: d2, controller: true}]}
        spec: {\(restricted)}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: clean, uid: d3}
        spec: {template: {spec: {\(restricted)}}}
        ---
        apiVersion: apps/v1
        kind: DaemonSet
        metadata: {name: agent, namespace: host, uid: d4}
        spec: {template: {spec: {hostPID: true, \(restricted)}}}
        ---
        apiVersion: apps/v1
        kind: DaemonSet
        metadata: {name: proxy, namespace: kube-system, uid: d5}
        spec: {template: {spec: {hostNetwork: true, containers: [{name: c, image: x}]}}}
        """

    private func plan(_ yaml: String = cluster, goal: PodSecurityLevel? = nil) -> PodSecurityPlan {
        PodSecurityPlanner(Inventory(objects(yaml, "")), version: .minor(36), goal: goal).plan()
    }

    @Test func `Namespaces come by effort, those of the system apart`() {
        let plan = plan()
        #expect(plan.namespaces.map(\.name) == ["clean", "shop", "host"])
        #expect(plan.system.map(\.name) == ["kube-system"])
        #expect(plan.namespaces.map(\.met) == [.restricted, .baseline, .privileged])
        #expect(plan.namespaces.map(\.target) == [.restricted, .restricted, .baseline])
        #expect(plan.namespaces.map(\.isReady) == [true, false, false])
    }

    @Test func `Workloads without a live pod block as well, and say why they are easy to miss`() throws {
        let shop = try #require(plan().namespaces.first { $0.name == "shop" })
        #expect(shop.workloads == 3)
        #expect(
            shop.blocked.map { "\($0.object.reference) \($0.hiding)" } == [
                "CronJob shop/nightly CronJob", "Deployment shop/asleep scaled to zero",
            ])
        #expect(shop.blocked.map(\.isFixable) == [true, true])
        #expect(shop.effort.explanation == "2 patches × 1 + 2 images to try without root × 1 = 4")
    }

    @Test func `Labels come in three stages with a pinned version and a way back`() throws {
        let plan = plan()
        let shop = try #require(plan.namespaces.first { $0.name == "shop" })
        #expect(
            shop.stages.map(\.command)
                == ["audit", "warn", "enforce"].map { mode in
                    "kubectl label --overwrite namespace shop pod-security.kubernetes.io/\(mode)=restricted "
                        + "pod-security.kubernetes.io/\(mode)-version=v1.36"
                })
        #expect(
            shop.rollback?.command == "kubectl label --overwrite namespace shop "
                + "pod-security.kubernetes.io/enforce=baseline pod-security.kubernetes.io/enforce-version=v1.30")
        let clean = try #require(plan.namespaces.first { $0.name == "clean" })
        #expect(
            clean.rollback?.command == "kubectl label --overwrite namespace clean "
                + "pod-security.kubernetes.io/enforce- pod-security.kubernetes.io/enforce-version-")
    }

    @Test func `What a person has to decide weighs more`() throws {
        let host = try #require(plan().namespaces.first { $0.name == "host" })
        let agent = try #require(host.blocked.first)
        #expect(!agent.isFixable)
        #expect(agent.fix?.decisions.map(\.path.description) == ["spec.template.spec.hostPID"])
        #expect(agent.violations.map(\.text) == ["host namespaces (hostPID=true)"])
        #expect(host.effort.score == 5)
    }

    @Test func `A namespace at the goal has nothing left to do`() {
        let yaml =
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: n, labels: {pod-security.kubernetes.io/enforce: restricted}}\n"
        let plan = plan(yaml)
        #expect(plan.namespaces.map(\.target) == [nil])
        #expect(plan.namespaces.first?.stages.isEmpty == true)
    }

    @Test func `What was added to a pod after its template blocks too`() throws {
        let yaml = """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: good, namespace: shop, uid: d2}
            spec: {template: {spec: {\(Self.restricted)}}}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: good-1, namespace: shop, uid: p2, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: good, uid: d2, controller: true}]}
            spec: {hostNetwork: true, \(Self.restricted)}
            """
        let shop = try #require(plan(yaml, goal: .restricted).namespaces.first)
        #expect(shop.met == .privileged)
        #expect(shop.blocked.first?.onlyInPods.map(\.pod) == ["good-1"])
        #expect(shop.blocked.first?.isFixable == false)
    }

    @Test func `What cannot be read has no level`() throws {
        let yaml = """
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: n}
            spec: {hostNetwork: "yes", \(Self.restricted)}
            ---
            apiVersion: example.com/v1
            kind: Thing
            metadata: {name: t, namespace: n}
            spec: {inner: {spec: {containers: [{name: a, image: b}]}}}
            """
        let namespace = try #require(plan(yaml).namespaces.first)
        #expect(namespace.unknown.map(\.object.kind) == ["Pod", "Thing"])
        #expect(!namespace.isReady)
        #expect(namespace.effort.score == 6)
    }

    @Test func `The plan of the example shop is as agreed`() throws {
        let inventory = try Inventory(Golden.shop())
        let plan = PodSecurityPlanner(inventory, version: .minor(36), goal: .restricted).plan()
        try Golden.expect(PlanText(width: 100).text(plan), "plan.txt")
        try Golden.expect(PlanText(width: 60, colour: true).text(plan), "plan-narrow-colour.txt")
        try Golden.expect(PlanText.markdown(plan), "plan.md")
        try Golden.expect(plan.json(), "plan.json")
    }

    @Test func `No line of the table is wider than the terminal`() throws {
        let plan = PodSecurityPlanner(try Inventory(Golden.shop()), goal: .restricted).plan()
        let lines = PlanText(width: 80).text(plan).split(separator: "\n").map(String.init)
        // Commands and paths are for copying and are not broken.
        let table = lines.prefix { !$0.contains("→") }
        #expect(table.allSatisfy { $0.count <= 80 })
    }
}

@Suite struct PlanSimulationTests {
    private static let cluster = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: shop}
        ---
        apiVersion: batch/v1
        kind: CronJob
        metadata: {name: nightly, namespace: shop}
        spec: {jobTemplate: {spec: {template: {spec: {hostPID: true, containers: [{name: c, image: x}]}}}}}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: lone, namespace: shop, uid: p1}
        spec: {hostNetwork: true, containers: [{name: c, image: x, ports: [{containerPort: 80}]}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: fast, namespace: shop, uid: p2}
        spec: {runtimeClassName: gvisor, hostPID: true, containers: [{name: c, image: x}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: elsewhere, namespace: other, uid: p3}
        spec: {hostNetwork: true, containers: [{name: c, image: x}]}
        """

    private func simulate(_ configuration: PodSecurityConfiguration = PodSecurityConfiguration())
        -> PodSecuritySimulation
    {
        PodSecuritySimulation(
            Inventory(objects(Self.cluster, "")), namespace: "shop", policy: LevelVersion(.baseline, .minor(36)),
            configuration: configuration)
    }

    @Test func `What would be refused is said in the API server's words`() {
        let simulation = simulate(PodSecurityConfiguration(exemptRuntimeClasses: ["gvisor"]))
        #expect(
            simulation.refused.map(\.message) == [
                #"violates PodSecurity "baseline:v1.36": host namespaces (hostPID=true)"#,
                #"pods "lone" is forbidden: violates PodSecurity "baseline:v1.36": host namespaces (hostNetwork=true), hostPort (container "c" uses hostPort 80)"#,
            ])
        #expect(simulation.refused.map(\.hiding) == ["CronJob", ""])
        #expect(
            simulation.refused.map(\.warnings) == [
                [#"would violate PodSecurity "baseline:v1.36": host namespaces (hostPID=true)"#], [],
            ])
        #expect(simulation.exempt.map(\.object.name) == ["fast"])
        #expect(simulation.passed == 0)
    }

    @Test func `The new label is answered with what runs now`() {
        #expect(
            simulate().labelWarnings == [
                #"existing pods in namespace "shop" violate the new PodSecurity enforce level "baseline:v1.36""#,
                "fast (and 1 other pod): host namespaces",
            ])
    }

    @Test func `An exempt namespace refuses nothing`() {
        let simulation = simulate(PodSecurityConfiguration(exemptNamespaces: ["shop"]))
        #expect(simulation.isExempt)
        #expect(simulation.refused.isEmpty)
        #expect(simulation.exempt.count == 3)
    }

    @Test func `The simulation of the example shop is as agreed`() throws {
        let simulation = PodSecuritySimulation(
            try Inventory(Golden.shop()), namespace: "shop", policy: LevelVersion(.restricted, .minor(36)))
        try Golden.expect(SimulationText(width: 100).text(simulation), "simulation.txt")
        try Golden.expect(SimulationText.markdown(simulation), "simulation.md")
        try Golden.expect(simulation.json(), "simulation.json")
    }

    @Test func `The fixes of the example shop are as agreed`() throws {
        let fixes = FixPlanner(engines: try Inventory(Golden.shop())).fixes()
        try Golden.expect(FixText(width: 100).text(fixes), "fixes.txt")
        try Golden.expect(FixText.json(fixes), "fixes.json")
        let diff = FixFiles.files(fixes).flatMap(\.diff)
        try Golden.expect(String(decoding: diff, as: UTF8.self), "fixes.diff")
        try Golden.expect(KustomizePatches.text(fixes), "fixes-kustomize.yaml")
    }
}

/// Files that people and machines read, kept beside the tests; `MARTLET_UPDATE_GOLDEN=1` writes them anew.
enum Golden {
    private static let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    static func expect(_ text: String, _ name: String) throws {
        let file = here.appending(path: "Golden").appending(path: name)
        if ProcessInfo.processInfo.environment["MARTLET_UPDATE_GOLDEN"] == "1" {
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        let golden = try String(decoding: Data(contentsOf: file), as: UTF8.self)
        #expect(text == golden, "\(name) differs; MARTLET_UPDATE_GOLDEN=1 writes it anew")
    }

    /// The example application, named as from the project's folder.
    static func shop() throws -> [KubernetesObject] {
        let root = here.appending(path: "../../..").standardized
        let folder = root.appending(path: "Examples/shop")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().flatMap { name in
            let bytes = try Data(contentsOf: folder.appending(path: name))
            return objects(String(decoding: bytes, as: UTF8.self), "Examples/shop/\(name)")
        }
    }
}
