internal import Documents

/// What loading a rule file has to say, with Falco's codes and places.
package struct LoadMessage: Sendable, Hashable {
    package enum Code: String, Sendable, Hashable, CaseIterable {
        case fileRead = "LOAD_ERR_FILE_READ"
        case yamlParse = "LOAD_ERR_YAML_PARSE"
        case yamlValidate = "LOAD_ERR_YAML_VALIDATE"
        case compileCondition = "LOAD_ERR_COMPILE_CONDITION"
        case compileOutput = "LOAD_ERR_COMPILE_OUTPUT"
        case validate = "LOAD_ERR_VALIDATE"

        case unknownSource = "LOAD_UNKNOWN_SOURCE"
        case unsafeComparison = "LOAD_UNSAFE_NA_CHECK"
        case noEventType = "LOAD_NO_EVTTYPE"
        case unknownFilter = "LOAD_UNKNOWN_FILTER"
        case unusedMacro = "LOAD_UNUSED_MACRO"
        case unusedList = "LOAD_UNUSED_LIST"
        case unknownItem = "LOAD_UNKNOWN_ITEM"
        case deprecatedItem = "LOAD_DEPRECATED_ITEM"
        case appendWithoutValues = "LOAD_APPEND_NO_VALUES"
        case repeatedException = "LOAD_EXCEPTION_NAME_NOT_UNIQUE"
        case invalidMacroName = "LOAD_INVALID_MACRO_NAME"
        case invalidListName = "LOAD_INVALID_LIST_NAME"
        case conditionWarning = "LOAD_COMPILE_CONDITION"
        case unknownKey = "LOAD_UNKNOWN_KEY"

        /// Errors end the loading of a file.
        package var isError: Bool { rawValue.hasPrefix("LOAD_ERR_") }
    }

    package var code: Code
    package var message: String
    package var context: LoadContext

    /// The place a person should look at: for something inside a condition, where the condition begins. Falco's own
    /// place adds counts from 1 to counts from 0 and does not know of folded lines.
    package var line: Int { (place?.line ?? 0) + 1 }
    package var column: Int { (place?.column ?? 0) + 1 }
    private var place: LoadContext.Location? { context.locations.last { $0.item != .expression } }
    package var file: String { context.locations.first?.name ?? "" }
}

extension LoadMessage {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("code", code.rawValue)
            writer.member(
                "context",
                object: { writer in
                    writer.member(
                        "locations",
                        array: { writer in
                            for location in context.locations { location.write(to: &writer) }
                        })
                })
            writer.member("message", message)
        }
    }
}

extension LoadContext.Location {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("item_name", itemName)
            writer.member("item_type", item.rawValue)
            writer.member(
                "position",
                object: { writer in
                    writer.member("column", column)
                    writer.member("line", line)
                    writer.member("name", name)
                    writer.member("offset", offset)
                })
        }
    }
}

extension [RuleFileResult] {
    /// The results as Falco prints them when it validates files for a program.
    package func json() -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member(
                "falco_load_results",
                array: { writer in
                    for result in self {
                        writer.object { writer in
                            writer.member("errors", array: { for each in result.errors { each.write(to: &$0) } })
                            writer.member("name", result.name)
                            writer.member("successful", result.isSuccessful)
                            writer.member("warnings", array: { for each in result.warnings { each.write(to: &$0) } })
                        }
                    }
                })
        }
        return writer.string
    }
}

/// Where in the rule files a message belongs: from the file inwards.
package struct LoadContext: Sendable, Hashable {
    package enum Item: String, Sendable, Hashable {
        case value = "value for"
        case exceptions, exception
        case exceptionValues = "exception values"
        case exceptionValue = "exception value"
        case content = "rules content"
        case contentItem = "rules content item"
        case engineVersion = "required_engine_version"
        case pluginVersions = "required plugin versions"
        case pluginVersion = "required plugin versions entry"
        case pluginAlternative = "required plugin versions alternative"
        case list
        case listItem = "list item"
        case macro
        case macroCondition = "macro condition"
        case rule
        case ruleCondition = "rule condition"
        case expression = "condition expression"
        case output = "rule output"
        case priority = "rule priority"
        case overrides
    }

    package struct Location: Sendable, Hashable {
        /// The file; for a place inside a condition its first words.
        package var name: String
        package var item: Item
        package var itemName: String
        /// From 0, as YAML libraries count.
        package var line: Int
        package var column: Int
        package var offset: Int
    }

    package private(set) var locations: [Location]

    init(file: String) {
        locations = [Location(name: file, item: .content, itemName: "", line: 0, column: 0, offset: 0)]
    }

    func below(_ place: SourcePlace, _ item: Item, _ name: String = "") -> LoadContext {
        var copy = self
        copy.locations.append(
            Location(
                name: locations.first?.name ?? "", item: item, itemName: name, line: place.line, column: place.column,
                offset: place.offset))
        return copy
    }

    /// A place inside a condition's text.
    func inside(_ condition: String, at position: ConditionPosition) -> LoadContext {
        var copy = self
        let last = locations.last
        let head =
            condition.utf8.count > 20 ? String(decoding: condition.utf8.prefix(17), as: UTF8.self) + "..." : condition
        let name = head.map { $0 == "\n" || $0 == "\r" || $0 == "\r\n" ? " " : $0 }
        copy.locations.append(
            Location(
                name: "\"\(String(name))\"", item: .expression, itemName: "", line: position.line + (last?.line ?? 0),
                column: position.column + (last?.column ?? 0), offset: position.offset + (last?.offset ?? 0)))
        return copy
    }
}

/// A place in a file as YAML libraries count: everything from 0.
struct SourcePlace: Sendable, Hashable {
    var line = 0
    var column = 0
    var offset = 0
}

/// Ends the loading of a file.
struct LoadFailure: Error {
    var message: LoadMessage

    init(_ code: LoadMessage.Code, _ text: String, _ context: LoadContext) {
        message = LoadMessage(code: code, message: text, context: context)
    }
}

/// What became of one rule file.
package struct RuleFileResult: Sendable {
    package var name: String
    package var errors: [LoadMessage] = []
    package var warnings: [LoadMessage] = []
    package var schema = RuleSchema.nothing

    package var isSuccessful: Bool { errors.isEmpty }
}
