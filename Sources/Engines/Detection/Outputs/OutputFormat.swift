/// The output of a rule: text with fields in it.
package struct OutputFormat: Sendable {
    package enum Piece: Sendable {
        case text(String)
        /// A field or transformer; `width` cuts or fills what it prints.
        case value(Operand, name: String, width: Int)
    }

    /// The template as written.
    package let template: String
    package private(set) var pieces: [Piece] = []
    /// What alerts list under `output_fields`: fields, and transformers over them, in the order they come.
    package private(set) var fields: [(name: String, operand: Operand, isTransformed: Bool)] = []
    /// One for each piece; nil for text.
    private(set) var evaluators: [OutputEvaluator?] = []
    /// One for each of `fields`.
    private(set) var fieldEvaluators: [OutputEvaluator] = []

    init(_ template: String, _ catalogue: FieldCatalogue) throws(CompileError) {
        self.template = template
        guard !template.isEmpty else { throw CompileError("empty formatting token") }
        var bytes = Array(template.utf8)
        if bytes.first == UInt8(ascii: "*") { bytes.removeFirst() }
        var textStart = 0
        var i = 0
        while i < bytes.count {
            guard bytes[i] == UInt8(ascii: "%") else {
                i += 1
                continue
            }
            if textStart < i { add(text: bytes[textStart..<i]) }
            i += 1
            guard i < bytes.count else {
                throw CompileError("invalid formatting syntax: formatting cannot end with a %")
            }
            var width = 0
            while i < bytes.count, ConditionLexer.isDigit(bytes[i]) {
                width = min(width * 10 + Int(bytes[i] - 0x30), 1 << 16)
                i += 1
            }
            guard i < bytes.count else {
                throw CompileError("invalid formatting syntax: formatting cannot end with a number")
            }
            let (operand, length) = try Self.longest(bytes[i...], catalogue)
            let name = Self.name(operand)
            pieces.append(.value(operand, name: name, width: width))
            evaluators.append(try OutputEvaluator(operand, catalogue))
            note(operand)
            i += length
            textStart = i
        }
        if textStart < bytes.count { add(text: bytes[textStart...]) }
        for field in fields { fieldEvaluators.append(try OutputEvaluator(field.operand, catalogue)) }
    }

    private mutating func add(text: ArraySlice<UInt8>) {
        pieces.append(.text(text.asString))
        evaluators.append(nil)
    }

    /// The longest beginning of the text that is a field or transformer.
    private static func longest(
        _ text: ArraySlice<UInt8>, _ catalogue: FieldCatalogue
    ) throws(CompileError) -> (Operand, Int) {
        // Falco tries every beginning from the longest down. A beginning reads the same as a longer one unless the cut
        // falls into what was read, so it is enough to cut there.
        var limit = text.count
        var failure = ""
        while limit > 0 {
            let head = Array(text.prefix(limit))
            do throws(ConditionError) {
                let (operand, length) = try ConditionParser.parseOperand(head)
                do throws(CompileError) {
                    var builder = ProgramBuilder(catalogue)
                    _ = try builder.operand(operand)
                    return (operand, length)
                } catch {
                    failure = error.message
                    limit = min(limit, length) - 1
                }
            } catch {
                failure = error.message
                limit = min(limit - 1, max(error.position.offset, 0))
            }
        }
        throw CompileError("unknown filter: \(failure)")
    }

    /// What alerts call a value.
    static func name(_ operand: Operand) -> String {
        switch operand {
        case .field(let field, _): return field.name + bracket(field.argument)
        case .transformed(let transformation, _):
            let arguments = transformation.arguments.map(name).joined(separator: ",")
            return "\(transformation.function.rawValue)(\(arguments))\(bracket(transformation.selector))"
        case .constant(let bytes, _): return escaped(bytes)
        case .list(let elements, _): return "(\(elements.map(name).joined(separator: ",")))"
        }
    }

    private static func bracket(_ argument: [UInt8]?) -> String {
        guard let argument else { return "" }
        return argument.isEmpty ? "[\"\"]" : "[\(escaped(argument))]"
    }

    private static func escaped(_ bytes: [UInt8]) -> String {
        var out = ""
        var needsQuotes = false
        for scalar in bytes.asText.unicodeScalars {
            switch scalar {
            case "\u{08}": out += "\\b"
            case "\u{0C}": out += "\\f"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case "\\": out += "\\\\"
            case "\"": out += "\\\""
            case " ", "=", "'", "\0": out.unicodeScalars.append(scalar)
            default:
                out.unicodeScalars.append(scalar)
                continue
            }
            needsQuotes = true
        }
        return needsQuotes ? "\"\(out)\"" : out
    }

    private mutating func note(_ operand: Operand) {
        switch operand {
        case .field: fields.append((Self.name(operand), operand, false))
        case .transformed(let transformation, _):
            for argument in transformation.arguments { note(argument) }
            if fields.last?.isTransformed ?? false, case .transformed? = transformation.arguments.last {
                fields.removeLast()
            }
            fields.append((Self.name(operand), operand, true))
        case .list(let elements, _): for element in elements { note(element) }
        case .constant: break
        }
    }
}

extension ArraySlice<UInt8> {
    fileprivate var asString: String { String(decoding: self, as: UTF8.self) }
}
