import Documents
import Findings

/// SELinux types by what the levels say of them.
enum SELinuxType {
    /// Allowed since v1.31.
    static let engine = "container_engine_t"
    static func isAllowed(_ node: Node) -> Bool {
        node.equals("container_t") || node.equals("container_init_t") || node.equals("container_kvm_t")
    }
}

extension PodSecurityCheck {
    static let seLinux = PodSecurityCheck(
        id: .seLinux, level: .baseline, rules: [.seLinuxOptions],
        editions: [
            Edition(since: 0) { evaluate($0, forbidden: [.user, .role, .type, .engineType]) },
            Edition(since: 31) { evaluate($0, forbidden: [.user, .role, .type]) },
        ])

    private static func evaluate(
        _ pod: PodSecurityInput, forbidden: SecurityContextInput.SELinux
    ) -> PodSecurityViolation? {
        let setters = Setters(pod) { !$0.seLinux.isDisjoint(with: forbidden) }
        guard !setters.isEmpty else { return nil }
        var types: [String] = []
        var user = false
        var role = false
        var places: [PodSecurityViolation.Place] = []
        func note(_ who: String, _ field: Node, _ word: String) {
            let message = "\(who) sets SELinux \(word) \(GoText.quoted(field.string ?? ""))"
            places.append(.init(node: field, rule: .seLinuxOptions, message: message))
        }
        for (who, options) in setters.fields(in: pod, { $0["seLinuxOptions"] }) {
            let type = options["type"]
            let isEngine = type.equals(SELinuxType.engine) && !forbidden.contains(.engineType)
            if type.textLength > 0, !SELinuxType.isAllowed(type), !isEngine {
                types.append(type.string ?? "")
                note(who, type, "type")
            }
            if options["user"].textLength > 0 {
                user = true
                note(who, options["user"], "user")
            }
            if options["role"].textLength > 0 {
                role = true
                note(who, options["role"], "role")
            }
        }
        var data: [String] = []
        if !types.isEmpty { data.append(GoText.named("type", GoText.sortedSet(types))) }
        if user { data.append("user may not be set") }
        if role { data.append("role may not be set") }
        return PodSecurityViolation(
            check: .seLinux, reason: "seLinuxOptions",
            detail: "\(setters.text) set forbidden securityContext.seLinuxOptions: \(data.joined(separator: "; "))",
            places: places)
    }
}

extension Rule {
    static let seLinuxOptions = Rule(
        "pod/selinux-options", .medium, [.pss("baseline"), .nsa("pod-hardening"), .attack("T1611")],
        title: "A container chooses an SELinux type, user or role of its own",
        why: "Types such as `spc_t` are unconfined: SELinux then no longer keeps the container off the node's files.",
        remedy: "Remove `seLinuxOptions`, or set type `container_t`, `container_init_t` or `container_kvm_t` alone.")
}
