import Documents
import Findings
import Kubernetes
import Testing

@testable import Workloads

/// To whom a finding belongs, and what a live pod adds to it.
@Suite struct FoldingTests {
    private static let deployment = """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: shop, uid: d}
        spec:
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec: {containers: [{name: app, image: "app:1"}]}
        ---
        apiVersion: apps/v1
        kind: ReplicaSet
        metadata:
          name: web-1
          namespace: shop
          uid: r
          ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: web, uid: d, controller: true}]
        spec:
          template: {spec: {containers: [{name: app, image: "app:1"}]}}
        ---

        """

    private static func pod(_ name: String, _ containers: String) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata:
          name: \(name)
          namespace: shop
          uid: \(name)
          ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-1, uid: r, controller: true}]
        status: {phase: Running}
        spec: {containers: [\(containers)]}
        ---

        """
    }

    private static let app = #"{name: app, image: "app:1", imagePullPolicy: IfNotPresent}"#

    private func findings(_ text: String, _ id: String, file: String = "") throws -> [Finding] {
        let evaluation = WorkloadEvaluation(try Example.inventory(text, file: file))
        return evaluation.results().findings.filter { $0.rule.id == id && $0.outcome == .fail }
    }

    @Test func podsOfADeploymentAddNothingToWhatItsTemplateSays() throws {
        let text = Self.deployment + Self.pod("web-1-a", Self.app) + Self.pod("web-1-b", Self.app)
        let found = try findings(text, "image/no-digest")
        #expect(found.map(\.subject.description) == ["Deployment shop/web"])
        #expect(found.first?.evidence.count == 1)
        #expect(found.first?.evidence.first?.object == nil)
    }

    @Test func anInjectedSidecarIsEvidenceOnce() throws {
        let injected = #"{name: proxy, image: "proxy:2"}, "# + Self.app
        let text = Self.deployment + Self.pod("web-1-a", injected) + Self.pod("web-1-b", injected)
        let found = try findings(text, "image/no-digest")
        #expect(found.count == 1)
        #expect(
            found.first?.evidence.map(\.path.description)
                == ["spec.template.spec.containers[0].image", "spec.containers[0].image"])
        #expect(found.first?.evidence.last?.object?.description == "Pod shop/web-1-a")
    }

    @Test func aPodWhoseOwnerIsNotThereSpeaksForIt() throws {
        let found = try findings(Self.pod("web-1-a", Self.app), "image/no-digest")
        #expect(found.map(\.subject.description) == ["ReplicaSet shop/web-1"])
        #expect(found.first?.evidence.first?.object?.description == "Pod shop/web-1-a")
    }

    @Test func theWorkloadBehindACustomResourceSpeaksForIt() throws {
        let text = """
            apiVersion: example.com/v1
            kind: Database
            metadata: {name: db, namespace: shop, uid: c}
            spec: {template: {spec: {containers: [{name: app, image: app}]}}}
            ---
            apiVersion: apps/v1
            kind: StatefulSet
            metadata:
              name: db
              namespace: shop
              uid: s
              ownerReferences: [{apiVersion: example.com/v1, kind: Database, name: db, uid: c, controller: true}]
            spec: {template: {spec: {containers: [{name: app, image: "app:1"}]}}}
            """
        #expect(try findings(text, "image/mutable-tag").isEmpty)
        let found = try findings(text, "image/no-digest")
        #expect(found.map(\.subject.description) == ["Database shop/db"])
        #expect(found.first?.evidence.first?.object?.description == "StatefulSet shop/db")
    }

    @Test func aMirrorPodBelongsToItsNodeAndHoldsNoToken() throws {
        let text = """
            apiVersion: v1
            kind: Node
            metadata: {name: one, uid: n}
            ---
            apiVersion: v1
            kind: Pod
            metadata:
              name: web-one
              namespace: shop
              uid: p
              annotations: {kubernetes.io/config.mirror: x}
              ownerReferences: [{apiVersion: v1, kind: Node, name: one, uid: n, controller: true}]
            spec: {containers: [{name: app, image: app}]}
            """
        #expect(try findings(text, "image/mutable-tag").map(\.subject.description) == ["Node one"])
        #expect(try findings(text, "workload/unneeded-token").isEmpty)
    }

    @Test func aStoredPodShowsWhetherATokenIsMounted() throws {
        func pod(_ spec: String) -> String {
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a, namespace: shop, uid: p}
            status: {phase: Running}
            spec: \(spec)
            """
        }
        let without = pod("{containers: [{name: app, image: app}]}")
        let with = pod(
            """
            {containers: [{name: app, image: app, volumeMounts: [{name: kube-api-access-x, mountPath: /t}]}],
             volumes: [{name: kube-api-access-x, projected: {sources: [{serviceAccountToken: {path: token}}]}}]}
            """)
        #expect(try findings(without, "workload/unneeded-token").isEmpty)
        #expect(try findings(with, "workload/unneeded-token").count == 1)
    }

    @Test func copiesOfAnObjectInTwoFilesStayApart() throws {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: app, image: app}]}\n"
        let objects = try Example.objects(pod, file: "dev/a.yaml") + Example.objects(pod, file: "prod/a.yaml")
        let found = WorkloadEvaluation(Inventory(objects)).results().findings
            .filter { $0.rule.id == "image/mutable-tag" }
        #expect(found.map(\.file) == ["dev/a.yaml", "prod/a.yaml"])
        #expect(Set(found.map(\.fingerprint)).count == 2)
    }

    @Test(arguments: [
        ("kube-system", "kube-proxy", "registry.k8s.io/kube-proxy:v1.36.0", true),
        ("kube-system", "kube-proxy", "evil.example/kube-proxy:v1.36.0", false),
        ("shop", "kube-proxy", "registry.k8s.io/kube-proxy:v1.36.0", false),
        ("kube-flannel", "kube-flannel-ds", "ghcr.io/flannel-io/flannel:v0.28.9", true),
        ("kube-system", "aws-node", "602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:v1.20", true),
        ("", "kube-proxy", "registry.k8s.io/kube-proxy:v1.36.0", false),
    ])
    func systemSoftwareIsKnownByNameNamespaceAndImage(
        _ namespace: String, _ name: String, _ image: String, _ isSystem: Bool
    ) throws {
        let text = """
            apiVersion: apps/v1
            kind: DaemonSet
            metadata: {name: \(name), namespace: "\(namespace)"}
            spec: {selector: {}, template: {spec: {containers: [{name: app, image: "\(image)"}]}}}
            """
        let found = try findings(text, "image/no-digest")
        #expect(found.map(\.isSystem) == [isSystem])
    }

    @Test func aSecretsValueIsInNoFinding() throws {
        let text = """
            apiVersion: v1
            kind: Secret
            metadata: {name: s}
            stringData: {password: hunter2}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec: {containers: [{name: app, image: app, envFrom: [{secretRef: {name: s}}]}]}
            """
        let evaluation = WorkloadEvaluation(try Example.inventory(text))
        for evidence in evaluation.results().findings.flatMap(\.evidence) {
            #expect(!evidence.message.contains("hunter2"))
            #expect(evidence.value?.contains("hunter2") != true)
        }
    }

    @Test func aVersionNotedByKubectlCountsInACluster() throws {
        let text = """
            apiVersion: batch/v1
            kind: CronJob
            metadata:
              name: a
              annotations:
                kubectl.kubernetes.io/last-applied-configuration: '{"apiVersion":"batch/v1beta1","kind":"CronJob"}'
            """
        let found = try findings(text, "api/removed-version")
        #expect(found.first?.evidence.first?.message.contains("last applied as batch/v1beta1") == true)
        #expect(try findings(text, "api/removed-version", file: "a.yaml").isEmpty)
    }

    @Test func kindsThatCouldNotBeListedAreSaid() throws {
        let text = """
            apiVersion: v1
            kind: Pod
            metadata: {name: a, namespace: n}
            spec: {serviceAccountName: web, containers: [{name: app, image: app}]}
            """
        let options = WorkloadOptions(unlistedKinds: ["ClusterRoleBinding"])
        let found = WorkloadEvaluation(try Example.inventory(text, file: ""), options: options).results()
            .findings.filter { $0.rule.id == "workload/unneeded-token" }
        #expect(found.map(\.outcome) == [.notObservable])
        #expect(found.first?.evidence.first?.message.contains("ClusterRoleBinding") == true)
    }
}
