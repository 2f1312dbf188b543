import Documents
package import Findings
package import Kubernetes

/// Looks for what is wrong with the network policies of a cluster or of files.
///
/// Files tell less than a cluster: a chart may go into a namespace whose policies stand elsewhere, and the peers of a
/// rule may be workloads of another folder. So among files a namespace is accused only where the files make it or hold
/// policies for it, a workload only where the files hold policies for its namespace, and a peer or selector without
/// match only where the workloads it could mean would have to stand in the same files.
package struct NetworkEvaluation: Sendable {
    package let model: NetworkModel
    /// The only rules that count; nil for all.
    package var selected: Set<String>?
    /// The cluster's name; empty for files.
    package var cluster = ""
    let isCluster: Bool
    private let services: [KubernetesObject]
    private let published: Set<Int>
    private let namespacesWithPolicies: Set<Int>
    private var found: [OwnerIdentity: OwnerResult] = [:]

    /// - Parameter unlistedKinds: kinds of which a cluster showed nothing; without policies nothing is certain.
    package init(
        _ inventory: Inventory, isCluster: Bool, unlistedKinds: Set<String> = [], plugin: NetworkPlugin? = nil
    ) {
        var state = NetworkState(inventory, plugin: plugin)
        state.note(unlisted: unlistedKinds)
        self.init(NetworkModel(state), services: inventory.objects("Service"), isCluster: isCluster)
    }

    package init(_ model: NetworkModel, services: [KubernetesObject] = [], isCluster: Bool = true) {
        self.model = model
        self.isCluster = isCluster
        self.services = services
        var published: Set<Int> = []
        for service in services where Self.isPublished(service) {
            let wanted = service.node["spec"]["selector"].stringMap
            guard !wanted.isEmpty else { continue }
            let place = service.namespace.isEmpty ? "default" : service.namespace
            for (number, pod) in model.state.pods.enumerated()
            where model.state.namespaces[pod.namespace].name == place {
                let labels = model.state.labels(of: pod)
                if wanted.allSatisfy({ labels[$0.key] == $0.value }) { published.insert(number) }
            }
        }
        self.published = published
        namespacesWithPolicies = model.namespacesWithPolicies
    }

    private static func isPublished(_ service: KubernetesObject) -> Bool {
        let spec = service.node["spec"]
        return spec["type"].equals("LoadBalancer") || spec["type"].equals("NodePort") || !spec["externalIPs"].isEmpty
    }

    package var rules: [Rule] { NetworkRules.all.filter { selected?.contains($0.id) ?? true } }

    /// Kinds that, when one of them changes, may change any result.
    package static let kindsRead: Set<String> = [
        "Namespace", "Node", "Pod", "ServiceAccount", "Service", "NetworkSet", "GlobalNetworkSet", "Tier",
        "HostEndpoint", "FelixConfiguration", "Profile", "IPPool", "CiliumCIDRGroup", "ConfigMap", "EndpointSlice",
        "Endpoints",
    ]

    private var state: NetworkState { model.state }

    /// Every finding in the order of outputs, and the sum of the coverage.
    package func results() -> (findings: [Finding], coverage: Coverage) {
        var findings: [Finding] = []
        var coverage = Coverage()
        for result in resultsByOwner().values {
            findings += result.findings
            coverage.add(result.coverage)
        }
        findings.sort(by: Finding.areInOrder)
        return (findings, coverage)
    }

    /// What is said of each namespace, workload and policy.
    package func resultsByOwner() -> [OwnerIdentity: OwnerResult] {
        var run = self
        run.lookAtPlugin()
        run.lookAtNamespaces()
        run.lookAtWorkloads()
        run.lookAtGaps()
        for finding in PolicyHygiene(model, services: services, isCluster: isCluster).findings() {
            run.say(finding.rule, .fail, finding.policy, finding.evidence, finding.object)
        }
        return run.found
    }

    // MARK: Saying

    private mutating func say(
        _ rule: Rule, _ outcome: Outcome, _ subject: ObjectReference, _ evidence: [Evidence],
        _ object: KubernetesObject?, severity: Severity? = nil
    ) {
        guard selected?.contains(rule.id) ?? true else { return }
        let file = object?.file ?? evidence.first?.node.source.name ?? ""
        let owner = OwnerIdentity(subject, file: file)
        var result = found[owner] ?? OwnerResult(owner: owner)
        switch outcome {
        case .pass: result.coverage.passed += 1
        case .fail: result.coverage.failed += 1
        case .notObservable: result.coverage.notObservable += 1
        case .notApplicable, .waived: result.coverage.notApplicable += 1
        }
        if outcome == .fail || outcome == .notObservable {
            let isSystem = subject.namespace == "kube-system" || subject.name == "kube-system"
            if let place = result.findings.firstIndex(where: { $0.rule.id == rule.id && $0.outcome == outcome }) {
                // Pods of one workload may differ: the places stand together, once each.
                result.coverage.failed -= outcome == .fail ? 1 : 0
                result.coverage.notObservable -= outcome == .notObservable ? 1 : 0
                let known = result.findings[place].evidence
                result.findings[place].evidence += evidence.filter { new in
                    !known.contains { $0.message == new.message && $0.path == new.path }
                }
            } else {
                result.findings.append(
                    Finding(
                        rule: rule, severity: severity, outcome: outcome, subject: subject, file: file,
                        evidence: evidence, cluster: cluster, origin: object.flatMap { ObjectOrigin($0) },
                        isSystem: isSystem))
            }
        }
        found[owner] = result
    }

    // MARK: Looking

    private mutating func lookAtPlugin() {
        // A folder with a plugin's manifests and no policy says nothing of the cluster's needs.
        guard !state.plugin.enforcesPolicies, isCluster || state.policyCount > 0,
            let object = state.plugin.source ?? state.pods.first?.object
        else { return }
        let said =
            switch state.policyCount {
            case 0: ""
            case 1: "; a policy is kept and nothing acts on it"
            default: "; \(state.policyCount) policies are kept and nothing acts on them"
            }
        say(
            NetworkRules.pluginWithoutEnforcement, .fail, object.reference,
            [
                Evidence(
                    node: object.metadata, message: "\(state.plugin.family.rawValue): \(state.plugin.evidence)\(said)")
            ],
            object)
    }

    /// A namespace is closed when a policy selects every pod it can ever have, and drops the rest.
    private mutating func lookAtNamespaces() {
        for (namespace, pods) in model.podsByNamespace.enumerated() {
            let name = state.namespaces[namespace].name
            guard let first = pods.first, let object = state.namespaces[namespace].object ?? state.pods[first].object
            else { continue }
            let subject = ObjectReference(group: "", kind: "Namespace", namespace: "", name: name)
            for (direction, rule) in [
                (Direction.ingress, NetworkRules.noDefaultDenyIngress), (.egress, NetworkRules.noDefaultDenyEgress),
            ] {
                let hasPolicies = namespacesWithPolicies.contains(namespace)
                if state.isClosed(namespace, direction) {
                    say(rule, .pass, subject, [], object)
                } else if let gap = state.gaps.first(where: { state.selectsEverything($0.subjects, in: namespace) }) {
                    say(
                        rule, .notObservable, subject, [Evidence(node: object.metadata, message: gap.reason)], object)
                } else if isCluster || hasPolicies || state.namespaces[namespace].isKnown {
                    let message = "namespace \(name) has no policy that drops \(direction.rawValue) by default"
                    say(
                        rule, .fail, subject, [Evidence(node: object.metadata, message: message)], object,
                        severity: isCluster || hasPolicies ? nil : .low)
                } else {
                    let message =
                        "these files neither make namespace \(name) nor hold a policy for it; one may be in force there"
                    say(rule, .notObservable, subject, [Evidence(node: object.metadata, message: message)], object)
                }
            }
        }
    }

    private mutating func lookAtWorkloads() {
        let internet = [model.publicPeers(of: .v4), model.publicPeers(of: .v6)]
        let metadata = model.metadataPeers
        for (workload, number) in model.representatives() {
            let pod = state.pods[number]
            guard !pod.isOnHostNetwork, let object = pod.object else { continue }
            guard isCluster || namespacesWithPolicies.contains(pod.namespace) else { continue }
            let place = object.podTemplate?.spec.metadata["labels"] ?? object.metadata["labels"]
            for (direction, rule) in [
                (Direction.ingress, NetworkRules.unselectedIngress), (.egress, NetworkRules.unselectedEgress),
            ] {
                let isSelected = model.isSelected(number, direction)
                if isSelected {
                    say(rule, .pass, workload, [], object)
                } else if model.isInGap(direction, number) {
                    say(
                        rule, .notObservable, workload, [Evidence(node: place, message: "a policy cannot be read")],
                        object)
                } else {
                    let message = "no policy selects it for \(direction.rawValue)"
                    say(rule, .fail, workload, [Evidence(node: place, message: message)], object)
                }
                guard isSelected else { continue }
                if direction == .egress { lookOutside(workload, number, object, internet, metadata) }
                lookAcross(workload, number, object, direction)
            }
            if let group = found[OwnerIdentity(workload, file: object.file)], group.coverage.workloads == 0 {
                found[OwnerIdentity(workload, file: object.file)]?.coverage.workloads = 1
            }
        }
    }

    private mutating func lookOutside(
        _ workload: ObjectReference, _ pod: Int, _ object: KubernetesObject, _ internet: [Bits], _ metadata: Bits
    ) {
        let open = internet.flatMap { openRules(pod, $0, isAll: true) }
        say(
            NetworkRules.internetEgress, open.isEmpty ? .pass : .fail, workload,
            open.map {
                Evidence(node: $0.node, message: "\($0.policy): every public address is allowed", object: $0.policy)
            }, object)
        let wanted = TrafficSet(.tcp, 80...80)
        let verdict = model.anyAllowed(.egress, pod, metadata, wanted)
        let doors = verdict == .allowed ? openRules(pod, metadata, isAll: false, wanted) : []
        say(
            NetworkRules.metadataReachable, verdict == .allowed && !doors.isEmpty ? .fail : .pass, workload,
            doors.map {
                Evidence(
                    node: $0.node, message: "\($0.policy): 169.254.169.254 is allowed on port 80", object: $0.policy)
            }, object)
    }

    /// Rules that open a workload to, or let it reach, pods of every namespace there may ever be.
    ///
    /// Names are looked up across namespaces by everybody, so egress to port 53 does not count; nor does ingress to
    /// what a Service publishes to the outside, which is meant for everybody.
    private mutating func lookAcross(
        _ workload: ObjectReference, _ pod: Int, _ object: KubernetesObject, _ direction: Direction
    ) {
        var evidence: [Evidence] = []
        if direction == .egress || !published.contains(pod) {
            let table = model.table(direction)
            let group = table.groups[Int(table.groupOfClass[Int(model.space.classes.classOfPod[pod])])]
            for index in group.stages.flatMap(\.rules) {
                let rule = table.rules[Int(index)]
                guard rule.action == .allow, let source = model.rule(rule.identity), source.doubt == nil,
                    source.peers.holdsPodsOfAnyNamespace,
                    direction == .ingress || !rule.traffic.isSubset(of: .nameLookups)
                else { continue }
                let policy = model.policy(rule.identity).reference
                let way = direction == .ingress ? "may reach it" : "may be reached by it"
                let message = "\(policy): pods of every namespace \(way)"
                if !evidence.contains(where: { $0.message == message && $0.path == source.node.path }) {
                    evidence.append(Evidence(node: source.node, message: message, object: policy))
                }
            }
        }
        say(NetworkRules.crossNamespaceOpen, evidence.isEmpty ? .pass : .fail, workload, evidence, object)
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
            let isInvalid = state.problems.contains { $0.kind == .invalid && $0.message.hasPrefix("\(gap.policy):") }
            let rule = isInvalid ? NetworkRules.invalidPolicy : NetworkRules.unreadPolicy
            say(rule, isInvalid ? .fail : .notObservable, gap.policy, [Evidence(node: node, message: gap.reason)], nil)
        }
    }
}

extension TrafficSet {
    /// DNS, also on the port it has behind the Services of OpenShift and CoreDNS with a mesh.
    static let nameLookups = [UInt16(53), 5353].reduce(TrafficSet()) { set, port in
        set.union(TrafficSet(.udp, port...port)).union(TrafficSet(.tcp, port...port))
    }
}

extension PeerSelector {
    /// Whether it would hold a pod without labels, and one with labels nobody foresaw, of a namespace nobody foresaw.
    var holdsPodsOfAnyNamespace: Bool {
        switch self {
        case .anyone: true
        case .pods(let expression):
            [nil, "a value nobody has written"].allSatisfy { value in
                expression.matches { key in
                    switch key {
                    case .own, .namespace, .serviceAccount: value
                    case .namespaceName, .serviceAccountName: "a name nobody has given"
                    case .orchestrator: "k8s"
                    case .cluster: "default"
                    }
                }
            }
        case .addresses(let set, let reach):
            reach.contains(.pods)
                && (AddressSet.private.v4.isSubset(of: set.v4) || AddressSet.private.v6.isSubset(of: set.v6))
        case .union(let parts): parts.contains(where: \.holdsPodsOfAnyNamespace)
        case .intersection(let parts): parts.allSatisfy(\.holdsPodsOfAnyNamespace)
        case .nobody, .nodes, .domains, .complement, .unknown: false
        }
    }
}
