import Findings

extension PodSecurityCheck {
    static let hostPath = PodSecurityCheck(
        id: .hostPath, level: .baseline, rules: [.hostPath], editions: [Edition(since: 0, evaluate: evaluate)])

    private static func evaluate(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        let bad = pod.volumes.filter(\.hasHostPath)
        guard !bad.isEmpty else { return nil }
        return PodSecurityViolation(
            check: .hostPath, reason: "hostPath volumes", detail: GoText.named("volume", bad.map(\.name)),
            places: bad.map(hostPathPlace))
    }

    static func hostPathPlace(_ volume: VolumeInput) -> PodSecurityViolation.Place {
        let node = volume.node["hostPath"]
        let path = node["path"].string.map { " \(GoText.quoted($0))" } ?? ""
        return .init(
            node: node, rule: .hostPath,
            message: "volume \(GoText.quoted(volume.name)) is the directory\(path) of the node")
    }
}

extension Rule {
    static let hostPath = Rule(
        "pod/host-path", .high,
        [.pss("baseline"), .cis("5.2.11"), .nsa("pod-pss"), .attack("T1611")],
        title: "A pod mounts a directory of its node",
        why: """
            Files of the node hold the credentials of the kubelet and of every pod on it; one writable path is \
            enough to run code on the node. Mounted read-only they can still be read, and logs under /var/log \
            lead out of their directory by links.
            """,
        remedy: "Use a volume of its own kind: `persistentVolumeClaim`, `emptyDir`, `configMap`, `projected` or `csi`.")
}
