/// An expression made ready to be evaluated: names are places, calls are functions, constants are values.
///
/// The steps are those of the reference interpreter, for what an expression costs is counted by its steps.
indirect enum CELPlan: Sendable {
    case constant(CELValue)
    case attribute(CELAttribute)
    case and(CELPlan, CELPlan)
    case or(CELPlan, CELPlan)
    case equal(CELPlan, CELPlan, isNegated: Bool)
    case call(CELCallPlan)
    /// `a.or(b)` and `a.orValue(b)`, whose other side is looked at only where there is no value; they cost nothing.
    case optionalOr(CELPlan, CELPlan, isValue: Bool)
    /// `x in [constants]`: a look into a set, which costs nothing beyond `x`.
    case membership(CELPlan, Set<CELKey>)
    case list([CELPlan], optional: Set<Int>)
    case map([CELEntryPlan])
    case message(CELStructure, [CELFieldPlan])
    case fold(CELFoldPlan)
}

struct CELCallPlan: Sendable {
    var function: String
    /// The overload, where the checker left only one.
    var overload: String
    var arguments: [CELPlan]
    /// Nil for a function that nobody declared.
    var run: (@Sendable ([CELValue]) -> CELValue)?
    var isStrict: Bool
}

struct CELEntryPlan: Sendable {
    var key: CELPlan
    var value: CELPlan
    var isOptional: Bool
}

struct CELFieldPlan: Sendable {
    var name: String
    var value: CELPlan
    var isOptional: Bool
}

/// A name, or a value, and what is selected from it.
struct CELAttribute: Sendable {
    indirect enum Base: Sendable {
        /// A variable given from outside.
        case variable(String, slot: Int)
        /// A variable of a fold.
        case local(slot: Int)
        /// The accumulator of a fold, computed when it is first looked at.
        case accumulator(slot: Int, initial: CELPlan)
        case value(CELPlan)
        case conditional(CELPlan, CELAttribute, CELAttribute)
    }

    enum Qualifier: Sendable {
        case constant(CELValue, isOptional: Bool)
        case attribute(CELAttribute, isOptional: Bool)
        /// The question of `has`.
        case presence(CELValue)
    }

    var base: Base
    var qualifiers: [Qualifier] = []
    var isTest = false

    mutating func add(_ qualifier: Qualifier) {
        // What is selected from a choice is selected from either side.
        if case .conditional(let condition, var first, var second) = base {
            first.add(qualifier)
            second.add(qualifier)
            base = .conditional(condition, first, second)
        } else {
            qualifiers.append(qualifier)
        }
    }
}

struct CELFoldPlan: Sendable {
    var range: CELPlan
    var variable: Int
    var variable2: Int?
    var accumulator: Int
    var initial: CELPlan
    var condition: CELPlan
    var step: CELPlan
    var result: CELPlan
}

/// An expression that is compiled: checked, planned and priced.
package struct CELProgram: Sendable {
    let plan: CELPlan
    let slots: Int
    let costs: any CELCostRules
    let refusesPresenceInScalars: Bool
    /// The type of the result.
    package let type: CELType

    /// Compiles an expression that has been checked. Throws what is wrong with constant parts.
    package init(_ checked: CELChecked, in environment: CELEnvironment) throws(CELError) {
        var planner = CELPlanner(environment, references: checked.references)
        plan = try planner.plan(checked.root)
        slots = planner.slots
        costs = environment.costs
        refusesPresenceInScalars = environment.refusesPresenceInScalars
        type = checked.type
    }

    /// Compiles an expression without checking it: names are what they turn out to be.
    package init(unchecked syntax: CELSyntax, in environment: CELEnvironment) throws(CELError) {
        var planner = CELPlanner(environment, references: nil)
        plan = try planner.plan(syntax.root)
        slots = planner.slots
        costs = environment.costs
        refusesPresenceInScalars = environment.refusesPresenceInScalars
        type = .dyn
    }
}

/// Turns expressions into steps.
struct CELPlanner {
    private let environment: CELEnvironment
    /// Nil for an expression that was not checked.
    private let references: [Int: CELReference]?
    private var scopes: [[String: CELAttribute.Base]] = []
    private var variables: [String: Int] = [:]
    private(set) var slots = 0

    init(_ environment: CELEnvironment, references: [Int: CELReference]?) {
        self.environment = environment
        self.references = references
    }

    private mutating func newSlot() -> Int {
        slots += 1
        return slots - 1
    }

    mutating func plan(_ node: CELExpression) throws(CELError) -> CELPlan {
        switch node.kind {
        case .literal(let value): return .constant(value)
        case .identifier(let name): return try identifier(name, node)
        case .select(let operand, let field, let testOnly):
            return try select(node, operand, field, testOnly: testOnly)
        case .call(let call): return try plan(call, node)
        case .list(let elements, let optional):
            var plans: [CELPlan] = []
            for element in elements { plans.append(try plan(element)) }
            if environment.foldsConstants, optional.isEmpty, let values = Self.constants(plans) {
                return .constant(.list(.values(values)))
            }
            return .list(plans, optional: optional)
        case .map(let entries):
            var plans: [CELEntryPlan] = []
            for entry in entries {
                plans.append(
                    CELEntryPlan(
                        key: try plan(entry.key), value: try plan(entry.value), isOptional: entry.isOptional))
            }
            if environment.foldsConstants, let keys = Self.constants(plans.map(\.key)),
                let values = Self.constants(plans.map(\.value)), !plans.contains(where: \.isOptional)
            {
                return .constant(CELEvaluator.map(zip(keys, values)))
            }
            return .map(plans)
        case .message(let name, let fields):
            let full = references?[node.id]?.name ?? name
            let known = environment.structures
            guard let structure = environment.candidates(full).compactMap({ known[$0] }).first, structure.make != nil
            else { throw CELError("unknown type: \(name)") }
            var plans: [CELFieldPlan] = []
            for field in fields {
                plans.append(
                    CELFieldPlan(name: field.name, value: try plan(field.value), isOptional: field.isOptional))
            }
            return .message(structure, plans)
        case .comprehension(let fold): return try plan(fold)
        }
    }

    private static func constants(_ plans: [CELPlan]) -> [CELValue]? {
        var values: [CELValue] = []
        for plan in plans {
            guard case .constant(let value) = plan else { return nil }
            values.append(value)
        }
        return values
    }

    // MARK: Names

    private mutating func variable(_ name: String) -> CELPlan {
        for scope in scopes.reversed() { if let base = scope[name] { return .attribute(CELAttribute(base: base)) } }
        let slot = variables[name] ?? newSlot()
        variables[name] = slot
        return .attribute(CELAttribute(base: .variable(name, slot: slot)))
    }

    private func isLocal(_ name: String) -> Bool { scopes.contains { $0[name] != nil } }

    private mutating func identifier(_ name: String, _ node: CELExpression) throws(CELError) -> CELPlan {
        if let reference = references?[node.id] {
            if let value = reference.value { return .constant(value) }
            return variable(reference.name)
        }
        return known(name) ?? variable(name.hasPrefix(".") ? String(name.dropFirst()) : name)
    }

    /// A name that the environment knows; for expressions that were not checked.
    private mutating func known(_ name: String) -> CELPlan? {
        if isLocal(name) { return variable(name) }
        for candidate in environment.candidates(name) {
            if environment.variables[candidate] != nil { return variable(candidate) }
            if let constant = environment.constants[candidate] { return .constant(constant.value) }
        }
        return nil
    }

    private mutating func select(
        _ node: CELExpression, _ operand: CELExpression, _ field: String, testOnly: Bool
    ) throws(CELError) -> CELPlan {
        if let reference = references?[node.id] {
            if let value = reference.value { return .constant(value) }
            return variable(reference.name)
        }
        if references == nil, !testOnly, let name = node.qualifiedName, !isLocal(String(name.prefix { $0 != "." })),
            let found = known(name)
        {
            return found
        }
        var attribute = attribute(of: try plan(operand))
        attribute.add(testOnly ? .presence(.string(field)) : .constant(.string(field), isOptional: false))
        if testOnly { attribute.isTest = true }
        return .attribute(attribute)
    }

    private func attribute(of plan: CELPlan) -> CELAttribute {
        if case .attribute(let attribute) = plan, !attribute.isTest { return attribute }
        return CELAttribute(base: .value(plan))
    }

    // MARK: Calls

    private mutating func plan(_ call: CELCall, _ node: CELExpression) throws(CELError) -> CELPlan {
        let reference = references?[node.id]
        var name = reference?.name ?? call.function
        var target = call.target
        if let reference {
            // A function with a namespace has no target.
            if let prefix = target?.qualifiedName, reference.name != call.function,
                reference.name.hasSuffix(".\(call.function)"),
                environment.candidates("\(prefix).\(call.function)").contains(reference.name)
            {
                target = nil
            }
        } else if let prefix = target?.qualifiedName,
            let function = environment.function("\(prefix).\(call.function)")
        {
            name = function.name
            target = nil
        } else if target == nil, let function = environment.function(name) {
            name = function.name
        }
        var arguments: [CELPlan] = []
        if let target { arguments.append(try plan(target)) }
        for argument in call.arguments { arguments.append(try plan(argument)) }
        let overload = reference?.overloads.count == 1 ? reference?.overloads.first ?? "" : ""
        switch name {
        case CELOperator.and: return .and(arguments[0], arguments[1])
        case CELOperator.or: return .or(arguments[0], arguments[1])
        case CELOperator.equals, CELOperator.notEquals:
            return .equal(arguments[0], arguments[1], isNegated: name == CELOperator.notEquals)
        case CELOperator.conditional:
            return .attribute(
                CELAttribute(
                    base: .conditional(arguments[0], attribute(of: arguments[1]), attribute(of: arguments[2]))))
        case CELOperator.index, CELOperator.optionalIndex, CELOperator.optionalSelect:
            var attribute = attribute(of: arguments[0])
            let isOptional = name != CELOperator.index
            if case .constant(let value) = arguments[1] {
                attribute.add(.constant(value, isOptional: isOptional))
            } else {
                attribute.add(.attribute(self.attribute(of: arguments[1]), isOptional: isOptional))
            }
            return .attribute(attribute)
        case "or", "orValue":
            guard target != nil, arguments.count == 2 else { return try function(name, overload, arguments) }
            return .optionalOr(arguments[0], arguments[1], isValue: name == "orValue")
        default: return try function(name, overload, arguments)
        }
    }

    private static let conversions: Set<String> = [
        "bool", "bytes", "double", "duration", "dyn", "int", "string", "timestamp", "type", "uint",
    ]

    private func function(_ name: String, _ overload: String, _ arguments: [CELPlan]) throws(CELError) -> CELPlan {
        let known = environment.functions[name]
        // A call that nobody checked may have a number of arguments that no overload takes.
        let isSound = known?.overloads.contains { $0.arguments.count == arguments.count } ?? false
        let run = isSound ? known?.run : nil
        let plan = CELCallPlan(
            function: name, overload: overload, arguments: arguments, run: run,
            isStrict: name != CELOperator.notStrictlyFalse)
        guard environment.foldsConstants else { return .call(plan) }
        if Self.conversions.contains(name), arguments.count == 1, case .constant(let value) = arguments[0], let run {
            let result = run([value])
            if case .error(let error) = result { throw error }
            return .constant(result)
        }
        if overload == "in_list", case .constant(.list(let list)) = arguments[1] {
            let values = list.values
            if values.isEmpty { return .constant(.bool(false)) }
            var keys = Set<CELKey>()
            var arePrimitive = true
            for value in values {
                switch value {
                // A double is found by its own equality only where it is a whole number.
                case .bool, .int, .uint, .string:
                    if let key = CELKey(value) { keys.insert(key) }
                case .double:
                    if let key = CELKey(value) { keys.insert(key) } else { arePrimitive = false }
                default: arePrimitive = false
                }
            }
            if arePrimitive { return .membership(arguments[0], keys) }
        }
        if let index = environment.costs.patternArgument(of: name), index < arguments.count,
            case .constant(.string(let pattern)) = arguments[index],
            let prepared = try CELPattern.prepared(name, pattern)
        {
            var plan = plan
            plan.run = prepared
            return .call(plan)
        }
        return .call(plan)
    }

    // MARK: Folds

    private mutating func plan(_ fold: CELComprehension) throws(CELError) -> CELPlan {
        let range = try plan(fold.range)
        let initial = try plan(fold.initial)
        let accumulator = newSlot()
        let variable = newSlot()
        let variable2 = fold.variable2 == nil ? nil : newSlot()
        scopes.append([fold.accumulator: .accumulator(slot: accumulator, initial: initial)])
        var inner: [String: CELAttribute.Base] = [fold.variable: .local(slot: variable)]
        if let name = fold.variable2, let variable2 { inner[name] = .local(slot: variable2) }
        scopes.append(inner)
        let condition = try plan(fold.condition)
        let step = try plan(fold.step)
        scopes.removeLast()
        let result = try plan(fold.result)
        scopes.removeLast()
        return .fold(
            CELFoldPlan(
                range: range, variable: variable, variable2: variable2, accumulator: accumulator, initial: initial,
                condition: condition, step: step, result: result))
    }
}
