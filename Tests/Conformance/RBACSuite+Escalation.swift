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
}
