import Documents
import Findings
import Kubernetes

/// Runs every control of the benchmark.
package struct CISBenchmark: Sendable {
    package let catalogue: CISCatalogue
    package let input: CISInput
    package let platform: Platform
    /// The components, of all nodes, in order.
    package let instances: [ComponentInstance]

    package init(_ input: CISInput, catalogue: CISCatalogue = .current) {
        self.catalogue = catalogue
        self.input = input
        platform = input.foundPlatform
        instances = Self.find(input)
    }

    package func report() -> CISReport {
        var results = catalogue.controls.map(result)
        let outcomes = Dictionary(results.map { ($0.control.id, $0.outcome) }, uniquingKeysWith: { a, _ in a })
        for index in results.indices where results[index].outcome == .fail {
            guard let root = results[index].control.root, outcomes[root] == .fail else { continue }
            results[index].partOf = root
        }
        var report = CISReport(
            results: results, platform: platform, version: input.version ?? instances.compactMap(\.version).max(),
            nodes: nodeNames, remarks: remarks)
        report.own = ownResults
        return report
    }

    /// The nodes that were looked at, one way or another.
    private var nodeNames: [String] {
        Set(
            input.captures.map(\.name) + input.kubelets.keys + input.inventory.objects("Node").map(\.name)
                + instances.map(\.node).filter { !$0.isEmpty }
        ).sorted()
    }

    // MARK: One control

    package func result(_ control: CISControl) -> CISResult {
        if let verdict = input.verdicts[control.id] {
            return CISResult(control, verdict.parts, running: verdict.running)
        }
        if platform.isProvidersBusiness(control) {
            let message = "\(platform.title) \(platform.note.isEmpty ? "runs this part itself" : "— \(platform.note)")"
            return CISResult(control, [CISPart(.notApplicable, message)])
        }
        switch control.ask {
        case .place(let place, let condition): return CISResult(control, files(control, place, condition))
        case .setting(let names, let condition, let whenUnset):
            return CISResult(
                control, components(control) { $0.evaluate(names, condition, whenUnset: whenUnset) })
        case .gate(let gate): return CISResult(control, components(control) { $0.gate(gate) })
        case .described: return CISResult(control, [CISPart(.notObservable, "only a provider's benchmark asks that")])
        case .rule("etcd-authority", _):
            let servers = instances.filter { $0.component == .apiServer }
            return CISResult(
                control,
                components(control) { setting in
                    let etcd = setting.instance
                    let near = servers.filter { $0.node == etcd.node }
                    return EtcdAuthority(etcd: etcd, servers: near.isEmpty ? servers : near).evaluate()
                })
        case .rule(let name, let arguments):
            if control.component == nil {
                let policy = PolicyControl(input: input, instances: instances, platform: platform)
                let (parts, running) = policy.evaluate(name)
                return CISResult(control, parts, running: running)
            }
            if instances.allSatisfy({ $0.component != .apiServer }), let parts = alone(control) {
                return CISResult(control, parts)
            }
            return CISResult(
                control,
                components(control) { setting in
                    setting.rule(name, arguments)
                        ?? CISPart(.notObservable, "no function of this version judges \(name)")
                })
        }
    }

    /// A part for each instance of the control's component, or what it means that there is none.
    private func components(_ control: CISControl, _ body: (SettingControl) -> CISPart) -> [CISPart] {
        guard let component = control.component else { return [] }
        let found = instances.filter { $0.component == component }
        var parts = found.map { instance in
            var part = body(SettingControl(instance: instance))
            part.node = instance.node
            return part
        }
        // 2.4 and its like: a member alone speaks to nobody.
        if component == .etcd, ["2.4", "2.5", "2.6"].contains(control.id) {
            parts = zip(parts, found).map { part, instance in alone(instance) ? aloneInstead(part) : part }
        }
        // What stands behind a socket of the same machine shows no certificate.
        if ["1.2.23", "1.2.26"].contains(control.id) {
            parts = zip(parts, found).map { part, instance in
                let servers = (instance.setting("etcd-servers").text ?? "").split(separator: ",")
                guard part.outcome == .fail, !servers.isEmpty, servers.allSatisfy({ $0.hasPrefix("unix:") }) else {
                    return part
                }
                var part = part
                part.outcome = .notApplicable
                part.message = "the state is kept behind a socket of the machine: \(servers.joined(separator: ","))"
                return part
            }
        }
        parts += missing(component, beside: found)
        return parts
    }

    /// Whether etcd has no peers and does not listen for any beyond the node.
    private func alone(_ etcd: ComponentInstance) -> Bool {
        let peers = etcd.setting("listen-peer-urls")
        let urls = (peers.text ?? "").split(separator: ",")
        guard !urls.isEmpty, (etcd.setting("initial-cluster").text ?? "").split(separator: ",").count <= 1 else {
            return false
        }
        return urls.allSatisfy { url in
            let host = url.split(separator: "/").dropFirst().first.map(String.init) ?? ""
            return SettingControl.isLoopback(host)
        }
    }

    private func aloneInstead(_ part: CISPart) -> CISPart {
        guard part.outcome == .fail else { return part }
        var part = part
        part.outcome = .notApplicable
        part.message = "a single member that listens for peers on loopback only; \(part.message)"
        return part
    }

    /// What it means that a component was not seen.
    private func missing(_ component: Component, beside found: [ComponentInstance]) -> [CISPart] {
        var parts: [CISPart] = []
        let seen = Set(found.map(\.node))
        for capture in input.captures where !seen.contains(capture.name) {
            if let problem = capture.processProblem {
                if found.isEmpty {
                    parts.append(
                        CISPart(.notObservable, "no \(component.rawValue) was seen: \(problem)", node: capture.name))
                }
                continue
            }
            parts.append(
                CISPart(.notApplicable, "\(component.rawValue) does not run on this node", node: capture.name))
        }
        if component == .kubelet {
            let asked = Set(found.map(\.node)).union(input.captures.map(\.name))
            for node in input.inventory.objects("Node") where !asked.contains(node.name) {
                let why =
                    input.kubeletProblems[node.name] ?? "the kubelet was not asked, and the node was not looked at"
                parts.append(CISPart(.notObservable, why, node: node.name))
            }
        }
        if found.isEmpty, parts.isEmpty {
            let why =
                input.isCluster
                ? "no pod of the cluster runs \(component.rawValue); look at its node with martlet cis --node"
                : "no \(component.rawValue) is among what was given"
            parts.append(CISPart(.notObservable, why))
        }
        return parts
    }

    func files(
        _ control: CISControl, _ place: String, _ condition: CISControl.FileCondition
    ) -> [CISPart] {
        guard !input.captures.isEmpty else {
            return [CISPart(.notObservable, "files are seen on the node only: martlet cis --node")]
        }
        return input.captures.flatMap { capture in
            FileControl(
                capture: capture, platform: platform, instances: instances.filter { $0.node == capture.name }
            ).evaluate(control, place: place, condition)
        }
    }

    /// What configuration files say without the component that reads them.
    private func alone(_ control: CISControl) -> [CISPart]? {
        let files = input.alone(control.id)
        guard !files.isEmpty else { return nil }
        return files.map { object in
            func part(_ outcome: CISOutcome, _ message: String, _ node: Node) -> CISPart {
                CISPart(
                    outcome, message, provenance: .file(object.file, field: ""), evidence: node,
                    object: object.reference)
            }
            if object.kind == "Policy" { return AuditPolicy.judged(object.node, part) }
            return SettingControl.encryption(
                EncryptionConfiguration(object.node), object.node, version: input.version ?? .newest, part)
        }
    }

    // MARK: Components

    private static func find(_ input: CISInput) -> [ComponentInstance] {
        var found: [ComponentInstance] = []
        let captures = Dictionary(input.captures.map { ($0.name, $0) }, uniquingKeysWith: { a, _ in a })
        for capture in input.captures {
            let kubelet = input.inventory.objects("Node").first { $0.name == capture.name }
                .flatMap { $0.node["status"]["nodeInfo"]["kubeletVersion"].string }.flatMap(ComponentVersion.init)
            found += NodePlan.instances(capture, version: kubelet ?? input.version).map {
                fromConfigMap($0, capture, input)
            }
        }
        let onNodes = Set(found.map { "\($0.node)/\($0.component.rawValue)" })
        for key in input.inventory.keys where key.reference.kind == "Pod" || key.reference.kind == "DaemonSet" {
            guard let object = input.inventory[key], isOwn(object, isCluster: input.isCluster) else { continue }
            // A DaemonSet's pods say the same; in files there may be the DaemonSet only.
            if object.kind == "DaemonSet", input.isCluster { continue }
            found += ComponentInstance.inPod(object) { (captures[$0], input.looseFiles) }
                .filter { !onNodes.contains("\($0.node)/\($0.component.rawValue)") }
                .map { instance in configured(instance, input) }
        }
        for node in input.inventory.objects("Node") where captures[node.name] == nil {
            guard let k3s = K3s(node) else { continue }
            let version = node.node["status"]["nodeInfo"]["kubeletVersion"].string.flatMap(ComponentVersion.init)
            found += k3s.commands.map { command in
                ComponentInstance(
                    command.component, node: node.name, command: command, files: ConfigurationFiles(capture: nil),
                    version: command.component == .etcd ? nil : version)
            }
        }
        if !found.contains(where: { $0.component == .kubelet }) {
            for object in input.inventory.objects("KubeletConfiguration", of: "kubelet.config.k8s.io") {
                found.append(
                    ComponentInstance(
                        .kubelet, object: object, command: nil, files: ConfigurationFiles(capture: nil),
                        version: input.version, configuration: (object.node, object.file)))
            }
        }
        for (node, answer) in input.kubelets.sorted(by: { $0.key < $1.key }) {
            let root = answer["kubeletconfig"].isObject ? answer["kubeletconfig"] : answer
            if let position = found.firstIndex(where: { $0.component == .kubelet && $0.node == node }) {
                found[position].configz = root
                continue
            }
            let version = input.inventory.objects("Node").first { $0.name == node }
                .flatMap { $0.node["status"]["nodeInfo"]["kubeletVersion"].string }.flatMap(ComponentVersion.init)
            found.append(
                ComponentInstance(
                    .kubelet, node: node, command: nil, files: ConfigurationFiles(capture: nil), version: version,
                    configz: root))
        }
        return found.enumerated().sorted {
            ($0.element.component, $0.element.node, $0.offset) < ($1.element.component, $1.element.node, $1.offset)
        }.map(\.element)
    }

    /// In a live cluster anybody can run a pod that looks like a component; the cluster's own are in its own namespaces.
    private static func isOwn(_ object: KubernetesObject, isCluster: Bool) -> Bool {
        guard isCluster else { return true }
        return object.namespace == "kube-system" || object.namespace.hasPrefix("openshift-")
    }

    /// A kube-proxy seen as a process, whose file is in its container and comes out of a ConfigMap.
    private static func fromConfigMap(
        _ instance: ComponentInstance, _ capture: NodeCapture, _ input: CISInput
    ) -> ComponentInstance {
        guard instance.component == .proxy, instance.object == nil, let flag = instance.facts.configuration?.flag,
            let path = instance.command?.uses(flag).last?.value, capture[path]?.kind ?? .absent == .absent,
            let name = path.split(separator: "/").last, let root = input.configMaps["kube-system/kube-proxy/\(name)"]
        else { return instance }
        return ComponentInstance(
            .proxy, node: instance.node, command: instance.command, files: instance.files, version: instance.version,
            configuration: (root, "kube-system/kube-proxy"))
    }

    /// kubeadm's kube-proxy reads its file from a ConfigMap, and OpenShift's operators keep theirs in one.
    private static func configured(_ instance: ComponentInstance, _ input: CISInput) -> ComponentInstance {
        if instance.command?.hidden != nil, let namespace = instance.object?.namespace,
            let root = input.configMaps[OpenShiftConfiguration.configMapKey(namespace)]
        {
            var configured = instance
            configured.adoptOpenShiftFile(root, "ConfigMap \(namespace)/config")
            return configured
        }
        guard instance.component == .proxy, let flag = instance.facts.configuration?.flag,
            let path = instance.command?.uses(flag).last?.value,
            instance.mountedObjects.contains(where: { path.hasPrefix($0 + "/") })
        else { return instance }
        let key = path.split(separator: "/").last.map(String.init) ?? ""
        guard let root = input.configMaps["kube-system/kube-proxy/\(key)"] else { return instance }
        var configured = ComponentInstance(
            .proxy, node: instance.node, object: instance.object, container: instance.container,
            command: instance.command, environment: instance.environment, files: instance.files,
            version: instance.version, configuration: (root, "kube-system/kube-proxy"))
        configured.mountedObjects = instance.mountedObjects
        return configured
    }

    // MARK: Remarks

    private var remarks: [String] {
        var out = platform.remark.isEmpty ? [] : [platform.remark]
        for instance in instances {
            for stray in instance.command?.strays.prefix(3) ?? []
            where instance.component != .kubelet || stray != "kubelet" {
                out.append("\(instance.title): \"\(stray)\" is no flag and is ignored or refused")
            }
            out += instance.mistypedFlags.map { wrong, meant in
                "\(instance.title): --\(wrong) is no flag we know, --\(meant) is; a component that is given a flag it does "
                    + "not know does not start"
            }
            out += instance.conflicts.map { "\(instance.title): \($0)" }
        }
        return out
    }
}
