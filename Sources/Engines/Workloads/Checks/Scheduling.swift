import Documents
import Findings
import Kubernetes

extension WorkloadChecks {
    static let controlPlanePlacement = Check<WorkloadSubject>(
        Rule(
            "workload/control-plane-placement", .medium,
            [.nsa("net-controlplane"), .attack("T1610"), .attack("T1611")],
            title: "A pod asks to run on the nodes of the control plane",
            why: """
                These nodes hold the cluster's keys and etcd's data. Whoever breaks out of a container there has the \
                cluster, not one node of it.
                """,
            remedy: "Take the node selector or affinity away, and run the workload on worker nodes.")
    ) { subject, report in
        let facts = SchedulingFacts.known
        for member in subject.spec.node["nodeSelector"].members
        where facts.isControlPlane(member.key, member.value.string ?? "") {
            report.fail(at: member.value, "selects nodes by label \(quoted: member.key)")
        }
        let required = subject.spec.node["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        // One term is enough for a node; only where every term names the control plane is there no other place.
        let terms = required["nodeSelectorTerms"].elements.map { term in
            term["matchExpressions"].elements.first { expression in
                switch expression["operator"].string {
                case "Exists": facts.isControlPlane(expression["key"].string ?? "", "")
                case "In":
                    expression["values"].strings.contains { facts.isControlPlane(expression["key"].string ?? "", $0) }
                default: false
                }
            }
        }
        if !terms.isEmpty, terms.allSatisfy({ $0 != nil }), let expression = terms.compactMap(\.self).first {
            report.fail(at: expression["key"], "requires nodes with label \(quoted: expression["key"].string ?? "")")
        }
        // A stored pod has been given its node by the scheduler.
        if !subject.isStoredPod, let name = subject.spec.node["nodeName"].string,
            let node = subject.context.inventory[
                ObjectKey(ObjectReference(group: "", kind: "Node", namespace: "", name: name))],
            node.labels.contains(where: { facts.isControlPlane($0.key, $0.value) })
        {
            report.fail(at: subject.spec.node["nodeName"], "names node \(quoted: name) of the control plane")
        }
    }

    static let broadToleration = Check<WorkloadSubject>(
        Rule(
            "workload/tolerates-every-taint", .medium, [.nsa("net-controlplane"), .attack("T1610")],
            title: "A pod tolerates every taint",
            why: """
                Taints keep workloads away from nodes of the control plane, of other tenants and from broken ones. \
                This pod goes to all of them, those that will be tainted tomorrow included.
                """,
            remedy: "Name the taints the pod has to live with, each by its key.",
        )
    ) { subject, report in
        for toleration in subject.spec.tolerations
        where toleration["operator"].equals("Exists") && (toleration["key"].string ?? "").isEmpty {
            let effect = toleration["effect"].string ?? ""
            report.fail(at: toleration, "tolerates every taint" + (effect.isEmpty ? "" : " of effect \(effect)"))
            // Agents of nodes have to run on all of them, and one effect alone opens less.
            let severity: Severity = subject.isDaemonSet || effect == "NoExecute" ? .low : .medium
            report.severity = max(report.severity ?? .info, severity)
        }
    }

    static let controlPlaneToleration = Check<WorkloadSubject>(
        Rule(
            "workload/tolerates-control-plane", .medium, [.nsa("net-controlplane"), .attack("T1610")],
            title: "A pod tolerates the taint of control plane nodes",
            why: """
                The scheduler may then put it beside the API server and etcd, where breaking out of a container means \
                having the cluster.
                """,
            remedy: "Take the toleration away unless the program manages those nodes.",
        )
    ) { subject, report in
        for toleration in subject.spec.tolerations {
            guard let key = toleration["key"].string, SchedulingFacts.known.controlPlaneTaints.contains(key),
                !toleration["effect"].equals("PreferNoSchedule")
            else { continue }
            report.fail(at: toleration["key"], "tolerates taint \(quoted: key)")
            report.severity = subject.isDaemonSet ? .low : .medium
        }
    }

    static let systemPriority = Check<WorkloadSubject>(
        Rule(
            "workload/system-priority", .medium, [.nsa("net-resources"), .attack("T1499")],
            title: "A workload takes the priority of Kubernetes' own components",
            why: """
                When a node is full, pods of lower priority are evicted to make room for this one: it can push aside \
                every other workload, and it competes with DNS and the network itself.
                """,
            remedy: "Make a PriorityClass of your own, below 1000000000, and name it.")
    ) { subject, report in
        let name = subject.spec.node["priorityClassName"]
        guard let text = name.string, SchedulingFacts.known.systemPriorityClasses.contains(text) else { return }
        let namespace = subject.object.namespace
        // A file that names no namespace may be meant for kube-system.
        guard !namespace.isEmpty, !SchedulingFacts.known.systemNamespaces.contains(namespace),
            SystemIdentities.known.owner(of: subject.object.name, in: namespace, running: subject.spec) == nil
        else { return }
        report.fail(at: name, "has priority class \(quoted: text) outside kube-system")
        if subject.isDaemonSet { report.severity = .low }
    }
}
