import Findings

extension PodSecurityCheck {
    /// Since v1.35 a pod with a user namespace of its own may run as root, which is nobody on the node.
    static let runAsUser = PodSecurityCheck(
        id: .runAsUser, level: .restricted, rules: [.rootUser],
        editions: [
            Edition(since: 23, evaluate: evaluate),
            Edition(since: 35) { $0.hasUserNamespace ? nil : evaluate($0) },
        ])

    private static func evaluate(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        let setters = Setters(pod, where: \.runsAsRoot)
        guard !setters.isEmpty else { return nil }
        return PodSecurityViolation(
            check: .runAsUser, reason: "runAsUser=0", detail: "\(setters.text) must not set runAsUser=0",
            places: setters.fields(in: pod) { $0["runAsUser"] }.map {
                .init(node: $0.node, rule: .rootUser, message: "\($0.who) runs as user 0")
            })
    }
}

extension Rule {
    static let rootUser = Rule(
        "pod/root-user", .medium, [.pss("restricted"), .cis("5.2.7"), .nsa("pod-nonroot"), .attack("T1611")],
        title: "A container is made to run as root",
        why: """
            Root in a container is root to the kernel: with a bug in the runtime or a mounted file of the node it is \
            root there too.
            """,
        remedy: "Set `runAsUser` to a number above 0 that the image's files allow, or remove it where the image says.")
}
