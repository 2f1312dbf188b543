import Documents
import Findings
package import Kubernetes

/// Reads policies of every kind it knows, and names those it does not.
package struct PolicyCatalogue: Sendable {
    private let plugin: NetworkPlugin
    private let surroundings: CalicoSurroundings
    private let services: ServiceIndex
    private let blockGroups: CiliumBlockGroups
    private let apiServer: PeerSelector
    fileprivate let hosts: CalicoHosts?

    private(set) var policies: [Policy] = []
    private(set) var gaps: [PolicyGap] = []
    private(set) var staged: [ObjectReference] = []
    private(set) var problems: [Problem] = []

    package init(_ objects: [KubernetesObject], plugin: NetworkPlugin) {
        self.plugin = plugin
        surroundings = CalicoSurroundings(objects)
        services = ServiceIndex(objects)
        blockGroups = CiliumBlockGroups(objects)
        apiServer = .apiServer(objects)
        guard plugin.family == .calico else {
            hosts = nil
            return
        }
        let reader = CalicoPolicyReader(namespace: nil, surroundings: surroundings, services: services)
        let hosts = CalicoHosts(objects, agent: plugin.source, reader)
        self.hosts = hosts
        for (node, message) in hosts.defects.refusals {
            problems.append(Problem(.invalid, code: "network-policy", message, location: node.location))
        }
        for (node, name) in hosts.defects.unknown {
            problems.append(
                Problem(
                    .unsupported, code: "network-policy",
                    "field \"\(name)\" of a HostEndpoint is not understood", location: node.location))
        }
    }

    /// Groups whose policies a reader exists for, by kind.
    package static func isPolicy(_ object: KubernetesObject) -> Bool { language(object) != nil || isUnread(object) }

    /// Whether policies may speak of it: Services, sets of addresses, tiers, the API server's addresses.
    package static func isSurrounding(_ object: KubernetesObject) -> Bool {
        if APIServerAddress.tells(object) { return true }
        switch (object.reference.group, object.kind) {
        case ("", "Service"), ("cilium.io", "CiliumCIDRGroup"), ("projectcalico.org", "NetworkSet"),
            ("projectcalico.org", "GlobalNetworkSet"), ("projectcalico.org", "Tier"),
            ("crd.projectcalico.org", "NetworkSet"), ("crd.projectcalico.org", "GlobalNetworkSet"),
            ("crd.projectcalico.org", "Tier"), ("projectcalico.org", "HostEndpoint"),
            ("crd.projectcalico.org", "HostEndpoint"), ("projectcalico.org", "FelixConfiguration"),
            ("crd.projectcalico.org", "FelixConfiguration"), ("projectcalico.org", "Profile"),
            ("crd.projectcalico.org", "Profile"), ("projectcalico.org", "IPPool"),
            ("crd.projectcalico.org", "IPPool"):
            return true
        default: return false
        }
    }

    private enum Language { case standard, admin, calico, staged, cilium }

    private static func language(_ object: KubernetesObject) -> Language? {
        switch (object.reference.group, object.kind) {
        case ("networking.k8s.io", "NetworkPolicy"), ("extensions", "NetworkPolicy"): .standard
        case ("policy.networking.k8s.io", "AdminNetworkPolicy"),
            ("policy.networking.k8s.io", "BaselineAdminNetworkPolicy"),
            ("policy.networking.k8s.io", "ClusterNetworkPolicy"):
            .admin
        case ("projectcalico.org", "NetworkPolicy"), ("projectcalico.org", "GlobalNetworkPolicy"),
            ("crd.projectcalico.org", "NetworkPolicy"), ("crd.projectcalico.org", "GlobalNetworkPolicy"):
            .calico
        case ("projectcalico.org", let kind) where kind.hasPrefix("Staged"),
            ("crd.projectcalico.org", let kind) where kind.hasPrefix("Staged"):
            .staged
        case ("cilium.io", "CiliumNetworkPolicy"), ("cilium.io", "CiliumClusterwideNetworkPolicy"): .cilium
        default: nil
        }
    }

    /// Kinds that decide over traffic in ways this program does not read.
    private static func isUnread(_ object: KubernetesObject) -> Bool {
        switch (object.reference.group, object.kind) {
        case ("crd.antrea.io", "NetworkPolicy"), ("crd.antrea.io", "ClusterNetworkPolicy"),
            ("k8s.ovn.org", "EgressFirewall"), ("network.openshift.io", "EgressNetworkPolicy"),
            ("networking.k8s.aws", "ApplicationNetworkPolicy"), ("networking.k8s.aws", "ClusterNetworkPolicy"),
            ("networking.gke.io", "FQDNNetworkPolicy"), ("cilium.io", "CiliumLocalRedirectPolicy"),
            ("security.istio.io", "AuthorizationPolicy"), ("policy.linkerd.io", "AuthorizationPolicy"),
            ("policy.linkerd.io", "ServerAuthorization"):
            true
        // MultiNetworkPolicy is about secondary networks only, which no answer here speaks of.
        case ("k8s.cni.cncf.io", _): false
        case (let group, let kind): kind.hasSuffix("NetworkPolicy") && group != "" && language(object) == nil
        }
    }

    package mutating func read(_ object: KubernetesObject) {
        guard let language = Self.language(object) else {
            if Self.isUnread(object) {
                unread(object, "policies of kind \(object.kind) (\(object.apiVersion)) are not read")
            }
            return
        }
        let namespace = object.namespace.isEmpty ? "default" : object.namespace
        let isGlobal = object.kind.hasPrefix("Global") || object.kind.hasPrefix("CiliumClusterwide")
        switch language {
        case .standard:
            var reader = StandardPolicyReader(plugin: plugin, namespace: namespace)
            let policy = reader.read(object)
            take([policy], reader.defects, object)
        case .admin:
            guard plugin.family != .cilium else {
                return unread(object, "whether this version of Cilium enforces \(object.kind) is not known")
            }
            guard object.apiVersion.version == (object.kind == "ClusterNetworkPolicy" ? "v1alpha2" : "v1alpha1") else {
                return unread(object, "\(object.kind) of version \(object.apiVersion.version) is not read")
            }
            var reader = AdminPolicyReader()
            let policy = reader.read(object)
            take([policy], reader.defects, object)
        case .calico:
            guard plugin.family == .calico else {
                return unread(object, "a policy of Calico, which was not found here")
            }
            var reader = CalicoPolicyReader(
                namespace: isGlobal ? nil : namespace, surroundings: surroundings, services: services)
            let policy = reader.read(object)
            take(policy.map { [$0] } ?? [], reader.defects, object)
        case .staged: staged.append(object.reference)
        case .cilium:
            guard plugin.family == .cilium else {
                return unread(object, "a policy of Cilium, which was not found here")
            }
            var reader = CiliumPolicyReader(
                namespace: isGlobal ? nil : namespace, plugin: plugin, services: services, blockGroups: blockGroups,
                apiServer: apiServer)
            let policies = reader.read(object)
            take(policies, reader.defects, object)
        }
    }

    private mutating func take(_ read: [Policy], _ given: PolicyDefects, _ object: KubernetesObject) {
        var defects = given
        if !object.name.isEmpty, !LabelSyntax.isSubdomain(object.name) {
            let name = object.node["metadata"]["name"]
            defects.refuse(name, "\(name.path): \"\(object.name)\" is not a name of an object (RFC 1123)")
        }
        for (node, message) in defects.warnings {
            problems.append(
                Problem(.warning, code: "network-policy", "\(object.reference): \(message)", location: node.location))
        }
        for (node, message) in defects.refusals {
            problems.append(
                Problem(.invalid, code: "network-policy", "\(object.reference): \(message)", location: node.location))
        }
        for (node, name) in defects.unknown {
            problems.append(
                Problem(
                    .unsupported, code: "network-policy",
                    "\(object.reference): field \"\(name)\" is not understood; answers it may touch are not observable",
                    location: node.location))
        }
        guard defects.refusals.isEmpty else {
            // What is in force in its place, an older version or nothing, is not known.
            for policy in read {
                gaps.append(
                    PolicyGap(
                        policy: object.reference, node: object.node,
                        reason: "\(object.reference) is invalid: \(defects.refusals[0].message)",
                        subjects: policy.subjects, ingress: policy.ingress != nil, egress: policy.egress != nil,
                        hosts: policy.hosts))
            }
            if read.isEmpty {
                unread(object, "\(object.reference) is invalid: \(defects.refusals[0].message)", said: true)
            }
            return
        }
        policies += read
        let topLevel = defects.unknown.first { field in
            !read.contains { policy in
                Direction.allCases.contains { direction in
                    policy.section(direction)?.rules.contains { field.node.path.hasPrefix($0.node.path) } ?? false
                }
            }
        }
        if let topLevel {
            for policy in read {
                gaps.append(
                    PolicyGap(
                        policy: object.reference, node: topLevel.node,
                        reason: "\(object.reference): field \"\(topLevel.name)\" is not understood",
                        subjects: policy.subjects, hosts: policy.hosts))
            }
        }
    }

    private mutating func unread(_ object: KubernetesObject, _ reason: String, said: Bool = false) {
        if !said {
            problems.append(
                Problem(
                    .unsupported, code: "network-policy", "\(object.reference): \(reason)",
                    location: object.node.location))
        }
        gaps.append(
            PolicyGap(
                policy: object.reference, node: object.node, reason: reason,
                subjects: object.namespace.isEmpty ? .everything : .isIn(.namespaceName, [object.namespace]),
                hosts: PolicyGap.mayBeAboutHosts(object.kind) ? HostScope(labels: .everything) : nil))
    }
}

extension NetworkState {
    /// Reads policies, in the order of their names, and puts them in force.
    package mutating func read(policies objects: [KubernetesObject], among all: [KubernetesObject]) {
        read(policies: objects, with: PolicyCatalogue(all, plugin: plugin))
    }

    /// Reads all policies anew: what they said, left open and were doubted for before is forgotten.
    mutating func reread(policies objects: [KubernetesObject], with catalogue: PolicyCatalogue) {
        policies = []
        gaps = []
        staged = []
        problems.removeAll { $0.code == "network-policy" }
        guards = []
        hostSettings = HostSettings()
        read(policies: objects, with: catalogue)
        note(unlisted: unlistedKinds)
    }

    /// Reads policies with a catalogue that knows what they speak of.
    mutating func read(policies objects: [KubernetesObject], with empty: PolicyCatalogue) {
        var catalogue = empty
        for object in objects.sorted(by: { $0.reference < $1.reference }) { catalogue.read(object) }
        policies += catalogue.policies
        gaps += catalogue.gaps
        staged += catalogue.staged
        problems += catalogue.problems
        if let hosts = catalogue.hosts, !hosts.guards.isEmpty || guards.isEmpty {
            guards = hosts.guards.map { one in
                // At every interface of a node all its addresses answer.
                guard one.isEverywhere, one.addresses.isEmpty, let node = nodeIndex[one.node] else { return one }
                var known = one
                known.addresses = AddressSet(nodes[node].addresses.map { CIDR(address: $0) })
                return known
            }
            hostSettings = hosts.settings
        }
        if plugin.family == .cilium {
            guards = CiliumHosts.guards(self)
            hostSettings.ownHost = guards.isEmpty ? .allowed : .filtered
            hostSettings.filtersOwnPods = !guards.isEmpty
        }
        filtersForwarded = policies.contains { policy in
            guard let scope = policy.hosts, scope.forwards, scope.phase == .preDNAT || scope.phase == .normal else {
                return false
            }
            return guards.contains { $0.isSubject(of: scope) }
        }
    }
}
