import Detection
import Documents

/// A condition in the JSON that the vectors write trees in.
enum DetectionTree {
    static func json(_ condition: Condition) -> String {
        var writer = JSONWriter()
        write(condition, &writer)
        return writer.string
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    private static func write(_ condition: Condition, _ writer: inout JSONWriter) {
        switch condition {
        case .expanded(_, let body): write(body, &writer)
        case .and(let children, _):
            writer.object { $0.member("and", array: { for child in children { write(child, &$0) } }) }
        case .or(let children, _):
            writer.object { $0.member("or", array: { for child in children { write(child, &$0) } }) }
        case .not(let child, _):
            writer.object { writer in
                writer.key("not")
                write(child, &writer)
            }
        case .macro(let name, _): writer.object { $0.member("ident", name) }
        case .exists(let operand, _):
            writer.object { writer in
                writer.member(
                    "check",
                    object: { writer in
                        writer.key("left")
                        write(operand, &writer)
                        writer.member("op", "exists")
                    })
            }
        case .check(let left, let comparison, let right, _):
            writer.object { writer in
                writer.member(
                    "check",
                    object: { writer in
                        writer.key("left")
                        write(left, &writer)
                        writer.member("op", comparison.text)
                        writer.key("right")
                        write(right, &writer)
                    })
            }
        }
    }

    private static func write(_ right: Comparand, _ writer: inout JSONWriter) {
        switch right {
        case .value(let value, _): writer.object { $0.member("value", text(value)) }
        case .values(let values, _): writer.object { $0.member("list", values.map(text)) }
        case .operand(let operand): write(operand, &writer)
        }
    }

    private static func write(_ operand: Operand, _ writer: inout JSONWriter) {
        switch operand {
        case .constant(let value, _): writer.object { $0.member("value", text(value)) }
        case .list(let elements, _):
            writer.object { $0.member("tlist", array: { for element in elements { write(element, &$0) } }) }
        case .field(let field, _):
            writer.object { writer in
                writer.member(
                    "field",
                    object: { writer in
                        if let argument = field.argument { writer.member("arg", text(argument)) }
                        writer.member("name", field.name)
                    })
            }
        case .transformed(let transformation, _):
            writer.object { writer in
                writer.member(
                    "transform",
                    object: { writer in
                        if let selector = transformation.selector { writer.member("arg", text(selector)) }
                        writer.member(
                            "args", array: { for each in transformation.arguments { write(each, &$0) } })
                        writer.member("fn", transformation.function.rawValue)
                    })
            }
        }
    }
}
