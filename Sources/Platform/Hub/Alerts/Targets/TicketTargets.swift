import Documents
import FoundationEssentials

/// A Jira issue; what is resolved is left to the people who work on it.
struct JiraTarget: NotificationTarget {
    let settings: NotifierSettings

    func send(_ notification: AlertNotification, over wire: any Wire) async throws {
        guard !notification.isResolved else { return }
        var json = JSONWriter()
        json.object { json in
            json.member(
                "fields",
                object: { json in
                    json.member("project", object: { $0.member("key", settings.options["project"] ?? "") })
                    json.member("issuetype", object: { $0.member("name", settings.options["issueType"] ?? "Task") })
                    json.member("summary", String(notification.headline.prefix(250)))
                    json.member("description", notification.text)
                    json.member("labels", ["martlet", "martlet-\(notification.alert.id)"])
                })
        }
        var authorization = "Bearer \(settings.secret)"
        if let user = settings.options["user"] {
            authorization = "Basic \(Data("\(user):\(settings.secret)".utf8).base64EncodedString())"
        }
        try await wire.post(settings.request("/rest/api/2/issue", json, ["Authorization": authorization]))
    }
}

/// An issue on GitHub.
struct GitHubTarget: NotificationTarget {
    let settings: NotifierSettings

    func send(_ notification: AlertNotification, over wire: any Wire) async throws {
        guard !notification.isResolved else { return }
        var json = JSONWriter()
        json.object { json in
            json.member("title", String(notification.headline.prefix(250)))
            json.member("body", "\(notification.text)\n\nAlert `\(notification.alert.id)`")
            json.member("labels", ["martlet"])
        }
        let headers = [
            "Authorization": "Bearer \(settings.secret)", "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": "2022-11-28", "User-Agent": "martlet",
        ]
        try await wire.post(settings.request("/repos/\(settings.options["repository"] ?? "")/issues", json, headers))
    }
}
