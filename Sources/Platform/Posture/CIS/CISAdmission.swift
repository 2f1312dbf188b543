package import CISBenchmark
import Documents
import Findings
import Kubernetes
import PodSecurity

/// Section 5.2 of the benchmark: would a bad pod be admitted, namespace by namespace; and, separately, what runs now.
package struct CISAdmission: Sendable {
    let input: CISInput
    /// The API servers, for their flags and the configuration of admission.
    let servers: [ComponentInstance]

    package init(_ input: CISInput, instances: [ComponentInstance]) {
        self.input = input
        servers = instances.filter { $0.component == .apiServer }
    }

    private struct Question {
        var id: String
        /// The rules of the Pod Security Standards that say the same of a pod that is there.
        var rules: Set<String>
        /// A pod with this one wrong and nothing else.
        var pod: String
    }

    private static let good =
        "runAsNonRoot: true, allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}"

    private static let questions: [Question] = {
        func pod(_ spec: String = "", container: String = good, more: String = "") -> String {
            "{spec: {\(spec) containers: [{name: a, image: a, securityContext: {\(container)} \(more)}]}}"
        }
        return [
            Question(id: "5.2.2", rules: ["pod/privileged"], pod: pod(container: "privileged: true")),
            Question(id: "5.2.3", rules: ["pod/host-pid"], pod: pod("hostPID: true,")),
            Question(id: "5.2.4", rules: ["pod/host-ipc"], pod: pod("hostIPC: true,")),
            Question(id: "5.2.5", rules: ["pod/host-network"], pod: pod("hostNetwork: true,")),
            Question(
                id: "5.2.6", rules: ["pod/privilege-escalation"],
                pod: pod(container: good.replacing("allowPrivilegeEscalation: false, ", with: ""))),
            Question(
                id: "5.2.7", rules: ["pod/root-allowed", "pod/root-user"],
                pod: pod(container: good.replacing("runAsNonRoot: true, ", with: ""))),
            Question(
                id: "5.2.8", rules: [],
                pod: pod(container: good.replacing("capabilities: {drop: [ALL]}, ", with: ""))),
            Question(
                id: "5.2.9", rules: ["pod/kept-capabilities"],
                pod: pod(container: good.replacing("drop: [ALL]", with: "drop: [NET_RAW]"))),
            Question(
                id: "5.2.10", rules: ["pod/host-process"],
                pod: pod(
                    "hostNetwork: true, os: {name: windows}, securityContext: {windowsOptions: {hostProcess: true}},")),
            Question(
                id: "5.2.11", rules: ["pod/host-path"], pod: pod("volumes: [{name: v, hostPath: {path: /}}],")),
            Question(
                id: "5.2.12", rules: ["pod/host-port"], pod: pod(more: ", ports: [{containerPort: 80, hostPort: 80}]")),
        ]
    }()

    private static let pods: [(question: Question, root: Node)] = questions.compactMap { question in
        parsed(question.pod).map { (question, $0) }
    }

    /// A pod with nothing wrong.
    private static let goodPod: Node = {
        let text = "{spec: {containers: [{name: a, image: a, securityContext: {\(good)}}]}}"
        guard let root = parsed(text) else { preconditionFailure("the pod is written here, in YAML") }
        return root
    }()

    private static func parsed(_ pod: String) -> Node? {
        let text = "{apiVersion: v1, kind: Pod, metadata: {name: trial, namespace: trial}, " + pod.dropFirst()
        return DocumentReader.read(SourceText(name: "", bytes: Array(text.utf8))).documents.first?.root
    }

    package var verdicts: [String: (parts: [CISPart], running: [CISPart])] {
        var out: [String: (parts: [CISPart], running: [CISPart])] = [:]
        let namespaces = namespaces
        let running = running
        let evaluator = PodSecurityEvaluator()
        let trial = PolicyTrial(input, good: Self.goodPod)
        let claims = PolicyClaims(input.inventory)
        // A policy that refuses one of the bad pods is a mechanism, whatever it was written for.
        var mechanisms: [String: String] = [:]
        for (question, root) in Self.pods {
            let pod = PodSecurityInput(PodSpec(root["spec"], metadata: root["metadata"]))
            let parts = namespaces.map { place in
                let verdict = trial.verdict(root, in: place.object.name)
                if case .refused(let policy) = verdict, mechanisms[place.object.name] == nil {
                    mechanisms[place.object.name] = policy
                }
                return admits(place, pod, evaluator, verdict, claims.about(question.id, namespace: place.object))
            }
            out[question.id] = (parts + (namespaces.isEmpty ? [none] : []), running[question.id] ?? [])
        }
        out["5.2.1"] = (
            namespaces.map { mechanism($0, mechanisms[$0.object.name], claims) } + (namespaces.isEmpty ? [none] : []),
            []
        )
        out["5.6.3"] = (securityContexts(evaluator), [])
        return out
    }

    private var none: CISPart {
        input.isCluster
            ? CISPart(.pass, "no namespace beside the system's own")
            : CISPart(.notObservable, "which pods are admitted shows in a cluster, or by Namespace objects")
    }

    // MARK: Namespaces

    private struct Place {
        var object: KubernetesObject
        /// Nil where it cannot be known.
        var level: LevelVersion?
        var provenance: String
        var isExempt = false
    }

    private var namespaces: [Place] {
        let configured = configuration
        return input.inventory.objects("Namespace").filter { !CISRights.isSystem($0.name) }.map { object in
            let label = PodSecurityMode.enforce.levelLabel
            var place = Place(object: object, level: nil, provenance: "")
            if pluginIsOff {
                place.level = LevelVersion(.privileged)
                place.provenance = "the admission plugin PodSecurity is turned off"
            } else if configured.known?.isExempt(namespace: object.name) == true {
                place.level = LevelVersion(.privileged)
                place.provenance = "the namespace is exempt"
                place.isExempt = true
            } else if object.labels[label] != nil {
                place.level =
                    NamespacePolicy(labels: object.labels, defaults: configured.known?.defaults ?? .privileged).enforce
                place.provenance = "label \(label)"
            } else if let known = configured.known {
                place.level = NamespacePolicy(labels: object.labels, defaults: known.defaults).enforce
                place.provenance =
                    configured.isFile
                    ? "default of the admission configuration" : "no label, and no default for the cluster"
            } else {
                place.provenance = configured.problem
            }
            return place
        }
    }

    private var pluginIsOff: Bool {
        servers.contains { server in
            let plugins = server.setting("disable-admission-plugins")
            if case .list(let names) = plugins.value { return names.contains("PodSecurity") }
            return false
        }
    }

    /// The defaults of the cluster, where they can be known.
    private var configuration: (known: PodSecurityConfiguration?, isFile: Bool, problem: String) {
        guard let server = servers.first else {
            guard input.isCluster else {
                return (nil, false, "no label, and the cluster's default is not among these files")
            }
            // Providers of managed clusters leave the default as it is, and say so.
            return (PodSecurityConfiguration(), false, "")
        }
        let flag = server.setting("admission-control-config-file")
        guard let path = flag.text, !path.isEmpty else { return (PodSecurityConfiguration(), false, "") }
        guard case .found(let source) = server.files.look(path) else {
            return (nil, false, "no label, and \(path) with the cluster's default was not seen")
        }
        for document in DocumentReader.read(source).documents {
            for plugin in document.root["plugins"].elements where plugin["name"].equals("PodSecurity") {
                var problems: [String] = []
                let node = plugin["configuration"]
                guard node.isObject else {
                    return (nil, false, "no label, and the default is in another file, \(plugin["path"].string ?? "")")
                }
                return (PodSecurityConfiguration(node, problems: &problems), true, "")
            }
        }
        return (PodSecurityConfiguration(), false, "")
    }

    /// Webhooks of policy engines that judge pods and refuse: what they ask for is in their own language.
    private var webhooks: [String] {
        let group = "admissionregistration.k8s.io"
        var out: [String] = []
        func coversPods(_ rules: Node) -> Bool {
            rules.elements.contains { rule in
                let resources = rule["resources"].strings
                let groups = rule["apiGroups"].strings
                return (groups.contains("") || groups.contains("*"))
                    && (resources.contains("pods") || resources.contains("*") || resources.contains("*/*"))
                    && (rule["operations"].strings.contains { $0 == "CREATE" || $0 == "*" })
            }
        }
        let engines = ["kyverno", "gatekeeper", "kubewarden", "datree", "jspolicy", "polaris", "neuvector"]
        for object in input.inventory.objects("ValidatingWebhookConfiguration", of: group) {
            for webhook in object.node["webhooks"].elements
            where coversPods(webhook["rules"]) && !webhook["failurePolicy"].equals("Ignore") {
                let name = "\(object.name) \(webhook["name"].string ?? "")".lowercased()
                if engines.contains(where: name.contains) { out.append("webhook \(object.name)") }
            }
        }
        return out
    }

    private func reference(_ place: Place) -> ObjectReference { place.object.reference }

    /// 5.2.1
    private func mechanism(_ place: Place, _ policy: String?, _ claims: PolicyClaims) -> CISPart {
        let name = place.object.name
        if let level = place.level, level.level != .privileged {
            return CISPart(
                .pass, "namespace \(name) enforces \(level) (\(place.provenance))", object: reference(place))
        }
        if let policy {
            return CISPart(.passByEquivalence, "namespace \(name): \(policy)", object: reference(place))
        }
        if let webhook = webhooks.first {
            return CISPart(
                .passByEquivalence, "\(webhook) judges pods in namespace \(name)", object: reference(place))
        }
        let claimed = Self.questions.lazy.flatMap { claims.about($0.id, namespace: place.object) }.first(
            where: \.refuses)
        if let claimed, !input.isCluster {
            return CISPart(
                .notObservable, "namespace \(name): \(claimed.title) says it refuses some pods; it was not evaluated",
                object: reference(place))
        }
        guard place.level != nil else {
            return CISPart(.notObservable, "namespace \(name): \(place.provenance)", object: reference(place))
        }
        return CISPart(
            .fail, "namespace \(name) admits every pod: \(place.provenance)",
            evidence: place.object.metadata["labels"][PodSecurityMode.enforce.levelLabel], object: reference(place))
    }

    /// 5.2.2 to 5.2.12
    private func admits(
        _ place: Place, _ pod: PodSecurityInput, _ evaluator: PodSecurityEvaluator, _ trial: PolicyTrial.Verdict,
        _ claims: [PolicyClaims.Claim]
    ) -> CISPart {
        let name = place.object.name
        if let level = place.level, !evaluator.evaluate(pod, level).allowed {
            return CISPart(.pass, "namespace \(name) refuses it: it enforces \(level)", object: reference(place))
        }
        func unseen(_ reason: String) -> CISPart {
            CISPart(.notObservable, "namespace \(name): \(reason)", object: reference(place))
        }
        switch trial {
        case .refused(let policy):
            return CISPart(.pass, "namespace \(name) refuses it: \(policy)", object: reference(place))
        case .unknown(let reason): return unseen("Pod Security admits it; \(reason)")
        case .admitted: break
        }
        // In a cluster a policy without its engine's webhook does nothing; files need not hold the webhook.
        let engine = webhooks.first
        if engine != nil || !input.isCluster {
            if let claim = claims.first {
                let verb = claim.refuses ? "says it refuses this" : "says it only reports this"
                return unseen("Pod Security admits it; \(claim.title) \(verb), and was not evaluated")
            }
            if let engine {
                return unseen(
                    "Pod Security admits it; \(engine) may refuse it, and no policy of it that is known claims to")
            }
        }
        guard let level = place.level else { return unseen(place.provenance) }
        return CISPart(
            .fail, "namespace \(name) admits it: it enforces \(level) (\(place.provenance))",
            evidence: place.object.metadata["labels"][PodSecurityMode.enforce.levelLabel], object: reference(place))
    }

    // MARK: What runs

    /// Workloads outside the system's namespaces that are what the control is about, by control.
    private var running: [String: [CISPart]] {
        var out: [String: [CISPart]] = [:]
        for (object, template) in workloads {
            let pod = PodSecurityInput(template, of: object)
            for check in PodSecurityChecks.all {
                let ids = Self.questions.filter { $0.rules.contains(check.rule.id) }.map(\.id)
                guard !ids.isEmpty else { continue }
                var report = CheckReport()
                check.evaluate(pod, &report)
                for evidence in report.failures {
                    for id in ids {
                        out[id, default: []].append(
                            CISPart(.fail, evidence.message, evidence: evidence.node, object: object.reference))
                    }
                }
            }
            for container in template.spec.allContainers where !template.spec.isWindows && Self.hasRawSockets(container)
            {
                out["5.2.8", default: []].append(
                    CISPart(
                        .fail, "container \"\(container.name)\" has NET_RAW",
                        evidence: container.securityContext["capabilities"], object: object.reference))
            }
        }
        return out
    }

    /// NET_RAW is in every runtime's default set: it is there unless dropped, or when it is added.
    static func hasRawSockets(_ container: Container) -> Bool {
        func names(_ key: String) -> Set<String> {
            Set(
                container.securityContext["capabilities"][key].strings.map { name in
                    let upper = name.uppercased()
                    return upper.hasPrefix("CAP_") ? String(upper.dropFirst(4)) : upper
                })
        }
        let added = names("add")
        if !added.isDisjoint(with: ["ALL", "NET_RAW"]) { return true }
        return names("drop").isDisjoint(with: ["ALL", "NET_RAW"])
    }

    private var workloads: [(KubernetesObject, PodTemplate)] {
        input.inventory.keys.flatMap { key -> [(KubernetesObject, PodTemplate)] in
            guard let object = input.inventory[key], object.controller == nil, !CISRights.isSystem(object.namespace)
            else {
                return []
            }
            return object.podTemplates.map { (object, $0) }
        }
    }

    /// 5.6.3: every workload meets the level its namespace enforces, or restricted where it enforces none.
    private func securityContexts(_ evaluator: PodSecurityEvaluator) -> [CISPart] {
        let levels = Dictionary(
            namespaces.map { ($0.object.name, $0.level) }, uniquingKeysWith: { first, _ in first })
        var parts: [CISPart] = []
        var asked = 0
        for (object, template) in workloads {
            asked += 1
            var level = (levels[object.namespace] ?? nil) ?? LevelVersion(.restricted)
            if level.level == .privileged { level = LevelVersion(.restricted) }
            let verdict = evaluator.evaluate(PodSecurityInput(template, of: object), level)
            guard !verdict.allowed, let first = verdict.violations.first else { continue }
            parts.append(
                CISPart(
                    .fail, "\(object.reference) does not meet \(level): \(first.reason)",
                    evidence: template.spec.node["securityContext"], object: object.reference))
        }
        if asked == 0 {
            return [CISPart(input.isCluster ? .pass : .notObservable, "no workload beside the system's own")]
        }
        return parts.isEmpty ? [CISPart(.pass, "every workload meets its level")] : parts
    }
}
