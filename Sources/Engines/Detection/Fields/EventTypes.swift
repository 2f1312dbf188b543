internal import Documents

/// The event types a condition may name, and the parameters events have.
///
/// Source: `Resources/events.json`, facts of Falco's event table.
package struct EventTypes: Sendable {
    package static let shared = EventTypes()

    /// Names in the order of the table.
    package let names: [String]
    private let indexes: [String: Int]
    /// How many definitions of the table each name stands for; 0 for the system calls that share one.
    private let definitions: [Int]
    /// Definitions in all.
    private let allDefinitions: Int
    /// The type of each parameter `evt.arg.NAME` may name.
    let parameters: [String: ValueType]

    private init() {
        let root = FactFile.root(PackageResources.events_json, "events.json")
        var names: [String] = []
        var definitions: [Int] = []
        for line in root["events"].strings {
            let words = line.split(separator: " ")
            guard words.count == 2 else { continue }
            names.append(String(words[0]))
            definitions.append(Int(words[1]) ?? 0)
        }
        self.names = names
        self.definitions = definitions
        // The system calls that share a definition count once on the way in and once on the way out.
        allDefinitions = definitions.reduce(2, +)
        indexes = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
        var parameters: [String: ValueType] = [:]
        for line in root["parameters"].strings {
            let words = line.split(separator: " ")
            guard words.count == 2 else { continue }
            parameters[String(words[0])] = ValueType(rawValue: String(words[1])) ?? .bytes
        }
        self.parameters = parameters
    }

    package func knows(_ name: String) -> Bool { indexes[name] != nil }

    /// Definitions of the event types a set of names stands for.
    func definitions(of set: NameSet) -> Int {
        var count = 0
        var sharesOne = false
        for (i, name) in set.contains.enumerated() where name {
            count += definitions[i]
            sharesOne = sharesOne || definitions[i] == 0
        }
        return count + (sharesOne ? 2 : 0)
    }

    /// A set of event types.
    struct NameSet: Equatable {
        fileprivate(set) var contains: [Bool]

        func union(_ other: NameSet) -> NameSet { NameSet(contains: zip(contains, other.contains).map { $0 || $1 }) }
        func intersection(_ other: NameSet) -> NameSet {
            NameSet(contains: zip(contains, other.contains).map { $0 && $1 })
        }
        var complement: NameSet { NameSet(contains: contains.map { !$0 }) }
    }

    var all: NameSet { NameSet(contains: names.map { _ in true }) }
    var none: NameSet { NameSet(contains: names.map { _ in false }) }

    func set(_ names: [String]) -> NameSet {
        var set = none
        for name in names {
            if let index = indexes[name] { set.contains[index] = true }
        }
        return set
    }
}
