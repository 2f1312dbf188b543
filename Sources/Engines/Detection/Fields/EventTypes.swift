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
        var known = NameSet(known: SIMD8())
        precondition(names.count <= 512, "a set of event types has room for 512")
        for i in names.indices { known.insert(i) }
        none = NameSet(known: known.bits)
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
        for i in names.indices where set.contains(i) {
            count += definitions[i]
            sharesOne = sharesOne || definitions[i] == 0
        }
        return count + (sharesOne ? 2 : 0)
    }

    func names(in set: NameSet) -> [String] { names.indices.filter(set.contains).map { names[$0] } }

    /// A set of event types, one bit for each.
    struct NameSet: Equatable {
        private(set) var bits = SIMD8<UInt64>()
        fileprivate var known: SIMD8<UInt64>

        func contains(_ index: Int) -> Bool { bits[index >> 6] >> UInt64(index & 63) & 1 == 1 }
        mutating func insert(_ index: Int) { bits[index >> 6] |= 1 << UInt64(index & 63) }
        func union(_ other: NameSet) -> NameSet { with(bits | other.bits) }
        func intersection(_ other: NameSet) -> NameSet { with(bits & other.bits) }
        var complement: NameSet { with(~bits & known) }

        private func with(_ bits: SIMD8<UInt64>) -> NameSet {
            var copy = self
            copy.bits = bits
            return copy
        }
    }

    var all: NameSet { none.complement }
    let none: NameSet

    func set(_ names: [String]) -> NameSet {
        var set = none
        for name in names {
            if let index = indexes[name] { set.insert(index) }
        }
        return set
    }
}
