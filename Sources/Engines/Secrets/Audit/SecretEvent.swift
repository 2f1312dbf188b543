package import Documents

/// What an audit event says of somebody who touches Secrets, or what leads to them.
///
/// Source: audit.k8s.io/v1. The engine reads audit lines with a thin reader of its own: engines do not see each other,
/// and this question needs a tenth of the event.
package struct SecretEvent: Sendable {
    package enum Stage: Sendable { case started, complete, panic }

    package var auditID: String
    package var time: EventTime
    package var stage: Stage
    package var verb: String
    /// Who sent the request.
    package var requester: String
    /// Who the request was made as; nil where nobody was impersonated.
    package var impersonated: String?
    package var address: String
    package var agent: String
    package var resource: String
    package var subresource: String
    package var namespace: String
    package var name: String
    package var uri: String
    package var code: Int
    package var isRefused: Bool
    /// Seconds a requested token shall live; nil where the log holds no request body.
    package var tokenSeconds: Int?
    /// Secrets a created pod mounts or takes into its environment; nil where the log holds no request body.
    package var podSecrets: [String]?

    /// Who the API server let act: the impersonated identity where there is one.
    package var actor: String { impersonated ?? requester }

    package var isSuccess: Bool { (200..<300).contains(code) && !isRefused }

    /// Reads an event; nil for what concerns neither Secrets nor pods nor tokens, or is no whole event.
    package init?(_ node: Node) {
        let object = node["objectRef"]
        guard let verb = node["verb"].string, let user = node["user"]["username"].string,
            let resource = object["resource"].string, object["apiGroup"].string ?? "" == ""
        else { return nil }
        switch node["stage"].string {
        case "ResponseComplete": stage = .complete
        case "ResponseStarted": stage = .started
        case "Panic": stage = .panic
        default: return nil
        }
        self.verb = verb
        self.resource = resource
        subresource = object["subresource"].string ?? ""
        guard Self.concerns(resource, subresource, verb) else { return nil }
        auditID = node["auditID"].string ?? ""
        requester = user
        let other = node["impersonatedUser"]["username"].string
        impersonated = other == user ? nil : other
        // The first address is what the client or its proxy says of itself; the last is who connected.
        address = node["sourceIPs"].strings.first ?? ""
        agent = node["userAgent"].string ?? ""
        namespace = object["namespace"].string ?? ""
        name = object["name"].string ?? ""
        uri = node["requestURI"].string ?? ""
        code = node["responseStatus"]["code"].int ?? 0
        isRefused =
            node["annotations"]["authorization.k8s.io/decision"].equals("forbid") || code == 401 || code == 403
        time = EventTime(node["requestReceivedTimestamp"].string ?? node["stageTimestamp"].string ?? "")
        let body = node["requestObject"]
        guard body.isObject else { return }
        if resource == "serviceaccounts" { tokenSeconds = body["spec"]["expirationSeconds"].int ?? 3600 }
        if resource == "pods" {
            podSecrets = SecretUses(body["spec"]).names
        }
    }

    private static func concerns(_ resource: String, _ subresource: String, _ verb: String) -> Bool {
        switch resource {
        case "secrets": subresource.isEmpty
        case "serviceaccounts": subresource == "token" && verb == "create"
        case "pods": subresource.isEmpty && verb == "create"
        default: false
        }
    }

    /// Whether somebody came to see the values of Secrets, or asked to.
    package var isRead: Bool { resource == "secrets" && (verb == "get" || verb == "list" || verb == "watch") }

    package var isServiceAccount: Bool { requester.hasPrefix("system:serviceaccount:") }

    /// A person, or a program with a user name of its own: neither a service account nor a part of Kubernetes.
    package var isPerson: Bool { !requester.hasPrefix("system:") }

    /// The namespace a service account lives in.
    package var homeNamespace: String? {
        guard isServiceAccount else { return nil }
        let parts = requester.split(separator: ":")
        return parts.count == 4 ? String(parts[2]) : nil
    }
}

/// A moment as the log writes it, and its seconds on a scale of its own, for distances and days.
package struct EventTime: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var description: String
    /// Seconds since 1970, UTC; nil for text that is no RFC 3339 time.
    package var seconds: Double?

    package init(_ text: String) {
        description = text
        seconds = Self.parse(text)
    }

    /// Days since 1970; 0 for a time that cannot be read.
    package var day: Int { seconds.map { Int(($0 / 86400).rounded(.down)) } ?? 0 }

    package static func < (a: Self, b: Self) -> Bool { (a.seconds ?? 0) < (b.seconds ?? 0) }

    /// RFC 3339: `2026-11-15T01:12:00.000000Z`, offsets too.
    package static func parse(_ text: String) -> Double? {
        let bytes = Array(text.utf8)
        func number(_ from: Int, _ count: Int) -> Int? {
            guard from + count <= bytes.count else { return nil }
            var value = 0
            for byte in bytes[from..<from + count] {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            return value
        }
        guard let year = number(0, 4), let month = number(5, 2), let day = number(8, 2), bytes.count >= 20,
            bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[10] | 0x20 == 0x74 || bytes[10] == 0x20,
            let hour = number(11, 2), let minute = number(14, 2), let second = number(17, 2),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var index = 19
        var fraction = 0.0
        if bytes[index] == 0x2E {
            var scale = 0.1
            index += 1
            while index < bytes.count, (0x30...0x39).contains(bytes[index]) {
                fraction += scale * Double(bytes[index] - 0x30)
                scale /= 10
                index += 1
            }
        }
        var offset = 0
        guard index < bytes.count else { return nil }
        if bytes[index] == 0x2B || bytes[index] == 0x2D {
            guard let hours = number(index + 1, 2), let minutes = number(index + 4, 2) else { return nil }
            offset = (hours * 3600 + minutes * 60) * (bytes[index] == 0x2B ? 1 : -1)
        } else if bytes[index] | 0x20 != 0x7A {
            return nil
        }
        let days = Self.days(year, month, day)
        return Double(days * 86400 + hour * 3600 + minute * 60 + second - offset) + fraction
    }

    /// Days from 1970-01-01 in the Gregorian calendar.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let y = month <= 2 ? year - 1 : year
        let era = (y >= 0 ? y : y - 399) / 400
        let ofEra = y - era * 400
        let ofYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719468
    }
}
