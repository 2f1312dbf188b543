import Documents
import Findings
import Kubernetes

/// Off unless asked for: these are about staying up, not about keeping others out.
extension WorkloadChecks {
    static let noLivenessProbe = probe(
        "workload/no-liveness-probe", .info, "livenessProbe",
        title: "Nothing notices when a container hangs",
        why: "A program that hangs without ending is not restarted; it stays as it is until a person sees it.",
        remedy: "Add a livenessProbe that fails only when a restart would help.")

    static let noReadinessProbe = probe(
        "workload/no-readiness-probe", .low, "readinessProbe",
        title: "A container gets traffic before it can serve it",
        why: "Without the probe a pod is in its Services from its first moment, and stays there when it cannot answer.",
        remedy: "Add a readinessProbe that asks what callers will ask.")

    private static func probe(
        _ id: String, _ severity: Severity, _ field: String, title: String, why: String, remedy: String
    ) -> Check<WorkloadSubject> {
        let rule = Rule(id, severity, [], category: .reliability, title: title, why: why, remedy: remedy)
        return Check(rule) { subject, report in
            // Knative fills a readiness probe in and keeps the pod's life itself.
            guard subject.isLongRunning, subject.object.apiVersion.group != "serving.knative.dev" else {
                return report.notApplicable()
            }
            for container in subject.containers where container.role == .regular && container.node[field].isNull {
                report.fail(missing: container.node[field], in: subject, "\(container.phrase) has no \(field)")
            }
        }
    }

    static let nakedPod = Check<WorkloadSubject>(
        Rule(
            "workload/naked-pod", .low, [], category: .reliability,
            title: "A pod has no controller",
            why: "When its node goes, or the pod is evicted, nothing starts it again.",
            remedy: "Put it into a Deployment, a StatefulSet or a Job.")
    ) { subject, report in
        guard subject.object.is("Pod"), subject.isLongRunning, !subject.isMirrorPod else {
            return report.notApplicable()
        }
        guard subject.object.controller == nil else { return }
        report.fail(at: subject.object.metadata["name"], "has no controller")
    }

    static let singleReplica = Check<WorkloadSubject>(
        Rule(
            "workload/single-replica", .info, [], category: .reliability,
            title: "A workload has one replica",
            why: "Every drain, crash or update of its one pod is an outage.",
            remedy: "Run two or more replicas, or say in a waiver why there must be one.")
    ) { subject, report in
        let availability = subject.context.availability
        guard subject.incompleteness == nil, !availability.isScaled(subject.object),
            let replicas = availability.replicas(of: subject.object)
        else {
            return report.notApplicable()
        }
        guard replicas == 1 else { return }
        report.fail(at: subject.object.node["spec"]["replicas"], "runs one pod")
    }

    static let noDisruptionBudget = Check<WorkloadSubject>(
        Rule(
            "workload/no-disruption-budget", .low, [], category: .reliability,
            title: "A drain may take all replicas of a workload at once",
            why: "Without a PodDisruptionBudget an upgrade that drains nodes may stop every pod in the same minute.",
            remedy: "Add a PodDisruptionBudget with maxUnavailable: 1.")
    ) { subject, report in
        guard subject.incompleteness == nil,
            let replicas = subject.context.availability.replicas(of: subject.object), replicas > 1
        else {
            return report.notApplicable()
        }
        let budgets = subject.context.availability.budgets(for: subject.spec.labels, in: subject.object.namespace)
        guard budgets.isEmpty else { return }
        guard !subject.context.options.unlistedKinds.contains("PodDisruptionBudget") else {
            return report.notObservable(
                at: subject.spec.node, "PodDisruptionBudget objects could not be listed")
        }
        report.fail(at: subject.object.node["spec"]["replicas"], "has \(replicas) replicas and no PodDisruptionBudget")
    }

    static let noSpread = Check<WorkloadSubject>(
        Rule(
            "workload/no-spread", .info, [], category: .reliability,
            title: "The replicas of a workload may all run on one node",
            why: "The scheduler spreads pods only as far as it is convenient; the loss of one node can be an outage.",
            remedy: "Add topologySpreadConstraints, or podAntiAffinity by kubernetes.io/hostname.")
    ) { subject, report in
        guard subject.incompleteness == nil,
            let replicas = subject.context.availability.replicas(of: subject.object), replicas > 1
        else {
            return report.notApplicable()
        }
        let spec = subject.spec.node
        let antiAffinity = spec["affinity"]["podAntiAffinity"]
        guard spec["topologySpreadConstraints"].isEmpty,
            antiAffinity["requiredDuringSchedulingIgnoredDuringExecution"].isEmpty,
            antiAffinity["preferredDuringSchedulingIgnoredDuringExecution"].isEmpty
        else { return }
        report.fail(at: spec["topologySpreadConstraints"], "has \(replicas) replicas and nothing that keeps them apart")
    }

    static let overlappingRuns = Check<WorkloadSubject>(
        Rule(
            "cronjob/overlapping-runs", .info, [], category: .reliability,
            title: "A run of a CronJob may start while the last one goes on",
            why: "Runs that take longer than their interval pile up until the node or what they work on gives in.",
            remedy: "Set concurrencyPolicy to Forbid or Replace.")
    ) { subject, report in
        guard subject.object.is("CronJob", of: "batch") else { return report.notApplicable() }
        let policy = subject.object.node["spec"]["concurrencyPolicy"]
        guard policy.isNull || policy.equals("Allow") || policy.equals("") else { return }
        report.fail(at: policy, "lets runs overlap")
    }

    static let noFailureHistory = Check<WorkloadSubject>(
        Rule(
            "cronjob/no-failure-history", .info, [], category: .reliability,
            title: "A CronJob keeps nothing of a run that failed",
            why: "The pods and their logs are gone before anyone can see why the run failed.",
            remedy: "Let failedJobsHistoryLimit be 1, the default, or more."),
        fix: { _, evidence in [PatchOperation(.remove, evidence.path)] }
    ) { subject, report in
        guard subject.object.is("CronJob", of: "batch") else { return report.notApplicable() }
        let limit = subject.object.node["spec"]["failedJobsHistoryLimit"]
        guard limit.int == 0 else { return }
        report.fail(at: limit, "keeps no failed Job")
    }

    static let blockedDrain = Check<ObjectSubject>(
        Rule(
            "budget/blocks-drains", .low, [], category: .reliability,
            title: "A PodDisruptionBudget allows no disruption at all",
            why: "No node with such a pod can be drained: upgrades and security patches of nodes stand still.",
            remedy: "Let one pod go at a time: maxUnavailable: 1, with two or more replicas.")
    ) { subject, report in
        let spec = subject.node["spec"]
        let (most, least) = (spec["maxUnavailable"], spec["minAvailable"])
        if most.int == 0 || most.equals("0%") || most.equals("0") {
            return report.fail(at: most, "lets no pod go")
        }
        if least.equals("100%") { return report.fail(at: least, "needs every pod") }
        guard let needed = least.int, needed > 0, let selector = LabelSelector(spec["selector"]) else { return }
        let replicas = subject.replicas(selector)
        guard !replicas.isEmpty, replicas.reduce(0, +) <= needed else { return }
        report.fail(at: least, "needs \(needed) of \(replicas.reduce(0, +)) pods")
    }
}

extension ObjectSubject {
    /// The replicas of each workload that the selector matches; nothing where one's number is not known.
    fileprivate func replicas(_ selector: LabelSelector) -> [Int] {
        var out: [Int] = []
        for kind in Availability.replicatedKinds {
            for workload in context.inventory.objects(kind.name, of: kind.group, in: object.namespace)
            where workload.controller == nil {
                guard let template = workload.podTemplate, selector.matches(template.spec.labels) else { continue }
                guard let replicas = context.availability.replicas(of: workload),
                    !context.availability.isScaled(workload)
                else { return [] }
                out.append(replicas)
            }
        }
        return out
    }
}
