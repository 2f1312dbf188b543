package import Documents

/// A ValidatingAdmissionPolicy, compiled.
///
/// Standard: Kubernetes 1.36 API, admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy.
package struct ValidatingPolicy: Sendable {
    package enum FailurePolicy: String, Sendable { case fail = "Fail", ignore = "Ignore" }

    /// An expression of the policy that does not compile, and where it stands.
    package struct Defect: Sendable, Equatable {
        /// Below the policy: `spec.validations[0].expression`.
        package var path: FieldPath
        package var message: String
    }

    package struct Condition: Sendable {
        package var name: String
        var program: CELProgram?
    }

    package struct Validation: Sendable {
        /// The expression as written, without white space around it.
        package var expression: String
        package var message: String
        package var reason: String
        package var node: Node
        /// The estimated cost of the expression.
        package var estimatedCost: CELRange?
        var program: CELProgram?
        var messageProgram: CELProgram?
    }

    package struct Annotation: Sendable {
        package var key: String
        var program: CELProgram?
    }

    package let name: String
    package let failurePolicy: FailurePolicy
    package let hasParams: Bool
    package let conditions: [Condition]
    package let validations: [Validation]
    package let annotations: [Annotation]
    package let defects: [Defect]
    /// The policy itself.
    package let node: Node
    private let variables: [String: CELProgram]

    /// Compiles the expressions of a policy; those that do not compile are `defects`.
    package init(_ node: Node) {
        self.node = node
        name = node["metadata"]["name"].string ?? ""
        let spec = node["spec"]
        failurePolicy = spec["failurePolicy"].equals("Ignore") ? .ignore : .fail
        hasParams = spec["paramKind"].isObject
        var compiler = PolicyCompiler(hasParams: hasParams)
        for variable in spec["variables"].elements { compiler.declare(variable) }
        conditions = spec["matchConditions"].elements.map { condition in
            Condition(
                name: condition["name"].string ?? "",
                program: compiler.compile(condition["expression"], wanted: .bool, variables: false)?.program)
        }
        validations = spec["validations"].elements.map { validation in
            let compiled = compiler.compile(validation["expression"], wanted: .bool)
            return Validation(
                expression: Self.trimmed(validation["expression"].string ?? ""),
                message: Self.trimmed(validation["message"].string ?? ""),
                reason: validation["reason"].string ?? "", node: validation, estimatedCost: compiled?.cost,
                program: compiled?.program,
                messageProgram: validation["messageExpression"].isNull
                    ? nil : compiler.compile(validation["messageExpression"], wanted: .string)?.program)
        }
        annotations = spec["auditAnnotations"].elements.map { annotation in
            Annotation(
                key: annotation["key"].string ?? "",
                program: compiler.compile(annotation["valueExpression"], wanted: .string, orNull: true)?.program)
        }
        variables = compiler.programs
        defects = compiler.defects
    }

    private static func trimmed(_ text: String) -> String {
        let scalars = Array(text.unicodeScalars)
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        var view = String.UnicodeScalarView()
        for scalar in scalars[first...last] { view.append(scalar) }
        return String(view)
    }

    // MARK: Deciding

    package enum Verdict: Sendable, Equatable {
        /// The conditions do not match; the policy has nothing to say.
        case skip
        case pass
        /// Some validation is false; `errors` beside it count too under `failurePolicy: Fail`.
        case fail
        /// No validation is false, but one could not be evaluated, under `failurePolicy: Fail`.
        case error
    }

    package struct Decision: Sendable {
        package var verdict: Verdict
        /// One for each validation that is false or failed, in their order.
        package var denials: [Denial]
        package var auditAnnotations: [(key: String, value: String)]
        /// What evaluating cost, in the API server's units.
        package var cost: UInt64
    }

    package struct Denial: Sendable, Equatable {
        /// Index among the validations; nil for a match condition.
        package var validation: Int?
        package var message: String
        package var reason: String
        package var isError: Bool
    }

    /// The cost at which the API server gives up on a policy.
    package static let costBudget: UInt64 = 10_000_000

    /// Evaluates the policy on one request, whose kind and namespace have been matched before.
    package func decide(_ input: AdmissionInput) -> Decision {
        let variables = LazyVariables(self.variables, input)
        var cost: UInt64 = 0
        var decision = Decision(verdict: .pass, denials: [], auditAnnotations: [], cost: 0)
        var failed: Denial?
        for condition in conditions {
            let value = run(condition.program, variables, &cost)
            switch value {
            case .bool(true): continue
            case .bool(false):
                decision.verdict = .skip
                decision.cost = cost
                return decision
            default:
                if failed == nil {
                    failed = Denial(
                        validation: nil,
                        message: "match condition \"\(condition.name)\": \(value?.plainText ?? "does not compile")",
                        reason: "", isError: true)
                }
            }
        }
        if let failed {
            decision.verdict = failurePolicy == .fail ? .error : .skip
            decision.denials = failurePolicy == .fail ? [failed] : []
            decision.cost = cost
            return decision
        }
        for (index, validation) in validations.enumerated() {
            let value = run(validation.program, variables, &cost)
            switch value {
            case .bool(true): continue
            case .bool(false):
                decision.denials.append(
                    Denial(
                        validation: index, message: message(of: validation, variables, &cost),
                        reason: validation.reason.isEmpty ? "Invalid" : validation.reason, isError: false))
            default:
                let why = value?.plainText ?? "does not compile"
                guard failurePolicy == .fail else { continue }
                decision.denials.append(
                    Denial(
                        validation: index, message: "expression '\(validation.expression)' resulted in error: \(why)",
                        reason: "", isError: true))
            }
        }
        if decision.denials.contains(where: { !$0.isError }) {
            decision.verdict = .fail
        } else if !decision.denials.isEmpty {
            decision.verdict = .error
        }
        for annotation in annotations {
            if case .string(let text)? = run(annotation.program, variables, &cost), !text.isEmpty {
                decision.auditAnnotations.append((annotation.key, text))
            }
        }
        decision.cost = cost &+ variables.cost
        return decision
    }

    /// Nil for a program that does not compile.
    private func run(_ program: CELProgram?, _ variables: LazyVariables, _ cost: inout UInt64) -> CELValue? {
        guard let program else { return nil }
        guard cost &+ variables.cost <= Self.costBudget else {
            return .error(
                CELError("validation failed due to running out of cost budget, no further validation rules will be run")
            )
        }
        let result = program.evaluate { variables.value($0) }
        cost &+= result.cost
        return result.value
    }

    private func message(of validation: Validation, _ variables: LazyVariables, _ cost: inout UInt64) -> String {
        let fallback =
            validation.message.isEmpty ? "failed expression: \(validation.expression)" : validation.message
        guard validation.messageProgram != nil,
            case .string(let text)? = run(validation.messageProgram, variables, &cost)
        else { return fallback }
        let message = Self.trimmed(text)
        return message.isEmpty || message.contains("\n") || message.utf8.count > 5 * 1024 ? fallback : message
    }
}

/// Compiles the expressions of one policy against its variables.
struct PolicyCompiler {
    private var environment: CELEnvironment
    private(set) var programs: [String: CELProgram] = [:]
    private(set) var defects: [ValidatingPolicy.Defect] = []
    private var fields: [String: CELType] = [:]

    init(hasParams: Bool) {
        environment = .admission
        if !hasParams { environment.variables["params"] = nil }
    }

    /// A variable, which those behind it may use.
    mutating func declare(_ node: Node) {
        let name = node["name"].string ?? ""
        guard let compiled = compile(node["expression"], wanted: nil) else {
            fields[name] = .dyn
            return
        }
        programs[name] = compiled.program
        fields[name] = compiled.type
    }

    mutating func compile(
        _ node: Node, wanted: CELType?, orNull: Bool = false, variables: Bool = true
    ) -> (program: CELProgram, type: CELType, cost: CELRange)? {
        var environment = environment
        if variables, !fields.isEmpty {
            environment.variables["variables"] = LazyVariables.celType
            environment.structures[LazyVariables.celType.name] = CELStructure(fields: fields)
        }
        let defects: [String]
        do throws(CELIssues) {
            let checked = try environment.check(node.string ?? "")
            let type = checked.type
            if let wanted, type != wanted, !type.isDyn, !(orNull && type == .null) {
                defects = ["must evaluate to \(wanted)"]
            } else {
                do throws(CELError) {
                    return (
                        try CELProgram(checked, in: environment), type, checked.estimatedCost(in: environment)
                    )
                } catch {
                    defects = [error.message]
                }
            }
        } catch {
            defects = error.all.map(\.message)
        }
        for message in defects { self.defects.append(ValidatingPolicy.Defect(path: node.path, message: message)) }
        return nil
    }
}
