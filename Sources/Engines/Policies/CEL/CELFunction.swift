/// A function as the checker sees it: its overloads, in the order in which they are tried.
package struct CELFunction: Sendable {
    package var name: String
    package var overloads: [CELOverload]
    /// What it does, given its arguments (the target first); errors among them have been passed on before.
    package var run: @Sendable ([CELValue]) -> CELValue

    package init(_ name: String, _ overloads: [CELOverload], run: @escaping @Sendable ([CELValue]) -> CELValue) {
        self.name = name
        self.overloads = overloads
        self.run = run
    }
}

package struct CELOverload: Sendable {
    package var id: String
    package var isMember: Bool
    package var arguments: [CELType]
    package var result: CELType
    /// Names of the type parameters that occur in it.
    package let parameters: [String]

    package init(_ id: String, member: Bool = false, _ arguments: [CELType], _ result: CELType) {
        self.id = id
        isMember = member
        self.arguments = arguments
        self.result = result
        var names: [String] = []
        for type in arguments + [result] { type.collectParameters(into: &names) }
        parameters = names
    }

    static func member(_ id: String, _ arguments: [CELType], _ result: CELType) -> CELOverload {
        CELOverload(id, member: true, arguments, result)
    }
}

extension CELType {
    func collectParameters(into names: inout [String]) {
        switch self {
        case .parameter(let name): if !names.contains(name) { names.append(name) }
        case .list(let element): element.collectParameters(into: &names)
        case .map(let key, let value):
            key.collectParameters(into: &names)
            value.collectParameters(into: &names)
        case .type(let inner?): inner.collectParameters(into: &names)
        case .opaque(_, let parameters): for type in parameters { type.collectParameters(into: &names) }
        default: break
        }
    }
}

/// The fields of a message or of a library's type.
package struct CELStructure: Sendable {
    package var fields: [String: CELType]
    /// Makes a value from the fields of a literal; nil where the type has no literals.
    package var make: (@Sendable ([String: CELValue]) -> CELValue)?

    package init(fields: [String: CELType], make: (@Sendable ([String: CELValue]) -> CELValue)? = nil) {
        self.fields = fields
        self.make = make
    }
}

/// What expressions may name: macros, functions, variables and types.
package struct CELEnvironment: Sendable {
    package var macros = CELMacros()
    /// The namespace that names are looked up from, innermost first.
    package var container = ""
    package private(set) var functions: [String: CELFunction] = [:]
    package var variables: [String: CELType] = [:]
    /// Values of names that stand for themselves: enum values, named types.
    package var constants: [String: (type: CELType, value: CELValue)] = [:]
    package var structures: [String: CELStructure] = [:]
    /// Whether the elements of a list or map literal must be of one type.
    package var requiresHomogeneousLiterals = false
    /// Whether literals given to `duration`, `timestamp` and `matches` are tried while compiling.
    package var checksLiterals = false
    /// Whether constant parts are computed while compiling, where their cost is counted as nothing.
    package var foldsConstants = false
    /// Whether an optional selection from a value that has no fields is an error rather than absent.
    package var refusesPresenceInScalars = false
    /// What functions cost beyond the language's own rules.
    package var costs: any CELCostRules = CELStandardCosts()

    package init() {}

    package mutating func add(_ functions: [CELFunction]) {
        for function in functions {
            if let known = self.functions[function.name] {
                var merged = known
                merged.overloads += function.overloads
                let first = known.run
                let second = function.run
                merged.run = { arguments in
                    let value = first(arguments)
                    if case .error(.noSuchOverload) = value { return second(arguments) }
                    return value
                }
                self.functions[function.name] = merged
            } else {
                self.functions[function.name] = function
            }
        }
    }

    /// Names to try for a name, the container's own first; a leading dot means the name alone.
    func candidates(_ name: String) -> [String] {
        if name.hasPrefix(".") { return [String(name.dropFirst())] }
        if container.isEmpty { return [name] }
        var names: [String] = []
        var prefix = Substring(container)
        while true {
            names.append("\(prefix).\(name)")
            guard let dot = prefix.lastIndex(of: ".") else { break }
            prefix = prefix[..<dot]
        }
        return names + [name]
    }

    func function(_ name: String) -> CELFunction? {
        for candidate in candidates(name) { if let found = functions[candidate] { return found } }
        return nil
    }
}
