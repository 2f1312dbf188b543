/// Constants that probably are not what the author meant.
enum ConstantRemarks {
    static func remarks(
        _ comparison: Comparison, _ text: [UInt8], _ position: ConditionPosition, _ catalogue: FieldCatalogue
    ) -> [CompileWarning] {
        var out: [CompileWarning] = []
        if comparison.operator == .regex, !needsExpression(text) {
            out.append(
                CompileWarning(
                    message: "regex check with '\(text.asText)' may be optimized with simpler operators such as "
                        + "'=', 'contains', 'startswith', 'endswith'", position: position))
        }
        // Most constants have no dot and are neither fields nor transformers.
        guard text.contains(UInt8(ascii: ".")) || text.last == UInt8(ascii: ")") else { return out }
        let stripped = text.filter { !ConditionLexer.isSpace($0) }
        guard let isField = isField(stripped, catalogue) else { return out }
        if isField {
            out.append(
                CompileWarning(
                    message: "'\(text.asText)' may be a valid field misused as a const string value",
                    position: position))
        }
        for function in Transformation.Function.allCases
        where stripped.starts(with: Array("\(function.rawValue)(".utf8)) && stripped.last == UInt8(ascii: ")") {
            out.append(
                CompileWarning(
                    message: "'\(text.asText)' may be a valid field transformer misused as a const string value",
                    position: position))
        }
        return out
    }

    /// Whether the text is a field; nil where asking is an error, which ends the search for remarks.
    private static func isField(_ text: [UInt8], _ catalogue: FieldCatalogue) -> Bool? {
        let open = text.firstIndex(of: UInt8(ascii: "["))
        let name = open.map { Array(text[..<$0]) } ?? text
        var argument: [UInt8]?
        if let open {
            guard text.last == UInt8(ascii: "]") else { return false }
            argument = Array(text[(open + 1)..<(text.count - 1)])
        }
        do throws(FieldError) {
            _ = try catalogue.resolve(FieldReference(name.asText, argument))
            return true
        } catch {
            return error.message.contains("nonexistent field") ? false : nil
        }
    }

    /// Whether there is more in an expression than its ends and "anything" at them.
    private static func needsExpression(_ text: [UInt8]) -> Bool {
        let special = Array(".+*?^$()[]{}|\\".utf8)
        let occurrences = Array("+*?".utf8)
        var i = 0
        while i < text.count {
            let isEdge =
                (i == 0 && text[i] == UInt8(ascii: "^")) || (i == text.count - 1 && text[i] == UInt8(ascii: "$"))
            if isEdge {
                i += 1
                continue
            }
            if (i == 0 && text.count > 1) || i + 2 == text.count, text[i] == UInt8(ascii: "."),
                occurrences.contains(text[i + 1])
            {
                i += 2
                continue
            }
            if special.contains(text[i]) { return true }
            i += 1
        }
        return false
    }
}
