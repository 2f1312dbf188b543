/// Compiles conditions into one program. Equal checks, equal parts and macros are compiled once, however many rules
/// use them.
struct ProgramBuilder: Sendable {
    let catalogue: FieldCatalogue
    private(set) var program = Program()
    /// What the checks compiled so far are worth a remark for.
    var warnings: [CompileWarning] = []

    private static let mostWarnings = 1000

    private var slotIndexes: [FieldReference: Int] = [:]
    private var atomIndexes: [[Program.Atom: Int]] = []
    private var numberIndexes: [Program.NumberCheck: Int] = [:]
    private var nodeIndexes: [Program.Node: Int] = [:]
    private var leaves: [Condition: Leaf] = [:]
    private var macros: [String: Int] = [:]
    private var macroWarnings: [String: [CompileWarning]] = [:]

    private struct Leaf {
        var node: Int
        var warnings: [CompileWarning]
    }

    init(_ catalogue: FieldCatalogue) { self.catalogue = catalogue }

    /// The node of a condition whose macros are expanded.
    mutating func compile(_ condition: Condition) throws(CompileError) -> Int {
        switch condition {
        case .and(let children, _): return intern(.all(try compile(children)))
        case .or(let children, _): return intern(.any(try compile(children)))
        case .not(let child, _): return intern(.not(try compile(child)))
        case .expanded(let name, let body):
            // A macro is the same everywhere it stands.
            if let known = macros[name] {
                // Macros that double at every level would double their remarks, too.
                if warnings.count < Self.mostWarnings { warnings += macroWarnings[name] ?? [] }
                return known
            }
            let before = warnings.count
            let node = try compile(body)
            macros[name] = node
            macroWarnings[name] = Array(warnings[before...])
            return node
        case .macro(let name, let position):
            throw CompileError("filter error: unexpected identifier '\(name)'", at: position)
        case .exists, .check:
            if let known = leaves[condition] {
                warnings += known.warnings
                return known.node
            }
            let before = warnings.count
            let node: Int
            do throws(CompileError) {
                node = try leaf(condition)
            } catch {
                throw CompileError(error.message, at: condition.position)
            }
            leaves[condition] = Leaf(node: node, warnings: Array(warnings[before...]))
            return node
        }
    }

    private mutating func compile(_ children: [Condition]) throws(CompileError) -> [Int] {
        var out: [Int] = []
        out.reserveCapacity(children.count)
        for child in children { out.append(try compile(child)) }
        return out
    }

    /// The node of a check that was compiled before, for explanations.
    func node(of leaf: Condition) -> Int? { leaves[leaf]?.node }

    // MARK: Nodes

    mutating func intern(_ node: Program.Node) -> Int {
        if let known = nodeIndexes[node] { return known }
        let index = program.nodes.count
        program.nodes.append(node)
        program.nodeSlots.append(slots(below: node))
        nodeIndexes[node] = index
        return index
    }

    private func slots(below node: Program.Node) -> Program.SlotSet {
        switch node {
        case .never: .none
        case .bit(let slot, _): .one(slot)
        case .number(let check): .one(program.numberChecks[check].slot)
        case .wide: .many
        case .all(let children), .any(let children):
            children.reduce(Program.SlotSet.none) { $0.union(program.nodeSlots[$1]) }
        case .not(let child): program.nodeSlots[child]
        }
    }

    // MARK: Checks

    private mutating func leaf(_ condition: Condition) throws(CompileError) -> Int {
        switch condition {
        case .exists(let operand, _):
            if case .field(let field, _) = operand, let pair = Self.eitherEnd[field.name], field.argument == nil {
                return intern(.any([try presence(pair.0), try presence(pair.1)]))
            }
            let (compiled, type) = try self.operand(operand)
            return try single(compiled, type, Comparison(.exists), [])
        case .check(let left, let comparison, let right, _):
            if case .field(let field, _) = left, field.argument == nil, Self.eitherEnd[field.name] != nil {
                return try eitherEnd(field, comparison, right)
            }
            if case .field(let field, _) = left, field.name == "evt.around" {
                return try around(field, comparison, right)
            }
            return try check(left, comparison, right)
        case .and, .or, .not, .macro, .expanded: return intern(.never)
        }
    }

    private mutating func check(
        _ left: Operand, _ comparison: Comparison, _ right: Comparand
    ) throws(CompileError) -> Int {
        let (compiled, type) = try operand(left)
        if let refusal = CompiledComparison.refusal(comparison, type.type, type.isList) {
            throw CompileError("filter error: \(refusal)")
        }
        switch right {
        case .value(let value, let position): return try constants(compiled, type, comparison, [value], position)
        case .values(let values, let position): return try constants(compiled, type, comparison, values, position)
        case .operand(let operand):
            let (other, otherType) = try self.operand(operand)
            try refuse(comparison, type, otherType)
            let check = try CompiledComparison(
                comparison, type: type.type, isList: type.isList, matchesAnyElement: false, texts: [])
            return wide(Program.WideCheck(left: compiled, comparison: check, right: other))
        }
    }

    private mutating func constants(
        _ compiled: CompiledOperand, _ type: OperandType, _ comparison: Comparison, _ texts: [[UInt8]],
        _ position: ConditionPosition
    ) throws(CompileError) -> Int {
        for text in texts { warnings += ConstantRemarks.remarks(comparison, text, position, catalogue) }
        if type.name == "evt.type" || type.baseName == "evt.type" { try refuseUnknownTypes(texts) }
        return try single(compiled, type, comparison, texts)
    }

    private func refuseUnknownTypes(_ names: [[UInt8]]) throws(CompileError) {
        for name in names where !EventTypes.shared.knows(name.asText) {
            throw CompileError("unknown event type \(name.asText)")
        }
    }

    /// A check against constants.
    private mutating func single(
        _ operand: CompiledOperand, _ type: OperandType, _ comparison: Comparison, _ texts: [[UInt8]]
    ) throws(CompileError) -> Int {
        let slots = operand.slots
        let anyElement: Bool
        if case .field(let slot) = operand {
            anyElement = program.slots[slot].info.matchesAnyElement
        } else {
            anyElement = false
        }
        let compiled = try CompiledComparison(
            comparison, type: type.type, isList: type.isList && !anyElement, matchesAnyElement: anyElement, texts: texts
        )
        guard let slot = slots.first, slots.allSatisfy({ $0 == slot }) else {
            return wide(Program.WideCheck(left: operand, comparison: compiled, right: nil))
        }
        let asked = comparison.operator == .exists ? nil : compiled
        if program.slots[slot].isInterned { return bit(slot, Program.Atom(operand: operand, comparison: asked)) }
        guard case .field = operand else {
            return wide(Program.WideCheck(left: operand, comparison: compiled, right: nil))
        }
        return number(Program.NumberCheck(slot: slot, comparison: asked))
    }

    private mutating func bit(_ slot: Int, _ atom: Program.Atom) -> Int {
        let index: Int
        if let known = atomIndexes[slot][atom] {
            index = known
        } else {
            index = program.atoms[slot].count
            program.atoms[slot].append(atom)
            atomIndexes[slot][atom] = index
        }
        return intern(.bit(slot: slot, bit: index))
    }

    private mutating func number(_ check: Program.NumberCheck) -> Int {
        if let known = numberIndexes[check] { return intern(.number(known)) }
        let index = program.numberChecks.count
        program.numberChecks.append(check)
        numberIndexes[check] = index
        return intern(.number(index))
    }

    private mutating func wide(_ check: Program.WideCheck) -> Int {
        program.wideChecks.append(check)
        return intern(.wide(program.wideChecks.count - 1))
    }

    // MARK: Fields that stand for two

    /// Fields that ask for either end of a connection.
    private static let eitherEnd: [String: (String, String)] = [
        "fd.ip": ("fd.cip", "fd.sip"), "fd.port": ("fd.cport", "fd.sport"), "fd.proto": ("fd.cport", "fd.sport"),
        "fd.net": ("fd.cip", "fd.sip"),
    ]

    private mutating func presence(_ name: String) throws(CompileError) -> Int {
        let slot = try self.slot(FieldReference(name))
        let type = program.slots[slot].info
        return try single(
            .field(slot),
            OperandType(type: type.type, isList: false, baseType: type.type, baseIsList: false, name: name),
            Comparison(.exists), [])
    }

    /// Equality holds for either end, inequality must hold for both that there are.
    private mutating func eitherEnd(
        _ field: FieldReference, _ comparison: Comparison, _ right: Comparand
    ) throws(CompileError) -> Int {
        guard let pair = Self.eitherEnd[field.name] else { throw CompileError(FieldError.nonexistent(field).message) }
        let info = try resolved(field)
        if let refusal = CompiledComparison.refusal(comparison, info.type, false) {
            throw CompileError("filter error: \(refusal)")
        }
        var texts: [[UInt8]]
        switch right {
        case .value(let value, _): texts = [value]
        case .values(let values, _): texts = values
        case .operand: throw CompileError("field '\(field.name)' doesn't support right-hand side fields")
        }
        // Only the first network of a list counts for fd.net: Falco looks at no other.
        if field.name == "fd.net", texts.count > 1 {
            for text in texts { _ = try ConstantReader.network(text) }
            texts = [texts[0]]
        }
        let type = OperandType(
            type: info.type, isList: false, baseType: info.type, baseIsList: false, name: field.name)
        let first = try single(.field(try slot(FieldReference(pair.0))), type, comparison, texts)
        let second = try single(.field(try slot(FieldReference(pair.1))), type, comparison, texts)
        guard comparison.operator == .notEqual else { return intern(.any([first, second])) }
        let noFirst = intern(.not(try presence(pair.0)))
        let noSecond = intern(.not(try presence(pair.1)))
        return intern(
            .any([intern(.all([first, second])), intern(.all([first, noSecond])), intern(.all([second, noFirst]))]))
    }

    /// `evt.around[T] = N`: within N milliseconds of the nanosecond T.
    private mutating func around(
        _ field: FieldReference, _ comparison: Comparison, _ right: Comparand
    ) throws(CompileError) -> Int {
        _ = try resolved(field)
        guard comparison == Comparison(.equal) || comparison == Comparison(.sameAs) else {
            throw CompileError("evt.around supports only '=' comparison operator")
        }
        guard case .value(let text, _) = right, let centre = NumberText.unsigned(field.argument ?? []) else {
            throw CompileError("field 'evt.around' doesn't support right-hand side fields")
        }
        guard let span = NumberText.unsigned(text) else { throw CompileError("\(text.asText) is not a valid number") }
        let delta = span.multipliedReportingOverflow(by: 1_000_000)
        let width = delta.overflow ? UInt64.max : delta.partialValue
        let low = centre > width ? centre - width : 0
        let high = centre.addingReportingOverflow(width)
        let time = try slot(FieldReference("evt.rawtime"))
        let type = OperandType(
            type: .abstime, isList: false, baseType: .abstime, baseIsList: false, name: "evt.rawtime")
        let after = try single(.field(time), type, Comparison(.greaterOrEqual), [Array(String(low).utf8)])
        let before = try single(
            .field(time), type, Comparison(.lessOrEqual),
            [Array(String(high.overflow ? UInt64.max : high.partialValue).utf8)])
        return intern(.all([after, before]))
    }

    // MARK: Operands

    private func resolved(_ field: FieldReference) throws(CompileError) -> FieldInfo {
        do throws(FieldError) {
            return try catalogue.resolve(field)
        } catch {
            throw CompileError(error.message)
        }
    }

    private static let networkOf: [String: String] = [
        "fd.cnet": "fd.cip", "fd.snet": "fd.sip", "fd.lnet": "fd.lip", "fd.rnet": "fd.rip",
    ]

    /// The slot of a field; the network fields read the slot of their address.
    mutating func slot(_ field: FieldReference) throws(CompileError) -> Int {
        let info = try resolved(field)
        if let address = Self.networkOf[field.name] { return try slot(FieldReference(address)) }
        if let known = slotIndexes[field] { return known }
        let kind: Program.Slot.Kind
        if info.isList || info.matchesAnyElement {
            kind = info.type.isNumeric || info.type == .bool ? .numberList : .list
        } else {
            kind = info.type == .bool ? .bool : info.type.isNumeric ? .number : .text
        }
        let index = program.slots.count
        program.slots.append(Program.Slot(field: field, info: info, kind: kind))
        program.atoms.append([])
        atomIndexes.append([:])
        slotIndexes[field] = index
        return index
    }

    mutating func operand(_ operand: Operand) throws(CompileError) -> (CompiledOperand, OperandType) {
        switch operand {
        case .field(let field, _):
            let info = try resolved(field)
            var type = OperandType(
                type: info.type, isList: info.isList, baseType: info.type, baseIsList: info.isList, name: field.name)
            type.standsAlone = info.standsAlone
            type.refusesTransformers = info.refusesTransformers
            return (.field(try slot(field)), type)
        case .constant(let bytes, _): return (.constant(bytes), .text())
        case .list(let elements, _):
            var out: [CompiledOperand] = []
            for element in elements { out.append(try textual(element)) }
            return (.list(out), .text(isList: true))
        case .transformed(let transformation, _): return try transformed(transformation)
        }
    }

    /// An element of a list; numbers become their text.
    private mutating func textual(_ element: Operand) throws(CompileError) -> CompiledOperand {
        let (compiled, type) = try operand(element)
        return type.baseType.isNumeric ? .numberText(compiled, type.baseType) : compiled
    }

    private mutating func transformed(
        _ transformation: Transformation
    ) throws(CompileError) -> (CompiledOperand, OperandType) {
        var arguments: [(CompiledOperand, OperandType)] = []
        for argument in transformation.arguments { arguments.append(try operand(argument)) }
        let name = transformation.function.rawValue
        if transformation.function == .val || arguments.count == 1 {
            guard transformation.selector == nil else {
                throw CompileError("filter error: transformer '\(name)' does not support field arguments")
            }
        }
        if transformation.function == .val { return arguments[0] }
        if arguments.count == 1 { return try mapped(transformation.function, arguments[0].0, arguments[0].1) }
        let types = arguments.map(\.1)
        switch transformation.function {
        case .join:
            guard arguments.count == 2 else {
                throw CompileError("join() requires exactly 2 arguments: separator and list")
            }
            guard !types[0].baseIsList else {
                throw CompileError("join() first argument (separator) must be a single value, not a list")
            }
            guard types[1].baseIsList else { throw CompileError("join() second argument must be a list") }
            guard transformation.selector == nil else {
                throw CompileError("transformer 'join' does not support field arguments")
            }
            return (.join(arguments[0].0, arguments[1].0), .text())
        case .concat:
            guard types.allSatisfy({ $0.baseType == .string && !$0.baseIsList }) else {
                throw CompileError("concat() arguments must be strings")
            }
            guard transformation.selector == nil else {
                throw CompileError("transformer 'concat' does not support field arguments")
            }
            return (.concat(arguments.map(\.0)), .text())
        case .getopt:
            guard arguments.count == 2 else {
                throw CompileError("getopt() requires exactly 2 arguments: args list and optstring")
            }
            guard types[0].baseIsList else { throw CompileError("getopt() first argument must be a list") }
            guard !types[1].baseIsList else {
                throw CompileError("getopt() second argument (optstring) must be a single value")
            }
            guard types[0].baseType == .string, types[1].baseType == .string else {
                throw CompileError("getopt() arguments must be strings")
            }
            guard let selector = transformation.selector else {
                var type = OperandType.text(isList: true)
                type.baseIsList = false
                return (.getopt(arguments[0].0, arguments[1].0, nil), type)
            }
            guard selector.count == 1 else {
                throw CompileError("getopt() field argument must be a single option character")
            }
            return (.getopt(arguments[0].0, arguments[1].0, selector[0]), .text())
        case .val, .tolower, .toupper, .b64, .basename, .len: throw CompileError("unknown multivalue transformer")
        }
    }

    private func mapped(
        _ function: Transformation.Function, _ inner: CompiledOperand, _ type: OperandType
    ) throws(CompileError) -> (CompiledOperand, OperandType) {
        guard !type.refusesTransformers else {
            throw CompileError("field '\(type.name)' does not support transformers")
        }
        let accepted =
            switch function {
            case .tolower, .toupper, .basename: type.type.isText
            case .b64: type.type == .string || type.type == .bytes
            case .len: type.isList || type.type.isText || type.type == .bytes
            case .val, .join, .concat, .getopt: false
            }
        guard accepted else {
            throw CompileError(
                "can't add field transformer: type '\(type.type.falcoName)' is not supported by "
                    + "'\(function.rawValue)' transformer applied on \(type.isList ? "list " : "")field '\(type.name)'")
        }
        var result = type
        if function == .len { (result.type, result.isList) = (.uint64, false) }
        result.baseName = type.baseName ?? type.name
        return (.mapped(function, inner, type: type.type, isList: type.isList), result)
    }

    /// Whether two fields may be compared.
    private func refuse(_ comparison: Comparison, _ left: OperandType, _ right: OperandType) throws(CompileError) {
        switch comparison.operator {
        case .pmatch, .regex:
            throw CompileError(
                "operator '\(comparison.operator.rawValue.uppercased())' doesn't support right-hand side fields")
        default: break
        }
        guard left.type != .ipnet else {
            throw CompileError("field type 'IPNET' doesn't support right-hand side fields")
        }
        guard !left.standsAlone else {
            throw CompileError("field '\(left.name)' doesn't support right-hand side fields")
        }
        guard !right.standsAlone else {
            throw CompileError("field '\(right.name)' can't be used as a right-hand side field")
        }
        guard left.type == right.type, left.isList == right.isList else {
            throw CompileError(
                "field '\(left.name)' has type '\(left.type.falcoName)'\(left.isList ? " (list)" : "") while the "
                    + "right-hand side field '\(right.name)' has incompatible type "
                    + "'\(right.type.falcoName)'\(right.isList ? " (list)" : "")")
        }
    }
}
