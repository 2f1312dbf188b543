/// What functions cost, at run time and as far as it can be told beforehand.
package protocol CELCostRules: Sendable {
    /// The cost of a call that was made.
    func cost(of function: String, overload: String, _ arguments: [CELValue], _ result: CELValue) -> UInt64
    /// The estimated cost of a call, and the size of what it gives; nil for what the language's own rules say.
    func estimate(
        of function: String, overload: String, target: CELSized?, _ arguments: [CELSized]
    ) -> CELCallEstimate?
    /// The position of the regular expression among the arguments of a function.
    func patternArgument(of function: String) -> Int?
}

/// The language's own costs.
///
/// Source: cel-go, the tables of its runtime cost tracker and its estimator; figures only.
package struct CELStandardCosts: CELCostRules {
    package init() {}

    /// Cost of walking over one character.
    static let traversal = 0.1
    /// Cost of one character of a regular expression.
    static let pattern = 0.25

    static func walk(_ size: Int, _ factor: Double = traversal) -> UInt64 {
        UInt64((Double(size) * factor).rounded(.up))
    }

    package func patternArgument(of function: String) -> Int? { function == "matches" ? 1 : nil }

    package func cost(
        of function: String, overload: String, _ arguments: [CELValue], _ result: CELValue
    ) -> UInt64 {
        func size(_ index: Int) -> Int { arguments[index].costSize }
        switch overload {
        case "starts_with_string", "ends_with_string", "string_to_bytes", "bytes_to_string", "strings_quote",
            "string_format":
            return Self.walk(size(0))
        case "in_list": return UInt64(size(1))
        case "less_string", "greater_string", "less_equals_string", "greater_equals_string", "less_bytes",
            "greater_bytes", "less_equals_bytes", "greater_equals_bytes", "equals", "not_equals":
            return Self.walk(min(size(0), size(1)))
        case "add_string", "add_bytes": return Self.walk(size(0) + size(1))
        case "matches_string": return Self.walk(size(0) + 1) * Self.walk(size(1), Self.pattern)
        case "contains_string": return Self.walk(size(0)) * Self.walk(size(1))
        default: return 1
        }
    }

    package func estimate(
        of function: String, overload: String, target: CELSized?, _ arguments: [CELSized]
    ) -> CELCallEstimate? { nil }
}

/// A range: from at least to at most.
package struct CELRange: Sendable, Equatable {
    package var least: UInt64
    package var most: UInt64

    package init(_ least: UInt64, _ most: UInt64) {
        self.least = least
        self.most = most
    }

    package init(_ both: UInt64) { self.init(both, both) }

    static let unknown = CELRange(0, .max)

    static func + (a: Self, b: Self) -> Self { CELRange(add(a.least, b.least), add(a.most, b.most)) }
    static func * (a: Self, b: Self) -> Self { CELRange(multiply(a.least, b.least), multiply(a.most, b.most)) }
    /// Multiplied by a factor and rounded up.
    static func * (a: Self, factor: Double) -> Self { CELRange(scale(a.least, factor), scale(a.most, factor)) }

    func union(_ other: Self) -> Self { CELRange(min(least, other.least), max(most, other.most)) }

    private static func add(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let (sum, over) = a.addingReportingOverflow(b)
        return over ? .max : sum
    }

    private static func multiply(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let (product, over) = a.multipliedReportingOverflow(by: b)
        return over ? .max : product
    }

    private static func scale(_ a: UInt64, _ factor: Double) -> UInt64 {
        let product = (Double(a) * factor).rounded(.up)
        return product >= 0x1p64 ? .max : UInt64(product)
    }
}

/// An operand as the estimator knows it.
package struct CELSized: Sendable {
    package var type: CELType
    /// The literal it is, if it is one.
    package var literal: CELValue?
    /// The size, where the expression itself tells it.
    package var size: CELRange?

    var sizeOrUnknown: CELRange { size ?? .unknown }
}

package struct CELCallEstimate: Sendable {
    package var cost: CELRange
    package var resultSize: CELRange?
}

extension CELChecked {
    /// What evaluating costs at least and at most, without knowledge of the input's size.
    package func estimatedCost(in environment: CELEnvironment) -> CELRange {
        var estimator = CELEstimator(checked: self, costs: environment.costs)
        return estimator.cost(root)
    }
}

/// Estimates costs from the types and sizes that an expression tells.
struct CELEstimator {
    /// Sizes of the keys and values of a list or map.
    private struct EntrySize {
        var isList: Bool
        var key: CELRange
        var value: CELRange

        static func union(_ a: EntrySize?, _ b: EntrySize?) -> EntrySize? {
            guard let a, let b else { return nil }
            return EntrySize(isList: a.isList, key: a.key.union(b.key), value: a.value.union(b.value))
        }
    }

    private struct Local {
        var size: CELRange?
        var entrySize: EntrySize?
    }

    private let checked: CELChecked
    private let costs: any CELCostRules
    private var locals: [String: [Local]] = [:]
    private var sizes: [Int: CELRange] = [:]
    private var entrySizes: [Int: EntrySize] = [:]

    init(checked: CELChecked, costs: any CELCostRules) {
        self.checked = checked
        self.costs = costs
    }

    private func type(_ node: CELExpression) -> CELType { checked.types[node.id] }

    mutating func cost(_ node: CELExpression) -> CELRange {
        switch node.kind {
        case .literal: return CELRange(0)
        case .identifier: return CELRange(1)
        case .select(let operand, _, let testOnly):
            if checked.references[node.id] != nil { return CELRange(1) }
            let sum = cost(operand)
            if testOnly { return sum }
            switch type(operand) {
            case .map, .object, .parameter: return sum + CELRange(1)
            default: return sum
            }
        case .call(let call): return cost(call, node)
        case .list(let elements, _):
            var sum = CELRange(0)
            var item = CELRange(elements.isEmpty ? 0 : .max, 0)
            for element in elements {
                sum = sum + cost(element)
                item = item.union(size(element) ?? .unknown)
            }
            entrySizes[node.id] = EntrySize(isList: true, key: CELRange(1), value: item)
            return sum + CELRange(10)
        case .map(let entries):
            var sum = CELRange(0)
            var key = CELRange(entries.isEmpty ? 0 : .max, 0)
            var value = key
            for entry in entries {
                sum = sum + cost(entry.key) + cost(entry.value)
                key = key.union(size(entry.key) ?? .unknown)
                value = value.union(size(entry.value) ?? .unknown)
            }
            entrySizes[node.id] = EntrySize(isList: false, key: key, value: value)
            return sum + CELRange(30)
        case .message(_, let fields):
            var sum = CELRange(40)
            for field in fields { sum = sum + cost(field.value) }
            return sum
        case .comprehension(let fold): return Self.isBinding(fold) ? bind(fold, node) : cost(fold, node)
        }
    }

    // MARK: Calls

    private mutating func cost(_ call: CELCall, _ node: CELExpression) -> CELRange {
        if call.function == "dyn", let argument = call.arguments.first {
            let sum = cost(argument) + CELRange(1)
            copySizes(to: node, from: argument)
            return sum
        }
        let reference = checked.references[node.id]
        let isNamespaced = call.target != nil && reference?.name != call.function
        var argumentCosts: [CELRange] = []
        for argument in call.arguments { argumentCosts.append(cost(argument)) }
        let arguments = call.arguments.map { sized($0) }
        guard let reference, !reference.overloads.isEmpty else { return CELRange(0) }
        var sum = CELRange(0)
        var target: CELSized?
        if let operand = call.target, !isNamespaced {
            sum = cost(operand)
            target = sized(operand)
        }
        var total = CELRange(.max, 0)
        var resultSize: CELRange?
        for overload in reference.overloads {
            let estimate = self.estimate(reference.name, overload, target, arguments, argumentCosts, call, node)
            total = total.union(estimate.cost)
            if let size = estimate.resultSize { resultSize = resultSize?.union(size) ?? size }
            if overload == "index_list" || overload == "index_map", let operand = call.arguments.first {
                resultSize = entrySize(operand)?.value
            }
            if resultSize == nil { resultSize = size(node) }
        }
        if let resultSize { sizes[node.id] = resultSize }
        return sum + total
    }

    private func sized(_ node: CELExpression) -> CELSized {
        var literal: CELValue?
        if case .literal(let value) = node.kind { literal = value }
        return CELSized(type: type(node), literal: literal, size: size(node))
    }

    private mutating func estimate(
        _ function: String, _ overload: String, _ target: CELSized?, _ arguments: [CELSized],
        _ argumentCosts: [CELRange], _ call: CELCall, _ node: CELExpression
    ) -> CELCallEstimate {
        let paid = argumentCosts.reduce(CELRange(0), +)
        let walk = CELStandardCosts.traversal
        if var own = costs.estimate(of: function, overload: overload, target: target, arguments) {
            own.cost = own.cost + paid
            return own
        }
        func plain(_ cost: CELRange, _ size: CELRange? = nil) -> CELCallEstimate {
            CELCallEstimate(cost: cost + paid, resultSize: size)
        }
        switch overload {
        case "string_format":
            if let target { return plain(target.sizeOrUnknown * walk) }
        case "string_to_bytes":
            let size = arguments[0].sizeOrUnknown
            return plain(size * walk, CELRange(size.least, size.most &* 4))
        case "bytes_to_string":
            let size = arguments[0].sizeOrUnknown
            return plain(size * walk, CELRange(size.least / 4, size.most))
        case "strings_quote":
            let size = arguments[0].sizeOrUnknown
            return plain(size * walk, CELRange(size.least &+ 2, size.most &* 2 &+ 2))
        case "starts_with_string", "ends_with_string": return plain(arguments[0].sizeOrUnknown * walk)
        case "in_list": return plain(arguments[1].sizeOrUnknown)
        case "matches_string":
            if let target, arguments.count == 1 {
                let text = (target.sizeOrUnknown + CELRange(1)) * walk
                return plain(text * (arguments[0].sizeOrUnknown * CELStandardCosts.pattern))
            }
        case "contains_string":
            if let target { return plain((target.sizeOrUnknown * walk) * (arguments[0].sizeOrUnknown * walk)) }
        case "logical_or", "logical_and":
            let least = argumentCosts[0].least
            return CELCallEstimate(cost: CELRange(least, (argumentCosts[0] + argumentCosts[1]).most))
        case "conditional":
            if let entry = EntrySize.union(entrySize(call.arguments[1]), entrySize(call.arguments[2])) {
                entrySizes[node.id] = entry
            }
            let size = arguments[1].sizeOrUnknown.union(arguments[2].sizeOrUnknown)
            return CELCallEstimate(
                cost: argumentCosts[0] + argumentCosts[1].union(argumentCosts[2]), resultSize: size)
        case "add_string", "add_bytes", "add_list":
            let size = arguments[0].sizeOrUnknown + arguments[1].sizeOrUnknown
            if let entry = EntrySize.union(entrySize(call.arguments[0]), entrySize(call.arguments[1])) {
                entrySizes[node.id] = entry
            }
            return plain(overload == "add_list" ? CELRange(1) : size * walk, size)
        case "less_string", "greater_string", "less_equals_string", "greater_equals_string", "less_bytes",
            "greater_bytes", "less_equals_bytes", "greater_equals_bytes", "equals", "not_equals":
            let most = min(arguments[0].sizeOrUnknown.most, arguments[1].sizeOrUnknown.most)
            return plain(CELRange(most > 0 ? 1 : 0, most) * walk)
        default: break
        }
        return plain(CELRange(1))
    }

    // MARK: Folds

    /// Whether a fold only gives a value a name.
    private static func isBinding(_ fold: CELComprehension) -> Bool {
        guard case .list(let elements, _) = fold.range.kind, elements.isEmpty,
            case .literal(.bool(false)) = fold.condition.kind
        else { return false }
        return fold.accumulator != "__result__"
    }

    private mutating func bind(_ fold: CELComprehension, _ node: CELExpression) -> CELRange {
        var sum = cost(fold.range) + cost(fold.initial)
        push(fold.accumulator, Local(size: size(fold.initial), entrySize: entrySize(fold.initial)))
        sum = sum + cost(fold.result)
        pop(fold.accumulator)
        copySizes(to: node, from: fold.result)
        return sum
    }

    private mutating func cost(_ fold: CELComprehension, _ node: CELExpression) -> CELRange {
        var sum = cost(fold.range) + cost(fold.initial)
        push(fold.accumulator, Local(size: size(fold.initial), entrySize: entrySize(fold.initial)))
        let entry = entrySize(fold.range)
        var isList = entry?.isList ?? false
        if entry == nil, case .list = type(fold.range) { isList = true }
        if let second = fold.variable2 {
            push(fold.variable, Local(size: entry?.key))
            push(second, Local(size: entry?.value))
        } else {
            push(fold.variable, Local(size: isList ? entry?.value : entry?.key))
        }
        let loop = cost(fold.condition) + cost(fold.step)
        pop(fold.variable)
        if let second = fold.variable2 { pop(second) }
        sum = sum + cost(fold.result)
        pop(fold.accumulator)
        let count = size(fold.range) ?? .unknown
        sum = sum + count * loop
        switch fold.initial.kind {
        case .literal: if let size = size(fold.initial) { sizes[node.id] = size }
        case .list, .map:
            sizes[node.id] = count
            if let entry = entrySize(fold.step) { entrySizes[node.id] = entry }
        default: break
        }
        return sum
    }

    private mutating func push(_ name: String, _ local: Local) { locals[name, default: []].append(local) }
    private mutating func pop(_ name: String) { locals[name]?.removeLast() }

    // MARK: Sizes

    private mutating func copySizes(to node: CELExpression, from other: CELExpression) {
        if let size = size(other) { sizes[node.id] = size }
        if let entry = entrySize(other) { entrySizes[node.id] = entry }
    }

    private func size(_ node: CELExpression) -> CELRange? {
        if let known = sizes[node.id] { return known }
        switch node.kind {
        case .literal(let value): return CELRange(UInt64(value.costSize))
        case .list(let elements, _): return CELRange(UInt64(elements.count))
        case .map(let entries): return CELRange(UInt64(entries.count))
        default: break
        }
        if type(node).isScalar { return CELRange(1) }
        if case .identifier(let name) = node.kind { return locals[name]?.last?.size }
        return nil
    }

    private func entrySize(_ node: CELExpression) -> EntrySize? {
        if let known = entrySizes[node.id] { return known }
        if case .identifier(let name) = node.kind { return locals[name]?.last?.entrySize }
        return nil
    }
}
