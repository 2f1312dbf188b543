import Documents
import Kubernetes
import PodSecurity

extension ConformanceSuite {
    static let posture = ConformanceSuite(
        name: "posture",
        files: [
            ConformanceFile(name: "corpus-level", run: corpusLevels),
            ConformanceFile(name: "corpus-accepted", run: corpusAccepted),
            ConformanceFile(name: "probes-pss", run: probes),
            ConformanceFile(name: "fixes", run: FixesSuite.reachRestricted),
            ConformanceFile(name: "fixes-open-nothing", run: FixesSuite.openNothing),
        ])

    /// The server that gave the levels is v1.36.
    private static let evaluator = PodSecurityEvaluator(newest: 36)

    /// The level an API server found for each workload of the corpus; those it refused to take have none.
    private static func corpusLevels(_ folder: ConformanceFolder) throws -> Agreement {
        try eachWorkload(folder) { entry, id, object, agreement in
            guard entry["rejected"].isNull else { return }
            guard let object, let template = object.podTemplate else {
                agreement.note(id, "no workload found there")
                return
            }
            let pod = PodSecurityInput(template, of: object)
            let expected = [
                entry["level"].string, entry["baseline"].string ?? "allowed", entry["restricted"].string ?? "allowed",
            ]
            let found = [
                evaluator.level(pod)?.rawValue, text(evaluator.evaluate(pod, level: .baseline)),
                text(evaluator.evaluate(pod, level: .restricted)),
            ]
            agreement.note(id, expected: "\(expected)", found: "\(found)")
        }
    }

    /// We refuse none of the workloads that the server takes.
    private static func corpusAccepted(_ folder: ConformanceFolder) throws -> Agreement {
        try eachWorkload(folder) { entry, id, object, agreement in
            guard entry["rejected"].isNull, let object else { return }
            agreement.note(
                id, expected: "", found: PodValidation.errors(in: object).map(\.description).joined(separator: ", "))
        }
    }

    private static func eachWorkload(
        _ folder: ConformanceFolder, _ body: (Node, String, KubernetesObject?, inout Agreement) -> Void
    ) throws -> Agreement {
        var agreement = Agreement()
        var file = ""
        var documents: [Int: [KubernetesObject]] = [:]
        for entry in try folder.json("peer/pss-apiserver-1.36.json").elements {
            let path = entry["file"].string ?? ""
            if path != file {
                file = path
                documents = [:]
                for document in try folder.documents("corpus/\(path)").documents {
                    documents[document.ordinal] = KubernetesObject.objects(in: document).objects
                }
            }
            let (ordinal, item) = (entry["doc"].int ?? 0, entry["item"].int ?? 0)
            let objects = documents[ordinal] ?? []
            let object = objects.indices.contains(item) ? objects[item] : nil
            body(entry, "\(path) document \(ordinal) item \(item)", object, &agreement)
        }
        return agreement
    }

    private static func text(_ verdict: PodSecurityVerdict) -> String {
        verdict.allowed ? "allowed" : verdict.detail
    }

    /// Small workloads with one point each: the level, and which checks object.
    private static func probes(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        var objects: [String: KubernetesObject] = [:]
        for document in try folder.documents("probes/workloads.yaml").documents {
            for object in KubernetesObject.objects(in: document).objects where object.podTemplate != nil {
                objects["\(object.kind)/\(object.name)"] = object
            }
        }
        for probe in try folder.json("probes/workloads.expected.json")["probes"].elements
        where probe["pss_level"].exists {
            let id = "\(probe["kind"].string ?? "")/\(probe["id"].string ?? "")"
            guard let object = objects[id], let template = object.podTemplate else {
                agreement.note(id, "no such object")
                continue
            }
            let pod = PodSecurityInput(template, of: object)
            let expected =
                "\(probe["pss_level"].string ?? "") \(probe["violates_baseline"].strings.sorted()) "
                + "\(probe["violates_restricted"].strings.sorted())"
            let found =
                "\(evaluator.level(pod)?.rawValue ?? "") \(words(evaluator.evaluate(pod, level: .baseline))) "
                + "\(words(evaluator.evaluate(pod, level: .restricted)))"
            agreement.note(id, expected: expected, found: found)
        }
        return agreement
    }

    /// The probes' words for what is violated: the field for namespaces of the host, one for both levels of a check.
    private static func words(_ verdict: PodSecurityVerdict) -> [String] {
        verdict.violations.flatMap { violation -> [String] in
            switch violation.check {
            case .hostNamespaces: violation.fields.map { $0.path.last.map { "\($0)" } ?? "" }.map(plain)
            case .procMountRestricted: ["procMount"]
            case .seccompBaseline, .seccompRestricted: ["seccompProfile"]
            default: [violation.check.rawValue]
            }
        }.sorted()
    }

    /// The key of `key("hostPID")`.
    private static func plain(_ element: String) -> String {
        String(element.drop { $0 != "\"" }.dropFirst().prefix { $0 != "\"" })
    }
}
