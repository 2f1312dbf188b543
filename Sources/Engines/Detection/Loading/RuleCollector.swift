/// The definitions of all rule files read so far.
struct RuleCollector: Sendable {
    private(set) var lists = NamedList<ListDefinition>()
    private(set) var macros = NamedList<MacroDefinition>()
    private(set) var rules = NamedList<RuleDefinition>()
    private(set) var requiredPlugins: [[PluginRequirement]] = []
    private var counter = 0

    private mutating func next() -> Int {
        defer { counter += 1 }
        return counter
    }

    // MARK: Versions

    func require(_ version: EngineVersion, _ context: LoadContext) throws(LoadFailure) {
        guard EngineVersion.own.isCompatible(with: version) else {
            throw LoadFailure(
                .validate,
                "Rules require engine version \(version), but engine version is \(EngineVersion.own)", context)
        }
    }

    mutating func require(_ alternatives: [PluginRequirement], _ context: LoadContext) throws(LoadFailure) {
        var names: Set<String> = []
        for plugin in alternatives {
            guard EngineVersion(plugin.version) != nil else {
                throw LoadFailure(
                    .validate, "Invalid required version '\(plugin.version)' for plugin '\(plugin.name)'", context)
            }
            guard names.insert(plugin.name).inserted else {
                throw LoadFailure(
                    .validate, "Defined multiple alternative version requirements for plugin '\(plugin.name)'", context)
            }
        }
        requiredPlugins.append(alternatives)
    }

    // MARK: Lists and macros

    mutating func define(_ list: ListDefinition) {
        var list = list
        list.visibility = next()
        list.index = lists[list.name]?.index ?? list.visibility
        lists[list.name] = list
    }

    mutating func append(_ list: ListDefinition) throws(LoadFailure) {
        guard var previous = lists[list.name] else {
            throw LoadFailure(
                .validate, "List uses 'append' or 'override.items: append' but no list by that name already exists",
                list.context)
        }
        previous.items += list.items
        previous.visibility = next()
        lists[list.name] = previous
    }

    mutating func define(_ macro: MacroDefinition) {
        var macro = macro
        macro.visibility = next()
        macro.index = macros[macro.name]?.index ?? macro.visibility
        macros[macro.name] = macro
    }

    mutating func append(_ macro: MacroDefinition) throws(LoadFailure) {
        guard var previous = macros[macro.name] else {
            throw LoadFailure(
                .validate,
                "Macro uses 'append' or 'override.condition: append' but no macro by that name already exists",
                macro.context)
        }
        previous.condition += " " + macro.condition
        previous.visibility = next()
        macros[macro.name] = previous
    }

    // MARK: Rules

    mutating func define(
        _ rule: RuleDefinition, _ sources: [String: FieldCatalogue], _ warnings: inout [LoadMessage]
    ) throws(LoadFailure) {
        var rule = rule
        _ = try previous(rule.name, rule.source, rule.context)
        let catalogue = sources[rule.source]
        if catalogue == nil {
            rule.hasUnknownSource = true
            warnings.append(
                LoadMessage(
                    code: .unknownSource, message: "Unknown source \(rule.source), skipping", context: rule.context))
        }
        for i in rule.exceptions.indices {
            guard rule.exceptions[i].fields.isValid else {
                throw LoadFailure(
                    .validate, "Rule exception item must have fields property with a list of fields",
                    rule.exceptions[i].context)
            }
            try ExceptionRules.validate(&rule.exceptions[i], catalogue)
        }
        _ = next()
        rules[rule.name] = rule
    }

    mutating func enable(_ rule: RuleDefinition) throws(LoadFailure) {
        guard var previous = rules[rule.name] else {
            throw LoadFailure(
                .validate, "Rule has 'enabled' key but no rule by that name already exists", rule.context)
        }
        previous.isEnabled = rule.isEnabled
        rules[rule.name] = previous
    }

    mutating func append(_ update: RuleUpdate, _ sources: [String: FieldCatalogue]) throws(LoadFailure) {
        guard var rule = try previous(update.name, update.source, update.context) else {
            throw LoadFailure(
                .validate, "Rule uses 'append' or 'override.<key>: append' but no rule by that name already exists",
                update.context)
        }
        guard !update.isEmpty else {
            throw LoadFailure(
                .validate, "Appended rule must have exceptions or condition property", update.context)
        }
        let catalogue = rule.hasUnknownSource ? nil : sources[rule.source]
        if let condition = update.condition, !condition.isEmpty { rule.condition += " " + condition }
        if let output = update.output, !output.isEmpty { rule.output += " " + output }
        if let description = update.description, !description.isEmpty { rule.description += " " + description }
        if let tags = update.tags { rule.tags.formUnion(tags) }
        for var exception in update.exceptions ?? [] {
            guard let known = rule.exceptions.firstIndex(where: { $0.name == exception.name }) else {
                guard exception.fields.isValid else {
                    throw LoadFailure(
                        .validate, "Rule exception must have fields property with a list of fields", exception.context)
                }
                guard !exception.values.isEmpty else {
                    throw LoadFailure(
                        .validate, "Rule exception must have values property with a list of values", exception.context)
                }
                try ExceptionRules.validate(&exception, catalogue)
                rule.exceptions.append(exception)
                continue
            }
            guard !exception.fields.isValid else {
                throw LoadFailure(
                    .validate, "Can not append exception fields to existing exception, only values", exception.context)
            }
            guard !exception.comparisons.isValid else {
                throw LoadFailure(
                    .validate, "Can not append exception comps to existing exception, only values", exception.context)
            }
            rule.exceptions[known].values += exception.values
        }
        _ = next()
        rules[rule.name] = rule
    }

    mutating func replace(_ update: RuleUpdate) throws(LoadFailure) {
        guard var rule = try previous(update.name, update.source, update.context) else {
            throw LoadFailure(
                .validate,
                "An 'override.<key>: replace' to a rule was requested but no rule by that name already exists",
                update.context)
        }
        guard !update.isEmpty else {
            throw LoadFailure(
                .validate, "The rule must have at least one field that can be replaced", update.context)
        }
        if let value = update.condition { rule.condition = value }
        if let value = update.output { rule.output = value }
        if let value = update.description { rule.description = value }
        if let value = update.tags { rule.tags = value }
        if let value = update.exceptions { rule.exceptions = value }
        if let value = update.priority { rule.priority = value }
        if let value = update.isCaptured { rule.isCaptured = value }
        if let value = update.captureDuration { rule.captureDuration = value }
        if let value = update.isEnabled { rule.isEnabled = value }
        if let value = update.warnsOfEventTypes { rule.warnsOfEventTypes = value }
        if let value = update.skipsUnknownFilter { rule.skipsUnknownFilter = value }
        _ = next()
        rules[rule.name] = rule
    }

    private func previous(
        _ name: String, _ source: String, _ context: LoadContext
    ) throws(LoadFailure) -> RuleDefinition? {
        guard let rule = rules[name] else { return nil }
        guard rule.source.isEmpty || source.isEmpty || rule.source == source else {
            throw LoadFailure(.validate, "Rule has been re-defined with a different source", context)
        }
        return rule
    }
}

/// What an exception must be like.
enum ExceptionRules {
    static func validate(
        _ exception: inout ExceptionDefinition, _ catalogue: FieldCatalogue?
    ) throws(LoadFailure) {
        let context = exception.context
        if exception.fields.isList {
            if !exception.comparisons.isValid {
                exception.comparisons.isList = true
                exception.comparisons.items += exception.fields.items.map { _ in ExceptionEntry(item: "=") }
            }
            guard exception.fields.items.count == exception.comparisons.items.count else {
                throw LoadFailure(.validate, "Fields and comps lists must have equal length", context)
            }
            for i in exception.comparisons.items.indices {
                let word = trimmed(exception.comparisons.items[i].item)
                exception.comparisons.items[i].item = word
                guard let comparison = Comparison(parsing: word),
                    comparison.modifier == nil || comparison.takesModifier
                else {
                    throw LoadFailure(.validate, "'\(word)' is not a supported comparison operator", context)
                }
            }
            for field in exception.fields.items { try validate(field.item, catalogue, context) }
        } else {
            if !exception.comparisons.isValid {
                exception.comparisons.isList = false
                exception.comparisons.item = "in"
            }
            guard !exception.comparisons.isList else {
                throw LoadFailure(.validate, "Fields and comps must both be strings", context)
            }
            let word = trimmed(exception.comparisons.item)
            exception.comparisons.item = word
            let comparison = Comparison(parsing: word)
            guard let comparison, comparison.takesList, comparison.modifier == nil || comparison.takesModifier else {
                throw LoadFailure(
                    .validate,
                    "When fields is a single value, comps must be one of (in, pmatch, intersects) or a modifier "
                        + "operator (e.g. startswith oneof)", context)
            }
            try validate(exception.fields.item, catalogue, context)
        }
    }

    private static func validate(
        _ field: String, _ catalogue: FieldCatalogue?, _ context: LoadContext
    ) throws(LoadFailure) {
        guard let catalogue else { return }
        var isKnown = false
        do {
            if field.contains("(") {
                var builder = ProgramBuilder(catalogue)
                _ = try builder.compile(ConditionParser.parse(field + " exists"))
            } else {
                _ = try catalogue.resolve(FieldReference(spelled: field))
            }
            isKnown = true
        } catch let error as FieldError where !error.message.contains("nonexistent field") {
            throw LoadFailure(.validate, error.message, context)
        } catch {
            isKnown = false
        }
        guard isKnown else {
            throw LoadFailure(.validate, "'\(field)' is not a supported filter field", context)
        }
    }

    private static func trimmed(_ text: String) -> String {
        let bytes = Array(text.utf8)
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
        guard let first = bytes.firstIndex(where: { !isBlank($0) }), let last = bytes.lastIndex(where: { !isBlank($0) })
        else { return "" }
        return bytes[first...last].withSpanText
    }

    /// The condition a rule with exceptions stands for, and the fields they name.
    static func condition(
        _ condition: String, _ exceptions: [ExceptionDefinition]
    ) throws(LoadFailure) -> String {
        var out = "(\(condition))"
        for exception in exceptions {
            let text = exception.fields.isList ? try several(exception) : try one(exception)
            if !text.isEmpty { out += " and not \(text)" }
        }
        return out
    }

    private static func one(_ exception: ExceptionDefinition) throws(LoadFailure) -> String {
        var out = ""
        for value in exception.values {
            guard !value.isList else {
                throw LoadFailure(.validate, "Expected values array to contain a list of strings", exception.context)
            }
            out += out.isEmpty ? "(\(exception.fields.item) \(exception.comparisons.item) (" : ", "
            out += quoted(value.item)
        }
        return out.isEmpty ? "" : out + "))"
    }

    private static func several(_ exception: ExceptionDefinition) throws(LoadFailure) -> String {
        var alternatives: [String] = []
        for values in exception.values {
            guard exception.fields.items.count == values.items.count else {
                throw LoadFailure(.validate, "Fields and values lists must have equal length", exception.context)
            }
            var parts: [String] = []
            for (k, field) in exception.fields.items.enumerated() {
                let comparison = exception.comparisons.items[k].item
                let value = values.items[k]
                let text: String
                if value.isList {
                    text = "(\(value.items.map { quoted($0.item) }.joined(separator: ", ")))"
                } else if Comparison(parsing: comparison)?.takesList ?? false {
                    text = value.item.hasPrefix("(") ? value.item : "(\(value.item))"
                } else {
                    text = quoted(value.item)
                }
                parts.append(" \(field.item) \(comparison) \(text)")
            }
            alternatives.append("(\(parts.joined(separator: " and ")))")
        }
        return alternatives.isEmpty ? "" : "(\(alternatives.joined(separator: " or ")))"
    }

    /// Quotes round what has blanks and none yet; quotes inside are left alone, as Falco leaves them.
    static func quoted(_ text: String) -> String {
        text.utf8.contains(0x20) && text.utf8.first != UInt8(ascii: "\"") && text.utf8.first != UInt8(ascii: "'")
            ? "\"\(text)\"" : text
    }
}

extension FieldReference {
    /// A field as a rule file spells it: `name` or `name[argument]`.
    package init(spelled text: String) {
        guard let open = text.firstIndex(of: "["), text.hasSuffix("]") else {
            self.init(text)
            return
        }
        self.init(String(text[..<open]), Array(text[text.index(after: open)...].dropLast().utf8))
    }
}

extension ArraySlice<UInt8> {
    fileprivate var withSpanText: String { String(decoding: self, as: UTF8.self) }
}
