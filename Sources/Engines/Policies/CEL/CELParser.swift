/// A parsed expression and where its nodes stand.
package struct CELSyntax: Sendable {
    package var root: CELExpression
    /// Offset in the text of each node, by its number.
    package var offsets: [Int]
}

/// Reads an expression, macros expanded.
///
/// Standard: CEL language definition, "Syntax" and "Macros"; nesting is bounded as the API server bounds it.
struct CELParser {
    static let depthLimit = 250

    private var lexer: CELLexer
    private var token: CELToken = .end
    private var start = 0
    private var depth = 0
    private(set) var offsets: [Int] = [0]
    let macros: CELMacros

    init(_ text: String, macros: CELMacros) throws(CELIssue) {
        lexer = CELLexer(text)
        self.macros = macros
        try advance()
    }

    static func parse(_ text: String, macros: CELMacros) throws(CELIssue) -> CELSyntax {
        var parser = try CELParser(text, macros: macros)
        let root = try parser.expression()
        guard parser.token == .end else { throw parser.unexpected() }
        return CELSyntax(root: root, offsets: parser.offsets)
    }

    // MARK: Tokens

    private mutating func advance() throws(CELIssue) {
        (token, start) = try lexer.next()
    }

    private func `is`(_ symbol: String) -> Bool { token == .symbol(symbol) }

    private mutating func take(_ symbol: String) throws(CELIssue) -> Bool {
        guard self.is(symbol) else { return false }
        try advance()
        return true
    }

    private mutating func expect(_ symbol: String) throws(CELIssue) {
        guard try take(symbol) else { throw unexpected(instead: symbol) }
    }

    private func unexpected(instead: String? = nil) -> CELIssue {
        let what =
            switch token {
            case .end: "the end"
            case .symbol(let text), .identifier(let text): "'\(text)'"
            default: "a literal"
            }
        return CELIssue(
            offset: start, message: "Syntax error: unexpected \(what)" + (instead.map { ", expected '\($0)'" } ?? ""))
    }

    // MARK: Nodes

    mutating func node(_ kind: CELExpression.Kind, at offset: Int) -> CELExpression {
        offsets.append(offset)
        return CELExpression(id: offsets.count - 1, kind: kind)
    }

    mutating func newID(at offset: Int) -> Int {
        offsets.append(offset)
        return offsets.count - 1
    }

    mutating func call(_ function: String, _ arguments: CELExpression..., at offset: Int) -> CELExpression {
        node(.call(CELCall(target: nil, function: function, arguments: arguments)), at: offset)
    }

    /// The same expression with numbers of its own.
    mutating func copy(_ expression: CELExpression) -> CELExpression {
        let offset = offsets[expression.id]
        let kind: CELExpression.Kind
        switch expression.kind {
        case .literal, .identifier: kind = expression.kind
        case .select(let operand, let field, let testOnly):
            kind = .select(copy(operand), field: field, testOnly: testOnly)
        case .call(let call):
            kind = .call(
                CELCall(
                    target: call.target.map { copy($0) }, function: call.function,
                    arguments: call.arguments.map { copy($0) }))
        case .list(let elements, let optional): kind = .list(elements.map { copy($0) }, optional: optional)
        case .map(let entries):
            kind = .map(
                entries.map { entry in
                    CELEntry(
                        id: newID(at: offset), key: copy(entry.key), value: copy(entry.value),
                        isOptional: entry.isOptional)
                })
        case .message(let name, let fields):
            kind = .message(
                name,
                fields.map { field in
                    CELFieldValue(
                        id: newID(at: offset), name: field.name, value: copy(field.value), isOptional: field.isOptional)
                })
        case .comprehension(let fold):
            kind = .comprehension(
                CELComprehension(
                    range: copy(fold.range), variable: fold.variable, variable2: fold.variable2,
                    accumulator: fold.accumulator, initial: copy(fold.initial), condition: copy(fold.condition),
                    step: copy(fold.step), result: copy(fold.result)))
        }
        return node(kind, at: offset)
    }

    // MARK: Grammar

    private mutating func expression() throws(CELIssue) -> CELExpression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else {
            throw CELIssue(offset: start, message: "expression recursion limit exceeded: \(Self.depthLimit)")
        }
        let condition = try disjunction()
        guard self.is("?") else { return condition }
        let offset = start
        try advance()
        let first = try disjunction()
        try expect(":")
        let second = try expression()
        return call(CELOperator.conditional, condition, first, second, at: offset)
    }

    private mutating func disjunction() throws(CELIssue) -> CELExpression {
        var terms = [try conjunction()]
        var places: [Int] = []
        while self.is("||") {
            places.append(start)
            try advance()
            terms.append(try conjunction())
        }
        return balanced(CELOperator.or, terms[...], places[...])
    }

    private mutating func conjunction() throws(CELIssue) -> CELExpression {
        var terms = [try relation()]
        var places: [Int] = []
        while self.is("&&") {
            places.append(start)
            try advance()
            terms.append(try relation())
        }
        return balanced(CELOperator.and, terms[...], places[...])
    }

    /// A long chain as a tree of little depth; its terms are evaluated from left to right all the same.
    private mutating func balanced(
        _ function: String, _ terms: ArraySlice<CELExpression>, _ places: ArraySlice<Int>
    ) -> CELExpression {
        if terms.count == 1 { return terms[terms.startIndex] }
        let middle = (places.startIndex + places.endIndex) / 2
        let split = terms.startIndex + (middle - places.startIndex) + 1
        let left = balanced(function, terms[..<split], places[..<middle])
        let right = balanced(function, terms[split...], places[(middle + 1)...])
        return call(function, left, right, at: places[middle])
    }

    private static let relations: [String: String] = [
        "<": CELOperator.less, "<=": CELOperator.lessEquals, ">": CELOperator.greater,
        ">=": CELOperator.greaterEquals, "==": CELOperator.equals, "!=": CELOperator.notEquals,
        "in": CELOperator.membership,
    ]
    private static let sums = ["+": CELOperator.add, "-": CELOperator.subtract]
    private static let products = [
        "*": CELOperator.multiply, "/": CELOperator.divide, "%": CELOperator.modulo,
    ]

    private mutating func relation() throws(CELIssue) -> CELExpression {
        var left = try sum()
        while case .symbol(let symbol) = token, let function = Self.relations[symbol] {
            let offset = start
            try advance()
            left = call(function, left, try sum(), at: offset)
        }
        return left
    }

    private mutating func sum() throws(CELIssue) -> CELExpression {
        var left = try product()
        while case .symbol(let symbol) = token, let function = Self.sums[symbol] {
            let offset = start
            try advance()
            left = call(function, left, try product(), at: offset)
        }
        return left
    }

    private mutating func product() throws(CELIssue) -> CELExpression {
        var left = try unary()
        while case .symbol(let symbol) = token, let function = Self.products[symbol] {
            let offset = start
            try advance()
            left = call(function, left, try unary(), at: offset)
        }
        return left
    }

    private mutating func unary() throws(CELIssue) -> CELExpression {
        let offset = start
        if self.is("!") {
            var isNegated = false
            while try take("!") { isNegated.toggle() }
            let operand = try member()
            return isNegated ? call(CELOperator.not, operand, at: offset) : operand
        }
        if self.is("-") {
            var signs = 0
            while self.is("-") {
                try advance()
                signs += 1
            }
            // The sign next to a number is part of the literal: the lowest integer has no positive twin.
            var number: CELExpression.Kind?
            switch token {
            case .int(let value, let isTooLarge):
                guard !isTooLarge, value <= 1 << 63 else {
                    throw CELIssue(offset: start, message: "Syntax error: invalid int literal")
                }
                number = .literal(.int(value == 1 << 63 ? Int64.min : -Int64(value)))
            case .double(let value): number = .literal(.double(-value))
            default: break
            }
            if let number {
                try advance()
                let operand = try suffixes(of: node(number, at: offset))
                return signs % 2 == 1 ? operand : call(CELOperator.negate, operand, at: offset)
            }
            let operand = try member()
            return signs % 2 == 1 ? call(CELOperator.negate, operand, at: offset) : operand
        }
        return try member()
    }

    private mutating func member() throws(CELIssue) -> CELExpression {
        try suffixes(of: try primary())
    }

    private mutating func suffixes(of first: CELExpression) throws(CELIssue) -> CELExpression {
        var operand = first
        var links = 0
        while true {
            links += 1
            guard links <= Self.depthLimit else {
                throw CELIssue(offset: start, message: "expression recursion limit exceeded: \(Self.depthLimit)")
            }
            let offset = start
            if try take(".") {
                let isOptional = try take("?")
                let name = try fieldName()
                if isOptional {
                    let field = node(.literal(.string(name.text)), at: offset)
                    operand = call(CELOperator.optionalSelect, operand, field, at: offset)
                } else if self.is("("), !name.isQuoted {
                    let place = start
                    try advance()
                    operand = try finish(target: operand, name.text, try arguments(), at: place)
                } else {
                    operand = node(.select(operand, field: name.text, testOnly: false), at: offset)
                }
            } else if try take("[") {
                let isOptional = try take("?")
                let index = try expression()
                try expect("]")
                operand = call(isOptional ? CELOperator.optionalIndex : CELOperator.index, operand, index, at: offset)
            } else if self.is("{"), let name = operand.qualifiedName {
                operand = try message(name, at: offset)
            } else {
                return operand
            }
        }
    }

    private mutating func fieldName() throws(CELIssue) -> (text: String, isQuoted: Bool) {
        switch token {
        case .identifier(let name):
            try advance()
            return (name, false)
        case .quoted(let name) where macros.allowsQuotedFields:
            try advance()
            return (name, true)
        default: throw unexpected()
        }
    }

    private mutating func primary() throws(CELIssue) -> CELExpression {
        let offset = start
        switch token {
        case .int(let value, let isTooLarge):
            guard !isTooLarge, let whole = Int64(exactly: value) else {
                throw CELIssue(offset: start, message: "Syntax error: invalid int literal")
            }
            try advance()
            return node(.literal(.int(whole)), at: offset)
        case .uint(let value):
            try advance()
            return node(.literal(.uint(value)), at: offset)
        case .double(let value):
            try advance()
            return node(.literal(.double(value)), at: offset)
        case .string(let text):
            try advance()
            return node(.literal(.string(text)), at: offset)
        case .bytes(let bytes):
            try advance()
            return node(.literal(.bytes(bytes)), at: offset)
        case .identifier(let name):
            try advance()
            return try named(name, at: offset)
        case .symbol(let symbol): return try compound(symbol, at: offset)
        case .quoted, .end: throw unexpected()
        }
    }

    private mutating func compound(_ symbol: String, at offset: Int) throws(CELIssue) -> CELExpression {
        switch symbol {
        case "true", "false":
            try advance()
            return node(.literal(.bool(symbol == "true")), at: offset)
        case "null":
            try advance()
            return node(.literal(.null), at: offset)
        case "(":
            try advance()
            let inner = try expression()
            try expect(")")
            return inner
        case "[":
            try advance()
            var elements: [CELExpression] = []
            var optional: Set<Int> = []
            while !self.is("]") {
                if try take("?") { optional.insert(elements.count) }
                elements.append(try expression())
                if try !take(",") { break }
            }
            try expect("]")
            return node(.list(elements, optional: optional), at: offset)
        case "{":
            try advance()
            var entries: [CELEntry] = []
            while !self.is("}") {
                let place = start
                let isOptional = try take("?")
                let key = try expression()
                try expect(":")
                let value = try expression()
                entries.append(CELEntry(id: newID(at: place), key: key, value: value, isOptional: isOptional))
                if try !take(",") { break }
            }
            try expect("}")
            return node(.map(entries), at: offset)
        case ".":
            try advance()
            guard case .identifier(let name) = token else { throw unexpected() }
            try advance()
            return try named("." + name, at: offset)
        default: throw unexpected()
        }
    }

    private mutating func named(_ name: String, at offset: Int) throws(CELIssue) -> CELExpression {
        guard !CELLexer.reserved.contains(name) else {
            throw CELIssue(offset: offset, message: "Syntax error: reserved identifier: \(name)")
        }
        guard self.is("(") else { return node(.identifier(name), at: offset) }
        let place = start
        try advance()
        return try finish(target: nil, name, try arguments(), at: place)
    }

    private mutating func arguments() throws(CELIssue) -> [CELExpression] {
        var arguments: [CELExpression] = []
        while !self.is(")") {
            arguments.append(try expression())
            if try !take(",") { break }
        }
        try expect(")")
        return arguments
    }

    private mutating func message(_ name: String, at offset: Int) throws(CELIssue) -> CELExpression {
        try expect("{")
        var fields: [CELFieldValue] = []
        while !self.is("}") {
            let place = start
            let isOptional = try take("?")
            let field = try fieldName()
            try expect(":")
            let value = try expression()
            fields.append(
                CELFieldValue(id: newID(at: place), name: field.text, value: value, isOptional: isOptional))
            if try !take(",") { break }
        }
        try expect("}")
        return node(.message(name, fields), at: offset)
    }

    /// A call, or what the macro of that name makes of it.
    private mutating func finish(
        target: CELExpression?, _ name: String, _ arguments: [CELExpression], at offset: Int
    ) throws(CELIssue) -> CELExpression {
        if let expanded = try macros.expand(target: target, name, arguments, at: offset, with: &self) {
            return expanded
        }
        return node(.call(CELCall(target: target, function: name, arguments: arguments)), at: offset)
    }
}
