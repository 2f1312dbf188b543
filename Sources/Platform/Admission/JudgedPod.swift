package import Kubernetes

/// A pod that was let in, with the digests that its images stood for at that moment.
package struct JudgedPod: Sendable, Hashable {
    package var namespace: String
    package var name: String
    /// Names come back; this does not.
    package var uid: String
    /// Digests by the image's name in the pod.
    package var digests: [String: String]

    /// Nil for what is no pod, and for a pod of which no digest was known.
    package init?(_ object: KubernetesObject, _ answers: [String: ImageAnswer]) {
        guard object.is("Pod"), let uid = object.uid else { return nil }
        digests = answers.compactMapValues { answer in
            guard case .digest(let digest) = answer.resolution else { return nil }
            return digest
        }
        guard !digests.isEmpty else { return nil }
        namespace = object.namespace
        name = object.name
        self.uid = uid
    }
}

extension ImageAnswer {
    /// Images told in an audit event; a request that names more is told in part.
    private static let most = 12

    /// What the audit log keeps: what each tag stood for, and whether it was known.
    static func annotation(_ answers: [String: ImageAnswer]) -> String? {
        guard !answers.isEmpty else { return nil }
        let told = answers.sorted { $0.key < $1.key }.prefix(most).map { name, answer in
            let state = answer.verdict == nil ? "not scanned" : "scanned"
            switch answer.resolution {
            case .digest(let digest): return "\(name)=\(digest) (\(state))"
            case .unknown: return "\(name) (not resolved)"
            }
        }
        return told.joined(separator: ", ") + (answers.count > most ? " and \(answers.count - most) more" : "")
    }
}
