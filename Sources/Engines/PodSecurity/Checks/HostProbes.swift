import Findings

extension PodSecurityCheck {
    static let hostProbes = PodSecurityCheck(
        id: .hostProbes, level: .baseline, rules: [.probeHost], editions: [Edition(since: 34, evaluate: evaluate)])

    private static func evaluate(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        let bad = pod.containers.filter(\.hasProbeHost)
        guard !bad.isEmpty else { return nil }
        var places: [PodSecurityViolation.Place] = []
        for container in bad {
            for host in container.probeHosts {
                let name = GoText.quoted(container.name)
                let message = "container \(name) has the kubelet call \(GoText.quoted(host.string ?? ""))"
                places.append(.init(node: host, rule: .probeHost, message: message))
            }
        }
        // Unlike the other checks, names are a sorted set here.
        let names = GoText.sortedSet(bad.map(\.name))
        let hosts = GoText.sortedSet(places.compactMap(\.node.string))
        return PodSecurityViolation(
            check: .hostProbes, reason: "probe or lifecycle host",
            detail: "\(GoText.named("container", names)) \(names.count == 1 ? "uses" : "use") "
                + GoText.named("probe or lifecycle host", hosts),
            places: places)
    }
}

extension Rule {
    static let probeHost = Rule(
        "pod/probe-host", .medium, [.pss("baseline"), .nsa("pod-pss")],
        title: "A probe or lifecycle handler names a host",
        why: """
            The kubelet makes the call from the node, so whoever may write pods uses it to reach what only nodes \
            reach: loopback services and cloud metadata (server-side request forgery).
            """,
        remedy: "Remove `host`; probes then call the pod itself. Set a `Host` header for virtual hosts.")
}
