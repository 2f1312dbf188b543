import CISBenchmark
import Documents
import Kubernetes

extension ConformanceSuite {
    /// Controls of the CIS benchmark on components whose expected results were set by hand from Kubernetes' semantics.
    static let cis = ConformanceSuite(
        name: "posture",
        files: [
            ConformanceFile(name: "cis-controlplane", run: controlPlane),
            ConformanceFile(name: "cis-kubelet", run: kubelets),
            ConformanceFile(name: "cis-encryption", run: encryption),
            ConformanceFile(name: "cis-audit-policy", run: auditPolicies),
            ConformanceFile(name: "cis-recognised", run: recognised),
            ConformanceFile(name: "cis-disagreements", run: disagreements),
        ])

    /// The word of the expectations for an outcome.
    static func word(_ outcome: CISOutcome) -> String {
        switch outcome {
        case .pass: "pass"
        case .passByEquivalence: "pass_by_equivalence"
        case .fail: "fail"
        case .notApplicable: "not_applicable"
        case .notObservable: "not_observable"
        case .manual: "review"
        }
    }

    static func report(
        _ objects: [KubernetesObject], files: [String: String] = [:], capture: NodeCapture? = nil,
        version: ComponentVersion? = nil
    ) -> CISReport {
        var input = CISInput(inventory: Inventory(objects))
        input.version = version
        for (name, text) in files { input.looseFiles[name] = SourceText(name: name, bytes: Array(text.utf8)) }
        if let capture { input.captures = [capture] }
        return CISBenchmark(input).report()
    }

    static func outcome(_ report: CISReport, _ id: String) -> String {
        report[id].map { word($0.outcome) } ?? "no such control"
    }

    /// Every expectation of every pod: those of its component's baseline, with its own changes.
    private static func controlPlane(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let expected = try folder.json("probes/controlplane.expected.json")
        let set = try folder.documents("probes/controlplane.yaml")
        let pods = set.documents.flatMap { KubernetesObject.objects(in: $0).objects }
        for probe in expected["probes"].elements {
            let id = probe["id"].string ?? ""
            guard let pod = pods.first(where: { $0.name == probe["pod"].string }) else {
                agreement.note(id, "the pod is missing")
                continue
            }
            var wanted = expected["baseline"][probe["component"].string ?? ""].stringMap
            wanted.merge(probe["changes"].stringMap) { $1 }
            for (control, value) in wanted.sorted(by: { CISCatalogue.areInOrder($0.key, $1.key) }) {
                agreement.note("\(id) \(control)", difference(pod, control, value, expected))
            }
        }
        return agreement
    }

    private static func difference(
        _ pod: KubernetesObject, _ control: String, _ value: String, _ expected: Node
    ) -> String? {
        func differs(_ wanted: String, _ report: CISReport) -> String? {
            let found = outcome(report, control)
            return found == wanted
                ? nil : "expected \(wanted), found \(found): \(report[control]?.parts.first?.message ?? "")"
        }
        if value.hasPrefix("pass@>=") {
            // Decided by the version: the same pod with the image of the version before, and of that one.
            guard let version = ComponentVersion(String(value.dropFirst("pass@>=".count))) else { return "bad version" }
            let before = differs("fail", report([pod.running(ComponentVersion(minor: version.minor - 1))]))
            return before ?? differs("pass", report([pod.running(version)]))
        }
        guard value.hasPrefix("see_file") else { return differs(value, report([pod])) }
        // Without the file nobody can know; with it the file decides.
        if let wrong = differs("not_observable", report([pod])) { return wrong }
        let name = String(value.dropFirst("see_file:".count))
        let arguments = (pod.node["spec"]["containers"][0]["command"].strings)
        func fileName(_ flag: String) -> String {
            arguments.first { $0.hasPrefix("--\(flag)=") }?.split(separator: "/").last.map(String.init) ?? ""
        }
        switch name {
        case "enableProfiling":
            for (isOn, wanted) in [("false", "pass"), ("true", "fail")] {
                let text =
                    "{apiVersion: kubescheduler.config.k8s.io/v1, kind: KubeSchedulerConfiguration, "
                    + "enableProfiling: \(isOn)}"
                if let wrong = differs(wanted, report([pod], files: [fileName("config"): text])) { return wrong }
            }
            return nil
        case "":
            let text = "{apiVersion: audit.k8s.io/v1, kind: Policy, rules: [{level: Metadata}]}"
            return differs("pass", report([pod], files: [fileName("audit-policy-file"): text]))
        default:
            let file = expected["config_files"][name]
            guard let wanted = expected["config_files_expected"][name][control].string else { return "no expectation" }
            let flag =
                file["kind"].equals("AuthenticationConfiguration") ? "authentication-config" : "authorization-config"
            return differs(wanted, report([pod], files: [fileName(flag): file.json()]))
        }
    }

    private static func kubelets(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for probe in try folder.json("probes/nodeconfig.json")["kubelet"].elements {
            let arguments = probe["cmdline"].strings
            var capture = NodeCapture(
                name: "n", processes: [NodeCapture.Process(pid: 1, arguments: arguments, user: 0)])
            func value(_ flag: String) -> String? {
                arguments.last { $0.hasPrefix("--\(flag)=") }.map { String($0.dropFirst(flag.count + 3)) }
            }
            func file(_ path: String, _ node: Node) -> NodeCapture.File {
                NodeCapture.File(
                    kind: .file, mode: 0o600, owner: "root", group: "root",
                    content: SourceText(name: path, bytes: Array(node.json().utf8)))
            }
            if let path = value("config"), !probe["config"].isNull {
                capture.take(.init(path, wantsContent: true), [(path, file(path, probe["config"]))])
            }
            if let path = value("config-dir") {
                capture.take(
                    .init("\(path)/*", wantsContent: true),
                    probe["dropins"].members.map { ("\(path)/\($0.key)", file("\(path)/\($0.key)", $0.value)) })
            }
            let report = report([], capture: capture)
            for member in probe["expected"].members {
                agreement.note(
                    "\(probe["id"].string ?? "") \(member.key)", expected: member.value.string ?? "",
                    found: outcome(report, member.key))
            }
        }
        return agreement
    }

    private static func serverWith(_ flag: String, _ text: String) -> CISReport {
        let pod = """
            {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: kube-system}, spec: {containers: [
            {name: a, image: 'registry.k8s.io/kube-apiserver:v1.35.2', command: [kube-apiserver, --\(flag)=/etc/file.yaml]}]}}
            """
        let set = DocumentReader.read(SourceText(name: "pod.yaml", bytes: Array(pod.utf8)))
        return report(
            set.documents.flatMap { KubernetesObject.objects(in: $0).objects }, files: ["file.yaml": text])
    }

    private static func encryption(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for probe in try folder.json("probes/nodeconfig.json")["encryption"].elements {
            let id = probe["id"].string ?? ""
            let found = outcome(serverWith("encryption-provider-config", probe["config"].json()), "1.2.28")
            agreement.note("\(id) 1.2.28", expected: probe["expected"]["1.2.28"].string ?? "", found: found)
            let provider = EncryptionConfiguration(probe["config"].asRoot).writeProvider(resource: "secrets")
            agreement.note(
                "\(id) encrypted", expected: "\(probe["expected"]["secrets_encrypted"].bool ?? false)",
                found: "\(provider.isEncrypting)")
        }
        return agreement
    }

    private static func auditPolicies(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for probe in try folder.json("probes/nodeconfig.json")["audit_policy_3.2.2"].elements {
            let report = serverWith("audit-policy-file", probe["policy"].json())
            agreement.note(
                probe["id"].string ?? "", expected: probe["expected"].string ?? "", found: outcome(report, "3.2.2"))
        }
        return agreement
    }

    /// Pods of real clusters: each is seen as what it is, with every flag of its command line.
    private static func recognised(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let names = try folder.json("controlplane-real/provenance.json")["pods"].elements.map { $0["pod"].string ?? "" }
        let pods = try folder.documents("controlplane-real/kops-static-pods.yaml").documents.flatMap {
            KubernetesObject.objects(in: $0).objects
        }
        for (index, pod) in pods.enumerated() {
            let instances = CISBenchmark(CISInput(inventory: Inventory([pod]))).instances
            let wanted = index < names.count ? names[index] : pod.name
            let words = pod.node["spec"]["containers"][0]["args"].strings
            let start = words.firstIndex { $0.hasSuffix("/\(wanted)") } ?? 0
            let flags = words[(start + 1)...].filter { $0.hasPrefix("--") }.map {
                String($0.dropFirst(2).prefix { $0 != "=" })
            }
            agreement.note(
                "\(index) \(wanted)", expected: "\(wanted) \(flags.joined(separator: " "))",
                found: instances.map { instance in
                    "\(instance.component.rawValue) "
                        + (instance.command?.flags.map(\.name).joined(separator: " ") ?? "")
                }.joined(separator: " + "))
        }
        return agreement
    }
}

extension KubernetesObject {
    /// The same pod with the image of another version.
    func running(_ version: ComponentVersion) -> KubernetesObject {
        var editor = DocumentEditor(node)
        editor.set("spec.containers[0].image", .string("registry.k8s.io/kube-apiserver:\(version).0"))
        return with(editor.finish())
    }
}
