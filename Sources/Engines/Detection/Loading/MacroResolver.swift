/// Puts macros in the places of their names.
struct MacroResolver {
    /// What is known of a macro: its condition, and whether macros in it are resolved already.
    struct Macro {
        var condition: Condition
        var isResolved: Bool
    }

    var macros: [String: Macro] = [:]
    private(set) var used: Set<String> = []
    /// The first name that is no macro, and the first macro that leads back to itself.
    private(set) var unknown: (name: String, at: ConditionPosition)?
    private(set) var loop: (name: String, at: ConditionPosition)?
    private var path: [String] = []

    /// Resolves a condition; `sees` says which macros may be used.
    mutating func resolve(_ condition: Condition, seeing sees: (String) -> Bool) -> Condition {
        used = []
        unknown = nil
        loop = nil
        path = []
        return replaced(condition, sees)
    }

    private mutating func replaced(_ condition: Condition, _ sees: (String) -> Bool) -> Condition {
        switch condition {
        case .and(let children, let position): return .and(replaced(children, sees), at: position)
        case .or(let children, let position): return .or(replaced(children, sees), at: position)
        case .not(let child, let position): return .not(replaced(child, sees), at: position)
        case .expanded(let name, let body): return .expanded(name, replaced(body, sees))
        case .exists, .check: return condition
        case .macro(let name, let position):
            guard sees(name), let macro = macros[name] else {
                if unknown == nil { unknown = (name, position) }
                return condition
            }
            guard !path.contains(name) else {
                if loop == nil { loop = (name, position) }
                if unknown == nil { unknown = (name, position) }
                return condition
            }
            used.insert(name)
            if macro.isResolved { return .expanded(name, macro.condition) }
            path.append(name)
            defer { path.removeLast() }
            return .expanded(name, replaced(macro.condition, sees))
        }
    }

    private mutating func replaced(_ children: [Condition], _ sees: (String) -> Bool) -> [Condition] {
        var out: [Condition] = []
        out.reserveCapacity(children.count)
        for child in children { out.append(replaced(child, sees)) }
        return out
    }
}
