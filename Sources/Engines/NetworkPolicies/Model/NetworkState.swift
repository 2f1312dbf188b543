package import Documents
package import Findings
package import Kubernetes

/// A port a container says it listens on; the name is what policies may call it by.
package struct ContainerPort: Sendable, Hashable {
    package var name: String
    package var number: UInt16
    package var `protocol`: TransportProtocol

    package init(name: String, number: UInt16, protocol: TransportProtocol) {
        self.name = name
        self.number = number
        self.protocol = `protocol`
    }
}

package struct NetworkNamespace: Sendable {
    package var name: String
    package var labels: [String: String]
    /// False when only its name is known: no Namespace object was seen.
    package var isKnown: Bool
    package var object: KubernetesObject?
}

/// A pod that runs or may run. What many pods have alike is held once and referred to by number.
package struct NetworkPod: Sendable {
    package var namespace: Int
    package var name: String
    package var labels: Int
    package var ports: Int
    package var serviceAccount: String
    /// The first is the one policies are compared with; empty when none was given out yet.
    package var addresses: [IPAddress]
    package var isOnHostNetwork: Bool
    package var node: String?
    /// What a person would change: the Deployment of a pod, or the pod.
    package var owner: ObjectReference
    /// The pod, or the workload whose template it is.
    package var object: KubernetesObject?
    /// Made from the template of a workload of which no pod was seen.
    package var isTemplate: Bool
}

package struct NetworkNode: Sendable {
    package var name: String
    package var labels: [String: String]
    package var addresses: [IPAddress]
    /// False when only its name is known: no Node object was seen.
    package var isKnown: Bool

    package init(name: String, labels: [String: String], addresses: [IPAddress], isKnown: Bool = true) {
        self.name = name
        self.labels = labels
        self.addresses = addresses
        self.isKnown = isKnown
    }
}

/// All that decides who may talk to whom at one moment: a plain value, built by hand or read from objects.
package struct NetworkState: Sendable {
    package private(set) var namespaces: [NetworkNamespace] = []
    package private(set) var labelSets: [[String: String]] = []
    package private(set) var portTables: [[ContainerPort]] = []
    package private(set) var pods: [NetworkPod] = []
    package private(set) var nodes: [NetworkNode] = []
    package var policies: [Policy] = []
    /// Policies that were read, whether anything enforces them or not.
    package internal(set) var policyCount = 0
    /// Policies of kinds this program cannot read, and what they may touch.
    package var gaps: [PolicyGap] = []
    /// Policies that are only tried out and enforce nothing: Calico's staged kinds.
    package var staged: [ObjectReference] = []
    /// What is wrong with policies: refused by the API server, unreadable.
    package var problems: [Problem] = []
    package var plugin: NetworkPlugin

    /// Pods that have ended and take no traffic any more: they are no ends.
    package internal(set) var endedPods = 0

    /// Kinds that a cluster did not show.
    package private(set) var unlistedKinds: Set<String> = []
    /// Where the traffic of nodes themselves is filtered.
    package internal(set) var guards: [HostGuard] = []
    package internal(set) var hostSettings = HostSettings()
    /// Numbers of filters by the name of their node.
    var guardsOfNode: [String: [Int]] = [:]
    /// For every node a number that nodes filtered alike share.
    var hostSigns: [Int32] = []
    /// Whether filters of hosts decide over what a node hands on to its pods and from them.
    var filtersForwarded = false

    private var namespaceIndex: [String: Int] = [:]
    private var labelIndex: [[String: String]: Int] = [:]
    private var portIndex: [[ContainerPort]: Int] = [:]
    private(set) var nodeIndex: [String: Int] = [:]

    package init(plugin: NetworkPlugin = .standard) { self.plugin = plugin }

    /// The number of a namespace; one never seen is made with the label every namespace has.
    package mutating func namespace(named name: String) -> Int {
        if let index = namespaceIndex[name] { return index }
        namespaceIndex[name] = namespaces.count
        namespaces.append(
            NetworkNamespace(name: name, labels: ["kubernetes.io/metadata.name": name], isKnown: false, object: nil))
        return namespaces.count - 1
    }

    package func namespaceNumber(_ name: String) -> Int? { namespaceIndex[name] }

    @discardableResult
    package mutating func add(namespace name: String, labels: [String: String], object: KubernetesObject? = nil) -> Int
    {
        let index = namespace(named: name)
        // The API server sets this label itself and lets nobody change it.
        namespaces[index].labels = labels.merging(["kubernetes.io/metadata.name": name]) { $1 }
        namespaces[index].isKnown = true
        namespaces[index].object = object
        return index
    }

    package mutating func labelSet(_ labels: [String: String]) -> Int {
        if let index = labelIndex[labels] { return index }
        labelIndex[labels] = labelSets.count
        labelSets.append(labels)
        return labelSets.count - 1
    }

    package mutating func portTable(_ ports: [ContainerPort]) -> Int {
        if let index = portIndex[ports] { return index }
        portIndex[ports] = portTables.count
        portTables.append(ports)
        return portTables.count - 1
    }

    package mutating func add(node: NetworkNode) {
        if let index = nodeIndex[node.name] {
            nodes[index] = node
        } else {
            nodeIndex[node.name] = nodes.count
            nodes.append(node)
        }
    }

    package mutating func add(
        pod name: String, in namespace: String, labels: [String: String], addresses: [IPAddress] = [],
        ports: [ContainerPort] = [], serviceAccount: String = "default", onHostNetwork: Bool = false,
        node: String? = nil, owner: ObjectReference? = nil, object: KubernetesObject? = nil, isTemplate: Bool = false
    ) {
        let pod = makePod(
            name, in: namespace, labels: labels, addresses: addresses, ports: ports, serviceAccount: serviceAccount,
            onHostNetwork: onHostNetwork, node: node, owner: owner, object: object, isTemplate: isTemplate)
        pods.append(pod)
    }

    /// A pod of this state, not yet among its pods.
    mutating func makePod(
        _ name: String, in namespace: String, labels: [String: String], addresses: [IPAddress] = [],
        ports: [ContainerPort] = [], serviceAccount: String = "default", onHostNetwork: Bool = false,
        node: String? = nil, owner: ObjectReference? = nil, object: KubernetesObject? = nil, isTemplate: Bool = false
    ) -> NetworkPod {
        // A pod on its node's network is its node to everybody else.
        if onHostNetwork, let node, nodeIndex[node] == nil {
            add(node: NetworkNode(name: node, labels: [:], addresses: addresses, isKnown: false))
        }
        return NetworkPod(
            namespace: self.namespace(named: namespace), name: name, labels: labelSet(labels),
            ports: portTable(ports), serviceAccount: serviceAccount, addresses: addresses,
            isOnHostNetwork: onHostNetwork, node: node,
            owner: owner ?? ObjectReference(group: "", kind: "Pod", namespace: namespace, name: name),
            object: object, isTemplate: isTemplate)
    }

    mutating func makePod(_ description: LiveNetwork.PodDescription) -> NetworkPod {
        makePod(
            description.name, in: description.namespace, labels: description.labels,
            addresses: description.addresses, ports: description.ports, serviceAccount: description.serviceAccount,
            onHostNetwork: description.isOnHostNetwork, node: description.node, owner: description.owner,
            object: description.object)
    }

    package mutating func add(_ description: LiveNetwork.PodDescription) { append(makePod(description)) }

    mutating func append(_ pod: NetworkPod) { pods.append(pod) }

    package mutating func remove(pod index: Int) { pods.remove(at: index) }

    /// Takes a pod out and gives its number to the last one.
    mutating func swapOut(pod index: Int) {
        pods.swapAt(index, pods.count - 1)
        pods.removeLast()
    }

    mutating func replace(pod index: Int, with pod: NetworkPod) { pods[index] = pod }

    package func namespaceName(of pod: NetworkPod) -> String { namespaces[pod.namespace].name }
    package func labels(of pod: NetworkPod) -> [String: String] { labelSets[pod.labels] }
    package func ports(of pod: NetworkPod) -> [ContainerPort] { portTables[pod.ports] }

    /// The family of addresses that answers are about; nil for the one that each pod names first.
    ///
    /// A pod of a dual-stack cluster has an address of each family, and a block only ever matches packets of its own.
    package var family: IPAddress.Family?

    /// The address of a pod that blocks are compared with.
    package func comparedAddress(of pod: NetworkPod) -> IPAddress? {
        guard let family else { return pod.addresses.first }
        return pod.addresses.first { $0.family == family } ?? pod.addresses.first
    }

    /// A node with the address that blocks are compared with in front.
    func withComparedAddressFirst(_ node: NetworkNode) -> NetworkNode {
        guard let family, let place = node.addresses.firstIndex(where: { $0.family == family }) else { return node }
        var out = node
        out.addresses.swapAt(0, place)
        return out
    }

    /// Pods that are there and have no address yet: a block may hold them or not.
    package var unaddressedPods: Int { pods.count { $0.addresses.isEmpty && !$0.isTemplate && !$0.isOnHostNetwork } }

    /// Whether some pod has addresses of both families.
    package var isDualStack: Bool {
        pods.contains { pod in Set(pod.addresses.map(\.family)).count > 1 }
    }

    /// The value a selector compares, for a pod.
    func value(_ key: LabelKey, namespace: Int, labels: Int, serviceAccount: String) -> String? {
        switch key {
        case .own(let name): labelSets[labels][name]
        case .namespace(let name): namespaces[namespace].labels[name]
        case .namespaceName: namespaces[namespace].name
        case .serviceAccount(let name):
            serviceAccountLabels["\(namespaces[namespace].name)/\(serviceAccount)"]?[name]
        case .serviceAccountName: serviceAccount
        case .orchestrator: "k8s"
        case .cluster: plugin.clusterName
        }
    }

    /// Where the API server answers; empty when that was not seen.
    package var apiServer: [APIServerAddress] = []

    /// Labels of service accounts by `namespace/name`; only Calico and Cilium look at them.
    package var serviceAccountLabels: [String: [String: String]] = [:]
}

extension NetworkState {
    /// Takes note of kinds of policies that a cluster did not show: without them nothing is certain.
    package mutating func note(unlisted kinds: Set<String>) {
        unlistedKinds.formUnion(kinds)
        for kind in kinds.sorted() where kind.hasSuffix("NetworkPolicy") {
            let isAboutHosts = PolicyGap.mayBeAboutHosts(kind)
            gaps.append(
                PolicyGap(
                    policy: ObjectReference(group: "", kind: kind, namespace: "", name: ""), node: nil,
                    reason: "\(kind) objects could not be listed", subjects: .everything,
                    hosts: isAboutHosts ? HostScope(labels: .everything) : nil))
            if kind == "CiliumClusterwideNetworkPolicy", plugin.family == .cilium, plugin.enforcesHostPolicies != false,
                guards.isEmpty
            {
                guardUnseen("\(kind) objects could not be listed")
            }
        }
        if kinds.contains("HostEndpoint"), plugin.family == .calico {
            guardUnseen("HostEndpoint objects could not be listed")
        }
    }

    /// Puts every node behind a filter of which nothing is known.
    private mutating func guardUnseen(_ why: String) {
        for node in nodes {
            var one = HostGuard(
                reference: ObjectReference(group: "", kind: "Node", namespace: "", name: node.name), node: node.name,
                labels: [:], addresses: AddressSet(), isEverywhere: true)
            one.doubt = why
            one.isOpaque = true
            guards.append(one)
        }
    }
}

/// A hole: a policy that says something this program cannot read.
package struct PolicyGap: Sendable {
    package var policy: ObjectReference
    package var node: Node?
    package var reason: String
    /// The pods whose answers it may change.
    package var subjects: LabelExpression
    package var ingress = true
    package var egress = true
    /// The filters of hosts it may change, for policies that may be about hosts.
    package var hosts: HostScope?

    /// Kinds that select hosts as well as pods.
    static func mayBeAboutHosts(_ kind: String) -> Bool {
        kind.hasSuffix("GlobalNetworkPolicy") || kind == "CiliumClusterwideNetworkPolicy"
    }
}
