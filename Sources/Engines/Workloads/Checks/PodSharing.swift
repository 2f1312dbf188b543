import Documents
import Findings
import Kubernetes

extension WorkloadChecks {
    static let sharedProcesses = Check<WorkloadSubject>(
        Rule(
            "workload/shared-processes", .low, [.nsa("pod-hardening"), .attack("T1552.001")],
            title: "The containers of a pod see each other's processes",
            why: """
                Each container can then signal the others' processes and, as the same user, read their environment, \
                memory and files by way of /proc.
                """,
            remedy: "Leave shareProcessNamespace out; to debug, add an ephemeral container with a target.")
    ) { subject, report in
        let field = subject.spec.node["shareProcessNamespace"]
        let running = subject.containers.filter(\.isLongRunning)
        guard field.bool == true, running.count > 1 else { return }
        report.fail(at: field, "lets \(running.count) containers see each other's processes")
    }

    static let hostAliases = Check<WorkloadSubject>(
        Rule(
            "workload/host-aliases", .low, [.nsa("net-policies")],
            title: "A pod has addresses of its own for names",
            why: """
                Entries in /etc/hosts come before DNS: traffic for these names goes where the manifest says, unseen \
                by whoever watches DNS, and stays there when the address has moved on to somebody else.
                """,
            remedy: "Use a Service, an ExternalName Service or the DNS of the zone.")
    ) { subject, report in
        for alias in subject.spec.node["hostAliases"].elements {
            let names = alias["hostnames"].strings.map { "\(quoted: $0)" }.joined(separator: ", ")
            report.fail(at: alias, "sends \(names) to \(alias["ip"].string ?? "")")
        }
    }

    static let refusedSysctl = Check<WorkloadSubject>(
        Rule(
            "workload/refused-sysctl", .low, [.nsa("pod-hardening")], category: .hygiene,
            title: "A pod sets a kernel parameter that the node refuses",
            why: """
                A parameter without a namespace is the whole node's, and one of a namespace that the pod shares with \
                the node is the node's too. The kubelet does not start such a pod.
                """,
            remedy:
                "Set the parameter on the node, or leave it out; parameters of a namespace need one of the pod's own.")
    ) { subject, report in
        let facts = SysctlFacts.known
        let target = subject.context.options.target
        for entry in subject.spec.securityContext["sysctls"].elements {
            guard let name = entry["name"].string else { continue }
            switch facts.standing(of: name, on: target, subject.spec) {
            case .accepted, .left: continue
            case .refused(let reason): report.fail(at: entry["name"], "sets \(quoted: name), \(reason)")
            }
        }
    }
}
