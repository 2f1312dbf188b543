import Findings

extension PodSecurityCheck {
    /// Since v1.35 a pod with a user namespace of its own may unmask /proc.
    static let procMount = PodSecurityCheck(
        id: .procMount, level: .baseline, rules: [.unmaskedProc],
        editions: [
            Edition(since: 0) { evaluate($0, .procMount) },
            Edition(since: 35) { $0.hasUserNamespace ? nil : evaluate($0, .procMount) },
        ])

    /// Holds for every pod, as the baseline check did before v1.35.
    static let procMountRestricted = PodSecurityCheck(
        id: .procMountRestricted, level: .restricted, rules: [.unmaskedProc],
        editions: [Edition(since: 35, replaces: [.procMount]) { evaluate($0, .procMountRestricted) }])

    private static func evaluate(_ pod: PodSecurityInput, _ check: ID) -> PodSecurityViolation? {
        let bad = pod.containers.filter(\.securityContext.changesProcMount)
        guard !bad.isEmpty else { return nil }
        let places = bad.map { container -> PodSecurityViolation.Place in
            let node = container.node["securityContext"]["procMount"]
            let name = GoText.quoted(container.name)
            return .init(
                node: node, rule: .unmaskedProc, message: "container \(name) sets procMount \(node.string ?? "")")
        }
        let values = GoText.sortedSet(places.map { $0.node.string ?? "" })
        return PodSecurityViolation(
            check: check, reason: "procMount",
            detail: "\(GoText.named("container", bad.map(\.name))) must not set securityContext.procMount to "
                + GoText.quotedList(values),
            places: places)
    }
}

extension Rule {
    static let unmaskedProc = Rule(
        "pod/unmasked-proc", .high, [.pss("baseline"), .nsa("pod-hardening"), .attack("T1611")],
        title: "A container sees /proc without the runtime's masks",
        why: "Parts of /proc change the node's kernel or show its memory; runtimes mask them for that reason.",
        remedy: "Remove `procMount`.")
}
