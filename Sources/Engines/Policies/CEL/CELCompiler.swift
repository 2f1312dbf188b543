extension CELEnvironment {
    /// Reads and checks an expression; throws everything that is wrong with it.
    package func check(_ text: String) throws(CELIssues) -> CELChecked {
        let checked = try CELChecker.check(parse(text), in: self)
        let issues = CELLiteralChecks(checked: checked, environment: self).issues()
        guard issues.isEmpty else { throw CELIssues(all: issues) }
        return checked
    }

    /// Reads an expression without looking what its names mean.
    package func parse(_ text: String) throws(CELIssues) -> CELSyntax {
        do throws(CELIssue) {
            return try CELParser.parse(text, macros: macros)
        } catch {
            throw CELIssues(all: [error])
        }
    }
}

/// What can be told of literals once the types are known.
struct CELLiteralChecks {
    let checked: CELChecked
    let environment: CELEnvironment

    func issues() -> [CELIssue] {
        var issues: [CELIssue] = []
        var lists: [CELIssue] = []
        var maps: [CELIssue] = []
        walk(checked.root) { node in
            switch node.kind {
            case .call(let call):
                if environment.checksLiterals { issues += literal(call) }
                if call.function == "format", let target = call.target { issues += format(call, target, node) }
            case .list(let elements, let optional) where environment.requiresHomogeneousLiterals:
                lists += homogeneous(elements, optional)
            case .map(let entries) where environment.requiresHomogeneousLiterals: maps += homogeneous(entries)
            default: break
            }
        }
        return issues + lists + maps
    }

    private func issue(_ node: CELExpression, _ message: String) -> CELIssue {
        CELIssue(offset: checked.offsets[node.id], message: message)
    }

    private func walk(_ node: CELExpression, _ visit: (CELExpression) -> Void) {
        visit(node)
        switch node.kind {
        case .literal, .identifier: break
        case .select(let operand, _, _): walk(operand, visit)
        case .call(let call):
            if let target = call.target { walk(target, visit) }
            // The arguments of a format are of any types.
            if call.function == "format" { return }
            for argument in call.arguments { walk(argument, visit) }
        case .list(let elements, _): for element in elements { walk(element, visit) }
        case .map(let entries):
            for entry in entries {
                walk(entry.key, visit)
                walk(entry.value, visit)
            }
        case .message(_, let fields): for field in fields { walk(field.value, visit) }
        case .comprehension(let fold):
            for part in [fold.range, fold.initial, fold.condition, fold.step, fold.result] { walk(part, visit) }
        }
    }

    // MARK: One type

    private func type(_ node: CELExpression, isOptional: Bool) -> CELType {
        let type = checked.types[node.id]
        return isOptional ? type.wrapped ?? type : type
    }

    private func mismatch(_ node: CELExpression, _ expected: CELType, _ found: CELType) -> CELIssue {
        issue(node, "expected type '\(expected)' but found '\(found)'")
    }

    private func homogeneous(_ elements: [CELExpression], _ optional: Set<Int>) -> [CELIssue] {
        guard let first = elements.first else { return [] }
        let wanted = type(first, isOptional: optional.contains(0))
        for (index, element) in elements.enumerated().dropFirst() {
            let found = type(element, isOptional: optional.contains(index))
            if found != wanted { return [mismatch(element, wanted, found)] }
        }
        return []
    }

    private func homogeneous(_ entries: [CELEntry]) -> [CELIssue] {
        guard let first = entries.first else { return [] }
        let key = type(first.key, isOptional: false)
        let value = type(first.value, isOptional: first.isOptional)
        var issues: [CELIssue] = []
        for entry in entries.dropFirst() {
            let foundKey = type(entry.key, isOptional: false)
            if foundKey != key { issues.append(mismatch(entry.key, key, foundKey)) }
            let found = type(entry.value, isOptional: entry.isOptional)
            if found != value { issues.append(mismatch(entry.value, value, found)) }
        }
        return issues
    }

    // MARK: Texts that must be read

    private func literal(_ call: CELCall) -> [CELIssue] {
        guard let argument = call.arguments.first, case .literal(let value) = argument.kind else { return [] }
        let isSound: Bool
        switch call.function {
        case "duration", "timestamp":
            guard let run = environment.functions[call.function]?.run else { return [] }
            isSound = !run([value]).isError
        case "matches":
            guard case .string(let pattern) = value else { return [] }
            isSound = CELPattern.issue(in: pattern) == nil
        default: return []
        }
        return isSound ? [] : [issue(argument, "invalid \(call.function) argument")]
    }

    /// `"…".format([…])` with both written out.
    private func format(_ call: CELCall, _ target: CELExpression, _ node: CELExpression) -> [CELIssue] {
        guard case .literal(.string(let text)) = target.kind, let list = call.arguments.first,
            case .list(let arguments, _) = list.kind
        else { return [] }
        var issues: [CELIssue] = []
        var next = 0
        var scalars = Array(text.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            guard scalar == "%" else { continue }
            guard var clause = scalars.popFirst() else {
                return issues + [issue(node, "unexpected end of string")]
            }
            if clause == "%" { continue }
            if clause == "." {
                while let digit = scalars.first, ("0"..."9").contains(digit) { scalars.removeFirst() }
                guard let after = scalars.popFirst() else {
                    return issues + [issue(node, "could not parse formatting clause: error while parsing precision")]
                }
                clause = after
            }
            guard next < arguments.count else { return issues + [issue(node, "index \(next) out of range")] }
            let argument = arguments[next]
            next += 1
            if let problem = problem(clause, checked.types[argument.id]) {
                issues.append(issue(argument, problem))
            }
        }
        if next < arguments.count {
            issues.append(
                issue(
                    node,
                    "too many arguments supplied to string.format (expected \(next), got \(arguments.count))"))
        }
        return issues
    }

    private func problem(_ clause: Unicode.Scalar, _ type: CELType) -> String? {
        if type.isDynOrError { return nil }
        if case .parameter = type { return nil }
        let allowed: [CELType]
        let what: String
        switch clause {
        case "s":
            switch type {
            case .object, .opaque:
                what =
                    "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types,"
                    + " durations, and timestamps"
                allowed = []
            case .list(let element): return problem(clause, element)
            case .map(let key, let value): return problem(clause, key) ?? problem(clause, value)
            default: return nil
            }
        case "d":
            allowed = environment.foldsConstants ? [.int, .uint] : [.int, .uint, .double]
            what = "decimal clause can only be used on integers"
        case "f":
            allowed = environment.foldsConstants ? [.double] : [.int, .uint, .double]
            what = "fixed-point clause can only be used on doubles"
        case "e":
            allowed = environment.foldsConstants ? [.double] : [.int, .uint, .double]
            what = "scientific clause can only be used on doubles"
        case "b":
            allowed = [.int, .uint, .bool]
            what = "only integers and bools can be formatted as binary"
        case "x", "X":
            allowed = [.int, .uint, .string, .bytes]
            what = "only integers, byte buffers, and strings can be formatted as hex"
        case "o":
            allowed = [.int, .uint]
            what = "octal clause can only be used on integers"
        default:
            return "could not parse formatting clause: unrecognized formatting clause \"\(clause)\""
        }
        if allowed.contains(type) { return nil }
        return "error during formatting: \(what), was given \(type.name)"
    }
}
