/// A rule that loaded, its macros and lists in place.
package struct DetectionRule: Sendable {
    package var name: String
    package var description: String
    package var source: String
    package var priority: Priority
    package var isEnabled: Bool
    /// In order of name.
    package var tags: [String]
    /// What is evaluated: condition and exceptions.
    package var condition: Condition
    package var output: OutputFormat
    /// The condition as the file has it, appended parts included, exceptions not.
    package var writtenCondition: String
    /// The names the written condition uses.
    package var macros: [String]
    package var lists: [String]
    /// The exceptions, each with the conditions of its values.
    package var exceptions: [RuleException]
    /// Where it was defined.
    package var file: String
    package var line: Int

    /// Every field the condition reads.
    package var fields: [FieldReference] {
        var out: Set<FieldReference> = []
        condition.collectFields(&out)
        return out.sorted()
    }

    /// Techniques of MITRE ATT&CK among the tags: `T1059`, `T1059.004`.
    package var techniques: [String] { tags.filter(Self.isTechnique) }

    static func isTechnique(_ tag: String) -> Bool {
        guard tag.first == "T", tag.count >= 5 else { return false }
        return tag.dropFirst().allSatisfy { $0 == "." || ($0.isASCII && $0.isNumber) }
    }
}

/// An exception of a rule as it is evaluated.
package struct RuleException: Sendable {
    package var name: String
    /// One condition for each tuple of values; each is the conjunction of its fields.
    package var tuples: [Condition]
}

extension Condition {
    func collectFields(_ out: inout Set<FieldReference>) {
        var macros: Set<String> = []
        collectFields(&out, &macros)
    }

    /// Goes into each macro once.
    private func collectFields(_ out: inout Set<FieldReference>, _ macros: inout Set<String>) {
        switch self {
        case .and(let children, _), .or(let children, _):
            for child in children { child.collectFields(&out, &macros) }
        case .not(let child, _): child.collectFields(&out, &macros)
        case .expanded(let name, let body): if macros.insert(name).inserted { body.collectFields(&out, &macros) }
        case .macro: break
        case .exists(let operand, _): operand.collectFields(&out)
        case .check(let left, _, let right, _):
            left.collectFields(&out)
            if case .operand(let operand) = right { operand.collectFields(&out) }
        }
    }
}

extension Operand {
    func collectFields(_ out: inout Set<FieldReference>) {
        switch self {
        case .field(let field, _): out.insert(field)
        case .transformed(let transformation, _):
            for argument in transformation.arguments { argument.collectFields(&out) }
        case .list(let elements, _): for element in elements { element.collectFields(&out) }
        case .constant: break
        }
    }
}

extension DetectionRule {
    /// The event types the rule may match; nil when it may match any.
    package var eventTypes: [String]? { EventTypeAnalysis.names(of: condition) }
}
