import Documents
import Findings

/// Gathers what is wrong with one policy while it is read.
struct PolicyDefects {
    /// What the API server would refuse: the policy cannot be in force as it is written.
    private(set) var refusals: [(node: Node, message: String)] = []
    /// Fields this program does not know.
    private(set) var unknown: [(node: Node, name: String)] = []

    mutating func refuse(_ node: Node, _ message: String) { refusals.append((node, message)) }

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

extension LabelExpression {
    /// Reads a Kubernetes label selector over labels of one sort; an absent one is `absent`.
    static func selector(
        _ node: Node, _ key: (String) -> LabelKey, absent: LabelExpression = .nothing, _ defects: inout PolicyDefects
    ) -> LabelExpression {
        guard !node.isNull else { return absent }
        defects.expect(node, ["matchLabels", "matchExpressions"])
        var parts: [LabelExpression] = []
        for member in node["matchLabels"].members.sorted(by: { $0.key < $1.key }) {
            guard let value = member.value.string else {
                defects.refuse(member.value, "\(member.value.path): a label's value is a string; put it in quotes")
                continue
            }
            parts.append(.isIn(key(member.key), [value]))
        }
        for expression in node["matchExpressions"].elements {
            defects.expect(expression, ["key", "operator", "values"])
            guard let name = expression["key"].string, !name.isEmpty else {
                defects.refuse(expression["key"], "\(expression.path): a requirement needs a key")
                continue
            }
            let values = expression["values"].strings
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
