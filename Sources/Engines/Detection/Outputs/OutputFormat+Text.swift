extension OutputFormat {
    /// What an absent value prints as.
    package static let absent = "<NA>"

    /// The output with an event's values in it; `values` gives those of a field.
    package func text(_ values: (FieldReference, FieldInfo) -> [FieldValue]?) -> String {
        var out = ""
        for (piece, evaluated) in zip(pieces, evaluators) {
            switch piece {
            case .text(let text): out += text
            case .value(_, _, let width):
                let text = evaluated?.text(values) ?? Self.absent
                guard width > 0 else {
                    out += text
                    continue
                }
                let bytes = Array(text.utf8.prefix(width))
                out += String(decoding: bytes, as: UTF8.self)
                out += String(repeating: " ", count: max(0, width - bytes.count))
            }
        }
        return out
    }

    /// The values that an alert lists, in the order they come, absent ones as nil.
    package func fieldValues(
        _ values: (FieldReference, FieldInfo) -> [FieldValue]?
    ) -> [(name: String, value: OutputValue?)] {
        zip(fields, fieldEvaluators).compactMap { field, evaluator in
            // Falco leaves transformed values out of its JSON.
            field.isTransformed ? nil : (field.name, evaluator.value(values))
        }
    }
}

/// A value of an output as JSON has it.
package enum OutputValue: Sendable, Hashable {
    case text(String)
    case signed(Int64)
    case unsigned(UInt64)
    case decimal(Double)
    case bool(Bool)
    case list([OutputValue])
}

/// An operand of an output, ready to be printed.
struct OutputEvaluator: Sendable {
    let operand: CompiledOperand
    let type: ValueType
    let isList: Bool
    let info: FieldInfo?
    /// The fields the operand reads, by slot.
    let fields: [(FieldReference, FieldInfo)]

    init(_ operand: Operand, _ catalogue: FieldCatalogue) throws(CompileError) {
        var builder = ProgramBuilder(catalogue)
        let (compiled, type) = try builder.operand(operand)
        self.operand = compiled
        self.type = type.type
        isList = type.isList
        fields = builder.program.slots.map { ($0.field, $0.info) }
        if case .field(let field, _) = operand, let found = try? catalogue.resolve(field) {
            info = found
        } else {
            info = nil
        }
    }

    private func evaluate(_ values: (FieldReference, FieldInfo) -> [FieldValue]?) -> [FieldValue]? {
        operand.values { values(fields[$0].0, fields[$0].1) }
    }

    func text(_ values: (FieldReference, FieldInfo) -> [FieldValue]?) -> String? {
        guard let found = evaluate(values) else { return nil }
        func one(_ value: FieldValue) -> String {
            ValueText.text(
                value, type, isPadded: info?.isPadded ?? false, isHexadecimal: info?.isHexadecimal ?? false)
        }
        guard isList else { return found.first.map(one) }
        // Falco's buffer for a list ends after 1023 bytes.
        let text = "(\(found.map(one).joined(separator: ",")))"
        return text.utf8.count > 1023 ? String(decoding: text.utf8.prefix(1023), as: UTF8.self) : text
    }

    func value(_ values: (FieldReference, FieldInfo) -> [FieldValue]?) -> OutputValue? {
        guard let found = evaluate(values) else { return nil }
        guard isList else { return found.first.map(one) }
        return .list(found.map(one))
    }

    private func one(_ value: FieldValue) -> OutputValue {
        guard case .number(let number) = value else { return .text(ValueText.text(value, type)) }
        if type == .bool { return .bool(number != 0) }
        if type == .double { return .decimal(Double(bitPattern: number)) }
        if info?.isPadded ?? false || info?.isHexadecimal ?? false {
            return .text(
                ValueText.text(
                    value, type, isPadded: info?.isPadded ?? false, isHexadecimal: info?.isHexadecimal ?? false))
        }
        return type.isSigned ? .signed(Int64(bitPattern: number)) : .unsigned(number)
    }
}
