package import Documents

/// One event of a Kubernetes API server's audit log, and the fields rules ask of it.
///
/// The fields follow Falco's k8saudit plugin 0.18 and json plugin 0.7, where they are odd too: `ka.sourceips` looks
/// for addresses among the rules of a role, and `ka.req.binding.subject.has_name` is always true.
package struct AuditEvent: Sendable {
    package let node: Node

    package init(_ node: Node) { self.node = node.asRoot }

    /// Whether a document is an audit event.
    package static func accepts(_ node: Node) -> Bool { node["auditID"].exists }

    /// Nanoseconds since 1970 of the stage, 0 when the event says nothing readable.
    package var time: UInt64 {
        for key in ["stageTimestamp", "requestReceivedTimestamp", "timestamp"] {
            if let text = node[key].string, let time = Timestamp.nanoseconds(text) { return time }
        }
        return 0
    }

    package var auditID: String { node["auditID"].string ?? "" }
    package var userName: String { node["user"]["username"].string ?? "" }

    /// The grant the API server says it allowed the request by.
    package var grant: AuditGrant? {
        node["annotations"]["authorization.k8s.io/reason"].string.flatMap(AuditGrant.init(reason:))
    }

    /// The values of a field; nil when the event has none.
    package func values(_ field: FieldReference, _ info: FieldInfo) -> [FieldValue]? {
        AuditField(field)?.values(self)
    }
}

/// The binding and role that allowed a request, as the RBAC authorizer words its reason.
package struct AuditGrant: Sendable, Hashable, CustomStringConvertible {
    package var bindingKind: String
    package var binding: String
    package var roleKind: String
    package var role: String
    package var subjectKind: String
    package var subject: String

    package var description: String {
        "\(bindingKind) \(binding) of \(roleKind) \(role) to \(subjectKind) \(subject)"
    }

    /// Reads `RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to Group "g"`.
    package init?(reason: String) {
        let lead = "RBAC: allowed by "
        guard reason.hasPrefix(lead) else { return nil }
        let parts = reason.dropFirst(lead.count).split(separator: "\"", omittingEmptySubsequences: false)
        guard parts.count >= 6 else { return nil }
        func word(_ index: Int) -> String {
            parts[index].split(separator: " ").last { $0 != "of" && $0 != "to" }.map(String.init) ?? ""
        }
        (bindingKind, binding) = (word(0), String(parts[1]))
        (roleKind, role) = (word(2), String(parts[3]))
        (subjectKind, subject) = (word(4), String(parts[5]))
    }
}

/// Times as RFC 3339 writes them.
package enum Timestamp {
    /// Nanoseconds since 1970; nil for what is no time, or one before 1970.
    package static func nanoseconds(_ text: String) -> UInt64? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] | 0x20 == UInt8(ascii: "t") || bytes[10] == 0x20, bytes[13] == UInt8(ascii: ":"),
            bytes[16] == UInt8(ascii: ":")
        else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for i in range {
                guard i < bytes.count, ConditionLexer.isDigit(bytes[i]) else { return nil }
                value = value * 10 + Int(bytes[i] - 0x30)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var i = 19
        var nanoseconds = 0
        if i < bytes.count, bytes[i] == UInt8(ascii: ".") {
            i += 1
            var scale = 100_000_000
            while i < bytes.count, ConditionLexer.isDigit(bytes[i]) {
                nanoseconds += Int(bytes[i] - 0x30) * scale
                scale /= 10
                i += 1
            }
        }
        guard i < bytes.count else { return nil }
        var offset = 0
        if bytes[i] | 0x20 != UInt8(ascii: "z") {
            guard bytes[i] == UInt8(ascii: "+") || bytes[i] == UInt8(ascii: "-"), let hours = number(i + 1..<i + 3),
                let minutes = number(i + 4..<i + 6)
            else { return nil }
            offset = (hours * 3600 + minutes * 60) * (bytes[i] == UInt8(ascii: "-") ? -1 : 1)
        }
        let seconds = days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
        guard seconds >= 0, seconds < 18_446_744_073 else { return nil }
        return UInt64(seconds) * 1_000_000_000 + UInt64(nanoseconds)
    }

    /// Days from 1970-01-01 (Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// `2026-11-23T08:30:00.123456789Z`.
    package static func text(_ nanoseconds: UInt64) -> String {
        let seconds = Int(nanoseconds / 1_000_000_000)
        let shifted = seconds / 86400 + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let rest = seconds % 86400
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        return "\(date)T\(clock(rest)).\(padded(Int(nanoseconds % 1_000_000_000), 9))Z"
    }

    /// `08:30:00.123456789`, as Falco's text output begins.
    package static func timeOfDay(_ nanoseconds: UInt64) -> String {
        "\(clock(Int(nanoseconds / 1_000_000_000) % 86400)).\(padded(Int(nanoseconds % 1_000_000_000), 9))"
    }

    private static func clock(_ seconds: Int) -> String {
        "\(padded(seconds / 3600, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let text = String(value)
        return text.count < width ? String(repeating: "0", count: width - text.count) + text : text
    }
}
