package import Documents
package import Kubernetes

/// A connection that has to stay possible, and why.
package struct NetworkNeed: Sendable {
    /// One end.
    package enum End: Sendable, Hashable {
        /// Number of the workload in the list of workloads.
        case workload(Int)
        /// Addresses outside the cluster.
        case block(CIDR)
        /// Any address outside the cluster that is not a private one.
        case internet
        /// A name outside the cluster; plugins that know no names allow what `internet` does.
        case domain(String)
        /// Who it is cannot be told; everybody.
        case anyone
        case node(Int)
        /// The node a pod runs on.
        case ownNode
        /// Everything outside the cluster, and nodes that forward for it.
        case outside
        case apiServer
        case dns
        /// Pods of a namespace that were not seen, by their labels: a convention.
        case convention(namespace: String, labels: [LabelPair])
    }

    package enum Reason: String, Sendable, Hashable, Comparable, CaseIterable {
        case declared, route, observed, dns, probe, metrics, webhook, apiServer = "API server", peers

        package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    }

    package var source: End
    package var target: End
    package var `protocol`: TransportProtocol
    /// Nil for every port.
    package var port: UInt16?
    /// The name the target's containers give the port.
    package var portName: String?
    package var reason: Reason
    /// What says so: `env CART_URL`, `Service shop/web`, `seen 12 times`.
    package var why: String
    package var location: SourceLocation?
    /// Number of the flow in the table.
    package var flow: Int?

    package init(
        _ source: End, _ target: End, _ transport: TransportProtocol, _ port: UInt16?, name: String? = nil,
        reason: Reason, why: String, location: SourceLocation? = nil, flow: Int? = nil
    ) {
        self.source = source
        self.target = target
        self.protocol = transport
        self.port = port
        portName = name
        self.reason = reason
        self.why = why
        self.location = location
        self.flow = flow
    }

    /// What a rule would say; needs that differ only in their reason are one.
    package struct Key: Sendable, Hashable {
        package var source: End
        package var target: End
        package var transport: TransportProtocol
        package var port: UInt16?
    }

    package var key: Key { Key(source: source, target: target, transport: self.protocol, port: port) }

    package var traffic: TrafficSet {
        guard let port else { return TrafficSet(self.protocol) }
        return TrafficSet(self.protocol, port...port)
    }
}

package struct LabelPair: Sendable, Hashable, Comparable {
    package var key: String
    package var value: String

    package init(_ key: String, _ value: String) {
        self.key = key
        self.value = value
    }

    package static func < (a: Self, b: Self) -> Bool { (a.key, a.value) < (b.key, b.value) }

    static func sorted(_ labels: [String: String]) -> [LabelPair] {
        labels.map { LabelPair($0.key, $0.value) }.sorted()
    }
}

/// A workload as policies can select it.
package struct SelectableWorkload: Sendable {
    package var reference: ObjectReference
    package var namespace: String
    /// Numbers of its pods in the state.
    package var pods: [Int]
    /// Labels that select these pods over roll-outs; empty when they have none that do.
    package var selector: [LabelPair]
    /// Other workloads of the namespace that the selector takes too.
    package var alsoSelects: [Int] = []
    package var isOnHostNetwork: Bool
    package var object: KubernetesObject?

    /// `shop/web`, with the kind where two workloads have the name.
    package var name: String { "\(namespace)/\(reference.name)" }
}

/// The workloads of a state, each with a selector of its own.
package struct WorkloadSelectors: Sendable {
    package private(set) var workloads: [SelectableWorkload] = []
    private(set) var ofPod: [Int: Int] = [:]

    package init(_ state: NetworkState, _ inventory: Inventory) {
        var index: [ObjectReference: Int] = [:]
        for (number, pod) in state.pods.enumerated() {
            let place = state.namespaces[pod.namespace].name
            var owner = pod.owner
            owner.namespace = place
            let known = index[owner] ?? workloads.count
            if known == workloads.count {
                index[owner] = known
                let object = inventory[ObjectKey(pod.owner)] ?? inventory[ObjectKey(owner)] ?? pod.object
                workloads.append(
                    SelectableWorkload(
                        reference: owner, namespace: place, pods: [], selector: [],
                        isOnHostNetwork: pod.isOnHostNetwork, object: object))
            }
            workloads[known].pods.append(number)
            ofPod[number] = known
        }
        let order = workloads.indices.sorted { workloads[$0].reference < workloads[$1].reference }
        var place = [Int](repeating: 0, count: order.count)
        for (new, old) in order.enumerated() { place[old] = new }
        workloads = order.map { workloads[$0] }
        ofPod = ofPod.mapValues { place[$0] }
        var byNamespace: [String: [Int]] = [:]
        for (number, workload) in workloads.enumerated() { byNamespace[workload.namespace, default: []].append(number) }
        for number in workloads.indices { choose(number, byNamespace[workloads[number].namespace] ?? [], state) }
    }

    package func workload(ofPod pod: Int) -> Int? { ofPod[pod] }

    /// The fewest lasting labels that select the pods of the workload and of no other one.
    private mutating func choose(_ number: Int, _ neighbours: [Int], _ state: NetworkState) {
        let workload = workloads[number]
        // What all its pods have in common, and the controller keeps the same.
        var common: [String: String]?
        for pod in workload.pods {
            let labels = state.labels(of: state.pods[pod]).filter { StableLabels.isLasting($0.key) }
            common = common.map { known in known.filter { labels[$0.key] == $0.value } } ?? labels
        }
        let labels = common ?? [:]
        let written = workload.object?.node["spec"]["selector"]
        let fixed = (written?["matchLabels"].stringMap ?? [:]).merging(
            workload.object?.kind == "ReplicationController" ? written?.stringMap ?? [:] : [:]
        ) { $1 }.filter { labels[$0.key] == $0.value && StableLabels.isLasting($0.key) }
        var candidates: [[String: String]] = []
        let preferred = [
            ["app.kubernetes.io/name"], ["app"], ["k8s-app"], ["name"],
            ["app.kubernetes.io/name", "app.kubernetes.io/instance"],
            ["app.kubernetes.io/name", "app.kubernetes.io/component"],
            ["app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"],
            ["app", "component"], ["app", "tier"], ["app", "role"], ["run"], ["component"],
        ]
        for source in [fixed, labels] {
            if !source.isEmpty, source.count <= 3 { candidates.append(source) }
            for keys in preferred where keys.allSatisfy({ source[$0] != nil }) {
                candidates.append(source.filter { keys.contains($0.key) })
            }
            if !source.isEmpty { candidates.append(source) }
        }
        let others = neighbours.filter { $0 != number }
        func also(_ wanted: [String: String]) -> [Int] {
            others.filter { other in
                workloads[other].pods.contains { pod in
                    let own = state.labels(of: state.pods[pod])
                    return wanted.allSatisfy { own[$0.key] == $0.value }
                }
            }
        }
        var best: (labels: [String: String], also: [Int])?
        for candidate in candidates {
            let shared = also(candidate)
            if shared.isEmpty {
                best = (candidate, [])
                break
            }
            if shared.count < best?.also.count ?? .max { best = (candidate, shared) }
        }
        guard let best else { return }
        workloads[number].selector = LabelPair.sorted(best.labels)
        workloads[number].alsoSelects = best.also
    }
}
