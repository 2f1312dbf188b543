import Documents
package import Findings
package import Kubernetes

/// Looks for what is wrong with the network policies of a cluster or of files.
package struct NetworkEvaluation: Sendable {
    package let model: NetworkModel
    /// The only rules that count; nil for all.
    package var selected: Set<String>?
    private var findings: [Finding] = []
    private var coverage = Coverage()

    package init(_ inventory: Inventory, plugin: NetworkPlugin? = nil) {
        model = NetworkModel(NetworkState(inventory, plugin: plugin))
    }

    package init(_ model: NetworkModel) { self.model = model }

    private var state: NetworkState { model.state }

    /// Every finding in the order of outputs, and the sum of the coverage.
    package func results() -> (findings: [Finding], coverage: Coverage) {
        var run = self
        run.lookAtPlugin()
        run.lookAtNamespaces()
        run.lookAtWorkloads()
        run.lookAtGaps()
        run.lookAtPolicies()
        run.findings.sort(by: Finding.areInOrder)
        return (run.findings, run.coverage)
    }

    // MARK: Saying

    private mutating func say(
        _ rule: Rule, _ outcome: Outcome, _ subject: ObjectReference, _ evidence: [Evidence], severity: Severity? = nil
    ) {
        guard selected?.contains(rule.id) ?? true else { return }
        switch outcome {
        case .pass: coverage.passed += 1
        case .fail: coverage.failed += 1
        case .notObservable: coverage.notObservable += 1
        case .notApplicable, .waived: coverage.notApplicable += 1
        }
        guard outcome == .fail || outcome == .notObservable else { return }
        findings.append(
            Finding(
                rule: rule, severity: severity, outcome: outcome, subject: subject,
                file: evidence.first?.node.source.name ?? "", evidence: evidence,
                isSystem: subject.namespace == "kube-system" || subject.name == "kube-system"))
    }

    // MARK: Looking

    private mutating func lookAtPlugin() {
        guard !state.plugin.enforcesPolicies, let pod = state.pods.first?.object else { return }
        let subject = ObjectReference(group: "apps", kind: "DaemonSet", namespace: "", name: state.plugin.evidence)
        say(
            NetworkRules.pluginWithoutEnforcement, .fail, subject,
            [Evidence(node: pod.node["metadata"], message: "\(state.plugin.family.rawValue): \(state.plugin.evidence)")]
        )
    }

    /// A namespace is closed when a policy selects every pod it can ever have, and drops the rest.
    private mutating func lookAtNamespaces() {
        for namespace in state.namespaces.indices {
            let name = state.namespaces[namespace].name
            let pods = state.pods.filter { $0.namespace == namespace && !$0.isOnHostNetwork }
            guard let first = pods.first else { continue }
            let object = state.namespaces[namespace].object ?? first.object
            guard let object else { continue }
            let subject = ObjectReference(group: "", kind: "Namespace", namespace: "", name: name)
            for (direction, rule) in [
                (Direction.ingress, NetworkRules.noDefaultDenyIngress), (.egress, NetworkRules.noDefaultDenyEgress),
            ] {
                let isClosed = state.policies.contains { policy in
                    policy.section(direction)?.end == .deny && selectsEverything(policy.subjects, in: namespace)
                }
                let isDoubtful = state.gaps.contains { selectsEverything($0.subjects, in: namespace) }
                if isClosed {
                    say(rule, .pass, subject, [])
                } else if isDoubtful {
                    say(
                        rule, .notObservable, subject,
                        [Evidence(node: object.metadata, message: state.gaps.first?.reason ?? "")])
                } else {
                    let message = "namespace \(name) has no policy that drops \(direction.rawValue) by default"
                    say(rule, .fail, subject, [Evidence(node: object.metadata, message: message)])
                }
            }
        }
    }

    /// Whether a pod without any label would be selected, and pods with labels nobody foresaw.
    private func selectsEverything(_ subjects: LabelExpression, in namespace: Int) -> Bool {
        let labels = state.namespaces[namespace].labels
        let name = state.namespaces[namespace].name
        func value(_ own: String?) -> (LabelKey) -> String? {
            { key in
                switch key {
                case .own: own
                case .namespace(let label): labels[label]
                case .namespaceName: name
                case .orchestrator: "k8s"
                default: nil
                }
            }
        }
        return subjects.matches(value(nil)) && subjects.matches(value("any value nobody has written"))
    }

    private mutating func lookAtWorkloads() {
        let internet = [model.publicPeers(of: .v4), model.publicPeers(of: .v6)]
        var metadata = Bits(count: model.space.count)
        metadata.insert(model.space.outside.lowerBound + model.space.atoms.index(of: NetworkModel.metadataAddress))
        for (workload, number) in model.representatives() {
            let pod = state.pods[number]
            guard !pod.isOnHostNetwork, let object = pod.object else { continue }
            coverage.workloads += 1
            let place = object.podTemplate?.spec.metadata["labels"] ?? object.metadata["labels"]
            for (direction, rule) in [
                (Direction.ingress, NetworkRules.unselectedIngress), (.egress, NetworkRules.unselectedEgress),
            ] {
                let table = model.table(direction)
                let group = table.groups[Int(table.groupOfClass[Int(model.space.classes.classOfPod[number])])]
                let isSelected = group.stages.contains { $0.end == .deny }
                if isSelected {
                    say(rule, .pass, workload, [])
                } else if model.isInGap(direction, number) {
                    say(rule, .notObservable, workload, [Evidence(node: place, message: "a policy cannot be read")])
                } else {
                    let message = "no policy selects it for \(direction.rawValue)"
                    say(rule, .fail, workload, [Evidence(node: place, message: message)])
                }
                guard direction == .egress, isSelected else { continue }
                lookOutside(workload, number, internet, metadata)
            }
        }
    }

    private mutating func lookOutside(_ workload: ObjectReference, _ pod: Int, _ internet: [Bits], _ metadata: Bits) {
        let open = internet.flatMap { openRules(pod, $0, isAll: true) }
        say(
            NetworkRules.internetEgress, open.isEmpty ? .pass : .fail, workload,
            open.map {
                Evidence(node: $0.node, message: "\($0.policy): every public address is allowed", object: $0.policy)
            })
        let wanted = TrafficSet(.tcp, 80...80)
        let verdict = model.anyAllowed(.egress, pod, metadata, wanted)
        let doors = verdict == .allowed ? openRules(pod, metadata, isAll: false, wanted) : []
        say(
            NetworkRules.metadataReachable, verdict == .allowed && !doors.isEmpty ? .fail : .pass, workload,
            doors.map {
                Evidence(
                    node: $0.node, message: "\($0.policy): 169.254.169.254 is allowed on port 80", object: $0.policy)
            })
    }

    /// Rules that allow some, or all, of the peers.
    private func openRules(
        _ pod: Int, _ peers: Bits, isAll: Bool, _ wanted: TrafficSet = .withPorts
    ) -> [(policy: ObjectReference, node: Node)] {
        let table = model.egress
        let group = table.groups[Int(table.groupOfClass[Int(model.space.classes.classOfPod[pod])])]
        var out: [(ObjectReference, Node)] = []
        for index in group.stages.flatMap(\.rules) {
            let rule = table.rules[Int(index)]
            guard rule.action == .allow, rule.traffic.intersects(wanted), let node = model.rule(rule.identity)?.node,
                isAll ? peers.isSubset(of: rule.peers.sure) : peers.intersects(rule.peers.sure)
            else { continue }
            let reaches = group.allowed.contains { part in
                part.traffic.intersects(rule.traffic.intersection(wanted))
                    && (isAll ? peers.isSubset(of: part.sure) : peers.intersects(part.sure))
            }
            if reaches { out.append((model.policy(rule.identity).reference, node)) }
        }
        return out
    }

    private mutating func lookAtGaps() {
        for gap in state.gaps {
            guard let node = gap.node else { continue }
            let isInvalid = state.problems.contains { $0.kind == .invalid && $0.message.hasPrefix("\(gap.policy)") }
            let rule = isInvalid ? NetworkRules.invalidPolicy : NetworkRules.unreadPolicy
            say(rule, isInvalid ? .fail : .notObservable, gap.policy, [Evidence(node: node, message: gap.reason)])
        }
    }

    private mutating func lookAtPolicies() {
        for finding in PolicyHygiene(model).findings() {
            say(finding.rule, .fail, finding.policy, finding.evidence)
        }
    }
}
