import Findings
import HTTPTypes
import Store

/// Clusters: how they stand, how fresh that is, how it was before.
enum ClusterRoutes {
    static let all: [Route] = [list, get, remove, scores, namespaces, fleet]

    private static let list = Route(.get, "/api/v1/clusters", .read, query: [.limit, .cursor]) { request in
        let scope = request.scope()
        let after = try request.query["cursor"].map { try PageCursor.parts($0, count: 1)[0] } ?? ""
        let limit = request.query.limit
        let (rows, rollups, agents) = try await request.hub.store.read { db in
            (try db.clusters(in: scope, after: after, limit: limit), try counters(db, scope), try db.agents())
        }
        let byCluster = Dictionary(agents.map { ($0.cluster, $0) }) { $1 }
        let next = rows.count == limit ? rows.last.map { PageCursor.text([$0.id]) } : nil
        return .json { json in
            json.page(rows, next: next) { json, row in
                let agent = scope.allows(cluster: row.id, namespace: nil) ? byCluster[row.id] : nil
                json.cluster(visible(row, scope), failing: rollups[row.id] ?? [], agent: agent)
            }
        }
    }

    private static let get = Route(.get, "/api/v1/clusters/{cluster}", .read) { request in
        let id = try request.path("cluster")
        let scope = request.scope()
        let found = try await request.hub.store.read { db in
            (try db.cluster(id), try counters(db, scope, cluster: id), try db.agent(of: id))
        }
        let agent = scope.allows(cluster: id, namespace: nil) ? found.2 : nil
        guard let row = found.0, scope.touches(cluster: id) else { throw HubProblem.notFound("such cluster") }
        return .json { $0.cluster(visible(row, scope), failing: found.1[id] ?? [], agent: agent) }
    }

    private static let remove = Route(.delete, "/api/v1/clusters/{cluster}", .administer) { request in
        let id = try request.path("cluster")
        try request.require(.administer, cluster: id)
        request.hub.supervisor.stop(id)
        let removed = try await request.hub.store.write { db in
            let removed = try db.removeCluster(id)
            if removed { try request.audit(db, "cluster.remove", target: id) }
            return removed
        }
        guard removed else { throw HubProblem.notFound("such cluster") }
        return .noContent
    }

    private static let scores = Route(
        .get, "/api/v1/clusters/{cluster}/scores", .read,
        query: [QueryParameter("since", "The first day, 2026-11-23; 90 days ago otherwise.")]
    ) { request in
        let id = try request.path("cluster")
        guard request.scope().allows(cluster: id, namespace: nil) else { throw HubProblem.notFound("such cluster") }
        let since = request.query["since"] ?? "\(CalendarDate.of(request.now - 90 * 86_400_000))"
        guard CalendarDate(since) != nil else { throw HubProblem.invalid("\"since\" is a day such as 2026-11-23") }
        let rows = try await request.hub.store.read { try $0.scores(of: id, since: since) }
        return .json { json in
            json.page(rows, next: nil) { json, row in
                json.member("day", row.day)
                json.member("score", ratio: row.score)
                for (word, count) in [
                    ("critical", row.critical), ("high", row.high), ("medium", row.medium), ("low", row.low),
                    ("info", row.info), ("waived", row.waived), ("objects", row.objects),
                ] {
                    json.member(word, count)
                }
            }
        }
    }

    private static let namespaces = Route(.get, "/api/v1/clusters/{cluster}/namespaces", .read) { request in
        let id = try request.path("cluster")
        let scope = request.scope()
        guard scope.touches(cluster: id) else { throw HubProblem.notFound("such cluster") }
        let rows = try await request.hub.store.read { try $0.rollups(.namespace, cluster: id, in: scope) }
        let items = Dictionary(grouping: rows, by: \.item).sorted { $0.key < $1.key }
        return .json { json in
            json.page(items, next: nil) { json, item in
                json.member("namespace", item.key)
                json.member("findings", object: { $0.counts(item.value) })
            }
        }
    }

    private static let fleet = Route(.get, "/api/v1/fleet", .read) { request in
        let scope = request.scope()
        let (clusters, counts) = try await request.hub.store.read { db in
            (try db.clusters(in: scope), try counters(db, scope))
        }
        return .json { json in
            json.member("clusters", clusters.count)
            json.member(
                "states",
                object: { json in
                    for state in ClusterRow.State.allCases {
                        json.member(state.rawValue, clusters.count { $0.state == state })
                    }
                })
            json.member("findings", object: { $0.counts(counts.values.flatMap(\.self)) })
            json.member("workloads", clusters.reduce(0) { $0 + visible($1, scope).counts.workloads })
        }
    }

    /// Counters of each cluster that somebody may see: of the whole, or of his namespaces.
    static func counters(
        _ db: any SQLConnection, _ scope: AccessScope, cluster: String? = nil
    ) throws -> [String: [RollupRow]] {
        let isWhole = scope.parts.allSatisfy { $0.namespace == nil }
        let rows = try db.rollups(isWhole ? .cluster : .namespace, cluster: cluster, in: scope)
        return Dictionary(grouping: rows, by: \.cluster)
    }

    /// Who may see some namespaces only is told nothing of the whole.
    static func visible(_ row: ClusterRow, _ scope: AccessScope) -> ClusterRow {
        guard !scope.allows(cluster: row.id, namespace: nil) else { return row }
        var row = row
        row.counts = ClusterRow.Counts()
        row.score = nil
        row.holes = []
        row.detail = ""
        row.server = ""
        return row
    }
}
