internal import Documents

extension RuleReader {
    private static let appendable: Set<String> = ["condition", "output", "desc", "tags", "exceptions"]
    private static let replaceable: Set<String> = [
        "condition", "output", "desc", "priority", "capture", "capture_duration", "tags", "exceptions", "enabled",
        "warn_evttypes", "skip-if-unknown-filter",
    ]
    private static let known = replaceable.union(["rule", "source", "override", "append"])
    private static let enabledWarning =
        "The standalone 'enabled' key usage is deprecated. The correct approach requires also a 'replace' entry under "
        + "the 'override' key (i.e. 'enabled: replace')."

    mutating func rule(_ item: Node, _ parent: LoadContext) throws(LoadFailure) {
        let name = try string(item, "rule", parent.below(place(item), .rule))
        let context = parent.below(place(item), .rule, name)
        let source = try optionalString(item, "source", context, mayBeEmpty: true) ?? ""
        let appends = try bool(item, "append", context) ?? false
        if appends { warn(.deprecatedItem, Self.appendWarning, context) }
        let overrides = try overrides(
            item, appendable: Self.appendable, replaceable: Self.replaceable, context)
        guard !appends || overrides.isEmpty else { throw LoadFailure(.yamlValidate, Self.appendAndOverride, context) }
        if !overrides.isEmpty {
            try override(item, name, source, overrides, context)
        } else if appends {
            var update = RuleUpdate(name: name, source: source, context: context)
            if item["condition"].exists { update.condition = try string(item, "condition", context) }
            if item["exceptions"].exists { update.exceptions = try exceptions(item, context, isAppended: true) }
            try collector.append(update, sources)
        } else if !["condition", "output", "desc", "priority"].contains(where: { item[$0].exists }) {
            // With nothing else in it the item switches an earlier rule on or off.
            var rule = RuleDefinition(
                name: name, context: context, conditionContext: context, outputContext: context)
            guard let enabled = try bool(item, "enabled", context) else {
                throw LoadFailure(.yamlValidate, "Item has no mapping for key 'enabled'", context)
            }
            rule.isEnabled = enabled
            warn(.deprecatedItem, Self.enabledWarning, context)
            try collector.enable(rule)
        } else {
            try define(item, name, context)
        }
        warnOfUnknownKeys(item, Self.known, context)
    }

    private mutating func define(_ item: Node, _ name: String, _ context: LoadContext) throws(LoadFailure) {
        var rule = RuleDefinition(name: name, context: context, conditionContext: context, outputContext: context)
        rule.condition = try string(item, "condition", context)
        rule.conditionContext = context.below(place(item["condition"]), .ruleCondition)
        rule.output = Self.trimmed(try string(item, "output", context))
        rule.outputContext = context.below(place(item["output"]), .output)
        rule.description = try string(item, "desc", context)
        rule.priority = try priority(item, context)
        rule.source = try optionalString(item, "source", context) ?? "syscall"
        rule.isEnabled = try bool(item, "enabled", context) ?? true
        rule.isCaptured = try bool(item, "capture", context) ?? false
        rule.captureDuration = try number(item, "capture_duration", context) ?? 0
        rule.warnsOfEventTypes = try bool(item, "warn_evttypes", context) ?? true
        rule.skipsUnknownFilter = try bool(item, "skip-if-unknown-filter", context) ?? false
        rule.tags = Set(try strings(item, "tags", context, isOptional: true) ?? [])
        rule.exceptions = try exceptions(item, context, isAppended: false)
        try collector.define(rule, sources, &warnings)
    }

    private func priority(_ item: Node, _ context: LoadContext) throws(LoadFailure) -> Priority {
        let text = try string(item, "priority", context)
        guard let priority = Priority(parsing: text) else {
            throw LoadFailure(.yamlValidate, "Invalid priority", context.below(place(item["priority"]), .priority))
        }
        return priority
    }

    private static func trimmed(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard let first = bytes.firstIndex(where: { !ConditionLexer.isSpace($0) }),
            let last = bytes.lastIndex(where: { !ConditionLexer.isSpace($0) })
        else { return "" }
        return String(decoding: bytes[first...last], as: UTF8.self)
    }

    private mutating func override(
        _ item: Node, _ name: String, _ source: String, _ overrides: Overrides, _ context: LoadContext
    ) throws(LoadFailure) {
        // The keys that are there and have not been accounted for.
        var left = Self.replaceable.filter { item[$0].exists }
        func takes(_ key: String, _ operation: String, _ set: Set<String>) throws(LoadFailure) -> Bool {
            guard set.contains(key) else { return false }
            guard left.remove(key) != nil else {
                throw LoadFailure(
                    .yamlValidate,
                    "An \(operation) override for '\(key)' was specified but '\(key)' is not defined", context)
            }
            return true
        }
        for (operation, set) in [("append", overrides.appended), ("replace", overrides.replaced)] where !set.isEmpty {
            var update = RuleUpdate(name: name, context: context)
            if try takes("condition", operation, set) {
                update.source = source
                update.condition = try string(item, "condition", context)
            }
            if try takes("exceptions", operation, set) {
                update.exceptions = try exceptions(item, context, isAppended: operation == "append")
            }
            if try takes("output", operation, set) { update.output = try string(item, "output", context) }
            if try takes("desc", operation, set) { update.description = try string(item, "desc", context) }
            if try takes("tags", operation, set) {
                update.tags = Set(try strings(item, "tags", context, isOptional: true) ?? [])
            }
            if try takes("priority", operation, set) { update.priority = try priority(item, context) }
            if try takes("capture", operation, set) { update.isCaptured = try bool(item, "capture", context) }
            if try takes("capture_duration", operation, set) {
                update.captureDuration = try number(item, "capture_duration", context)
            }
            if try takes("enabled", operation, set) { update.isEnabled = try bool(item, "enabled", context) }
            if try takes("warn_evttypes", operation, set) {
                update.warnsOfEventTypes = try bool(item, "warn_evttypes", context)
            }
            if try takes("skip-if-unknown-filter", operation, set) {
                update.skipsUnknownFilter = try bool(item, "skip-if-unknown-filter", context)
            }
            if operation == "append" { try collector.append(update, sources) } else { try collector.replace(update) }
        }
        if let key = left.sorted().first {
            throw LoadFailure(
                .yamlValidate, "Unexpected key '\(key)': no corresponding entry under 'override' is defined.",
                context.below(place(item[key]), .overrides, key))
        }
    }
}
