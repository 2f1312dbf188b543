extension Example {
    static let accounts: [Example] = [
        Example(
            "the default account, mounted by default", fails: "workload/unneeded-token",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a, namespace: n}
            spec: «{containers: [{name: app, image: app}]}»
            """),
        Example(
            "the pod's word comes before the account's", fails: "workload/unneeded-token",
            """
            apiVersion: v1
            kind: ServiceAccount
            metadata: {name: default, namespace: n}
            automountServiceAccountToken: false
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: a, namespace: n}
            spec: {containers: [{name: app, image: app}], automountServiceAccountToken: «true»}
            """),
        Example(
            "a projected token counts though the mount is off", fails: "workload/unneeded-token",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a, namespace: n}
            spec:
              automountServiceAccountToken: false
              containers: [{name: app, image: app, volumeMounts: [{name: t, mountPath: /t}]}]
              volumes: [{name: t, projected: {sources: [{serviceAccountToken: «{path: t}»}]}}]
            """),
        Example(
            "an account of its own to which no role is bound", fails: "workload/unneeded-token",
            """
            apiVersion: v1
            kind: ServiceAccount
            metadata: {name: web, namespace: n}
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: RoleBinding
            metadata: {name: other, namespace: n}
            subjects: [{kind: ServiceAccount, name: other, namespace: n}]
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: r}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: a, namespace: n}
            spec: «{serviceAccountName: web, containers: [{name: app, image: app}]}»
            """),
        Example(
            "a role is bound to the account", passes: "workload/unneeded-token",
            """
            apiVersion: v1
            kind: ServiceAccount
            metadata: {name: web}
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: web}
            subjects: [{kind: ServiceAccount, name: web, namespace: filled-in-later}]
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: r}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec: {serviceAccountName: web, containers: [{name: app, image: app}]}
            """),
        Example(
            "bindings are not in the input", passes: "workload/unneeded-token",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec: {serviceAccountName: web, containers: [{name: app, image: app}]}
            """),
        Example(
            "the account mounts none", passes: "workload/unneeded-token",
            """
            apiVersion: v1
            kind: ServiceAccount
            metadata: {name: default}
            automountServiceAccountToken: false
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec: {containers: [{name: app, image: app}]}
            """),
        Example(
            "a token for somebody else is there for somebody", passes: "workload/unneeded-token",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              automountServiceAccountToken: false
              containers: [{name: app, image: app, volumeMounts: [{name: t, mountPath: /t}]}]
              volumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: t, audience: vault}}]}}]
            """),
        Example(
            "the default account has a role", passes: "workload/unneeded-token",
            """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: RoleBinding
            metadata: {name: view}
            subjects: [{kind: ServiceAccount, name: default}]
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec: {containers: [{name: app, image: app}]}
            """),
        Example(
            "a part to be merged into a whole, and a custom resource", passes: "workload/unneeded-token",
            """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: a}
            spec: {template: {spec: {containers: [{name: app, image: app}]}}}
            ---
            apiVersion: example.com/v1
            kind: Database
            metadata: {name: a}
            spec: {template: {spec: {containers: [{name: app, image: app}]}}}
            """),
        Example(
            "a role is bound to it", fails: "workload/default-service-account",
            """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: RoleBinding
            metadata: {name: view, namespace: n}
            subjects: [{kind: ServiceAccount, name: default, namespace: n}]
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: a, namespace: n}
            spec: «{containers: [{name: app, image: app}]}»
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: b, namespace: n}
            spec: {serviceAccountName: «default», containers: [{name: app, image: app}]}
            """),
        Example(
            "an agent uses its token", fails: "workload/default-service-account",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a, annotations: {vault.hashicorp.com/agent-inject: "true"}}
            spec: «{containers: [{name: app, image: app}]}»
            """),
        Example(
            "without a token, and with one that nobody uses", passes: "workload/default-service-account",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec: {automountServiceAccountToken: false, containers: [{name: app, image: app}]}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: b}
            spec: {containers: [{name: app, image: app}]}
            """),
        Example(
            "a variable and a whole Secret", fails: "workload/secret-environment",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers:
              - name: app
                image: app
                env: [{name: P, valueFrom: {secretKeyRef: «{name: s, key: k}»}}]
                envFrom: [{secretRef: «{name: s}»}, {configMapRef: {name: c}}]
            """),
        Example(
            "a ConfigMap and a volume", passes: "workload/secret-environment",
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: a}
            spec:
              containers:
              - {name: app, image: app, envFrom: [{configMapRef: {name: c}}]}
              volumes: [{name: s, secret: {secretName: s}}]
            """),
    ]
}
