import Documents
import Findings
import Kubernetes

extension WorkloadChecks {
    static let externalIPs = Check<ObjectSubject>(
        Rule(
            "service/external-ips", .high, [.nsa("net-policies"), .attack("T1133"), .kubernetes("CVE-2020-8554")],
            title: "A Service takes the traffic of addresses it was not given",
            why: """
                Nothing checks that the addresses are the cluster's: every node sends traffic for them to this \
                Service, so that whoever may write Services can stand in the middle of connections to any address \
                (CVE-2020-8554).
                """,
            remedy: """
                Use a load balancer or an Ingress, and turn on the DenyServiceExternalIPs admission plugin.
                """)
    ) { subject, report in
        let addresses = subject.node["spec"]["externalIPs"]
        guard !addresses.isEmpty else { return }
        report.fail(at: addresses, "takes traffic for " + addresses.strings.joined(separator: ", "))
    }

    static let nodePort = Check<ObjectSubject>(
        Rule(
            "service/node-port", .low, [.nsa("net-policies"), .attack("T1133")],
            title: "A Service opens a port on every node",
            why: """
                Every address of every node answers on the port, the public ones too, past the rules of load \
                balancers and Ingresses.
                """,
            remedy: "Use a ClusterIP Service behind an Ingress or a Gateway.")
    ) { subject, report in
        let type = subject.node["spec"]["type"]
        guard type.equals("NodePort") else { return }
        report.fail(at: type, "opens a port on every node")
    }

    static let openLoadBalancer = Check<ObjectSubject>(
        Rule(
            "service/open-load-balancer", .medium, [.nsa("net-policies"), .attack("T1133"), .attack("T1190")],
            title: "A load balancer answers to every address",
            why: """
                Without source ranges the cloud's load balancer is open to the Internet, and what stands behind it is \
                found by scanners within minutes.
                """,
            remedy: """
                Set loadBalancerSourceRanges to the networks that need it, or make the load balancer internal by the \
                provider's annotation.
                """)
    ) { subject, report in
        let spec = subject.node["spec"]
        guard spec["type"].equals("LoadBalancer"), !Exposure.known.isInternal(subject.object) else { return }
        let annotations = subject.object.metadata["annotations"]
        if Exposure.known.sourceRangeAnnotations.contains(where: { !(annotations[$0].string ?? "").isEmpty }) { return }
        let ranges = spec["loadBalancerSourceRanges"]
        let open = ranges.elements.first { ["0.0.0.0/0", "::/0"].contains($0.string) }
        guard ranges.isEmpty || open != nil else { return }
        report.fail(at: open ?? (ranges.exists ? ranges : spec["type"]), "answers to every address")
        // What is on the web's own ports is most often there to be found.
        if spec["ports"].elements.allSatisfy({ [80, 443].contains($0["port"].int) }) { report.severity = .low }
    }

    static let exposedAdminPort = Check<ObjectSubject>(
        Rule(
            "service/exposed-admin-port", .high, [.nsa("net-policies"), .attack("T1133"), .attack("T1190")],
            title: "A port for administrators or of a database is reachable from outside",
            why: """
                Such ports give a shell, the data or the cluster to whoever guesses a password or knows the newest \
                hole; many ask for no password at all.
                """,
            remedy: """
                Make the Service ClusterIP and reach it by kubectl port-forward, a VPN or a bastion; where it must be \
                open, limit the source addresses.
                """)
    ) { subject, report in
        let spec = subject.node["spec"]
        let type = spec["type"].string ?? "ClusterIP"
        let hasExternal = !spec["externalIPs"].isEmpty
        guard type == "NodePort" || type == "LoadBalancer" || hasExternal else { return report.notApplicable() }
        let isInside = type == "LoadBalancer" && !hasExternal && Exposure.known.isInternal(subject.object)
        for port in spec["ports"].elements {
            let place = ["port", "targetPort"].lazy.compactMap { key -> (Node, Exposure.AdminPort)? in
                guard let number = port[key].int, let admin = Exposure.known.adminPorts[number],
                    admin.words.isEmpty || subject.isNamed(admin.words, port)
                else { return nil }
                return (port[key], admin)
            }.first
            guard let (node, admin) = place else { continue }
            let way = hasExternal && type == "ClusterIP" ? "external addresses" : type
            report.fail(
                at: node,
                "port \(admin.number) is that of \(admin.what), open by \(way)"
                    + (isInside ? " to the inner network" : ""))
            let severity = isInside ? min(admin.severity, .medium) : admin.severity
            report.severity = max(report.severity ?? .info, severity)
        }
    }
}

extension ObjectSubject {
    /// Whether one of the words is in the Service's name, in its selector or in the port's name.
    fileprivate func isNamed(_ words: [String], _ port: Node) -> Bool {
        let names =
            [object.name, port["name"].string ?? ""] + node["spec"]["selector"].members.compactMap(\.value.string)
        return words.contains { word in names.contains { $0.lowercased().contains(word) } }
    }
}
