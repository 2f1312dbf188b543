/// A pattern as it was written.
indirect enum PatternNode: Sendable, Equatable {
    case bytes(ByteClass)
    case sequence([PatternNode])
    case choice([PatternNode])
    /// The capturing group.
    case group(PatternNode)
    case repeated(PatternNode, Int, Int?)

    /// Bytes a match can begin with, and whether it can be empty.
    var firstBytes: (set: ByteClass, canBeEmpty: Bool) {
        switch self {
        case .bytes(let set): return (set, false)
        case .group(let inner): return inner.firstBytes
        case .repeated(let inner, let low, _):
            let (set, empty) = inner.firstBytes
            return (set, empty || low == 0)
        case .choice(let options):
            return options.reduce((ByteClass(), false)) { sum, option in
                let (set, empty) = option.firstBytes
                return (sum.0.union(set), sum.1 || empty)
            }
        case .sequence(let parts):
            var all = ByteClass()
            for part in parts {
                let (set, empty) = part.firstBytes
                all.formUnion(set)
                if !empty { return (all, false) }
            }
            return (all, true)
        }
    }

    /// The bytes, in lower case, that every match begins with.
    var literalPrefix: [UInt8] {
        var out: [UInt8] = []
        _ = collectPrefix(&out)
        return out
    }

    /// Bytes of the shortest match.
    var shortest: Int {
        switch self {
        case .bytes: 1
        case .group(let inner): inner.shortest
        case .sequence(let parts): parts.reduce(0) { $0 + $1.shortest }
        case .choice(let options): options.map(\.shortest).min() ?? 0
        case .repeated(let inner, let low, _): inner.shortest * low
        }
    }

    /// The pattern as links of which only the last may vary in length, and how many bytes stand before the secret.
    var chain: (links: [BytePattern.Link], secret: Int)? {
        var links: [BytePattern.Link] = []
        var secret = 0
        var isClosed = false
        guard collectLinks(&links, &secret, &isClosed), !links.isEmpty else { return nil }
        return (links, secret)
    }

    /// Gives false for what is no chain; nothing may follow what `isClosed`: a length that varies, or the secret.
    private func collectLinks(_ links: inout [BytePattern.Link], _ secret: inout Int, _ isClosed: inout Bool) -> Bool {
        guard !isClosed else { return false }
        switch self {
        case .bytes(let set):
            links.append(.init(set: set, min: 1, max: 1))
        case .repeated(.bytes(let set), let low, let high):
            links.append(.init(set: set, min: low, max: high))
            isClosed = high != low
        case .sequence(let parts):
            for part in parts { guard part.collectLinks(&links, &secret, &isClosed) else { return false } }
        case .group(let inner):
            secret = links.reduce(0) { $0 + $1.min }
            guard inner.collectLinks(&links, &secret, &isClosed) else { return false }
            isClosed = true
        case .choice, .repeated: return false
        }
        return true
    }

    /// Gives false where the literal ends.
    private func collectPrefix(_ out: inout [UInt8]) -> Bool {
        switch self {
        case .bytes(let set):
            let lowered = Set(set.bytes.map { $0 >= 0x41 && $0 <= 0x5A ? $0 + 32 : $0 })
            guard lowered.count == 1, let byte = lowered.first else { return false }
            out.append(byte)
            return true
        case .group(let inner): return inner.collectPrefix(&out)
        case .sequence(let parts): return parts.allSatisfy { $0.collectPrefix(&out) }
        case .repeated(let inner, let low, let high):
            for _ in 0..<low { if !inner.collectPrefix(&out) { return false } }
            return high == low
        case .choice: return false
        }
    }
}

/// Reads the notation of ``BytePattern``.
struct BytePatternParser {
    private let notation: String
    private let bytes: [UInt8]
    private let ignoringCase: Bool
    private var place = 0
    private var groups = 0

    init(_ notation: String, ignoringCase: Bool) {
        self.notation = notation
        bytes = Array(notation.utf8)
        self.ignoringCase = ignoringCase
    }

    mutating func parse() throws(PatternError) -> PatternNode {
        let node = try choice(depth: 0)
        guard place == bytes.count else { throw error("unexpected \")\"") }
        return node
    }

    private func error(_ message: String) -> PatternError {
        PatternError(notation: notation, offset: place, message: message)
    }

    private func cased(_ set: ByteClass) -> PatternNode { .bytes(ignoringCase ? set.ignoringCase : set) }

    private mutating func choice(depth: Int) throws(PatternError) -> PatternNode {
        guard depth < 20 else { throw error("too deep") }
        var options = [try sequence(depth)]
        while place < bytes.count, bytes[place] == UInt8(ascii: "|") {
            place += 1
            options.append(try sequence(depth))
        }
        return options.count == 1 ? options[0] : .choice(options)
    }

    private mutating func sequence(_ depth: Int) throws(PatternError) -> PatternNode {
        var parts: [PatternNode] = []
        while place < bytes.count, bytes[place] != UInt8(ascii: "|"), bytes[place] != UInt8(ascii: ")") {
            let atom = try atom(depth)
            parts.append(try quantified(atom))
        }
        return parts.count == 1 ? parts[0] : .sequence(parts)
    }

    private mutating func atom(_ depth: Int) throws(PatternError) -> PatternNode {
        let byte = bytes[place]
        place += 1
        switch byte {
        case UInt8(ascii: "["): return try set()
        case UInt8(ascii: "."): return .bytes(ByteClass("\n").inverted)
        case UInt8(ascii: "\\"): return cased(try escape())
        case UInt8(ascii: "("):
            var captures = true
            if place + 1 < bytes.count, bytes[place] == UInt8(ascii: "?"), bytes[place + 1] == UInt8(ascii: ":") {
                captures = false
                place += 2
            } else {
                groups += 1
                guard groups == 1 else { throw error("only one capturing group") }
            }
            let inner = try choice(depth: depth + 1)
            guard place < bytes.count, bytes[place] == UInt8(ascii: ")") else { throw error("expected \")\"") }
            place += 1
            return captures ? .group(inner) : inner
        case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"):
            throw error("nothing to repeat")
        default: return cased(ByteClass([byte]))
        }
    }

    private mutating func escape() throws(PatternError) -> ByteClass {
        guard place < bytes.count else { throw error("ends with \\") }
        let byte = bytes[place]
        place += 1
        switch byte {
        case UInt8(ascii: "d"): return .digits
        case UInt8(ascii: "w"): return .word
        case UInt8(ascii: "s"): return .space
        case UInt8(ascii: "n"): return ByteClass("\n")
        case UInt8(ascii: "r"): return ByteClass("\r")
        case UInt8(ascii: "t"): return ByteClass("\t")
        default:
            guard !ByteClass.alphanumeric.contains(byte) else { throw error("unknown escape") }
            return ByteClass([byte])
        }
    }

    private mutating func set() throws(PatternError) -> PatternNode {
        var all = ByteClass()
        var inverts = false
        if place < bytes.count, bytes[place] == UInt8(ascii: "^") {
            inverts = true
            place += 1
        }
        while place < bytes.count, bytes[place] != UInt8(ascii: "]") {
            var low = bytes[place]
            place += 1
            if low == UInt8(ascii: "\\") {
                let escaped = try escape()
                let members = escaped.bytes
                guard members.count == 1 else {
                    all.formUnion(escaped)
                    continue
                }
                low = members[0]
            }
            if place + 1 < bytes.count, bytes[place] == UInt8(ascii: "-"), bytes[place + 1] != UInt8(ascii: "]") {
                var high = bytes[place + 1]
                place += 2
                if high == UInt8(ascii: "\\") { high = try escape().bytes[0] }
                guard low <= high else { throw error("range backwards") }
                all.formUnion(ByteClass(low...high))
            } else {
                all.insert(low)
            }
        }
        guard place < bytes.count else { throw error("expected \"]\"") }
        place += 1
        if ignoringCase { all = all.ignoringCase }
        return .bytes(inverts ? all.inverted : all)
    }

    private mutating func quantified(_ atom: PatternNode) throws(PatternError) -> PatternNode {
        guard place < bytes.count else { return atom }
        switch bytes[place] {
        case UInt8(ascii: "?"):
            place += 1
            return .repeated(atom, 0, 1)
        case UInt8(ascii: "*"):
            place += 1
            return .repeated(atom, 0, nil)
        case UInt8(ascii: "+"):
            place += 1
            return .repeated(atom, 1, nil)
        case UInt8(ascii: "{"):
            place += 1
            let low = try number()
            var high: Int? = low
            if place < bytes.count, bytes[place] == UInt8(ascii: ",") {
                place += 1
                high = place < bytes.count && bytes[place] == UInt8(ascii: "}") ? nil : try number()
            }
            guard place < bytes.count, bytes[place] == UInt8(ascii: "}") else { throw error("expected \"}\"") }
            place += 1
            if let high, high < low { throw error("range backwards") }
            return .repeated(atom, low, high)
        default: return atom
        }
    }

    private mutating func number() throws(PatternError) -> Int {
        var value = 0
        let start = place
        while place < bytes.count, ByteClass.digits.contains(bytes[place]) {
            value = value * 10 + Int(bytes[place] - 0x30)
            guard value <= 2000 else { throw error("more than 2000 repetitions") }
            place += 1
        }
        guard place > start else { throw error("expected a number") }
        return value
    }
}
