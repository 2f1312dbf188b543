/// Watches an audit stream for what only numbers show: one who is refused again and again, and one who reads many
/// secrets one by one.
package struct AuditCounters: Sendable {
    private var refusals: WindowCounter<String>
    private var secretReads: WindowCounter<String>

    /// Bounds are events within `window` nanoseconds.
    package init(window: UInt64 = 60_000_000_000, refusals: Int = 20, secretReads: Int = 15) {
        self.refusals = WindowCounter(window: window, bound: refusals)
        self.secretReads = WindowCounter(window: window, bound: secretReads)
    }

    /// Counts one event; the alerts it makes.
    package mutating func add(_ event: AuditEvent) -> [Alert] {
        let user = event.userName
        let code = event.node["responseStatus"]["code"].int ?? 0
        // One request has several stages; only the last has an answer.
        guard !user.isEmpty, event.node["stage"].equals("ResponseComplete") else { return [] }
        var out: [Alert] = []
        if code == 401 || code == 403, refusals.add(user, at: event.time) {
            out.append(
                alert(
                    event, "Many requests refused", .warning, ["martlet", "mitre_discovery", "T1613"],
                    "\(user) was refused more than \(refusals.bound) times within \(seconds(refusals.window)) s"))
        }
        let isRead = event.node["verb"].equals("get") && event.node["objectRef"]["resource"].equals("secrets")
        if isRead, (200..<300).contains(code), secretReads.add(user, at: event.time) {
            out.append(
                alert(
                    event, "Many secrets read one by one", .warning,
                    ["martlet", "mitre_credential_access", "T1552.007"],
                    "\(user) read more than \(secretReads.bound) secrets within \(seconds(secretReads.window)) s"))
        }
        return out
    }

    private func seconds(_ nanoseconds: UInt64) -> UInt64 { nanoseconds / 1_000_000_000 }

    private func alert(
        _ event: AuditEvent, _ rule: String, _ priority: Priority, _ tags: [String], _ message: String
    ) -> Alert {
        Alert(
            rule: rule, priority: priority, source: "k8s_audit", time: event.time, hostname: "", message: message,
            tags: tags,
            outputFields: [("evt.time", .unsigned(event.time)), ("ka.user.name", .text(event.userName))])
    }
}
