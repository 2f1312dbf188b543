/// The event types for which a condition can hold, as Falco counts them: by the algebra of sets, negation pushed down
/// to the checks; a check of anything else holds for every type.
struct EventTypeAnalysis {
    private let types = EventTypes.shared
    /// Macros answered already: rules can be written whose macros double at every level.
    private var known: [String: EventTypes.NameSet] = [:]

    /// How many definitions of events the condition may hold for.
    static func definitions(of condition: Condition) -> Int {
        var analysis = EventTypeAnalysis()
        let set = analysis.types(of: condition, negated: false)
        return analysis.types.definitions(of: set)
    }

    /// The names of the event types the condition may hold for, when they are fewer than all.
    static func names(of condition: Condition) -> [String]? {
        var analysis = EventTypeAnalysis()
        let set = analysis.types(of: condition, negated: false)
        return set == analysis.types.all ? nil : analysis.types.names(in: set)
    }

    private mutating func types(of condition: Condition, negated: Bool) -> EventTypes.NameSet {
        switch condition {
        case .and(let children, _): return join(children, negated: negated, all: !negated)
        case .or(let children, _): return join(children, negated: negated, all: negated)
        case .not(let child, _): return types(of: child, negated: !negated)
        case .expanded(let name, let body):
            let key = negated ? "not \(name)" : name
            if let set = known[key] { return set }
            let set = types(of: body, negated: negated)
            known[key] = set
            return set
        case .macro: return types.all
        case .exists(let operand, _): return isType(operand) && negated ? types.none : types.all
        case .check(let left, let comparison, let right, _):
            guard let set = restriction(left, comparison, right) else { return types.all }
            return negated ? set.complement : set
        }
    }

    private mutating func join(_ children: [Condition], negated: Bool, all: Bool) -> EventTypes.NameSet {
        var set = all ? types.all : types.none
        for child in children {
            let other = types(of: child, negated: negated)
            set = all ? set.intersection(other) : set.union(other)
        }
        return set
    }

    private func isType(_ operand: Operand) -> Bool {
        guard case .field(let field, _) = operand, field.argument == nil else { return false }
        return field.name == "evt.type" || field.name == "syscall.type"
    }

    private func restriction(
        _ left: Operand, _ comparison: Comparison, _ right: Comparand
    ) -> EventTypes.NameSet? {
        if let known = numbering(left, comparison, right) { return known ? types.all : types.none }
        guard isType(left), comparison.modifier == nil else { return nil }
        let names: [String]
        switch right {
        case .value(let value, _): names = [value.asText]
        case .values(let values, _): names = values.map(\.asText)
        case .operand: return nil
        }
        switch comparison.operator {
        case .equal, .sameAs, .in: return types.set(names)
        case .notEqual: return types.set(names).complement
        default: return nil
        }
    }

    /// Events are numbered from 1: `evt.num = 0` never holds and `evt.num >= 0` always does. nil where that decides
    /// nothing.
    private func numbering(_ left: Operand, _ comparison: Comparison, _ right: Comparand) -> Bool? {
        guard case .field(let field, _) = left, field.name == "evt.num", field.argument == nil,
            comparison.modifier == nil
        else { return nil }
        if comparison.operator == .in {
            guard case .values(let values, _) = right else { return nil }
            return values.allSatisfy { NumberText.unsigned($0) == 0 } ? false : nil
        }
        guard case .value(let value, _) = right, let number = NumberText.unsigned(value) else { return nil }
        switch comparison.operator {
        case .equal, .sameAs: return number == 0 ? false : nil
        case .notEqual: return number == 0 ? true : nil
        case .less: return number <= 1 ? false : nil
        case .lessOrEqual: return number == 0 ? false : nil
        case .greater: return number == 0 ? true : nil
        case .greaterOrEqual: return number <= 1 ? true : nil
        default: return nil
        }
    }
}
