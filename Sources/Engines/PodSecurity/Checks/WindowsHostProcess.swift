import Findings

extension PodSecurityCheck {
    static let windowsHostProcess = PodSecurityCheck(
        id: .windowsHostProcess, level: .baseline, rules: [.hostProcess],
        editions: [Edition(since: 0, evaluate: evaluate)])

    private static func evaluate(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        let setters = Setters(pod, where: \.hostProcess)
        guard !setters.isEmpty else { return nil }
        return PodSecurityViolation(
            check: .windowsHostProcess, reason: "hostProcess",
            detail: "\(setters.text) must not set securityContext.windowsOptions.hostProcess=true",
            places: setters.fields(in: pod) { $0["windowsOptions"]["hostProcess"] }.map {
                .init(node: $0.node, rule: .hostProcess, message: "\($0.who) runs as a process of the Windows node")
            })
    }
}

extension Rule {
    static let hostProcess = Rule(
        "pod/host-process", .critical, [.pss("baseline"), .cis("5.2.10"), .nsa("pod-pss"), .attack("T1611")],
        title: "A Windows container runs as a process of its node",
        why: "HostProcess containers are no containers: they have the files, network and accounts of the node.",
        remedy: "Remove `windowsOptions.hostProcess`.")
}
