import Detection
import Documents

/// What must hold for every text: as a condition it is read or refused and prints as what it was; as a rule file it is
/// loaded or refused with a place; as a pattern it compiles or not and then answers.
enum DetectionTarget {
    static func run(_ bytes: [UInt8]) {
        guard let kind = bytes.first else { return }
        let rest = Array(bytes.dropFirst())
        switch kind % 4 {
        case 0, 1: condition(rest)
        case 2: rules(rest)
        default: pattern(rest)
        }
    }

    private static func condition(_ bytes: [UInt8]) {
        guard let condition = try? ConditionParser.parse(bytes, maximumDepth: ConditionParser.ruleDepth) else { return }
        guard let again = try? ConditionParser.parse(condition.bytes, maximumDepth: 4 * ConditionParser.ruleDepth)
        else {
            preconditionFailure("what is printed reads")
        }
        precondition(again == condition, "and is the same")
        for catalogue in [FieldCatalogue.syscall, .audit] {
            guard var filter = try? ConditionFilter(condition, catalogue) else { continue }
            _ = filter.holds { _ in nil }
            _ = filter.holds { _ in [.bytes(bytes), .number(UInt64(bytes.count))] }
        }
    }

    private static func rules(_ bytes: [UInt8]) {
        var set = RuleSet()
        let result = set.load(SourceText(name: "fuzz.yaml", bytes: bytes))
        for message in result.errors + result.warnings {
            precondition(message.line >= 1 && message.column >= 1, "a message has a place")
        }
        precondition(result.errors.isEmpty || set.rules.isEmpty, "a file that failed leaves no rule")
        for rule in set.rules { _ = rule.output.text { _, _ in nil } }
    }

    private static func pattern(_ bytes: [UInt8]) {
        let half = bytes.count / 2
        guard let expression = try? RegularExpression(Array(bytes[..<half])) else { return }
        _ = expression.matches(Array(bytes[half...]))
    }
}

/// What libFuzzer calls with each text.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    DetectionTarget.run(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}
