/// Alerts folded by rule, workload and what they are about: one line for what happened a thousand times.
package struct AlertGroups: Sendable {
    package struct Key: Sendable, Hashable, Comparable {
        package var rule: String
        /// `namespace/workload`, or what else says whose it is.
        package var workload: String
        /// The process, file, connection or request, with numbers and identifiers taken out.
        package var item: String

        package static func < (a: Self, b: Self) -> Bool {
            (a.rule, a.workload, a.item) < (b.rule, b.workload, b.item)
        }
    }

    package struct Group: Sendable {
        package var key: Key
        package var priority: Priority
        package var techniques: [String]
        package var count: Int
        package var first: UInt64
        package var last: UInt64
        /// The message of the first.
        package var message: String
        /// Values that all alerts of the group share, by field.
        package var shared: [String: String]
        /// Whether a value the group is made by was absent.
        package var isIncomplete: Bool
    }

    private var groups: [Key: Group] = [:]
    /// Alerts that found no room for a group of their own.
    package private(set) var uncounted = 0
    private let largest: Int

    package init(largest: Int = 100_000) { self.largest = largest }

    package mutating func add(_ alert: Alert) {
        let (workload, knowsWorkload) = Self.workload(alert)
        let (item, knowsItem) = Self.item(alert)
        let key = Key(rule: alert.rule, workload: workload, item: item)
        if var group = groups[key] {
            group.count += 1
            group.first = min(group.first, alert.time)
            group.last = max(group.last, alert.time)
            for (name, value) in group.shared where alert.field(name) != value { group.shared[name] = nil }
            groups[key] = group
            return
        }
        guard groups.count < largest else {
            uncounted += 1
            return
        }
        var shared: [String: String] = [:]
        for field in alert.outputFields {
            if let text = alert.field(field.name) { shared[field.name] = text }
        }
        groups[key] = Group(
            key: key, priority: alert.priority, techniques: alert.techniques, count: 1, first: alert.time,
            last: alert.time, message: alert.message, shared: shared, isIncomplete: !knowsWorkload || !knowsItem)
    }

    /// The most urgent first, then the most frequent.
    package var all: [Group] {
        groups.values.sorted { a, b in
            if a.priority != b.priority { return a.priority < b.priority }
            return a.count != b.count ? a.count > b.count : a.key < b.key
        }
    }

    package subscript(_ key: Key) -> Group? { groups[key] }

    // MARK: Keys

    private static func workload(_ alert: Alert) -> (String, Bool) {
        if alert.source == "k8s_audit" {
            let user = alert.field("ka.user.name")
            return (user ?? "unknown user", user != nil)
        }
        if let pod = alert.field("k8s.pod.name") {
            return ("\(alert.field("k8s.ns.name") ?? "")/\(workloadName(pod))", true)
        }
        if let image = alert.field("container.image.repository") { return (image, true) }
        if let container = alert.field("container.id") { return (container, true) }
        return (alert.hostname.isEmpty ? "unknown" : alert.hostname, false)
    }

    /// A pod's name without what its controllers appended. Only the shapes of generated names are cut.
    package static func workloadName(_ pod: String) -> String {
        // The alphabet generated names are made of has no vowels and no digits that look like letters.
        let safe = Set("bcdfghjklmnpqrstvwxz2456789")
        var parts = pod.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count > 1, let last = parts.last else { return pod }
        if last.count == 5, last.allSatisfy(safe.contains) {
            parts.removeLast()
            if parts.count > 1, let hash = parts.last, (6...10).contains(hash.count), hash.allSatisfy(safe.contains) {
                parts.removeLast()
            }
        } else if last.allSatisfy({ $0.isASCII && $0.isNumber }) {
            parts.removeLast()
        }
        return parts.joined(separator: "-")
    }

    private static func item(_ alert: Alert) -> (String, Bool) {
        guard alert.source == "k8s_audit" else {
            let names = ["proc.exepath", "proc.name", "fd.name", "evt.arg.path", "evt.arg.name", "evt.type"]
            let found = names.compactMap(alert.field)
            if !found.isEmpty { return (found.map(normalised).joined(separator: " "), true) }
            // What the rule's own output tells of, without whose it is and when.
            let others = ["container.", "k8s.", "evt.time", "evt.num", "evt.rawtime", "evt.datetime"]
            let told = alert.outputFields.map(\.name).filter { name in !others.contains { name.hasPrefix($0) } }
                .compactMap(alert.field)
            return (told.isEmpty ? normalised(alert.message) : told.map(normalised).joined(separator: " "), false)
        }
        guard let resource = alert.field("ka.target.resource") else {
            let path = alert.field("ka.uri")?.prefix { $0 != "?" }
            let found = [alert.field("ka.verb"), path.map { normalised(String($0)) }].compactMap { $0 }
            return found.isEmpty ? (normalised(alert.message), false) : (found.joined(separator: " "), true)
        }
        let name = alert.field("ka.target.name").map { resource == "pods" ? workloadName($0) : $0 }
        let parts = [
            alert.field("ka.verb"), alert.field("ka.target.namespace"),
            alert.field("ka.target.subresource").map { "\(resource)/\($0)" } ?? resource, name,
        ]
        return (parts.compactMap { $0 }.map(normalised).joined(separator: " "), true)
    }

    /// Numbers, hexadecimal identifiers and UUIDs become `#`, so that the same thing has the same name.
    static func normalised(_ text: String) -> String {
        var out: [UInt8] = []
        var run: [UInt8] = []
        func flush() {
            let isHexadecimal =
                run.count >= 8 && run.allSatisfy(ConditionLexer.isHexDigit)
                && run.contains(where: ConditionLexer.isDigit)
            for byte in isHexadecimal ? [0x30] : run {
                if !ConditionLexer.isDigit(byte) {
                    out.append(byte)
                } else if out.last != UInt8(ascii: "#") {
                    out.append(UInt8(ascii: "#"))
                }
            }
            run = []
        }
        for byte in text.utf8.prefix(512) {
            if ConditionLexer.isLetter(byte) || ConditionLexer.isDigit(byte) || byte >= 0x80 {
                run.append(byte)
            } else {
                flush()
                out.append(byte < 0x20 || byte == 0x7F ? UInt8(ascii: "?") : byte)
            }
        }
        flush()
        return String(decoding: out, as: UTF8.self)
    }
}

extension AlertGroups.Group {
    /// The exception that would silence the group: YAML to be appended to the rule.
    ///
    /// Made of values that all alerts of the group share and that say who does what; nothing when there are fewer than
    /// two, for one value alone would silence more than the group.
    package var suggestedException: String? {
        let telling = [
            "container.image.repository", "k8s.ns.name", "proc.exepath", "proc.name", "proc.pname", "fd.name",
            "ka.user.name", "ka.verb", "ka.target.resource", "ka.target.namespace",
        ]
        let fields = telling.filter { shared[$0] != nil }
        guard fields.count >= 2 else { return nil }
        let values = fields.map { field in
            "\"\((shared[field] ?? "").flatMap { $0 == "\"" || $0 == "\\" ? "\\\($0)" : "\($0)" })\""
        }
        let name = key.workload.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" }
        return """
            - rule: \(key.rule)
              exceptions:
              - name: \(String(name))
                fields: [\(fields.joined(separator: ", "))]
                comps: [\(fields.map { _ in "=" }.joined(separator: ", "))]
                values:
                - [\(values.joined(separator: ", "))]
              override:
                exceptions: append
            """
    }
}
