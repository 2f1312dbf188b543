import Documents
package import Findings
import Kubernetes

/// The checks of this engine, beyond the Pod Security Standards: one table per kind of subject, by hand, in order.
package enum WorkloadChecks {
    /// Checks of pod templates and pods.
    package static let workloads: [Check<WorkloadSubject>] = [
        mutableTag, noDigest, staleImage,
        noMemoryLimit, noCPULimit, noEphemeralStorageLimit, noMemoryRequest, noCPURequest, noEphemeralStorageRequest,
        writableRootFilesystem,
        unneededToken, defaultServiceAccount, secretEnvironment,
    ]

    /// Checks of Services.
    package static let services: [Check<ObjectSubject>] = []

    /// Checks of Ingresses.
    package static let ingresses: [Check<ObjectSubject>] = []

    /// Checks of every object.
    package static let objects: [Check<ObjectSubject>] = []

    /// Every rule, in the order of the tables.
    package static let rules: [Rule] =
        workloads.map(\.rule) + services.map(\.rule) + ingresses.map(\.rule) + objects.map(\.rule)

    /// The rules a run with these options evaluates.
    package static func rules(_ options: WorkloadOptions) -> [Rule] {
        rules.filter { options.includesReliability || $0.category != .reliability }
    }

    /// The tables that apply to an object which runs no pods itself.
    static func table(for object: KubernetesObject) -> [Check<ObjectSubject>] {
        if object.is("Service") { return services + objects }
        if object.kind == "Ingress",
            object.apiVersion.group == "networking.k8s.io" || object.apiVersion.group == "extensions"
        {
            return ingresses + objects
        }
        return objects
    }
}
