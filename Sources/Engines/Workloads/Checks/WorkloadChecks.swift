import Documents
package import Findings
import Kubernetes

/// The checks of this engine, beyond the Pod Security Standards: one table per kind of subject, by hand, in order.
package enum WorkloadChecks {
    /// Checks of pod templates and pods.
    package static let workloads: [Check<WorkloadSubject>] = [
        runtimeSocket, sensitiveHostPath, hostPathSubpath, mountPropagation,
        unneededToken, defaultServiceAccount, secretEnvironment,
        mutableTag, noDigest, staleImage,
        writableRootFilesystem, sharedProcesses, hostAliases, refusedSysctl,
        controlPlanePlacement, broadToleration, controlPlaneToleration, systemPriority,
        noMemoryLimit, noCPULimit, noEphemeralStorageLimit, noMemoryRequest, noCPURequest, noEphemeralStorageRequest,
        nakedPod, noLivenessProbe, noReadinessProbe, singleReplica, noDisruptionBudget, noSpread,
        overlappingRuns, noFailureHistory,
    ]

    /// Checks of Services.
    package static let services: [Check<ObjectSubject>] = [exposedAdminPort, externalIPs, openLoadBalancer, nodePort]

    /// Checks of Ingresses.
    package static let ingresses: [Check<ObjectSubject>] = [codeAnnotation, ingressWithoutTLS]

    /// Checks of PodDisruptionBudgets.
    package static let budgets: [Check<ObjectSubject>] = [blockedDrain]

    /// Checks of every object.
    package static let objects: [Check<ObjectSubject>] = [removedVersion, deprecatedVersion]

    /// Every rule, in the order of the tables.
    package static let rules: [Rule] =
        workloads.map(\.rule) + (services + ingresses + budgets + objects).map(\.rule)

    /// The rules a run with these options evaluates.
    package static func rules(_ options: WorkloadOptions) -> [Rule] {
        rules.filter { options.includesReliability || $0.category != .reliability }
    }

    /// The checks that apply to an object as it stands.
    static func table(for object: KubernetesObject) -> [Check<ObjectSubject>] {
        switch (object.apiVersion.group, object.kind) {
        case ("", "Service"): services + objects
        case ("networking.k8s.io", "Ingress"), ("extensions", "Ingress"): ingresses + objects
        case ("policy", "PodDisruptionBudget"): budgets + objects
        default: objects
        }
    }
}
