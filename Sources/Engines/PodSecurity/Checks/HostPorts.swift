import Documents
import Findings

extension PodSecurityCheck {
    static let hostPort = PodSecurityCheck(
        id: .hostPort, level: .baseline, rules: [.hostPort], editions: [Edition(since: 0, evaluate: evaluate)])

    private static func evaluate(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        let bad = pod.containers.filter(\.hasHostPort)
        guard !bad.isEmpty else { return nil }
        return PodSecurityViolation(
            check: .hostPort, reason: "hostPort", detail: detail(bad),
            places: bad.flatMap { container in
                opened(by: container).map {
                    .init(
                        node: $0.node, rule: .hostPort,
                        message: "container \(GoText.quoted(container.name)) opens port \($0.number) of the node")
                }
            })
    }

    private static func detail(_ containers: [ContainerInput]) -> String {
        // Sorted as texts: 443 stands before 80.
        let ports = GoText.sortedSet(containers.flatMap(opened).map { String($0.number) })
        return "\(GoText.named("container", containers.map(\.name))) \(containers.count == 1 ? "uses" : "use") "
            + "\(GoText.plural("hostPort", ports.count)) \(ports.joined(separator: ", "))"
    }

    private static func opened(by container: ContainerInput) -> [(node: Node, number: Int)] {
        container.node["ports"].elements.compactMap { port in
            if let number = port["hostPort"].int, number != 0 { return (port["hostPort"], number) }
            guard container.opensPorts, let number = port["containerPort"].int, number != 0 else { return nil }
            return (port["containerPort"], number)
        }
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
