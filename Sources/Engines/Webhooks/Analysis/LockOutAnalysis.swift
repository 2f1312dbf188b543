package import Documents
package import Kubernetes

/// Which gates can keep a cluster from starting again, and what each blocks once its backend is gone.
///
/// A gate that fails closed refuses everything it is asked about while nobody answers for it. Where what it refuses is
/// what its own backend needs to come up, or what the cluster needs to run anything at all, nothing mends it but a
/// person with the right to delete its configuration.
package struct LockOutAnalysis: Sendable {
    /// A request that a gate would refuse while its backend is gone.
    package struct Blocked: Sendable {
        package let essential: EssentialRequest
        /// Why it is not certain; nil where it is.
        package let doubt: String?
    }

    /// What is known of one gate.
    package struct Entry: Sendable {
        package let gate: AdmissionGate
        package let backend: BackendWorkload?
        /// What its own backend needs and it would refuse.
        package var own: [Blocked] = []
        /// What the cluster needs and it would refuse.
        package var bootstrap: [Blocked] = []
        /// The workloads of other nodes' networks and volumes that it would refuse, by name.
        package var plugins: [(workload: ObjectReference, part: String, doubt: String?)] = []
        /// Other gates that wait for this one while this one waits for them.
        package var cycle: [String] = []

        /// Whether it is certain that the cluster cannot come up by itself.
        package var isLockOut: Bool {
            gate.failsClosed && (own.contains { $0.doubt == nil } || !cycle.isEmpty)
        }
        /// Kinds it is asked about, of those looked at.
        package var blockedResources: [String] {
            var out: [String] = []
            for blocked in own + bootstrap where !out.contains(blocked.essential.request.resourceText) {
                out.append(blocked.essential.request.resourceText)
            }
            return out
        }
    }

    package let entries: [Entry]

    /// - Parameter conditions: what match conditions say of a request; nil where that cannot be decided.
    package init(
        _ inventory: Inventory, conditions: (Node, AdmittedRequest) -> Bool? = { _, _ in nil }
    ) {
        var labels: [String: [String: String]] = [:]
        for namespace in inventory.objects("Namespace") { labels[namespace.name] = namespace.labels }
        let essential = EssentialRequest.all { labels[$0] }
        let plugins = NodePlugin.all(in: inventory)
        var entries: [Entry] = []
        var backends: [AdmissionGate.Backend: BackendWorkload] = [:]
        for gate in AdmissionGate.all(in: inventory) {
            var backend: BackendWorkload?
            if case .service(let namespace, let name) = gate.backend {
                backend = backends[gate.backend] ?? BackendWorkload(namespace: namespace, service: name, in: inventory)
                backends[gate.backend] = backend
            }
            var entry = Entry(gate: gate, backend: backend)
            func blocked(_ requests: [EssentialRequest]) -> [Blocked] {
                requests.compactMap { one in
                    switch gate.isAsked(about: one.request, conditions: conditions) {
                    case .no: nil
                    case .yes: Blocked(essential: one, doubt: nil)
                    case .unknown(let why): Blocked(essential: one, doubt: why)
                    }
                }
            }
            if let backend { entry.own = blocked(EssentialRequest.ofBackend(backend)) }
            entry.bootstrap = blocked(essential)
            for plugin in plugins {
                var request = AdmittedRequest(
                    "CREATE", "pods", kind: "Pod", namespace: plugin.object.namespace,
                    namespaceLabels: labels[plugin.object.namespace], labels: [plugin.labels],
                    username: "system:serviceaccount:kube-system:daemon-set-controller",
                    groups: ["system:serviceaccounts", "system:authenticated"])
                request.name = plugin.object.name
                switch gate.isAsked(about: request, conditions: conditions) {
                case .no: continue
                case .yes: entry.plugins.append((plugin.object.reference, plugin.part, nil))
                case .unknown(let why): entry.plugins.append((plugin.object.reference, plugin.part, why))
                }
            }
            entries.append(entry)
        }
        Self.findCycles(&entries, conditions)
        self.entries = entries
    }

    /// Gates of which each refuses the other's pods: neither comes up before the other.
    private static func findCycles(
        _ entries: inout [Entry], _ conditions: (Node, AdmittedRequest) -> Bool?
    ) {
        // waits[i] holds j where i's pods are refused while j's backend is gone.
        var waits = [[Int]](repeating: [], count: entries.count)
        for (i, entry) in entries.enumerated() {
            guard entry.gate.failsClosed, let backend = entry.backend else { continue }
            let pods = EssentialRequest.ofBackend(backend)
            for (j, other) in entries.enumerated()
            where i != j && other.gate.failsClosed && other.gate.backend != entry.gate.backend {
                guard case .service = other.gate.backend else { continue }
                if pods.contains(where: { other.gate.isAsked(about: $0.request, conditions: conditions) == .yes }) {
                    waits[i].append(j)
                }
            }
        }
        for i in entries.indices {
            // Whom i waits for that, over others or not, waits for i.
            for j in waits[i] where reaches(i, from: j, waits) {
                let name = entries[j].gate.name
                if !entries[i].cycle.contains(name) { entries[i].cycle.append(name) }
            }
        }
    }

    private static func reaches(_ target: Int, from start: Int, _ waits: [[Int]]) -> Bool {
        var seen: Set<Int> = [start]
        var queue = [start]
        while let next = queue.popLast() {
            if next == target { return true }
            for other in waits[next] where seen.insert(other).inserted { queue.append(other) }
        }
        return false
    }
}

/// What every node needs before an ordinary pod can start on it.
struct NodePlugin {
    var object: KubernetesObject
    /// `network`, `volumes`, `services`, `names`
    var part: String
    var labels: [String: String]

    /// Found by the folders of the node they write to, as every network and volume plug-in has to.
    static func all(in inventory: Inventory) -> [NodePlugin] {
        inventory.objects("DaemonSet", of: "apps").compactMap { object in
            guard let spec = object.podTemplate?.spec else { return nil }
            let paths = spec.volumes.compactMap { $0.node["hostPath"]["path"].string }
            let part: String
            if paths.contains(where: { $0.hasPrefix("/etc/cni") || $0.hasPrefix("/opt/cni") }) {
                part = "network"
            } else if paths.contains(where: { $0.hasPrefix("/var/lib/kubelet/plugins") }) {
                part = "volumes"
            } else if object.name == "kube-proxy" {
                part = "services"
            } else {
                return nil
            }
            return NodePlugin(object: object, part: part, labels: spec.labels)
        }
    }
}
