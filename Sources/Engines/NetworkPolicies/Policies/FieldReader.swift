import Documents
import Findings

/// Gathers what is wrong with one policy while it is read.
struct PolicyDefects {
    /// What the API server would refuse: the policy cannot be in force as it is written.
    private(set) var refusals: [(node: Node, message: String)] = []
    /// Fields this program does not know.
    private(set) var unknown: [(node: Node, name: String)] = []

    mutating func refuse(_ node: Node, _ message: String) { refusals.append((node, message)) }

    /// What is in force as it is written, and not taken any more.
    private(set) var warnings: [(node: Node, message: String)] = []

    mutating func warn(_ node: Node, _ message: String) { warnings.append((node, message)) }

    /// Refuses what stands where a list belongs.
    mutating func expectList(_ node: Node) {
        if !node.isNull, !node.isArray { refuse(node, "\(node.path): expected a list") }
    }

    /// Notes members that are not in the list.
    mutating func expect(_ node: Node, _ known: [String]) {
        if !node.isNull, !node.isObject { refuse(node, "\(node.path): expected an object") }
        for member in node.members where !known.contains(member.key) && !member.value.isNull {
            unknown.append((member.value, member.key))
        }
    }

    mutating func doubt(_ node: Node, _ name: String) { unknown.append((node, name)) }

    /// Why a rule read since then may or may not match.
    func doubt(since count: Int) -> String? {
        guard unknown.count > count else { return nil }
        return "field \"\(unknown[count].name)\" is not understood"
    }

    var isClean: Bool { refusals.isEmpty && unknown.isEmpty }
}

extension Node {
    /// A number that a port may be.
    var portNumber: UInt16? {
        guard let int, (1...65535).contains(int) else { return nil }
        return UInt16(int)
    }
}

/// Names of ports as Kubernetes accepts them.
///
/// Source: RFC 6335 section 5.1; `IsValidPortName` of apimachinery: at most 15 of `a-z0-9-`, at least one letter, no
/// hyphen first, last or twice.
enum PortName {
    static func isValid(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        guard (1...15).contains(bytes.count), bytes.first != 0x2D, bytes.last != 0x2D, !name.contains("--") else {
            return false
        }
        let isLetter = { (byte: UInt8) in byte >= 0x61 && byte <= 0x7A }
        return bytes.allSatisfy { isLetter($0) || ($0 >= 0x30 && $0 <= 0x39) || $0 == 0x2D }
            && bytes.contains(where: isLetter)
    }
}

/// Keys and values of labels, and names of objects, as Kubernetes accepts them.
///
/// Source: "Labels and Selectors" and "Object Names and IDs", Kubernetes documentation.
enum LabelSyntax {
    /// `name`, or `prefix/name` with a DNS subdomain in front.
    static func isKey(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let name = parts.last, parts.count <= 2, !name.isEmpty, isValue(name) else { return false }
        return parts.count == 1 || isSubdomain(parts[0])
    }

    /// At most 63 of letters, digits and `-_.`, a letter or digit first and last; or nothing.
    static func isValue(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        guard let first = bytes.first, let last = bytes.last else { return true }
        return bytes.count <= 63 && isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy { isAlphanumeric($0) || $0 == 0x2D || $0 == 0x2E || $0 == 0x5F }
    }

    /// RFC 1123: at most 253 of lower-case letters, digits and `-`, in labels that begin and end with neither.
    static func isSubdomain(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        return text.utf8.split(separator: 0x2E, omittingEmptySubsequences: false).allSatisfy { label in
            guard let first = label.first, let last = label.last else { return false }
            return isLowerOrDigit(first) && isLowerOrDigit(last)
                && label.allSatisfy { isLowerOrDigit($0) || $0 == 0x2D }
        }
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        (byte >= 0x61 && byte <= 0x7A) || (byte >= 0x30 && byte <= 0x39)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowerOrDigit(byte) || (byte >= 0x41 && byte <= 0x5A)
    }
}

extension LabelExpression {
    /// Reads a Kubernetes label selector over labels of one sort; an absent one is `absent`.
    ///
    /// - Parameter checksSyntax: whether the API server refuses keys and values that no label can have; in custom
    ///   resources it takes them as they are.
    static func selector(
        _ node: Node, _ key: (String) -> LabelKey, absent: LabelExpression = .nothing, checksSyntax: Bool = false,
        _ defects: inout PolicyDefects
    ) -> LabelExpression {
        guard !node.isNull else { return absent }
        defects.expect(node, ["matchLabels", "matchExpressions"])
        var parts: [LabelExpression] = []
        if !node["matchLabels"].isNull, !node["matchLabels"].isObject {
            defects.refuse(node["matchLabels"], "\(node["matchLabels"].path): expected an object")
        }
        defects.expectList(node["matchExpressions"])
        for member in node["matchLabels"].members.sorted(by: { $0.key < $1.key }) {
            if checksSyntax, !LabelSyntax.isKey(member.key) {
                defects.refuse(member.value, "\(member.value.path): \"\(member.key)\" is not the key of a label")
            }
            guard let value = member.value.string else {
                defects.refuse(member.value, "\(member.value.path): a label's value is a string; put it in quotes")
                continue
            }
            if checksSyntax, !LabelSyntax.isValue(value) {
                defects.refuse(member.value, "\(member.value.path): \"\(value)\" is not the value of a label")
            }
            parts.append(.isIn(key(member.key), [value]))
        }
        for expression in node["matchExpressions"].elements {
            defects.expect(expression, ["key", "operator", "values"])
            guard let name = expression["key"].string, !name.isEmpty else {
                defects.refuse(expression["key"], "\(expression.path): a requirement needs a key")
                continue
            }
            if checksSyntax, !LabelSyntax.isKey(name) {
                defects.refuse(expression["key"], "\(expression["key"].path): \"\(name)\" is not the key of a label")
            }
            defects.expectList(expression["values"])
            let values = expression["values"].strings
            if checksSyntax, let value = values.first(where: { !LabelSyntax.isValue($0) }) {
                let place = expression["values"]
                defects.refuse(place, "\(place.path): \"\(value)\" is not the value of a label")
            }
            switch expression["operator"].string {
            case "In" where !values.isEmpty: parts.append(.isIn(key(name), values))
            case "NotIn" where !values.isEmpty: parts.append(.isNotIn(key(name), values))
            case "Exists" where values.isEmpty: parts.append(.exists(key(name)))
            case "DoesNotExist" where values.isEmpty: parts.append(.not(.exists(key(name))))
            case "In", "NotIn":
                defects.refuse(expression["values"], "\(expression.path): In and NotIn need values")
            case "Exists", "DoesNotExist":
                defects.refuse(expression["values"], "\(expression.path): Exists and DoesNotExist take no values")
            default:
                defects.refuse(
                    expression["operator"],
                    "\(expression.path): the operator is one of In, NotIn, Exists, DoesNotExist")
            }
        }
        if parts.isEmpty { return .everything }
        return parts.count == 1 ? parts[0] : .all(parts)
    }
}
