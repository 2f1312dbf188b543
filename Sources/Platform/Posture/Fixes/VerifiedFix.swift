package import Documents
package import Findings
package import Kubernetes

/// A change of one object that was tried on a copy: what it closes, what it leaves, what it would have opened.
package struct VerifiedFix: Sendable {
    package var key: ObjectKey
    /// As it is now.
    package var object: KubernetesObject
    /// With the patch applied.
    package var patched: KubernetesObject
    package var steps: [FixStep]
    /// What no step answers.
    package var decisions: [FixDecision]
    /// Steps that were taken out again, and what they would have opened.
    package var refused: [(step: FixStep, reason: String)]
    package var closed: [Finding]
    /// Never from the steps that are left: a fix that opens something is not one.
    package var opened: [Finding]
    package var unchanged: [Finding]
    /// Who put the object there and would put it back.
    package var origin: ObjectOrigin?
    /// The controller that made the object and would make it again.
    package var controller: ObjectReference?

    /// In the letter of RFC 6902 for the object as it is.
    package var patch: JSONPatch { JSONPatch(steps.map(\.operation)).normalized(for: object.node) }
    package var isEmpty: Bool { steps.isEmpty }

    /// How the change gets into a cluster.
    package enum Way: Sendable, Hashable {
        case patch
        /// Its fields cannot be changed once it is there.
        case recreate(String)
    }

    package var way: Way {
        switch (object.reference.group, object.kind) {
        case ("", "Pod"): .recreate("a pod's security settings cannot be changed; delete it and create it anew")
        case ("batch", "Job"): .recreate("a Job's template cannot be changed; delete it and create it anew")
        default: .patch
        }
    }

    /// What a person has to know before applying it; empty where nothing stands in the way.
    package var cautions: [String] {
        var out: [String] = []
        if let origin {
            let place =
                switch origin.tool {
                case .helm: "the values or the chart of Helm release \(origin.name)"
                case .argo: "the source of Argo CD application \(origin.name)"
                case .flux: "the source of Flux \(origin.name)"
                case .kustomize: "the Kustomize base or overlay it is built from"
                case .olm: "the bundle of operator \(origin.name)"
                }
            out.append("change it in \(place); \(origin.tool.rawValue) would put the object back as it was")
        }
        if let controller { out.append("\(controller) made this object and would make it again; change that") }
        if case .recreate(let why) = way, object.file.isEmpty { out.append(why) }
        if steps.contains(where: \.needsTrial) {
            out.append("try it first: whether the image runs without root is not in the object")
        }
        return out
    }
}
