import CISBenchmark
import Documents
import Kubernetes

/// A cluster as kubeadm leaves it: one node with the control plane, nothing hardened, nothing deployed.
///
/// Written by hand after what `kubeadm init` of 1.35 makes: flags, files, modes, objects.
struct KubeadmCluster {
    var version = "v1.35.2"
    /// Flags added to the API server.
    var serverFlags: [String] = []
    var kubeletSettings = ""

    static let server = [
        "--advertise-address=10.0.0.5", "--allow-privileged=true", "--authorization-mode=Node,RBAC",
        "--client-ca-file=/etc/kubernetes/pki/ca.crt", "--enable-admission-plugins=NodeRestriction",
        "--enable-bootstrap-token-auth=true", "--etcd-cafile=/etc/kubernetes/pki/etcd/ca.crt",
        "--etcd-certfile=/etc/kubernetes/pki/apiserver-etcd-client.crt",
        "--etcd-keyfile=/etc/kubernetes/pki/apiserver-etcd-client.key", "--etcd-servers=https://127.0.0.1:2379",
        "--kubelet-client-certificate=/etc/kubernetes/pki/apiserver-kubelet-client.crt",
        "--kubelet-client-key=/etc/kubernetes/pki/apiserver-kubelet-client.key", "--secure-port=6443",
        "--service-account-key-file=/etc/kubernetes/pki/sa.pub",
        "--service-account-signing-key-file=/etc/kubernetes/pki/sa.key",
        "--tls-cert-file=/etc/kubernetes/pki/apiserver.crt", "--tls-private-key-file=/etc/kubernetes/pki/apiserver.key",
    ]
    static let manager = [
        "--authentication-kubeconfig=/etc/kubernetes/controller-manager.conf", "--bind-address=127.0.0.1",
        "--client-ca-file=/etc/kubernetes/pki/ca.crt", "--kubeconfig=/etc/kubernetes/controller-manager.conf",
        "--leader-elect=true", "--root-ca-file=/etc/kubernetes/pki/ca.crt",
        "--service-account-private-key-file=/etc/kubernetes/pki/sa.key", "--use-service-account-credentials=true",
    ]
    static let scheduler = [
        "--authentication-kubeconfig=/etc/kubernetes/scheduler.conf", "--bind-address=127.0.0.1",
        "--kubeconfig=/etc/kubernetes/scheduler.conf", "--leader-elect=true",
    ]
    static let etcd = [
        "--cert-file=/etc/kubernetes/pki/etcd/server.crt", "--client-cert-auth=true", "--data-dir=/var/lib/etcd",
        "--initial-cluster=cp=https://10.0.0.5:2380", "--key-file=/etc/kubernetes/pki/etcd/server.key",
        "--listen-peer-urls=https://10.0.0.5:2380", "--peer-cert-file=/etc/kubernetes/pki/etcd/peer.crt",
        "--peer-client-cert-auth=true", "--peer-key-file=/etc/kubernetes/pki/etcd/peer.key",
        "--peer-trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt",
        "--trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt",
    ]

    // MARK: The node

    private var components: [(name: String, flags: [String])] {
        [
            ("kube-apiserver", Self.server + serverFlags), ("kube-controller-manager", Self.manager),
            ("kube-scheduler", Self.scheduler), ("etcd", Self.etcd),
        ]
    }

    func staticPod(_ name: String, _ flags: [String]) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name), namespace: kube-system}
        spec:
          nodeName: cp
          hostNetwork: true
          priorityClassName: system-node-critical
          securityContext: {seccompProfile: {type: RuntimeDefault}}
          containers:
          - name: \(name)
            image: registry.k8s.io/\(name):\(version)
            command:
            - \(([name] + flags).joined(separator: "\n    - "))
        """
    }

    var kubeletConfiguration: String {
        """
        apiVersion: kubelet.config.k8s.io/v1beta1
        kind: KubeletConfiguration
        authentication:
          anonymous: {enabled: false}
          webhook: {enabled: true}
          x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}
        authorization: {mode: Webhook}
        rotateCertificates: true
        staticPodPath: /etc/kubernetes/manifests
        \(kubeletSettings)
        """
    }

    /// What a look at the node would see: every path that is asked for is there as kubeadm leaves it, or absent.
    var capture: NodeCapture {
        var capture = NodeCapture(name: "cp")
        var pid = 100
        for (name, flags) in components {
            capture.processes.append(.init(pid: pid, arguments: [name] + flags, user: 0))
            pid += 1
        }
        capture.processes.append(
            .init(
                pid: pid,
                arguments: [
                    "/usr/bin/kubelet", "--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf",
                    "--kubeconfig=/etc/kubernetes/kubelet.conf", "--config=/var/lib/kubelet/config.yaml",
                ], user: 0))
        capture.processes.append(
            .init(
                pid: pid + 1,
                arguments: [
                    "/usr/local/bin/kube-proxy", "--config=/var/lib/kube-proxy/config.conf", "--hostname-override=cp",
                ], user: 0))
        let files = files
        for _ in 0..<6 {
            for request in NodePlan.requests(capture) {
                let found = files.keys.sorted().filter { Self.matches($0, request.pattern) }
                capture.take(
                    request,
                    found.compactMap { path in
                        files[path].map { file in
                            var file = file
                            if !request.wantsContent { file.content = nil }
                            return (path, file)
                        }
                    })
            }
        }
        return capture
    }

    static func certificate(_ name: String) -> String {
        // Names stand for keys: what is compared is whether two texts hold the same.
        "-----BEGIN CERTIFICATE-----\n\(CertificateText.base64(name))\n-----END CERTIFICATE-----\n"
    }

    private var files: [String: NodeCapture.File] {
        var out: [String: NodeCapture.File] = [:]
        func add(_ path: String, _ mode: Int, _ text: String? = nil, folder: Bool = false) {
            out[path] = NodeCapture.File(
                kind: folder ? .folder : .file, mode: mode, owner: "root", group: "root",
                content: text.map { SourceText(name: path, bytes: Array($0.utf8)) })
        }
        for (name, flags) in components { add("/etc/kubernetes/manifests/\(name).yaml", 0o600, staticPod(name, flags)) }
        for name in ["admin", "super-admin", "scheduler", "controller-manager", "kubelet"] {
            add("/etc/kubernetes/\(name).conf", 0o600)
        }
        add("/etc/kubernetes/pki", 0o755, folder: true)
        add("/etc/kubernetes/pki/etcd", 0o755, folder: true)
        add("/etc/kubernetes/pki/ca.crt", 0o644, Self.certificate("cluster"))
        add("/etc/kubernetes/pki/etcd/ca.crt", 0o644, Self.certificate("etcd"))
        for name in ["apiserver", "apiserver-etcd-client", "apiserver-kubelet-client", "etcd/server", "etcd/peer"] {
            add("/etc/kubernetes/pki/\(name).crt", 0o644)
            add("/etc/kubernetes/pki/\(name).key", 0o600)
        }
        add("/etc/kubernetes/pki/sa.key", 0o600)
        add("/etc/kubernetes/pki/sa.pub", 0o600)
        add("/etc/cni/net.d/10-calico.conflist", 0o600)
        add("/var/lib/etcd", 0o700, folder: true)
        add("/var/lib/kubelet/config.yaml", 0o644, kubeletConfiguration)
        add("/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf", 0o644)
        return out
    }

    private static func matches(_ path: String, _ pattern: String) -> Bool {
        guard pattern.contains("*") else { return path == pattern }
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: true).map(String.init)
        guard let first = parts.first, path.hasPrefix(first) else { return false }
        let rest = path.dropFirst(first.count)
        if !pattern.contains("**"), rest.contains("/") { return false }
        return parts.count < 2 || path.hasSuffix(parts[1])
    }

    // MARK: The API

    private func mirror(_ name: String, _ flags: [String]) -> String {
        staticPod(name, flags).replacing(
            "name: \(name), namespace",
            with:
                "name: \(name)-cp, ownerReferences: [{apiVersion: v1, kind: Node, name: cp, uid: n1, controller: true}], namespace"
        )
    }

    var objects: [KubernetesObject] {
        let namespaces = ["default", "kube-system", "kube-public", "kube-node-lease"]
        var texts = namespaces.flatMap { name in
            [
                "{apiVersion: v1, kind: Namespace, metadata: {name: \(name)}}",
                "{apiVersion: v1, kind: ServiceAccount, metadata: {name: default, namespace: \(name)}}",
            ]
        }
        texts += components.map { mirror($0.name, $0.flags) }
        texts.append(
            "{apiVersion: v1, kind: Node, metadata: {name: cp, uid: n1}, status: {nodeInfo: {kubeletVersion: \(version)}}}"
        )
        texts.append(
            """
            apiVersion: v1
            kind: Pod
            metadata: {name: kube-proxy-1, namespace: kube-system}
            spec:
              nodeName: cp
              containers:
              - name: kube-proxy
                image: registry.k8s.io/kube-proxy:\(version)
                command: [/usr/local/bin/kube-proxy, --config=/var/lib/kube-proxy/config.conf, --hostname-override=cp]
                volumeMounts: [{name: c, mountPath: /var/lib/kube-proxy}]
              volumes: [{name: c, configMap: {name: kube-proxy}}]
            """)
        texts.append(
            """
            apiVersion: apps/v1
            kind: DaemonSet
            metadata: {name: calico-node, namespace: kube-system}
            spec: {template: {spec: {containers: [{name: calico-node, image: "quay.io/calico/node:v3.31.0"}]}}}
            """)
        texts.append(
            """
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: "kubeadm:cluster-admins"}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
            subjects: [{kind: Group, name: "kubeadm:cluster-admins", apiGroup: rbac.authorization.k8s.io}]
            """)
        return texts.flatMap { text in
            DocumentReader.read(SourceText(name: "", bytes: Array(text.utf8))).documents.flatMap {
                KubernetesObject.objects(in: $0).objects
            }
        }
    }

    /// The cluster as the API shows it, without a look at the node.
    var seenFromOutside: CISInput {
        var input = CISInput(inventory: Inventory(objects), isCluster: true)
        input.version = ComponentVersion(version)
        input.kubelets = ["cp": Self.node("{kubeletconfig: {\(Self.configz)}}")]
        input.configMaps = [
            "kube-system/kube-proxy/config.conf": Self.node(
                "{apiVersion: kubeproxy.config.k8s.io/v1alpha1, kind: KubeProxyConfiguration, metricsBindAddress: ''}")
        ]
        return input
    }

    /// The same with the node looked at.
    var seenWhole: CISInput {
        var input = seenFromOutside
        input.kubelets = [:]
        input.captures = [capture]
        return input
    }

    static let configz =
        "authentication: {x509: {clientCAFile: /etc/kubernetes/pki/ca.crt}, webhook: {enabled: true}, anonymous: {enabled: "
        + "false}}, authorization: {mode: Webhook}, rotateCertificates: true, eventRecordQPS: 50, "
        + "streamingConnectionIdleTimeout: 4h0m0s, makeIPTablesUtilChains: true, podPidsLimit: -1, seccompDefault: false, "
        + "tlsCertFile: /var/lib/kubelet/pki/kubelet.crt, tlsPrivateKeyFile: /var/lib/kubelet/pki/kubelet.key"

    static func node(_ text: String) -> Node {
        DocumentReader.read(SourceText(name: "", bytes: Array(text.utf8))).documents[0].root
    }
}

/// Certificates small enough to read: the parts that are compared and nothing else.
enum CertificateText {
    /// DER of `SEQUENCE { SEQUENCE { serial, algorithm, issuer, validity, subject, key } }`, the subject and key made
    /// of a name, in base64.
    static func base64(_ name: String) -> String {
        func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] { [tag, UInt8(content.count)] + content }
        let named = element(0x30, element(0x0C, Array(name.utf8)))
        let fields = [element(0x02, [1]), element(0x30, []), named, element(0x30, []), named, named]
        let bytes = element(0x30, element(0x30, fields.flatMap { $0 }))
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var out = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(bytes.count, start + 3)]
            var bits = part.reduce(0) { $0 << 8 | Int($1) }
            bits <<= 8 * (3 - part.count)
            for shift in 0..<4 {
                out.append(shift <= part.count ? alphabet[bits >> (18 - 6 * shift) & 63] : "=")
            }
        }
        return out
    }
}
