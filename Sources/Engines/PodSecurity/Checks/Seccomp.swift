import Documents
import Findings

extension PodSecurityCheck {
    /// Annotations until v1.18, fields since.
    static let seccompBaseline = PodSecurityCheck(
        id: .seccompBaseline, level: .baseline, rules: [.unconfinedSeccomp],
        editions: [
            Edition(since: 0, evaluate: evaluateAnnotations),
            Edition(since: 19) { unconfined($0, .seccompBaseline) },
        ])

    /// Windows has no seccomp; its pods pass since v1.25.
    static let seccompRestricted = PodSecurityCheck(
        id: .seccompRestricted, level: .restricted, rules: [.unconfinedSeccomp, .missingSeccomp],
        editions: [
            Edition(since: 19, replaces: [.seccompBaseline], evaluate: evaluateRestricted),
            Edition(since: 25, replaces: [.seccompBaseline]) { $0.isWindows ? nil : evaluateRestricted($0) },
        ])

    private static func evaluateAnnotations(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        guard !pod.profileAnnotations.isEmpty else { return nil }
        let containers = Set(pod.containers.map { SeccompAnnotation.containerPrefix + $0.name })
        let bad = pod.profileAnnotations.filter { annotation in
            guard annotation.key == SeccompAnnotation.pod || containers.contains(annotation.key) else {
                return false
            }
            let value = annotation.value.string ?? ""
            return value != "runtime/default" && value != "docker/default" && !value.hasPrefix("localhost/")
        }
        guard !bad.isEmpty else { return nil }
        let texts = GoText.sortedSet(bad.map { "\($0.key)=\(GoText.quoted($0.value.string ?? ""))" })
        return PodSecurityViolation(
            check: .seccompBaseline, reason: "seccompProfile",
            detail: "forbidden \(GoText.plural("annotation", texts.count)) \(texts.joined(separator: ", "))",
            places: bad.map {
                .init(
                    node: $0.value, rule: .unconfinedSeccomp,
                    message: "an annotation sets seccomp profile \(GoText.quoted($0.value.string ?? ""))")
            })
    }

    private static func unconfined(_ pod: PodSecurityInput, _ check: ID) -> PodSecurityViolation? {
        let setters = Setters(pod) { $0.seccomp == .unconfined }
        guard !setters.isEmpty else { return nil }
        let fields = setters.fields(in: pod) { $0["seccompProfile"]["type"] }
        let values = GoText.sortedSet(fields.map { $0.node.string ?? "" })
        return PodSecurityViolation(
            check: check, reason: "seccompProfile",
            detail: "\(setters.text) must not set securityContext.seccompProfile.type to \(GoText.quotedList(values))",
            places: fields.map {
                .init(
                    node: $0.node, rule: .unconfinedSeccomp,
                    message: "\($0.who) sets seccomp profile \(GoText.quoted($0.node.string ?? ""))")
            })
    }

    /// A bad value anywhere hides what is missing elsewhere, as upstream has it.
    private static func evaluateRestricted(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        if let violation = unconfined(pod, .seccompRestricted) { return violation }
        guard pod.securityContext.seccomp == .unset else { return nil }
        let bad = pod.containers.filter { $0.securityContext.seccomp == .unset }
        guard !bad.isEmpty else { return nil }
        return PodSecurityViolation(
            check: .seccompRestricted, reason: "seccompProfile",
            detail: "pod or \(GoText.named("container", bad.map(\.name))) must set "
                + "securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"",
            places: bad.map {
                .init(
                    node: $0.node["securityContext"]["seccompProfile"]["type"], rule: .missingSeccomp,
                    message: "container \(GoText.quoted($0.name)) has no seccomp profile")
            })
    }
}

extension Rule {
    static let unconfinedSeccomp = Rule(
        "pod/unconfined-seccomp", .high, [.pss("baseline"), .nsa("pod-hardening"), .attack("T1611")],
        title: "A container turns seccomp off",
        why: """
            Every system call of the kernel is then open to it, the ones of most container escapes (unshare, mount, \
            keyctl, bpf, io_uring) among them.
            """,
        remedy: "Set `securityContext.seccompProfile.type: RuntimeDefault`, or `Localhost` with a profile of its own.")

    static let missingSeccomp = Rule(
        "pod/missing-seccomp", .medium, [.pss("restricted"), .nsa("pod-hardening"), .attack("T1611")],
        title: "A container has no seccomp profile",
        why: """
            Unless the kubelet runs with `seccompDefault`, a container without a profile may make every system call \
            the kernel has.
            """,
        remedy: "Set `securityContext.seccompProfile.type: RuntimeDefault` on the pod.")
}
