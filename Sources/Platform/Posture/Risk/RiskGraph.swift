import Documents
import Findings
package import Kubernetes
package import NetworkPolicies
package import RBAC

/// Everything somebody from outside, or in a pod, may go through: ways in, flaws, who may connect to whom, ways out of
/// containers, rights, tokens on nodes, and identities of the cloud.
///
/// It lies over `EscalationGraph`: the same nodes, its arcs as they are, and between workloads the connections that
/// policies let pass for sure, which are looked up class by class and never written down as pairs.
package struct RiskGraph: Sendable {
    package struct Workload: Sendable {
        package var reference: ObjectReference
        package var account: ServiceAccountName
        package var mountsToken: Bool
        package var pods: Int
        package var hasEscape: Bool
        package var images: [String]
        /// TCP ports its containers say they listen on.
        package var ports: [UInt16]
        /// Ways in from the internet that policies let pass for sure.
        package internal(set) var exposures: [Exposure] = []
        package internal(set) var weaknesses: [Weakness] = []
        /// Classes of its pods in the network.
        var classes: [Int32] = []
        /// Kubernetes' own: what it could do is no news.
        package var isSystem: Bool { reference.namespace == "kube-system" }
    }

    /// Where a way ends, or goes on otherwise than the rights say.
    struct Seed: Sendable {
        var node: Int32
        var effort: Int
        var text: String
        var evidence: [RiskEvidence]
    }

    package private(set) var workloads: [Workload]
    package private(set) var rights: EscalationGraph
    package let targets: [RiskTarget]
    package internal(set) var model: AccessModel
    let inventory: Inventory
    let reach: ClassReach
    let minor: Int
    /// Workloads of each class of pods.
    private(set) var membersOfClass: [[Int32]] = []
    private(set) var numbers: [ObjectReference: Int] = [:]
    /// Arcs of the rights that a change has closed.
    private(set) var closed: Set<Int32> = []
    private(set) var joints: [EscalationGraph.Joint] = []
    private(set) var incoming = IncomingArcs()
    private(set) var seeds: [[Seed]] = []
    private let areNodesPublic: Bool

    /// - Parameters:
    ///   - model: roles and bindings; among files with those Kubernetes makes itself.
    ///   - network: the policies, read; made from the inventory where none is given.
    package init(
        _ inventory: Inventory, model: AccessModel, targets: [RiskTarget] = RiskTarget.standard,
        weaknesses: some WeaknessSource = NoWeaknesses(), network: NetworkModel? = nil, minor: Int = 36
    ) {
        self.inventory = inventory
        self.model = model
        self.targets = targets.sorted()
        self.minor = minor
        let objects = inventory.objects.values
        let accounts = inventory.objects("ServiceAccount").map {
            ServiceAccountName(namespace: $0.namespace, name: $0.name)
        }
        rights = EscalationGraph(model, accounts: accounts, workloads: WorkloadMap(objects), minor: minor)
        let network = network ?? NetworkModel(NetworkState(inventory))
        reach = ClassReach(network)
        areNodesPublic = inventory.objects("Node").contains { node in
            node.node["status"]["addresses"].elements.contains { $0["type"].equals("ExternalIP") }
        }
        workloads = rights.joinedWorkloads.map {
            Workload(
                reference: $0.reference, account: $0.account, mountsToken: $0.mountsToken, pods: $0.pods,
                hasEscape: $0.hasEscape, images: [], ports: [])
        }
        for (index, workload) in workloads.enumerated() where numbers[Self.key(workload.reference)] == nil {
            numbers[Self.key(workload.reference)] = index
        }
        readContainers(network)
        placeInNetwork()
        for index in workloads.indices {
            workloads[index].weaknesses = weaknesses.weaknesses(
                of: workloads[index].reference, images: workloads[index].images)
        }
        take(network.exposures(inventory))
        joinRights()
    }

    /// The graph of a cluster, or of files: among those Kubernetes' own roles are there all the same.
    ///
    /// - Parameter minor: version of Kubernetes; nil for the newest.
    package init(
        _ inventory: Inventory, isCluster: Bool, targets: [RiskTarget] = RiskTarget.standard,
        weaknesses: some WeaknessSource = NoWeaknesses(), unlistedKinds: Set<String> = [], minor: Int? = nil
    ) {
        let objects = inventory.objects.values
        let model =
            isCluster ? AccessModel(objects) : AccessModel(BootstrapPolicy.of(minor: minor).objects + objects)
        var state = NetworkState(inventory)
        state.note(unlisted: unlistedKinds)
        self.init(
            inventory, model: model, targets: targets, weaknesses: weaknesses, network: NetworkModel(state),
            minor: minor ?? 36)
    }

    /// Kinds without which ways cannot be told: rights, pods, and policies of whatever language.
    package static func isNeeded(_ kind: String) -> Bool {
        ["Pod", "Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "HostEndpoint"].contains(kind)
            || kind.hasSuffix("NetworkPolicy")
    }

    /// A namespace that is not written is "default" to the network.
    private static func key(_ reference: ObjectReference) -> ObjectReference {
        guard reference.namespace.isEmpty else { return reference }
        return ObjectReference(
            group: reference.group, kind: reference.kind, namespace: "default", name: reference.name)
    }

    package func number(of workload: ObjectReference) -> Int? { numbers[Self.key(workload)] }

    // MARK: Reading

    private mutating func readContainers(_ network: NetworkModel) {
        for pod in network.state.pods {
            guard let number = number(of: pod.owner), workloads[number].images.isEmpty,
                let template = pod.object?.podTemplate
            else { continue }
            for container in template.spec.allContainers {
                let image = container.image
                if !image.isEmpty, !workloads[number].images.contains(image) { workloads[number].images.append(image) }
            }
            workloads[number].ports = network.state.ports(of: pod).filter { $0.protocol == .tcp }.map(\.number)
        }
    }

    private mutating func placeInNetwork() {
        let members = reach.workloadsByClass()
        membersOfClass = [[Int32]](repeating: [], count: members.count)
        for (number, list) in members.enumerated() {
            for reference in list {
                guard let workload = self.number(of: reference) else { continue }
                membersOfClass[number].append(Int32(workload))
                workloads[workload].classes.append(Int32(number))
            }
        }
    }

    /// Keeps the ways that begin on the internet and that nothing stands in.
    private mutating func take(_ exposures: [Exposure]) {
        for index in workloads.indices { workloads[index].exposures = [] }
        for exposure in exposures where exposure.verdict == .allowed && isPublic(exposure) {
            if let number = number(of: exposure.workload) { workloads[number].exposures.append(exposure) }
        }
    }

    /// A port of a node is open to the internet where nodes have addresses there, and to neighbours elsewhere.
    private func isPublic(_ exposure: Exposure) -> Bool {
        switch exposure.route {
        case .ingress, .gateway, .externalIP: return true
        case .nodePort, .hostPort, .hostNetwork: return areNodesPublic
        case .loadBalancer:
            guard let service = inventory[ObjectKey(exposure.through)] else { return true }
            return !Self.isInternal(service)
        }
    }

    /// Load balancers that clouds put on a private network. Source: the annotations of AWS, Azure, Google Cloud.
    private static func isInternal(_ service: KubernetesObject) -> Bool {
        let annotations = service.annotations
        let flags = [
            "service.beta.kubernetes.io/aws-load-balancer-internal",
            "service.beta.kubernetes.io/azure-load-balancer-internal",
            "service.beta.kubernetes.io/openstack-internal-load-balancer",
        ]
        if flags.contains(where: { annotations[$0].map { $0.lowercased() == "true" || $0 == "0.0.0.0/0" } ?? false }) {
            return true
        }
        if annotations["service.beta.kubernetes.io/aws-load-balancer-scheme"] == "internal" { return true }
        let kinds = ["networking.gke.io/load-balancer-type", "cloud.google.com/load-balancer-type"]
        return kinds.contains { annotations[$0]?.lowercased() == "internal" }
    }

    // MARK: Rights

    /// Puts the arcs of the rights into place, and what leads to each target beside them.
    private mutating func joinRights() {
        joints = rights.joints
        incoming = IncomingArcs(joints, count: rights.nodeCount)
        seeds = targets.map(seeds(of:))
    }

    private func seeds(of target: RiskTarget) -> [Seed] {
        var out: [Seed] = []
        if let node = target.goal.flatMap(rights.node(of:)) {
            out.append(Seed(node: node, effort: 0, text: "", evidence: []))
        }
        switch target {
        case .namespace(let name):
            out += rights.nodes(ofNamespace: name).map { Seed(node: $0, effort: 0, text: "", evidence: []) }
        case .secret(let namespace, let name): out += readers(namespace, name) + holders(namespace, name)
        case .cloud: out += cloudIdentities()
        case .clusterAdmin, .nodeRoot, .allSecrets: break
        }
        return out
    }

    private func readers(_ namespace: String, _ name: String) -> [Seed] {
        let request = AccessRequest("get", .init("secrets", name: name, namespace: namespace))
        return model.whoCan(request).compactMap { subject, grants in
            rights.node(of: subject).map { node in
                Seed(
                    node: node, effort: 1, text: "may get it",
                    evidence: grants.prefix(1).map { RiskEvidence($0.description, $0.ruleNode) })
            }
        }
    }

    /// Workloads that have the value in a volume or their environment.
    private func holders(_ namespace: String, _ name: String) -> [Seed] {
        var seen: Set<Int> = []
        return inventory.keys(in: namespace).compactMap { key -> Seed? in
            guard let object = inventory[key], let spec = object.podTemplate?.spec,
                let number = number(of: inventory.topmostOwner(of: object)) ?? number(of: object.reference),
                let field = spec.field(naming: name), seen.insert(number).inserted
            else { return nil }
            return Seed(
                node: workloadNode(number), effort: 0, text: "has it",
                evidence: [RiskEvidence("\(object.reference) \(field.path)", field)])
        }
    }

    /// Annotations of service accounts that clouds turn into identities. Source: the documentation of EKS, GKE and AKS.
    private static let cloudAnnotations = [
        "eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account", "azure.workload.identity/client-id",
    ]

    private func cloudIdentities() -> [Seed] {
        var byAccount: [ServiceAccountName: RiskEvidence] = [:]
        for account in inventory.objects("ServiceAccount") {
            for name in Self.cloudAnnotations {
                let node = account.metadata["annotations"][name]
                guard let value = node.string, !value.isEmpty else { continue }
                byAccount[ServiceAccountName(namespace: account.namespace, name: account.name)] = RiskEvidence(
                    "\(account.reference) is \(value)", node)
            }
        }
        guard !byAccount.isEmpty else { return [] }
        return workloads.indices.compactMap { index in
            byAccount[workloads[index].account].map { evidence in
                Seed(node: workloadNode(index), effort: 0, text: "runs as it", evidence: [evidence])
            }
        }
    }

    func workloadNode(_ index: Int) -> Int32 { Int32(rights.workloadNodes.lowerBound + index) }

    func workload(at node: Int32) -> Int? {
        rights.workloadNodes.contains(Int(node)) ? Int(node) - rights.workloadNodes.lowerBound : nil
    }

    // MARK: Changes

    /// Takes changed roles and bindings in; what runs is what it was.
    package mutating func set(rights changed: EscalationGraph, model: AccessModel) {
        rights = changed
        self.model = model
        closed = []
        joinRights()
    }

    /// A binding or role that came, changed or went.
    package mutating func apply(_ event: Inventory.Event) {
        model.apply(event)
        set(rights: rights.over(model, minor: minor), model: model)
    }

    package mutating func set(weaknesses: [Weakness], of workload: ObjectReference) {
        if let number = number(of: workload) { workloads[number].weaknesses = weaknesses }
    }

    /// Closes arcs by their ends: after rights have changed, numbers are others.
    mutating func close(again kept: [EscalationGraph.Joint]) {
        guard !kept.isEmpty else { return }
        let ends = Set(kept.map { [$0.from, $0.to] })
        for (number, joint) in joints.enumerated() where ends.contains([joint.from, joint.to]) {
            closed.insert(Int32(number))
        }
    }

    /// Closes every way in that goes through an object.
    package mutating func close(through reference: ObjectReference) {
        for index in workloads.indices { workloads[index].exposures.removeAll { $0.through == reference } }
    }

    /// Takes the flaws of an image away, as a rebuilt one would.
    package mutating func rebuild(image: String) {
        for index in workloads.indices { workloads[index].weaknesses.removeAll { $0.image == image } }
    }

    /// Takes the ways out of a workload's pods away: to nodes, or its token.
    package mutating func confine(_ reference: ObjectReference, token: Bool) {
        let first = Int32(rights.workloadNodes.upperBound)
        for index in workloads.indices where workloads[index].reference == reference {
            if token { workloads[index].mountsToken = false } else { workloads[index].hasEscape = false }
            let node = workloadNode(index)
            for (number, joint) in joints.enumerated() where joint.from == node && (joint.to >= first) == token {
                closed.insert(Int32(number))
            }
        }
    }
}

/// Arcs by their end, side by side.
struct IncomingArcs: Sendable {
    private var starts: [Int32] = [0]
    private var list: [Int32] = []

    init() {}

    init(_ joints: [EscalationGraph.Joint], count: Int) {
        starts = [Int32](repeating: 0, count: count + 1)
        for joint in joints { starts[Int(joint.to) + 1] += 1 }
        for index in 0..<count { starts[index + 1] += starts[index] }
        var next = starts
        list = [Int32](repeating: 0, count: joints.count)
        for (number, joint) in joints.enumerated() {
            list[Int(next[Int(joint.to)])] = Int32(number)
            next[Int(joint.to)] += 1
        }
    }

    subscript(_ node: Int32) -> ArraySlice<Int32> { list[Int(starts[Int(node)])..<Int(starts[Int(node) + 1])] }
}

extension PodSpec {
    /// The field that gives containers the value of a Secret.
    fileprivate func field(naming secret: String) -> Node? {
        for volume in volumes {
            if volume.node["secret"]["secretName"].equals(secret) { return volume.node["secret"]["secretName"] }
            for source in volume.node["projected"]["sources"].elements where source["secret"]["name"].equals(secret) {
                return source["secret"]["name"]
            }
        }
        for container in allContainers {
            for source in container.node["envFrom"].elements where source["secretRef"]["name"].equals(secret) {
                return source["secretRef"]["name"]
            }
            for variable in container.environment {
                let name = variable["valueFrom"]["secretKeyRef"]["name"]
                if name.equals(secret) { return name }
            }
        }
        return nil
    }
}
