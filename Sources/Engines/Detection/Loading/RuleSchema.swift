internal import Documents

/// Whether a rule file has the shape that Falco's schema of rule files gives them (`rules.schema.json` of engine 0.63).
///
/// It only informs: Falco loads files that do not fit, and refuses some that do. Words and places are those of its own
/// check, which stops at the first thing that is wrong, the innermost first.
package enum RuleSchema: Sendable, Hashable, CustomStringConvertible {
    case fits
    /// There is nothing in the file to look at.
    case nothing
    case differs(String)

    package var description: String {
        switch self {
        case .fits: "ok"
        case .nothing: "none"
        case .differs(let why): "failed for \(why)"
        }
    }

    /// Looks at the first document of a file.
    init(_ set: DocumentSet) {
        guard let root = set.documents.first?.root, root.exists, root.kind != .null else {
            self = .nothing
            return
        }
        var check = SchemaCheck()
        check.file(root)
        self = check.found.map { .differs($0) } ?? .fits
    }
}

/// Goes through a file until something is wrong.
private struct SchemaCheck {
    var found: String?

    private enum Shape {
        case text, flag, integer, priority, operation, texts, anything
        case list(of: [String: Shape], needed: [String])
        case object([String: Shape], needed: [String])
    }

    private static let wrongType = "Value type not permitted by 'type' constraint."
    private static let noChoice = "Failed to match against any enum values."
    private static let alternative: [String: Shape] = ["name": .text, "version": .text]
    private static let overridable = [
        "capture", "capture_duration", "condition", "desc", "enabled", "exceptions", "items", "output", "priority",
        "skip-if-unknown-filter", "tags", "warn_evttypes",
    ]
    private static let rule: [String: Shape] = [
        "append": .flag, "capture": .flag, "capture_duration": .integer, "condition": .text, "desc": .text,
        "enabled": .flag,
        "exceptions": .list(
            of: ["comps": .anything, "fields": .anything, "name": .text, "values": .anything], needed: ["name"]),
        "items": .texts, "list": .text, "macro": .text, "output": .text,
        "override": .object(
            Dictionary(uniqueKeysWithValues: overridable.map { ($0, Shape.operation) }), needed: []),
        "priority": .priority, "required_engine_version": .text,
        "required_plugin_versions": .list(
            of: [
                "alternatives": .list(of: alternative, needed: ["name", "version"]), "name": .text, "version": .text,
            ], needed: ["name", "version"]),
        "rule": .text, "skip-if-unknown-filter": .flag, "source": .text, "tags": .texts, "warn_evttypes": .flag,
    ]
    private static let priorities: Set<String> = [
        "EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "INFORMATIONAL", "DEBUG",
    ]

    mutating func file(_ root: Node) {
        guard root.isArray else { return fail("<root>", Self.wrongType) }
        for (i, item) in root.elements.enumerated() where found == nil {
            object(item, Self.rule, needed: [], "<root>[\(i)]")
        }
    }

    private mutating func fail(_ place: String, _ why: String) { found = found ?? "\(place): \(why)" }

    private mutating func object(_ node: Node, _ shapes: [String: Shape], needed: [String], _ place: String) {
        guard node.isObject else { return fail(place, Self.wrongType) }
        var seen: Set<String> = []
        var unknown: String?
        let members = node.members.filter { seen.insert($0.key).inserted }
        for member in members.sorted(by: { $0.key < $1.key }) where found == nil {
            if let shape = shapes[member.key] {
                check(member.value, shape, "\(place)[\(member.key)]")
            } else {
                unknown = unknown ?? member.key
            }
        }
        if let unknown {
            fail(
                place,
                "Object contains a property that could not be validated using 'properties' or 'additionalProperties' "
                    + "constraints: '\(unknown)'.")
        }
        for key in needed where !seen.contains(key) { fail(place, "Missing required property '\(key)'.") }
    }

    private mutating func check(_ node: Node, _ shape: Shape, _ place: String) {
        // A scalar is what its text can be read as.
        let text = node.isArray || node.isObject || node.kind == .null ? nil : node.text
        switch shape {
        case .anything: return
        case .text: if text == nil { fail(place, Self.wrongType) }
        case .flag: if text != "true", text != "false" { fail(place, Self.wrongType) }
        case .integer: if text.flatMap({ Int64($0) }) == nil { fail(place, Self.wrongType) }
        case .priority: if text.map(Self.priorities.contains) != true { fail(place, Self.noChoice) }
        case .operation: if text != "append", text != "replace" { fail(place, Self.noChoice) }
        case .texts:
            guard node.isArray else { return fail(place, Self.wrongType) }
            for (i, element) in node.elements.enumerated() where found == nil {
                check(element, .text, "\(place)[\(i)]")
            }
        case .list(let shapes, let needed):
            guard node.isArray else { return fail(place, Self.wrongType) }
            for (i, element) in node.elements.enumerated() where found == nil {
                object(element, shapes, needed: needed, "\(place)[\(i)]")
            }
        case .object(let shapes, let needed): object(node, shapes, needed: needed, place)
        }
    }
}
