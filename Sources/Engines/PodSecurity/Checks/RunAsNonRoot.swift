import Findings

extension PodSecurityCheck {
    /// Since v1.35 a pod with a user namespace of its own may run as root, which is nobody on the node.
    static let runAsNonRoot = PodSecurityCheck(
        id: .runAsNonRoot, level: .restricted, rules: [.rootAllowed],
        editions: [
            Edition(since: 0, evaluate: evaluate),
            Edition(since: 35) { $0.hasUserNamespace ? nil : evaluate($0) },
        ])

    /// An explicit false anywhere hides what is missing elsewhere, as upstream has it.
    private static func evaluate(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        let setters = Setters(pod) { $0.runAsNonRoot == false }
        if !setters.isEmpty {
            return PodSecurityViolation(
                check: .runAsNonRoot, reason: "runAsNonRoot != true",
                detail: "\(setters.text) must not set securityContext.runAsNonRoot=false",
                places: setters.fields(in: pod) { $0["runAsNonRoot"] }.map {
                    .init(node: $0.node, rule: .rootAllowed, message: "\($0.who) allows root")
                })
        }
        guard pod.securityContext.runAsNonRoot == nil else { return nil }
        let bad = pod.containers.filter { $0.securityContext.runAsNonRoot == nil }
        guard !bad.isEmpty else { return nil }
        return PodSecurityViolation(
            check: .runAsNonRoot, reason: "runAsNonRoot != true",
            detail: "pod or \(GoText.named("container", bad.map(\.name))) must set securityContext.runAsNonRoot=true",
            places: bad.map {
                .init(
                    node: $0.node["securityContext"]["runAsNonRoot"], rule: .rootAllowed,
                    message: "container \(GoText.quoted($0.name)) may run as root")
            })
    }
}

extension Rule {
    static let rootAllowed = Rule(
        "pod/root-allowed", .medium,
        [.pss("restricted"), .cis("5.2.7"), .nsa("pod-nonroot"), .attack("T1611")],
        title: "A container may run as root",
        why: """
            Root in a container is root to the kernel: with a bug in the runtime or a mounted file of the node it is \
            root there too. Whether the image starts as root cannot be seen in a manifest; the kubelet refuses it \
            only when told to.
            """,
        remedy: "Set `securityContext.runAsNonRoot: true` on the pod, and a numeric `runAsUser` or `USER` in the image."
    )
}
