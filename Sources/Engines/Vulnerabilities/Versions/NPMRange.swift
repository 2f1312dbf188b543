/// A range of npm versions such as `^1.2.3 || >=2 <3`.
///
/// Standard: node-semver 7.
package struct NPMRange: Sendable {
    struct Comparator: Sendable {
        var comparison: String
        var version: String
        /// Matches every version.
        var isAny: Bool { version.isEmpty }
    }
    /// Any of these, of which all comparators have to hold.
    let alternatives: [[Comparator]]
    private let includesPrereleases: Bool

    /// Reads a range; nil where node-semver throws.
    package init?(_ text: String, includesPrereleases: Bool = false) {
        var sets: [[Comparator]] = []
        for alternative in text.replacing("||", with: "|").split(separator: "|", omittingEmptySubsequences: false) {
            guard let set = Self.comparators(alternative.trimmed, includesPrereleases) else { continue }
            sets.append(set)
        }
        guard !sets.isEmpty else { return nil }
        alternatives = sets
        self.includesPrereleases = includesPrereleases
    }

    package func contains(_ text: String) -> Bool {
        guard let version = Partial(text, isFull: true) else { return false }
        return alternatives.contains { set in
            guard set.allSatisfy({ Self.holds(version.text, $0) }) else { return false }
            if version.prerelease.isEmpty || includesPrereleases { return true }
            // A prerelease is only meant where the range names one of the same numbers.
            return set.contains { comparator in
                guard !comparator.isAny, let other = Partial(comparator.version, isFull: true) else { return false }
                return !other.prerelease.isEmpty && other.numbers == version.numbers
            }
        }
    }

    private static func holds(_ version: String, _ comparator: Comparator) -> Bool {
        if comparator.isAny { return true }
        let order = SemanticVersion.order(version.utf8.span, comparator.version.utf8.span)
        return switch comparator.comparison {
        case "<": order < 0
        case "<=": order <= 0
        case ">": order > 0
        case ">=": order >= 0
        default: order == 0
        }
    }

    /// `1`, `1.x`, `1.2.3-beta`: numbers up to the first hole.
    struct Partial {
        var numbers: [DecimalNumber] = []
        var prerelease = ""

        init?(_ text: some StringProtocol, isFull: Bool = false) {
            var cursor = ByteCursor(Array(text.trimmed.utf8))
            while cursor.take(UInt8(ascii: "v")) || cursor.take(UInt8(ascii: "=")) || cursor.take(0x20) {}
            var isHole = false
            for index in 0..<3 {
                if index > 0, !cursor.take(UInt8(ascii: ".")) { break }
                if let byte = cursor.current, byte | 0x20 == UInt8(ascii: "x") || byte == UInt8(ascii: "*") {
                    cursor.position += 1
                    isHole = true
                } else if let number = cursor.takeNumber() {
                    if !isHole { numbers.append(number) }
                } else {
                    return nil
                }
            }
            if cursor.take(UInt8(ascii: "-")) {
                prerelease = String(decoding: cursor.take { $0 != UInt8(ascii: "+") }, as: UTF8.self)
                guard !prerelease.isEmpty else { return nil }
            }
            if cursor.take(UInt8(ascii: "+")) { _ = cursor.take { _ in true } }
            guard cursor.isAtEnd, !isFull || numbers.count == 3 else { return nil }
        }

        func number(_ index: Int) -> DecimalNumber { index < numbers.count ? numbers[index] : .zero }
        var isFull: Bool { numbers.count == 3 }
        var core: String { (0..<3).map { number($0).text }.joined(separator: ".") }
        var text: String { prerelease.isEmpty ? core : core + "-" + prerelease }

        /// With number `index` raised and those behind it zero.
        func raised(_ index: Int) -> String {
            (0..<3).map { $0 < index ? number($0).text : $0 == index ? number($0).next.text : "0" }
                .joined(separator: ".")
        }
    }

    private static func comparators(_ text: String, _ includesPrereleases: Bool) -> [Comparator]? {
        if let dash = text.range(of: " - ") {
            guard let from = Partial(text[..<dash.lowerBound]), let to = Partial(text[dash.upperBound...]) else {
                return nil
            }
            return hyphen(from, to, includesPrereleases)
        }
        var out: [Comparator] = []
        for part in parts(text) {
            guard let read = comparator(part, includesPrereleases) else { return nil }
            out += read
        }
        return out.isEmpty ? [Comparator(comparison: "", version: "")] : out
    }

    /// Words, each operator joined to what follows it.
    private static func parts(_ text: String) -> [String] {
        var out: [String] = []
        var pending = ""
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "," }) {
            if word.allSatisfy({ "<>=~^v".contains($0) }) {
                pending += word
            } else {
                out.append(pending + word)
                pending = ""
            }
        }
        return pending.isEmpty ? out : out + [pending]
    }

    private static func hyphen(_ from: Partial, _ to: Partial, _ includesPrereleases: Bool) -> [Comparator] {
        let low = includesPrereleases ? "-0" : ""
        var out: [Comparator] = []
        if !from.numbers.isEmpty {
            let suffix = from.isFull ? (from.prerelease.isEmpty ? low : "-" + from.prerelease) : low
            out.append(Comparator(comparison: ">=", version: from.core + suffix))
        }
        if to.numbers.isEmpty {
            return out.isEmpty ? [Comparator(comparison: "", version: "")] : out
        }
        if !to.isFull {
            out.append(Comparator(comparison: "<", version: to.raised(to.numbers.count - 1) + "-0"))
        } else if !to.prerelease.isEmpty {
            out.append(Comparator(comparison: "<=", version: to.text))
        } else if includesPrereleases {
            out.append(Comparator(comparison: "<", version: to.raised(2) + "-0"))
        } else {
            out.append(Comparator(comparison: "<=", version: to.core))
        }
        return out
    }

    private static func comparator(_ text: String, _ includesPrereleases: Bool) -> [Comparator]? {
        if text.hasPrefix("^") { return Partial(text.dropFirst()).map { caret($0, includesPrereleases) } }
        if text.hasPrefix("~") {
            return Partial(text.dropFirst(text.hasPrefix("~>") ? 2 : 1)).map { tilde($0, includesPrereleases) }
        }
        let comparison = [">=", "<=", ">", "<", "="].first(where: text.hasPrefix) ?? ""
        let rest = text.dropFirst(comparison.count)
        guard let partial = rest.isEmpty ? Partial("*") : Partial(rest) else { return nil }
        return ranged(comparison, partial, includesPrereleases)
    }

    private static func tilde(_ partial: Partial, _ includesPrereleases: Bool) -> [Comparator] {
        switch partial.numbers.count {
        case 0: [Comparator(comparison: "", version: "")]
        case 1: bounds(partial.core, partial.raised(0))
        case 2: bounds(partial.core, partial.raised(1))
        default: bounds(partial.text, partial.raised(1))
        }
    }

    private static func bounds(_ low: String, _ high: String) -> [Comparator] {
        [Comparator(comparison: ">=", version: low), Comparator(comparison: "<", version: high + "-0")]
    }

    private static func caret(_ partial: Partial, _ includesPrereleases: Bool) -> [Comparator] {
        let low = includesPrereleases ? "-0" : ""
        let isZero = partial.number(0).isZero
        switch partial.numbers.count {
        case 0: return [Comparator(comparison: "", version: "")]
        case 1: return bounds(partial.core + low, partial.raised(0))
        case 2: return bounds(partial.core + low, partial.raised(isZero ? 1 : 0))
        default:
            let place = isZero ? (partial.number(1).isZero ? 2 : 1) : 0
            // node-semver leaves out the `-0` where the major number is not zero.
            let start = partial.prerelease.isEmpty ? partial.core + (isZero ? low : "") : partial.text
            return bounds(start, partial.raised(place))
        }
    }

    private static func ranged(
        _ comparison: String, _ partial: Partial, _ includesPrereleases: Bool
    ) -> [Comparator] {
        if partial.isFull {
            // `>=0.0.0` is everything.
            if comparison == ">=", partial.text == "0.0.0" {
                return [
                    Comparator(
                        comparison: includesPrereleases ? ">=" : "", version: includesPrereleases ? "0.0.0-0" : "")
                ]
            }
            return [Comparator(comparison: comparison, version: partial.text)]
        }
        let low = includesPrereleases ? "-0" : ""
        let last = partial.numbers.count - 1
        if last < 0 {
            return [
                comparison == ">" || comparison == "<"
                    ? Comparator(comparison: "<", version: "0.0.0-0") : Comparator(comparison: "", version: "")
            ]
        }
        switch comparison {
        case ">": return [Comparator(comparison: ">=", version: partial.raised(last) + low)]
        case "<=": return [Comparator(comparison: "<", version: partial.raised(last) + "-0")]
        case "<": return [Comparator(comparison: "<", version: partial.core + "-0")]
        case ">=":
            // Without prereleases this is everything where all numbers are zero.
            return [Comparator(comparison: ">=", version: partial.core + low)]
        default: return bounds(partial.core + low, partial.raised(last))
        }
    }
}
