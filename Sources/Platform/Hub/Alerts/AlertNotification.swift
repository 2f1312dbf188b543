import Documents
import Findings
package import Store

/// An alert as it is told: the same for every target.
package struct AlertNotification: Sendable {
    package var alert: AlertRow
    package var isResolved: Bool
    /// The receiver tells repetitions by it.
    package var dedup: String
    /// When it is told.
    package var at: Milliseconds
    package var version: String
    /// What it stands for: rule, object and message of each.
    package var items: [Item]

    package struct Item: Sendable, Hashable {
        package var fingerprint: String
        package var rule: String
        package var subject: String
        package var message: String
        package var severity: String

        package init(fingerprint: String, rule: String, subject: String, message: String, severity: String) {
            self.fingerprint = fingerprint
            self.rule = rule
            self.subject = subject
            self.message = message
            self.severity = severity
        }
    }

    package init(
        alert: AlertRow, isResolved: Bool, dedup: String, at time: Milliseconds, version: String
    ) {
        self.alert = alert
        self.isResolved = isResolved
        self.dedup = dedup
        at = time
        self.version = version
        items = Self.items(alert.content)
    }

    package static func items(_ json: String) -> [Item] {
        let source = SourceText(name: "", bytes: Array("{\"items\":\(json)}".utf8))
        guard let node = try? DocumentReader.readJSON(source) else { return [] }
        return node["items"].elements.map { node in
            Item(
                fingerprint: node["fingerprint"].string ?? "", rule: node["rule"].string ?? "",
                subject: node["subject"].string ?? "", message: node["message"].string ?? "",
                severity: node["severity"].string ?? "")
        }
    }

    package static func json(_ items: [Item]) -> String {
        var json = JSONWriter()
        json.array { json in
            for item in items { json.object { Self.write(item, to: &$0) } }
        }
        return json.string
    }

    static func write(_ item: Item, to json: inout JSONWriter) {
        json.member("fingerprint", item.fingerprint)
        json.member("rule", item.rule)
        json.member("subject", item.subject)
        json.member("message", item.message)
        json.member("severity", item.severity)
    }

    // MARK: Words

    package var word: String { isResolved ? "resolved" : "firing" }

    /// One line.
    package var headline: String {
        "[\(isResolved ? "resolved" : alert.severity.rawValue)] \(alert.title)"
    }

    /// Some lines: what it is, where, and the first items.
    package var text: String {
        var lines = ["cluster \(alert.cluster)\(alert.namespace.isEmpty ? "" : ", namespace \(alert.namespace)")"]
        lines += items.prefix(10).map { "\($0.rule): \($0.subject): \($0.message)" }
        if alert.total > min(10, items.count) { lines.append("… \(alert.total) in all") }
        return lines.joined(separator: "\n")
    }

    /// The generic form of an alert: what webhooks, events and logs carry.
    func write(to json: inout JSONWriter) {
        json.member("id", alert.id)
        json.member("dedup", dedup)
        json.member("state", word)
        json.member("severity", alert.severity.rawValue)
        json.member("title", alert.title)
        json.member("cluster", alert.cluster)
        json.member("namespace", alert.namespace)
        json.member("rule", alert.rule)
        json.member("total", alert.total)
        json.member("startedAt", TimeText.rfc3339(alert.startedAt))
        json.member("at", TimeText.rfc3339(at))
        json.member(
            "items",
            array: { json in
                for item in items { json.object { Self.write(item, to: &$0) } }
            })
    }
}
