package import Documents
package import Findings
package import Kubernetes

/// A way to close findings about the network, tried before it is offered.
package struct NetworkFix: Sendable {
    package enum Remedy: Sendable {
        /// Policies to put beside those that are there.
        case add([GeneratedPolicy])
        /// A change of a policy that is there.
        case patch(ObjectReference, JSONPatch)
        /// A policy to take away: it is about nothing.
        case remove(ObjectReference)
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
    /// Whether it says that no connection changes: what takes out rules and policies without effect.
    package var changesNothing = false
    /// Flows that were seen to pass and would not any more.
    package var cutFlows: [FlowEffect] = []

    /// Whether it may be offered: it closes something, opens no finding, cuts nothing that was seen, and its certificate
    /// holds.
    package var isOffered: Bool {
        !closes.isEmpty && opens.isEmpty && cutFlows.isEmpty && (certificate?.holds ?? true)
            && (!changesNothing || isWithoutEffect)
    }

    package var isWithoutEffect: Bool { change.added.isEmpty && change.removed.isEmpty && change.unclear.isEmpty }
}

/// Fixes for the findings of `NetworkEvaluation`, each verified by evaluating again.
package struct NetworkFixes: Sendable {
    private let state: NetworkState
    private let inventory: Inventory
    private let flows: FlowTable?
    private let options: GenerationOptions
    private let isCluster: Bool
    private let model: NetworkModel
    private var found: [Finding]

    /// Findings that policies for a namespace close.
    private static let isolation: Set<String> = [
        "network/no-default-deny-ingress", "network/no-default-deny-egress", "network/unselected-ingress",
        "network/unselected-egress",
    ]

    package init(
        _ state: NetworkState, _ inventory: Inventory, flows: FlowTable? = nil,
        _ options: GenerationOptions = GenerationOptions(), isCluster: Bool = true
    ) {
        self.state = state
        self.inventory = inventory
        self.flows = flows
        self.options = options
        self.isCluster = isCluster
        model = NetworkModel(state)
        found = []
        found = failures(model, inventory)
    }

    private func failures(_ model: NetworkModel, _ inventory: Inventory) -> [Finding] {
        NetworkEvaluation(model, services: inventory.objects("Service"), isCluster: isCluster)
            .results().findings.filter { $0.outcome == .fail }
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
        for proposal in proposals where isWanted(proposal.policy.namespace) || proposal.policy.namespace.isEmpty {
            if let fix = verified(proposal) { out.append(fix) }
        }
        return out
    }

    /// Whether a finding says that policies for the namespace are missing.
    package func isOpen(_ namespace: String) -> Bool {
        found.contains { finding in
            Self.isolation.contains(finding.rule.id)
                && (finding.subject.namespace == namespace
                    || (finding.subject.kind == "Namespace" && finding.subject.name == namespace))
        }
    }

    /// Default deny, names and what is needed, for one namespace.
    package func isolating(_ namespace: String) -> NetworkFix? {
        var own = options
        own.namespaces = [namespace]
        let generation = PolicyGeneration(state, inventory, flows: flows, own)
        guard !generation.policies.isEmpty else { return nil }
        var fix = verified(.add(generation.policies), generation.after, inventory)
        fix.certificate = generation.certificate
        fix.notes = generation.notes
        return fix
    }

    // MARK: Changes of policies

    /// A change of one policy, not tried yet.
    package struct Proposal: Sendable {
        package var policy: ObjectReference
        /// The rule it answers.
        package var rule: Rule
        /// Nil where the policy is to be taken away.
        package var patch: JSONPatch?
        var changesNothing: Bool
        /// The rule that what is known to be needed takes the place of.
        package var replaced: FieldPath?
        /// It names the cluster's DNS pods, which were not seen.
        var mayNameUnseen = false
    }

    /// What may be done about the policies that findings point at, each change once.
    package var proposals: [Proposal] {
        var out: [Proposal] = []
        var seen: Set<String> = []
        for finding in found {
            for proposal in proposals(finding)
            where seen.insert("\(proposal.policy) \(proposal.patch?.json() ?? "")").inserted {
                out.append(proposal)
            }
        }
        return out + narrowings
    }

    private func proposals(_ finding: Finding) -> [Proposal] {
        func change(_ policy: ObjectReference, _ operations: [PatchOperation], nothing: Bool = false) -> [Proposal] {
            operations.isEmpty
                ? []
                : [
                    Proposal(
                        policy: policy, rule: finding.rule, patch: JSONPatch(operations), changesNothing: nothing)
                ]
        }
        switch finding.rule.id {
        case "network/metadata-reachable":
            return finding.evidence.flatMap {
                change($0.object ?? finding.subject, PolicyNarrowing.withoutMetadata($0.node))
            }
        case "network/internet-egress":
            return finding.evidence.flatMap { evidence in
                let policy = evidence.object ?? finding.subject
                guard let number = model.state.policies.firstIndex(where: { $0.reference == policy }), let flows else {
                    return [Proposal]()
                }
                let seen = PolicyNarrowing.outsideSeen(flows, by: model.egress.subjects[number], model)
                return change(policy, PolicyNarrowing.toSeen(evidence.node, seen) ?? [])
            }
        case "network/peer-selects-nothing":
            return change(finding.subject, PolicyNarrowing.removing(finding.evidence), nothing: true)
        case "network/redundant-rule":
            return change(finding.subject, withoutRedundant(finding), nothing: true)
        case "network/selects-nothing":
            return [Proposal(policy: finding.subject, rule: finding.rule, patch: nil, changesNothing: true)]
        case "network/service-port":
            guard let number = model.state.policies.firstIndex(where: { $0.reference == finding.subject }),
                let slips = ServicePortSlips(model, inventory.objects("Service"))
            else { return [] }
            let policy = model.state.policies[number]
            return change(
                finding.subject,
                finding.evidence.compactMap { evidence in
                    slips.target(policy, number, evidence.node.path).map {
                        PatchOperation(.replace, evidence.node.path, .int(Int($0)))
                    }
                })
        default: return []
        }
    }

    /// Rules taken out one after the other until none is left over: of two that cover each other only one may go.
    private func withoutRedundant(_ finding: Finding) -> [PatchOperation] {
        var operations: [PatchOperation] = []
        var current: Finding? = finding
        while operations.count < 16, let evidence = current?.evidence.last, case .index? = evidence.node.path.last {
            operations.append(PatchOperation(.remove, evidence.node.path))
            guard let after = applied(finding.subject, JSONPatch(operations)) else { return [] }
            current = failures(NetworkModel(after.state), after.inventory).first {
                $0.rule.id == finding.rule.id && $0.subject == finding.subject
            }
        }
        return operations
    }

    // MARK: Needed rules in place of open ones

    /// Rules that open the world or every namespace, each with what its pods are known to need in its place; only those
    /// that hold.
    private var narrowings: [Proposal] {
        var rules: [(policy: ObjectReference, rule: Rule, node: Node)] = []
        for finding in found
        where finding.rule.id == "network/cross-namespace-open"
            || (finding.rule.id == "network/internet-egress" && flows == nil)
        {
            for evidence in finding.evidence {
                guard let policy = evidence.object, policy.kind == "NetworkPolicy", policy.group == "networking.k8s.io",
                    !rules.contains(where: { $0.policy == policy && $0.node.path == evidence.node.path })
                else { continue }
                rules.append((policy, finding.rule, evidence.node))
            }
        }
        guard !rules.isEmpty else { return [] }
        let selectors = WorkloadSelectors(state, inventory)
        let intent = DeclaredIntent(state, inventory, selectors)
        let planner = PolicyPlanner(
            model, intent, flows.map { ObservedIntent($0, state, selectors) }, GenerationOptions())
        return rules.compactMap { narrowed($0.policy, $0.rule, $0.node, planner) }
    }

    private func narrowed(
        _ policy: ObjectReference, _ rule: Rule, _ node: Node, _ planner: PolicyPlanner
    ) -> Proposal? {
        let path = node.path
        guard let number = state.policies.firstIndex(where: { $0.reference == policy }),
            case .index? = path.last, case .key(let word)? = path.parent.last,
            let direction = Direction(rawValue: word), let object = inventory[ObjectKey(policy)]
        else { return nil }
        let list = path.parent
        let subjects = model.table(direction).subjects[number]
        let workloads = planner.selectors.workloads.indices.filter { workload in
            planner.selectors.workloads[workload].pods.contains { pod in
                let own = model.space.classes.classOfPod[pod]
                return own >= 0 && subjects.contains(Int(own))
            }
        }
        let writer = PolicyWriter(.kubernetes, for: [])
        guard object.node["spec"][word].isArray, case .index(let place)? = path.last else { return nil }
        // Where another policy lets names be looked up, the rules for them say nothing new; that is known only where
        // DNS was seen.
        let isDNSKnown = !planner.facts.dns.isEmpty
        for withNames in direction == .egress ? isDNSKnown ? [true, false] : [true] : [false] {
            guard let rules = planner.neededRules(of: workloads, direction, withNames: withNames),
                rules.allSatisfy({ !$0.peers.isEmpty })
            else { return nil }
            let written = rules.map { writer.standard($0, direction, in: policy.namespace) }
            var operations =
                written.first.map { [PatchOperation(.replace, path, $0)] } ?? [PatchOperation(.remove, path)]
            for value in written.dropFirst().reversed() {
                operations.append(PatchOperation(.add, list.appending(place + 1), value))
            }
            let patch = JSONPatch(operations)
            let proposal = Proposal(
                policy: policy, rule: rule, patch: patch, changesNothing: false, replaced: path,
                mayNameUnseen: !isDNSKnown)
            guard let after = applied(policy, patch), var fix = verified(proposal) else { continue }
            fix.certificate = PolicyCertificate(
                planner, before: model, after: NetworkModel(after.state), flows: flows, refusals: [])
            if fix.isOffered { return proposal }
        }
        return nil
    }

    // MARK: Trying

    private func applied(
        _ reference: ObjectReference, _ patch: JSONPatch?
    ) -> (state: NetworkState, inventory: Inventory)? {
        guard let old = inventory[ObjectKey(reference)] else { return nil }
        var changed = inventory
        if let patch {
            guard let node = patch.applied(to: old.node) else { return nil }
            changed.replace(ObjectKey(reference), with: old.with(node))
        } else {
            _ = changed.apply(.deleted(old))
        }
        var after = NetworkState(changed, plugin: state.plugin)
        after.note(unlisted: state.unlistedKinds)
        return (after, changed)
    }

    private func verified(_ proposal: Proposal) -> NetworkFix? {
        guard let old = inventory[ObjectKey(proposal.policy)],
            let after = applied(proposal.policy, proposal.patch)
        else { return nil }
        let remedy: NetworkFix.Remedy =
            proposal.patch.map { .patch(proposal.policy, $0.normalized(for: old.node)) } ?? .remove(proposal.policy)
        var fix = verified(remedy, after.state, after.inventory)
        fix.changesNothing = proposal.changesNothing
        if proposal.mayNameUnseen {
            fix.opens.removeAll { $0.rule == "network/peer-selects-nothing" && $0.subject == proposal.policy }
        }
        return fix
    }

    /// Evaluates again and compares.
    private func verified(
        _ remedy: NetworkFix.Remedy, _ after: NetworkState, _ changed: Inventory
    ) -> NetworkFix {
        let new = NetworkModel(after)
        let before = Set(found.map { NetworkFix.Key(rule: $0.rule.id, subject: $0.subject) })
        let now = Set(
            failures(new, changed).filter { !isOnlyUnseen($0) }.map { finding in
                NetworkFix.Key(rule: finding.rule.id, subject: finding.subject)
            })
        var fix = NetworkFix(
            remedy: remedy, closes: before.subtracting(now).sorted(), opens: now.subtracting(before).sorted(),
            change: ConnectivityChange(from: state, to: after))
        if let flows { fix.cutFlows = WhatIf(from: model, to: new, flows: flows).cut }
        return fix
    }

    /// Rules for the cluster's DNS name pods that files do not hold; that is no fault of the policy.
    private func isOnlyUnseen(_ finding: Finding) -> Bool {
        finding.rule.id == "network/peer-selects-nothing" && finding.file == "generated.yaml"
    }
}
