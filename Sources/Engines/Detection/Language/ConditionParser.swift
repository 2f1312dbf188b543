/// Text to `Condition`: a recursive descent with a bounded depth.
///
/// Follows Falco's grammar where it is odd, too: `in` needs no blank behind it, a double `not` cancels while parsing,
/// and depth counts every rule of the grammar that is entered.
package struct ConditionParser {
    /// What Falco's rule loader allows.
    package static let ruleDepth = 1000
    /// What a condition given by itself may use.
    package static let plainDepth = 100

    var lexer: ConditionLexer
    let maximumDepth: Int
    private var depth = 0

    init(_ bytes: [UInt8], maximumDepth: Int = plainDepth) {
        self.lexer = ConditionLexer(bytes)
        self.maximumDepth = maximumDepth
    }

    /// Reads a whole condition.
    package static func parse(
        _ text: String, maximumDepth: Int = plainDepth
    ) throws(ConditionError) -> Condition {
        try parse(Array(text.utf8), maximumDepth: maximumDepth)
    }

    package static func parse(
        _ bytes: [UInt8], maximumDepth: Int = plainDepth
    ) throws(ConditionError) -> Condition {
        var parser = ConditionParser(bytes, maximumDepth: maximumDepth)
        guard !bytes.isEmpty else { throw parser.error("filter input string is empty") }
        let condition = try parser.or()
        guard parser.lexer.isAtEnd else {
            throw parser.error("unexpected token after '\(parser.lexer.tokenText)', expecting 'or', 'and'")
        }
        return condition
    }

    /// Reads a field or transformer at the beginning of a text; what follows it is left. For output formats.
    static func parseOperand(_ bytes: [UInt8]) throws(ConditionError) -> (operand: Operand, length: Int) {
        var parser = ConditionParser(bytes)
        let operand = try parser.guarded { parser throws(ConditionError) in
            let position = parser.lexer.position
            if parser.lexer.fieldName() { return try parser.fieldRemainder(position) }
            if let function = parser.transformerName() {
                parser.lexer.blank()
                return try parser.transformerRemainder(function, position)
            }
            throw parser.error("unexpected token after '\(parser.lexer.tokenText)'")
        }
        return (operand, parser.lexer.position.offset)
    }

    func error(_ message: String) -> ConditionError { ConditionError(message, at: lexer.position) }

    /// Enters one rule of the grammar.
    private mutating func guarded<T>(
        _ body: (inout ConditionParser) throws(ConditionError) -> T
    ) throws(ConditionError) -> T {
        depth += 1
        defer { depth -= 1 }
        guard depth < maximumDepth else { throw error("exceeded max depth limit of \(maximumDepth)") }
        return try body(&self)
    }

    // MARK: Boolean structure

    private mutating func or() throws(ConditionError) -> Condition {
        try guarded { parser throws(ConditionError) in
            let position = parser.lexer.position
            let children = try parser.chain("or") { parser throws(ConditionError) in try parser.and() }
            return children.count > 1 ? .or(children, at: position) : children[0]
        }
    }

    private mutating func and() throws(ConditionError) -> Condition {
        try guarded { parser throws(ConditionError) in
            let position = parser.lexer.position
            let children = try parser.chain("and") { parser throws(ConditionError) in try parser.not() }
            return children.count > 1 ? .and(children, at: position) : children[0]
        }
    }

    private mutating func chain(
        _ word: String, _ next: (inout ConditionParser) throws(ConditionError) -> Condition
    ) throws(ConditionError) -> [Condition] {
        lexer.blank()
        var children = [try next(&self)]
        lexer.blank()
        while lexer.literal(word) {
            if lexer.blank() {
                children.append(try next(&self))
            } else if lexer.literal("(") {
                children.append(try embedded())
            } else {
                throw error("expected blank or '(' after '\(word)'")
            }
            lexer.blank()
        }
        return children
    }

    private mutating func not() throws(ConditionError) -> Condition {
        try guarded { parser throws(ConditionError) in
            let position = parser.lexer.position
            var isNegated = false
            parser.lexer.blank()
            while parser.lexer.notWithBlank() { isNegated.toggle() }
            let child: Condition
            if parser.lexer.literal("not(") {
                isNegated.toggle()
                child = try parser.embedded()
            } else {
                child = try parser.check()
            }
            return isNegated ? .not(child, at: position) : child
        }
    }

    /// What follows an opening parenthesis.
    private mutating func embedded() throws(ConditionError) -> Condition {
        try guarded { parser throws(ConditionError) in
            parser.lexer.blank()
            let child = try parser.or()
            parser.lexer.blank()
            guard parser.lexer.literal(")") else { throw parser.error("expected a ')' token") }
            return child
        }
    }

    private mutating func check() throws(ConditionError) -> Condition {
        try guarded { parser throws(ConditionError) in
            let position = parser.lexer.position
            parser.lexer.blank()
            if parser.lexer.literal("(") { return try parser.embedded() }
            if parser.lexer.fieldName() {
                let left = try parser.fieldRemainder(position)
                return try parser.comparison(left, position)
            }
            if let function = parser.transformerName() {
                parser.lexer.blank()
                let left = try parser.transformerRemainder(function, position)
                return try parser.comparison(left, position)
            }
            if parser.lexer.identifier() { return .macro(parser.lexer.tokenText, at: position) }
            throw parser.error("expected a '(' token, a field check, or an identifier")
        }
    }

    // MARK: Fields and transformers

    private mutating func fieldRemainder(_ position: ConditionPosition) throws(ConditionError) -> Operand {
        try guarded { parser throws(ConditionError) in
            let name = parser.lexer.tokenText
            return .field(FieldReference(name, try parser.argument()), at: position)
        }
    }

    private mutating func argument() throws(ConditionError) -> [UInt8]? {
        guard lexer.literal("[") else { return nil }
        guard try lexer.quotedString() || lexer.bareArgument() else {
            throw error("expected a valid field argument: a quoted string or a bare string")
        }
        let argument = lexer.token
        guard lexer.literal("]") else { throw error("expected a ']' token") }
        return argument
    }

    /// A transformer's name with its opening parenthesis.
    private mutating func transformerName(_ functions: [Transformation.Function] = transformers)
        -> Transformation.Function?
    {
        functions.first { lexer.literal("\($0.rawValue)(") }
    }

    private static let transformers = Transformation.Function.allCases.filter { $0 != .val }

    private mutating func transformerRemainder(
        _ function: Transformation.Function, _ position: ConditionPosition
    ) throws(ConditionError) -> Operand {
        try guarded { parser throws(ConditionError) in
            parser.lexer.blank()
            var arguments: [Operand] = []
            repeat {
                arguments.append(try parser.transformerArgument())
                parser.lexer.blank()
            } while parser.lexer.literal(",")
            parser.lexer.blank()
            guard parser.lexer.literal(")") else {
                throw parser.error("expected a ')' token closing the transformer")
            }
            return .transformed(
                Transformation(function: function, arguments: arguments, selector: try parser.argument()),
                at: position)
        }
    }

    private mutating func transformerArgument() throws(ConditionError) -> Operand {
        let position = lexer.position
        return try guarded { parser throws(ConditionError) in
            parser.lexer.blank()
            if parser.lexer.hexNumber() || parser.lexer.number() { return .constant(parser.lexer.token, at: position) }
            if try parser.lexer.quotedString() { return .constant(parser.lexer.token, at: position) }
            if parser.lexer.literal("(") { return .list(try parser.transformerList(), at: position) }
            if let function = parser.transformerName() {
                return try parser.transformerRemainder(function, position)
            }
            if parser.lexer.fieldName() { return try parser.fieldRemainder(position) }
            throw parser.error(
                "expected field transformer argument: field, transformer, quoted string, number, or transformer list")
        }
    }

    private mutating func transformerList() throws(ConditionError) -> [Operand] {
        lexer.blank()
        if lexer.literal(")") { return [] }
        var elements = [try transformerListElement(lexer.position)]
        lexer.blank()
        while lexer.literal(",") {
            lexer.blank()
            elements.append(try transformerListElement(lexer.position))
            lexer.blank()
        }
        guard lexer.literal(")") else { throw error("expected ')'") }
        return elements
    }

    private mutating func transformerListElement(_ position: ConditionPosition) throws(ConditionError) -> Operand {
        if lexer.fieldName() { return try fieldRemainder(position) }
        if let function = transformerName() {
            lexer.blank()
            return try transformerRemainder(function, position)
        }
        if try lexer.quotedString() { return .constant(lexer.token, at: position) }
        if lexer.hexNumber() || lexer.number() { return .constant(lexer.token, at: position) }
        throw error("expected transformer list argument: field, transformer, quoted string, or number")
    }

    // MARK: Comparisons

    private static let numeric: [Comparison.Operator] = [.lessOrEqual, .less, .greaterOrEqual, .greater]
    private static let textual: [Comparison.Operator] = [
        .sameAs, .equal, .notEqual, .glob, .iglob, .contains, .icontains, .bcontains, .startswith, .bstartswith,
        .endswith, .regex,
    ]
    private static let listed: [Comparison.Operator] = [.intersects, .in, .pmatch]

    private mutating func comparison(
        _ left: Operand, _ position: ConditionPosition
    ) throws(ConditionError) -> Condition {
        try guarded { parser throws(ConditionError) in
            parser.lexer.blank()
            if parser.lexer.literal("exists") { return .exists(left, at: position) }
            if let found = parser.lexer.oneOf(Self.numeric, blankAfterWords: true) {
                return .check(left, Comparison(found), try parser.numberOrTransformer(), at: position)
            }
            if let found = parser.lexer.oneOf(Self.textual, blankAfterWords: true) {
                let (modifier, right) = try parser.textOperand(after: found)
                return .check(left, Comparison(found, modifier), right, at: position)
            }
            if let found = parser.lexer.oneOf(Self.listed, blankAfterWords: false) {
                return .check(left, Comparison(found), try parser.listOrTransformer(), at: position)
            }
            throw parser.error("expected a valid check operator")
        }
    }

    /// A modifier with its list, or one value: `= anyof (a, b)` against `= anyof`.
    private mutating func textOperand(
        after found: Comparison.Operator
    ) throws(ConditionError) -> (Comparison.Modifier?, Comparand) {
        let isWord = found.rawValue.utf8.first.map(ConditionLexer.isLetter) ?? false
        let hadBlank = isWord || lexer.blank()
        let mark = lexer.mark
        if hadBlank, let modifier = lexer.oneOf(Comparison.Modifier.allCases, blankAfterWords: true),
            listFollows(), !lexer.keywordFollows
        {
            return (modifier, try list())
        }
        lexer.rewind(to: mark)
        return (nil, try stringOrTransformer())
    }

    private mutating func listFollows() -> Bool {
        if lexer.current == UInt8(ascii: "(") { return true }
        let mark = lexer.mark
        defer { lexer.rewind(to: mark) }
        return lexer.identifier()
    }

    private mutating func numberOrTransformer() throws(ConditionError) -> Comparand {
        try guarded { parser throws(ConditionError) in
            parser.lexer.blank()
            let position = parser.lexer.position
            if let operand = try parser.transformerOrVal() { return .operand(operand) }
            if parser.lexer.hexNumber() || parser.lexer.number() { return .value(parser.lexer.token, at: position) }
            throw parser.error("expected a number value or a field with a valid transformer")
        }
    }

    private mutating func stringOrTransformer() throws(ConditionError) -> Comparand {
        try guarded { parser throws(ConditionError) in
            parser.lexer.blank()
            let position = parser.lexer.position
            if let operand = try parser.transformerOrVal() { return .operand(operand) }
            if try parser.lexer.quotedString() || parser.lexer.bareString() {
                return .value(parser.lexer.token, at: position)
            }
            throw parser.error("expected a string value or a field with a valid transformer")
        }
    }

    /// A value inside a list.
    private mutating func plainString() throws(ConditionError) -> [UInt8] {
        try guarded { parser throws(ConditionError) in
            parser.lexer.blank()
            if try parser.lexer.quotedString() || parser.lexer.bareString() { return parser.lexer.token }
            throw parser.error("expected a string value")
        }
    }

    private mutating func list() throws(ConditionError) -> Comparand {
        try guarded { parser throws(ConditionError) in
            parser.lexer.blank()
            let position = parser.lexer.position
            if let list = try parser.parenthesised() { return list }
            if parser.lexer.identifier() { return .value(parser.lexer.token, at: position) }
            throw parser.error("expected a list or an identifier")
        }
    }

    private mutating func listOrTransformer() throws(ConditionError) -> Comparand {
        try guarded { parser throws(ConditionError) in
            parser.lexer.blank()
            let position = parser.lexer.position
            if let list = try parser.parenthesised() { return list }
            if let operand = try parser.transformerOrVal() { return .operand(operand) }
            if parser.lexer.identifier() { return .value(parser.lexer.token, at: position) }
            throw parser.error("expected a list, an identifier, or a field with a valid transformer")
        }
    }

    private mutating func parenthesised() throws(ConditionError) -> Comparand? {
        let position = lexer.position
        guard lexer.literal("(") else { return nil }
        var values: [[UInt8]] = []
        lexer.blank()
        // A head that is no string makes the list empty, whatever the reason: then only `)` may follow.
        var head: [UInt8]?
        do throws(ConditionError) { head = try plainString() } catch { head = nil }
        if let head {
            values.append(head)
            lexer.blank()
            while lexer.literal(",") {
                values.append(try plainString())
                lexer.blank()
            }
        }
        guard lexer.literal(")") else { throw error("expected a ')' token") }
        return .values(values, at: position)
    }

    /// `val(field)` or a transformer.
    private mutating func transformerOrVal() throws(ConditionError) -> Operand? {
        try guarded { parser throws(ConditionError) in
            parser.lexer.blank()
            let position = parser.lexer.position
            if parser.transformerName([.val]) != nil {
                parser.lexer.blank()
                let inner = parser.lexer.position
                guard parser.lexer.fieldName() else {
                    throw parser.error("expected a field within 'val' transformer")
                }
                let child = try parser.fieldRemainder(inner)
                parser.lexer.blank()
                guard parser.lexer.literal(")") else {
                    throw parser.error("expected a ')' token closing the transformer")
                }
                return .transformed(
                    Transformation(function: .val, arguments: [child], selector: try parser.argument()), at: position)
            }
            if let function = parser.transformerName() {
                parser.lexer.blank()
                return try parser.transformerRemainder(function, position)
            }
            return nil
        }
    }
}
