import Documents
import Kubernetes
import Testing

@testable import PodSecurity

@Suite struct PodValidationTests {
    private func errors(_ spec: String, annotations: String = "{}") throws -> [String] {
        let text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: \(annotations)}\nspec: \(spec)\n"
        let set = DocumentReader.read(SourceText(name: "pod.yaml", bytes: Array(text.utf8)))
        let root = try #require(set.documents.first).root
        let object = try #require(KubernetesObject(root))
        return PodValidation.errors(in: object).map(\.description)
    }

    @Test(arguments: [
        ("{containers: [{name: a, image: b}]}", []),
        ("{}", ["spec.containers: Required value"]),
        ("{containers: [{name: a}]}", ["spec.containers[0].image: Required value"]),
        (
            "{containers: [{name: a, image: b}, {name: a, image: b}]}",
            ["spec.containers[1].name: Duplicate value: \"a\""]
        ),
        (
            "{containers: [{name: a, image: b, securityContext: {procMount: Unmasked}}]}",
            [
                "spec.containers[0].securityContext.procMount: Invalid value: \"Unmasked\": `hostUsers` must be false "
                    + "to use `Unmasked`"
            ]
        ),
        (
            "{hostUsers: false, containers: [{name: a, image: b, securityContext: {procMount: Unmasked}}]}", []
        ),
        (
            "{hostNetwork: true, containers: [{name: a, image: b, ports: [{containerPort: 80, hostPort: 81}]}]}",
            [
                "spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when "
                    + "`hostNetwork` is true"
            ]
        ),
        ("{hostNetwork: true, containers: [{name: a, image: b, ports: [{containerPort: 80}]}]}", []),
        (
            "{os: {name: windows}, containers: [{name: a, image: b, securityContext: {privileged: false}}]}",
            ["spec.containers[0].securityContext.privileged: Forbidden: cannot be set for a windows pod"]
        ),
        (
            "{volumes: [{name: v, emptyDir: {}}], containers: [{name: a, image: b, volumeMounts: "
                + "[{name: v, mountPath: /v, mountPropagation: Bidirectional}]}]}",
            [
                "spec.containers[0].volumeMounts[0].mountPropagation: Forbidden: Bidirectional mount propagation is "
                    + "available only to privileged containers"
            ]
        ),
        (
            "{containers: [{name: a, image: b, livenessProbe: {tcpSocket: {port: http}}, readinessProbe: {}}]}",
            ["spec.containers[0].readinessProbe: Required value: must specify a handler type"]
        ),
        (
            "{initContainers: [{name: i, image: b, lifecycle: {}}, {name: s, image: b, restartPolicy: Always, "
                + "startupProbe: {exec: {command: [x]}}}], containers: [{name: a, image: b}]}",
            [
                "spec.initContainers[0].lifecycle: Forbidden: may not be set for init containers without "
                    + "restartPolicy=Always"
            ]
        ),
    ])
    func theServersObjectionsAreKnown(spec: String, expected: [String]) throws {
        #expect(try errors(spec) == expected)
    }

    @Test func annotationsHaveToAgreeWithFields() throws {
        let spec = "{securityContext: {seccompProfile: {type: RuntimeDefault}}, containers: [{name: a, image: b}]}"
        #expect(
            try errors(spec, annotations: "{seccomp.security.alpha.kubernetes.io/pod: unconfined}")
                == [
                    "spec.securityContext.seccompProfile.type: Forbidden: seccomp type in annotation and field "
                        + "must match"
                ])
    }

    @Test func theClaimsOfAStatefulSetAreVolumes() throws {
        let text = """
            apiVersion: apps/v1
            kind: StatefulSet
            spec:
              volumeClaimTemplates: [{metadata: {name: data}}]
              template:
                spec:
                  containers: [{name: a, image: b, volumeMounts: [{name: data, mountPath: /d}]}]
            """
        let set = DocumentReader.read(SourceText(name: "set.yaml", bytes: Array(text.utf8)))
        let root = try #require(set.documents.first).root
        let object = try #require(KubernetesObject(root))
        #expect(PodValidation.errors(in: object).isEmpty)
    }
}
