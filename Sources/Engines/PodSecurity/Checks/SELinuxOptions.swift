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
        return PodSecurityViolation(
            check: .seLinux, reason: "seLinuxOptions",
            detail: detail(setters.text, wrong(setters.fields(in: pod) { $0["seLinuxOptions"] }, forbidden)),
            places: wrong(setters.fields(in: pod) { $0["seLinuxOptions"] }, forbidden).map {
                .init(
                    node: $0.node, rule: .seLinuxOptions,
                    message: "\($0.who) sets SELinux \($0.field) \(GoText.quoted($0.node.string ?? ""))")
            })
    }

    private static func detail(_ setters: String, _ wrong: [(who: String, field: String, node: Node)]) -> String {
        let types = GoText.sortedSet(wrong.filter { $0.field == "type" }.map { $0.node.string ?? "" })
        let data =
            (types.isEmpty ? [] : [GoText.named("type", types)])
            + ["user", "role"].filter { word in wrong.contains { $0.field == word } }.map { "\($0) may not be set" }
        return "\(setters) set forbidden securityContext.seLinuxOptions: \(data.joined(separator: "; "))"
    }

    private static func wrong(
        _ fields: [(who: String, node: Node)], _ forbidden: SecurityContextInput.SELinux
    ) -> [(who: String, field: String, node: Node)] {
        fields.flatMap { who, options in
            ["type", "user", "role"].compactMap { name in
                let node = options[name]
                guard node.textLength > 0 else { return nil }
                if name == "type" {
                    let isEngine = node.equals(SELinuxType.engine) && !forbidden.contains(.engineType)
                    if SELinuxType.isAllowed(node) || isEngine { return nil }
                }
                return (who, name, node)
            }
        }
    }
}

extension Rule {
    static let seLinuxOptions = Rule(
        "pod/selinux-options", .medium, [.pss("baseline"), .nsa("pod-hardening"), .attack("T1611")],
        title: "A container chooses an SELinux type, user or role of its own",
        why: "Types such as `spc_t` are unconfined: SELinux then no longer keeps the container off the node's files.",
        remedy: "Remove `seLinuxOptions`, or set type `container_t`, `container_init_t` or `container_kvm_t` alone.")
}
