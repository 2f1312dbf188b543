import CISBenchmark
import Documents
import Kubernetes
import Testing

/// A node of each platform: its own paths, the modes its own benchmark allows, and what its provider runs.
@Suite("Nodes of platforms") struct PlatformNodeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var platform: String
        var mark: String
        var kubelet: [String]
        var configuration: String
        var kubeconfig: String
        /// Whether the platform's benchmark lets others read the kubeconfig.
        var isReadable: Bool
        var testDescription: String { platform }
    }

    static let cases = [
        Case(
            platform: "eks", mark: "/etc/eks",
            kubelet: ["/usr/bin/kubelet", "--config=/etc/kubernetes/kubelet/config.json"],
            configuration: "/etc/kubernetes/kubelet/config.json", kubeconfig: "/var/lib/kubelet/kubeconfig",
            isReadable: true),
        Case(
            platform: "gke", mark: "/home/kubernetes/kubelet-config.yaml",
            kubelet: ["/home/kubernetes/bin/kubelet", "--config", "/home/kubernetes/kubelet-config.yaml"],
            configuration: "/home/kubernetes/kubelet-config.yaml", kubeconfig: "/var/lib/kubelet/kubeconfig",
            isReadable: true),
        Case(
            platform: "aks", mark: "/etc/kubernetes/azure.json",
            kubelet: ["/usr/local/bin/kubelet", "--config=/etc/default/kubeletconfig.json"],
            configuration: "/etc/default/kubeletconfig.json", kubeconfig: "/var/lib/kubelet/kubeconfig",
            isReadable: true),
        Case(
            platform: "rke2", mark: "/var/lib/rancher/rke2",
            kubelet: [
                "/var/lib/rancher/rke2/data/v1/bin/kubelet",
                "--config-dir=/var/lib/rancher/rke2/agent/etc/kubelet.conf.d",
                "--kubeconfig=/var/lib/rancher/rke2/agent/kubelet.kubeconfig",
            ], configuration: "/var/lib/rancher/rke2/agent/etc/kubelet.conf.d/00-rke2-defaults.conf",
            kubeconfig: "/var/lib/rancher/rke2/agent/kubelet.kubeconfig", isReadable: false),
        Case(
            platform: "kops", mark: "/srv/kubernetes/kube-apiserver",
            kubelet: ["/usr/local/bin/kubelet", "--config=/var/lib/kubelet/kubelet.conf"],
            configuration: "/var/lib/kubelet/kubelet.conf", kubeconfig: "/var/lib/kubelet/kubeconfig",
            isReadable: false),
        Case(
            platform: "openshift", mark: "/etc/kubernetes/static-pod-resources",
            kubelet: ["/usr/bin/kubelet", "--config=/etc/kubernetes/kubelet.conf"],
            configuration: "/etc/kubernetes/kubelet.conf", kubeconfig: "/var/lib/kubelet/kubeconfig",
            isReadable: true),
    ]

    static func capture(_ example: Case, mode: Int) -> NodeCapture {
        var capture = NodeCapture(name: "worker", processes: [.init(pid: 1, arguments: example.kubelet, user: 0)])
        let text = ConfigurationTests.kubelet("authentication: {anonymous: {enabled: false}}, readOnlyPort: 10255")
        var files = [example.mark: "x", example.kubeconfig: "kubeconfig"]
        files[example.configuration] = text
        for _ in 0..<5 {
            for request in NodePlan.requests(capture) {
                let star = request.pattern.firstIndex(of: "*").map { String(request.pattern[..<$0]) }
                let found = files.keys.sorted().filter { path in
                    star.map { path.hasPrefix($0) } ?? (path == request.pattern)
                }
                capture.take(
                    request,
                    found.map { path in
                        let bytes = Array((files[path] ?? "").utf8)
                        return (
                            path,
                            .init(
                                kind: .file, mode: mode, owner: "root", group: "root",
                                content: request.wantsContent ? SourceText(name: path, bytes: bytes) : nil)
                        )
                    })
            }
        }
        return capture
    }

    @Test(arguments: cases)
    func isReadWhereItsFilesAre(_ example: Case) throws {
        let capture = Self.capture(example, mode: 0o600)
        #expect(Platform.detect(capture).id == example.platform)
        let anonymous = try ConfigurationTests.result("4.2.1", capture)
        #expect(anonymous.outcome == .pass, "\(anonymous.message)")
        #expect(anonymous.provenance?.description.contains(example.configuration) == true)
        #expect(try ConfigurationTests.result("4.2.4", capture).outcome == .fail)
        let kubeconfig = try ConfigurationTests.result("4.1.5", capture)
        #expect(kubeconfig.message.contains(example.kubeconfig), "\(kubeconfig.message)")
        #expect(kubeconfig.outcome == .pass)
        let configuration = try ConfigurationTests.result("4.1.9", capture)
        #expect(configuration.message.contains(example.configuration), "\(configuration.message)")
    }

    @Test(arguments: cases)
    func isHeldToTheModesOfItsOwnBenchmark(_ example: Case) throws {
        let kubeconfig = try ConfigurationTests.result("4.1.5", Self.capture(example, mode: 0o644))
        #expect(kubeconfig.outcome == (example.isReadable ? .pass : .fail), "\(kubeconfig.message)")
        #expect(try ConfigurationTests.result("4.1.5", Self.capture(example, mode: 0o666)).outcome == .fail)
    }

    @Test(arguments: cases)
    func hasAControlPlaneOnlyWhereSomebodyElseDoesNotRunIt(_ example: Case) throws {
        let part = try ConfigurationTests.result("1.2.1", Self.capture(example, mode: 0o600))
        #expect(part.outcome == .notApplicable)
        #expect(
            part.message.contains("does not run on this node") == !["eks", "gke", "aks"].contains(example.platform))
    }

    /// RKE2's control plane is static pods in a folder of its own; what the manifest says is what is judged.
    @Test func aServerOfRKE2IsReadFromItsStaticPods() throws {
        let folder = "/var/lib/rancher/rke2/agent/pod-manifests"
        let pod = """
            apiVersion: v1
            kind: Pod
            metadata: {name: kube-apiserver, namespace: kube-system}
            spec:
              containers:
              - name: kube-apiserver
                image: index.docker.io/rancher/hardened-kubernetes:v1.35.2-rke2r1-build20260101
                command: [kube-apiserver]
                args: [--anonymous-auth=false, --profiling=false, --audit-log-maxage=30, --audit-log-path=/a]
            """
        var capture = NodeCapture(
            name: "server", processes: [], processProblem: "the processes of the node are hidden; run with hostPID")
        capture.take(.init("/var/lib/rancher/rke2"), [("/var/lib/rancher/rke2", .init(kind: .folder, mode: 0o755))])
        let path = "\(folder)/kube-apiserver.yaml"
        capture.take(
            .init(path, wantsContent: true),
            [
                (
                    path,
                    .init(
                        kind: .file, mode: 0o600, owner: "root", group: "root",
                        content: SourceText(name: path, bytes: Array(pod.utf8)))
                )
            ])
        #expect(Platform.detect(capture).id == "rke2")
        for id in ["1.1.1", "1.1.2", "1.2.1", "1.2.15", "1.2.16", "1.2.17"] {
            let part = try ConfigurationTests.result(id, capture)
            #expect(part.outcome == .pass, "\(id) \(part.message)")
        }
        // The processes were hidden, so a scheduler may run unseen.
        #expect(try ConfigurationTests.result("1.4.1", capture).outcome == .notObservable)
    }

    /// A folder that is no node's `/`: that a file is not there says nothing, and is no reason to leave a control out.
    @Test func aFolderWithoutANodeIsUnseen() throws {
        var capture = NodeCapture(name: "none", processProblem: "/proc is not there")
        for _ in 0..<3 { for request in NodePlan.requests(capture) { capture.take(request, []) } }
        for id in ["1.1.1", "1.1.12", "4.1.1", "4.1.9", "1.2.1", "4.2.1"] {
            #expect(try ConfigurationTests.result(id, capture).outcome == .notObservable, "\(id)")
        }
    }
}
