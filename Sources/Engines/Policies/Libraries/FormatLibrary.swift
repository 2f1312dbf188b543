/// A named format that a text may have.
struct CELNamedFormat: CELOpaque {
    var name: String
    /// Length of the expression that checks it, by which its cost is counted.
    var patternSize: Int
    var problems: @Sendable (String) -> [String]

    static let celType = CELType.object("kubernetes.NamedFormat")
    var type: CELType { Self.celType }
    var text: String { name }
    func isEqual(to other: any CELOpaque) -> Bool { (other as? CELNamedFormat)?.name == name }
}

/// Source: the API server's format library; what is wrong with a text is said in the API's own words.
enum FormatLibrary {
    private static let label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    private static let subdomain = label + "(\\." + label + ")*"
    private static let label1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
    private static let key = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
    private static let uuid =
        "(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$"
    private static let base64 =
        "^(?:[A-Za-z0-9+\\/]{4})*(?:[A-Za-z0-9+\\/]{2}==|[A-Za-z0-9+\\/]{3}=|[A-Za-z0-9+\\/]{4})$"
    private static let time = "^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$"

    private static func matches(_ text: String, _ pattern: String) -> Bool {
        if case .bool(true) = CELPattern.matches(pattern, text) { return true }
        return false
    }

    private static func wrong(_ what: String, _ pattern: String, _ examples: String...) -> String {
        let shown = examples.map { "'\($0)', " }.joined(separator: " or ")
        return "\(what) (e.g. \(shown)regex used for validation is '\(pattern)')"
    }

    private static func tooLong(_ text: String, _ limit: Int) -> [String] {
        text.utf8.count > limit ? ["must be no more than \(limit) characters"] : []
    }

    private static func label(_ text: String) -> [String] {
        var problems = tooLong(text, 63)
        if !matches(text, "^\(label)$") {
            problems.append(
                matches(text, "^\(subdomain)$")
                    ? "must not contain dots"
                    : wrong(
                        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must"
                            + " start and end with an alphanumeric character", label, "my-name", "123-abc"))
        }
        return problems
    }

    private static func subdomain(_ text: String) -> [String] {
        var problems = tooLong(text, 253)
        if !matches(text, "^\(subdomain)$") {
            problems.append(
                wrong(
                    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and"
                        + " must start and end with an alphanumeric character", subdomain, "example.com"))
        }
        return problems
    }

    private static func label1035(_ text: String) -> [String] {
        var problems = tooLong(text, 63)
        if !matches(text, "^\(label1035)$") {
            problems.append(
                wrong(
                    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an"
                        + " alphabetic character, and end with an alphanumeric character", label1035, "my-name",
                    "abc-123"))
        }
        return problems
    }

    private static func qualifiedName(_ text: String) -> [String] {
        let consists =
            "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric"
            + " character"
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        var problems: [String] = []
        let name: String
        switch parts.count {
        case 1: name = parts[0]
        case 2:
            name = parts[1]
            if parts[0].isEmpty {
                problems.append("prefix part must be non-empty")
            } else {
                problems += subdomain(parts[0]).map { "prefix part \($0)" }
            }
        default:
            return [
                "a valid label key " + wrong(consists, key, "MyName", "my.name", "123-abc")
                    + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ]
        }
        if name.isEmpty {
            problems.append("name part must be non-empty")
        } else {
            problems += tooLong(name, 63).map { "name part \($0)" }
        }
        if !matches(name, "^\(key)$") {
            problems.append("name part " + wrong(consists, key, "MyName", "my.name", "123-abc"))
        }
        return problems
    }

    private static func labelValue(_ text: String) -> [String] {
        var problems = tooLong(text, 63)
        let pattern = "(\(key))?"
        if !matches(text, "^\(pattern)$") {
            problems.append(
                wrong(
                    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and"
                        + " must start and end with an alphanumeric character", pattern, "MyValue", "my_value",
                    "12345"))
        }
        return problems
    }

    /// A name that other characters will follow may end in a hyphen.
    private static func prefix(_ text: String) -> String {
        text.utf8.count > 1 && text.hasSuffix("-") ? text.dropLast(2) + "a" : text
    }

    private static func isDate(_ text: some StringProtocol) -> Bool {
        CELTimestamp(text + "T00:00:00Z") != nil && text.utf8.count == 10
    }

    private static func isMoment(_ text: String) -> Bool {
        let parts = text.lowercased().split(separator: "t", omittingEmptySubsequences: false)
        guard text.utf8.count >= 4, parts.count >= 2, isDate(parts[0]), matches(String(parts[1]), time) else {
            return false
        }
        let clock = parts[1].utf8
        func two(_ offset: Int) -> String {
            let start = clock.index(clock.startIndex, offsetBy: offset)
            return String(decoding: clock[start...].prefix(2), as: UTF8.self)
        }
        return two(0) <= "23" && two(3) <= "59" && two(6) <= "59"
    }

    private static func format(
        _ key: String, _ name: String, _ size: Int, _ problems: @escaping @Sendable (String) -> [String]
    ) -> (String, CELNamedFormat) {
        (key, CELNamedFormat(name: name, patternSize: size, problems: problems))
    }

    static let formats: [(key: String, format: CELNamedFormat)] = [
        format("dns1123Label", "DNS1123Label", 30) { label($0) },
        format("dns1123Subdomain", "DNS1123Subdomain", 60) { subdomain($0) },
        format("dns1035Label", "DNS1035Label", 30) { label1035($0) },
        format("qualifiedName", "QualifiedName", 60) { qualifiedName($0) },
        format("dns1123LabelPrefix", "DNS1123LabelPrefix", 30) { label(prefix($0)) },
        format("dns1123SubdomainPrefix", "DNS1123SubdomainPrefix", 60) { subdomain(prefix($0)) },
        format("dns1035LabelPrefix", "DNS1035LabelPrefix", 30) { label1035(prefix($0)) },
        format("labelValue", "LabelValue", 40) { labelValue($0) },
        format("uri", "URI", 1103) { CELURL.problem($0, isRequest: true).map { [$0] } ?? [] },
        format("uuid", "uuid", uuid.utf8.count) { matches($0, uuid) ? [] : ["does not match the UUID format"] },
        format("byte", "byte", 84) { matches($0, base64) ? [] : ["invalid base64"] },
        format("date", "date", time.utf8.count) { isDate($0) ? [] : ["invalid date"] },
        format("datetime", "datetime", time.utf8.count) { isMoment($0) ? [] : ["invalid datetime"] },
    ]

    private static let type = CELNamedFormat.celType

    static let functions: [CELFunction] =
        formats.map { key, format in
            CELFunction("format.\(key)", [CELOverload("format.\(key)", [], type)]) { _ in .opaque(format) }
        } + [
            CELFunction("format.named", [CELOverload("format-named", [.string], .optional(type))]) { values in
                guard case .string(let name) = values[0] else { return .error(.noSuchOverload) }
                return .optional(formats.first { $0.key == name }.map { .opaque($0.format) })
            },
            CELFunction(
                "validate", [.member("format-validate", [type, .string], .optional(.list(.string)))]
            ) { values in
                guard case .opaque(let opaque) = values[0], let format = opaque as? CELNamedFormat,
                    case .string(let text) = values[1]
                else { return .error(.noSuchOverload) }
                let problems = format.problems(text)
                return .optional(problems.isEmpty ? nil : .list(.values(problems.map(CELValue.string))))
            },
        ]
}
