extension Example {
    static let mounts: [Example] = [
        Example(
            "the socket, and the directory that is there for it", fails: "workload/runtime-socket",
            """
            apiVersion: apps/v1
            kind: DaemonSet
            metadata: {name: a}
            spec:
              template:
                spec:
                  containers:
                  - name: app
                    image: app
                    volumeMounts: [{name: s, mountPath: /s, readOnly: true}, {name: d, mountPath: /d}]
                  volumes:
                  - {name: s, hostPath: {path: «/var/run/docker.sock»}}
                  - {name: d, hostPath: {path: «/run/containerd/»}}
            """),
        Example(
            "by way of a subPath", fails: "workload/runtime-socket",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers:
              - {name: app, image: app, volumeMounts: [{name: s, mountPath: /s, subPath: run/../run/crio/crio.sock}]}
              volumes: [{name: s, hostPath: {path: «/var»}}]
            """),
        Example(
            "a volume that no container mounts", passes: "workload/runtime-socket",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers: [{name: app, image: app, volumeMounts: [{name: o, mountPath: /var/run/docker.sock}]}]
              volumes:
              - {name: s, hostPath: {path: /var/run/docker.sock}}
              - {name: o, hostPath: {path: /run/spire/agent.sock}}
            """),
        Example(
            "the root, the kubelet's keys, below /etc/kubernetes, a disk", fails: "workload/sensitive-host-path",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers:
              - name: app
                image: app
                volumeMounts: [{name: a, mountPath: /a, readOnly: true}, {name: b, mountPath: /b}, {name: c, mountPath: /c}]
              - {name: other, image: app, volumeMounts: [{name: d, mountPath: /d}]}
              volumes:
              - {name: a, hostPath: {path: «/»}}
              - {name: b, hostPath: {path: «/var/lib/kubelet/pki»}}
              - {name: c, hostPath: {path: «/etc/kubernetes/manifests»}}
              - {name: d, hostPath: {path: «/dev/nvme0n1»}}
            """),
        Example(
            "only a part of it is mounted", passes: "workload/sensitive-host-path",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers:
              - name: app
                image: app
                volumeMounts: [{name: a, mountPath: /a, subPath: srv/data}, {name: b, mountPath: /b}]
              volumes: [{name: a, hostPath: {path: /}}, {name: b, hostPath: {path: /etc/localtime}}]
            """),
        Example(
            "a part of a volume, writable", fails: "workload/host-path-subpath",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers:
              - {name: app, image: app, volumeMounts: [{name: d, mountPath: /d, subPathExpr: «$(NAME)»}]}
              volumes: [{name: d, hostPath: {path: /data}}]
            """),
        Example(
            "read-only, or of another kind of volume", passes: "workload/host-path-subpath",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers:
              - name: app
                image: app
                volumeMounts:
                - {name: d, mountPath: /d, subPath: x, readOnly: true}
                - {name: e, mountPath: /e, subPath: x}
              volumes: [{name: d, hostPath: {path: /data}}, {name: e, emptyDir: {}}]
            """),
        Example(
            "mounts that reach the node", fails: "workload/bidirectional-mount",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers:
              - {name: app, image: app, volumeMounts: [{name: d, mountPath: /d, mountPropagation: «Bidirectional»}]}
              volumes: [{name: d, hostPath: {path: /data}}]
            """),
        Example(
            "the other direction", passes: "workload/bidirectional-mount",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers:
              - {name: app, image: app, volumeMounts: [{name: d, mountPath: /d, mountPropagation: HostToContainer}]}
            """),
    ]
}
