internal import Documents

/// What is known of a field: its type and the argument it takes.
package struct FieldInfo: Sendable, Hashable {
    package enum Argument: Sendable, Hashable { case none, allowed, required }

    package var name: String
    package var type: ValueType
    package var isList = false
    package var argument = Argument.none
    /// The argument is a position; otherwise it is a key.
    package var argumentIsIndex = false
    package var argumentIsKey = false
    /// May not be the right-hand side of a check, nor be compared with a field.
    package var standsAlone = false
    package var refusesTransformers = false
    package var isDeprecated = false
    /// Numbers print with ten digits.
    package var isPadded = false
    package var isHexadecimal = false
    /// One of several values suffices: an ancestor of the process.
    package var matchesAnyElement = false

    package init(_ name: String, _ type: ValueType, isList: Bool = false, argument: Argument = .none) {
        self.name = name
        self.type = type
        self.isList = isList
        self.argument = argument
        self.argumentIsKey = argument != .none
    }

    /// Reads a line of `fields.json`: `NAME TYPE FLAGS`.
    init?(line: String) {
        let words = line.split(separator: " ")
        guard words.count >= 2, let type = ValueType(rawValue: String(words[1])) else { return nil }
        self.init(String(words[0]), type)
        for flag in words.count > 2 ? words[2] : "" {
            switch flag {
            case "r": argument = .required
            case "a": argument = .allowed
            case "i": argumentIsIndex = true
            case "k": argumentIsKey = true
            case "l": isList = true
            case "t": refusesTransformers = true
            case "h": standsAlone = true
            case "d": isDeprecated = true
            case "p": isPadded = true
            case "x": isHexadecimal = true
            default: break
            }
        }
    }
}

/// The fields that the events of one source have.
///
/// Source: `Resources/fields.json`, facts of Falco's own field tables.
package struct FieldCatalogue: Sendable {
    package private(set) var fields: [String: FieldInfo] = [:]
    /// Whether `evt.arg.NAME`, `proc.aname[N]` and the other spellings of system call fields are understood.
    private let hasSystemCallSpellings: Bool

    package init(_ fields: [FieldInfo], hasSystemCallSpellings: Bool = false) {
        self.hasSystemCallSpellings = hasSystemCallSpellings
        for field in fields { self.fields[field.name] = field }
    }

    package static let syscall = FieldCatalogue(
        Self.read("generic") + Self.read("syscall"), hasSystemCallSpellings: true)
    package static let audit = FieldCatalogue(Self.read("generic") + Self.read("k8s_audit"))

    private static let facts = FactFile.root(PackageResources.fields_json, "fields.json")

    private static func read(_ section: String) -> [FieldInfo] {
        facts[section].strings.compactMap(FieldInfo.init(line:))
    }

    /// The names in order.
    package var names: [String] { fields.keys.sorted() }

    // MARK: Looking up

    /// What a field with its argument is; throws with Falco's words when there is none such.
    package func resolve(_ field: FieldReference) throws(FieldError) -> FieldInfo {
        if hasSystemCallSpellings, let info = try systemCallField(field) { return info }
        guard let info = fields[field.name] else { throw .nonexistent(field) }
        switch (info.argument, field.argument) {
        case (.none, nil), (.allowed, nil): return info
        case (.required, nil):
            throw FieldError("filter '\(field)': \(info.name) requires an argument but none provided")
        case (.none, _):
            // The fields of the engine itself and those of plugins complain in different words.
            if hasSystemCallSpellings { throw .nonexistent(field) }
            throw FieldError(
                "filter '\(field)': \(info.name) does not allow nor require an argument but one is provided: "
                    + String(decoding: field.argument ?? [], as: UTF8.self))
        case (_, .some(let argument)):
            if info.argumentIsIndex, !info.argumentIsKey, NumberText.unsigned(argument) == nil {
                throw FieldError("filter '\(field)': \(info.name) has an invalid argument that is no index")
            }
            return info
        }
    }

    /// Spellings of system call fields that no table holds whole.
    private func systemCallField(_ field: FieldReference) throws(FieldError) -> FieldInfo? {
        let name = field.name
        if name == "evt.arg" || name == "evt.rawarg" || name.hasPrefix("evt.arg.") || name.hasPrefix("evt.rawarg.") {
            return try eventArgument(field)
        }
        if name == "thread.cgroup" { throw FieldError("filter syntax error: \(field)") }
        if name.hasPrefix("thread.cgroup."), field.argument == nil, var info = fields["thread.cgroup"] {
            guard name.dropFirst(14).allSatisfy({ $0 == "_" || ($0.isASCII && $0.isLetter) }) else {
                throw .nonexistent(field)
            }
            info.name = name
            info.argument = .none
            return info
        }
        if name == "evt.abspath" || name == "evt.abspath.src" || name == "evt.abspath.dst" {
            guard field.argument == nil else { throw .nonexistent(field) }
            return FieldInfo(name, .string)
        }
        if name.hasPrefix("evt.type.is.") {
            let rest = String(name.dropFirst(12))
            guard field.argument == nil, NumberText.unsigned(Array(rest.utf8)) != nil || EventTypes.shared.knows(rest)
            else { throw .nonexistent(field) }
            return FieldInfo(name, .uint32)
        }
        if name == "evt.around" {
            guard let argument = field.argument else { throw FieldError("filter syntax error: \(field)") }
            guard NumberText.unsigned(argument) != nil else {
                throw FieldError("\(String(decoding: argument, as: UTF8.self)) is not a valid number")
            }
            return fields[name]
        }
        switch name {
        case "proc.aname", "proc.aexe", "proc.aexepath", "proc.acmdline", "proc.apid":
            guard var info = fields[name] else { return nil }
            guard let argument = field.argument else {
                info.matchesAnyElement = true
                return info
            }
            guard NumberText.signed(argument) != nil else { throw .nonexistent(field) }
            return info
        case "proc.aenv":
            guard var info = fields[name] else { return nil }
            info.matchesAnyElement = field.argument == nil
            return info
        case "proc.args", "proc.aargs", "fd.types":
            if let argument = field.argument, NumberText.signed(argument) == nil { throw .nonexistent(field) }
            return fields[name]
        default: return nil
        }
    }

    private func eventArgument(_ field: FieldReference) throws(FieldError) -> FieldInfo {
        let isRaw = field.name.hasPrefix("evt.rawarg")
        let base = isRaw ? "evt.rawarg" : "evt.arg"
        guard var info = fields[base] else { throw .nonexistent(field) }
        if let argument = field.argument {
            guard field.name == base else { throw .nonexistent(field) }
            if isRaw { throw FieldError("evt.arg fields must be expressed explicitly") }
            guard NumberText.signed(argument) != nil else {
                throw FieldError("\(String(decoding: argument, as: UTF8.self)) is not a valid number")
            }
            return info
        }
        guard field.name.count > base.count else { throw FieldError("filter syntax error: \(field)") }
        let parameter = String(field.name.dropFirst(base.count + 1))
        guard let type = EventTypes.shared.parameters[parameter] else {
            let isLonger = EventTypes.shared.parameters.keys.contains { parameter.hasPrefix($0) }
            throw isLonger ? .nonexistent(field) : FieldError("unknown event argument \(parameter)")
        }
        info.name = field.name
        info.argument = .none
        if isRaw { info.type = type }
        return info
    }
}

/// Why there is no such field.
package struct FieldError: Error, Hashable {
    package var message: String

    init(_ message: String) { self.message = message }

    static func nonexistent(_ field: FieldReference) -> FieldError {
        FieldError("filter_check called with nonexistent field \(field)")
    }
}
