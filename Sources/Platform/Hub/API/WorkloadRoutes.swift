import Findings
import HTTPTypes
import Store

/// Workloads, worst first, and the images they run.
enum WorkloadRoutes {
    static let all: [Route] = [list, images]

    private static let list = Route(
        .get, "/api/v1/workloads", .read,
        query: [
            .cluster, .namespace, QueryParameter("kind", "Only this kind."), QueryParameter("q", "Part of the name."),
            QueryParameter("all", .flag, "Also objects that run nothing."), .limit, .cursor,
        ]
    ) { request in
        let values = request.query
        var query = ObjectQuery(
            scope: request.scope(), cluster: values["cluster"], namespace: values["namespace"], kind: values["kind"],
            text: values["q"], workloadsOnly: !(values.flag("all") ?? false), limit: values.limit)
        if let cursor = values["cursor"] { query.after = try row(of: cursor) }
        let asked = query
        let rows = try await request.hub.store.read { try $0.objects(asked) }
        let next = rows.count == query.limit ? rows.last.map(cursor) : nil
        return .json { json in json.page(rows, next: next) { $0.object($1) } }
    }

    static func cursor(_ row: ObjectRow) -> String {
        PageCursor.text([
            row.worst?.rawValue ?? "", row.cluster, row.namespace, row.kind, row.name, row.group, row.file,
        ])
    }

    static func row(of cursor: String) throws(HubProblem) -> ObjectRow {
        let parts = try PageCursor.parts(cursor, count: 7)
        return ObjectRow(
            cluster: parts[1], group: parts[5], kind: parts[3], namespace: parts[2], name: parts[4], file: parts[6],
            runsPods: true, worst: Severity(rawValue: parts[0]), seenAt: 0)
    }

    private static let images = Route(
        .get, "/api/v1/clusters/{cluster}/images", .read, query: [.limit, .cursor]
    ) { request in
        let cluster = try request.path("cluster")
        guard request.scope().allows(cluster: cluster, namespace: nil) else {
            throw HubProblem.notFound("such cluster")
        }
        let limit = request.query.limit
        let after = try request.query["cursor"].map { try PageCursor.parts($0, count: 1)[0] } ?? ""
        let rows = try await request.hub.store.read { try $0.images(of: cluster, after: after, limit: limit) }
        let next = rows.count == limit ? rows.last.map { PageCursor.text([$0.image]) } : nil
        return .json { json in
            json.page(rows, next: next) { json, row in
                json.member("image", row.image)
                json.member("digest", row.digest)
                json.member("workloads", row.workloads)
                json.member("seenAt", time: row.seenAt)
            }
        }
    }
}
