internal import Documents

/// Reads one rule file into the collector, item by item, and stops at the first error.
struct RuleReader {
    var collector: RuleCollector
    let sources: [String: FieldCatalogue]
    var warnings: [LoadMessage] = []
    let source: SourceText
    var schema = RuleSchema.nothing

    init(_ source: SourceText, _ collector: RuleCollector, _ sources: [String: FieldCatalogue]) {
        self.source = source
        self.collector = collector
        self.sources = sources
    }

    mutating func read() throws(LoadFailure) {
        let root = LoadContext(file: source.name)
        // Of a key that stands twice Falco takes the first; where nobody looks for them, so do we.
        let set = DocumentReader.read(source, options: DocumentReader.Options(checkDuplicateKeys: false))
        // A key that stands twice, bytes that are no text and the like are no errors to Falco's reader.
        let tolerated: Set<DocumentError.Code> = [.duplicateKey, .binary, .badValue, .separator]
        if let problem = set.problems.first(where: { !tolerated.contains($0.code) }) {
            let place = SourcePlace(line: problem.location.line - 1, column: problem.location.column - 1)
            throw LoadFailure(.yamlParse, problem.message, root.below(place, .value))
        }
        schema = RuleSchema(set)
        for document in set.documents where document.root.kind != .null && document.root.exists {
            guard document.root.isObject || document.root.isArray else {
                throw LoadFailure(.yamlValidate, "Rules content is not yaml", root)
            }
            guard document.root.isArray else {
                throw LoadFailure(.yamlValidate, "Rules content is not yaml array of objects", root)
            }
            for item in document.root.elements where item.kind != .null { try read(item, root) }
        }
    }

    /// Where a value begins.
    func place(_ node: Node) -> SourcePlace {
        guard let offset = node.sourceStart else { return SourcePlace() }
        let (line, start) = source.lineAndStart(of: offset)
        return SourcePlace(line: line - 1, column: offset - start, offset: offset)
    }

    mutating func warn(_ code: LoadMessage.Code, _ text: String, _ context: LoadContext) {
        warnings.append(LoadMessage(code: code, message: text, context: context))
    }

    private mutating func read(_ item: Node, _ parent: LoadContext) throws(LoadFailure) {
        guard item.isObject else {
            throw LoadFailure(
                .yamlValidate, "Unexpected element type. Each element should be a yaml associative array.",
                parent.below(place(item), .contentItem))
        }
        if item["required_engine_version"].exists {
            try engineVersion(item, parent)
        } else if item["required_plugin_versions"].exists {
            try pluginVersions(item, parent)
        } else if item["list"].exists {
            try list(item, parent)
        } else if item["macro"].exists {
            try macro(item, parent)
        } else if item["rule"].exists {
            try rule(item, parent)
        } else {
            warn(.unknownItem, "Unknown top level item", parent.below(place(item), .contentItem))
        }
    }

    mutating func warnOfUnknownKeys(_ item: Node, _ known: Set<String>, _ context: LoadContext) {
        for member in item.members where !known.contains(member.key) {
            warn(.unknownKey, "Unknown key '\(member.key)'. The key will be ignored.", context)
        }
    }

    // MARK: Versions

    private mutating func engineVersion(_ item: Node, _ parent: LoadContext) throws(LoadFailure) {
        let context = parent.below(place(item), .engineVersion)
        let text = try string(item, "required_engine_version", context)
        let version: EngineVersion
        if let minor = UInt32(text) {
            // A number alone is the minor version of before there were three.
            version = EngineVersion(major: EngineVersion.own.major, minor: Int(minor), patch: EngineVersion.own.patch)
        } else if let read = EngineVersion(text) {
            version = read
        } else {
            throw LoadFailure(
                .yamlValidate,
                "Unable to parse engine version '\(text)' as a semver string. Expected \"x.y.z\" semver format.",
                context)
        }
        try collector.require(version, context)
        warnOfUnknownKeys(item, ["required_engine_version"], context)
    }

    private mutating func pluginVersions(_ item: Node, _ parent: LoadContext) throws(LoadFailure) {
        let plugins = item["required_plugin_versions"]
        let context = parent.below(place(plugins), .pluginVersions)
        guard plugins.isArray else {
            throw LoadFailure(.yamlValidate, "Value of required_plugin_versions must be a sequence", context)
        }
        for plugin in plugins.elements {
            let unnamed = context.below(place(plugin), .pluginVersion)
            guard plugin.isObject else {
                throw LoadFailure(.yamlValidate, "Plugin version must be a mapping", unnamed)
            }
            let name = try string(plugin, "name", unnamed)
            let own = context.below(place(plugin), .pluginVersion, name)
            var alternatives = [PluginRequirement(name: name, version: try string(plugin, "version", own))]
            let others = plugin["alternatives"]
            if others.exists {
                guard others.isArray else {
                    throw LoadFailure(
                        .yamlValidate, "Value of plugin version alternatives must be a sequence", own)
                }
                for other in others.elements {
                    let unnamed = own.below(place(other), .pluginAlternative)
                    guard other.isObject else {
                        throw LoadFailure(.yamlValidate, "Plugin version alternative must be a mapping", unnamed)
                    }
                    let name = try string(other, "name", unnamed)
                    let named = own.below(place(other), .pluginAlternative, name)
                    alternatives.append(PluginRequirement(name: name, version: try string(other, "version", named)))
                }
            }
            try collector.require(alternatives, own)
        }
        warnOfUnknownKeys(item, ["required_plugin_versions"], parent.below(place(item), .pluginVersions))
    }

    // MARK: Lists and macros

    static let appendWarning =
        "'append' key is deprecated. Add an 'append' entry (e.g. 'condition: append') under 'override' instead."
    static let appendAndOverride =
        "Keys 'override' and 'append: true' cannot be used together. Add an 'append' entry (e.g. 'condition: append') "
        + "under 'override' instead."

    private mutating func list(_ item: Node, _ parent: LoadContext) throws(LoadFailure) {
        let name = try string(item, "list", parent.below(place(item), .list))
        let context = parent.below(place(item), .list, name)
        if name.utf8.isEmpty || !name.utf8.allSatisfy({ $0 >= 0x80 || ConditionLexer.belongsToValue($0) }) {
            warn(
                .invalidListName,
                "List has an invalid name. List names should match a regular expression: ([^()\"'[:space:]=,]+)",
                context)
        }
        var list = ListDefinition(name: name, context: context)
        list.items = try strings(item, "items", context, isOptional: false) ?? []
        let appends = try appends(item, ["items"], context)
        if appends { try collector.append(list) } else { collector.define(list) }
        warnOfUnknownKeys(item, ["list", "items", "append", "override"], context)
    }

    private mutating func macro(_ item: Node, _ parent: LoadContext) throws(LoadFailure) {
        let name = try string(item, "macro", parent.below(place(item), .macro))
        let context = parent.below(place(item), .macro, name)
        var lexer = ConditionLexer(Array(name.utf8))
        if !lexer.identifier() || !lexer.isAtEnd {
            warn(
                .invalidMacroName,
                "Macro has an invalid name. Macro names should match a regular expression: ([a-zA-Z]+[a-zA-Z0-9_]*)",
                context)
        }
        var macro = MacroDefinition(name: name, context: context, conditionContext: context)
        macro.condition = try string(item, "condition", context)
        macro.conditionContext = context.below(place(item["condition"]), .macroCondition)
        let appends = try appends(item, ["condition"], context)
        if appends { try collector.append(macro) } else { collector.define(macro) }
        warnOfUnknownKeys(item, ["macro", "condition", "append", "override"], context)
    }

    /// Whether a list or macro adds to the one of its name, by either way of saying so.
    private mutating func appends(
        _ item: Node, _ keys: Set<String>, _ context: LoadContext
    ) throws(LoadFailure) -> Bool {
        let flag = try bool(item, "append", context) ?? false
        if flag { warn(.deprecatedItem, Self.appendWarning, context) }
        let overrides = try overrides(item, appendable: keys, replaceable: keys, context)
        guard !flag || overrides.isEmpty else { throw LoadFailure(.yamlValidate, Self.appendAndOverride, context) }
        return flag || !overrides.appended.isEmpty
    }

    // MARK: Overrides

    struct Overrides {
        var appended: Set<String> = []
        var replaced: Set<String> = []
        var isEmpty: Bool { appended.isEmpty && replaced.isEmpty }
    }

    func overrides(
        _ item: Node, appendable: Set<String>, replaceable: Set<String>, _ parent: LoadContext
    ) throws(LoadFailure) -> Overrides {
        var out = Overrides()
        let node = item["override"]
        guard node.exists else { return out }
        let context = parent.below(place(item), .overrides)
        guard !node.isArray || node.isEmpty else {
            throw LoadFailure(.validate, "override must be a mapping", LoadContext(file: source.name))
        }
        for member in node.members {
            let key = member.key
            guard let operation = member.value.isNull ? "null" : member.value.text else {
                throw LoadFailure(.validate, "bad conversion", LoadContext(file: source.name))
            }
            let keyContext = context.below(keyPlace(member.value), .overrides, key)
            switch operation {
            case "append":
                guard appendable.contains(key) else {
                    throw LoadFailure(
                        .yamlValidate, "Key '\(key)' cannot be appended to, use 'replace' instead", keyContext)
                }
                out.appended.insert(key)
            case "replace":
                guard replaceable.contains(key) else {
                    throw LoadFailure(.yamlValidate, "Key '\(key)' cannot be replaced", keyContext)
                }
                out.replaced.insert(key)
            default:
                var allowed = ""
                if appendable.contains(key) { allowed += "append " }
                if replaceable.contains(key) { allowed += "replace " }
                throw LoadFailure(
                    .yamlValidate,
                    "Invalid override operation for key '\(key)': '\(operation)'. Allowed values are: \(allowed)",
                    context.below(place(member.value), .value, key))
            }
        }
        return out
    }

    /// Where the key of a member begins.
    func keyPlace(_ value: Node) -> SourcePlace {
        guard let range = value.keyRange else { return place(value) }
        let (line, start) = source.lineAndStart(of: range.lowerBound)
        return SourcePlace(line: line - 1, column: range.lowerBound - start, offset: range.lowerBound)
    }
}
