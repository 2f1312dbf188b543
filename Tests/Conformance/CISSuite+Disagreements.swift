import CISBenchmark
import Documents
import Findings
import Kubernetes
import PodSecurity
import Posture

/// Where other tools disagree about a control or are wrong about it: each row is a question, answered here by evaluating
/// what the row describes.
extension ConformanceSuite {
    static func disagreements(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for row in try folder.documents("cis-peer-disagreements.yaml").documents.first.map({
            Array($0.root["rows"].elements)
        })
            ?? []
        {
            let subject = row["subject"].string ?? ""
            guard let question = DisagreementQuestion.all.first(where: { subject.hasPrefix($0.subject) }) else {
                agreement.note(subject, "no question is asked about this row")
                continue
            }
            let wrong = question.expectations.first { !$0.holds }
            agreement.note(subject, wrong.map { "\($0.words) does not hold" })
        }
        return agreement
    }
}

/// What a row asks.
struct DisagreementQuestion: Sendable {
    struct Expectation: Sendable {
        var words: String
        var holds: Bool
    }

    var subject: String
    var expectations: [Expectation]

    static let all: [DisagreementQuestion] = server + node + kubelet + policies

    // MARK: Short ways to ask

    static let base = [
        "--authorization-mode=Node,RBAC", "--client-ca-file=/ca.crt", "--enable-admission-plugins=NodeRestriction",
    ]

    static func objects(_ text: String) -> [KubernetesObject] {
        DocumentReader.read(SourceText(name: "row.yaml", bytes: Array(text.utf8))).documents.flatMap {
            KubernetesObject.objects(in: $0).objects
        }
    }

    static func pod(
        _ name: String = "kube-apiserver", _ arguments: [String], version: String = "1.35.2", more: String = "",
        sidecar: String = ""
    ) -> [KubernetesObject] {
        let words = arguments.map { "'\($0)'" }.joined(separator: ", ")
        return objects(
            "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: kube-system}, spec: {containers: ["
                + "{name: a, image: 'registry.k8s.io/\(name):v\(version)', command: [\(words)] \(more)}\(sidecar)]}}")
    }

    static func server(
        _ id: String, _ flags: [String], files: [String: String] = [:], version: String = "1.35.2"
    ) -> CISOutcome? {
        ConformanceSuite.report(pod("kube-apiserver", ["kube-apiserver"] + flags, version: version), files: files)[id]?
            .outcome
    }

    static func other(_ name: String, _ id: String, _ flags: [String], more: String = "") -> CISOutcome? {
        ConformanceSuite.report(pod(name, [name] + flags, more: more))[id]?.outcome
    }

    static func kubelet(
        _ id: String, _ flags: [String], config: String? = nil, dropIns: [String: String] = [:],
        path: String = "/var/lib/kubelet/config.yaml"
    ) -> CISOutcome? {
        var arguments = ["/usr/bin/kubelet"]
        if config != nil { arguments.append("--config=\(path)") }
        if !dropIns.isEmpty { arguments.append("--config-dir=/etc/kubelet.d") }
        var capture = NodeCapture(name: "n", processes: [.init(pid: 1, arguments: arguments + flags, user: 0)])
        func file(_ path: String, _ text: String) -> NodeCapture.File {
            let head = "{apiVersion: kubelet.config.k8s.io/v1beta1, kind: KubeletConfiguration, "
            return NodeCapture.File(
                kind: .file, mode: 0o600, owner: "root", group: "root",
                content: SourceText(name: path, bytes: Array((head + text + "}").utf8)))
        }
        if let config { capture.take(.init(path, wantsContent: true), [(path, file(path, config))]) }
        if !dropIns.isEmpty {
            let found = dropIns.sorted { $0.key < $1.key }.map { name, text in
                (path: "/etc/kubelet.d/\(name)", file: file("/etc/kubelet.d/\(name)", text))
            }
            capture.take(.init("/etc/kubelet.d/*", wantsContent: true), found)
        }
        return ConformanceSuite.report([], capture: capture)[id]?.outcome
    }

    static func fileMode(_ id: String, _ path: String, _ mode: Int, arguments: [String] = []) -> CISOutcome? {
        var capture = NodeCapture(name: "n", processes: [.init(pid: 1, arguments: ["/usr/bin/kubelet"] + arguments)])
        capture.take(.init(path), [(path, .init(kind: .file, mode: mode, owner: "root", group: "root"))])
        for request in NodePlan.requests(capture) { capture.take(request, []) }
        return ConformanceSuite.report([], capture: capture)[id]?.outcome
    }

    /// A whole cluster with these objects beside a namespace that has workloads.
    static func cluster(_ text: String) -> CISReport {
        var input = CISInput(inventory: Inventory(objects(text)), isCluster: true)
        input.version = ComponentVersion(minor: 35)
        return CISPosture.report(input)
    }

    static func workload(_ spec: String, kind: String = "Deployment") -> String {
        "{apiVersion: apps/v1, kind: \(kind), metadata: {name: a, namespace: shop}, spec: {template: {spec: {\(spec)}}}}"
    }

    static func running(_ id: String, _ spec: String) -> Bool {
        cluster("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n---\n" + workload(spec))[id]?.running
            .isEmpty
            == false
    }

    static func namespace(_ level: String?) -> String {
        let labels = level.map { ", labels: {pod-security.kubernetes.io/enforce: \($0)}" } ?? ""
        return "{apiVersion: v1, kind: Namespace, metadata: {name: shop\(labels)}}"
    }

    static func admits(_ id: String, level: String?) -> CISOutcome? { cluster(namespace(level))[id]?.outcome }

    static func level(_ spec: String) -> PodSecurityLevel? {
        let object = objects("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {\(spec)}}").first
        guard let object, let template = object.podTemplate else { return nil }
        return PodSecurityEvaluator().level(PodSecurityInput(template, of: object))
    }

    static func rbac(_ rules: String, kind: String = "ClusterRole") -> String {
        let group = "rbac.authorization.k8s.io"
        let space = kind == "Role" ? ", namespace: shop" : ""
        return "{apiVersion: \(group)/v1, kind: \(kind), metadata: {name: own\(space)}, rules: [\(rules)]}\n---\n"
            + "{apiVersion: \(group)/v1, kind: \(kind)Binding, metadata: {name: own\(space)}, roleRef: {apiGroup: \(group), "
            + "kind: \(kind), name: own}, subjects: [{kind: User, name: alice, apiGroup: \(group)}]}"
    }

    static func expect(_ words: String, _ holds: Bool) -> Expectation { Expectation(words: words, holds: holds) }
}
