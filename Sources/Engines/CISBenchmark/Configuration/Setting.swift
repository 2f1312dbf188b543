package import Documents

/// A setting as it is in effect: its value, and where that came from.
package struct Setting: Sendable {
    package enum Value: Sendable, Hashable {
        /// Nobody wrote it, and it has no default.
        case unset
        case text(String)
        case list([String])
        /// Names with values, the last of a name kept, in order of first use.
        case map([Pair])
        /// It cannot be known, and why.
        case unknown(String)
    }

    package struct Pair: Sendable, Hashable {
        package var name: String
        package var value: String
    }

    package var name: String
    package var value: Value
    /// Nil where nothing sets it.
    package var provenance: Provenance?
    /// Where it stands in a manifest or file.
    package var node: Node?

    /// Whether somebody wrote it, rather than a default.
    package var isWritten: Bool {
        switch provenance {
        case nil, .defaultOf, .etcdDefault, .legacyDefault: false
        default: true
        }
    }

    /// Whether there is no value at all: an empty one is none, as Go's zero values are.
    package var isEmpty: Bool {
        switch value {
        case .unset: true
        case .text(let text): text.isEmpty
        case .list(let list): list.isEmpty
        case .map(let map): map.isEmpty
        case .unknown: false
        }
    }

    /// The value for people.
    package var text: String? {
        switch value {
        case .unset: nil
        case .text(let text): text
        case .list(let list): list.joined(separator: ",")
        case .map(let pairs): pairs.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
        case .unknown: nil
        }
    }

    /// A Go boolean: `1`, `t`, `T`, `true`, `True`, `TRUE` and their opposites; nil for anything else.
    static func bool(_ text: String) -> Bool? {
        switch text {
        case "1", "t", "T", "true", "True", "TRUE": true
        case "0", "f", "F", "false", "False", "FALSE": false
        default: nil
        }
    }
}
