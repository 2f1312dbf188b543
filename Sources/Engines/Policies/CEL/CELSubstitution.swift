/// What the type parameters of an expression stand for, as far as it is known.
///
/// Unification as the reference checker does it, the more general of two types winning.
struct CELSubstitution {
    private var types: [CELType: CELType] = [:]

    subscript(_ type: CELType) -> CELType? { types[type] }
    mutating func set(_ type: CELType, _ value: CELType) { types[type] = value }

    /// The type with its known parameters put in; unknown ones become `dyn` at the end.
    func resolved(_ type: CELType, toDyn: Bool) -> CELType {
        if let found = types[type] { return resolved(found, toDyn: toDyn) }
        switch type {
        case .parameter: return toDyn ? .dyn : type
        case .opaque(let name, let parameters): return .opaque(name, parameters.map { resolved($0, toDyn: toDyn) })
        case .list(let element): return .list(resolved(element, toDyn: toDyn))
        case .map(let key, let value): return .map(resolved(key, toDyn: toDyn), resolved(value, toDyn: toDyn))
        case .type(let inner?): return .type(resolved(inner, toDyn: toDyn))
        default: return type
        }
    }

    /// Whether a value of one type may stand where the other is wanted; learns what parameters must be.
    mutating func isAssignable(_ first: CELType, _ second: CELType) -> Bool {
        var copy = self
        guard copy.unify(first, second) else { return false }
        self = copy
        return true
    }

    mutating func isAssignable(_ first: [CELType], _ second: [CELType]) -> Bool {
        var copy = self
        guard copy.unify(first, second) else { return false }
        self = copy
        return true
    }

    private mutating func unify(_ first: [CELType], _ second: [CELType]) -> Bool {
        guard first.count == second.count else { return false }
        for (a, b) in zip(first, second) where !unify(a, b) { return false }
        return true
    }

    private mutating func unify(_ first: CELType, _ second: CELType) -> Bool {
        if case .parameter = second {
            let (isValid, isKnown) = substitute(first, for: second)
            if isValid { return true }
            if isKnown { return false }
        }
        if case .parameter = first { return substitute(second, for: first).isValid }
        if first.isDynOrError || second.isDynOrError { return true }
        if first == .null { return second.isNullable }
        if second == .null { return first.isNullable }
        switch (first, second) {
        case (.type, .type): return true
        case (.list(let a), .list(let b)): return unify(a, b)
        case (.map(let aKey, let a), .map(let bKey, let b)): return unify(aKey, bKey) && unify(a, b)
        case (.opaque(let a, let aTypes), .opaque(let b, let bTypes)): return a == b && unify(aTypes, bTypes)
        case (.wrapper(let a), .wrapper(let b)): return a == b
        // Where a wrapper is wanted its primitive will do, and the other way round.
        case (.wrapper(let a), let b), (let b, .wrapper(let a)): return a == b
        default: return first == second
        }
    }

    /// Whether `second`, a parameter, can be `first`, and whether it already was something.
    private mutating func substitute(_ first: CELType, for second: CELType) -> (isValid: Bool, isKnown: Bool) {
        if first == second { return (true, true) }
        if let known = types[second] {
            if first == known { return (true, true) }
            if unify(first, known) {
                let general = Self.mostGeneral(first, known)
                if isFree(second, in: general) { types[second] = general }
                return (true, true)
            }
            return (false, true)
        }
        if isFree(second, in: first) {
            types[second] = first
            return (true, false)
        }
        return (false, false)
    }

    /// The occurs check.
    private func isFree(_ type: CELType, in other: CELType) -> Bool {
        if type == other { return false }
        switch other {
        case .parameter: return types[other].map { isFree(type, in: $0) } ?? true
        case .opaque(_, let parameters): return parameters.allSatisfy { isFree(type, in: $0) }
        case .list(let element): return isFree(type, in: element)
        case .map(let key, let value): return isFree(type, in: key) && isFree(type, in: value)
        case .type(let inner?): return isFree(type, in: inner)
        default: return true
        }
    }

    static func mostGeneral(_ first: CELType, _ second: CELType) -> CELType {
        // Null stands for a value of the other type.
        if second == .null, first.isNullable { return first }
        return isEqualOrLessSpecific(first, second) ? first : second
    }

    private static func isEqualOrLessSpecific(_ first: CELType, _ second: CELType) -> Bool {
        if first.isDyn { return true }
        if case .parameter = first { return true }
        if second.isDyn { return false }
        if case .parameter = second { return false }
        switch (first, second) {
        case (.opaque(let a, let aTypes), .opaque(let b, let bTypes)):
            return a == b && aTypes.count == bTypes.count && zip(aTypes, bTypes).allSatisfy(isEqualOrLessSpecific)
        case (.list(let a), .list(let b)): return isEqualOrLessSpecific(a, b)
        case (.map(let aKey, let a), .map(let bKey, let b)):
            return isEqualOrLessSpecific(aKey, bKey) && isEqualOrLessSpecific(a, b)
        case (.type, .type): return true
        // A wrapper takes its primitive and null besides.
        case (.wrapper, .wrapper): return first == second
        case (.wrapper(let a), let b): return a == b
        default: return first == second
        }
    }
}
