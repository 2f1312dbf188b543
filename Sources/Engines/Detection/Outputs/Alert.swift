package import Documents

/// A rule that matched an event, as receivers get it.
package struct Alert: Sendable {
    package var rule: String
    package var priority: Priority
    package var source: String
    /// Nanoseconds since 1970.
    package var time: UInt64
    package var hostname: String
    /// The rule's output with the event's values.
    package var message: String
    package var tags: [String]
    /// Values by name, absent ones as nil, in order of name.
    package var outputFields: [(name: String, value: OutputValue?)]

    package init(
        rule: String, priority: Priority, source: String, time: UInt64, hostname: String, message: String,
        tags: [String], outputFields: [(name: String, value: OutputValue?)]
    ) {
        self.rule = rule
        self.priority = priority
        self.source = source
        self.time = time
        self.hostname = hostname
        self.message = message
        self.tags = tags
        self.outputFields = outputFields
    }

    package init(
        _ rule: DetectionRule, time: UInt64, hostname: String,
        _ values: (FieldReference, FieldInfo) -> [FieldValue]?
    ) {
        var fields: [String: OutputValue?] = ["evt.time": .unsigned(time)]
        for (name, value) in rule.output.fieldValues(values) where name != "evt.time" { fields[name] = value }
        self.init(
            rule: rule.name, priority: rule.priority, source: rule.source, time: time, hostname: hostname,
            message: rule.output.text(values), tags: rule.tags,
            outputFields: fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    }

    /// The line of Falco's text output: time of day, priority, message; bytes that are no text made visible.
    package var line: String {
        var writer = JSONWriter()
        writer.value("\(Timestamp.timeOfDay(time)): \(priority.name) \(message)")
        return String(writer.string.dropFirst().dropLast())
    }

    /// The object of Falco's JSON output, which is what its receivers read.
    package func json() -> String {
        var writer = JSONWriter()
        write(to: &writer)
        return writer.string
    }

    package func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("hostname", hostname)
            writer.member("output", "\(Timestamp.timeOfDay(time)): \(priority.name) \(message)")
            writer.member(
                "output_fields",
                object: { writer in
                    for (name, value) in outputFields {
                        writer.key(name)
                        if let value { value.write(to: &writer) } else { writer.null() }
                    }
                })
            writer.member("priority", priority.name)
            writer.member("rule", rule)
            writer.member("source", source)
            writer.member("tags", tags)
            writer.member("time", Timestamp.text(time))
        }
    }

    /// Reads an alert of Falco's JSON output or what falcosidekick makes of it; nil for anything else.
    package init?(_ node: Node) {
        guard let rule = node["rule"].string, let priority = node["priority"].string.flatMap(Priority.init(parsing:)),
            node["output"].kind == .string || node["output_fields"].isObject
        else { return nil }
        let output = node["output"].string ?? ""
        let time = node["time"].string.flatMap(Timestamp.nanoseconds) ?? 0
        // The message behind "HH:MM:SS.nnnnnnnnn: Priority ".
        var message = output
        let lead = ": \(priority.name) "
        if let range = output.range(of: lead), output[..<range.lowerBound].utf8.count <= 40 {
            message = String(output[range.upperBound...])
        }
        self.init(
            rule: rule, priority: priority, source: node["source"].string ?? "syscall", time: time,
            hostname: node["hostname"].string ?? "", message: message, tags: node["tags"].strings,
            outputFields: node["output_fields"].members.map { ($0.key, OutputValue($0.value)) }
                .sorted { $0.name < $1.name })
    }

    /// Adds an output field that the rule does not have.
    package mutating func add(_ name: String, _ value: OutputValue) {
        outputFields.append((name, value))
        outputFields.sort { $0.name < $1.name }
    }

    /// The text of an output field.
    package func field(_ name: String) -> String? {
        guard let value = outputFields.first(where: { $0.name == name })?.value else { return nil }
        let text = value.text
        return text.isEmpty || text == OutputFormat.absent ? nil : text
    }

    /// Techniques of MITRE ATT&CK among the tags.
    package var techniques: [String] { tags.filter(DetectionRule.isTechnique) }
}

extension String {
    /// The first place of a text; without Foundation, which engines do not have.
    fileprivate func range(of wanted: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(wanted) { return start..<index(start, offsetBy: wanted.count) }
            start = index(after: start)
        }
        return nil
    }
}

extension OutputValue {
    init?(_ node: Node) {
        switch node.kind {
        case .missing, .null: return nil
        case .bool: self = .bool(node.bool ?? false)
        case .number:
            let text = node.text ?? ""
            if let signed = Int64(text) {
                self = .signed(signed)
            } else if let unsigned = UInt64(text) {
                self = .unsigned(unsigned)
            } else {
                self = .decimal(Double(text) ?? 0)
            }
        case .array: self = .list(node.elements.compactMap { OutputValue($0) })
        case .string, .object: self = .text(AuditField.text(node))
        }
    }

    package var text: String {
        switch self {
        case .text(let text): text
        case .signed(let value): String(value)
        case .unsigned(let value): String(value)
        case .decimal(let value): "\(value)"
        case .bool(let value): value ? "true" : "false"
        case .list(let values): "(\(values.map(\.text).joined(separator: ",")))"
        }
    }

    func write(to writer: inout JSONWriter) {
        switch self {
        case .text(let text): writer.value(text)
        case .signed(let value): writer.raw(String(value))
        case .unsigned(let value): writer.raw(String(value))
        case .decimal(let value): writer.value(value, digits: 6)
        case .bool(let value): writer.value(value)
        case .list(let values): writer.array { writer in for value in values { value.write(to: &writer) } }
        }
    }
}
