import Findings

extension PodSecurityCheck {
    static let hostPort = PodSecurityCheck(
        id: .hostPort, level: .baseline, rules: [.hostPort], editions: [Edition(since: 0, evaluate: evaluate)])

    private static func evaluate(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        let bad = pod.containers.filter(\.hasHostPort)
        guard !bad.isEmpty else { return nil }
        var places: [PodSecurityViolation.Place] = []
        var ports: [String] = []
        for container in bad {
            for port in container.node["ports"].elements {
                var field = port["hostPort"]
                var number = field.int ?? 0
                if number == 0, container.opensPorts {
                    field = port["containerPort"]
                    number = field.int ?? 0
                }
                guard number != 0 else { continue }
                ports.append(String(number))
                let message = "container \(GoText.quoted(container.name)) opens port \(number) of the node"
                places.append(.init(node: field, rule: .hostPort, message: message))
            }
        }
        // Sorted as texts: 443 stands before 80.
        let distinct = GoText.sortedSet(ports)
        let verb = bad.count == 1 ? "uses" : "use"
        return PodSecurityViolation(
            check: .hostPort, reason: "hostPort",
            detail: "\(GoText.named("container", bad.map(\.name))) \(verb) "
                + "\(GoText.plural("hostPort", distinct.count)) \(distinct.joined(separator: ", "))",
            places: places)
    }
}

extension Rule {
    static let hostPort = Rule(
        "pod/host-port", .medium, [.pss("baseline"), .cis("5.2.12"), .nsa("pod-pss")],
        title: "A container asks for a port on the node itself",
        why: """
            The pod then answers on every address of the node, past any NetworkPolicy of a plug-in that does not see \
            it, and only one such pod fits on a node.
            """,
        remedy: "Remove `hostPort` and put a Service in front of the pod.")
}
