extension Example {
    static let all: [Example] = images + accounts + resources + mounts + pods + exposure + reliability

    static let images: [Example] = [
        Example(
            "no tag", fails: "image/mutable-tag",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers: [{name: app, image: «registry.example:5000/app»}]
            """),
        Example(
            "latest, in an init container of a CronJob", fails: "image/mutable-tag",
            """
            apiVersion: batch/v1
            kind: CronJob
            metadata: {name: a}
            spec:
              jobTemplate:
                spec:
                  template:
                    spec:
                      initContainers: [{name: setup, image: «busybox:latest»}]
                      containers: [{name: app, image: "busybox:1.36"}]
            """),
        Example(
            "latest beside a digest is pinned", passes: "image/mutable-tag",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers: [{name: app, image: "app:latest@sha256:aaaa"}]
            """),
        Example(
            "a placeholder and Istio's own sign are nobody's image", passes: "image/mutable-tag",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers: [{name: app, image: "ko://example.com/cmd/app"}, {name: proxy, image: auto}, {name: c, image: APP_IMAGE}]
            """),
        Example(
            "Knative runs the digest it looked up", passes: "image/mutable-tag",
            """
            apiVersion: serving.knative.dev/v1
            kind: Service
            metadata: {name: a}
            spec: {template: {spec: {containers: [{name: app, image: app}]}}}
            """),
        Example(
            "a version's tag", fails: "image/no-digest",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers: [{name: app, image: «"app:1.2.3"»}]
            """),
        Example(
            "a digest", passes: "image/no-digest",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers: [{name: app, image: "app@sha256:aaaa"}]
            """),
        Example(
            "the copy the node has of a tag that moves", fails: "image/stale-pull",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers:
              - {name: app, image: registry.example/app, imagePullPolicy: «IfNotPresent»}
            """),
        Example(
            "no pull policy means Always for such a tag", passes: "image/stale-pull",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers:
              - {name: app, image: registry.example/app}
              - {name: pinned, image: "app:1.2", imagePullPolicy: IfNotPresent}
            """),
    ]
}
