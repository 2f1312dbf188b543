import Documents
import Findings

/// Linux capabilities by what the levels say of them.
enum Capability {
    /// What container runtimes give anyway, NET_RAW left out.
    private static let granted = [
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
        "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    ]

    static func isDefault(_ node: Node) -> Bool { granted.contains(where: node.equals) }
}

extension PodSecurityCheck {
    static let capabilitiesBaseline = PodSecurityCheck(
        id: .capabilitiesBaseline, level: .baseline, rules: [.addedCapabilities],
        editions: [Edition(since: 0, evaluate: evaluateBaseline)])

    /// Windows has no capabilities; its pods pass since v1.25.
    static let capabilitiesRestricted = PodSecurityCheck(
        id: .capabilitiesRestricted, level: .restricted, rules: [.addedCapabilities, .keptCapabilities],
        editions: [
            Edition(since: 22, replaces: [.capabilitiesBaseline], evaluate: evaluateRestricted),
            Edition(since: 25, replaces: [.capabilitiesBaseline]) { $0.isWindows ? nil : evaluateRestricted($0) },
        ])

    private static func evaluateBaseline(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        let bad = pod.containers.filter { $0.securityContext.capabilities.contains(.addsBeyondDefault) }
        guard !bad.isEmpty else { return nil }
        return PodSecurityViolation(
            check: .capabilitiesBaseline, reason: "non-default capabilities",
            detail: adding(bad, beyondDefault(bad)), places: beyondDefault(bad))
    }

    private static func evaluateRestricted(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        let keeping = pod.containers.filter { !$0.securityContext.capabilities.contains(.dropsAll) }
        let bad = pod.containers.filter { $0.securityContext.capabilities.contains(.addsBeyondBinding) }
        guard !keeping.isEmpty || !bad.isEmpty else { return nil }
        return PodSecurityViolation(
            check: .capabilitiesRestricted, reason: "unrestricted capabilities",
            detail: [keepingText(keeping), adding(bad, beyondBinding(bad))].filter { !$0.isEmpty }
                .joined(separator: "; "),
            places: keeping.map {
                .init(
                    node: $0.node["securityContext"]["capabilities"]["drop"], rule: .keptCapabilities,
                    message: "container \(GoText.quoted($0.name)) does not drop all capabilities")
            } + beyondBinding(bad))
    }

    private static func keepingText(_ containers: [ContainerInput]) -> String {
        guard !containers.isEmpty else { return "" }
        let names = GoText.named("container", containers.map(\.name))
        return "\(names) must set securityContext.capabilities.drop=[\"ALL\"]"
    }

    private static func beyondBinding(_ containers: [ContainerInput]) -> [PodSecurityViolation.Place] {
        containers.flatMap { added($0) { !$0.equals("NET_BIND_SERVICE") } }
    }

    private static func beyondDefault(_ containers: [ContainerInput]) -> [PodSecurityViolation.Place] {
        containers.flatMap { added($0) { !Capability.isDefault($0) } }
    }

    private static func adding(_ containers: [ContainerInput], _ places: [PodSecurityViolation.Place]) -> String {
        guard !containers.isEmpty else { return "" }
        let values = GoText.sortedSet(places.map { $0.node.string ?? "" })
        return "\(GoText.named("container", containers.map(\.name))) must not include "
            + "\(GoText.quotedList(values)) in securityContext.capabilities.add"
    }

    private static func added(
        _ container: ContainerInput, where isBad: (Node) -> Bool
    ) -> [PodSecurityViolation.Place] {
        container.node["securityContext"]["capabilities"]["add"].elements.filter(isBad).map {
            .init(
                node: $0, rule: Capability.isDefault($0) ? .keptCapabilities : .addedCapabilities,
                message: "container \(GoText.quoted(container.name)) adds capability \($0.string ?? "")")
        }
    }
}

extension Rule {
    static let addedCapabilities = Rule(
        "pod/added-capabilities", .high,
        [.pss("baseline"), .cis("5.2.9"), .nsa("pod-hardening"), .attack("T1611")],
        title: "A container adds capabilities beyond the runtime's own",
        why: """
            Capabilities are root in parts: SYS_ADMIN, SYS_MODULE, SYS_PTRACE, DAC_READ_SEARCH and BPF each lead out \
            of the container, NET_ADMIN and NET_RAW let it redirect and forge the traffic of its neighbours.
            """,
        remedy: "Drop `ALL` and add back at most `NET_BIND_SERVICE`; listen above port 1024 to need not even that.")

    static let keptCapabilities = Rule(
        "pod/kept-capabilities", .medium,
        [.pss("restricted"), .cis("5.2.8"), .cis("5.2.9"), .nsa("pod-hardening")],
        title: "A container keeps capabilities it could drop",
        why: """
            A runtime gives every container some fourteen capabilities, NET_RAW among them; few programs need one, \
            and each is a way for an attacker to go on once inside.
            """,
        remedy: "Set `securityContext.capabilities.drop: [\"ALL\"]` and add nothing but `NET_BIND_SERVICE`.")
}
