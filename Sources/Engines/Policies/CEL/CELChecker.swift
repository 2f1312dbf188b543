/// An expression whose names are resolved and whose types are known.
package struct CELChecked: Sendable {
    package var root: CELExpression
    package var offsets: [Int]
    /// Type of each node, by its number.
    package var types: [CELType]
    /// What names and calls mean, by node number.
    var references: [Int: CELReference]

    /// The type of the whole.
    package var type: CELType { types[root.id] }
}

/// What a name or a call means.
struct CELReference: Equatable {
    var name: String
    var overloads: [String] = []
    var value: CELValue?
}

/// Resolves names and finds types.
///
/// Standard: CEL language definition, "Gradual Type Checking"; messages as the API server's.
struct CELChecker {
    private let environment: CELEnvironment
    private var types: [CELType?]
    private var references: [Int: CELReference] = [:]
    private var substitution = CELSubstitution()
    private var scopes: [[String: CELType]] = []
    private var variableCount = 0
    private let offsets: [Int]
    private(set) var issues: [CELIssue] = []

    private init(_ environment: CELEnvironment, offsets: [Int]) {
        self.environment = environment
        self.offsets = offsets
        types = Array(repeating: nil, count: offsets.count)
    }

    /// Throws every issue there is.
    static func check(_ syntax: CELSyntax, in environment: CELEnvironment) throws(CELIssues) -> CELChecked {
        var checker = CELChecker(environment, offsets: syntax.offsets)
        checker.check(syntax.root)
        var checked = CELChecked(
            root: syntax.root, offsets: syntax.offsets,
            types: checker.types.map { checker.substitution.resolved($0 ?? .dyn, toDyn: true) },
            references: checker.references)
        checked.types[0] = .dyn
        guard checker.issues.isEmpty else { throw CELIssues(all: checker.issues) }
        return checked
    }

    // MARK: Notes

    private mutating func issue(_ id: Int, _ message: String) {
        issues.append(CELIssue(offset: offsets[id], message: message))
    }

    private mutating func set(_ node: CELExpression, _ type: CELType) { types[node.id] = type }

    private func type(of node: CELExpression) -> CELType { types[node.id] ?? .error }

    private func resolved(_ type: CELType, toDyn: Bool = false) -> CELType {
        substitution.resolved(type, toDyn: toDyn)
    }

    private func shown(_ type: CELType) -> String { resolved(type, toDyn: true).description }

    private mutating func newVariable() -> CELType {
        variableCount += 1
        return .parameter("_var\(variableCount)")
    }

    // MARK: Names

    private func lookUp(_ name: String) -> (name: String, type: CELType, value: CELValue?)? {
        for scope in scopes.reversed() { if let type = scope[name] { return (name, type, nil) } }
        for candidate in environment.candidates(name) {
            if let type = environment.variables[candidate] { return (candidate, type, nil) }
            if let constant = environment.constants[candidate] { return (candidate, constant.type, constant.value) }
            if let type = Self.typeNames[candidate] {
                return (candidate, .type(type), .type(type))
            }
            if environment.structures[candidate] != nil {
                let type = CELWellKnown.type(candidate) ?? .object(candidate)
                return (candidate, .type(type), .type(type))
            }
            if let type = CELWellKnown.type(candidate) { return (candidate, .type(type), .type(type)) }
        }
        return nil
    }

    /// Whether a qualified name begins with a variable of a fold, which hides whatever else is called so.
    private func isLocal(_ name: String) -> Bool {
        let first = String(name.prefix { $0 != "." })
        return !first.isEmpty && scopes.contains { $0[first] != nil }
    }

    private static let typeNames: [String: CELType] = [
        "bool": .bool, "bytes": .bytes, "double": .double, "dyn": .dyn, "int": .int, "uint": .uint, "string": .string,
        "null_type": .null, "list": .list(.dyn), "map": .map(.dyn, .dyn), "type": .type(nil),
        "optional_type": .optional(.dyn),
    ]

    private mutating func undeclared(_ id: Int, _ name: String) {
        issue(id, "undeclared reference to '\(name)' (in container '\(environment.container)')")
    }

    // MARK: Expressions

    private mutating func check(_ node: CELExpression) {
        switch node.kind {
        case .literal(let value): set(node, value.runtimeType)
        case .identifier(let name):
            guard let found = lookUp(name) else {
                set(node, .error)
                undeclared(node.id, name)
                return
            }
            set(node, found.type)
            references[node.id] = CELReference(name: found.name, value: found.value)
        case .select(let operand, let field, let testOnly):
            if !testOnly, let name = node.qualifiedName, !isLocal(name), let found = lookUp(name) {
                set(node, found.type)
                references[node.id] = CELReference(name: found.name, value: found.value)
                return
            }
            let type = selected(node, operand, field, isOptional: false)
            set(node, testOnly ? .bool : resolved(type))
        case .call(let call): check(call, node)
        case .list(let elements, let optional):
            var common: CELType?
            for (index, element) in elements.enumerated() {
                check(element)
                var type = self.type(of: element)
                if optional.contains(index) { type = unwrapped(type, element) }
                common = join(common, type)
            }
            set(node, .list(common ?? newVariable()))
        case .map(let entries):
            var keys: CELType?
            var values: CELType?
            for entry in entries {
                check(entry.key)
                keys = join(keys, type(of: entry.key))
                check(entry.value)
                var type = self.type(of: entry.value)
                if entry.isOptional { type = unwrapped(type, entry.value) }
                values = join(values, type)
            }
            set(node, .map(keys ?? newVariable(), values ?? newVariable()))
        case .message(let name, let fields): check(name, fields, node)
        case .comprehension(let fold): check(fold, node)
        }
    }

    private mutating func unwrapped(_ type: CELType, _ node: CELExpression) -> CELType {
        if let inner = type.wrapped { return inner }
        if !type.isDyn {
            issue(node.id, "expected type '\(shown(.optional(type)))' but found '\(shown(type))'")
        }
        return type
    }

    private mutating func join(_ previous: CELType?, _ current: CELType) -> CELType {
        guard let previous else { return current }
        return substitution.isAssignable(previous, current)
            ? CELSubstitution.mostGeneral(previous, current) : .dyn
    }

    private mutating func selected(
        _ node: CELExpression, _ operand: CELExpression, _ field: String, isOptional: Bool
    ) -> CELType {
        check(operand)
        let whole = resolved(type(of: operand))
        let target = whole.wrapped ?? whole
        var result = CELType.error
        switch target {
        case .map(_, let value): result = value
        case .object(let name):
            if let structure = environment.structures[name] {
                if let type = structure.fields[field] {
                    result = type
                } else {
                    issue(node.id, "undefined field '\(field)'")
                }
            } else {
                issue(node.id, "unexpected failed resolution of '\(name)'")
            }
        case .parameter:
            _ = substitution.isAssignable(.dyn, target)
            result = .dyn
        default:
            if !target.isDynOrError { issue(node.id, "type '\(shown(target))' does not support field selection") }
            result = .dyn
        }
        return whole.wrapped != nil || isOptional ? .optional(result) : result
    }

    // MARK: Calls

    private mutating func check(_ call: CELCall, _ node: CELExpression) {
        if call.function == CELOperator.optionalSelect, call.arguments.count == 2 {
            guard case .literal(.string(let field)) = call.arguments[1].kind else { return }
            set(call.arguments[1], .string)
            let type = selected(node, call.arguments[0], field, isOptional: true)
            set(node, resolved(type))
            references[node.id] = CELReference(name: call.function, overloads: ["select_optional_field"])
            return
        }
        for argument in call.arguments { check(argument) }
        guard let target = call.target else {
            guard let function = environment.function(call.function) else {
                set(node, .error)
                undeclared(node.id, call.function)
                return
            }
            resolve(node, function, nil, call.arguments)
            return
        }
        if let prefix = target.qualifiedName, let function = environment.function("\(prefix).\(call.function)") {
            resolve(node, function, nil, call.arguments)
            return
        }
        check(target)
        guard let function = environment.functions[call.function] else {
            set(node, .error)
            undeclared(node.id, call.function)
            return
        }
        resolve(node, function, target, call.arguments)
    }

    private mutating func resolve(
        _ node: CELExpression, _ function: CELFunction, _ target: CELExpression?, _ arguments: [CELExpression]
    ) {
        let operands = (target.map { [$0] } ?? []) + arguments
        let given = operands.map { type(of: $0) }
        if function.name == CELOperator.and || function.name == CELOperator.or {
            var isSound = true
            for (operand, type) in zip(operands, given) where !substitution.isAssignable(type, .bool) {
                issue(operand.id, "expected type 'bool' but found '\(shown(type))'")
                isSound = false
            }
            set(node, isSound ? .bool : .error)
            references[node.id] = CELReference(
                name: function.name, overloads: [function.name == CELOperator.and ? "logical_and" : "logical_or"])
            return
        }
        var result: CELType?
        var overloads: [String] = []
        for overload in function.overloads where overload.isMember == (target != nil) {
            guard overload.arguments.count == given.count else { continue }
            var wanted = overload.arguments
            var own = overload.result
            if !overload.parameters.isEmpty {
                var fresh = CELSubstitution()
                for name in overload.parameters { fresh.set(.parameter(name), newVariable()) }
                wanted = wanted.map { fresh.resolved($0, toDyn: false) }
                own = fresh.resolved(own, toDyn: false)
            }
            guard substitution.isAssignable(given, wanted) else { continue }
            overloads.append(overload.id)
            let type = resolved(own)
            if let known = result {
                if !known.isDyn, type != known { result = .dyn }
            } else {
                result = type
            }
        }
        guard let result else {
            let shown = given.map { self.shown($0) }
            let form =
                target == nil
                ? "(\(shown.joined(separator: ", ")))"
                : "\(shown[0]).(\(shown.dropFirst().joined(separator: ", ")))"
            issue(node.id, "found no matching overload for '\(function.name)' applied to '\(form)'")
            set(node, .error)
            return
        }
        set(node, result)
        references[node.id] = CELReference(name: function.name, overloads: overloads)
    }

    // MARK: Messages and folds

    private mutating func check(_ name: String, _ fields: [CELFieldValue], _ node: CELExpression) {
        guard let found = lookUp(name) else {
            undeclared(node.id, name)
            set(node, .error)
            return
        }
        references[node.id] = CELReference(name: found.name)
        guard case .type(let inner) = found.type else {
            issue(node.id, "'\(shown(found.type))' is not a type")
            set(node, .error)
            return
        }
        var result = inner ?? .error
        let structure = environment.structures[found.name]
        if structure?.make == nil {
            issue(node.id, "'\(shown(result))' is not a message type")
            result = .error
        }
        set(node, result)
        for field in fields {
            check(field.value)
            var type = self.type(of: field.value)
            if field.isOptional { type = unwrapped(type, field.value) }
            guard let structure, structure.make != nil else { continue }
            guard let wanted = structure.fields[field.name] else {
                issue(field.id, "undefined field '\(field.name)'")
                continue
            }
            if !substitution.isAssignable(wanted, type) {
                issue(
                    field.id,
                    "expected type of field '\(field.name)' is '\(shown(wanted))' but provided type is '\(shown(type))'"
                )
            }
        }
    }

    private mutating func check(_ fold: CELComprehension, _ node: CELExpression) {
        check(fold.range)
        check(fold.initial)
        let range = resolved(type(of: fold.range))
        let accumulated = type(of: fold.initial)
        scopes.append([fold.accumulator: accumulated])
        var first: CELType
        var second: CELType
        switch range {
        case .list(let element):
            first = fold.variable2 == nil ? element : .int
            second = element
        case .map(let key, let value):
            first = key
            second = value
        case .dyn, .any, .error, .parameter:
            _ = substitution.isAssignable(.dyn, range)
            first = .dyn
            second = .dyn
        default:
            issue(
                fold.range.id,
                "expression of type '\(shown(range))' cannot be range of a comprehension (must be list, map, or dynamic)"
            )
            first = .error
            second = .error
        }
        var inner = [fold.variable: first]
        if let variable = fold.variable2 { inner[variable] = second }
        scopes.append(inner)
        check(fold.condition)
        expect(fold.condition, .bool)
        check(fold.step)
        expect(fold.step, accumulated)
        scopes.removeLast()
        check(fold.result)
        scopes.removeLast()
        set(node, resolved(type(of: fold.result)))
    }

    private mutating func expect(_ node: CELExpression, _ wanted: CELType) {
        if !substitution.isAssignable(wanted, type(of: node)) {
            issue(node.id, "expected type '\(shown(wanted))' but found '\(shown(type(of: node)))'")
        }
    }
}

/// Everything that is wrong with an expression.
package struct CELIssues: Error, Sendable, Equatable {
    package var all: [CELIssue]
}

/// The messages of protobuf that the language knows as its own values.
enum CELWellKnown {
    static func type(_ name: String) -> CELType? {
        switch name {
        case "google.protobuf.Any": .any
        case "google.protobuf.BoolValue": .wrapper(.bool)
        case "google.protobuf.BytesValue": .wrapper(.bytes)
        case "google.protobuf.DoubleValue", "google.protobuf.FloatValue": .wrapper(.double)
        case "google.protobuf.Int32Value", "google.protobuf.Int64Value": .wrapper(.int)
        case "google.protobuf.UInt32Value", "google.protobuf.UInt64Value": .wrapper(.uint)
        case "google.protobuf.StringValue": .wrapper(.string)
        case "google.protobuf.Duration": .duration
        case "google.protobuf.Timestamp": .timestamp
        case "google.protobuf.Value": .dyn
        case "google.protobuf.NullValue": .null
        case "google.protobuf.ListValue": .list(.dyn)
        case "google.protobuf.Struct": .map(.string, .dyn)
        default: nil
        }
    }
}
