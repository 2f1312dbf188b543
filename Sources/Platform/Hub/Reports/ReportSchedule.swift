import Compliance
import Documents
import Findings
package import Store

/// A compliance report that goes out by itself, as the file of settings has it.
package struct ReportSchedule: Sendable, Hashable {
    package enum Rhythm: Sendable, Hashable {
        case daily
        /// 0 is Monday.
        case weekly(weekday: Int)
        /// 1 to 28, which every month has.
        case monthly(day: Int)
    }

    package var name: String
    /// Id of the framework.
    package var framework: String
    /// Id or name of the cluster; nil for each that this hub watches.
    package var cluster: String?
    package var rhythm: Rhythm
    /// Minute of the day in UTC.
    package var minute: Int
    package var form: ReportFile.Form
    package var notifiers: [String]

    package init(
        name: String, framework: String, cluster: String? = nil, rhythm: Rhythm, minute: Int = 360,
        form: ReportFile.Form = .pdf, notifiers: [String]
    ) {
        self.name = name
        self.framework = framework
        self.cluster = cluster
        self.rhythm = rhythm
        self.minute = minute
        self.form = form
        self.notifiers = notifiers
    }

    // MARK: When

    private static let day: Milliseconds = 86_400_000

    /// The last time it was due at a moment, that moment included.
    package func due(at now: Milliseconds) -> Milliseconds {
        let offset = minute * 60_000
        let today = Int((Double(now - offset) / Double(Self.day)).rounded(.down))
        switch rhythm {
        case .daily:
            return today * Self.day + offset
        case .weekly(let weekday):
            // 1970-01-01 was a Thursday.
            let since = (((today + 3 - weekday) % 7) + 7) % 7
            return (today - since) * Self.day + offset
        case .monthly(let day):
            let date = CalendarDate.of(today * Self.day)
            let month = date.year * 12 + date.month - 1
            return start(date.day >= day ? month : month - 1, day) + offset
        }
    }

    /// The first time it will be due after a moment.
    package func next(after now: Milliseconds) -> Milliseconds {
        let last = due(at: now)
        switch rhythm {
        case .daily: return last + Self.day
        case .weekly: return last + 7 * Self.day
        case .monthly(let day):
            let date = CalendarDate.of(last)
            return start(date.year * 12 + date.month, day) + minute * 60_000
        }
    }

    /// What a report tells of: from the time it was due before until this one.
    func period(_ due: Milliseconds) -> Period? {
        Period(from: Moment(seconds: self.due(at: due - 1) / 1000), to: Moment(seconds: due / 1000))
    }

    private func start(_ month: Int, _ day: Int) -> Milliseconds {
        (CalendarDate(year: month / 12, month: month % 12 + 1, day: day)?.daysSinceEpoch ?? 0) * Self.day
    }

    // MARK: Words

    private static let weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]

    private var clock: String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(minute / 60)):\(two(minute % 60)) UTC"
    }

    /// For people: `every monday at 06:00 UTC`.
    package var words: String {
        switch rhythm {
        case .daily: "every day at \(clock)"
        case .weekly(let weekday): "every \(Self.weekdays[weekday]) at \(clock)"
        case .monthly(let day): "on day \(day) of every month at \(clock)"
        }
    }
}

extension ReportSchedule {
    init(_ node: Node, _ settings: HubSettings) throws(SettingsError) {
        let reader = SettingsReader(node)
        try reader.expect("name", "framework", "cluster", "every", "at", "form", "notifiers")
        let framework = try reader.needed("framework")
        guard settings.catalogue.framework(framework) != nil else {
            let known = settings.catalogue.frameworks.map(\.id).joined(separator: ", ")
            throw SettingsError("there is no framework \"\(framework)\"; known are \(known)", at: node["framework"])
        }
        let form = try reader.text("form") ?? ReportFile.Form.pdf.rawValue
        guard let form = ReportFile.Form(rawValue: form) else {
            let known = ReportFile.Form.allCases.map(\.rawValue).joined(separator: ", ")
            throw SettingsError("a form is one of \(known)", at: node["form"])
        }
        let notifiers = try reader.texts("notifiers")
        guard !notifiers.isEmpty else { throw SettingsError("\"notifiers\" names nobody", at: node) }
        for name in notifiers {
            guard let notifier = settings.notifiers.first(where: { $0.name == name }) else {
                throw SettingsError("there is no notifier \"\(name)\"", at: node["notifiers"])
            }
            guard notifier.kind == .email || notifier.kind == .webhook else {
                throw SettingsError(
                    "a report goes by email or webhook, and \"\(name)\" is \(notifier.kind.rawValue)",
                    at: node["notifiers"])
            }
        }
        self.init(
            name: try reader.needed("name"), framework: framework, cluster: try reader.text("cluster"),
            rhythm: try Self.rhythm(try reader.needed("every"), node["every"]),
            minute: try Self.minute(try reader.text("at") ?? "06:00", node["at"]), form: form, notifiers: notifiers)
    }

    /// `day`, a day of the week, or a day of the month from 1 to 28.
    private static func rhythm(_ text: String, _ node: Node) throws(SettingsError) -> Rhythm {
        let word = text.lowercased()
        if word == "day" { return .daily }
        if let weekday = weekdays.firstIndex(of: word) { return .weekly(weekday: weekday) }
        if let day = Int(word), 1...28 ~= day { return .monthly(day: day) }
        throw SettingsError(
            "\"every\" is day, a day of the week such as monday, or a day of the month from 1 to 28", at: node)
    }

    private static func minute(_ text: String, _ node: Node) throws(SettingsError) -> Int {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ $0.utf8.count == 2 && $0.utf8.allSatisfy { 48...57 ~= $0 } }),
            let hour = Int(parts[0]), let minute = Int(parts[1]), hour < 24, minute < 60
        else { throw SettingsError("\"at\" is a time of the day in UTC, such as 06:00", at: node) }
        return hour * 60 + minute
    }
}
