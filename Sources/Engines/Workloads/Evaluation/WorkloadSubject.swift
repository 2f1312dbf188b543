package import Documents
package import Kubernetes

/// A pod template in its surroundings: what the checks of pods look at.
package struct WorkloadSubject: Sendable {
    /// The object the template stands in.
    package let object: KubernetesObject
    package let template: PodTemplate
    /// The topmost controller, which a finding belongs to.
    package let owner: ObjectReference
    package let context: WorkloadContext
    /// Init, regular and ephemeral containers, in this order.
    package let containers: [Container]

    package init(
        _ template: PodTemplate, of object: KubernetesObject, owner: ObjectReference? = nil,
        in context: WorkloadContext
    ) {
        self.object = object
        self.template = template
        self.owner = owner ?? context.inventory.topmostOwner(of: object)
        self.context = context
        containers = template.spec.allContainers
    }

    package var spec: PodSpec { template.spec }

    /// Whether the template says all there is to say.
    ///
    /// A custom resource that merely looks like a workload is completed by its controller: what stands in it counts,
    /// what is missing says nothing.
    var isComplete: Bool { template.discovery != .shape }

    /// A pod that the API server has stored, with all that admission added.
    var isStoredPod: Bool { object.is("Pod") && object.uid != nil && object.node["status"].isObject }

    /// The API server's picture of a static pod; it has no service account and no owner but its node.
    var isMirrorPod: Bool {
        object.is("Pod") && spec.annotations["kubernetes.io/config.mirror"].exists
    }

    /// Whether its pods run until they are stopped, rather than until they are done.
    var isLongRunning: Bool {
        switch object.kind {
        case "Job", "CronJob", "ScaledJob", "AdvancedCronJob", "BroadcastJob", "JobSet", "AnalysisTemplate",
            "ClusterAnalysisTemplate":
            return false
        case "Pod":
            let policy = spec.node["restartPolicy"]
            return policy.isNull || policy.equals("Always")
        default: return true
        }
    }

    var isDaemonSet: Bool { object.kind == "DaemonSet" || owner.kind == "DaemonSet" }

    /// Containers that start with the pod: all but those a person adds to debug.
    var startedContainers: [Container] { containers.filter { $0.role != .ephemeral } }
}

/// An object as it stands: what the checks of Services, Ingresses and API versions look at.
package struct ObjectSubject: Sendable {
    package let object: KubernetesObject
    package let context: WorkloadContext

    package init(_ object: KubernetesObject, in context: WorkloadContext) {
        self.object = object
        self.context = context
    }

    package var node: Node { object.node }
}

extension Container {
    /// How messages name it: `container "app"`, `init container "setup"`.
    var phrase: String {
        switch role {
        case .regular: "container \(quoted: name)"
        case .initial: isSidecar ? "sidecar \(quoted: name)" : "init container \(quoted: name)"
        case .ephemeral: "debug container \(quoted: name)"
        }
    }
}

extension DefaultStringInterpolation {
    /// A name or value in quotes, control characters escaped.
    mutating func appendInterpolation(quoted text: String) { appendInterpolation(JSONText.quoted(text)) }
}
