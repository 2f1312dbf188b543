/// What a node of a document holds.
package enum NodeKind: UInt8, Sendable {
    /// No such field.
    case missing
    case null, bool, number, string, array, object

    /// The word for people: "a string", "an object".
    package var phrase: String {
        switch self {
        case .missing: "nothing"
        case .null: "null"
        case .bool: "a boolean"
        case .number: "a number"
        case .string: "a string"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

/// One value, with its key when it is a member of an object: 16 bytes.
///
/// A document is the array of these in reading order, so that a subtree is a slice.
struct TapeNode: Sendable {
    /// Scalars: offset of the text in the source (behind an opening quote). Containers: offset of the opening.
    var start: UInt32
    /// Scalars: length of the text in bytes, or the side entry's index. Containers: index of the node behind the
    /// subtree.
    var extent: UInt32
    /// Offset of the key's text in the source, or the side entry's index.
    var key: UInt32
    var keyLength: UInt16
    var kind: NodeKind
    var flags: Flags

    struct Flags: OptionSet, Sendable {
        var rawValue: UInt8
        /// The text stands between quotes.
        static let quoted = Flags(rawValue: 1)
        /// The text has JSON escapes that are resolved when it is read.
        static let escaped = Flags(rawValue: 2)
        /// The text is the side entry `extent`.
        static let side = Flags(rawValue: 4)
        /// The node stands elsewhere in the source too: it came by an alias or a merge key.
        static let aliased = Flags(rawValue: 8)
        /// The key has JSON escapes.
        static let keyEscaped = Flags(rawValue: 16)
        /// The key is the side entry `key`.
        static let keySide = Flags(rawValue: 32)
        /// Hidden: a later member of the same object has the same key and wins, or the node is a merge key.
        static let shadowed = Flags(rawValue: 64)
        /// Not in the source: written by defaulting or a patch.
        static let synthetic = Flags(rawValue: 128)
        /// Containers only: something in it was changed or left out, so that its last child tells nothing of its end.
        static let edited = Flags(rawValue: 2)
    }

    var isContainer: Bool { kind == .array || kind == .object }
}

/// Text that does not stand in the source as it is: decoded scalars, keys with escapes, patched values.
struct SideEntry: Sendable {
    var offset: UInt32
    var length: UInt32
    /// The first byte of the source that the text was written as, quotes included.
    var sourceStart: UInt32
    /// One past the last byte of the source that the text was written as.
    var sourceEnd: UInt32
}

/// Where an alias stands whose value is the node.
struct AliasUse: Sendable {
    var node: Int
    var start: Int
    var end: Int
}

/// The nodes of all documents of one source.
final class Tape: Sendable {
    let source: SourceText
    let nodes: [TapeNode]
    let side: [UInt8]
    let sideEntries: [SideEntry]
    /// Ordered by node.
    let aliasUses: [AliasUse]

    init(
        source: SourceText, nodes: [TapeNode], side: [UInt8], sideEntries: [SideEntry], aliasUses: [AliasUse]
    ) {
        self.source = source
        self.nodes = nodes
        self.side = side
        self.sideEntries = sideEntries
        self.aliasUses = aliasUses
    }

    /// The index behind the subtree at `index`.
    @inline(__always)
    func end(of index: Int) -> Int {
        let node = nodes[index]
        return node.isContainer ? Int(node.extent) : index + 1
    }

    /// Gives the bytes of a scalar as stored (JSON escapes not resolved) to `body`.
    @inline(__always)
    func withText<R>(_ index: Int, _ body: (Span<UInt8>) -> R) -> R {
        let node = nodes[index]
        if node.flags.contains(.side) {
            let entry = sideEntries[Int(node.extent)]
            let stored = side
            return body(stored.span.extracting(Int(entry.offset)..<Int(entry.offset + entry.length)))
        }
        let stored = source.bytes
        return body(stored.span.extracting(Int(node.start)..<Int(node.start) + Int(node.extent)))
    }

    /// Gives the bytes of a member's key as stored to `body`.
    @inline(__always)
    func withKey<R>(_ index: Int, _ body: (Span<UInt8>) -> R) -> R {
        let node = nodes[index]
        if node.flags.contains(.keySide) {
            let entry = sideEntries[Int(node.key)]
            let stored = side
            return body(stored.span.extracting(Int(entry.offset)..<Int(entry.offset + entry.length)))
        }
        let stored = source.bytes
        return body(stored.span.extracting(Int(node.key)..<Int(node.key) + Int(node.keyLength)))
    }

    /// Whether the member at `index` has this key.
    @inline(__always)
    func keyEquals(_ index: Int, _ key: Span<UInt8>) -> Bool {
        let node = nodes[index]
        if node.flags.isDisjoint(with: [.keySide, .keyEscaped]) {
            guard Int(node.keyLength) == key.count else { return false }
            let stored = source.bytes
            let bytes = stored.span
            let start = Int(node.key)
            for i in 0..<key.count where bytes[start + i] != key[i] { return false }
            return true
        }
        if node.flags.contains(.keyEscaped) {
            let own = Array(withKey(index) { JSONText.unescaped($0) })
            guard own.count == key.count else { return false }
            for i in 0..<key.count where own[i] != key[i] { return false }
            return true
        }
        return withKey(index) { own in
            guard own.count == key.count else { return false }
            for i in 0..<key.count where own[i] != key[i] { return false }
            return true
        }
    }

    func string(_ index: Int) -> String {
        if nodes[index].flags.contains(.escaped) {
            return String(decoding: withText(index) { JSONText.unescaped($0) }, as: UTF8.self)
        }
        return withText(index) { String(copying: $0) }
    }

    func key(_ index: Int) -> String {
        if nodes[index].flags.contains(.keyEscaped) {
            return String(decoding: withKey(index) { JSONText.unescaped($0) }, as: UTF8.self)
        }
        return withKey(index) { String(copying: $0) }
    }

    /// Where a node begins in the source, the opening quote included; nil for synthetic ones.
    func sourceStart(_ index: Int) -> Int? {
        let node = nodes[index]
        guard !node.flags.contains(.synthetic) else { return nil }
        return Int(node.start) - (node.flags.contains(.quoted) && !node.flags.contains(.side) ? 1 : 0)
    }
}

extension String {
    /// A string of bytes from outside; what is not UTF-8 becomes U+FFFD.
    init(copying bytes: Span<UInt8>) {
        if let checked = try? UTF8Span(validating: bytes) {
            self.init(copying: checked)
        } else {
            var copy: [UInt8] = []
            copy.reserveCapacity(bytes.count)
            for i in bytes.indices { copy.append(bytes[i]) }
            self.init(decoding: copy, as: UTF8.self)
        }
    }
}
