import Documents
package import Kubernetes

/// What runs where, as whom, and how far it is kept in: the part of a cluster that rights alone do not tell.
///
/// Pods of one controller come from one template: its way out is read from the first of them, so that a hundred
/// thousand pods cost what their templates cost.
package struct WorkloadMap: Sendable {
    /// Pods of one workload under one account.
    struct Group: Sendable {
        /// The controller a person would change, or the pod.
        var reference: ObjectReference
        var account: ServiceAccountName
        var mountsToken: Bool
        /// Ways out that lead further: positions in `ContainerEscape.all`, and the field that opens each.
        var escapes: [(escape: Int, field: Node)]
        /// Numbers of the nodes its pods run on, each once; none where only the template is known.
        var hosts: [Int32]
        var pods: Int
    }

    private(set) var groups: [Group] = []
    /// Names of nodes.
    private(set) var hosts: [String] = []
    private(set) var isControlPlane: [Bool] = []
    /// Whether Node objects said which nodes are of the control plane.
    private(set) var areNodesKnown = false
    /// Namespaces that enforce Pod Security's baseline or restricted.
    private(set) var hardened: Set<String> = []
    /// Namespaces in which pods are known, so that what takes over running pods takes these.
    private(set) var populated: Set<String> = []

    /// Nothing known of what runs.
    package init() {}

    package init(_ objects: some Sequence<KubernetesObject>) {
        var reader = Reader()
        var pods: [KubernetesObject] = []
        var templates: [KubernetesObject] = []
        for object in objects {
            switch object.kind {
            case "Pod" where object.apiVersion.group.isEmpty: pods.append(object)
            case "Node" where object.apiVersion.group.isEmpty:
                areNodesKnown = true
                let number = reader.host(object.name)
                let labels = object.metadata["labels"]
                if ["control-plane", "master"].contains(where: { labels["node-role.kubernetes.io/\($0)"].exists }) {
                    reader.controlPlane.insert(number)
                }
            case "Namespace" where object.apiVersion.group.isEmpty:
                let level = object.metadata["labels"]["pod-security.kubernetes.io/enforce"].string
                if level == "baseline" || level == "restricted" { hardened.insert(object.name) }
            case "ServiceAccount" where object.apiVersion.group.isEmpty:
                reader.mounts[ServiceAccountName(namespace: object.namespace, name: object.name)] =
                    object.node["automountServiceAccountToken"].bool
            default:
                guard !AccessModel.concerns(object) else { continue }
                if let uid = object.uid, let controller = object.controller {
                    reader.owners[uid] = ObjectReference(
                        group: controller.apiVersion.group, kind: controller.kind, namespace: object.namespace,
                        name: controller.name)
                } else if object.controller == nil {
                    templates.append(object)
                }
            }
        }
        for pod in pods { reader.take(pod) }
        for object in templates where reader.byReference[object.reference] == nil { reader.take(template: object) }
        groups = reader.groups
        for index in groups.indices { groups[index].hosts = Array(Set(groups[index].hosts)).sorted() }
        hosts = reader.hosts
        isControlPlane = hosts.indices.map { reader.controlPlane.contains(Int32($0)) }
        populated = Set(groups.map(\.account.namespace))
    }

    /// The same with the ways out of some workloads closed: what-if.
    func closing(_ closed: Set<ObjectReference>) -> WorkloadMap {
        var copy = self
        for index in copy.groups.indices where closed.contains(copy.groups[index].reference) {
            copy.groups[index].escapes = []
        }
        return copy
    }

    // MARK: Reading

    private struct Reader {
        var groups: [Group] = []
        var hosts: [String] = []
        var controlPlane: Set<Int32> = []
        var mounts: [ServiceAccountName: Bool] = [:]
        /// Controllers of what is itself a controller: of ReplicaSets, of a CronJob's Jobs.
        var owners: [String: ObjectReference] = [:]
        var byReference: [ObjectReference: Int] = [:]
        private var hostNumbers: [String: Int32] = [:]
        private var byController: [String: Int] = [:]

        mutating func host(_ name: String) -> Int32 {
            if let number = hostNumbers[name] { return number }
            let number = Int32(hosts.count)
            hostNumbers[name] = number
            hosts.append(name)
            return number
        }

        mutating func take(_ pod: KubernetesObject) {
            let phase = pod.node["status"]["phase"]
            guard !phase.equals("Succeeded"), !phase.equals("Failed") else { return }
            let controller = pod.controller
            let number: Int
            if let controller, let known = byController[controller.uid] {
                number = known
            } else {
                var reference = pod.reference
                if let controller {
                    reference = ObjectReference(
                        group: controller.apiVersion.group, kind: controller.kind, namespace: pod.namespace,
                        name: controller.name)
                    reference = owners[controller.uid] ?? reference
                }
                number = add(reference, pod.namespace, PodSpec(pod.node["spec"], metadata: pod.metadata))
                if let controller, !controller.uid.isEmpty { byController[controller.uid] = number }
            }
            groups[number].pods += 1
            if let name = pod.node["spec"]["nodeName"].string, !name.isEmpty { groups[number].hosts.append(host(name)) }
        }

        mutating func take(template object: KubernetesObject) {
            for template in object.podTemplates { _ = add(object.reference, object.namespace, template.spec) }
        }

        private mutating func add(_ reference: ObjectReference, _ namespace: String, _ spec: PodSpec) -> Int {
            let account = ServiceAccountName(namespace: namespace, name: spec.serviceAccountName)
            let found = ContainerEscape.escapes(from: spec, mountsToken: mounts[account])
            var escapes: [(escape: Int, field: Node)] = []
            var mountsToken = false
            for way in found {
                guard let lead = way.escape.leads else { continue }
                if lead == .account {
                    mountsToken = true
                } else if let position = ContainerEscape.positions[way.escape.id] {
                    escapes.append((position, way.node))
                }
            }
            byReference[reference] = groups.count
            groups.append(
                Group(
                    reference: reference, account: account, mountsToken: mountsToken, escapes: escapes, hosts: [],
                    pods: 0))
            return groups.count - 1
        }
    }
}

extension ContainerEscape {
    /// Where each edge stands in `all`.
    static let positions: [String: Int] = Dictionary(
        uniqueKeysWithValues: all.enumerated().map { ($0.element.id, $0.offset) })
}
