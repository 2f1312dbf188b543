import Documents
import Findings
package import Kubernetes

extension NetworkState {
    /// Reads pods, namespaces, nodes and policies of a cluster or of files.
    ///
    /// A workload of which no pod is there stands for the pods it would make, without addresses. Pods that have ended
    /// take no traffic and are left out. Objects without a namespace are taken to be in "default".
    package init(_ inventory: Inventory, plugin given: NetworkPlugin? = nil) {
        // Among files an object may stand more than once; a cluster would keep one, and the first one is taken.
        var objects: [KubernetesObject] = []
        var copies = 0
        for key in inventory.keys {
            if key.copy == 0, let object = inventory[key] { objects.append(object) } else { copies += 1 }
        }
        self.init(plugin: given ?? NetworkPlugin(detectedIn: objects))
        if copies > 0 {
            problems.append(
                Problem(
                    .warning, code: "network-copies",
                    "\(copies) objects stand more than once in the input; the first of each counts"))
        }
        var owners: Set<ObjectReference> = []
        for object in objects {
            switch (object.reference.group, object.kind) {
            case ("", "Namespace"): add(namespace: object.name, labels: object.labels, object: object)
            case ("", "Node"): add(node: NetworkNode(object))
            case ("", "ServiceAccount"): serviceAccountLabels["\(Self.place(object))/\(object.name)"] = object.labels
            default: break
            }
        }
        for object in objects where object.is("Pod") {
            let owner = Self.owner(of: object, in: inventory)
            owners.insert(owner)
            let phase = object.node["status"]["phase"]
            guard !phase.equals("Succeeded"), !phase.equals("Failed") else {
                endedPods += 1
                continue
            }
            add(pod: object, owner: owner)
            lookAtAddresses(of: object)
        }
        // The launcher pods of a virtual machine carry the labels of its template (KubeVirt).
        for object in objects where object.is("VirtualMachine", of: "kubevirt.io") && !owners.contains(object.reference)
        {
            add(
                pod: object.name, in: Self.place(object),
                labels: object.node["spec"]["template"]["metadata"]["labels"].stringMap, owner: object.reference,
                object: object, isTemplate: true)
        }
        for object in objects where !object.is("Pod") && object.controller == nil {
            guard let template = object.podTemplate, !owners.contains(object.reference) else { continue }
            add(template: template, of: object)
        }
        apiServer = APIServerAddress.read(objects)
        read(policies: objects.filter(PolicyCatalogue.isPolicy), among: objects)
    }

    private mutating func add(pod object: KubernetesObject, owner: ObjectReference) {
        guard let description = Self.describe(pod: object, owner: owner) else { return }
        append(makePod(description))
    }

    /// An address that is none is said: no block holds the pod for sure, and none does not.
    private mutating func lookAtAddresses(of object: KubernetesObject) {
        let status = object.node["status"]
        for node in [status["podIP"]] + status["podIPs"].elements.map({ $0["ip"] }) {
            guard let text = node.string, !text.isEmpty, IPAddress(text) == nil else { continue }
            problems.append(
                Problem(
                    .invalid, code: "network-address",
                    "\(object.reference): \(node.path): \"\(text)\" is not an address; blocks may hold the pod or not",
                    location: node.location))
        }
    }

    /// What of a pod the network looks at.
    static func describe(pod object: KubernetesObject, owner: ObjectReference) -> LiveNetwork.PodDescription? {
        guard let template = object.podTemplate else { return nil }
        let status = object.node["status"]
        var out = LiveNetwork.PodDescription(name: object.name, namespace: place(object), labels: object.labels)
        out.addresses = status["podIPs"].elements.compactMap { $0["ip"].string.flatMap { IPAddress($0) } }
        if out.addresses.isEmpty, let only = status["podIP"].string.flatMap({ IPAddress($0) }) {
            out.addresses = [only]
        }
        out.ports = ports(template.spec)
        out.serviceAccount = template.spec.serviceAccountName
        out.isOnHostNetwork = template.spec.hostNetwork
        out.node = template.spec.node["nodeName"].string
        out.owner = owner
        out.object = object
        return out
    }

    private mutating func add(template: PodTemplate, of object: KubernetesObject) {
        add(
            pod: object.name, in: Self.place(object), labels: template.spec.labels, ports: Self.ports(template.spec),
            serviceAccount: template.spec.serviceAccountName, onHostNetwork: template.spec.hostNetwork,
            owner: object.reference, object: object, isTemplate: true)
    }

    private static func place(_ object: KubernetesObject) -> String {
        object.namespace.isEmpty ? "default" : object.namespace
    }

    /// The topmost owner; a ReplicaSet that is not there is taken for its Deployment, which its name tells.
    private static func owner(of pod: KubernetesObject, in inventory: Inventory) -> ObjectReference {
        let owner = inventory.topmostOwner(of: pod)
        guard owner.kind == "ReplicaSet", owner.group == "apps", let hash = pod.labels["pod-template-hash"],
            owner.name.hasSuffix("-\(hash)")
        else { return owner }
        return ObjectReference(
            group: "apps", kind: "Deployment", namespace: owner.namespace,
            name: String(owner.name.dropLast(hash.count + 1)))
    }

    static func ports(_ spec: PodSpec) -> [ContainerPort] {
        var out: [ContainerPort] = []
        for container in spec.allContainers where container.isLongRunning {
            for port in container.ports {
                guard let number = port["containerPort"].portNumber,
                    let transport = TransportProtocol(name: port["protocol"].string ?? "TCP")
                else { continue }
                out.append(ContainerPort(name: port["name"].string ?? "", number: number, protocol: transport))
            }
        }
        return out
    }
}

extension NetworkNode {
    init(_ object: KubernetesObject) {
        let addresses = object.node["status"]["addresses"].elements
        func of(_ type: String) -> [IPAddress] {
            addresses.filter { $0["type"].equals(type) }.compactMap { $0["address"].string.flatMap { IPAddress($0) } }
        }
        self.init(name: object.name, labels: object.labels, addresses: of("InternalIP") + of("ExternalIP"))
    }
}

extension NetworkPlugin {
    private static let agents: [(name: String, family: Family)] = [
        ("cilium", .cilium), ("calico-node", .calico), ("canal", .calico), ("antrea-agent", .antrea),
        ("ovnkube-node", .ovn), ("azure-npm", .azure), ("kube-router", .kubeRouter), ("weave-net", .weave),
        ("kube-network-policies", .kubeNetworkPolicies), ("aws-node", .aws), ("kindnet", .kindnet),
        ("kube-flannel-ds", .flannel), ("kube-flannel", .flannel),
    ]

    /// Whether an object tells the plugin or its settings.
    static func tells(_ object: KubernetesObject) -> Bool {
        (object.is("ConfigMap") && (object.name == "cilium-config" || object.name == "amazon-vpc-cni"))
            || (object.is("DaemonSet", of: "apps") && agents.contains { $0.name == object.name })
    }

    /// Tells the plugin by what it leaves in a cluster: its agents, its settings, and last the kinds of policies.
    package init(detectedIn objects: [KubernetesObject]) {
        let agents = Self.agents
        let daemons = objects.filter { $0.is("DaemonSet", of: "apps") }
        var found: NetworkPlugin?
        for agent in agents {
            guard let daemon = daemons.first(where: { $0.name == agent.name }) else { continue }
            found = NetworkPlugin(agent.family, evidence: "\(daemon.reference)")
            found?.source = daemon
            if agent.family == .aws { found?.readAWS(daemon) }
            if agent.family == .kubeRouter, Self.arguments(of: daemon).contains("--run-firewall=false") {
                found?.enforcesPolicies = false
            }
            break
        }
        let config = objects.first { $0.is("ConfigMap") && $0.name == "cilium-config" }
        if found == nil, let config { found = NetworkPlugin(.cilium, evidence: "\(config.reference)") }
        if found == nil {
            let groups: [(String, Family)] = [
                ("cilium.io", .cilium), ("projectcalico.org", .calico), ("crd.projectcalico.org", .calico),
            ]
            for (group, family) in groups {
                guard let policy = objects.first(where: { $0.reference.group == group }) else { continue }
                found = NetworkPlugin(family, evidence: "\(policy.reference)")
                break
            }
        }
        if found?.family == .aws, found?.enforcesPolicies == true,
            let settings = objects.first(where: { $0.is("ConfigMap") && $0.name == "amazon-vpc-cni" })
        {
            found?.readAWS(settings: settings)
        }
        self = found ?? .standard
        if family == .cilium, let data = config?.node["data"] { apply { data[$0].string } }
    }

    private static func arguments(of daemon: KubernetesObject) -> [String] {
        daemon.podTemplate?.spec.containers.flatMap { $0.node["args"].strings + $0.node["command"].strings } ?? []
    }

    /// The AWS VPC CNI enforces policies only when told to, and only since it brings an agent that can.
    private mutating func readAWS(_ daemon: KubernetesObject) {
        if let flag = Self.arguments(of: daemon).first(where: { $0.hasPrefix("--enable-network-policy") }) {
            enforcesPolicies = flag.hasSuffix("=true")
        } else {
            let names = daemon.podTemplate?.spec.containers.map(\.name) ?? []
            enforcesPolicies = names.contains("aws-eks-nodeagent")
        }
    }
    /// The controller on the control plane hands policies to the nodes only when the ConfigMap tells it to; where the
    /// setting is not there nothing is said. Source: "Limit Pod traffic with Kubernetes network policies", Amazon EKS
    /// user guide.
    private mutating func readAWS(settings: KubernetesObject) {
        guard let value = settings.node["data"]["enable-network-policy-controller"].string, value != "true" else {
            return
        }
        enforcesPolicies = false
        evidence += ", \(settings.reference): enable-network-policy-controller is \(value)"
        source = settings
    }
}
