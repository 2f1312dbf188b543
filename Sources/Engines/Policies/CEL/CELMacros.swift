/// The macros that an environment knows, and what they become.
///
/// The folds are shaped as the API server shapes them, since what an expression costs counts their parts.
/// Standard: CEL language definition, "Macros"; the extensions' own documentation for the rest.
package struct CELMacros: Sendable {
    /// `optMap`, `optFlatMap`.
    package var optionals = true
    /// `all(k, v, …)`, `exists`, `existsOne`, `transformList`, `transformMap`, `transformMapEntry`.
    package var twoVariables = true
    /// `sortBy`.
    package var sortBy = false
    /// `cel.bind`.
    package var bindings = false
    /// `math.greatest`, `math.least`.
    package var math = false
    /// `cel.block`, `cel.index`, `cel.iterVar`, `cel.accuVar`.
    package var blocks = false
    /// Whether `` a.`b-c` `` is allowed.
    package var allowsQuotedFields = false

    package static let accumulator = "@result"
    static let unused = "#unused"

    package init() {}

    typealias Expression = CELExpression

    /// The expansion of a call; nil where it is no macro.
    func expand(
        target: Expression?, _ name: String, _ arguments: [Expression], at offset: Int, with parser: inout CELParser
    ) throws(CELIssue) -> Expression? {
        guard let target else {
            guard name == "has", arguments.count == 1 else { return nil }
            guard case .select(let operand, let field, false) = arguments[0].kind else {
                throw issue(arguments[0], "invalid argument to has() macro", parser)
            }
            return parser.node(.select(operand, field: field, testOnly: true), at: offset)
        }
        switch (name, arguments.count) {
        case ("all", 2), ("exists", 2), ("exists_one", 2), ("existsOne", 2), ("map", 2), ("map", 3), ("filter", 2):
            let variable = try self.variable(arguments[0], parser)
            return fold(name, over: target, [variable], Array(arguments.dropFirst()), at: offset, with: &parser)
        case ("all", 3), ("exists", 3), ("existsOne", 3), ("exists_one", 3), ("transformList", 3),
            ("transformList", 4), ("transformMap", 3), ("transformMap", 4), ("transformMapEntry", 3),
            ("transformMapEntry", 4):
            guard twoVariables else { return nil }
            let first = try variable(arguments[0], parser)
            let second = try variable(arguments[1], parser)
            guard first != second else {
                throw issue(arguments[1], "duplicate variable name: \(first)", parser)
            }
            return fold(name, over: target, [first, second], Array(arguments.dropFirst(2)), at: offset, with: &parser)
        case ("optMap", 2) where optionals, ("optFlatMap", 2) where optionals:
            let variable = try self.variable(arguments[0], parser)
            return optional(name, target, variable, arguments[1], at: offset, with: &parser)
        case ("sortBy", 2) where sortBy:
            let variable = try self.variable(arguments[0], parser)
            return sorted(target, by: variable, arguments[1], at: offset, with: &parser)
        default: return try namespaced(target, name, arguments, at: offset, with: &parser)
        }
    }

    private func issue(_ node: Expression, _ message: String, _ parser: CELParser) -> CELIssue {
        CELIssue(offset: parser.offsets[node.id], message: message)
    }

    private func variable(_ node: Expression, _ parser: CELParser) throws(CELIssue) -> String {
        guard case .identifier(let name) = node.kind, !name.hasPrefix(".") else {
            if blocks, case .identifier(let name) = node.kind { return name }
            throw issue(node, "argument must be a simple name", parser)
        }
        guard name != Self.accumulator, name != "__result__" else {
            throw issue(node, "iteration variable overwrites accumulator variable", parser)
        }
        return name
    }

    // MARK: Folds

    private func fold(
        _ name: String, over range: Expression, _ variables: [String], _ rest: [Expression], at offset: Int,
        with parser: inout CELParser
    ) -> Expression {
        func accumulated() -> Expression { parser.node(.identifier(Self.accumulator), at: offset) }
        func literal(_ value: CELValue) -> Expression { parser.node(.literal(value), at: offset) }
        let initial: Expression
        var condition = literal(.bool(true))
        let step: Expression
        var result: Expression?
        switch name {
        case "all":
            initial = literal(.bool(true))
            condition = parser.call(CELOperator.notStrictlyFalse, accumulated(), at: offset)
            step = parser.call(CELOperator.and, accumulated(), rest[0], at: offset)
        case "exists":
            initial = literal(.bool(false))
            let negated = parser.call(CELOperator.not, accumulated(), at: offset)
            condition = parser.call(CELOperator.notStrictlyFalse, negated, at: offset)
            step = parser.call(CELOperator.or, accumulated(), rest[0], at: offset)
        case "exists_one", "existsOne":
            initial = literal(.int(0))
            let more = parser.call(CELOperator.add, accumulated(), literal(.int(1)), at: offset)
            step = parser.call(CELOperator.conditional, rest[0], more, accumulated(), at: offset)
            result = parser.call(CELOperator.equals, accumulated(), literal(.int(1)), at: offset)
        case "transformMap", "transformMapEntry":
            initial = parser.node(.map([]), at: offset)
            let transformed = rest[rest.count - 1]
            let insert =
                name == "transformMapEntry"
                ? parser.call("cel.@mapInsert", accumulated(), transformed, at: offset)
                : parser.call(
                    "cel.@mapInsert", accumulated(), parser.node(.identifier(variables[0]), at: offset), transformed,
                    at: offset)
            step =
                rest.count == 1
                ? insert : parser.call(CELOperator.conditional, rest[0], insert, accumulated(), at: offset)
        default:
            // map, filter, transformList
            initial = parser.node(.list([], optional: []), at: offset)
            let element = name == "filter" ? parser.node(.identifier(variables[0]), at: offset) : rest[rest.count - 1]
            let one = parser.node(.list([element], optional: []), at: offset)
            let more = parser.call(CELOperator.add, accumulated(), one, at: offset)
            let isFiltered = name == "filter" || rest.count == 2
            step =
                isFiltered ? parser.call(CELOperator.conditional, rest[0], more, accumulated(), at: offset) : more
        }
        let final = result ?? accumulated()
        return parser.node(
            .comprehension(
                CELComprehension(
                    range: range, variable: variables[0], variable2: variables.count > 1 ? variables[1] : nil,
                    accumulator: Self.accumulator, initial: initial, condition: condition, step: step, result: final)),
            at: offset)
    }

    /// A name for a value within an expression: a fold over nothing.
    private func binding(
        _ variable: String, to value: Expression, in body: Expression, at offset: Int, with parser: inout CELParser
    ) -> Expression {
        let range = parser.node(.list([], optional: []), at: offset)
        let condition = parser.node(.literal(.bool(false)), at: offset)
        let step = parser.node(.identifier(variable), at: offset)
        return parser.node(
            .comprehension(
                CELComprehension(
                    range: range, variable: Self.unused, variable2: nil, accumulator: variable, initial: value,
                    condition: condition, step: step, result: body)),
            at: offset)
    }

    private func optional(
        _ name: String, _ target: Expression, _ variable: String, _ body: Expression, at offset: Int,
        with parser: inout CELParser
    ) -> Expression {
        func member(_ function: String, _ operand: Expression) -> Expression {
            parser.node(.call(CELCall(target: operand, function: function, arguments: [])), at: offset)
        }
        let again = parser.copy(target)
        let bound = binding(variable, to: member("value", again), in: body, at: offset, with: &parser)
        let present = name == "optMap" ? parser.call("optional.of", bound, at: offset) : bound
        let none = parser.call("optional.none", at: offset)
        return parser.call(CELOperator.conditional, member("hasValue", target), present, none, at: offset)
    }

    /// `list.sortBy(x, key)`: the keys beside the list, which is computed once.
    private func sorted(
        _ target: Expression, by variable: String, _ key: Expression, at offset: Int, with parser: inout CELParser
    ) -> Expression {
        let input = "@__sortBy_input__"
        let range = parser.node(.identifier(input), at: offset)
        let keys = fold("map", over: range, [variable], [key], at: offset, with: &parser)
        let list = parser.node(.identifier(input), at: offset)
        let call = parser.node(
            .call(CELCall(target: list, function: "@sortByAssociatedKeys", arguments: [keys])), at: offset)
        return binding(input, to: target, in: call, at: offset, with: &parser)
    }

    // MARK: Names with a namespace

    private func namespaced(
        _ target: Expression, _ name: String, _ arguments: [Expression], at offset: Int, with parser: inout CELParser
    ) throws(CELIssue) -> Expression? {
        guard case .identifier(let namespace) = target.kind else { return nil }
        switch (namespace, name) {
        case ("cel", "bind") where bindings && arguments.count == 3:
            let variable = try self.variable(arguments[0], parser)
            return binding(variable, to: arguments[1], in: arguments[2], at: offset, with: &parser)
        case ("math", "greatest") where math, ("math", "least") where math:
            guard let first = arguments.first else {
                throw issue(target, "math.\(name)() requires at least one argument", parser)
            }
            for argument in arguments {
                let isSound =
                    switch argument.kind {
                    case .literal(.int), .literal(.uint), .literal(.double): true
                    case .literal, .map, .message: false
                    case .list: arguments.count == 1
                    default: true
                    }
                guard isSound else { throw issue(argument, "math.\(name)() invalid argument value", parser) }
            }
            if arguments.count == 1, case .list(let elements, _) = first.kind {
                let isSound =
                    !elements.isEmpty
                    && elements.allSatisfy { element in
                        switch element.kind {
                        case .literal(.int), .literal(.uint), .literal(.double): true
                        case .literal, .map, .message, .list: false
                        default: true
                        }
                    }
                guard isSound else { throw issue(first, "math.\(name)() invalid single argument value", parser) }
            }
            let function = name == "greatest" ? "math.@max" : "math.@min"
            if arguments.count <= 2 {
                return parser.node(.call(CELCall(target: nil, function: function, arguments: arguments)), at: offset)
            }
            let list = parser.node(.list(arguments, optional: []), at: offset)
            return parser.call(function, list, at: offset)
        case ("cel", "block") where blocks && arguments.count == 2: return block(arguments, at: offset, with: &parser)
        case ("cel", "index") where blocks && arguments.count == 1:
            guard case .literal(.int(let index)) = arguments[0].kind else { return nil }
            return parser.node(.identifier("@index\(index)"), at: offset)
        case ("cel", "iterVar") where blocks && arguments.count == 2,
            ("cel", "accuVar") where blocks && arguments.count == 2:
            guard case .literal(.int(let depth)) = arguments[0].kind,
                case .literal(.int(let unique)) = arguments[1].kind
            else { return nil }
            return parser.node(
                .identifier(name == "iterVar" ? "@it:\(depth):\(unique)" : "@ac:\(depth):\(unique)"), at: offset)
        default: return nil
        }
    }

    /// Values computed at most once, each named after its place.
    private func block(_ arguments: [Expression], at offset: Int, with parser: inout CELParser) -> Expression? {
        guard case .list(let values, _) = arguments[0].kind else { return nil }
        var body = arguments[1]
        for (index, value) in values.enumerated().reversed() {
            body = binding("@index\(index)", to: value, in: body, at: offset, with: &parser)
        }
        return body
    }
}
