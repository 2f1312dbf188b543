import Documents
import Kubernetes
import RBAC

extension ConformanceSuite {
    /// Whether somebody's rights are enough for an edge, in this namespace, for which objects.
    static func escalation(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        var edges: [String: EscalationEdge] = [:]
        for edge in EscalationEdge.all { edges[edge.id] = edge }
        for line in try folder.gzipLines("escalation-cases.jsonl.gz") {
            let id = line["id"].string ?? ""
            guard let edge = edges[line["edge"].string ?? ""] else {
                agreement.note(id, "no such edge")
                continue
            }
            let model = AccessModel(
                line["objects"].elements.compactMap { KubernetesObject($0) }, aggregation: .stored)
            let found = model.reach(
                of: identity(line["subject"]), edge, against: line["targetNamespace"].string ?? "")
            let expect = line["expect"]
            let expected: EscalationReach =
                expect.bool.map { $0 ? .any : .none } ?? .names(Set(expect["names"].strings))
            agreement.note(
                id, found == expected ? nil : "\(line["why"].string ?? ""): expected \(expected), found \(found)")
        }
        return agreement
    }

    /// The ways out of a pod's containers; some are not judged here.
    static func podEscapes(_ folder: ConformanceFolder) throws -> Agreement {
        var agreement = Agreement()
        let root = try folder.json("pod-escape-cases.json")
        let ignored = Set(root["ignoredEdges"].strings)
        for line in root["cases"].elements {
            let pod = line["pod"].asRoot
            let found = ContainerEscape.escapes(from: PodSpec(pod["spec"], metadata: pod["metadata"])).map(\.escape.id)
            agreement.note(
                line["id"].string ?? "", expected: line["expect"].strings.sorted().joined(separator: ", "),
                found: found.filter { !ignored.contains($0) }.sorted().joined(separator: ", "))
        }
        return agreement
    }
}
