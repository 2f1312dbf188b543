import Findings
import HTTPTypes
import Store

/// What is looked for, with how much of it there is.
enum RuleRoutes {
    static let all: [Route] = [list, get]

    private static let list = Route(.get, "/api/v1/rules", .read) { request in
        let scope = request.scope()
        // Counters of rules are of whole clusters: only who sees those is told.
        let rows =
            scope.parts.allSatisfy { $0.namespace == nil }
            ? try await request.hub.store.read { try $0.rollups(.rule, in: scope) } : []
        let counts = Dictionary(grouping: rows, by: \.item)
        let rules = request.hub.rules.values.sorted { $0.id < $1.id }
        return .json { json in
            json.page(rules, next: nil) { json, rule in
                json.member("id", rule.id)
                json.member("title", rule.title)
                json.member("severity", rule.severity.rawValue)
                json.member("category", rule.category.rawValue)
                json.member("findings", object: { $0.counts(counts[rule.id] ?? []) })
            }
        }
    }

    private static let get = Route(.get, "/api/v1/rules/{area}/{rule}", .read) { request in
        let id = "\(try request.path("area"))/\(try request.path("rule"))"
        guard let rule = request.hub.rules[id] else { throw HubProblem.notFound("such rule") }
        return .json { json in
            json.member("id", rule.id)
            json.member("title", rule.title)
            json.member("severity", rule.severity.rawValue)
            json.member("category", rule.category.rawValue)
            json.member("why", rule.why)
            json.member("remedy", rule.remedy)
            json.member("references", rule.references.map(\.description))
        }
    }
}
