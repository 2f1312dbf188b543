package import Documents
package import Kubernetes
package import PodSecurity

/// What an API server would say if a namespace enforced a level: in its own words.
package struct PodSecuritySimulation: Sendable {
    package var namespace: String
    package var policy: LevelVersion
    package var isExempt: Bool
    /// What the API server answers to the new label, about pods that run now.
    package var labelWarnings: [String]
    /// Pods that would be refused, or made no more.
    package var refused: [Refusal]
    /// What is sent with a warning only: nothing of it is refused.
    package var warned: [Refusal]
    /// Objects that are exempt, and why.
    package var exempt: [(object: ObjectReference, why: String)]
    package var unknown: [UnknownWorkload]
    /// Workloads and pods that pass.
    package var passed: Int

    /// One object that does not pass.
    package struct Refusal: Sendable {
        package var object: ObjectReference
        package var location: SourceLocation?
        /// "CronJob", "scaled to zero", "no live pod"; empty where pods run.
        package var hiding: String
        /// For pods: the refusal. For what makes pods: what refuses its pods.
        package var message: String
        /// What `kubectl apply` of the object prints; empty for pods, which are refused, and for custom
        /// resources.
        package var warnings: [String]
        package var violations: [PodSecurityViolation]
    }
}

extension PodSecuritySimulation {
    /// - Parameters:
    ///   - username: who sends the objects, for exemptions by user.
    package init(
        _ inventory: Inventory, namespace: String, policy: LevelVersion,
        configuration: PodSecurityConfiguration = PodSecurityConfiguration(), username: String = ""
    ) {
        self.namespace = namespace
        self.policy = policy
        isExempt = configuration.isExempt(namespace: namespace)
        (labelWarnings, refused, warned, exempt, unknown, passed) = ([], [], [], [], [], 0)

        let plugin = PodSecurityAdmission(configuration: configuration)
        let current = inventory.objects("Namespace").first { $0.name == namespace }
        let template = AdmissionTemplate(namespace: namespace, username: username, current: current, policy: policy)
        let keys = inventory.workloadKeys.filter { $0.reference.namespace == namespace }
        let pods = inventory.objects("Pod", in: namespace).filter { $0.uid != nil }
        if let request = template.labelling {
            labelWarnings =
                plugin.respond(
                    to: request, namespace: .failed("not asked for"), pods: pods.map { $0.node.asRoot }
                ).warnings
        }
        for object in keys.compactMap({ inventory[$0] }) {
            judge(object, plugin, template, inventory)
        }
        // Pods that differ from the template that made them.
        let templates = Set(refused.map(\.object))
        for key in keys {
            guard let owner = inventory[key], !templates.contains(owner.reference) else { continue }
            for pod in inventory.pods(of: owner) {
                judge(pod, plugin, template, inventory, passes: false)
            }
        }
    }

    private mutating func judge(
        _ object: KubernetesObject, _ plugin: PodSecurityAdmission, _ template: AdmissionTemplate,
        _ inventory: Inventory, passes: Bool = true
    ) {
        let response = plugin.respond(
            to: template.request(object), namespace: .found(labels: template.labels), pods: nil)
        if let why = response.auditAnnotations["exempt"] {
            exempt.append((object.reference, why))
            return
        }
        let inputs = object.podTemplates.filter {
            !plugin.configuration.isExempt(runtimeClass: $0.spec.node["runtimeClassName"])
        }
        guard !inputs.isEmpty else {
            exempt.append((object.reference, "runtimeClass"))
            return
        }
        let verdicts = inputs.map { plugin.evaluator.evaluate(PodSecurityInput($0, of: object), policy) }
        if let problem = verdicts.lazy.flatMap(\.problems).first {
            unknown.append(
                UnknownWorkload(object: object.reference, location: object.node.location, reason: problem.reason))
            return
        }
        let failing = verdicts.first { !$0.allowed }
        if failing != nil, inputs.allSatisfy({ $0.discovery == .shape }) {
            unknown.append(
                UnknownWorkload(
                    object: object.reference, location: object.node.location,
                    reason: "what the controller of \(object.kind) objects makes of its template is not known"))
            return
        }
        let refusal = Refusal(
            object: object.reference, location: object.node.location,
            hiding: WorkloadState.hiding(object, in: inventory),
            message: response.status?.message ?? failing?.message ?? "", warnings: response.warnings,
            violations: verdicts.flatMap(\.violations))
        if failing != nil {
            refused.append(refusal)
        } else if !response.warnings.isEmpty {
            warned.append(refusal)
        } else if passes {
            passed += 1
        }
    }
}

/// Requests as an API server would send them to the plug-in.
private struct AdmissionTemplate {
    let namespace: String
    let username: String
    let labels: [String: String]
    let labelling: AdmissionRequest?

    init(namespace: String, username: String, current: KubernetesObject?, policy: LevelVersion) {
        self.namespace = namespace
        self.username = username
        var labels = current?.labels ?? [:]
        labels[PodSecurityMode.enforce.levelLabel] = policy.level.rawValue
        labels[PodSecurityMode.enforce.versionLabel] = policy.version.description
        self.labels = labels
        guard let old = current?.node ?? Self.namespaceNode(namespace) else {
            labelling = nil
            return
        }
        let operations = [PodSecurityMode.enforce.levelLabel, PodSecurityMode.enforce.versionLabel].map { key in
            PatchOperation(
                .replace, FieldPath([.key("metadata"), .key("labels"), .key(key)]), .string(labels[key] ?? ""))
        }
        var request = AdmissionRequest(old["no such field"])
        request.resource = "namespaces"
        request.kind = "Namespace"
        request.operation = .update
        request.namespace = namespace
        request.name = namespace
        request.username = username
        request.oldObject = old
        request.object = JSONPatch(operations).applied(to: old) ?? old
        labelling = request
    }

    private static func namespaceNode(_ name: String) -> Node? {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("apiVersion", "v1")
            writer.member("kind", "Namespace")
            writer.member("metadata", object: { $0.member("name", name) })
        }
        return DocumentReader.read(SourceText(name: "", bytes: writer.bytes)).documents.first?.root
    }

    func request(_ object: KubernetesObject) -> AdmissionRequest {
        var request = AdmissionRequest(object.node["no such field"])
        request.group = object.reference.group
        request.kind = object.kind
        request.resourceGroup = object.reference.group
        request.resource = Self.resources[object.kind] ?? object.kind.lowercased() + "s"
        request.name = object.name
        request.namespace = namespace
        request.operation = .create
        request.username = username
        request.object = object.admitted().node
        return request
    }

    private static let resources = [
        "Pod": "pods", "PodTemplate": "podtemplates", "ReplicationController": "replicationcontrollers",
        "ReplicaSet": "replicasets", "Deployment": "deployments", "StatefulSet": "statefulsets",
        "DaemonSet": "daemonsets", "Job": "jobs", "CronJob": "cronjobs",
    ]
}
