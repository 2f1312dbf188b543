import Documents
import Findings
import Kubernetes

extension PodSecurityCheck {
    static let appArmor = PodSecurityCheck(
        id: .appArmor, level: .baseline, rules: [.unconfinedAppArmor],
        editions: [Edition(since: 0, evaluate: evaluate)])

    private static func evaluate(_ pod: PodSecurityInput) -> PodSecurityViolation? {
        let setters = Setters(pod) { $0.appArmor == .unconfined }
        let annotations = pod.profileAnnotations.isEmpty ? [] : pod.profileAnnotations.filter(isForbidden)
        guard !setters.isEmpty || !annotations.isEmpty else { return nil }
        // A field that does not stand there was copied from an annotation, which is a place of its own.
        let fields = setters.fields(in: pod) { $0["appArmorProfile"] }
        // Annotations follow the types, as KEY="VALUE"; the whole is quoted once more, as upstream does.
        let values =
            GoText.sortedSet(fields.map { $0.node.isNull ? "Unconfined" : $0.node["type"].string ?? "" })
            + GoText.sorted(annotations.map { "\($0.key)=\(GoText.quoted($0.value.string ?? ""))" })
        let words =
            setters.words + (annotations.isEmpty ? [] : [GoText.plural("annotation", annotations.count)])
        return PodSecurityViolation(
            check: .appArmor, reason: GoText.plural("forbidden AppArmor profile", values.count),
            detail: "\(words.joined(separator: " and ")) must not set AppArmor profile type to "
                + GoText.quotedList(values),
            places: fields.filter { !$0.node.isNull }.map {
                .init(
                    node: $0.node["type"], rule: .unconfinedAppArmor,
                    message: "\($0.who) sets AppArmor profile \(GoText.quoted($0.node["type"].string ?? ""))")
            }
                + annotations.map {
                    .init(
                        node: $0.value, rule: .unconfinedAppArmor,
                        message: "an annotation sets AppArmor profile \(GoText.quoted($0.value.string ?? ""))")
                })
    }

    private static func isForbidden(_ annotation: Node.Member) -> Bool {
        guard annotation.key.hasPrefix(AppArmorProfile.annotationPrefix) else { return false }
        let value = annotation.value.string ?? ""
        return !value.isEmpty && value != "runtime/default" && !value.hasPrefix("localhost/")
    }
}

extension Rule {
    static let unconfinedAppArmor = Rule(
        "pod/unconfined-apparmor", .medium, [.pss("baseline"), .nsa("pod-hardening"), .attack("T1611")],
        title: "A container turns AppArmor off",
        why: """
            Without its profile a container may mount, trace and write below /proc and /sys where the runtime's \
            default would stop it: a bug in the kernel or a wide capability is then enough to get out.
            """,
        remedy: "Remove the profile, or set type `RuntimeDefault` or `Localhost`.")
}
