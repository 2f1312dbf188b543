import Documents
import Kubernetes
import PodSecurity

extension ConformanceSuite {
    static let podSecurity = ConformanceSuite(
        name: "pss",
        files: [
            ConformanceFile(name: "fixtures") { try verdicts("fixtures.jsonl", $0) },
            ConformanceFile(name: "generated") { try verdicts("generated.jsonl", $0) },
            ConformanceFile(name: "namespace-labels", run: namespaceLabels),
            ConformanceFile(name: "admission", run: admission),
            ConformanceFile(name: "apiserver", run: apiServer),
            ConformanceFile(name: "apiserver.stored", run: stored),
            ConformanceFile(name: "apiserver.invalid", run: invalid),
        ])

    private static let evaluator = PodSecurityEvaluator()

    /// Every version of both levels, verdict and texts; a case agrees when all of them do.
    private static func verdicts(_ file: String, _ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for line in try folder.lines(file) {
            let pod = line["pod"].asRoot
            let input = PodSecurityInput(PodSpec(pod["spec"], metadata: pod["metadata"]))
            var difference: String?
            for level in [PodSecurityLevel.baseline, .restricted] {
                for span in line["expect"][level.rawValue].elements {
                    let expected = text(
                        span["allowed"].bool ?? false, zip(span["reasons"].strings, span["details"].strings))
                    for minor in (span["from"].int ?? 0)...(span["to"].int ?? 0) {
                        let verdict = evaluator.evaluate(input, level: level, version: .minor(minor))
                        let found = text(verdict.allowed, verdict.violations.map { ($0.reason, $0.detail) })
                        if found != expected, difference == nil {
                            difference = "\(verdict.policy)\n    expected \(expected)\n    found    \(found)"
                        }
                    }
                }
            }
            agreement.note(line["id"].string ?? "", difference)
        }
        return agreement
    }

    private static func text(_ allowed: Bool, _ violations: some Sequence<(String, String)>) -> String {
        allowed ? "allowed" : violations.map { "\($0.0) (\($0.1))" }.joined(separator: " | ")
    }

    private static func namespaceLabels(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for line in try folder.lines("namespace-labels.jsonl") {
            let defaults = line["defaults"]
            func level(_ mode: PodSecurityMode) -> LevelVersion {
                defaults[mode.rawValue].string.flatMap(LevelVersion.init(parsing:)) ?? LevelVersion(.privileged)
            }
            var errors: [LabelError] = []
            let policy = NamespacePolicy(
                labels: line["labels"].stringMap,
                defaults: NamespacePolicy(enforce: level(.enforce), audit: level(.audit), warn: level(.warn)),
                errors: &errors)
            let expect = line["expect"]
            agreement.note(
                line["id"].string ?? "",
                expected: (PodSecurityMode.allCases.map { expect[$0.rawValue].string ?? "" } + expect["errors"].strings)
                    .joined(separator: " | "),
                found: (PodSecurityMode.allCases.map { policy[$0].description } + errors.map(\.description))
                    .joined(separator: " | "))
        }
        return agreement
    }

    private static func admission(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for line in try folder.lines("admission.jsonl") {
            var problems: [String] = []
            let configuration = PodSecurityConfiguration(line["config"], problems: &problems)
            let plugin = PodSecurityAdmission(configuration: configuration, evaluator: evaluator)
            let request = AdmissionRequest(line["request"])
            let namespace = line["namespace"]
            let response = plugin.respond(
                to: request,
                namespace: namespace.isNull
                    ? .failed("namespaces \"\(request.namespace)\" not found")
                    : .found(labels: namespace["metadata"]["labels"].stringMap),
                pods: line["existingPods"].elements.map(\.asRoot))
            var writer = JSONWriter()
            response.write(to: &writer)
            let found = try DocumentReader.readJSON(SourceText(name: "", bytes: writer.bytes))
            agreement.note(
                line["id"].string ?? "", expected: line["response"].canonicalJSON(), found: found.canonicalJSON())
        }
        return agreement
    }
}
