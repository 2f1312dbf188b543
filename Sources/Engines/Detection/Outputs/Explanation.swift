/// Why a rule matched an event, or why it did not.
package struct Explanation: Sendable {
    /// A part of the condition that decided.
    package struct Step: Sendable {
        /// How deep the part stands in the condition.
        package var depth: Int
        package var text: String
        package var holds: Bool
        /// Fields of the part and their values.
        package var values: [(field: String, value: String)]
        /// The macro the part came from.
        package var macro: String?
        /// The list that holds the value.
        package var list: String?
    }

    /// An exception that the event came near to.
    package struct NearException: Sendable {
        package var name: String
        /// Checks that held, of all.
        package var held: Int
        package var total: Int
        /// Those that did not.
        package var missing: [String]
    }

    package var rule: String
    package var matches: Bool
    package var steps: [Step]
    package var nearest: NearException?
}

extension Detector {
    /// Explains one rule for one event.
    package mutating func explain(
        _ rule: DetectionRule, lists: [(name: String, items: [String])],
        _ values: (FieldReference, FieldInfo) -> [FieldValue]?
    ) -> Explanation {
        let event = event(values)
        var steps: [Explanation.Step] = []
        let matches = walk(rule.condition, event, depth: 0, macro: nil, lists, values, &steps)
        var nearest: Explanation.NearException?
        if matches { nearest = nearestException(rule, values) }
        return Explanation(rule: rule.name, matches: matches, steps: steps, nearest: nearest)
    }

    /// Whether a part holds; notes the parts that decided that.
    private mutating func walk(
        _ condition: Condition, _ event: Matcher.Event, depth: Int, macro: String?,
        _ lists: [(name: String, items: [String])], _ values: (FieldReference, FieldInfo) -> [FieldValue]?,
        _ steps: inout [Explanation.Step]
    ) -> Bool {
        switch condition {
        case .and(let children, _), .or(let children, _):
            let isAnd = if case .and = condition { true } else { false }
            var held: [Explanation.Step] = []
            var failed: [Explanation.Step] = []
            for child in children {
                var own: [Explanation.Step] = []
                if walk(child, event, depth: depth + 1, macro: macro, lists, values, &own) {
                    held += own
                } else {
                    failed += own
                }
                // One of an "or" decides it, one that fails decides an "and".
                if isAnd != failed.isEmpty || (!isAnd && !held.isEmpty) { break }
            }
            let holds = isAnd ? failed.isEmpty : !held.isEmpty
            steps += holds ? held : failed
            return holds
        case .not(let child, _):
            var own: [Explanation.Step] = []
            let holds = !walk(child, event, depth: depth + 1, macro: macro, lists, values, &own)
            if holds {
                let name: String
                if case .expanded(let macro, _) = child { name = "not \(macro)" } else { name = "not (…)" }
                let text = own.count == 1 ? "not \(own[0].text)" : name
                steps.append(
                    Explanation.Step(
                        depth: depth, text: text, holds: true, values: own.count == 1 ? own[0].values : [],
                        macro: macro))
            } else {
                steps += own.map {
                    var step = $0
                    step.text = "not \(step.text)"
                    step.holds = false
                    return step
                }
            }
            return holds
        case .expanded(let name, let body):
            return walk(body, event, depth: depth + 1, macro: name, lists, values, &steps)
        case .macro: return false
        case .exists, .check:
            let holds = builder.node(of: condition).map { matcher.holds(node: $0, event) } ?? false
            steps.append(step(condition, holds, depth, macro, lists, values))
            return holds
        }
    }

    private func step(
        _ condition: Condition, _ holds: Bool, _ depth: Int, _ macro: String?,
        _ lists: [(name: String, items: [String])], _ values: (FieldReference, FieldInfo) -> [FieldValue]?
    ) -> Explanation.Step {
        var fields: Set<FieldReference> = []
        condition.collectFields(&fields)
        let shown = fields.sorted().map { field -> (field: String, value: String) in
            guard let info = try? builder.catalogue.resolve(field), let found = values(field, info) else {
                return (field.description, OutputFormat.absent)
            }
            let texts = found.map { ValueText.text($0, info.type) }
            return (field.description, info.isList || found.count > 1 ? "(\(texts.joined(separator: ",")))" : texts[0])
        }
        var text = condition.description
        var list: String?
        if case .check(let left, let comparison, .values(let constants, _), _) = condition {
            let own = Set(constants.map(\.asText))
            // The longest list all of whose items stand here, and the value with them.
            list =
                lists.filter { entry in
                    !entry.items.isEmpty && entry.items.allSatisfy(own.contains)
                        && (!holds || shown.contains { entry.items.contains($0.value) })
                }.max { $0.items.count < $1.items.count }?.name
            if let list, constants.count > 4 {
                var printer = ConditionPrinter()
                printer.print(left)
                let isWhole = lists.contains { $0.name == list && Set($0.items).count == own.count }
                text = "\(printer.out.asText) \(comparison.text) (\(list)\(isWhole ? "" : ", …"))"
            }
        }
        return Explanation.Step(depth: depth, text: text, holds: holds, values: shown, macro: macro, list: list)
    }

    /// The exception with the largest part of its checks held, when any did.
    private func nearestException(
        _ rule: DetectionRule, _ values: (FieldReference, FieldInfo) -> [FieldValue]?
    ) -> Explanation.NearException? {
        var best: Explanation.NearException?
        for exception in rule.exceptions {
            for tuple in exception.tuples {
                var held = 0
                var missing: [String] = []
                for check in tuple.conjuncts {
                    guard var filter = try? ConditionFilter(check, builder.catalogue) else { continue }
                    let holds = filter.holds { field in
                        (try? builder.catalogue.resolve(field)).flatMap { values(field, $0) }
                    }
                    if holds { held += 1 } else { missing.append(check.description) }
                }
                let total = held + missing.count
                guard held > 0, held < total else { continue }
                if let known = best, known.held * total >= held * known.total { continue }
                best = Explanation.NearException(name: exception.name, held: held, total: total, missing: missing)
            }
        }
        return best
    }
}

extension Condition {
    /// The parts joined by `and` at the top.
    var conjuncts: [Condition] {
        switch self {
        case .and(let children, _): children.flatMap(\.conjuncts)
        case .or(let children, _) where children.count == 1: children[0].conjuncts
        default: [self]
        }
    }
}
