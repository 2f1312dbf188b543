import Findings

extension PodSecurityCheck {
    static let hostProbes = PodSecurityCheck(
        id: .hostProbes, level: .baseline, rules: [.probeHost], editions: [Edition(since: 34, evaluate: evaluate)])

    private static func evaluate(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        let bad = pod.containers.filter(\.hasProbeHost)
        guard !bad.isEmpty else { return nil }
        return PodSecurityViolation(
            check: .hostProbes, reason: "probe or lifecycle host", detail: detail(bad),
            places: bad.flatMap { container in
                container.probeHosts.map { host in
                    let name = GoText.quoted(container.name)
                    let message = "container \(name) has the kubelet call \(GoText.quoted(host.string ?? ""))"
                    return .init(node: host, rule: .probeHost, message: message)
                }
            })
    }

    private static func detail(_ containers: [ContainerInput]) -> String {
        // Unlike the other checks, names are a sorted set here.
        let names = GoText.sortedSet(containers.map(\.name))
        let hosts = GoText.sortedSet(containers.flatMap(\.probeHosts).compactMap(\.string))
        return "\(GoText.named("container", names)) \(names.count == 1 ? "uses" : "use") "
            + GoText.named("probe or lifecycle host", hosts)
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
