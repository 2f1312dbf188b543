import Findings

extension PodSecurityCheck {
    static let hostNamespaces = PodSecurityCheck(
        id: .hostNamespaces, level: .baseline, rules: [.hostNetwork, .hostPID, .hostIPC],
        editions: [Edition(since: 0, evaluate: evaluate)])

    private static func evaluate(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        guard pod.hostNetwork || pod.hostPID || pod.hostIPC else { return nil }
        let shared = [
            ("hostNetwork", pod.hostNetwork, Rule.hostNetwork, "the pod uses the network of its node"),
            ("hostPID", pod.hostPID, Rule.hostPID, "the pod sees the processes of its node"),
            ("hostIPC", pod.hostIPC, Rule.hostIPC, "the pod shares memory and semaphores with its node"),
        ].filter(\.1)
        return PodSecurityViolation(
            check: .hostNamespaces, reason: "host namespaces",
            detail: shared.map { "\($0.0)=true" }.joined(separator: ", "),
            places: shared.map { .init(node: pod.spec[$0.0], rule: $0.2, message: $0.3) })
    }
}

extension Rule {
    static let hostNetwork = Rule(
        "pod/host-network", .high, [.pss("baseline"), .cis("5.2.5"), .nsa("pod-pss"), .attack("T1611")],
        title: "A pod uses the network of its node",
        why: """
            It can listen on every address of the node, reach what listens on the node's loopback (kubelet, etcd, \
            metadata services) and sniff traffic, and no NetworkPolicy applies to it.
            """,
        remedy: "Remove `hostNetwork: true`; offer ports through a Service.")

    static let hostPID = Rule(
        "pod/host-pid", .high, [.pss("baseline"), .cis("5.2.3"), .nsa("pod-pss"), .attack("T1611")],
        title: "A pod sees the processes of its node",
        why: """
            It reads the command lines and environments of every process on the node, secrets among them, and with \
            the same user can signal or trace them; with a privileged container it is one `nsenter` from root.
            """,
        remedy: "Remove `hostPID: true`. For containers of one pod, `shareProcessNamespace` is enough.")

    static let hostIPC = Rule(
        "pod/host-ipc", .high, [.pss("baseline"), .cis("5.2.4"), .nsa("pod-pss"), .attack("T1611")],
        title: "A pod shares inter-process memory with its node",
        why: "It reads and writes the shared memory and semaphores of every process on the node that uses them.",
        remedy: "Remove `hostIPC: true`. Containers of one pod share memory without it.")
}
