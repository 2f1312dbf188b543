import CISBenchmark
import Documents
package import Findings
package import Kubernetes
import PodSecurity
import Workloads

/// The engines as admission asks them: one object, put into what is known of the cluster.
///
/// The same engines as the scan's, so that the door and the scan say the same of the same object. Unlike the scan it
/// keeps no results of others and never judges the whole: a value that follows the cluster and answers for one object.
package struct AdmissionScan: Sendable {
    package private(set) var inventory: Inventory
    package let options: ScanOptions
    /// The rules that are evaluated, in order.
    package let rules: [Rule]
    private var podSecurity: PodSecurityEvaluation?
    private var workloads: WorkloadEvaluation?
    private var engines: [any PostureEngine]
    private let network: AdmissionNetwork?

    /// Rules that judge by the cluster's own admission policies: the API server asks those itself.
    private static let native: Set<String> = ["policy/violated", "policy/not-evaluated"]

    package init(_ inventory: Inventory, options: ScanOptions = ScanOptions()) {
        self.inventory = inventory
        self.options = options
        let include = options.include.map(Glob.init)
        let exclude = options.exclude.map(Glob.init)
        func wanted(_ rules: [Rule]) -> [Rule] {
            rules.filter { rule in
                !Self.native.contains(rule.id) && (include.isEmpty || include.contains { $0.matches(rule.id) })
                    && !exclude.contains { $0.matches(rule.id) }
            }
        }
        var pods = PodSecurityEvaluation(version: options.podSecurityVersion)
        let podRules = wanted(pods.rules)
        pods.selected = Set(podRules.map(\.id))
        pods.cluster = options.cluster
        podSecurity = podRules.isEmpty ? nil : pods
        let workloadRules = wanted(WorkloadChecks.rules(options.workloads))
        if workloadRules.isEmpty {
            workloads = nil
        } else {
            var evaluation = WorkloadEvaluation(inventory, options: options.workloads)
            evaluation.selected = Set(workloadRules.map(\.id))
            evaluation.cluster = options.cluster
            workloads = evaluation
        }
        engines = []
        var rules = podRules + workloadRules
        // Only the engines that have something to say are built at all: rights of a big cluster are a big model.
        if PostureScan.allRules.contains(where: { rule in !rules.contains(rule) && !wanted([rule]).isEmpty }) {
            for var engine in PostureScan.engines(inventory, options) where !(engine is CISEvaluation) {
                let own = wanted(engine.rules)
                guard !own.isEmpty else { continue }
                engine.selected = Set(own.map(\.id))
                engines.append(engine)
                rules += own
            }
        }
        let networkRules = wanted(AdmissionNetwork.rules)
        network = AdmissionNetwork(networkRules, inventory, options: options)
        if network != nil { rules += networkRules }
        self.rules = rules
    }

    /// Groups of policies of the network, which whoever follows a cluster for the door has to follow too; none where no
    /// rule of the network is asked for.
    package static func networkGroups(asking include: [String]) -> Set<String> {
        let globs = include.map(Glob.init)
        let isAsked = AdmissionNetwork.rules.contains { rule in
            globs.isEmpty || globs.contains { $0.matches(rule.id) }
        }
        return isAsked ? AdmissionNetwork.groups : []
    }

    /// Takes in what has become of an object of the cluster.
    package mutating func apply(_ event: Inventory.Event) {
        let before = inventory
        follow(Set(inventory.apply(event)), before)
    }

    private mutating func follow(_ touched: Set<ObjectKey>, _ before: Inventory) {
        if workloads != nil { _ = workloads?.follow(touched, before: before, after: inventory) }
        for index in engines.indices {
            let selected = engines[index].selected
            _ = engines[index].follow(touched, before: before, after: inventory)
            engines[index].selected = selected
        }
    }

    /// Kinds that engines hold a model of, so that they have to follow before they can judge one.
    private static let modelled: Set<String> = [
        "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ServiceAccount", "LimitRange",
        "PodDisruptionBudget", "HorizontalPodAutoscaler", "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration",
    ]

    /// What the engines say of an object once it stands in the cluster, as it is written there.
    ///
    /// Its owner is left out of account: whether it is told of the same is for the caller to say.
    package func result(of object: KubernetesObject) -> OwnerResult {
        let object = object.withoutOwners
        guard Self.modelled.contains(object.kind) else { return judge(object) }
        var copy = self
        let before = copy.inventory
        copy.inventory.replace(ObjectKey(object.reference), with: object)
        copy.follow([ObjectKey(object.reference)], before)
        return copy.judge(object)
    }

    private func judge(_ object: KubernetesObject) -> OwnerResult {
        let family = OwnerFamily(alone: object)
        var result = OwnerResult(owner: family.owner)
        let runsPods = family.runsPods
        if runsPods, let podSecurity { result.merge(podSecurity.evaluate(family)) }
        if let workloads { result.merge(workloads.evaluate(family)) }
        let context = FindingContext(
            subject: object.reference, file: object.file, cluster: options.cluster, origin: family.origin)
        for engine in engines {
            let (findings, coverage) = engine.evaluate(object)
            result.findings += findings.map { finding in
                var finding = finding
                finding.context = context
                return finding
            }
            result.coverage.add(coverage)
        }
        if let own = network?.result(of: object, in: inventory) {
            result.findings += own.findings.map { finding in
                var finding = finding
                finding.context = context
                return finding
            }
            result.coverage.add(own.coverage)
        }
        return result
    }

    /// The change that closes what is said of an object without opening anything; nil where there is none.
    ///
    /// Tried on the object alone, by the engines of pods: those whose findings a field can mend.
    package func fix(of object: KubernetesObject, answering: (String) -> Bool) -> VerifiedFix? {
        let object = object.withoutOwners
        guard !object.podTemplates.isEmpty else { return nil }
        let alone = Inventory([object])
        let context = workloads?.context ?? WorkloadContext(Inventory(), options: options.workloads)
        let planner = FixPlanner(
            alone, sources: [.podSecurity(), .workloads(context)], evaluation: .podSecurity.and(.workloads(context)))
        guard let fix = planner.fix(ObjectKey(object.reference), answering: answering), !fix.isEmpty else { return nil }
        return fix
    }
}

extension KubernetesObject {
    /// The object as if nothing had made it: checks leave to an owner what is said of it, and a name in
    /// `ownerReferences` is easily written.
    fileprivate var withoutOwners: KubernetesObject {
        guard metadata["ownerReferences"].exists else { return self }
        var editor = DocumentEditor(node)
        _ = editor.remove("metadata.ownerReferences")
        return with(editor.finish())
    }
}
