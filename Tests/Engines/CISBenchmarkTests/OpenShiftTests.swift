import CISBenchmark
import Documents
import Kubernetes
import Testing

/// OpenShift starts the control plane with one file in the place of flags.
@Suite("OpenShift") struct OpenShiftTests {
    static let folder = "/etc/kubernetes/static-pod-resources"
    static let configuration = """
        apiVersion: kubecontrolplane.config.openshift.io/v1
        kind: KubeAPIServerConfig
        apiServerArguments:
          anonymous-auth: ["false"]
          authorization-mode: [Scope, SystemMasters, RBAC, Node]
          audit-log-path: [/var/log/kube-apiserver/audit.log]
          audit-log-maxbackup: ["10"]
          enable-admission-plugins: [NodeRestriction, ServiceAccount, security.openshift.io/SecurityContextConstraint]
          kubelet-client-certificate: [/etc/kubernetes/static-pod-certs/secrets/kubelet-client/tls.crt]
          kubelet-client-key: [/etc/kubernetes/static-pod-certs/secrets/kubelet-client/tls.key]
        servingInfo:
          certFile: /etc/kubernetes/static-pod-certs/serving.crt
          keyFile: /etc/kubernetes/static-pod-certs/serving.key
        """
    static let pod = """
        apiVersion: v1
        kind: Pod
        metadata: {name: kube-apiserver, namespace: openshift-kube-apiserver}
        spec:
          volumes:
          - {name: resources, hostPath: {path: \(folder)/kube-apiserver-pod-7}}
          containers:
          - name: kube-apiserver
            image: quay.io/openshift/origin@sha256:0
            command: [/bin/bash, -ec]
            args:
            - exec watch-termination --termination-touch-file=/t -- hyperkube kube-apiserver
              --openshift-config=\(folder)/configmaps/config/config.yaml --advertise-address=10.0.0.1
            volumeMounts:
            - {name: resources, mountPath: \(folder)}
        """

    /// Control, what it comes to when the file is read, and a word of where the value came from.
    static let controls = [
        ("1.2.1", CISOutcome.pass, "apiServerArguments.anonymous-auth"),
        ("1.2.4", .pass, "apiServerArguments.kubelet-client-certificate"),
        ("1.2.8", .pass, "apiServerArguments.authorization-mode"),
        ("1.2.14", .pass, "apiServerArguments.enable-admission-plugins"),
        ("1.2.16", .pass, "apiServerArguments.audit-log-path"), ("1.2.24", .pass, "servingInfo.certFile"),
        // Nobody wrote it, so the default counts.
        ("1.2.15", .fail, "default"),
    ]

    static func cluster(_ file: String?) throws -> CISInput {
        var input = CISInput(inventory: Inventory(ProviderTests.objects(pod)), isCluster: true)
        input.platform = Platform.named("openshift")
        if let file {
            input.configMaps["openshift-kube-apiserver/config/config.yaml"] =
                try #require(DocumentReader.read(SourceText(name: "c", bytes: Array(file.utf8))).documents.first).root
        }
        return input
    }

    static func part(_ id: String, _ input: CISInput) throws -> CISPart {
        let control = try #require(CISCatalogue.current[id])
        return try #require(CISBenchmark(input).result(control).parts.first)
    }

    @Test("the operator's ConfigMap says what the API server of a cluster runs with", arguments: controls)
    func liveCluster(_ id: String, _ outcome: CISOutcome, _ origin: String) throws {
        let part = try Self.part(id, try Self.cluster(Self.configuration))
        #expect(part.outcome == outcome, "\(part.message)")
        #expect(part.provenance?.description.contains(origin) == true, "\(part.provenance?.description ?? "")")
    }

    @Test("without the file nothing is held against the API server, nor for it", arguments: controls)
    func fileUnseen(_ id: String, _: CISOutcome, _: String) throws {
        #expect(try Self.part(id, try Self.cluster(nil)).outcome == .notObservable)
    }

    @Test("on a node the file is read where the manifest mounts it", arguments: controls)
    func node(_ id: String, _ outcome: CISOutcome, _ origin: String) throws {
        var capture = NodeCapture(name: "master", processes: [], processProblem: "hidden")
        let files = [
            "/etc/kubernetes/manifests/kube-apiserver-pod.yaml": Self.pod,
            "\(Self.folder)/kube-apiserver-pod-7/configmaps/config/config.yaml": Self.configuration,
        ]
        capture.take(.init(Self.folder), [(Self.folder, .init(kind: .folder, mode: 0o755))])
        for _ in 0..<4 {
            for request in NodePlan.requests(capture) {
                let found = files[request.pattern].map { text in
                    NodeCapture.File(
                        kind: .file, mode: 0o600, owner: "root", group: "root",
                        content: request.wantsContent
                            ? SourceText(name: request.pattern, bytes: Array(text.utf8)) : nil)
                }
                capture.take(request, found.map { [(request.pattern, $0)] } ?? [])
            }
        }
        let part = try ConfigurationTests.result(id, capture)
        #expect(part.outcome == outcome, "\(part.message)")
        #expect(part.provenance?.description.contains(origin) == true, "\(part.provenance?.description ?? "")")
    }

    @Test("half a file is no file", arguments: ["apiServerArguments: {", "[]", ""])
    func damagedFile(_ text: String) throws {
        var capture = NodeCapture(
            name: "master",
            processes: [
                .init(
                    pid: 1, arguments: ["kube-apiserver", "--openshift-config=/c.yaml"], user: 0)
            ])
        capture.take(
            .init("/c.yaml", wantsContent: true),
            [("/c.yaml", .init(kind: .file, content: SourceText(name: "/c.yaml", bytes: Array(text.utf8))))])
        #expect(try ConfigurationTests.result("1.2.16", capture).outcome == .notObservable)
    }

    @Test("controls of OpenShift's own benchmark are answered where the cluster tells")
    func ownControls() throws {
        let own = CISBenchmark(try Self.cluster(Self.configuration)).report().own
        let found = Dictionary(own.map { ($0.control.id, $0.outcome) }, uniquingKeysWith: { a, _ in a })
        for id in ["1.2.2", "1.2.7", "1.2.12", "1.2.14", "1.2.15", "1.2.16", "1.2.22"] {
            #expect(found[id] == .pass, "\(id)")
        }
        #expect(found["1.2.31"] == .notObservable)
        #expect(found["1.2.19"] == .manual)
        // Each of the benchmark's 115 recommendations has an answer.
        let platform = try #require(Platform.named("openshift"))
        #expect(Set(CISCatalogue.current.controls.compactMap(platform.ownID)).count + own.count == 115)
    }

    @Test(
        "an override of the operator is told",
        arguments: [("null", CISOutcome.pass), ("{apiServerArguments: {}}", .fail)])
    func overrides(_ value: String, _ outcome: CISOutcome) throws {
        var input = try Self.cluster(nil)
        let text = """
            apiVersion: operator.openshift.io/v1
            kind: KubeAPIServer
            metadata: {name: cluster}
            spec: {unsupportedConfigOverrides: \(value)}
            """
        input.inventory = Inventory(ProviderTests.objects(text))
        #expect(CISBenchmark(input).report().own.first { $0.control.id == "1.2.31" }?.outcome == outcome)
    }
}
