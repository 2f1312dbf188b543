/// Prints conditions so that reading the text again gives the same tree.
///
/// Falco's own printing does not: it leaves empty strings and parentheses without quotes and drops the parentheses of
/// a double `not`.
extension Condition: CustomStringConvertible {
    package var description: String {
        var printer = ConditionPrinter()
        printer.print(self)
        return String(decoding: printer.out, as: UTF8.self)
    }

    /// The text as bytes; constants may hold bytes that are no text.
    package var bytes: [UInt8] {
        var printer = ConditionPrinter()
        printer.print(self)
        return printer.out
    }
}

struct ConditionPrinter {
    private(set) var out: [UInt8] = []

    mutating func print(_ condition: Condition) {
        switch condition {
        case .and(let children, _): join(children, " and ")
        case .or(let children, _): join(children, " or ")
        case .not(let child, _):
            // "not not x" would read as "x".
            if case .not = child.unwrapped {
                write("not (")
                print(child)
                write(")")
            } else {
                write("not ")
                print(child)
            }
        case .macro(let name, _): write(name)
        case .expanded(_, let body): print(body)
        case .exists(let operand, _):
            print(operand)
            write(" exists")
        case .check(let left, let comparison, let right, _):
            print(left)
            write(" \(comparison.text) ")
            print(right, after: comparison)
        }
    }

    private mutating func join(_ children: [Condition], _ separator: String) {
        write("(")
        for (i, child) in children.enumerated() {
            if i > 0 { write(separator) }
            print(child)
        }
        write(")")
    }

    mutating func print(_ operand: Operand) {
        switch operand {
        case .field(let field, _):
            write(field.name)
            print(argument: field.argument)
        case .transformed(let transformation, _):
            write("\(transformation.function.rawValue)(")
            list(transformation.arguments)
            write(")")
            print(argument: transformation.selector)
        case .constant(let bytes, _): quote(bytes)
        case .list(let elements, _):
            write("(")
            list(elements)
            write(")")
        }
    }

    private mutating func list(_ operands: [Operand]) {
        for (i, operand) in operands.enumerated() {
            if i > 0 { write(", ") }
            print(operand)
        }
    }

    private mutating func print(argument: [UInt8]?) {
        guard let argument else { return }
        write("[")
        let isBare =
            !argument.isEmpty && argument.allSatisfy { $0 > 0x20 && $0 < 0x7F && ConditionLexer.belongsToArgument($0) }
        if isBare { out += argument } else { quote(argument) }
        write("]")
    }

    private mutating func print(_ right: Comparand, after comparison: Comparison) {
        switch right {
        case .operand(let operand): print(operand)
        case .values(let values, _):
            write("(")
            for (i, value) in values.enumerated() {
                if i > 0 { write(", ") }
                print(value: value)
            }
            write(")")
        case .value(let value, _):
            switch comparison.operator {
            // Numbers take no quotes; a list operator's single value is the name of a list.
            case .less, .lessOrEqual, .greater, .greaterOrEqual, .in, .intersects, .pmatch: out += value
            default: if comparison.modifier == nil { print(value: value) } else { out += value }
            }
        }
    }

    private mutating func print(value: [UInt8]) {
        let isBare =
            !value.isEmpty && value.allSatisfy { $0 > 0x20 && $0 < 0x7F && ConditionLexer.belongsToValue($0) }
            && !Self.wordsOfTheLanguage.contains(value)
        if isBare { out += value } else { quote(value) }
    }

    /// Values that something else could be read into.
    private static let wordsOfTheLanguage = Set(
        (Comparison.Modifier.allCases.map(\.rawValue) + ["and", "or", "not"]).map { Array($0.utf8) })

    private mutating func quote(_ bytes: [UInt8]) {
        write("\"")
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "\\"):
                // Written in hexadecimal: a plain "\\" before the closing quote would keep the string open.
                write("\\x5c")
            case UInt8(ascii: "\""): write("\\\"")
            case 0x20...0x7E: out.append(byte)
            case 0x80...: out.append(byte)
            default:
                write("\\x")
                out.append(Self.hexDigit(byte >> 4))
                out.append(Self.hexDigit(byte & 15))
            }
        }
        write("\"")
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x61 + value - 10 }

    private mutating func write(_ text: String) { out += Array(text.utf8) }
}

extension Condition {
    fileprivate var unwrapped: Condition {
        if case .expanded(_, let body) = self { return body.unwrapped }
        return self
    }
}
