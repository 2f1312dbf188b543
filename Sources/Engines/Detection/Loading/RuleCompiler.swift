/// Compiles everything collected so far into rules.
struct RuleCompiler {
    let collector: RuleCollector
    let sources: [String: FieldCatalogue]
    var warnings: [LoadMessage] = []
    private(set) var rules: [DetectionRule] = []
    private(set) var programs: [String: ProgramBuilder] = [:]
    /// By source, the root of each rule in `rules` of that source.
    private(set) var roots: [String: [Int]] = [:]

    private let expansion: ListExpansion
    private var usedLists: Set<Int> = []
    private var usedMacros: Set<String> = []
    private var resolver = MacroResolver()
    private var deprecatedFields: [String] { DeprecatedFields.names }

    /// The items of each list, lists inside lists in place.
    let lists: [(name: String, items: [String])]
    private let appendedOutput: [String: String]

    init(
        _ collector: RuleCollector, _ sources: [String: FieldCatalogue], appendedOutput: [String: String] = [:]
    ) {
        self.appendedOutput = appendedOutput
        self.collector = collector
        self.sources = sources
        var used: Set<Int> = []
        let values = collector.lists.values
        var indexes: [String: Int] = [:]
        for (i, list) in values.enumerated() { indexes[list.name] = i }
        // A list inside a list is replaced by its items, once.
        let lists = values.map { list in
            var items: [String] = []
            for item in list.items {
                if let other = indexes[item], values[other].index < list.visibility {
                    used.insert(other)
                    items += values[other].items
                } else {
                    items.append(item)
                }
            }
            return ListExpansion.List(name: list.name, items: items)
        }
        expansion = ListExpansion(lists)
        self.lists = lists.map { ($0.name, $0.items) }
        usedLists = used
        for (name, catalogue) in sources { programs[name] = ProgramBuilder(catalogue) }
    }

    mutating func compile() throws(LoadFailure) {
        try compileMacros()
        for rule in collector.rules.values where !rule.hasUnknownSource { try compile(rule) }
        for macro in collector.macros.values where !usedMacros.contains(macro.name) {
            warn(.unusedMacro, "Macro not referred to by any other rule/macro", macro.context)
        }
        for (i, list) in collector.lists.values.enumerated() where !usedLists.contains(i) {
            warn(.unusedList, "List not referred to by any other rule/macro", list.context)
        }
    }

    private mutating func warn(_ code: LoadMessage.Code, _ text: String, _ context: LoadContext) {
        warnings.append(LoadMessage(code: code, message: text, context: context))
    }

    private mutating func parse(
        _ condition: String, _ context: LoadContext
    ) throws(LoadFailure) -> Condition {
        guard let (text, used) = expansion.expand(condition) else {
            throw LoadFailure(.compileCondition, "the lists in the condition make it too long", context)
        }
        usedLists.formUnion(used)
        do throws(ConditionError) {
            return try ConditionParser.parse(text, maximumDepth: ConditionParser.ruleDepth)
        } catch {
            throw LoadFailure(
                .compileCondition, error.message, context.inside(text.asText, at: error.position))
        }
    }

    private mutating func compileMacros() throws(LoadFailure) {
        for macro in collector.macros.values {
            resolver.macros[macro.name] = MacroResolver.Macro(
                condition: try parse(macro.condition, macro.conditionContext), isResolved: false)
        }
        for macro in collector.macros.values {
            guard let condition = resolver.macros[macro.name]?.condition else { continue }
            let collector = collector
            let resolved = resolver.resolve(condition) { name in
                (collector.macros[name]?.index ?? Int.max) < macro.visibility
            }
            try refuseUnresolved(macro.condition, macro.context)
            usedMacros.formUnion(resolver.used)
            resolver.macros[macro.name] = MacroResolver.Macro(condition: resolved, isResolved: true)
        }
    }

    private func refuseUnresolved(_ condition: String, _ context: LoadContext) throws(LoadFailure) {
        if let loop = resolver.loop {
            throw LoadFailure(
                .validate, "reference loop in macro '\(loop.name)'", context.inside(condition, at: loop.at))
        }
        if let unknown = resolver.unknown {
            throw LoadFailure(
                .validate, "Undefined macro '\(unknown.name)' used in filter.",
                context.inside(condition, at: unknown.at))
        }
    }

    private mutating func compile(_ rule: RuleDefinition) throws(LoadFailure) {
        guard let catalogue = sources[rule.source] else {
            throw LoadFailure(.validate, "Unknown source at compile-time \(rule.source)", rule.context)
        }
        var text = rule.condition
        if !rule.exceptions.isEmpty { text = try ExceptionRules.condition(text, rule.exceptions) }
        guard let output = try self.output(rule, catalogue) else { return }
        let parsed = try parse(text, rule.conditionContext)
        let condition = resolver.resolve(parsed) { _ in true }
        try refuseUnresolved(text, rule.context)
        usedMacros.formUnion(resolver.used)
        remark(on: condition, rule.conditionContext.inside(text, at: ConditionPosition(offset: 0, line: 0, column: 0)))
        guard let root = try root(condition, text, rule) else { return }
        if rule.source == "syscall", rule.warnsOfEventTypes, EventTypeAnalysis.definitions(of: condition) > 100 {
            warn(
                .noEventType,
                "Rule matches too many evt.type values. This has a significant performance penalty.", rule.context)
        }
        var names = NameCollector(collector)
        names.read(rule.condition)
        rules.append(
            DetectionRule(
                name: rule.name, description: rule.description, source: rule.source, priority: rule.priority,
                isEnabled: rule.isEnabled, tags: rule.tags.sorted(), condition: condition, output: output,
                writtenCondition: rule.condition, macros: names.macros.sorted(), lists: names.lists.sorted(),
                exceptions: exceptions(rule), file: rule.context.locations.first?.name ?? "",
                line: (rule.context.locations.last?.line ?? 0) + 1))
        roots[rule.source, default: []].append(root)
    }

    /// The conditions of the exceptions one by one, for explanations; what cannot be read alone is left out.
    private func exceptions(_ rule: RuleDefinition) -> [RuleException] {
        rule.exceptions.map { exception in
            let tuples = exception.values.compactMap { value -> Condition? in
                var single = exception
                single.values = [value]
                guard let text = try? ExceptionRules.condition("evt.num >= 0", [single]),
                    let whole = expansion.expand(text)?.text,
                    let condition = try? ConditionParser.parse(whole, maximumDepth: ConditionParser.ruleDepth),
                    case .and(let parts, _) = condition, parts.count == 2, case .not(let tuple, _) = parts[1]
                else { return nil }
                return tuple
            }
            return RuleException(name: exception.name, tuples: tuples)
        }
    }

    private mutating func output(
        _ rule: RuleDefinition, _ catalogue: FieldCatalogue
    ) throws(LoadFailure) -> OutputFormat? {
        var text = rule.output
        if text.contains("%container.info") {
            warn(
                .deprecatedItem,
                "%container.info is deprecated and no more useful, and will be dropped by Falco 1.0.0. The container "
                    + "plugin will automatically add required fields to the output message.", rule.context)
            text = text.split(separator: "%container.info", omittingEmptySubsequences: false).joined()
        }
        if let more = appendedOutput[rule.source] { text += " " + more }
        let output: OutputFormat
        do throws(CompileError) {
            output = try OutputFormat(text, catalogue)
        } catch {
            if error.isUnknownName, rule.skipsUnknownFilter {
                warn(.unknownFilter, error.message, rule.outputContext)
                return nil
            }
            throw LoadFailure(.compileOutput, error.message, rule.outputContext)
        }
        for field in deprecatedFields where text.contains(field) {
            warn(
                .deprecatedItem, "usage of deprecated field '\(field)' has been detected in the rule output",
                rule.outputContext)
        }
        return output
    }

    /// Remarks on a condition that reads but is unwise.
    private mutating func remark(on condition: Condition, _ context: LoadContext) {
        var found = DeprecatedFields()
        found.visit(condition)
        if found.comparesWithNA { warn(.unsafeComparison, "", context) }
        for field in DeprecatedFields.names where found.fields.contains(field) {
            warn(.deprecatedItem, DeprecatedFields.advice(field), context)
        }
    }

    private mutating func root(
        _ condition: Condition, _ text: String, _ rule: RuleDefinition
    ) throws(LoadFailure) -> Int? {
        guard var builder = programs.removeValue(forKey: rule.source) else { return nil }
        defer { programs[rule.source] = builder }
        builder.warnings = []
        let root: Int
        do throws(CompileError) {
            root = try builder.compile(condition)
        } catch {
            let context = rule.conditionContext.inside(text, at: error.position)
            if error.isUnknownName, rule.skipsUnknownFilter {
                warn(.unknownFilter, error.message, context)
                return nil
            }
            throw LoadFailure(.compileCondition, error.message, context)
        }
        for warning in builder.warnings {
            warn(.conditionWarning, warning.message, rule.conditionContext.inside(text, at: warning.position))
        }
        return root
    }
}

/// The macros and lists a condition names.
private struct NameCollector {
    let collector: RuleCollector
    var macros: Set<String> = []
    var lists: Set<String> = []

    init(_ collector: RuleCollector) { self.collector = collector }

    mutating func read(_ text: String) {
        guard let condition = try? ConditionParser.parse(text, maximumDepth: ConditionParser.ruleDepth) else { return }
        visit(condition)
    }

    private mutating func visit(_ condition: Condition) {
        switch condition {
        case .and(let children, _), .or(let children, _): for child in children { visit(child) }
        case .not(let child, _), .expanded(_, let child): visit(child)
        case .macro(let name, _): if collector.macros[name] != nil { macros.insert(name) }
        case .exists: break
        case .check(_, _, let right, _):
            guard case .values(let values, _) = right else { return }
            for value in values where collector.lists[value.asText] != nil { lists.insert(value.asText) }
        }
    }
}

/// Fields that still read but mean nothing any more, and comparisons with the text of an absent value.
struct DeprecatedFields {
    static let names = [
        "evt.dir", "evt.latency", "evt.latency.s", "evt.latency.ns", "evt.latency.human", "evt.wait_latency",
    ]

    static func advice(_ field: String) -> String {
        field == "evt.dir"
            ? "due to the drop of enter events, 'evt.dir = <' always evaluates to true, and 'evt.dir = >' always "
                + "evaluates to false. The rule expression can be simplified by removing the condition on 'evt.dir'"
            : "field is not available due to the drop of enter events."
    }

    private(set) var fields: Set<String> = []
    private(set) var comparesWithNA = false
    private var macros: Set<String> = []

    mutating func visit(_ condition: Condition) {
        switch condition {
        case .and(let children, _), .or(let children, _): for child in children { visit(child) }
        case .not(let child, _): visit(child)
        case .expanded(let name, let body): if macros.insert(name).inserted { visit(body) }
        case .macro: break
        case .exists(let operand, _): visit(operand)
        case .check(let left, let comparison, let right, _):
            visit(left)
            let isEquality =
                switch comparison.operator {
                case .equal, .sameAs, .notEqual, .in, .intersects, .pmatch: comparison.modifier == nil
                default: false
                }
            guard isEquality, Self.isUnsafe(left) else { return }
            let absent = Array("<NA>".utf8)
            switch right {
            case .value(let value, _): if value == absent { comparesWithNA = true }
            case .values(let values, _): if values.contains(absent) { comparesWithNA = true }
            case .operand(let operand): visit(operand)
            }
        }
    }

    private mutating func visit(_ operand: Operand) {
        var found: Set<FieldReference> = []
        operand.collectFields(&found)
        for field in found where Self.names.contains(field.name) { fields.insert(field.name) }
    }

    /// Fields of audit events, where absence once was the text `<NA>`. Of several fields the last one counts.
    private static func isUnsafe(_ operand: Operand) -> Bool {
        switch operand {
        case .field(let field, _): field.name.hasPrefix("ka.") || field.name.hasPrefix("jevt.")
        case .transformed(let transformation, _):
            transformation.arguments.last { if case .constant = $0 { false } else { true } }.map(isUnsafe) ?? false
        case .constant, .list: false
        }
    }
}
