import Encodings

/// Reads the syntax of `RegularExpression`.
struct RegularExpressionParser {
    private let pattern: [UInt8]
    private var offset = 0
    private var depth = 0

    typealias Failure = RegularExpression.SyntaxError

    /// Counts of `{n,m}`, alone or multiplied with those round it.
    private static let largestCount = 1000
    private static let deepest = 200

    init(_ pattern: [UInt8]) { self.pattern = pattern }

    mutating func parse() throws(Failure) -> RegularExpressionTree {
        let tree = try alternatives()
        guard offset == pattern.count else { throw Failure(message: "unexpected ): \(rest)") }
        guard Self.largestProduct(tree) <= Self.largestCount else {
            throw Failure(message: "bad repetition operator: counts multiply to more than \(Self.largestCount)")
        }
        return tree
    }

    private var rest: String { String(decoding: pattern[min(offset, pattern.count)...], as: UTF8.self) }
    private var current: UInt8? { offset < pattern.count ? pattern[offset] : nil }

    private static func largestProduct(_ tree: RegularExpressionTree) -> Int {
        switch tree {
        case .empty, .set, .lineBegin, .lineEnd: 1
        case .sequence(let parts), .alternatives(let parts): parts.map(largestProduct).max() ?? 1
        case .repeated(let child, let least, let most):
            // An open end counts as what it begins with, as RE2 counts it.
            min(max(1, most ?? least) * largestProduct(child), largestCount + 1)
        }
    }

    private mutating func alternatives() throws(Failure) -> RegularExpressionTree {
        depth += 1
        defer { depth -= 1 }
        guard depth < Self.deepest else { throw Failure(message: "expression nests too deeply") }
        var choices = [try sequence()]
        while current == UInt8(ascii: "|") {
            offset += 1
            choices.append(try sequence())
        }
        return choices.count == 1 ? choices[0] : .alternatives(choices)
    }

    private mutating func sequence() throws(Failure) -> RegularExpressionTree {
        var parts: [RegularExpressionTree] = []
        while let byte = current, byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
            switch byte {
            case UInt8(ascii: "*"): try repetition(&parts, 0, nil)
            case UInt8(ascii: "+"): try repetition(&parts, 1, nil)
            case UInt8(ascii: "?"): try repetition(&parts, 0, 1)
            case UInt8(ascii: "{"):
                if let (least, most, end) = counts() {
                    guard least <= Self.largestCount, most ?? 0 <= Self.largestCount, most.map({ $0 >= least }) ?? true
                    else { throw Failure(message: "invalid repetition size: \(rest)") }
                    offset = end - 1
                    try repetition(&parts, least, most)
                } else {
                    offset += 1
                    parts.append(.set([0x7B...0x7B]))
                }
            default: parts.append(try atom(byte))
            }
        }
        return parts.count == 1 ? parts[0] : parts.isEmpty ? .empty : .sequence(parts)
    }

    private mutating func repetition(
        _ parts: inout [RegularExpressionTree], _ least: Int, _ most: Int?
    ) throws(Failure) {
        guard let last = parts.popLast() else {
            throw Failure(message: "no argument for repetition operator: \(rest.prefix(1))")
        }
        offset += 1
        // A stack of operators nests without parentheses: a pattern of a thousand stars must not nest a thousand deep.
        if case .repeated(_, let below, nil) = last, below <= 1, most == nil, least <= 1 {
            if case .repeated(let child, _, _) = last { parts.append(.repeated(child, min(below, least), nil)) }
            return
        }
        if case .repeated(_, 0, 1) = last, least == 0, most == 1 {
            parts.append(last)
            return
        }
        guard Self.nesting(last) < Self.deepest else { throw Failure(message: "expression nests too deeply") }
        parts.append(.repeated(last, least, most))
    }

    private static func nesting(_ tree: RegularExpressionTree) -> Int {
        var depth = 0
        var tree = tree
        while case .repeated(let child, _, _) = tree {
            depth += 1
            tree = child
        }
        return depth
    }

    /// `{n}`, `{n,}` or `{n,m}`; anything else is a plain brace.
    private func counts() -> (Int, Int?, Int)? {
        var i = offset + 1
        func number() -> Int? {
            var j = i
            var value = 0
            while j < pattern.count, ConditionLexer.isDigit(pattern[j]) {
                value = min(value * 10 + Int(pattern[j] - 0x30), 1_000_000)
                j += 1
            }
            // RE2 reads no leading zeros.
            guard j > i, j == i + 1 || pattern[i] != 0x30 else { return nil }
            i = j
            return value
        }
        guard let least = number(), i < pattern.count else { return nil }
        if pattern[i] == UInt8(ascii: "}") { return (least, least, i + 1) }
        guard pattern[i] == UInt8(ascii: ",") else { return nil }
        i += 1
        guard i < pattern.count else { return nil }
        if pattern[i] == UInt8(ascii: "}") { return (least, nil, i + 1) }
        guard let most = number(), i < pattern.count, pattern[i] == UInt8(ascii: "}") else { return nil }
        return (least, most, i + 1)
    }

    private mutating func atom(_ byte: UInt8) throws(Failure) -> RegularExpressionTree {
        switch byte {
        case UInt8(ascii: "("):
            offset += 1
            let inner = try alternatives()
            guard current == UInt8(ascii: ")") else { throw Failure(message: "missing ): \(pattern.text)") }
            offset += 1
            return inner
        case UInt8(ascii: "["): return .set(try characterClass())
        case UInt8(ascii: "."):
            offset += 1
            return .set([0...0x09, 0x0B...0x10FFFF])
        case UInt8(ascii: "^"):
            offset += 1
            return .lineBegin
        case UInt8(ascii: "$"):
            offset += 1
            return .lineEnd
        case UInt8(ascii: "\\"):
            let value = try escape()
            return .set([value...value])
        default:
            let value = try scalar()
            return .set([value...value])
        }
    }

    private mutating func scalar() throws(Failure) -> UInt32 {
        guard let (value, length) = UTF8Scan.scalar(pattern, at: offset) else {
            throw Failure(message: "invalid UTF-8")
        }
        offset += length
        return value
    }

    private mutating func escape() throws(Failure) -> UInt32 {
        let start = offset
        offset += 1
        guard offset < pattern.count else { throw Failure(message: "trailing \\") }
        let value = try scalar()
        switch value {
        case 0x30...0x37:
            // A single digit would be a back-reference.
            if value != 0x30, !(current.map { (0x30...0x37).contains($0) } ?? false) { break }
            var octal = value - 0x30
            for _ in 0..<2 {
                guard let digit = current, (0x30...0x37).contains(digit) else { break }
                octal = octal * 8 + UInt32(digit - 0x30)
                offset += 1
            }
            return octal
        case 0x78:
            if let found = hexEscape() { return found }
        case 0x6E: return 0x0A
        case 0x72: return 0x0D
        case 0x74: return 0x09
        case 0x61: return 0x07
        case 0x66: return 0x0C
        case 0x76: return 0x0B
        default:
            if value < 0x80,
                value == 0x5F || !(ConditionLexer.isLetter(UInt8(value)) || ConditionLexer.isDigit(UInt8(value)))
            {
                return value
            }
        }
        throw Failure(message: "invalid escape sequence: \(String(decoding: pattern[start..<offset], as: UTF8.self))")
    }

    private mutating func hexEscape() -> UInt32? {
        if current == UInt8(ascii: "{") {
            var i = offset + 1
            var value: UInt32 = 0
            while i < pattern.count, let digit = Hexadecimal.value(pattern[i]) {
                value = value << 4 | UInt32(digit)
                guard value <= 0x10FFFF else { return nil }
                i += 1
            }
            guard i > offset + 1, i < pattern.count, pattern[i] == UInt8(ascii: "}") else { return nil }
            offset = i + 1
            return value
        }
        guard offset + 1 < pattern.count, let high = Hexadecimal.value(pattern[offset]),
            let low = Hexadecimal.value(pattern[offset + 1])
        else { return nil }
        offset += 2
        return UInt32(high << 4 | low)
    }

    // MARK: Classes

    private mutating func characterClass() throws(Failure) -> [ClosedRange<UInt32>] {
        let start = offset
        func missing() -> Failure {
            Failure(message: "missing ]: \(String(decoding: pattern[start...], as: UTF8.self))")
        }
        offset += 1
        var negated = false
        if current == UInt8(ascii: "^") {
            negated = true
            offset += 1
        }
        var ranges: [ClosedRange<UInt32>] = []
        var isFirst = true
        while current != UInt8(ascii: "]") || isFirst {
            guard let byte = current else { throw missing() }
            // A hyphen stands for itself only first or last.
            if byte == UInt8(ascii: "-"), !isFirst,
                offset + 1 >= pattern.count || pattern[offset + 1] != UInt8(ascii: "]")
            {
                throw Failure(message: "invalid character class range: \(rest)")
            }
            isFirst = false
            if byte == UInt8(ascii: "["), offset + 1 < pattern.count, pattern[offset + 1] == UInt8(ascii: ":"),
                let named = try namedClass()
            {
                ranges += named
                continue
            }
            let low = byte == UInt8(ascii: "\\") ? try escape() : try scalar()
            var high = low
            if current == UInt8(ascii: "-"), offset + 1 < pattern.count, pattern[offset + 1] != UInt8(ascii: "]") {
                offset += 1
                high = current == UInt8(ascii: "\\") ? try escape() : try scalar()
                guard low <= high else { throw Failure(message: "invalid character class range: \(rest)") }
            }
            ranges.append(low...high)
        }
        offset += 1
        return negated ? Self.complement(ranges) : Self.merged(ranges)
    }

    private mutating func namedClass() throws(Failure) -> [ClosedRange<UInt32>]? {
        var i = offset + 2
        while i + 1 < pattern.count, !(pattern[i] == UInt8(ascii: ":") && pattern[i + 1] == UInt8(ascii: "]")) {
            i += 1
        }
        guard i + 1 < pattern.count else { return nil }
        var name = String(decoding: pattern[offset + 2..<i], as: UTF8.self)
        let negated = name.hasPrefix("^")
        if negated { name.removeFirst() }
        guard let found = CharacterClasses.named(name) else {
            throw Failure(message: "invalid character class range: [:\(name):]")
        }
        offset = i + 2
        let ranges = found.map { UInt32($0.lowerBound)...UInt32($0.upperBound) }
        return negated ? Self.complement(ranges) : ranges
    }

    private static func merged(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var out: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = out.last, range.lowerBound <= last.upperBound + 1 {
                out[out.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                out.append(range)
            }
        }
        return out
    }

    private static func complement(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var out: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in merged(ranges) {
            if range.lowerBound > next { out.append(next...range.lowerBound - 1) }
            next = range.upperBound + 1
        }
        if next <= 0x10FFFF { out.append(next...0x10FFFF) }
        return out
    }
}

extension [UInt8] {
    fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}
