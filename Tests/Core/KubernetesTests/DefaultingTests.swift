import Documents
import Testing

@testable import Kubernetes

@Suite struct DefaultingTests {
    private func object(_ yaml: String) throws -> KubernetesObject {
        let set = DocumentReader.read(SourceText(name: "object.yaml", bytes: Array(yaml.utf8)))
        try #require(set.problems.isEmpty)
        let document = try #require(set.documents.first)
        return try #require(KubernetesObject(document.root))
    }

    private func pod(_ spec: String, annotations: String = "{}") throws -> Node {
        try object("apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: \(annotations)}\nspec: \(spec)\n")
            .defaulted().node["spec"]
    }

    @Test func aPodGetsWhatTheServerFillsIn() throws {
        let spec = try pod("{containers: [{name: a, image: nginx}]}")
        #expect(
            spec.json()
                == #"{"containers":[{"name":"a","image":"nginx","imagePullPolicy":"Always","#
                + #""terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File"}],"#
                + #""dnsPolicy":"ClusterFirst","restartPolicy":"Always","securityContext":{},"#
                + #""terminationGracePeriodSeconds":30,"schedulerName":"default-scheduler","#
                + #""enableServiceLinks":true}"#)
    }

    @Test func whatIsWrittenStaysAndKeepsItsPlace() throws {
        let object = try object(
            """
            apiVersion: v1
            kind: Pod
            spec:
              restartPolicy: Never
              containers:
              - name: a
                image: b:1
                imagePullPolicy: Never
            """
        ).defaulted()
        let spec = object.node["spec"]
        #expect(spec["restartPolicy"].string == "Never")
        #expect(spec["containers"][0]["imagePullPolicy"].location?.description == "object.yaml:8:22")
        #expect(spec["dnsPolicy"].isSynthetic)
    }

    @Test(arguments: [
        ("nginx", "Always"), ("nginx:latest", "Always"), ("nginx:1.27", "IfNotPresent"),
        ("registry.example:5000/a/b", "Always"), ("registry.example:5000/a/b:2", "IfNotPresent"),
        ("a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "IfNotPresent"),
        ("a:latest@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "Always"),
        // What is no image name counts as tagged.
        ("Nginx", "IfNotPresent"), ("", "IfNotPresent"), ("a b", "IfNotPresent"),
    ])
    func pullPolicyFollowsTheTag(image: String, policy: String) {
        #expect(ImagePullPolicy.standard(for: image) == policy)
    }

    @Test func aVolumeWithoutASourceBecomesAnEmptyDir() throws {
        let volumes = try pod(
            "{containers: [], volumes: [{name: a}, {name: b, hostPath: null}, {name: c, hostPath: {path: /}}, {name: d, x: 1}]}"
        )["volumes"]
        #expect(volumes.elements.map { $0["emptyDir"].isObject } == [true, true, false, true])
        #expect(volumes[2]["hostPath"]["type"].string == "")
    }

    @Test func portsOnTheNodesNetworkBecomePortsOfTheNodeInPodsOnly() throws {
        let spec = "{hostNetwork: true, containers: [{name: a, ports: [{containerPort: 80}]}]}"
        #expect(try pod(spec)["containers"][0]["ports"][0]["hostPort"].int == 80)
        let deployment = try object("apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: \(spec)}}\n")
        let template = deployment.defaulted().node["spec"]["template"]["spec"]
        #expect(!template["containers"][0]["ports"][0]["hostPort"].exists)
        #expect(template["containers"][0]["ports"][0]["protocol"].string == "TCP")
        #expect(!template["enableServiceLinks"].exists)
    }

    @Test func appArmorAnnotationsBecomeFieldsWhereThereIsNone() throws {
        func profile(_ annotation: String, _ context: String = "{}", pod shared: String = "{}") throws -> String {
            try pod(
                "{securityContext: \(shared), containers: [{name: a, securityContext: \(context)}]}",
                annotations: "{container.apparmor.security.beta.kubernetes.io/a: \(annotation)}"
            )["containers"][0]["securityContext"]["appArmorProfile"].json()
        }
        #expect(try profile("unconfined") == #"{"type":"Unconfined"}"#)
        #expect(try profile("localhost/x") == #"{"type":"Localhost","localhostProfile":"x"}"#)
        #expect(try profile("localhost/") == "null")
        #expect(try profile("odd") == "null")
        #expect(
            try profile("unconfined", "{appArmorProfile: {type: RuntimeDefault}}") == #"{"type":"RuntimeDefault"}"#)
        #expect(try profile("unconfined", pod: "{appArmorProfile: {type: Unconfined}}") == "null")
    }

    @Test func requestsFollowLimitsInPods() throws {
        let resources = try pod(
            "{containers: [{name: a, resources: {limits: {cpu: 1, memory: 1Gi}, requests: {cpu: 100m}}}]}"
        )["containers"][0]["resources"]
        #expect(resources["requests"].json() == #"{"cpu":"100m","memory":"1Gi"}"#)
    }

    @Test func admissionAddsTolerationsOnce() throws {
        let object = try object(
            """
            apiVersion: v1
            kind: Pod
            spec: {containers: [], tolerations: [{key: node.kubernetes.io/not-ready, operator: Exists}]}
            """)
        let spec = object.admitted().node["spec"]
        #expect(spec["tolerations"].count == 2)
        #expect(spec["tolerations"][1]["key"].string == "node.kubernetes.io/unreachable")
        #expect(spec["priority"].int == 0)
    }

    @Test func whatHasNoPodsComesBackAsItIs() throws {
        let service = try object("apiVersion: v1\nkind: Service\nspec: {ports: []}\n")
        #expect(service.defaulted().node.json() == service.node.json())
    }

    @Test func wrongTypesAreLeftForOthersToSay() throws {
        #expect(try pod("{containers: nonsense, volumes: [3]}")["containers"].string == "nonsense")
        #expect(try object("apiVersion: v1\nkind: Pod\nspec: 3\n").defaulted().node["spec"].int == 3)
    }
}
