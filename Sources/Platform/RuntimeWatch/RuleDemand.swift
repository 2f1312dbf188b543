package import Detection
package import Sensor

/// What rules need the sensor to hand over, so that the kernel drops everything else.
package struct RuleDemand: Sendable {
    package private(set) var calls: Set<SystemCall> = []
    /// Names of files, or of the folders they lie in, whose reading a rule asks about.
    package private(set) var readNames: Set<String> = []
    /// Rules that ask about every file that is read; nothing of reading can be filtered then.
    package private(set) var readersOfAll: [String] = []
    package private(set) var readsUnixSockets = false

    private static let byName = Dictionary(uniqueKeysWithValues: SystemCall.allCases.map { ($0.name, $0) })

    package init(_ rules: [DetectionRule]) {
        for rule in rules {
            let types = rule.eventTypes
            let own = types.map { Set($0.compactMap { Self.byName[$0] }) } ?? Set(SystemCall.allCases)
            calls.formUnion(own)
            guard own.contains(where: \.isOpen) else { continue }
            var reading = Reading()
            reading.visit(rule.condition)
            // A rule that only asks about writing does not want what is read.
            guard reading.mayRead else { continue }
            if reading.names.isEmpty {
                readersOfAll.append(rule.name)
            } else {
                readNames.formUnion(reading.names)
            }
        }
    }

    package func options(from given: SensorOptions = SensorOptions()) -> SensorOptions {
        var options = given
        options.calls = calls
        options.readNames.formUnion(readNames)
        if !readersOfAll.isEmpty { options.allReads = true }
        return options
    }
}

/// Reads from a condition which files' reading it may be about.
private struct Reading {
    var names: Set<String> = []
    private var asksRead = false
    private var asksWrite = false

    var mayRead: Bool { asksRead || !asksWrite }

    private static let pathFields: Set<String> = [
        "fd.name", "fd.nameraw", "fd.directory", "fd.filename", "evt.arg.name", "evt.arg.path", "fs.path.name",
    ]

    mutating func visit(_ condition: Condition) {
        switch condition {
        case .and(let children, _), .or(let children, _): for child in children { visit(child) }
        // What is excluded names nothing that is wanted.
        case .not(let child, _): visitNegated(child)
        case .expanded(_, let body): visit(body)
        case .macro, .exists: break
        case .check(.field(let field, _), let comparison, let right, _): visit(field, comparison, right)
        case .check: break
        }
    }

    private mutating func visitNegated(_ condition: Condition) {
        switch condition {
        case .not(let child, _): visit(child)
        case .expanded(_, let body): visitNegated(body)
        case .and(let children, _), .or(let children, _): for child in children { visitNegated(child) }
        case .macro, .exists, .check: break
        }
    }

    private mutating func visit(_ field: FieldReference, _ comparison: Comparison, _ right: Comparand) {
        switch field.name {
        case "evt.is_open_read": asksRead = true
        case "evt.is_open_write", "evt.is_open_create", "evt.is_open_exec": asksWrite = true
        case let name where Self.pathFields.contains(name):
            guard comparison.operator != .notEqual else { return }
            switch right {
            case .value(let text, _): add(text)
            case .values(let texts, _): for text in texts { add(text) }
            case .operand: break
            }
        default: break
        }
    }

    /// The last name of a path, without what is a pattern; of a short path with folders the folder, too.
    private mutating func add(_ text: [UInt8]) {
        let parts = String(decoding: text, as: UTF8.self).split(separator: "/").map(String.init)
            .filter { !$0.contains("*") && !$0.contains("?") }
        // The kernel looks at the file's name and at the two folders above.
        if let last = parts.last { names.insert(last) }
    }
}
