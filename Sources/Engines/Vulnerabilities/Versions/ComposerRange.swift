/// Constraints on a PHP package such as `^2.3 || ~1.4.0`.
///
/// Standard: composer/semver 3, VersionParser::parseConstraints.
package struct ComposerRange: Sendable {
    private struct Clause: Sendable {
        var comparison: String
        var version: String
    }
    /// Any of these, of which all clauses have to hold.
    private var alternatives: [[Clause]] = []

    package init?(_ text: String) {
        for alternative in text.replacing("||", with: "|").split(separator: "|", omittingEmptySubsequences: false) {
            var clauses: [Clause] = []
            for part in Self.parts(alternative.trimmed) {
                guard let read = Self.clauses(part) else { return nil }
                clauses += read
            }
            alternatives.append(clauses)
        }
    }

    package func contains(_ text: String) -> Bool {
        guard let version = ComposerVersion.normalized(text) else { return false }
        return alternatives.contains { $0.allSatisfy { Self.holds(version, $0) } }
    }

    private static func holds(_ version: String, _ clause: Clause) -> Bool {
        let isBranch = version.hasPrefix("dev-")
        if isBranch || clause.version.hasPrefix("dev-") {
            switch clause.comparison {
            case "!=", "<>": return version != clause.version
            case "=", "==": return version == clause.version
            default: return false
            }
        }
        let order = ComposerVersion.phpOrder(version, clause.version)
        return switch clause.comparison {
        case "<": order < 0
        case "<=": order <= 0
        case ">": order > 0
        case ">=": order >= 0
        case "!=", "<>": order != 0
        default: order == 0
        }
    }

    /// Splits at commas and blanks that part two clauses: not within ` - `, nor between an operator and its version.
    private static func parts(_ text: String) -> [String] {
        var out: [String] = []
        var current: [Substring] = []
        var joinsNext = false
        for piece in text.split(whereSeparator: { $0 == "," || $0 == " " }) {
            let isOperator = piece.allSatisfy { "<>=!^~".contains($0) }
            if piece == "-" {
                current.append(" - ")
                joinsNext = true
                continue
            }
            if !joinsNext, !current.isEmpty {
                out.append(current.joined())
                current = []
            }
            current.append(piece)
            joinsNext = isOperator
        }
        if !current.isEmpty { out.append(current.joined()) }
        return out
    }

    /// A version with holes: `1.2`, `1.x`, `1.2.3-beta1`.
    private struct Written {
        var numbers: [String]
        var modifier: ComposerVersion.Modifier
        /// `2.x-dev`
        var endsWithBranch: Bool

        init?(_ text: some StringProtocol) {
            var cursor = ByteCursor(Array(text.prefix { $0 != "+" }.utf8))
            if !cursor.take(UInt8(ascii: "v")) { _ = cursor.take(UInt8(ascii: "V")) }
            numbers = []
            let first = cursor.take { $0.isDigit }
            guard !first.isEmpty else { return nil }
            numbers.append(String(decoding: first, as: UTF8.self))
            while numbers.count < 4, cursor.current == 0x2E, cursor.peek(1)?.isDigit == true {
                cursor.position += 1
                numbers.append(String(decoding: cursor.take { $0.isDigit }, as: UTF8.self))
            }
            let rest = String(decoding: cursor.rest, as: UTF8.self).lowercased()
            endsWithBranch = [".x-dev", ".x.dev", ".*-dev", ".xdev"].contains(rest)
            if endsWithBranch {
                modifier = ComposerVersion.Modifier()
            } else {
                guard let read = ComposerVersion.modifier(&cursor) else { return nil }
                modifier = read
            }
        }

        var isPlain: Bool { modifier.isNone && !endsWithBranch }

        /// The version with everything behind `position` zero, and `position` raised by one.
        func raised(at position: Int) -> String {
            var out: [String] = []
            for index in 0..<4 {
                let own = index < numbers.count ? numbers[index] : "0"
                out.append(
                    index + 1 < position ? own : index + 1 == position ? DecimalNumber(own.utf8).next.text : "0")
            }
            return out.joined(separator: ".")
        }

        func cut(at position: Int) -> String {
            (0..<4).map { $0 < position && $0 < numbers.count ? numbers[$0] : "0" }.joined(separator: ".")
        }
    }

    private static func clauses(_ text: String) -> [Clause]? {
        var text = text
        var stability: String?
        for word in ["stable", "RC", "beta", "alpha", "dev"]
        where text.lowercased().hasSuffix("@" + word.lowercased()) {
            text = String(text.dropLast(word.count + 1))
            if text.isEmpty { text = "*" }
            if word != "stable" { stability = word }
        }
        if text == "*" || text == "x" || text == "X" { return [] }
        if text.allSatisfy({ "vxX*.".contains($0) }), text.contains(where: { "xX*".contains($0) }) {
            return [Clause(comparison: ">=", version: "0.0.0.0-dev")]
        }
        if text.hasPrefix("~"), !text.hasPrefix("~>") { return tilde(String(text.dropFirst())) }
        if text.hasPrefix("^") { return caret(String(text.dropFirst())) }
        if let wild = wildcard(text) { return wild }
        if let dash = text.range(of: " - ") {
            return hyphen(String(text[..<dash.lowerBound]), String(text[dash.upperBound...]))
        }
        return comparison(text, stability)
    }

    private static func tilde(_ text: String) -> [Clause]? {
        guard let written = Written(text), let low = ComposerVersion.normalized(text + (written.isPlain ? "-dev" : ""))
        else { return nil }
        let position = written.numbers.count + (written.endsWithBranch ? 1 : 0)
        return [
            Clause(comparison: ">=", version: low),
            Clause(comparison: "<", version: written.raised(at: max(1, position - 1)) + "-dev"),
        ]
    }

    private static func caret(_ text: String) -> [Clause]? {
        guard let written = Written(text), let low = ComposerVersion.normalized(text + (written.isPlain ? "-dev" : ""))
        else { return nil }
        let position =
            written.numbers[0] != "0" || written.numbers.count < 2
            ? 1 : written.numbers[1] != "0" || written.numbers.count < 3 ? 2 : 3
        return [
            Clause(comparison: ">=", version: low),
            Clause(comparison: "<", version: written.raised(at: position) + "-dev"),
        ]
    }

    private static func wildcard(_ text: String) -> [Clause]? {
        var pieces = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let last = pieces.last, last == "x" || last == "X" || last == "*" else { return nil }
        while let last = pieces.last, last == "x" || last == "X" || last == "*" { pieces.removeLast() }
        guard !pieces.isEmpty, pieces.count <= 3, let written = Written(pieces.joined(separator: ".")),
            written.isPlain
        else { return nil }
        let position = written.numbers.count
        let low = written.cut(at: position) + "-dev"
        let high = Clause(comparison: "<", version: written.raised(at: position) + "-dev")
        return low == "0.0.0.0-dev" ? [high] : [Clause(comparison: ">=", version: low), high]
    }

    private static func hyphen(_ from: String, _ to: String) -> [Clause]? {
        guard let start = Written(from), let end = Written(to), let low = ComposerVersion.normalized(from),
            let high = ComposerVersion.normalized(to)
        else { return nil }
        let lower = Clause(comparison: ">=", version: low + (start.isPlain ? "-dev" : ""))
        if end.numbers.count > 2 || !end.isPlain { return [lower, Clause(comparison: "<=", version: high)] }
        return [lower, Clause(comparison: "<", version: end.raised(at: end.numbers.count) + "-dev")]
    }

    private static func comparison(_ text: String, _ stability: String?) -> [Clause]? {
        let found = ["<>", "!=", ">=", "<=", "==", ">", "<", "="].first(where: text.hasPrefix)
        let written = text.dropFirst(found?.count ?? 0).trimmed
        var version = ComposerVersion.normalized(written)
        if version == nil, written.hasSuffix("-dev") { version = "dev-" + written.dropLast(4) }
        guard var version else { return nil }
        let comparison = found ?? "="
        let isExact = comparison == "=" || comparison == "=="
        if !isExact, let stability, !version.contains("-") {
            version += "-" + stability
        } else if comparison == "<" || comparison == ">=" {
            if Written(written)?.isPlain ?? false, !written.hasPrefix("dev-") { version += "-dev" }
        }
        return [Clause(comparison: comparison, version: version)]
    }
}

extension String {
    /// The first place where `text` stands.
    func range(of text: String) -> Range<String.Index>? { firstRange(of: text) }
}
