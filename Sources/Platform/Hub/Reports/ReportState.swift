import Documents
import Store

/// What became of a report's last time.
struct ReportState: Sendable, Hashable {
    /// The time it was due.
    var due: Milliseconds
    /// Whether it has still to be sent.
    var isOpen = false
    var tries = 0
    var nextTry: Milliseconds = 0
    var failure = ""
    /// When one was last taken; 0 for never.
    var sentAt: Milliseconds = 0

    init(due: Milliseconds, isOpen: Bool = false, sentAt: Milliseconds = 0) {
        self.due = due
        self.isOpen = isOpen
        self.sentAt = sentAt
    }

    /// Nil where none was ever due.
    init?(_ db: any SQLConnection, _ place: String) throws {
        guard let text = try db.setting(place) else { return nil }
        let node = try DocumentReader.readJSON(SourceText(name: place, bytes: Array(text.utf8)))
        self.init(due: node["due"].int ?? 0, isOpen: node["open"].bool ?? false, sentAt: node["sentAt"].int ?? 0)
        tries = node["tries"].int ?? 0
        nextTry = node["nextTry"].int ?? 0
        failure = node["failure"].string ?? ""
    }

    static func place(_ schedule: ReportSchedule, _ cluster: String, _ notifier: String) -> String {
        "report/\(schedule.name)/\(cluster)/\(notifier)"
    }

    func write(to db: any SQLConnection, _ place: String) throws {
        var json = JSONWriter()
        json.object { json in
            json.member("due", due)
            json.member("open", isOpen)
            json.member("tries", tries)
            json.member("nextTry", nextTry)
            json.member("failure", failure)
            json.member("sentAt", sentAt)
        }
        try db.set(place, json.string)
    }

    /// Tries again after one, two, four and up to 64 minutes.
    mutating func note(_ failure: String, isFinal: Bool, at now: Milliseconds) {
        self.failure = failure
        isOpen = !isFinal
        nextTry = now + 60_000 << min(tries, 6)
        tries += 1
    }

    /// For people.
    var words: String {
        switch (isOpen, failure.isEmpty) {
        case (true, true): "is being made"
        case (true, false): "not taken yet: \(failure)"
        case (false, false): "given up: \(failure)"
        case (false, true): sentAt == 0 ? "none yet" : "sent"
        }
    }
}
