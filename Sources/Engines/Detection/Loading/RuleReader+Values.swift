internal import Documents

/// The values of an item, with the errors Falco has for what is not as it should be.
extension RuleReader {
    /// A text that must be there and not be empty.
    func string(_ item: Node, _ key: String, _ context: LoadContext) throws(LoadFailure) -> String {
        guard let text = try optionalString(item, key, context) else {
            throw LoadFailure(.yamlValidate, "Item has no mapping for key '\(key)'", context)
        }
        return text
    }

    /// A text that may be missing; with `mayBeEmpty` also be null or empty, which reads as missing.
    func optionalString(
        _ item: Node, _ key: String, _ context: LoadContext, mayBeEmpty: Bool = false
    ) throws(LoadFailure) -> String? {
        let node = item[key]
        guard node.exists else { return nil }
        if node.kind == .null {
            if mayBeEmpty { return nil }
            throw LoadFailure(.yamlValidate, "Mapping for key '\(key)' is empty", context)
        }
        let own = context.below(place(node), .value, key)
        guard let text = node.text else { throw LoadFailure(.yamlValidate, "Value is not a scalar value", own) }
        if text.isEmpty {
            if mayBeEmpty { return nil }
            throw LoadFailure(.yamlValidate, "Value must be non-empty", own)
        }
        return text
    }

    func bool(_ item: Node, _ key: String, _ context: LoadContext) throws(LoadFailure) -> Bool? {
        guard let text = try optionalString(item, key, context) else { return nil }
        let lowered = text.lowercased()
        // All small, all capital, or capitalised: other mixtures are no truth values.
        let isPlain =
            text == lowered || text == text.uppercased() || text == lowered.prefix(1).uppercased() + lowered.dropFirst()
        switch lowered {
        case "y", "yes", "true", "on": if isPlain { return true }
        case "n", "no", "false", "off": if isPlain { return false }
        default: break
        }
        throw LoadFailure(
            .yamlValidate, "Can't decode YAML scalar value", context.below(place(item[key]), .value, key))
    }

    func number(_ item: Node, _ key: String, _ context: LoadContext) throws(LoadFailure) -> Int? {
        guard let text = try optionalString(item, key, context) else { return nil }
        guard let value = UInt32(text) else {
            throw LoadFailure(
                .yamlValidate, "Can't decode YAML scalar value", context.below(place(item[key]), .value, key))
        }
        return Int(value)
    }

    /// A list of texts.
    func strings(
        _ item: Node, _ key: String, _ context: LoadContext, isOptional: Bool
    ) throws(LoadFailure) -> [String]? {
        let node = item[key]
        guard node.exists else {
            if isOptional { return nil }
            throw LoadFailure(.yamlValidate, "Item has no mapping for key '\(key)'", context)
        }
        let own = context.below(place(node), .value, key)
        guard node.isArray else { throw LoadFailure(.yamlValidate, "Value is not a sequence", own) }
        var out: [String] = []
        for element in node.elements {
            guard let text = element.text else {
                throw LoadFailure(
                    .yamlValidate, "sequence value is not scalar", own.below(place(element), .listItem))
            }
            out.append(text)
        }
        return out
    }

    // MARK: Exceptions

    mutating func exceptions(
        _ item: Node, _ parent: LoadContext, isAppended: Bool
    ) throws(LoadFailure) -> [ExceptionDefinition] {
        let node = item["exceptions"]
        guard node.exists, node.kind != .null else { return [] }
        let context = parent.below(place(node), .exceptions)
        guard node.isArray else { throw LoadFailure(.yamlValidate, "Rule exceptions must be a sequence", context) }
        var out: [ExceptionDefinition] = []
        for element in node.elements {
            let unnamed = context.below(place(element), .exception)
            guard element.isObject else {
                throw LoadFailure(.yamlValidate, "Rule exception must be a mapping", unnamed)
            }
            let name = try string(element, "name", unnamed)
            let own = parent.below(place(element), .exception, name)
            var exception = ExceptionDefinition(name: name, context: own)
            for known in out where known.name == name {
                warn(.repeatedException, "Multiple definitions of exception '\(name)' in the same rule", own)
            }
            exception.fields = try entry(element, "fields", own, isOptional: isAppended)
            exception.comparisons = try entry(element, "comps", own, isOptional: true)
            let values = element["values"]
            if values.exists {
                let valuesContext = own.below(place(values), .exceptionValues)
                guard values.isArray else {
                    throw LoadFailure(.yamlValidate, "Rule exception values must be a sequence", valuesContext)
                }
                for value in values.elements {
                    exception.values.append(
                        try entry(value, "", valuesContext.below(place(value), .exceptionValue)))
                }
            } else if isAppended {
                warn(.appendWithoutValues, "Overriding/appending exception with no values", own)
            }
            out.append(exception)
        }
        return out
    }

    private func entry(
        _ item: Node, _ key: String, _ context: LoadContext, isOptional: Bool
    ) throws(LoadFailure) -> ExceptionEntry {
        guard item[key].exists else {
            if isOptional { return ExceptionEntry() }
            throw LoadFailure(.yamlValidate, "Item has no mapping for key '\(key)'", context)
        }
        return try entry(item[key], key, context)
    }

    private func entry(
        _ node: Node, _ key: String, _ parent: LoadContext
    ) throws(LoadFailure) -> ExceptionEntry {
        let context = parent.below(place(node), .value, key)
        var out = ExceptionEntry()
        if node.isArray {
            out.isList = true
            for element in node.elements {
                out.items.append(try entry(element, "", context.below(place(element), .exception)))
            }
        } else if let text = node.text {
            guard !text.isEmpty else { throw LoadFailure(.yamlValidate, "Value must be non-empty", context) }
            out.item = text
        }
        return out
    }
}
