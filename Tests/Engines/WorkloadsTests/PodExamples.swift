@testable import Workloads

extension Example {
    static let pods: [Example] = [
        Example(
            "two containers", fails: "workload/shared-processes",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              shareProcessNamespace: «true»
              initContainers: [{name: side, image: app, restartPolicy: Always}]
              containers: [{name: app, image: app}]
            """),
        Example(
            "nobody to share with", passes: "workload/shared-processes",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec: {shareProcessNamespace: true, containers: [{name: app, image: app}]}
            """),
        Example(
            "a name", fails: "workload/host-aliases",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              hostAliases: [«{ip: 10.0.0.1, hostnames: [db.example, db]}»]
              containers: [{name: app, image: app}]
            """),
        Example(
            "an empty list", passes: "workload/host-aliases",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec: {hostAliases: [], containers: [{name: app, image: app}]}
            """),
        Example(
            "the node's own, with the node's network, before its version", fails: "workload/refused-sysctl",
            target: TargetVersion(minor: 28),
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              securityContext: {sysctls: [{name: «vm.max_map_count», value: "1"}]}
              containers: [{name: app, image: app}]
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: b}
            spec:
              hostNetwork: true
              securityContext: {sysctls: [{name: «net.ipv4.tcp_syncookies», value: "1"}]}
              containers: [{name: app, image: app}]
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: c}
            spec:
              securityContext: {sysctls: [{name: «net/ipv4/tcp_fin_timeout», value: "1"}]}
              containers: [{name: app, image: app}]
            """),
        Example(
            "safe ones, and unsafe ones a kubelet may allow", passes: "workload/refused-sysctl",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              securityContext:
                sysctls: [{name: net.ipv4.tcp_fin_timeout, value: "1"}, {name: net.core.somaxconn, value: "1"}]
              containers: [{name: app, image: app}]
            """),
        Example(
            "a selector, and an affinity with no way out", fails: "workload/control-plane-placement",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              nodeSelector: {node-role.kubernetes.io/control-plane: «""»}
              containers: [{name: app, image: app}]
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: b}
            spec:
              affinity:
                nodeAffinity:
                  requiredDuringSchedulingIgnoredDuringExecution:
                    nodeSelectorTerms:
                    - matchExpressions: [{key: «node-role.kubernetes.io/master», operator: Exists}]
                    - matchExpressions: [{key: node-role.kubernetes.io/control-plane, operator: Exists}]
              containers: [{name: app, image: app}]
            ---
            apiVersion: v1
            kind: Node
            metadata: {name: one, labels: {node-role.kubernetes.io/control-plane: ""}}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: c}
            spec: {nodeName: «one», containers: [{name: app, image: app}]}
            """),
        Example(
            "away from it, or elsewhere too", passes: "workload/control-plane-placement",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              affinity:
                nodeAffinity:
                  requiredDuringSchedulingIgnoredDuringExecution:
                    nodeSelectorTerms:
                    - matchExpressions: [{key: node-role.kubernetes.io/control-plane, operator: DoesNotExist}]
              containers: [{name: app, image: app}]
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: b}
            spec:
              nodeSelector: {kubernetes.io/role: node}
              affinity:
                nodeAffinity:
                  requiredDuringSchedulingIgnoredDuringExecution:
                    nodeSelectorTerms:
                    - matchExpressions: [{key: node-role.kubernetes.io/master, operator: Exists}]
                    - matchExpressions: [{key: pool, operator: Exists}]
              containers: [{name: app, image: app}]
            """),
        Example(
            "without a key", fails: "workload/tolerates-every-taint",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec: {tolerations: [«{operator: Exists}», «{operator: Exists, effect: NoSchedule}»], containers: []}
            """),
        Example(
            "with a key", passes: "workload/tolerates-every-taint",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec: {tolerations: [{key: gpu, operator: Exists}, {key: a, value: b}], containers: []}
            """),
        Example(
            "the control plane's", fails: "workload/tolerates-control-plane",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec: {tolerations: [{key: «node-role.kubernetes.io/master», effect: NoSchedule}], containers: []}
            """),
        Example(
            "another's, or one that does not keep pods away", passes: "workload/tolerates-control-plane",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              tolerations:
              - {key: node.kubernetes.io/not-ready, operator: Exists}
              - {key: node-role.kubernetes.io/control-plane, effect: PreferNoSchedule}
              containers: []
            """),
        Example(
            "outside kube-system", fails: "workload/system-priority",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a, namespace: shop}
            spec: {priorityClassName: «system-node-critical», containers: [{name: app, image: app}]}
            """),
        Example(
            "in kube-system, by a known network, with no namespace in the file", passes: "workload/system-priority",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a, namespace: kube-system}
            spec: {priorityClassName: system-node-critical, containers: [{name: app, image: app}]}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: b}
            spec: {priorityClassName: system-node-critical, containers: [{name: app, image: app}]}
            ---
            apiVersion: apps/v1
            kind: DaemonSet
            metadata: {name: calico-node, namespace: calico-system}
            spec:
              template:
                spec:
                  priorityClassName: system-node-critical
                  containers: [{name: calico-node, image: "docker.io/calico/node:v3.30.0"}]
            """),
    ]
}
