import Documents
import Findings
import Kubernetes

extension WorkloadChecks {
    static let noMemoryLimit = resource(
        "workload/no-memory-limit", .medium, [.nsa("net-resources"), .attack("T1499"), .attack("T1496")], .limit,
        "memory",
        title: "A container may take all the memory of its node",
        why: """
            Without a limit a leak or an attack in one container brings memory pressure to the node, and the kubelet \
            evicts or the kernel kills its neighbours.
            """,
        remedy: "Set resources.limits.memory to what the container needs at its peak, or a default in a LimitRange.")

    static let noCPULimit = resource(
        "workload/no-cpu-limit", .info, [.nsa("net-resources"), .attack("T1496")], .limit, "cpu",
        title: "A container may take all the CPU time of its node",
        why: """
            Whoever gets in can mine with it. Requests protect the neighbours; a limit protects the bill. Where a \
            limit is left out for latency's sake, say so in a waiver.
            """,
        remedy: "Set resources.limits.cpu, or a default in a LimitRange, or a ResourceQuota for the namespace.")

    static let noEphemeralStorageLimit = resource(
        "workload/no-ephemeral-storage-limit", .low, [.nsa("net-resources"), .attack("T1499")], .limit,
        "ephemeral-storage",
        title: "A container may fill the disk of its node",
        why: """
            Logs, emptyDir volumes and the writable layer share the node's disk. Without a limit one container fills \
            it, and the kubelet evicts the pods of the node to get space.
            """,
        remedy: "Set resources.limits.ephemeral-storage, or a default in a LimitRange.")

    static let noMemoryRequest = resource(
        "workload/no-memory-request", .low, [.nsa("net-resources")], .request, "memory", category: .hygiene,
        title: "A container does not say how much memory it needs",
        why: "The scheduler then packs nodes too full, and this pod is the first to be evicted.",
        remedy: "Set resources.requests.memory to what the container uses in normal work.")

    static let noCPURequest = resource(
        "workload/no-cpu-request", .low, [.nsa("net-resources")], .request, "cpu", category: .hygiene,
        title: "A container does not say how much CPU time it needs",
        why: "The scheduler then packs nodes too full, and the container gets the least share when CPU is short.",
        remedy: "Set resources.requests.cpu to what the container uses in normal work.")

    static let noEphemeralStorageRequest = resource(
        "workload/no-ephemeral-storage-request", .info, [.nsa("net-resources")], .request, "ephemeral-storage",
        category: .hygiene,
        title: "A container does not say how much disk it needs",
        why:
            "The scheduler does not know which nodes have the space, and the pod is evicted early when a disk is full.",
        remedy: "Set resources.requests.ephemeral-storage to what logs, emptyDir and the writable layer need.")

    private enum Bound { case request, limit }

    /// A check that every container has a request or limit of one resource.
    ///
    /// Pod-level resources (v1.32) count for the containers, a limit counts as a request, and so do the defaults of
    /// a LimitRange.
    private static func resource(
        _ id: String, _ severity: Severity, _ references: [RuleReference], _ bound: Bound, _ name: String,
        category: Rule.Category = .security, title: String, why: String, remedy: String
    ) -> Check<WorkloadSubject> {
        let rule = Rule(id, severity, references, category: category, title: title, why: why, remedy: remedy)
        return Check(rule) { subject, report in
            let defaults = subject.context.containerDefaults
            let namespace = subject.object.namespace
            let isDefaulted =
                bound == .limit ? defaults.hasLimit(name, in: namespace) : defaults.hasRequest(name, in: namespace)
            if isDefaulted || has(bound, name, subject.spec.node["resources"]) { return }
            for container in subject.startedContainers where !has(bound, name, container.node["resources"]) {
                let field = bound == .limit ? "limits" : "requests"
                report.fail(
                    missing: container.node["resources"][field][name], in: subject,
                    "\(container.phrase) has no \(name) \(bound == .limit ? "limit" : "request")")
            }
        }
    }

    private static func has(_ bound: Bound, _ name: String, _ resources: Node) -> Bool {
        !resources["limits"][name].isNull || (bound == .request && !resources["requests"][name].isNull)
    }
}
