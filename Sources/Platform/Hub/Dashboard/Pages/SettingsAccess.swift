import Findings
import Store

/// Who and what may do something here, and who is told: people, roles, keys, logging in, notifiers.
enum SettingsAccess {
    struct Facts: Sendable {
        var users: [(user: UserRow, grants: [GrantRow])] = []
        var tokens: [(token: TokenRow, grants: [GrantRow])] = []

        init() {}

        init(_ db: any SQLConnection) throws {
            users = try db.users().map { ($0, try db.grants(of: $0.id)) }
            tokens = try db.tokens().map { ($0, try db.grants(of: $0.id)) }
        }
    }

    static let all: [Route] = [test]

    static func sections(_ facts: Facts, _ request: HubRequest) -> HTML {
        people(facts) + roles + keys(facts, request) + logIn(request.hub.settings) + notifiers(request)
    }

    private static func words(_ grants: [GrantRow]) -> HTML {
        let lines = grants.map { "<li><strong>\($0.role)</strong> \($0.place)</li>" as HTML }
        return lines.isEmpty ? "<span class=\"dim\">nothing</span>" : "<ul>\(lines)</ul>"
    }

    private static func people(_ facts: Facts) -> HTML {
        "<h2>People</h2>"
            + Page.table(
                "People", ["Name", "Logs in with", "May", "Last login"],
                facts.users.map { user, grants in
                    """
                    <tr><td>\(user.name)\(user.isDisabled ? " (disabled)" : "")</td><td>\(user.source)</td><td>\(words(grants))</td>\
                    <td>\(Page.time(user.loginAt))</td></tr>
                    """
                })
    }

    private static let roles: HTML = {
        let rows = Role.allCases.map { role -> HTML in
            let cells = Permission.allCases.map {
                "<td>\(role.permissions.contains($0) ? "yes" : "<span class=\"dim\">no</span>" as HTML)</td>" as HTML
            }
            return "<tr><td><strong>\(role.rawValue)</strong></td>\(cells)</tr>"
        }
        return "<h2>Roles</h2>" + Page.table("Roles", ["Role"] + Permission.allCases.map(\.rawValue), rows)
    }()

    private static func keys(_ facts: Facts, _ request: HubRequest) -> HTML {
        let rows = facts.tokens.map { token, grants -> HTML in
            let state: HTML =
                token.isRevoked
                ? "<span class=\"dim\">revoked</span>"
                : token.expiresAt < request.now
                    ? "<span class=\"dim\">ended</span>" : "holds until \(Page.time(token.expiresAt))"
            return """
                <tr><td>\(token.name)</td><td>\(words(grants))</td><td>\(state)</td><td>\(token.createdBy)</td>\
                <td>\(Page.ago(token.usedAt, now: request.now))</td></tr>
                """
        }
        return "<h2>Keys for programs</h2>"
            + (rows.isEmpty
                ? Page.empty("No program has a key. <code>POST /api/v1/tokens</code> makes one.")
                : Page.table("Keys for programs", ["Name", "May", "State", "Made by", "Last used"], rows))
    }

    private static func logIn(_ settings: HubSettings) -> HTML {
        guard let openID = settings.openID else {
            return """
                <h2>Logging in</h2><p>With a name and password kept here. With a provider: the settings' <code>openid</code>.</p>
                """
        }
        let rows = openID.groups.map {
            """
            <tr><td>\($0.group)</td><td>\($0.role.rawValue)</td><td>\($0.cluster)</td><td>\($0.namespace)</td>\
            <td>\($0.labels.joined(separator: ", "))</td></tr>
            """ as HTML
        }
        return """
            <h2>Logging in</h2><p>With <code>\(openID.issuer)</code>, as the client <code>\(openID.client)</code>; groups stand in the \
            claim <code>\(openID.groupsClaim)</code>.</p>\(Page.table("Groups", ["Group", "Role", "Clusters", "Namespaces", "Labels"], rows))
            """
    }

    private static func notifiers(_ request: HubRequest) -> HTML {
        let rows = request.hub.settings.notifiers.map { notifier -> HTML in
            let rules = request.hub.settings.alertRules.filter {
                $0.notifiers.isEmpty || $0.notifiers.contains(notifier.name)
            }
            return """
                <tr><td><strong>\(notifier.name)</strong></td><td>\(notifier.kind.rawValue)</td>\
                <td>\(rules.map(\.name).joined(separator: ", "))</td><td><form method="post" \
                action="\(Link.to(["settings", "notifiers", notifier.name, "test"]))">\(Page.token(request))<button class="quiet">Test</button></form></td></tr>
                """
        }
        let tested: HTML =
            request.query["tested"].map { "<div class=\"note\" role=\"status\">\($0) took the test.</div>" } ?? .empty
        return "<h2 id=\"notifiers\">Who is told</h2>" + tested
            + (rows.isEmpty
                ? Page.empty("Nobody is told of alerts: the settings' <code>notifiers</code> names who.")
                : Page.table("Notifiers", ["Name", "Kind", "Alerts", "Try it"], rows))
    }

    /// Sends a test; what goes wrong is a screen that says it.
    private static let test = Route.action("/settings/notifiers/{notifier}/test", .administer) { request in
        try await NotifierRoutes.send(request)
        return Link.to(["settings"], [("tested", try request.path("notifier"))]) + "#notifiers"
    }
}
