import Findings

extension PodSecurityCheck {
    static let privileged = PodSecurityCheck(
        id: .privileged, level: .baseline, rules: [.privileged], editions: [Edition(since: 0, evaluate: evaluate)])

    private static func evaluate(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        let bad = pod.containers.filter(\.securityContext.privileged)
        guard !bad.isEmpty else { return nil }
        return PodSecurityViolation(
            check: .privileged, reason: "privileged",
            detail: "\(GoText.named("container", bad.map(\.name))) must not set securityContext.privileged=true",
            places: bad.map {
                .init(
                    node: $0.node["securityContext"]["privileged"], rule: .privileged,
                    message: "container \(GoText.quoted($0.name)) runs privileged")
            })
    }
}

extension Rule {
    static let privileged = Rule(
        "pod/privileged", .critical,
        [.pss("baseline"), .cis("5.2.2"), .nsa("pod-pss"), .attack("T1611"), .attack("T1610")],
        title: "A container runs privileged",
        why: """
            A privileged container has every capability and every device of the node and no seccomp, AppArmor or \
            SELinux confinement: whoever gets into it has the node, and with it every pod there.
            """,
        remedy: """
            Remove `privileged: true`. Where a container needs one thing of the host, add the one capability or use \
            a device plugin for the one device.
            """)
}
