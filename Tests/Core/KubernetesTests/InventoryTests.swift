import Documents
import HashTreeCollections
import Testing

@testable import Kubernetes

/// Objects of a YAML text.
func objects(_ text: String, file: String = "t.yaml") throws -> [KubernetesObject] {
    let set = DocumentReader.read(SourceText(name: file, bytes: Array(text.utf8)))
    try #require(set.problems.isEmpty, "\(set.problems)")
    return set.documents.flatMap { KubernetesObject.objects(in: $0).objects }
}

@Suite struct InventoryTests {
    private static let chain = """
        {apiVersion: apps/v1, kind: Deployment, metadata: {name: api, namespace: shop, uid: d}}
        ---
        apiVersion: apps/v1
        kind: ReplicaSet
        metadata:
          {name: api-1, namespace: shop, uid: r, ownerReferences: [{apiVersion: apps/v1, kind: Deployment, name: api, uid: d, controller: true}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata:
          {name: api-1-x, namespace: shop, uid: p, labels: {app: api}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: api-1, uid: r, controller: true}]}
        spec: {serviceAccountName: robot, containers: [{name: a, image: img:1}]}
        ---
        {apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, namespace: shop}}
        """

    @Test func aPodBelongsToItsDeployment() throws {
        let inventory = Inventory(try objects(Self.chain))
        let pod = try #require(inventory.objects("Pod").first)
        #expect(inventory.topmostOwner(of: pod).description == "Deployment shop/api")
    }

    @Test func anOwnerThatWasNotSeenIsNamedAllTheSame() throws {
        let pod = try objects(Self.chain)[2]
        #expect(Inventory([pod]).topmostOwner(of: pod).description == "ReplicaSet shop/api-1")
    }

    @Test func aMirrorPodBelongsToItsNode() throws {
        let pod = try objects(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: etcd-n1, namespace: kube-system, ownerReferences: [{apiVersion: v1, kind: Node, name: n1, uid: n, controller: true}]}
            """)[0]
        #expect(Inventory([pod]).topmostOwner(of: pod).description == "Node n1")
    }

    @Test func ownersInACircleEnd() throws {
        let pair = try objects(
            """
            apiVersion: v1
            kind: A
            metadata: {name: a, uid: a, ownerReferences: [{apiVersion: v1, kind: B, name: b, uid: b, controller: true}]}
            ---
            apiVersion: v1
            kind: B
            metadata: {name: b, uid: b, ownerReferences: [{apiVersion: v1, kind: A, name: a, uid: a, controller: true}]}
            """)
        _ = Inventory(pair).topmostOwner(of: pair[0])
    }

    @Test func indexesFollowEvents() throws {
        var inventory = Inventory(try objects(Self.chain))
        #expect(inventory.keys(usingImage: "img:1").map(\.reference.name) == ["api-1-x"])
        #expect(inventory.keys(usingServiceAccount: "robot", in: "shop").count == 1)
        #expect(inventory.keys(labelled: "app", "api").count == 1)
        let pod = try #require(inventory.objects("Pod").first)
        let before = inventory
        let touched = inventory.apply(.deleted(pod))
        #expect(touched.map(\.reference.description).sorted() == ["Pod shop/api-1-x", "ReplicaSet shop/api-1"])
        #expect(inventory.keys(usingImage: "img:1").isEmpty)
        #expect(inventory.images.isEmpty)
        #expect(before.keys(usingImage: "img:1").count == 1, "a copy stays what it was")
    }

    @Test func aServiceAccountTouchesThePodsThatUseIt() throws {
        var inventory = Inventory(try objects(Self.chain))
        let account = try #require(inventory.objects("ServiceAccount").first)
        let touched = inventory.apply(.modified(account))
        #expect(touched.map(\.reference.kind).sorted() == ["Pod", "ServiceAccount"])
    }

    @Test func twoOverlaysOfOneObjectStayApartAndResolveToTheNearest() throws {
        let account = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: robot, namespace: shop}}"
        let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p, namespace: shop}}"
        let all =
            try objects(account, file: "dev/a.yaml") + objects(account, file: "prod/a.yaml")
            + objects(pod, file: "prod/p.yaml")
        let inventory = Inventory(all)
        #expect(inventory.count == 3)
        #expect(inventory.resolve(all[0].reference, from: all[2])?.file == "prod/a.yaml")
    }
}

@Suite struct LabelSelectorTests {
    @Test(arguments: [
        ("{}", true), ("{matchLabels: {app: a}}", true), ("{matchLabels: {app: b}}", false),
        ("{matchExpressions: [{key: app, operator: In, values: [b, a]}]}", true),
        ("{matchExpressions: [{key: app, operator: NotIn, values: [a]}]}", false),
        ("{matchExpressions: [{key: other, operator: NotIn, values: [a]}]}", true),
        ("{matchExpressions: [{key: app, operator: Exists}]}", true),
        ("{matchExpressions: [{key: app, operator: DoesNotExist}]}", false),
        ("{matchExpressions: [{key: app, operator: Like, values: [a]}]}", false),
    ])
    func selects(_ text: String, _ expected: Bool) throws {
        let set = DocumentReader.read(SourceText(name: "", bytes: Array(text.utf8)))
        let selector = try #require(set.documents.first.flatMap { LabelSelector($0.root) })
        #expect(selector.matches(["app": "a"]) == expected)
    }

    @Test func anAbsentSelectorIsNotAnEmptyOne() throws {
        let set = DocumentReader.read(SourceText(name: "", bytes: Array("a: 1".utf8)))
        #expect(LabelSelector(try #require(set.documents.first).root["selector"]) == nil)
    }
}

@Suite struct ImageReferenceTests {
    @Test(arguments: [
        ("nginx", "docker.io", "library/nginx", nil, nil, ImageReference.Pin.mutable),
        ("nginx:latest", "docker.io", "library/nginx", "latest", nil, .mutable),
        ("me/app:1.2", "docker.io", "me/app", "1.2", nil, .tag),
        ("registry.example:5000/app", "registry.example:5000", "app", nil, nil, .mutable),
        ("localhost/app:1", "localhost", "app", "1", nil, .tag),
        ("ghcr.io/a/b/c:v1@sha256:ab", "ghcr.io", "a/b/c", "v1", "sha256:ab", .digest),
    ])
    func isTakenApart(
        _ text: String, _ registry: String, _ repository: String, _ tag: String?, _ digest: String?,
        _ pin: ImageReference.Pin
    ) {
        let image = ImageReference(text)
        #expect(image.registry == registry && image.repository == repository)
        #expect(image.tag == tag && image.digest == digest && image.pin == pin)
    }
}

@Suite struct PodTemplateTests {
    @Test(arguments: [
        (
            "{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {jobTemplate: {spec: {template: {spec: {containers: []}}}}}}",
            ["spec.jobTemplate.spec.template.spec"], PodTemplate.Discovery.builtIn
        ),
        (
            "{apiVersion: argoproj.io/v1alpha1, kind: Rollout, metadata: {name: a}, spec: {template: {spec: {containers: []}}}}",
            ["spec.template.spec"], .wellKnown
        ),
        (
            "{apiVersion: jobset.x-k8s.io/v1alpha2, kind: JobSet, metadata: {name: a}, spec: {replicatedJobs: [{template: {spec: {template: {spec: {containers: []}}}}}]}}",
            ["spec.replicatedJobs[0].template.spec.template.spec"], .wellKnown
        ),
        (
            "{apiVersion: example.com/v1, kind: Thing, metadata: {name: a}, spec: {inner: {pod: {spec: {containers: [{name: a, image: b}]}}}}}",
            ["spec.inner.pod.spec"], .shape
        ),
        ("{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {}}", [], .builtIn),
    ])
    func isFound(_ text: String, _ paths: [String], _ discovery: PodTemplate.Discovery) throws {
        let found = try objects(text)[0].podTemplates
        #expect(found.map(\.specPath.description) == paths)
        #expect(found.allSatisfy { $0.discovery == discovery })
    }

    @Test func podsOfAnOperatorAreNotInTheManifest() throws {
        let kafka = try objects("{apiVersion: kafka.strimzi.io/v1beta2, kind: Kafka, metadata: {name: a}, spec: {}}")[0]
        #expect(kafka.podOperator == "Strimzi")
        #expect(kafka.podTemplates.isEmpty)
        let pod = try objects("{apiVersion: v1, kind: Pod, metadata: {name: a}}")[0]
        #expect(pod.podOperator == nil)
    }

    @Test func wildcardsStandForEveryElement() throws {
        let job = try objects(
            "{apiVersion: batch.volcano.sh/v1alpha1, kind: Job, metadata: {name: a}, spec: {tasks: [{template: {spec: {a: 1}}}, {template: {spec: {a: 2}}}]}}"
        )[0]
        #expect(
            job.podTemplates.map(\.specPath.description) == [
                "spec.tasks[0].template.spec", "spec.tasks[1].template.spec",
            ])
    }
}

@Suite struct ObjectOriginTests {
    @Test(arguments: [
        ("{labels: {app.kubernetes.io/managed-by: Helm, app.kubernetes.io/instance: web}}", "Helm web"),
        ("{annotations: {meta.helm.sh/release-name: web, meta.helm.sh/release-namespace: shop}}", "Helm shop/web"),
        ("{annotations: {argocd.argoproj.io/tracking-id: 'shop:apps/Deployment:x/y'}}", "Argo CD shop"),
        (
            "{labels: {kustomize.toolkit.fluxcd.io/name: infra, kustomize.toolkit.fluxcd.io/namespace: flux}}",
            "Flux Kustomization flux/infra"
        ),
        ("{name: plain}", nil),
    ])
    func isReadFromLabels(_ metadata: String, _ expected: String?) throws {
        let object = try objects("{apiVersion: v1, kind: Pod, metadata: \(metadata)}")[0]
        #expect(ObjectOrigin(object)?.description == expected)
    }
}
