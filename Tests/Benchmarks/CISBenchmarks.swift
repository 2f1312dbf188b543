import CISBenchmark
import Documents
import Foundation
import Kubernetes
import NodeInspection

/// How little a node check takes of the node it runs on.
enum CISBenchmarks {
    static let all: [Benchmark] = [
        Benchmark("cis-node-check", goal: "<= 200 ms") { try node() }
    ]

    /// A node of the control plane as kubeadm leaves it, with 200 processes and 300 certificates, in a folder: looked at
    /// and judged, as `martlet cis --node --root` does.
    private static func node() throws -> Benchmark.Outcome {
        try Measuring.inTemporaryFolder { folder in
            try lay(folder)
            var decided = 0
            let seconds = Measuring.shortest {
                let inspector = NodeInspector(root: folder.path, name: "cp")
                var input = CISInput()
                input.captures = [inspector.capture { NodePlan.requests($0) }]
                decided = CISBenchmark(input).report().decided
            }
            guard decided > 60 else { return .skipped("only \(decided) controls were decided") }
            return .figure(seconds * 1000, unit: "ms")
        }
    }

    private static func lay(_ folder: URL) throws {
        let files = FileManager.default
        func write(_ path: String, _ text: String) throws {
            let url = folder.appendingPathComponent(path)
            try files.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: url)
        }
        let components = [
            "kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd", "kubelet", "kube-proxy",
        ]
        for pid in 1...200 {
            let name = pid <= components.count ? components[pid - 1] : "worker-\(pid)"
            let flags = (0..<30).map { "--flag-\($0)=value-\($0)" }
            try write("proc/\(pid)/cmdline", ([name] + flags + ["--profiling=false"]).joined(separator: "\0") + "\0")
        }
        for name in components.dropLast(2) {
            try write(
                "etc/kubernetes/manifests/\(name).yaml",
                """
                apiVersion: v1
                kind: Pod
                metadata: {name: \(name), namespace: kube-system}
                spec:
                  containers:
                  - name: \(name)
                    image: registry.k8s.io/\(name):v1.35.2
                    command: [\(name), --profiling=false]
                """)
        }
        for number in 0..<300 { try write("etc/kubernetes/pki/\(number).crt", "certificate") }
        for name in ["admin", "kubelet", "scheduler", "controller-manager"] {
            try write("etc/kubernetes/\(name).conf", "apiVersion: v1\nkind: Config\n")
        }
        try write("etc/passwd", "root:x:0:0::/:/bin/sh\n")
        try write("etc/group", "root:x:0:\n")
        try write(
            "var/lib/kubelet/config.yaml", "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n")
    }
}
