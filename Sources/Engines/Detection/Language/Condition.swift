/// A condition of the rule language as a tree: what the author wrote, macros by name or expanded in place.
///
/// The language is Falco's (libs schema 4.3.0): checks of a field against constants or another field, joined with
/// `and`, `or` and `not`, and macros, which are conditions with a name.
package indirect enum Condition: Sendable, Hashable {
    case and([Condition], at: ConditionPosition)
    case or([Condition], at: ConditionPosition)
    case not(Condition, at: ConditionPosition)
    /// A macro that has not been looked up yet.
    case macro(String, at: ConditionPosition)
    /// What a macro stood for. Equal to its body wherever trees are compared or printed; kept so that an explanation
    /// can name it.
    case expanded(String, Condition)
    case exists(Operand, at: ConditionPosition)
    case check(Operand, Comparison, Comparand, at: ConditionPosition)

    package var position: ConditionPosition {
        switch self {
        case .and(_, let position), .or(_, let position), .not(_, let position), .macro(_, let position),
            .exists(_, let position), .check(_, _, _, let position):
            position
        case .expanded(_, let body): body.position
        }
    }

    /// The condition without the notes on where macros were.
    package var plain: Condition {
        switch self {
        case .and(let children, let position): .and(children.map(\.plain), at: position)
        case .or(let children, let position): .or(children.map(\.plain), at: position)
        case .not(let child, let position): .not(child.plain, at: position)
        case .expanded(_, let body): body.plain
        case .macro, .exists, .check: self
        }
    }
}

/// A place in the text of a condition, as Falco counts: offset from 0, line and column from 1.
package struct ConditionPosition: Sendable, Hashable {
    package var offset: Int
    package var line: Int
    package var column: Int

    package init(offset: Int = 0, line: Int = 1, column: Int = 1) {
        self.offset = offset
        self.line = line
        self.column = column
    }

    /// Trees are equal whatever place they stand at.
    package static func == (a: Self, b: Self) -> Bool { true }
    package func hash(into hasher: inout Hasher) {}
}

/// Where a value comes from: a field, a transformer over others, or a constant.
package indirect enum Operand: Sendable, Hashable {
    case field(FieldReference, at: ConditionPosition)
    case transformed(Transformation, at: ConditionPosition)
    case constant([UInt8], at: ConditionPosition)
    case list([Operand], at: ConditionPosition)

    package var position: ConditionPosition {
        switch self {
        case .field(_, let position), .transformed(_, let position), .constant(_, let position),
            .list(_, let position):
            position
        }
    }
}

/// A field with the argument in its brackets.
package struct FieldReference: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var name: String
    package var argument: [UInt8]?

    package init(_ name: String, _ argument: [UInt8]? = nil) {
        self.name = name
        self.argument = argument
    }

    /// As messages and alerts name the field: without quotes round the argument.
    package var description: String {
        guard let argument else { return name }
        return "\(name)[\(String(decoding: argument, as: UTF8.self))]"
    }

    package static func < (a: Self, b: Self) -> Bool { a.description < b.description }
}

/// A transformer applied to its arguments.
package struct Transformation: Sendable, Hashable {
    package enum Function: String, Sendable, Hashable, CaseIterable {
        /// The value of a field on the right-hand side; changes nothing.
        case val
        case tolower, toupper, b64, basename, len
        case join, concat, getopt
    }

    package var function: Function
    package var arguments: [Operand]
    /// The option letter of `getopt(…)[x]`.
    package var selector: [UInt8]?
}

/// An operator with its modifier.
package struct Comparison: Sendable, Hashable {
    package enum Operator: String, Sendable, Hashable, CaseIterable {
        case equal = "="
        /// Means the same as `=`, and stays apart so that a printed condition reads as it was written.
        case sameAs = "=="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case glob, iglob, contains, icontains, bcontains, startswith, bstartswith, endswith, regex
        case `in`, intersects, pmatch, exists
    }

    /// How a check against several values counts.
    package enum Modifier: String, Sendable, Hashable, CaseIterable { case oneof, anyof, allof }

    package var `operator`: Operator
    package var modifier: Modifier?

    package init(_ operator: Operator, _ modifier: Modifier? = nil) {
        self.operator = `operator`
        self.modifier = modifier
    }

    /// Reads `startswith`, `startswith oneof`; nil for what is no operator.
    package init?(parsing text: String) {
        let words = text.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = words.first, let found = Operator(rawValue: String(first)) else { return nil }
        self.operator = found
        if words.count > 1 {
            guard let modifier = Modifier(rawValue: String(words[1])) else { return nil }
            self.modifier = modifier
        }
    }

    package var text: String { modifier.map { "\(`operator`.rawValue) \($0.rawValue)" } ?? `operator`.rawValue }

    /// Whether the operator may carry a modifier.
    package var takesModifier: Bool {
        switch `operator` {
        case .equal, .sameAs, .notEqual, .glob, .iglob, .contains, .icontains, .bcontains, .startswith, .bstartswith,
            .endswith, .regex:
            true
        case .less, .lessOrEqual, .greater, .greaterOrEqual, .in, .intersects, .pmatch, .exists: false
        }
    }

    /// Whether the right-hand side is a list in parentheses.
    package var takesList: Bool {
        switch `operator` {
        case .in, .intersects, .pmatch: true
        default: modifier != nil
        }
    }
}

/// The right-hand side of a check.
package enum Comparand: Sendable, Hashable {
    case value([UInt8], at: ConditionPosition)
    case values([[UInt8]], at: ConditionPosition)
    case operand(Operand)

    package var position: ConditionPosition {
        switch self {
        case .value(_, let position), .values(_, let position): position
        case .operand(let operand): operand.position
        }
    }
}
