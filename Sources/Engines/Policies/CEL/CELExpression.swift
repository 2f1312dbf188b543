/// A parsed expression: a tree whose nodes carry numbers, by which the checker's results are kept.
package struct CELExpression: Sendable {
    /// Number of the node within its expression, from 1.
    package let id: Int
    package let kind: Kind

    package indirect enum Kind: Sendable {
        case literal(CELValue)
        case identifier(String)
        /// `operand.field`, or the question of `has(operand.field)`.
        case select(CELExpression, field: String, testOnly: Bool)
        case call(CELCall)
        case list([CELExpression], optional: Set<Int>)
        case map([CELEntry])
        case message(String, [CELFieldValue])
        case comprehension(CELComprehension)
    }
}

package struct CELCall: Sendable {
    /// What a member function is called on.
    package var target: CELExpression?
    package var function: String
    package var arguments: [CELExpression]
}

package struct CELEntry: Sendable {
    package var id: Int
    package var key: CELExpression
    package var value: CELExpression
    /// Whether an absent optional leaves the entry out.
    package var isOptional: Bool
}

package struct CELFieldValue: Sendable {
    package var id: Int
    package var name: String
    package var value: CELExpression
    package var isOptional: Bool
}

/// What the macros become: a fold over a list or map.
package struct CELComprehension: Sendable {
    package var range: CELExpression
    package var variable: String
    /// The second variable of the two-variable forms.
    package var variable2: String?
    package var accumulator: String
    package var initial: CELExpression
    package var condition: CELExpression
    package var step: CELExpression
    package var result: CELExpression
}

extension CELExpression {
    /// `a.b.c` as one name; nil where anything but names and selections stands in it.
    var qualifiedName: String? {
        switch kind {
        case .identifier(let name): name
        case .select(let operand, let field, false): operand.qualifiedName.map { "\($0).\(field)" }
        default: nil
        }
    }
}

/// Names of the functions that operators stand for.
enum CELOperator {
    static let and = "_&&_"
    static let or = "_||_"
    static let not = "!_"
    static let conditional = "_?_:_"
    static let equals = "_==_"
    static let notEquals = "_!=_"
    static let less = "_<_"
    static let lessEquals = "_<=_"
    static let greater = "_>_"
    static let greaterEquals = "_>=_"
    static let membership = "@in"
    static let add = "_+_"
    static let subtract = "_-_"
    static let multiply = "_*_"
    static let divide = "_/_"
    static let modulo = "_%_"
    static let negate = "-_"
    static let index = "_[_]"
    static let optionalIndex = "_[?_]"
    static let optionalSelect = "_?._"
    static let notStrictlyFalse = "@not_strictly_false"
}
