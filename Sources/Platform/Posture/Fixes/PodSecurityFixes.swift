import Documents
package import Kubernetes
package import PodSecurity

/// The smallest changes of fields that bring a workload to a level of the Pod Security Standards, and what no field
/// can mend.
///
/// Only settings that take rights away are written. What a workload asks for on purpose (a host path, a port of the
/// node, a capability, user 0) is left to a person: taking it away changes what the workload does.
package struct PodSecurityFixes: Sendable {
    package let evaluator: PodSecurityEvaluator
    package let policy: LevelVersion

    package init(_ policy: LevelVersion = LevelVersion(.restricted), evaluator: PodSecurityEvaluator = .init()) {
        self.policy = policy
        self.evaluator = evaluator
    }

    /// For every template of the object.
    package func proposal(for object: KubernetesObject) -> FixProposal {
        var out = FixProposal()
        for template in object.podTemplates { out.append(proposal(for: template, of: object)) }
        return out
    }

    /// For one template. Whether the steps reach the level is for `evaluator` to say of the patched object.
    package func proposal(for template: PodTemplate, of object: KubernetesObject) -> FixProposal {
        var out = FixProposal()
        guard template.discovery != .shape else {
            let verdict = evaluator.evaluate(PodSecurityInput(template, of: object), policy)
            if !verdict.allowed {
                out.decisions.append(
                    FixDecision(
                        about: "pod-security", at: template.spec.node,
                        reason: """
                            this looks like a pod template, but what the controller of \(object.kind) objects makes of \
                            it is not known; set the fields where its documentation says
                            """))
            }
            return out
        }
        var current = object.node
        let specPath = template.specPath
        // A violation may hide another of the same check (an explicit false hides what is missing): look again.
        for _ in 0..<4 {
            let spec = PodSpec(current[specPath], metadata: current[template.path]["metadata"])
            let verdict = evaluator.evaluate(
                PodSecurityInput(spec, defaults: object.is("Pod") ? .pod : .template), policy)
            var round = FixProposal()
            let writer = StepWriter(spec: spec, object: object, policy: policy, minor: minor)
            if let windows = writer.namingWindows() {
                round.append(FixProposal(steps: [windows]))
            } else if !verdict.allowed, let debug = writer.droppingDebugContainers() {
                round.append(FixProposal(steps: [debug]))
            } else {
                for violation in verdict.violations { round.append(writer.proposal(for: violation)) }
            }
            for problem in verdict.problems {
                round.append(
                    FixProposal(decisions: [
                        FixDecision(about: "pod-security", at: problem.node, reason: problem.reason)
                    ]))
            }
            let known = out.steps.count
            out.append(round)
            let fresh = JSONPatch(Array(out.steps[known...].map(\.operation)))
            guard !fresh.isEmpty, let next = fresh.applied(to: current) else { break }
            current = next
        }
        return out
    }

    private var minor: Int { policy.version.edition(newest: evaluator.newest) }
}

/// Writes the steps for one pod.
private struct StepWriter {
    let spec: PodSpec
    let object: KubernetesObject
    let policy: LevelVersion
    let minor: Int

    func proposal(for violation: PodSecurityViolation) -> FixProposal {
        switch violation.check {
        case .allowPrivilegeEscalation: privilegeEscalation(violation)
        case .capabilitiesRestricted: capabilities(violation)
        case .seccompRestricted: seccomp(violation)
        case .runAsNonRoot: nonRoot(violation)
        default:
            FixProposal(
                decisions: violation.places.map { decision(violation.check, $0.node, reason(violation, $0.node)) })
        }
    }

    // MARK: Windows

    /// A pod that only Windows nodes take, but that does not say so, is held to the rules of Linux since v1.25.
    func namingWindows() -> FixStep? {
        let selector = spec.nodeSelector
        let system = selector["kubernetes.io/os"] ?? selector["beta.kubernetes.io/os"]
        guard system == "windows", spec.node["os"].isNull, minor >= 25, policy.level == .restricted else { return nil }
        return FixStep(
            PatchOperation(.add, spec.node.path.appending("os").appending("name"), "windows"),
            why: "the pod runs on Windows nodes only; named so, it is held to the rules that Windows has",
            risk: "an API server refuses Linux-only security settings in a pod named so",
            answers: ["pod/privilege-escalation", "pod/kept-capabilities", "pod/missing-seccomp"])
    }

    /// Debug containers belong to pods that run. In a template no API server takes them, so nothing is lost without.
    func droppingDebugContainers() -> FixStep? {
        let debug = spec.node["ephemeralContainers"]
        guard !object.is("Pod"), debug.isArray else { return nil }
        return FixStep(
            PatchOperation(.remove, debug.path),
            why: "a template cannot have debug containers; the API server refuses the whole object for them",
            answers: ["pod/privilege-escalation", "pod/kept-capabilities", "pod/missing-seccomp", "pod/root-allowed"])
    }

    private func isLinuxOnly(_ violation: PodSecurityViolation) -> FixProposal? {
        guard spec.isWindows else { return nil }
        return FixProposal(decisions: [
            decision(
                violation.check, spec.node["os"],
                "a Windows pod cannot set this field; policies from v1.25 on do not ask for it")
        ])
    }

    // MARK: Steps

    private func privilegeEscalation(_ violation: PodSecurityViolation) -> FixProposal {
        if let windows = isLinuxOnly(violation) { return windows }
        var out = FixProposal()
        for field in violation.fields {
            guard let container = container(holding: field) else { continue }
            if let ephemeral = ephemeral(violation, container, field) {
                out.decisions.append(ephemeral)
                continue
            }
            let context = container.securityContext
            let adds = context["capabilities"]["add"].strings
            if context["privileged"].bool == true || adds.contains("SYS_ADMIN") || adds.contains("CAP_SYS_ADMIN") {
                let what = context["privileged"].bool == true ? "is privileged" : "adds SYS_ADMIN"
                out.decisions.append(
                    decision(
                        violation.check, field,
                        "container \(quoted(container.name)) \(what), and Kubernetes refuses "
                            + "allowPrivilegeEscalation: false beside that; decide on that first"))
                continue
            }
            out.steps.append(
                FixStep(
                    operation(field, false),
                    why: "no set-user-ID program in container \(quoted(container.name)) can make a process root again",
                    risk: "programs that gain rights on purpose (sudo, ping on old systems) stop working",
                    answers: violation.rules(at: field)))
        }
        return out
    }

    private func capabilities(_ violation: PodSecurityViolation) -> FixProposal {
        if let windows = isLinuxOnly(violation) { return windows }
        var out = FixProposal()
        for field in violation.fields {
            guard let container = container(holding: field) else { continue }
            if let ephemeral = ephemeral(violation, container, field) {
                out.decisions.append(ephemeral)
            } else if isAddition(field) {
                out.decisions.append(
                    decision(
                        violation.check, field,
                        "container \(quoted(container.name)) adds capability \(field.string ?? "?"); only whoever "
                            + "knows the program can say whether it does without"))
            } else if let why = rootReason(container), container.securityContext["capabilities"]["add"].isNull {
                out.decisions.append(
                    decision(
                        violation.check, field,
                        "container \(quoted(container.name)) \(why), most often to use a capability (CHOWN, SETUID, "
                            + "SYS_ADMIN); decide on that first, then drop ALL"))
            } else {
                let adds = container.securityContext["capabilities"]["add"].strings
                let kept = adds.isEmpty ? "" : "; those it adds (\(adds.joined(separator: ", "))) stay"
                out.steps.append(
                    FixStep(
                        operation(field, ["ALL"]),
                        why:
                            "container \(quoted(container.name)) gives up every capability granted unasked\(kept)",
                        risk: """
                            programs that change owners or users at start, or listen below port 1024 on old \
                            runtimes, need CHOWN, SETUID, SETGID or NET_BIND_SERVICE
                            """,
                        answers: violation.rules(at: field)))
            }
        }
        return out
    }

    /// `capabilities.add[…]`, rather than `capabilities.drop`.
    private func isAddition(_ field: Node) -> Bool { field.path.elements.dropLast().last == .key("add") }

    private func seccomp(_ violation: PodSecurityViolation) -> FixProposal {
        if let windows = isLinuxOnly(violation) { return windows }
        // A profile that is set, but to nothing good, was set by somebody.
        let set = violation.fields.filter(\.exists)
        guard set.isEmpty else {
            return FixProposal(
                decisions: set.map { field in
                    decision(
                        violation.check, field,
                        "seccomp is set to \(quoted(field.text ?? "")) here; whoever turned it off knows the system "
                            + "call that needs it, RuntimeDefault or a profile of its own (Localhost) is the way")
                })
        }
        return FixProposal(steps: [
            FixStep(
                PatchOperation(
                    .add, spec.node.path.appending("securityContext").appending("seccompProfile"),
                    ["type": "RuntimeDefault"]),
                why: "the runtime's filter keeps system calls away that hardly a program needs; set on the pod for all "
                    + "containers without a profile of their own",
                risk: "programs that need unusual system calls (debuggers, nested containers, io_uring) fail",
                answers: violation.allRules)
        ])
    }

    private func nonRoot(_ violation: PodSecurityViolation) -> FixProposal {
        var out = FixProposal()
        let podUser = spec.securityContext["runAsUser"]
        let asRoot = spec.allContainers.filter { $0.role != .ephemeral && rootReason($0) != nil }
        for container in asRoot where container.securityContext["runAsNonRoot"].bool != true {
            guard let why = rootReason(container) else { continue }
            if let user = effectiveUser(container, podUser), user.int == 0 {
                // Said once: since v1.23 the user is a violation of its own.
                if minor < 23 { out.decisions.append(decision(violation.check, user, Self.rootUser)) }
                continue
            }
            out.decisions.append(
                decision(
                    violation.check, container.securityContext["runAsNonRoot"],
                    "container \(quoted(container.name)) \(why), which without root does little or nothing; decide on "
                        + "that first"))
        }
        // An explicit false first: it stands above what the pod says.
        let denied = violation.fields.filter { $0.bool == false }
        if !denied.isEmpty {
            for field in denied where !isHeld(by: asRoot, field) {
                out.steps.append(
                    FixStep(
                        operation(field, true), why: "the kubelet does not start what would run as root",
                        risk: "root was allowed explicitly here; " + knownUsers(), answers: violation.rules(at: field),
                        needsTrial: true))
            }
            return out
        }
        let why = "the kubelet does not start a container that would run as root"
        if asRoot.isEmpty {
            out.steps.append(
                FixStep(
                    PatchOperation(
                        .add, spec.node.path.appending("securityContext").appending("runAsNonRoot"), true),
                    why: why, risk: knownUsers(), answers: violation.allRules, needsTrial: true))
            return out
        }
        for field in violation.fields where !isHeld(by: asRoot, field) {
            guard let container = container(holding: field) else { continue }
            if let ephemeral = ephemeral(violation, container, field) {
                out.decisions.append(ephemeral)
                continue
            }
            out.steps.append(
                FixStep(
                    operation(field, true), why: why, risk: knownUsers(), answers: violation.rules(at: field),
                    needsTrial: true))
        }
        return out
    }

    /// What in a container only makes sense for root; nil where nothing does.
    ///
    /// Kubernetes gives added capabilities to root alone: a process of another user starts without them.
    private func rootReason(_ container: Container) -> String? {
        if effectiveUser(container, spec.securityContext["runAsUser"])?.int == 0 { return "is made to run as user 0" }
        if container.securityContext["privileged"].bool == true { return "is privileged" }
        let adds = container.securityContext["capabilities"]["add"].strings.filter { $0 != "NET_BIND_SERVICE" }
        return adds.isEmpty ? nil : "adds \(adds.joined(separator: ", "))"
    }

    private func effectiveUser(_ container: Container, _ pod: Node) -> Node? {
        let own = container.securityContext["runAsUser"]
        return own.isNull ? (pod.isNull ? nil : pod) : own
    }

    private func isHeld(by containers: [Container], _ field: Node) -> Bool {
        // The pod's own setting counts for all of them.
        field.path.hasPrefix(spec.securityContext.path)
            ? !containers.isEmpty : containers.contains { field.path.hasPrefix($0.node.path) }
    }

    /// What the object says of users, and what it cannot say.
    private func knownUsers() -> String {
        let pod = spec.securityContext["runAsUser"]
        let users = spec.allContainers.map { (name: $0.name, user: effectiveUser($0, pod)?.int) }
        let unset = users.filter { $0.user == nil }.map { quoted($0.name) }
        let set = users.compactMap { user in user.user.map { "\(quoted(user.name)) as user \($0)" } }
        var parts: [String] = []
        if !set.isEmpty {
            parts.append("\(set.joined(separator: ", ")) \(set.count == 1 ? "runs" : "run") without root")
        }
        if !unset.isEmpty {
            parts.append(
                "the user of \(unset.joined(separator: ", ")) is its image's, which the object does not tell: it "
                    + "must be a number other than 0, or the container does not start")
        }
        return parts.joined(separator: "; ")
    }

    // MARK: Decisions

    private func decision(_ check: PodSecurityCheck.ID, _ node: Node, _ reason: String) -> FixDecision {
        FixDecision(about: check.rawValue, at: node, reason: reason)
    }

    /// Containers that were added for debugging cannot be changed.
    private func ephemeral(
        _ violation: PodSecurityViolation, _ container: Container, _ field: Node
    ) -> FixDecision? {
        guard container.role == .ephemeral else { return nil }
        return decision(
            violation.check, field,
            "debug container \(quoted(container.name)) cannot be changed once it is added; it goes with its pod")
    }

    private static let rootUser = """
        runAsUser is 0, with which a container under runAsNonRoot does not start. Which user the image can run as is \
        not in the object, so no number is put in its place: name one, or remove runAsUser where the image has its own
        """

    private func reason(_ violation: PodSecurityViolation, _ node: Node) -> String {
        switch violation.check {
        case .hostNamespaces:
            "the pod shares \(node.path.last.map(name) ?? "a namespace") with its node; what it does there decides "
                + "whether it can do without"
        case .hostPath,
            .volumeTypes where node.path.last == .key("hostPath"):
            "a directory of the node is mounted; another kind of volume, or a namespace for privileged workloads, is "
                + "for whoever knows what is read there"
        case .hostPort: "clients may reach the pod by this port of its node; a Service in front of it takes its place"
        case .hostProbes: "the probe asks a host of its own choosing; without it the kubelet asks the pod"
        case .privileged:
            "the container is privileged; which capability or device it needs instead, only its makers can say"
        case .volumeTypes: "this kind of volume is not among those restricted allows; the data has to live elsewhere"
        case .runAsUser: Self.rootUser
        case .capabilitiesBaseline:
            "capability \(node.string ?? "?") was added; only whoever knows the program can take it away"
        case .windowsHostProcess: "the container runs as a process of its Windows node; it cannot do its work otherwise"
        case .appArmor, .seccompBaseline:
            "the profile is turned off here; RuntimeDefault, or a profile of its own, is for whoever knows why"
        case .seLinux:
            "SELinux options are set that change what the process may touch; leave them out or use an allowed type"
        case .sysctls: "this kernel setting is not among the safe ones; whether the program needs it, its makers know"
        case .procMount, .procMountRestricted:
            "/proc is unmasked for container builds and the like; Default is the safe value"
        default: "this cannot be mended by a field alone"
        }
    }

    private func name(_ element: FieldPath.Element) -> String {
        switch element {
        case .key(let key): key
        case .index(let index): String(index)
        }
    }

    // MARK: Fields

    private func operation(_ field: Node, _ value: DocumentValue) -> PatchOperation {
        PatchOperation(field.exists ? .replace : .add, field.path, value)
    }

    private func container(holding field: Node) -> Container? {
        spec.allContainers.first { field.path.hasPrefix($0.node.path) }
    }

    private func quoted(_ text: String) -> String { "\"\(text)\"" }
}

extension PodSecurityViolation {
    fileprivate func rules(at field: Node) -> [String] {
        places.filter { $0.node.path == field.path }.map(\.rule.id)
    }
    fileprivate var allRules: [String] {
        places.reduce(into: []) { ids, place in if !ids.contains(place.rule.id) { ids.append(place.rule.id) } }
    }
}
