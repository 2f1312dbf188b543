/// How urgent a rule's alerts are.
package enum Priority: Int, Sendable, Hashable, Comparable, CaseIterable {
    case emergency, alert, critical, error, warning, notice, informational, debug

    /// As alerts say it.
    package var name: String {
        switch self {
        case .emergency: "Emergency"
        case .alert: "Alert"
        case .critical: "Critical"
        case .error: "Error"
        case .warning: "Warning"
        case .notice: "Notice"
        case .informational: "Informational"
        case .debug: "Debug"
        }
    }

    /// Reads a priority in any case; `info` is short for informational.
    package init?(parsing text: String) {
        let lowered = text.lowercased()
        guard let found = Self.allCases.first(where: { $0.name.lowercased() == lowered }) else {
            guard lowered == "info" else { return nil }
            self = .informational
            return
        }
        self = found
    }

    /// The most urgent is the least.
    package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
}

/// A value, or a list of them, of an exception.
struct ExceptionEntry: Sendable, Hashable {
    var isList = false
    var item = ""
    var items: [ExceptionEntry] = []

    var isValid: Bool { isList ? !items.isEmpty : !item.isEmpty }
}

/// An exception of a rule: fields that together excuse an event.
struct ExceptionDefinition: Sendable {
    var name: String
    var fields = ExceptionEntry()
    var comparisons = ExceptionEntry()
    var values: [ExceptionEntry] = []
    var context: LoadContext
}

struct ListDefinition: Sendable {
    var name: String
    var items: [String] = []
    var context: LoadContext
    /// Order of definition and of last change: what was defined before that is seen.
    var index = 0
    var visibility = 0
}

struct MacroDefinition: Sendable {
    var name: String
    var condition = ""
    var context: LoadContext
    var conditionContext: LoadContext
    var index = 0
    var visibility = 0
}

struct RuleDefinition: Sendable {
    var name: String
    var condition = ""
    var output = ""
    var description = ""
    var source = "syscall"
    var priority = Priority.debug
    var isEnabled = true
    var isCaptured = false
    var captureDuration = 0
    var warnsOfEventTypes = true
    var skipsUnknownFilter = false
    var tags: Set<String> = []
    var exceptions: [ExceptionDefinition] = []
    var hasUnknownSource = false
    var context: LoadContext
    var conditionContext: LoadContext
    var outputContext: LoadContext
}

/// What an `append` or `override` changes.
struct RuleUpdate: Sendable {
    var name: String
    var source = ""
    var condition: String?
    var output: String?
    var description: String?
    var tags: Set<String>?
    var exceptions: [ExceptionDefinition]?
    var priority: Priority?
    var isCaptured: Bool?
    var captureDuration: Int?
    var isEnabled: Bool?
    var warnsOfEventTypes: Bool?
    var skipsUnknownFilter: Bool?
    var context: LoadContext

    var isEmpty: Bool {
        condition == nil && output == nil && description == nil && tags == nil && exceptions == nil && priority == nil
            && isCaptured == nil && captureDuration == nil && isEnabled == nil && warnsOfEventTypes == nil
            && skipsUnknownFilter == nil
    }
}

/// Definitions by name in the order they first came.
struct NamedList<Value: Sendable>: Sendable {
    private(set) var values: [Value] = []
    private var indexes: [String: Int] = [:]

    subscript(name: String) -> Value? {
        get { indexes[name].map { values[$0] } }
        set {
            guard let newValue else { return }
            if let index = indexes[name] {
                values[index] = newValue
            } else {
                indexes[name] = values.count
                values.append(newValue)
            }
        }
    }
}
