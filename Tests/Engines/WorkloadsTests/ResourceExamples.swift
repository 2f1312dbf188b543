extension Example {
    static let resources: [Example] =
        ["memory", "cpu", "ephemeral-storage"].flatMap(bounds) + [
            Example(
                "not set, and set to false", fails: "workload/writable-root-filesystem",
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: a}
                spec:
                  containers:
                  - «{name: app, image: app}»
                  - {name: other, image: app, securityContext: {readOnlyRootFilesystem: «false»}}
                """),
            Example(
                "read-only, and Windows", passes: "workload/writable-root-filesystem",
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: a}
                spec: {containers: [{name: app, image: app, securityContext: {readOnlyRootFilesystem: true}}]}
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: b}
                spec: {os: {name: windows}, containers: [{name: app, image: app}]}
                """),
        ]

    /// Limits and requests behave alike for every resource.
    private static func bounds(_ resource: String) -> [Example] {
        [
            Example(
                "a container without one", fails: "workload/no-\(resource)-limit",
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: a}
                spec:
                  containers:
                  - {name: app, image: app, resources: «{requests: {\(resource): 1}}»}
                """),
            Example(
                "of the container, of the pod, of the namespace", passes: "workload/no-\(resource)-limit",
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: a}
                spec:
                  containers: [{name: app, image: app, resources: {limits: {\(resource): 1}}}]
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: b}
                spec:
                  resources: {limits: {\(resource): 1}}
                  containers: [{name: app, image: app}]
                ---
                apiVersion: v1
                kind: LimitRange
                metadata: {name: d, namespace: n}
                spec: {limits: [{type: Container, default: {\(resource): 1}}]}
                ---
                apiVersion: v1
                kind: Pod
                metadata: {name: c, namespace: n}
                spec:
                  containers: [{name: app, image: app}]
                """),
            Example(
                "a container without one", fails: "workload/no-\(resource)-request",
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: a}
                spec:
                  containers: [«{name: app, image: app}»]
                """),
            Example(
                "a limit is a request too", passes: "workload/no-\(resource)-request",
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: a}
                spec:
                  containers:
                  - {name: app, image: app, resources: {limits: {\(resource): 1}}}
                  - {name: other, image: app, resources: {requests: {\(resource): 1}}}
                """),
        ]
    }
}
