import Documents
package import Kubernetes
package import PodSecurity

/// Makes the plan from an inventory, of files or of a cluster alike.
package struct PodSecurityPlanner: Sendable {
    private let inventory: Inventory
    private let configuration: PodSecurityConfiguration
    private let version: PolicyVersion
    private let goal: PodSecurityLevel?
    private let evaluator = PodSecurityEvaluator()

    /// - Parameters:
    ///   - version: what to pin: the cluster's own version, else the newest known one.
    ///   - goal: the level to plan for; without one, each namespace's next.
    package init(
        _ inventory: Inventory, version: PolicyVersion = .minor(PolicyVersion.newestKnown),
        goal: PodSecurityLevel? = nil,
        configuration: PodSecurityConfiguration = PodSecurityConfiguration()
    ) {
        self.inventory = inventory
        self.version = version
        self.goal = goal
        self.configuration = configuration
    }

    package func plan(namespace only: String? = nil) -> PodSecurityPlan {
        var workloads: [String: [ObjectKey]] = [:]
        for key in inventory.workloadKeys { workloads[key.reference.namespace, default: []].append(key) }
        let labelled = Dictionary(inventory.objects("Namespace").map { ($0.name, $0) }) { first, _ in first }
        let names = Set(labelled.keys).union(workloads.keys).filter { only == nil || only == $0 }.sorted()
        let plans = names.map { plan($0, labelled[$0], workloads[$0] ?? []) }.sorted { a, b in
            // What is ready or done first, then by score; names keep the order total.
            (a.effort.score, a.blocked.count, a.name) < (b.effort.score, b.blocked.count, b.name)
        }
        return PodSecurityPlan(
            version: version, namespaces: plans.filter { !SystemNamespace.isSystem($0.name) },
            system: plans.filter { SystemNamespace.isSystem($0.name) })
    }

    private func plan(_ name: String, _ namespace: KubernetesObject?, _ keys: [ObjectKey]) -> NamespacePlan {
        var errors: [LabelError] = []
        let policy = NamespacePolicy(
            labels: namespace?.labels ?? [:], defaults: configuration.defaults, errors: &errors)
        var met = PodSecurityLevel.restricted
        var unknown: [UnknownWorkload] = []
        var judged: [(key: ObjectKey, object: KubernetesObject, level: PodSecurityLevel)] = []
        for key in keys {
            guard let object = inventory[key] else { continue }
            switch level(of: object) {
            case .success(let level):
                let pods = podLevel(of: object)
                let lower = min(level, pods)
                met = min(met, lower)
                judged.append((key, object, lower))
            case .failure(let reason):
                unknown.append(
                    UnknownWorkload(object: object.reference, location: object.node.location, reason: reason.words))
            }
        }
        let target = goal ?? next(policy.enforce.level, met)
        let blocked = target.map { target in
            judged.filter { $0.level < target }.map { workload($0.key, $0.object, $0.level, target) }
        }
        var out = NamespacePlan(
            name: name, policy: policy, isLabelled: namespace != nil, labelErrors: errors,
            isExempt: configuration.isExempt(namespace: name), met: met, workloads: keys.count, unknown: unknown,
            target: target, blocked: blocked ?? [], effort: Effort(), stages: [], rollback: nil)
        out.effort = effort(out)
        if let target {
            out.stages = PodSecurityMode.stages.map { mode in
                LabelStage(
                    name: mode.rawValue,
                    labels: [
                        .init(key: mode.levelLabel, value: target.rawValue),
                        .init(key: mode.versionLabel, value: version.description),
                    ], namespace: name)
            }
            let labels = namespace?.labels ?? [:]
            let enforce = PodSecurityMode.enforce
            out.rollback = LabelStage(
                name: "rollback",
                labels: [enforce.levelLabel, enforce.versionLabel].map { .init(key: $0, value: labels[$0]) },
                namespace: name)
        }
        return out
    }

    /// One level up, or as far as the workloads are already.
    private func next(_ enforced: PodSecurityLevel, _ met: PodSecurityLevel) -> PodSecurityLevel? {
        guard let next = enforced.next else { return nil }
        return max(next, met)
    }

    // MARK: Workloads

    private struct Unknown: Error { var words: String }

    private func level(of object: KubernetesObject) -> Result<PodSecurityLevel, Unknown> {
        var lowest = PodSecurityLevel.restricted
        for template in object.podTemplates
        where !configuration.isExempt(runtimeClass: template.spec.node["runtimeClassName"]) {
            let input = PodSecurityInput(template, of: object)
            guard let level = evaluator.level(input, version: version) else {
                return .failure(Unknown(words: input.problems.first?.reason ?? "a field could not be read"))
            }
            if template.discovery == .shape, level < .restricted {
                return .failure(
                    Unknown(
                        words:
                            "it looks like a pod template; what the controller of \(object.kind) objects makes of it "
                            + "is not known"))
            }
            lowest = min(lowest, level)
        }
        return .success(lowest)
    }

    /// The lowest level among its live pods.
    private func podLevel(of object: KubernetesObject) -> PodSecurityLevel {
        inventory.pods(of: object).lazy.flatMap { pod in
            pod.podTemplates.compactMap { evaluator.level(PodSecurityInput($0, of: pod), version: version) }
        }.min() ?? .restricted
    }

    private func workload(
        _ key: ObjectKey, _ object: KubernetesObject, _ level: PodSecurityLevel, _ target: PodSecurityLevel
    ) -> WorkloadPlan {
        let policy = LevelVersion(target, version)
        let violations = violations(of: object, policy)
        let planner = FixPlanner(inventory, sources: [.podSecurity(policy)])
        let fix = planner.fix(key)
        let remaining = fix.map { self.violations(of: $0.patched, policy) } ?? violations
        let said = Set(violations.map(\.text))
        var found: Set<String> = []
        var onlyInPods: [(pod: String, detail: String)] = []
        for pod in inventory.pods(of: object) {
            let extra = self.violations(of: pod, policy).filter { !said.contains($0.text) }
            let detail = extra.map(\.text).joined(separator: ", ")
            if !detail.isEmpty, found.insert(detail).inserted { onlyInPods.append((pod.name, detail)) }
        }
        return WorkloadPlan(
            object: object, level: level, hiding: hiding(object), violations: violations, onlyInPods: onlyInPods,
            fix: fix, remaining: remaining)
    }

    private func violations(of object: KubernetesObject, _ policy: LevelVersion) -> [PodSecurityViolation] {
        object.podTemplates.flatMap { evaluator.evaluate(PodSecurityInput($0, of: object), policy).violations }
    }

    private func hiding(_ object: KubernetesObject) -> String { WorkloadState.hiding(object, in: inventory) }

    private func effort(_ plan: NamespacePlan) -> Effort {
        var out = Effort()
        let fixes = plan.blocked.compactMap(\.fix)
        out.add(fixes.count { !$0.isEmpty }, "patch", "patches", weight: 1)
        out.add(
            fixes.count { fix in fix.steps.contains(where: \.needsTrial) }, "image to try without root",
            "images to try without root", weight: 1)
        out.add(fixes.reduce(0) { $0 + $1.decisions.count }, "decision", "decisions", weight: 5)
        out.add(
            plan.blocked.count { !$0.onlyInPods.isEmpty }, "workload changed after its template",
            "workloads changed after their templates", weight: 5)
        out.add(plan.unknown.count, "workload of unknown level", "workloads of unknown level", weight: 3)
        return out
    }
}

extension PodSecurityMode {
    /// The order in which a level is brought in: noted, said, enforced.
    static let stages: [PodSecurityMode] = [.audit, .warn, .enforce]
}

/// Why a look at running pods alone would miss a workload.
enum WorkloadState {
    static func hiding(_ object: KubernetesObject, in inventory: Inventory) -> String {
        if object.kind == "CronJob" {
            return object.node["spec"]["suspend"].bool == true ? "suspended CronJob" : "CronJob"
        }
        if object.is("PodTemplate") { return "template without a pod" }
        if object.node["spec"]["replicas"].int == 0 { return "scaled to zero" }
        // Only a cluster has pods to look at.
        guard object.file.isEmpty, !object.is("Pod"), inventory.pods(of: object).isEmpty else { return "" }
        return "no live pod"
    }
}

/// Namespaces that Kubernetes or a provider owns.
package enum SystemNamespace {
    package static func isSystem(_ name: String) -> Bool {
        exact.contains(name) || prefixes.contains(where: name.hasPrefix)
    }

    private static let exact: Set<String> = [
        "kube-system", "kube-public", "kube-node-lease", "gatekeeper-system", "calico-system", "tigera-operator",
        "calico-apiserver", "openshift",
    ]
    private static let prefixes = ["openshift-", "gke-managed-", "gmp-", "config-management-", "aks-"]
}
