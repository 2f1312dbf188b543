import Documents
import Kubernetes
import PodSecurity

extension ConformanceSuite {
    static let posture = ConformanceSuite(
        name: "posture",
        files: [
            ConformanceFile(name: "corpus-level", run: corpusLevels),
            ConformanceFile(name: "probes-pss", run: probes),
        ])

    /// The server that gave the levels is v1.36.
    private static let evaluator = PodSecurityEvaluator(newest: 36)

    /// The level an API server found for each workload of the corpus; those it refused to take have none.
    private static func corpusLevels(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        var file = ""
        var documents: [Int: [KubernetesObject]] = [:]
        for entry in try folder.json("peer/pss-apiserver-1.36.json").elements where entry["rejected"].isNull {
            let path = entry["file"].string ?? ""
            if path != file {
                file = path
                documents = [:]
                for document in try folder.documents("corpus/\(path)").documents {
                    documents[document.ordinal] = KubernetesObject.objects(in: document).objects
                }
            }
            let (ordinal, item) = (entry["doc"].int ?? 0, entry["item"].int ?? 0)
            let id = "\(path) document \(ordinal) item \(item)"
            guard let objects = documents[ordinal], objects.indices.contains(item) else {
                agreement.note(id, "no such object among \(documents.mapValues(\.count))")
                continue
            }
            guard let template = objects[item].podTemplate else {
                agreement.note(id, "no pod template in \(objects[item].reference)")
                continue
            }
            let pod = PodSecurityInput(template, of: objects[item])
            let expected = [
                entry["level"].string, entry["baseline"].string ?? "allowed", entry["restricted"].string ?? "allowed",
            ]
            let found = [
                evaluator.level(pod)?.rawValue, text(evaluator.evaluate(pod, level: .baseline)),
                text(evaluator.evaluate(pod, level: .restricted)),
            ]
            agreement.note(id, expected: "\(expected)", found: "\(found)")
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

    /// The probes' words for what is violated: the field for namespaces of the host, one word for both levels of a check.
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
