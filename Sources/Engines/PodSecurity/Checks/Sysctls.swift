import Documents
import Findings

extension PodSecurityCheck {
    static let sysctls = PodSecurityCheck(
        id: .sysctls, level: .baseline, rules: [.unsafeSysctl],
        editions: safeSysctls.indices.map { index in
            let safe = safeSysctls[...index].flatMap(\.names)
            return Edition(since: safeSysctls[index].since) { evaluate($0, safe: safe) }
        })

    /// Sysctls that stay within the pod, by the version that first allows them.
    private static let safeSysctls: [(since: Int, names: [String])] = [
        (
            0,
            [
                "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
                "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
            ]
        ),
        (27, ["net.ipv4.ip_local_reserved_ports"]),
        (
            29,
            [
                "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
                "net.ipv4.tcp_keepalive_probes",
            ]
        ),
        (32, ["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"]),
        (37, ["net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat"]),
    ]

    private static func evaluate(_ pod: PodSecurityInput, safe: [String]) -> PodSecurityViolation? {
        guard !pod.sysctls.isEmpty else { return nil }
        let bad = pod.sysctls.map { $0["name"] }.filter { !safe.contains(where: $0.equals) }
        guard !bad.isEmpty else { return nil }
        return PodSecurityViolation(
            check: .sysctls, reason: "forbidden sysctls",
            detail: bad.map { $0.string ?? "" }.joined(separator: ", "),
            places: bad.map {
                .init(node: $0, rule: .unsafeSysctl, message: "the pod sets sysctl \(GoText.quoted($0.string ?? ""))")
            })
    }
}

extension Rule {
    static let unsafeSysctl = Rule(
        "pod/unsafe-sysctl", .medium, [.pss("baseline"), .nsa("pod-hardening")],
        title: "A pod sets a sysctl that reaches beyond it",
        why: "Such settings change the kernel for the node or for other pods; kubelets refuse them unless told not to.",
        remedy: "Remove the sysctl, or set it on the nodes that need it.")
}
