package import Documents
import Findings
package import Kubernetes

/// A way to close findings about the network, tried before it is offered.
package struct NetworkFix: Sendable {
    package enum Remedy: Sendable {
        /// Policies to put beside those that are there.
        case add([GeneratedPolicy])
        /// A change of a policy that is there.
        case patch(ObjectReference, JSONPatch)
    }

    /// A finding as `rule subject`.
    package struct Key: Sendable, Hashable, Comparable, CustomStringConvertible {
        package var rule: String
        package var subject: ObjectReference

        package var description: String { "\(rule) \(subject)" }
        package static func < (a: Self, b: Self) -> Bool { (a.subject, a.rule) < (b.subject, b.rule) }
    }

    package var remedy: Remedy
    /// The findings that are gone once it is applied, and new ones.
    package var closes: [Key]
    package var opens: [Key]
    /// What it opens and cuts, in connections.
    package var change: ConnectivityChange
    /// For generated policies: that nothing needed is cut.
    package var certificate: PolicyCertificate?
    package var notes: [String] = []

    /// Whether it may be offered: it closes something, opens no finding, and its certificate holds.
    package var isOffered: Bool { !closes.isEmpty && opens.isEmpty && (certificate?.holds ?? true) }
}

/// Fixes for the findings of `NetworkEvaluation`, each verified by evaluating again.
package struct NetworkFixes: Sendable {
    private let state: NetworkState
    private let inventory: Inventory
    private let flows: FlowTable?
    private let options: GenerationOptions
    private let found: [Finding]

    /// Findings that policies for a namespace close.
    private static let isolation: Set<String> = [
        "network/no-default-deny-ingress", "network/no-default-deny-egress", "network/unselected-ingress",
        "network/unselected-egress",
    ]

    package init(
        _ state: NetworkState, _ inventory: Inventory, flows: FlowTable? = nil,
        _ options: GenerationOptions = GenerationOptions()
    ) {
        self.state = state
        self.inventory = inventory
        self.flows = flows
        self.options = options
        found = Self.failures(state)
    }

    private static func failures(_ state: NetworkState) -> [Finding] {
        NetworkEvaluation(NetworkModel(state)).results().findings.filter { $0.outcome == .fail }
    }

    /// A fix for every namespace and policy that has one, in order; those that may not be offered too, so that it can be
    /// said why.
    package func all() -> [NetworkFix] {
        var namespaces: Set<String> = []
        var out: [NetworkFix] = []
        for finding in found {
            if Self.isolation.contains(finding.rule.id) {
                let isNamespace = finding.subject.kind == "Namespace" && finding.subject.group.isEmpty
                namespaces.insert(isNamespace ? finding.subject.name : finding.subject.namespace)
            }
        }
        let isWanted = { (namespace: String) in
            options.namespaces.isEmpty
                ? !KnownRoles.systemNamespaces.contains(namespace) : options.namespaces.contains(namespace)
        }
        for namespace in namespaces.sorted() where isWanted(namespace) {
            if let fix = isolating(namespace.isEmpty ? "default" : namespace) { out.append(fix) }
        }
        var seen: Set<String> = []
        for finding in found {
            for (policy, patch) in patches(finding) where seen.insert("\(policy) \(patch.json())").inserted {
                if let fix = patched(policy, patch) { out.append(fix) }
            }
        }
        return out
    }

    /// Default deny, names and what is needed, for one namespace.
    package func isolating(_ namespace: String) -> NetworkFix? {
        var own = options
        own.namespaces = [namespace]
        let generation = PolicyGeneration(state, inventory, flows: flows, own)
        guard !generation.policies.isEmpty else { return nil }
        var fix = verified(.add(generation.policies), generation.after)
        fix.certificate = generation.certificate
        fix.notes = generation.notes
        return fix
    }

    /// Changes of the policies a finding points at.
    private func patches(_ finding: Finding) -> [(ObjectReference, JSONPatch)] {
        switch finding.rule.id {
        case "network/metadata-reachable":
            return finding.evidence.compactMap { evidence in
                guard let patch = Self.withoutMetadata(evidence.node) else { return nil }
                return (evidence.object ?? finding.subject, patch)
            }
        case "network/redundant-rule":
            // One at a time: of two rules that cover each other only one may go.
            guard let evidence = finding.evidence.last, case .index? = evidence.node.path.last else { return [] }
            return [(finding.subject, JSONPatch([PatchOperation(.remove, evidence.node.path)]))]
        default: return []
        }
    }

    /// Leaves 169.254.169.254 out of every block of a rule that holds it; nil when the rule allows it without a block.
    private static func withoutMetadata(_ rule: Node) -> JSONPatch? {
        guard rule["to"].isArray, let metadata = CIDR("169.254.169.254/32") else { return nil }
        var operations: [PatchOperation] = []
        for peer in rule["to"].elements {
            let block = peer["ipBlock"]
            guard let cidr = block["cidr"].string.flatMap({ CIDR($0) }), cidr.contains(metadata), cidr != metadata
            else {
                continue
            }
            let path = block.path.appending("except")
            operations.append(
                block["except"].isArray
                    ? PatchOperation(.add, path.appending(block["except"].count), .string("\(metadata)"))
                    : PatchOperation(.add, path, [.string("\(metadata)")]))
        }
        return operations.isEmpty ? nil : JSONPatch(operations)
    }

    private func patched(_ reference: ObjectReference, _ patch: JSONPatch) -> NetworkFix? {
        guard let old = inventory[ObjectKey(reference)], let node = patch.applied(to: old.node) else { return nil }
        var change = InventoryChange(inventory)
        change.apply(old.with(node))
        let after = NetworkState(change.inventory, plugin: state.plugin)
        return verified(.patch(reference, patch.normalized(for: old.node)), after)
    }

    /// Evaluates again and compares.
    private func verified(_ remedy: NetworkFix.Remedy, _ after: NetworkState) -> NetworkFix {
        let before = Set(found.map { NetworkFix.Key(rule: $0.rule.id, subject: $0.subject) })
        let now = Set(
            Self.failures(after).filter { !isOnlyUnseen($0) }.map { finding in
                NetworkFix.Key(rule: finding.rule.id, subject: finding.subject)
            })
        return NetworkFix(
            remedy: remedy, closes: before.subtracting(now).sorted(), opens: now.subtracting(before).sorted(),
            change: ConnectivityChange(from: state, to: after))
    }

    /// Rules for the cluster's DNS name pods that files do not hold; that is no fault of the policy.
    private func isOnlyUnseen(_ finding: Finding) -> Bool {
        finding.rule.id == "network/peer-selects-nothing" && finding.file == "generated.yaml"
    }
}
