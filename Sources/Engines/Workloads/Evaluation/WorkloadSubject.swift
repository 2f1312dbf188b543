package import Documents
import Findings
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
    /// Why a field that is missing says nothing; nil where the template is all there is to see.
    let incompleteness: String?

    package init(
        _ template: PodTemplate, of object: KubernetesObject, owner: ObjectReference? = nil,
        in context: WorkloadContext
    ) {
        self.object = object
        self.template = template
        self.owner = owner ?? context.inventory.topmostOwner(of: object)
        self.context = context
        containers = template.spec.allContainers
        incompleteness = Self.incompleteness(template, object, containers)
    }

    package var spec: PodSpec { template.spec }

    /// A custom resource that merely looks like a workload is completed by its controller, and a manifest that the API
    /// server would refuse for want of a field is a patch that something merges into a whole one. What stands in them
    /// counts; what is missing says nothing.
    private static func incompleteness(
        _ template: PodTemplate, _ object: KubernetesObject, _ containers: [Container]
    ) -> String? {
        if template.discovery == .shape { return "the controller of \(object.kind) objects may fill it in" }
        guard !object.file.isEmpty, template.discovery == .builtIn else { return nil }
        let lacks: String
        if object.apiVersion == GroupVersion("apps/v1"), object.node["spec"]["selector"].isNull,
            template.spec.metadata["labels"].isEmpty
        {
            lacks = "a selector and labels"
        } else if template.spec.node["containers"].isEmpty {
            lacks = "containers"
        } else if containers.contains(where: { $0.node["image"].isNull }) {
            lacks = "an image"
        } else {
            return nil
        }
        return "the manifest lacks \(lacks) and is no whole object, but a part to be merged into one"
    }

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

extension CheckReport {
    /// A field that should be there is not: a failure, unless something else may still write it.
    mutating func fail(missing node: Node, in subject: WorkloadSubject, _ message: String) {
        guard let reason = subject.incompleteness else { return fail(at: node, message) }
        if unobservable.isEmpty { notObservable(at: subject.spec.node, reason) }
    }
}
