/// Why a text is no regular expression, in the words of the reference.
struct PatternError: Error, Equatable {
    var message: String

    init(_ what: String, _ part: some StringProtocol) {
        message = "error parsing regexp: \(what)" + (part.isEmpty ? "" : ": `\(part)`")
    }
}

/// Reads the syntax of RE2 with Perl's flags, as Go's `regexp` does.
///
/// Standard: RE2 syntax; no look-around, no back-references.
struct PatternParser {
    private struct Flags {
        var ignoresCase = false
        var multiline = false
        var dotTakesNewline = false
        var isLazy = false
    }

    private let pattern: [Unicode.Scalar]
    private var place = 0
    private var depth = 0
    private var flags = Flags()

    /// Counts of `{n,m}`, alone or multiplied with those around it.
    private static let largestCount = 1000
    private static let deepest = 1000

    private init(_ text: String) { pattern = Array(text.unicodeScalars) }

    static func parse(_ text: String) throws(PatternError) -> PatternTree {
        var parser = PatternParser(text)
        let tree = try parser.alternatives()
        guard parser.place == parser.pattern.count else { throw PatternError("unexpected )", text) }
        guard largestProduct(tree) <= largestCount else { throw PatternError("invalid repeat count", text) }
        return tree
    }

    private static func largestProduct(_ tree: PatternTree) -> Int {
        switch tree {
        case .empty, .set, .assertion: 1
        case .sequence(let parts), .alternatives(let parts): parts.map(largestProduct).max() ?? 1
        case .repeated(let inner, let least, let most, _):
            min(max(1, most ?? least) * largestProduct(inner), largestCount + 1)
        }
    }

    private var current: Unicode.Scalar? { place < pattern.count ? pattern[place] : nil }
    private func text(from start: Int) -> String { text(start, min(place, pattern.count)) }
    private func text(_ start: Int, _ end: Int) -> String {
        var view = String.UnicodeScalarView()
        for scalar in pattern[min(start, end)..<end] { view.append(scalar) }
        return String(view)
    }
    private var rest: String { text(min(place, pattern.count), pattern.count) }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard current == scalar else { return false }
        place += 1
        return true
    }

    private mutating func alternatives() throws(PatternError) -> PatternTree {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.deepest else { throw PatternError("expression nests too deeply", rest) }
        let outer = flags
        defer { flags = outer }
        var choices = [try sequence()]
        while take("|") { choices.append(try sequence()) }
        return choices.count == 1 ? choices[0] : .alternatives(choices)
    }

    private mutating func sequence() throws(PatternError) -> PatternTree {
        var parts: [PatternTree] = []
        while let next = current, next != "|", next != ")" {
            let start = place
            guard let atom = try atom() else { continue }
            parts.append(try repeated(atom, from: start))
        }
        return parts.count == 1 ? parts[0] : parts.isEmpty ? .empty : .sequence(parts)
    }

    private mutating func repeated(_ atom: PatternTree, from start: Int) throws(PatternError) -> PatternTree {
        var tree = atom
        var repeatedFrom: Int?
        while let next = current {
            let operatorStart = place
            var least = 0
            var most: Int?
            switch next {
            case "*": place += 1
            case "+":
                place += 1
                least = 1
            case "?":
                place += 1
                most = 1
            case "{":
                guard let counts = try counts() else { return tree }
                (least, most) = counts
            default: return tree
            }
            let isLazy = take("?") != flags.isLazy
            if let repeatedFrom {
                throw PatternError("invalid nested repetition operator", text(repeatedFrom, place))
            }
            repeatedFrom = operatorStart
            tree = .repeated(tree, least: least, most: most, isLazy: isLazy)
        }
        return tree
    }

    /// `{n}`, `{n,}`, `{n,m}`; nil where the brace stands for itself.
    private mutating func counts() throws(PatternError) -> (Int, Int?)? {
        let start = place
        var position = place + 1
        func number() -> Int? {
            let begin = position
            var value = 0
            while position < pattern.count, let digit = Self.digit(pattern[position]) {
                value = min(value * 10 + digit, 1_000_000)
                position += 1
            }
            let length = position - begin
            return length == 0 || (length > 1 && pattern[begin] == "0") ? nil : value
        }
        guard let least = number() else { return nil }
        var most: Int? = least
        if position < pattern.count, pattern[position] == "," {
            position += 1
            most = nil
            if position < pattern.count, pattern[position] != "}" {
                guard let given = number() else { return nil }
                most = given
            }
        }
        guard position < pattern.count, pattern[position] == "}" else { return nil }
        place = position + 1
        if least > Self.largestCount || (most ?? 0) > Self.largestCount || (most.map { $0 < least } ?? false) {
            throw PatternError("invalid repeat count", text(start, place))
        }
        return (least, most)
    }

    private static func digit(_ scalar: Unicode.Scalar) -> Int? {
        ("0"..."9").contains(scalar) ? Int(scalar.value - 48) : nil
    }

    private func literal(_ scalar: Unicode.Scalar) -> PatternTree {
        .set(PatternSet([.range(scalar.value...scalar.value)], ignoresCase: flags.ignoresCase))
    }

    // MARK: Atoms

    /// One thing that can be repeated; nil for flags that stand alone.
    private mutating func atom() throws(PatternError) -> PatternTree? {
        guard let next = current else { return nil }
        switch next {
        case "(": return try group()
        case "[": return .set(try characterClass())
        case ".":
            place += 1
            return .set(
                flags.dotTakesNewline
                    ? PatternSet([.range(0...0x10ffff)]) : PatternSet([.range(0x0a...0x0a)], isNegated: true))
        case "^":
            place += 1
            return .assertion(flags.multiline ? .lineBegin : .textBegin)
        case "$":
            place += 1
            return .assertion(flags.multiline ? .lineEnd : .textEnd)
        case "*", "+", "?":
            throw PatternError("missing argument to repetition operator", String(Character(next)))
        case "\\": return try escape()
        default:
            place += 1
            return literal(next)
        }
    }

    private mutating func group() throws(PatternError) -> PatternTree? {
        let start = place
        place += 1
        let outer = flags
        if take("?") {
            if current == "P" || current == "<" {
                if current == "P" { place += 1 }
                guard take("<") else {
                    throw PatternError("invalid or unsupported Perl syntax", text(start, min(place + 1, pattern.count)))
                }
                let nameStart = place
                while let next = current, next != ">" {
                    guard next.properties.isAlphabetic || Self.digit(next) != nil || next == "_" else {
                        throw PatternError("invalid named capture", text(start, pattern.count))
                    }
                    place += 1
                }
                guard place > nameStart, take(">") else {
                    throw PatternError("invalid named capture", text(start, pattern.count))
                }
            } else {
                var isNegative = false
                while let next = current {
                    place += 1
                    switch next {
                    case "i": flags.ignoresCase = !isNegative
                    case "m": flags.multiline = !isNegative
                    case "s": flags.dotTakesNewline = !isNegative
                    case "U": flags.isLazy = !isNegative
                    case "-" where !isNegative: isNegative = true
                    case ":", ")":
                        if next == ")" { return nil }
                        let inner = try alternatives()
                        flags = outer
                        guard take(")") else { throw PatternError("missing closing )", text(0, pattern.count)) }
                        return inner
                    default: throw PatternError("invalid or unsupported Perl syntax", text(from: start))
                    }
                }
                throw PatternError("missing closing )", text(0, pattern.count))
            }
        }
        let inner = try alternatives()
        flags = outer
        guard take(")") else { throw PatternError("missing closing )", text(0, pattern.count)) }
        return inner
    }

    private static let perl: [Unicode.Scalar: [ClosedRange<UInt32>]] = [
        "d": [0x30...0x39], "s": [0x09...0x0a, 0x0c...0x0d, 0x20...0x20],
        "w": [0x30...0x39, 0x41...0x5a, 0x5f...0x5f, 0x61...0x7a],
    ]

    private static func complement(_ ranges: [ClosedRange<UInt32>]) -> [PatternSet.Item] {
        var items: [PatternSet.Item] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { items.append(.range(next...(range.lowerBound - 1))) }
            next = range.upperBound + 1
        }
        items.append(.range(next...0x10ffff))
        return items
    }

    /// `\d`, `\W`, `\pL` and the like at the backslash; nil for other escapes.
    private mutating func escapedClass() throws(PatternError) -> [PatternSet.Item]? {
        guard place + 1 < pattern.count else { return nil }
        let kind = pattern[place + 1]
        if let ranges = Self.perl[kind] {
            place += 2
            return ranges.map(PatternSet.Item.range)
        }
        if let lower = kind.properties.lowercaseMapping.unicodeScalars.first, kind.isASCII,
            let ranges = Self.perl[lower]
        {
            place += 2
            return Self.complement(ranges)
        }
        guard kind == "p" || kind == "P" else { return nil }
        let start = place
        place += 2
        var isNegated = kind == "P"
        var name = ""
        if take("{") {
            if take("^") { isNegated.toggle() }
            while let next = current, next != "}" {
                name.unicodeScalars.append(next)
                place += 1
            }
            guard take("}") else { throw PatternError("invalid character class range", text(from: start)) }
        } else if let next = current {
            name = String(Character(next))
            place += 1
        }
        if PatternSet.categoryNames.contains(name) { return [.category(name, isNegated: isNegated)] }
        if PatternSet.scripts[name] != nil { return [.script(name, isNegated: isNegated)] }
        throw PatternError("invalid character class range", text(from: start))
    }

    private mutating func escape() throws(PatternError) -> PatternTree {
        guard place + 1 < pattern.count else { throw PatternError("trailing backslash at end of expression", "") }
        if let items = try escapedClass() { return .set(PatternSet(items, ignoresCase: flags.ignoresCase)) }
        switch pattern[place + 1] {
        case "A":
            place += 2
            return .assertion(.textBegin)
        case "z":
            place += 2
            return .assertion(.textEnd)
        case "b":
            place += 2
            return .assertion(.wordBoundary)
        case "B":
            place += 2
            return .assertion(.noWordBoundary)
        case "Q":
            place += 2
            var parts: [PatternTree] = []
            while let next = current {
                if next == "\\", place + 1 < pattern.count, pattern[place + 1] == "E" {
                    place += 2
                    break
                }
                parts.append(literal(next))
                place += 1
            }
            return parts.isEmpty ? .empty : .sequence(parts)
        default: return literal(try escapedScalar())
        }
    }

    /// The one character that an escape stands for.
    private mutating func escapedScalar() throws(PatternError) -> Unicode.Scalar {
        let start = place
        place += 1
        guard let kind = current else { throw PatternError("trailing backslash at end of expression", "") }
        place += 1
        switch kind {
        case "a": return "\u{07}"
        case "f": return "\u{0c}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0b}"
        case "x":
            var value: UInt32 = 0
            var digits = 0
            let isBraced = take("{")
            while let next = current, let digit = Character(next).hexDigitValue, next.isASCII, isBraced || digits < 2 {
                value = min(value * 16 + UInt32(digit), 0x110000)
                digits += 1
                place += 1
            }
            guard digits > 0, isBraced ? take("}") : digits == 2, let scalar = Unicode.Scalar(value) else {
                throw PatternError("invalid escape sequence", text(from: start))
            }
            return scalar
        case "0"..."7":
            // A digit other than zero would refer back, unless an octal number follows it.
            let isOctal = kind == "0" || (current.map { ("0"..."7").contains($0) } ?? false)
            guard isOctal else { throw PatternError("invalid escape sequence", text(from: start)) }
            var value = kind.value - 48
            var digits = 1
            while digits < 3, let next = current, ("0"..."7").contains(next) {
                value = value * 8 + (next.value - 48)
                place += 1
                digits += 1
            }
            return Unicode.Scalar(value) ?? "\u{fffd}"
        default:
            let isWord = kind.isASCII && (kind.properties.isAlphabetic || Self.digit(kind) != nil)
            guard kind.isASCII, !isWord else { throw PatternError("invalid escape sequence", text(from: start)) }
            return kind
        }
    }

    // MARK: Classes

    private static let named: [String: [ClosedRange<UInt32>]] = [
        "alnum": [0x30...0x39, 0x41...0x5a, 0x61...0x7a], "alpha": [0x41...0x5a, 0x61...0x7a],
        "ascii": [0...0x7f], "blank": [0x09...0x09, 0x20...0x20], "cntrl": [0...0x1f, 0x7f...0x7f],
        "digit": [0x30...0x39], "graph": [0x21...0x7e], "lower": [0x61...0x7a], "print": [0x20...0x7e],
        "punct": [0x21...0x2f, 0x3a...0x40, 0x5b...0x60, 0x7b...0x7e], "space": [0x09...0x0d, 0x20...0x20],
        "upper": [0x41...0x5a], "word": [0x30...0x39, 0x41...0x5a, 0x5f...0x5f, 0x61...0x7a],
        "xdigit": [0x30...0x39, 0x41...0x46, 0x61...0x66],
    ]

    private mutating func characterClass() throws(PatternError) -> PatternSet {
        let start = place
        place += 1
        let isNegated = take("^")
        var items: [PatternSet.Item] = []
        var isFirst = true
        while let next = current, next != "]" || isFirst {
            if next == "-", !isFirst, place + 1 < pattern.count, pattern[place + 1] != "]" {
                // A hyphen in the middle must belong to a range.
                throw PatternError("invalid character class range", text(place, min(place + 2, pattern.count)))
            }
            isFirst = false
            if next == "[", place + 1 < pattern.count, pattern[place + 1] == ":",
                let end = closing(from: place + 2)
            {
                var name = text(place + 2, end)
                let isComplement = name.hasPrefix("^")
                if isComplement { name.removeFirst() }
                guard let ranges = Self.named[name] else {
                    throw PatternError("invalid character class range", text(place, end + 2))
                }
                items += isComplement ? Self.complement(ranges) : ranges.map(PatternSet.Item.range)
                place = end + 2
                continue
            }
            if next == "\\", let escaped = try escapedClass() {
                items += escaped
                continue
            }
            let rangeStart = place
            let low = try classScalar(start)
            var high = low
            if current == "-", place + 1 < pattern.count, pattern[place + 1] != "]" {
                place += 1
                high = try classScalar(start)
                guard high >= low else { throw PatternError("invalid character class range", text(from: rangeStart)) }
            }
            items.append(.range(low.value...high.value))
        }
        guard take("]") else { throw PatternError("missing closing ]", text(start, pattern.count)) }
        return PatternSet(items, isNegated: isNegated, ignoresCase: flags.ignoresCase)
    }

    private func closing(from start: Int) -> Int? {
        var position = start
        while position + 1 < pattern.count {
            if pattern[position] == ":", pattern[position + 1] == "]" { return position }
            position += 1
        }
        return nil
    }

    private mutating func classScalar(_ start: Int) throws(PatternError) -> Unicode.Scalar {
        guard let next = current else { throw PatternError("missing closing ]", text(start, pattern.count)) }
        if next == "\\" { return try escapedScalar() }
        place += 1
        return next
    }
}
