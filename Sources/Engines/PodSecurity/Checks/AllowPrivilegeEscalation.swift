import Findings

extension PodSecurityCheck {
    /// The field came with v1.8; Windows does not have it and its pods pass since v1.25.
    static let allowPrivilegeEscalation = PodSecurityCheck(
        id: .allowPrivilegeEscalation, level: .restricted, rules: [.privilegeEscalation],
        editions: [
            Edition(since: 8, evaluate: evaluate),
            Edition(since: 25) { $0.isWindows ? nil : evaluate($0) },
        ])

    private static func evaluate(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        let bad = pod.containers.filter { $0.securityContext.allowPrivilegeEscalation != false }
        guard !bad.isEmpty else { return nil }
        return PodSecurityViolation(
            check: .allowPrivilegeEscalation, reason: "allowPrivilegeEscalation != false",
            detail:
                "\(GoText.named("container", bad.map(\.name))) must set securityContext.allowPrivilegeEscalation=false",
            places: bad.map {
                .init(
                    node: $0.node["securityContext"]["allowPrivilegeEscalation"], rule: .privilegeEscalation,
                    message: "processes of container \(GoText.quoted($0.name)) may gain privileges")
            })
    }
}

extension Rule {
    static let privilegeEscalation = Rule(
        "pod/privilege-escalation", .medium,
        [.pss("restricted"), .cis("5.2.6"), .nsa("pod-pss"), .attack("T1068")],
        title: "A container's processes may gain privileges",
        why: """
            Unless `allowPrivilegeEscalation` is false, a set-user-ID program in the image makes a process root \
            again, whatever user the container started as.
            """,
        remedy: "Set `securityContext.allowPrivilegeEscalation: false`.")
}
