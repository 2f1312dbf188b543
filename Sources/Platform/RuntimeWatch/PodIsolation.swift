package import Detection
package import Documents

/// Cutting a pod off from the network: a label on the pod, and one NetworkPolicy that allows what carries it nothing.
///
/// The policy is made once for each namespace and stays; taking the label away lets the pod back in.
package struct PodIsolation: Sendable, Hashable {
    package static let label = "martlet.dev/isolated"
    package static let policyName = "martlet-isolated"

    package var namespace: String
    package var pod: String
    /// The pod that was seen, since a name may be another's tomorrow.
    package var uid: String
    package var reason: String

    /// The pod of an alert; nil when the alert does not say whose it is.
    package init?(_ alert: Alert) {
        guard let namespace = alert.field("k8s.ns.name"), let pod = alert.field("k8s.pod.name"),
            let uid = alert.field("k8s.pod.uid"), Self.isName(namespace), Self.isName(pod)
        else { return nil }
        self.init(namespace: namespace, pod: pod, uid: uid, reason: "\(alert.rule): \(alert.message)")
    }

    package init(namespace: String, pod: String, uid: String, reason: String) {
        self.namespace = namespace
        self.pod = pod
        self.uid = uid
        self.reason = reason
    }

    /// Names become paths of requests: nothing but what a name may have.
    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 253 && text.utf8.first != 0x2E && !text.contains("..")
            && text.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x2E
            }
    }

    package var policy: DocumentValue {
        [
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": [
                "name": .string(Self.policyName), "namespace": .string(namespace),
                "labels": ["app.kubernetes.io/managed-by": "martlet"],
            ],
            "spec": [
                "podSelector": ["matchLabels": .object([.init(Self.label, .string("true"))])],
                "policyTypes": ["Ingress", "Egress"],
            ],
        ]
    }

    package var policyPath: String { "/apis/networking.k8s.io/v1/namespaces/\(namespace)/networkpolicies" }
    package var podPath: String { "/api/v1/namespaces/\(namespace)/pods/\(pod)" }

    /// The pod with the label; nil when it is another pod by now.
    package func labelled(_ node: Node) -> Node? {
        guard node["metadata"]["uid"].equals(uid) else { return nil }
        var editor = DocumentEditor(node)
        editor.set(FieldPath([.key("metadata"), .key("labels"), .key(Self.label)]), "true")
        return editor.finish()
    }

    /// What a person does by hand instead.
    package var commands: [String] {
        var writer = JSONWriter()
        writer.value(policy)
        return [
            "kubectl apply -f - <<'EOF'\n\(writer.string)\nEOF",
            "kubectl -n \(namespace) label pod \(pod) \(Self.label)=true",
        ]
    }
}

/// One line of what was done, for the record: every response, whether it was carried out or only proposed.
package struct ResponseRecord: Sendable {
    package enum Outcome: String, Sendable { case done, failed, proposed }

    package var time: UInt64
    package var response: String
    package var reason: String
    package var target: String
    package var outcome: Outcome
    package var detail: String

    package init(
        time: UInt64, response: String, reason: String, target: String, outcome: Outcome, detail: String = ""
    ) {
        self.time = time
        self.response = response
        self.reason = reason
        self.target = target
        self.outcome = outcome
        self.detail = detail
    }

    package func json() -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("time", Timestamp.text(time))
            writer.member("response", response)
            writer.member("target", target)
            writer.member("reason", reason)
            writer.member("outcome", outcome.rawValue)
            if !detail.isEmpty { writer.member("detail", detail) }
        }
        return writer.string
    }
}
