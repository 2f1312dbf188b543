package import Documents
package import Kubernetes

/// One policy as it is handed out.
package struct GeneratedPolicy: Sendable {
    package var reference: ObjectReference
    package var value: DocumentValue
    /// Why each of its rules is there.
    package var remarks: [String]

    /// The policy as a YAML document, with its reasons as remarks.
    package var yaml: String {
        let words = remarks.map { "# \(String($0.map { $0.isNewline ? " " : $0 }))\n" }.joined()
        return words + value.yaml
    }
}

/// What is done about one workload.
package struct WorkloadOutcome: Sendable {
    package var name: String
    package var kind: String
    package var selector: [LabelPair]
    package var ingress: Stance
    package var egress: Stance
}

/// The smallest policies that keep what is needed, with the proof that they do.
///
/// Needs come from what manifests declare and from flows that were seen. The policies are written, read back as any
/// other policy is, and put beside those that are there; the certificate is what the model then says.
package struct PolicyGeneration: Sendable {
    package var policies: [GeneratedPolicy]
    package var workloads: [WorkloadOutcome]
    package var certificate: PolicyCertificate
    package var needs: [NetworkNeed]
    package var notes: [String]
    /// The state with the generated policies in force.
    package var after: NetworkState
    private let planner: PolicyPlanner

    package init(
        _ state: NetworkState, _ inventory: Inventory, flows: FlowTable? = nil,
        _ options: GenerationOptions = GenerationOptions()
    ) {
        var given = state
        // Policies of a language are read the way their plugin reads them.
        switch options.form {
        case .calico where state.plugin.family != .calico && state.policies.isEmpty: given.plugin = .calico
        case .cilium where state.plugin.family != .cilium && state.policies.isEmpty: given.plugin = .cilium
        default: break
        }
        let before = NetworkModel(given)
        let selectors = WorkloadSelectors(given, inventory)
        let intent = DeclaredIntent(given, inventory, selectors)
        let observed = flows.map { ObservedIntent($0, given, selectors) }
        let planner = PolicyPlanner(before, intent, observed, options)
        self.planner = planner
        let writer = PolicyWriter(options.form, for: planner.policies)
        var taken: Set<ObjectReference> = []
        for policy in given.policies { taken.insert(policy.reference) }
        policies = planner.policies.map { planned in
            var planned = planned
            let kind = options.form == .cilium ? "CiliumNetworkPolicy" : "NetworkPolicy"
            let group =
                options.form == .cilium
                ? "cilium.io" : options.form == .calico ? "projectcalico.org" : "networking.k8s.io"
            var reference = ObjectReference(group: group, kind: kind, namespace: planned.namespace, name: planned.name)
            // A policy that is there already is never overwritten.
            while taken.contains(reference) {
                planned.name += "-generated"
                reference.name = planned.name
            }
            taken.insert(reference)
            return GeneratedPolicy(reference: reference, value: writer.value(planned), remarks: planned.remarks)
        }
        workloads = selectors.workloads.enumerated().map { number, workload in
            WorkloadOutcome(
                name: workload.name, kind: workload.reference.kind, selector: workload.selector,
                ingress: planner.ingress[number], egress: planner.egress[number])
        }
        needs = planner.needs
        var seen: Set<String> = []
        notes = planner.notes.filter { seen.insert($0).inserted }
        let text = Self.yaml(policies)
        let read = DocumentReader.read(SourceText(name: "generated.yaml", bytes: Array(text.utf8)))
        let objects = read.documents.flatMap { KubernetesObject.objects(in: $0).objects }
        var after = given
        let known = after.problems.count
        after.read(policies: objects, among: objects)
        let refusals = read.problems.map(\.message) + after.problems.dropFirst(known).map(\.message)
        self.after = after
        certificate = PolicyCertificate(
            planner, before: before, after: NetworkModel(after), flows: flows, refusals: refusals)
        // Pods with addresses of both families: what is needed has to pass over each of them.
        for family in given.perFamily.compactMap(\.family) {
            var (old, new) = (given, after)
            (old.family, new.family) = (family, family)
            let other = PolicyCertificate(
                planner, before: NetworkModel(old), after: NetworkModel(new), flows: flows, refusals: refusals)
            certificate.join(other, over: family)
        }
    }

    /// One end of a need in words.
    package func text(_ end: NetworkNeed.End) -> String { planner.text(end) }

    /// Number of a workload among the outcomes, for ends of needs.
    package func workload(_ end: NetworkNeed.End) -> WorkloadOutcome? {
        if case .workload(let number) = end { workloads[number] } else { nil }
    }

    /// All policies as one YAML text.
    package var yaml: String { Self.yaml(policies) }

    private static func yaml(_ policies: [GeneratedPolicy]) -> String {
        policies.map(\.yaml).joined(separator: "---\n")
    }
}
