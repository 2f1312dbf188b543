import Documents
import Kubernetes
import PodSecurity

extension ConformanceSuite {
    /// The server the cases were recorded from: `latest` is v1.36 there.
    private static let server = PodSecurityEvaluator(newest: 36)

    /// Verdicts and messages of a real API server, on the document as written: what it fills in, we have to know.
    static func apiServer(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for line in try folder.lines("apiserver.jsonl") {
            let pod = try object(line["pod"])
            if line["invalid"].exists {
                let isRefused = !PodValidation.errors(in: pod).isEmpty
                agreement.note(line["id"].string ?? "", isRefused ? nil : "the server refuses it, we do not")
                continue
            }
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
            }
            // The same pod as a template: it is warned about, and is not filled in as a pod is.
            if line["deployment"]["code"].int == 201 {
                let template = PodSecurityInput(PodSpec(pod.node["spec"], metadata: pod.metadata), defaults: .template)
                let verdict = server.evaluate(template, level: .restricted)
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

    /// What the server refuses to take, with its reasons; in no order, as the server looks at annotations in none.
    static func invalid(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        for line in try folder.lines("apiserver.jsonl") {
            agreement.note(
                line["id"].string ?? "", expected: line["invalid"].strings.sorted().joined(separator: "\n      "),
                found: PodValidation.errors(in: try object(line["pod"])).map(\.description).sorted()
                    .joined(separator: "\n      "))
        }
        return agreement
    }

    private static func object(_ node: Node) throws -> KubernetesObject {
        guard let object = KubernetesObject(node) else { throw ConformanceError(description: "a case without a kind") }
        return object
    }
}
