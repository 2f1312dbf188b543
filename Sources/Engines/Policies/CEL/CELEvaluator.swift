/// What an evaluation gave, and what it cost.
package struct CELResult: Sendable {
    package var value: CELValue
    /// In the units of the API server.
    package var cost: UInt64
}

extension CELProgram {
    /// The cost at which the API server stops an expression.
    package static let perCallLimit: UInt64 = 1_000_000

    /// Evaluates with variables; a name that is nil there has no value.
    package func evaluate(
        limit: UInt64 = CELProgram.perCallLimit, _ variable: @escaping (String) -> CELValue?
    ) -> CELResult {
        var evaluator = CELEvaluator(self, limit: limit, variable: variable)
        var value = evaluator.evaluate(plan)
        if evaluator.isCancelled { value = .error(CELError.costLimit) }
        return CELResult(value: value, cost: evaluator.cost)
    }

    package func evaluate(_ variables: [String: CELValue]) -> CELResult { evaluate { variables[$0] } }
}

extension CELError {
    package static let costLimit = CELError("operation cancelled: actual cost limit exceeded")
}

/// One evaluation: the values of the variables, and the bill.
struct CELEvaluator {
    private var slots: [CELValue?]
    private let costs: any CELCostRules
    private let limit: UInt64
    private let variable: (String) -> CELValue?
    private let refusesPresenceInScalars: Bool
    private(set) var cost: UInt64 = 0
    private(set) var isCancelled = false

    init(_ program: CELProgram, limit: UInt64, variable: @escaping (String) -> CELValue?) {
        slots = Array(repeating: nil, count: program.slots)
        costs = program.costs
        refusesPresenceInScalars = program.refusesPresenceInScalars
        self.limit = limit
        self.variable = variable
    }

    private mutating func charge(_ amount: UInt64) {
        let (sum, over) = cost.addingReportingOverflow(amount)
        cost = over ? UInt64.max : sum
        if cost > limit { isCancelled = true }
    }

    mutating func evaluate(_ plan: CELPlan) -> CELValue {
        if isCancelled { return .error(CELError.costLimit) }
        switch plan {
        case .constant(let value): return value
        case .attribute(let attribute):
            let value = resolve(attribute)
            if case .conditional = attribute.base {} else if !attribute.isTest { charge(1) }
            if attribute.isTest {
                switch value {
                case .optional(let inner): return .bool(inner != nil)
                default: return value
                }
            }
            return value
        case .and(let first, let second): return both(first, second, stop: false)
        case .or(let first, let second): return both(first, second, stop: true)
        case .equal(let first, let second, let isNegated):
            let a = evaluate(first)
            let b = evaluate(second)
            let value: CELValue
            if a.isError {
                value = a
            } else if b.isError {
                value = b
            } else if case .opaque(let opaque) = b, !opaque.isComparable {
                value = isNegated ? .bool(true) : .error(.noSuchOverload)
            } else {
                value = .bool((a == b) != isNegated)
            }
            let name = isNegated ? CELOperator.notEquals : CELOperator.equals
            charge(costs.cost(of: name, overload: isNegated ? "not_equals" : "equals", [a, b], value))
            return value
        case .call(let call): return evaluate(call)
        case .optionalOr(let first, let second, let isValue):
            let value = evaluate(first)
            switch value {
            case .error: return value
            case .optional(let inner?): return isValue ? inner : value
            case .optional(nil): return evaluate(second)
            // What is no optional is its own value, as the reference has it.
            default: return value
            }
        case .membership(let operand, let keys):
            let value = evaluate(operand)
            if value.isError { return value }
            return .bool(CELKey(value).map(keys.contains) ?? false)
        case .list(let elements, let optional): return list(elements, optional)
        case .map(let entries): return map(entries)
        case .message(let structure, let fields): return message(structure, fields)
        case .fold(let fold): return evaluate(fold)
        }
    }

    private mutating func both(_ first: CELPlan, _ second: CELPlan, stop: Bool) -> CELValue {
        let a = evaluate(first)
        if case .bool(stop) = a { return a }
        let b = evaluate(second)
        if case .bool(stop) = b { return b }
        for value in [a, b] {
            switch value {
            case .bool: continue
            case .error: return value
            default: return .error(.noSuchOverload)
            }
        }
        return .bool(!stop)
    }

    private mutating func evaluate(_ call: CELCallPlan) -> CELValue {
        var values: [CELValue] = []
        values.reserveCapacity(call.arguments.count)
        var failed: CELValue?
        for argument in call.arguments {
            let value = evaluate(argument)
            values.append(value)
            if value.isError, call.isStrict, failed == nil {
                failed = value
                // Beyond two arguments the first error ends it, and the rest is not looked at.
                if call.arguments.count > 2 { break }
            }
        }
        let value = failed ?? call.run?(values) ?? .error(CELError("no such overload: \(call.function)"))
        if values.count == call.arguments.count {
            charge(costs.cost(of: call.function, overload: call.overload, values, value))
        }
        return value
    }

    // MARK: Literals

    private mutating func list(_ elements: [CELPlan], _ optional: Set<Int>) -> CELValue {
        var values: [CELValue] = []
        values.reserveCapacity(elements.count)
        for (index, element) in elements.enumerated() {
            let value = evaluate(element)
            if value.isError { return charged(value, 10) }
            if optional.contains(index) {
                guard case .optional(let inner) = value else {
                    return charged(.error(CELError("invalid optional value type")), 10)
                }
                if let inner { values.append(inner) }
            } else {
                values.append(value)
            }
        }
        return charged(.list(.values(values)), 10)
    }

    private mutating func charged(_ value: CELValue, _ amount: UInt64) -> CELValue {
        charge(amount)
        return value
    }

    private mutating func map(_ entries: [CELEntryPlan]) -> CELValue {
        var pairs: [(CELValue, CELValue)] = []
        for entry in entries {
            let key = evaluate(entry.key)
            if key.isError { return charged(key, 30) }
            let value = evaluate(entry.value)
            if value.isError { return charged(value, 30) }
            if entry.isOptional {
                guard case .optional(let inner) = value else {
                    return charged(.error(CELError("cannot initialize optional entry")), 30)
                }
                if let inner { pairs.append((key, inner)) }
            } else {
                pairs.append((key, value))
            }
        }
        return charged(Self.map(pairs), 30)
    }

    static func map(_ pairs: some Sequence<(CELValue, CELValue)>) -> CELValue {
        var entries = CELEntries()
        for (key, value) in pairs {
            switch key {
            case .bool, .int, .uint, .string: break
            default: return .error(CELError("unsupported key type: \(key.runtimeType)"))
            }
            guard entries.insert(value, for: key) else {
                return .error(CELError("Failed with repeated key: \(key.plainText)"))
            }
        }
        return .map(.entries(entries))
    }

    private mutating func message(_ structure: CELStructure, _ fields: [CELFieldPlan]) -> CELValue {
        var values: [String: CELValue] = [:]
        for field in fields {
            let value = evaluate(field.value)
            if value.isError { return charged(value, 40) }
            if field.isOptional {
                guard case .optional(let inner) = value else {
                    return charged(.error(CELError("cannot initialize optional entry")), 40)
                }
                values[field.name] = inner
            } else {
                values[field.name] = value
            }
        }
        return charged(structure.make?(values) ?? .error(.noSuchOverload), 40)
    }

    // MARK: Folds

    private mutating func evaluate(_ fold: CELFoldPlan) -> CELValue {
        let range = evaluate(fold.range)
        slots[fold.accumulator] = nil
        switch range {
        case .error: return range
        case .list(let list):
            for (index, element) in list.values.enumerated() {
                slots[fold.variable] = fold.variable2 == nil ? element : .int(Int64(index))
                if let second = fold.variable2 { slots[second] = element }
                if !step(fold) { break }
            }
        case .map(let map):
            for key in map.keys {
                slots[fold.variable] = key
                if let second = fold.variable2 { slots[second] = map[key] ?? .null }
                if !step(fold) { break }
            }
        default: return .error(CELError("got '\(range.runtimeType.name)', expected iterable type"))
        }
        let result = evaluate(fold.result)
        slots[fold.accumulator] = nil
        return result
    }

    /// One round; false when the fold is over.
    private mutating func step(_ fold: CELFoldPlan) -> Bool {
        if isCancelled { return false }
        if case .bool(false) = evaluate(fold.condition) { return false }
        if append(fold) { return true }
        slots[fold.accumulator] = evaluate(fold.step)
        return true
    }

    /// `accumulator + [element]`, the step of `map`, without copying the list each time; false for other steps.
    private mutating func append(_ fold: CELFoldPlan) -> Bool {
        guard case .call(let call) = fold.step, call.function == CELOperator.add,
            case .attribute(let first) = call.arguments[0], case .accumulator(fold.accumulator, _) = first.base,
            first.qualifiers.isEmpty, case .list(let elements, let optional) = call.arguments[1],
            elements.count == 1, optional.isEmpty
        else { return false }
        let list = evaluate(call.arguments[0])
        slots[fold.accumulator] = nil
        let element = evaluate(elements[0])
        charge(10)
        guard case .list(.values(var values)) = consume list else {
            slots[fold.accumulator] = .error(.noSuchOverload)
            return true
        }
        charge(1)
        if element.isError {
            slots[fold.accumulator] = element
        } else {
            values.append(element)
            slots[fold.accumulator] = .list(.values(values))
        }
        return true
    }

    // MARK: Attributes

    private mutating func resolve(_ attribute: CELAttribute) -> CELValue {
        let base: CELValue
        switch attribute.base {
        case .variable(let name, let slot):
            if let known = slots[slot] {
                base = known
            } else {
                guard let value = variable(name) else { return .error(CELError("no such attribute(s): \(name)")) }
                slots[slot] = value
                base = value
            }
        case .local(let slot): base = slots[slot] ?? .null
        case .accumulator(let slot, let initial):
            if let known = slots[slot] {
                base = known
            } else {
                base = evaluate(initial)
                slots[slot] = base
            }
        case .value(let plan): base = evaluate(plan)
        case .conditional(let condition, let first, let second):
            switch evaluate(condition) {
            case .bool(true): return resolve(first)
            case .bool(false): return resolve(second)
            case .error(let error): return .error(error)
            default: return .error(.noSuchOverload)
            }
        }
        if attribute.qualifiers.isEmpty || base.isError { return base }
        return qualified(base, attribute.qualifiers)
    }

    private mutating func qualified(_ base: CELValue, _ qualifiers: [CELAttribute.Qualifier]) -> CELValue {
        var value = base
        var isOptional = false
        if case .optional(let inner) = base {
            guard let inner else {
                if case .presence = qualifiers[qualifiers.count - 1] { return .bool(false) }
                return base
            }
            isOptional = true
            value = inner
        }
        for qualifier in qualifiers {
            let key: CELValue
            switch qualifier {
            case .constant(let constant, let optional):
                key = constant
                isOptional = isOptional || optional
            case .attribute(let attribute, let optional):
                key = resolve(attribute)
                if key.isError { return key }
                isOptional = isOptional || optional
            case .presence(let constant):
                charge(1)
                return present(constant, in: value)
            }
            let found = Self.select(key, from: value)
            if !isOptional {
                charge(1)
                if found.isError { return found }
                value = found
            } else if case .error(let error) = found {
                // An optional selection forgives what is not there, not what cannot be asked.
                guard error == .noSuchKey(key) || error == .outOfBounds(key), !refuses(value) else {
                    charge(1)
                    return found
                }
                return .optional(nil)
            } else {
                charge(1)
                value = found
            }
            if case .optional(let inner) = value, isOptional {
                guard let inner else { return .optional(nil) }
                value = inner
            }
        }
        return isOptional ? .optional(value) : value
    }

    /// Whether looking for a key in a value is a mistake even where the key may be absent.
    private func refuses(_ value: CELValue) -> Bool {
        guard refusesPresenceInScalars else { return false }
        switch value {
        case .map, .list, .opaque, .optional: return false
        default: return true
        }
    }

    /// Whether a field is there.
    private func present(_ key: CELValue, in value: CELValue) -> CELValue {
        switch value {
        case .error: return value
        case .map(let map): return .bool(map[key] != nil)
        case .optional(let inner): return inner.map { present(key, in: $0) } ?? .bool(false)
        case .opaque(let opaque):
            guard case .string(let name) = key else { return .error(.noSuchOverload) }
            return .bool(opaque.hasField(name))
        case .list: return .error(CELError("unsupported index type 'string' in list"))
        default: return .bool(false)
        }
    }

    /// The member, element or field of a value.
    static func select(_ key: CELValue, from value: CELValue) -> CELValue {
        switch value {
        case .error: return value
        case .map(let map):
            if let found = map[key] { return found }
            switch key {
            case .bool, .int, .uint, .string, .double: return .error(.noSuchKey(key))
            default: return .error(.noSuchOverload)
            }
        case .list(let list):
            let index: Int64?
            switch key {
            case .int(let value): index = value
            case .uint(let value): index = Int64(exactly: value)
            case .double(let value): index = Int64(exactly: value)
            default: return .error(CELError("unsupported index type '\(key.runtimeType.name)' in list"))
            }
            if case .double = key, index == nil {
                return .error(CELError("unsupported index value \(key.plainText) in list"))
            }
            guard let index, index >= 0, let found = list[Int(index)] else { return .error(.outOfBounds(key)) }
            return found
        case .opaque(let opaque):
            guard case .string(let name) = key else { return .error(.noSuchOverload) }
            return opaque.field(name) ?? .error(CELError("no such field '\(name)'"))
        default: return .error(.noSuchKey(key))
        }
    }
}
