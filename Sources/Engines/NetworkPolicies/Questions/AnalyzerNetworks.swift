import Documents
import Kubernetes

/// The networks beside the cluster's own, as netpol-analyzer tells them apart: primary networks that users define for
/// namespaces (OVN-Kubernetes), and networks that pods are attached to (Multus).
///
/// Pods of a primary network talk to each other and the outside, under the policies of the cluster. An attached network
/// has no outside, and policies of its own (MultiNetworkPolicy).
struct AnalyzerNetworks {
    struct Network: Sendable {
        /// Empty for the cluster's own.
        var name: String
        var state: NetworkState
        var isAttached = false
    }

    private(set) var networks: [Network] = []

    private static let attachments = "k8s.v1.cni.cncf.io/networks"
    private static let policyFor = "k8s.v1.cni.cncf.io/policy-for"
    private static let primaryLabel = "k8s.ovn.org/primary-user-defined-network"

    /// - Parameter notesDoubt: policies of attached networks that are not understood leave a hole; the tool goes by what
    ///   it understands.
    init(_ inventory: Inventory, _ state: NetworkState, notesDoubt: Bool = false) {
        let primary = Self.primaryNetworks(inventory, state)
        let own = state.namespaces.map { primary[$0.name] ?? "" }
        for name in Set(own).union([""]).sorted() {
            networks.append(Network(name: name, state: state.keeping { own[$0.namespace] == name }))
        }
        var definitions = Self.definitions(inventory)
        if notesDoubt {
            // A network that is named and not defined here is one by itself.
            for name in state.pods.flatMap({ Self.references($0, state) }).map(\.name) where definitions[name] == nil {
                definitions[name] = name
            }
        }
        let policies = inventory.objects("MultiNetworkPolicy", of: "k8s.cni.cncf.io")
        for name in Set(definitions.values).sorted() {
            var part = state.keeping { pod in
                Self.references(pod, state).contains { definitions[$0.name] == name }
            }
            if notesDoubt { part.gaps = [] }
            var gaps: [PolicyGap] = []
            part.policies = policies.compactMap { object in
                let wanted = Self.list(object.metadata["annotations"][Self.policyFor].string ?? "", Self.place(object))
                guard wanted.contains(where: { definitions[$0.name] == name }) else { return nil }
                var reader = StandardPolicyReader(plugin: .standard, namespace: Self.place(object))
                let policy = reader.read(object)
                if notesDoubt, !reader.defects.isClean {
                    gaps.append(
                        PolicyGap(
                            policy: object.reference, node: object.node,
                            reason: "\(object.reference) is invalid, or says something that is not understood",
                            subjects: policy.subjects))
                }
                return policy
            }
            part.gaps += gaps
            if notesDoubt {
                // Neither the plugin of the cluster's network nor policies about nodes act there.
                part.plugin = .standard
                part.guards = []
                part.hostSettings = HostSettings()
                part.filtersForwarded = false
            }
            for (index, pod) in part.pods.enumerated() {
                var changed = pod
                changed.addresses = Self.references(pod, state).filter { definitions[$0.name] == name }
                    .flatMap(\.addresses)
                if changed.addresses.isEmpty { changed.addresses = Self.machineAddresses(pod) }
                part.replace(pod: index, with: changed)
            }
            networks.append(Network(name: name, state: part, isAttached: true))
        }
    }

    private static func place(_ object: KubernetesObject) -> String {
        object.namespace.isEmpty ? "default" : object.namespace
    }

    // MARK: Primary networks

    private static func primaryNetworks(_ inventory: Inventory, _ state: NetworkState) -> [String: String] {
        var out: [String: String] = [:]
        func isPrimary(_ node: Node) -> Bool {
            node["layer2"]["role"].equals("Primary") || node["layer3"]["role"].equals("Primary")
        }
        for object in inventory.objects("UserDefinedNetwork", of: "k8s.ovn.org") where isPrimary(object.node["spec"]) {
            let place = place(object)
            guard let number = state.namespaceNumber(place), state.namespaces[number].labels[primaryLabel] != nil else {
                continue
            }
            out[place] = "\(place)/\(object.name)"
        }
        for object in inventory.objects("ClusterUserDefinedNetwork", of: "k8s.ovn.org")
        where isPrimary(object.node["spec"]["network"]) {
            guard let selector = LabelSelector(object.node["spec"]["namespaceSelector"]) else { continue }
            for namespace in state.namespaces
            where namespace.labels[primaryLabel] != nil && selector.matches(namespace.labels)
                && out[namespace.name] == nil
            {
                out[namespace.name] = object.name
            }
        }
        return out
    }

    // MARK: Attached networks

    /// A network that is named, with the addresses asked for there.
    private struct Reference {
        var name: String
        var addresses: [IPAddress] = []
    }

    /// Names of networks by the definitions that stand for them; definitions of one name in their settings are one.
    private static func definitions(_ inventory: Inventory) -> [String: String] {
        var out: [String: String] = [:]
        // The tool goes by the kind alone, whatever group is written.
        for object in inventory.keys.compactMap({ inventory[$0] })
        where object.kind == "NetworkAttachmentDefinition" {
            let text = object.node["spec"]["config"].string ?? ""
            let settings = DocumentReader.read(SourceText(name: "", bytes: Array(text.utf8))).documents.first?.root
            let own = "\(place(object))/\(object.name)"
            out[own] = settings?["name"].string ?? own
        }
        return out
    }

    private static func references(_ pod: NetworkPod, _ state: NetworkState) -> [Reference] {
        guard let object = pod.object else { return [] }
        let place = state.namespaces[pod.namespace].name
        let template = object.is("Pod") ? object.metadata : object.node["spec"]["template"]["metadata"]
        let metadata = template.exists ? template : object.podTemplate?.spec.metadata ?? template
        var out = list(metadata["annotations"][attachments].string ?? "", place)
        for network in object.node["spec"]["template"]["spec"]["networks"].elements {
            if let name = network["multus"]["networkName"].string { out += list(name, place) }
        }
        return out
    }

    /// `name, namespace/name@interface`, or JSON (Network Plumbing Working Group, "Kubernetes Network Custom Resource
    /// Definition De-facto Standard").
    private static func list(_ text: String, _ namespace: String) -> [Reference] {
        let trimmed = String(text.drop { $0.isWhitespace })
        if trimmed.hasPrefix("[") {
            let read = DocumentReader.read(SourceText(name: "", bytes: Array(trimmed.utf8)))
            return read.documents.first?.root.elements.compactMap { entry in
                entry["name"].string.map { name in
                    Reference(
                        name: "\(entry["namespace"].string ?? namespace)/\(name)",
                        addresses: entry["ips"].strings.compactMap(address))
                }
            } ?? []
        }
        return trimmed.split(separator: ",").map { part in
            let word = String(part.filter { !$0.isWhitespace }.prefix { $0 != "@" })
            return Reference(name: word.contains("/") ? word : "\(namespace)/\(word)")
        }
    }

    /// What a virtual machine is told at its start (cloud-init, version 2 of network data).
    private static func machineAddresses(_ pod: NetworkPod) -> [IPAddress] {
        guard let object = pod.object else { return [] }
        var out: [IPAddress] = []
        for volume in object.node["spec"]["template"]["spec"]["volumes"].elements {
            guard let text = volume["cloudInitNoCloud"]["networkData"].string else { continue }
            let read = DocumentReader.read(SourceText(name: "", bytes: Array(text.utf8)))
            guard let root = read.documents.first?.root else { continue }
            for interface in root["ethernets"].members {
                out += interface.value["addresses"].strings.compactMap(address)
            }
        }
        return out
    }

    private static func address(_ text: String) -> IPAddress? { IPAddress(String(text.prefix { $0 != "/" })) }
}

extension NetworkState {
    /// The state with some of its pods only.
    func keeping(_ isKept: (NetworkPod) -> Bool) -> NetworkState {
        var out = self
        for index in pods.indices.reversed() where !isKept(pods[index]) { out.remove(pod: index) }
        return out
    }
}
