package import Findings
package import Kubernetes

/// The benchmark's controls of components, as findings of a scan: on static pods, on kube-proxy's DaemonSet, and on
/// configuration files that lie among manifests.
///
/// What needs a node, or other engines, is asked by `martlet cis`; a scan says the same of rights and pods by their own
/// rules.
package struct CISEvaluation: Sendable {
    /// Ids of the rules to evaluate; nil for all.
    package var selected: Set<String>?
    private let input: CISInput
    private let version: String?

    package init(_ inventory: Inventory, isCluster: Bool, version: String? = nil) {
        self.version = version
        var input = CISInput(inventory: Inventory(), isCluster: isCluster)
        input.looseFiles = CISInput.looseFiles(inventory)
        input.version = version.flatMap { ComponentVersion($0) }
        input.platform = Platform.detect(nodes: inventory.objects("Node"), version: version)
        self.input = input
        isConcerned =
            isCluster
            || inventory.keys.contains { key in
                inventory[key].map {
                    CISInput.isConfiguration($0) || !ComponentInstance.inPod($0) { _ in (nil, [:]) }.isEmpty
                }
                    ?? false
            }
    }

    /// The same evaluation over a changed inventory.
    package func following(_ inventory: Inventory) -> CISEvaluation {
        var next = CISEvaluation(inventory, isCluster: input.isCluster, version: version)
        next.selected = selected
        return next
    }

    /// The rules that a scan can evaluate, in order.
    package static let allRules: [Rule] = asked.map(\.rule)

    /// The rules that have something to be asked of: none in a folder of applications.
    package var rules: [Rule] { isConcerned ? Self.allRules.filter { selected?.contains($0.id) ?? true } : [] }

    /// Whether there is, or in a cluster may come, a component to judge.
    private let isConcerned: Bool

    /// Kinds that, when one changes, may change what is said of a component.
    package static let kindsRead: Set<String> = [
        "AuthenticationConfiguration", "AuthorizationConfiguration", "EncryptionConfiguration", "Policy",
        "KubeSchedulerConfiguration", "KubeProxyConfiguration",
    ]

    /// Controls about the settings of a component.
    private static let asked = CISCatalogue.current.controls.filter {
        $0.component != nil && !$0.needsNode && !$0.comparesComponents
    }

    /// What the controls say of one object; nothing for what runs and configures no component.
    package func evaluate(_ object: KubernetesObject) -> (findings: [Finding], coverage: Coverage) {
        guard
            object.kind == "Pod" || object.kind == "DaemonSet" || object.kind == "KubeletConfiguration"
                || CISInput.judgedAlone(object) != nil
        else { return ([], Coverage()) }
        // The pods of a DaemonSet say again what it says; a static pod's owner is its node.
        if let owner = object.controller, owner.kind != "Node" { return ([], Coverage()) }
        // Nearly every pod of a cluster runs something else.
        if object.kind == "Pod" || object.kind == "DaemonSet",
            ComponentInstance.inPod(object, files: { _ in (nil, [:]) }).isEmpty
        {
            return ([], Coverage())
        }
        var own = input
        own.inventory = Inventory([object])
        let benchmark = CISBenchmark(own)
        let components = Set(benchmark.instances.map(\.component))
        let alone = CISInput.judgedAlone(object)
        guard !components.isEmpty || alone != nil else { return ([], Coverage()) }
        var findings: [Finding] = []
        var coverage = Coverage()
        coverage.objects = 1
        let controls = Self.asked.filter { control in
            selected?.contains(control.rule.id) ?? true
                && (alone.map { $0 == control.id } ?? control.component.map(components.contains) ?? false)
        }
        let results = controls.map(benchmark.result)
        let failing = Set(results.filter { $0.outcome == .fail }.map(\.control.id))
        for result in results {
            switch result.outcome {
            case .pass, .passByEquivalence: coverage.passed += 1
            case .notApplicable, .manual: coverage.notApplicable += 1
            case .fail:
                // One thing to mend is one finding: without an audit log its rotation is no matter of its own.
                if let root = result.control.root, failing.contains(root) { continue }
                coverage.failed += 1
                findings.append(finding(result, .fail, object))
            case .notObservable:
                // A configuration file alone does not tell the flags that stand over it.
                if object.kind != "Pod", object.kind != "DaemonSet" { continue }
                coverage.notObservable += 1
                findings.append(finding(result, .notObservable, object))
            }
        }
        return (findings, coverage)
    }

    private func finding(_ result: CISResult, _ outcome: Outcome, _ object: KubernetesObject) -> Finding {
        Finding(
            rule: result.control.rule, outcome: outcome, subject: object.reference, file: object.file,
            evidence: result.deciding.map { part in
                Evidence(
                    node: part.evidence ?? object.node, message: part.message,
                    provenance: part.provenance.map(\.description))
            }, origin: ObjectOrigin(object))
    }
}
