import Documents

/// A target that is told of alerts, as the file of settings has it.
package struct NotifierSettings: Sendable, Hashable {
    package enum Kind: String, Sendable, CaseIterable {
        case alertmanager, slack, teams, pagerduty, opsgenie, email, webhook, jira, syslog, splunk, ocsf, otlp,
            cloudevents, github
    }

    package var name: String
    package var kind: Kind
    package var url: String
    /// A key, token or password; never shown.
    package var secret: String
    /// What else the kind needs.
    package var options: [String: String]
    package var headers: [String: String]

    package init(
        name: String, kind: Kind, url: String, secret: String = "", options: [String: String] = [:],
        headers: [String: String] = [:]
    ) {
        self.name = name
        self.kind = kind
        self.url = url
        self.secret = secret
        self.options = options
        self.headers = headers
    }

    init(_ node: Node) throws(SettingsError) {
        let reader = SettingsReader(node)
        try reader.expect("name", "kind", "url", "secret", "options", "headers")
        let word = try reader.needed("kind")
        guard let kind = Kind(rawValue: word) else {
            throw SettingsError(
                "a notifier is one of \(Kind.allCases.map(\.rawValue).joined(separator: ", "))", at: node["kind"])
        }
        self.init(
            name: try reader.needed("name"), kind: kind, url: try reader.secret("url") ?? kind.usualAddress,
            secret: try reader.secret("secret") ?? "", options: try reader.map("options"),
            headers: try reader.map("headers"))
        guard !url.isEmpty else { throw SettingsError("\"url\" is missing", at: node) }
        for option in kind.neededOptions where options[option] == nil {
            throw SettingsError("\(kind.rawValue) needs \"options.\(option)\"", at: node)
        }
        for option in options.keys.sorted() where !(kind.neededOptions + kind.otherOptions).contains(option) {
            throw SettingsError("\(kind.rawValue) knows no option \"\(option)\"", at: node["options"])
        }
    }
}

extension NotifierSettings.Kind {
    var usualAddress: String {
        switch self {
        case .pagerduty: "https://events.pagerduty.com"
        case .opsgenie: "https://api.opsgenie.com"
        case .github: "https://api.github.com"
        default: ""
        }
    }

    var neededOptions: [String] {
        switch self {
        case .email: ["from", "to"]
        case .jira: ["project"]
        case .github: ["repository"]
        default: []
        }
    }

    var otherOptions: [String] {
        switch self {
        case .webhook: ["template", "contentType"]
        case .email: ["user"]
        case .jira: ["issueType", "user"]
        case .splunk: ["index"]
        default: []
        }
    }
}
