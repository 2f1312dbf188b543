import Documents
import Kubernetes
import PodSecurity

extension ConformanceSuite {
    /// The server the cases were recorded from: `latest` is v1.36 there.
    private static let server = PodSecurityEvaluator(newest: 36)

    /// Verdicts and messages of a real API server, on the document as written: what it fills in, we have to know.
    static func apiServer(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for line in try folder.lines("apiserver.jsonl") where line["invalid"].isNull {
            let pod = try object(line["pod"])
            var differences: [String] = []
            for object in [pod, pod.defaulted()] {
                guard let template = object.podTemplate else { continue }
                let input = PodSecurityInput(template, of: object)
                for level in [PodSecurityLevel.baseline, .restricted] {
                    let expected = line[level.rawValue]["message"].string ?? "allowed"
                    let verdict = server.evaluate(input, level: level)
                    let found = verdict.allowed ? "allowed" : "pods \"\(pod.name)\" is forbidden: \(verdict.message)"
                    if expected != found { differences.append("\n    expected \(expected)\n    found    \(found)") }
                }
                // The same pod as a template: it is warned about, and is not filled in as a pod is.
                guard line["deployment"]["code"].int == 201 else { continue }
                let input2 = PodSecurityInput(PodSpec(pod.node["spec"], metadata: pod.metadata), defaults: .template)
                let verdict = server.evaluate(input2, level: .restricted)
                let found = verdict.allowed ? [] : ["would violate" + verdict.message.dropFirst("violates".count)]
                let expected = line["deployment"]["warnings"].strings
                if expected != found { differences.append("\n    expected \(expected)\n    found    \(found)") }
            }
            agreement.note(line["id"].string ?? "", differences.first)
        }
        return agreement
    }

    /// The object as the server stored it; it knows no difference between an empty list, null and nothing.
    static func stored(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for line in try folder.lines("apiserver.jsonl") where line["invalid"].isNull {
            agreement.note(
                line["id"].string ?? "", expected: line["stored"].canonicalJSON(sparse: true),
                found: try object(line["pod"]).admitted().node.canonicalJSON(sparse: true))
        }
        return agreement
    }

    private static func object(_ node: Node) throws -> KubernetesObject {
        guard let object = KubernetesObject(node) else { throw ConformanceError(description: "a case without a kind") }
        return object
    }
}
