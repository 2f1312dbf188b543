import KubernetesClient

/// Everything an agent needs in its cluster, for one `kubectl apply`.
///
/// Its own findings are none: the pod meets `restricted`, its role reads what the checks look at and no Secret, and it
/// may change one object of the whole cluster, its Lease.
package struct JoinManifest: Sendable {
    package enum Storage: String, Sendable, CaseIterable {
        /// A claim: identity and buffer outlive the pod.
        case claim
        /// The pod's own folder, where the cluster gives no volumes: a pod that is replaced must join again.
        case pod
    }

    package var namespace = "martlet"
    package var hub: String
    package var token: String
    package var image: String
    package var storage = Storage.claim

    package init(hub: String, token: String, image: String) {
        self.hub = hub
        self.token = token
        self.image = image
    }

    package var yaml: String {
        [
            names, account, role, lease, settings, network, workload,
        ].joined(separator: "---\n")
    }

    private var port: String { hub.split(separator: ":").last.map(String.init) ?? "8444" }

    private var labels: String { "{app.kubernetes.io/name: martlet-agent}" }

    private var names: String {
        """
        # The agent of a Martlet hub. The join token in it is good once, for 15 minutes.
        apiVersion: v1
        kind: Namespace
        metadata:
          name: \(namespace)
          labels:
            pod-security.kubernetes.io/enforce: restricted
            pod-security.kubernetes.io/enforce-version: latest
            pod-security.kubernetes.io/audit: restricted
            pod-security.kubernetes.io/warn: restricted

        """
    }

    private var account: String {
        """
        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: martlet-agent, namespace: \(namespace), labels: \(labels)}
        automountServiceAccountToken: false

        """
    }

    private var role: String {
        ResourceSet.standard.clusterRole(named: "martlet-agent", watching: true) + """
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: martlet-agent, labels: \(labels)}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: martlet-agent}
            subjects: [{kind: ServiceAccount, name: martlet-agent, namespace: \(namespace)}]

            """
    }

    /// The Lease is made here, so that the agent need not be allowed to make any.
    private var lease: String {
        """
        apiVersion: coordination.k8s.io/v1
        kind: Lease
        metadata: {name: martlet-agent, namespace: \(namespace), labels: \(labels)}
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: Role
        metadata: {name: martlet-agent, namespace: \(namespace), labels: \(labels)}
        rules:
        - apiGroups: [coordination.k8s.io]
          resources: [leases]
          resourceNames: [martlet-agent]
          verbs: [get, update]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: RoleBinding
        metadata: {name: martlet-agent, namespace: \(namespace), labels: \(labels)}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: martlet-agent}
        subjects: [{kind: ServiceAccount, name: martlet-agent, namespace: \(namespace)}]

        """
    }

    private var settings: String {
        """
        apiVersion: v1
        kind: Secret
        metadata: {name: martlet-join, namespace: \(namespace), labels: \(labels)}
        stringData: {token: "\(token)"}

        """
    }

    /// Nothing comes in; out go names, the API server and the hub.
    private var network: String {
        """
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: martlet-agent, namespace: \(namespace), labels: \(labels)}
        spec:
          podSelector: {}
          policyTypes: [Ingress, Egress]
          egress:
          - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]
            ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
          - ports: [{port: 443, protocol: TCP}, {port: 6443, protocol: TCP}, {port: \(port), protocol: TCP}]

        """
    }

    private var workload: String {
        return """
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {name: martlet-agent, namespace: \(namespace), labels: \(labels)}
            spec:
              serviceName: martlet-agent
              replicas: 1
              selector: {matchLabels: \(labels)}
              template:
                metadata: {labels: \(labels)}
                spec:
                  serviceAccountName: martlet-agent
                  automountServiceAccountToken: true
                  securityContext:
                    runAsNonRoot: true
                    runAsUser: 65532
                    runAsGroup: 65532
                    fsGroup: 65532
                    seccompProfile: {type: RuntimeDefault}
                  containers:
                  - name: agent
                    image: "\(image)"
                    args: [agent, "--hub=\(hub)", --data=/data, --token-file=/join/token, --lease=\(namespace)/martlet-agent]
                    env:
                    - {name: MARTLET_POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
                    securityContext:
                      allowPrivilegeEscalation: false
                      readOnlyRootFilesystem: true
                      capabilities: {drop: [ALL]}
                    resources:
                      requests: {cpu: 20m, memory: 64Mi, ephemeral-storage: 16Mi}
                      limits: {cpu: "1", memory: 512Mi, ephemeral-storage: 1Gi}
                    volumeMounts:
                    - {name: data, mountPath: /data}
                    - {name: join, mountPath: /join, readOnly: true}
                  volumes:
                  - {name: join, secret: {secretName: martlet-join, defaultMode: 288}}

            """ + (storage == .claim ? Self.claims : "      - {name: data, emptyDir: {sizeLimit: 1Gi}}\n")
    }

    private static let claims = [
        "  volumeClaimTemplates:", "  - metadata: {name: data}",
        "    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}", "",
    ].joined(separator: "\n")
}
