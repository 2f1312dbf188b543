/// Calico's selector language: `app == "web" && !has(debug) || role in {"a", "b"}`.
///
/// Source: Calico documentation, "Selectors"; grammar of libcalico-go's selector parser. `!` binds tightest, then `&&`,
/// then `||`. A missing label is unequal to everything and in no set.
package struct CalicoSelector: Sendable, Hashable {
    /// A selector that cannot be read, and where.
    package struct Failure: Error, Equatable {
        package var offset: Int
        package var message: String
    }

    package indirect enum Term: Sendable, Hashable {
        case all
        case global
        case equal(String, String)
        case unequal(String, String)
        case within(String, [String])
        case notWithin(String, [String])
        case has(String)
        case contains(String, String)
        case startsWith(String, String)
        case endsWith(String, String)
        case not(Term)
        case and([Term])
        case or([Term])
    }

    package let term: Term

    package init(_ text: String) throws(Failure) {
        var parser = CalicoSelectorParser(text)
        term = try parser.parse()
    }

    package func matches(_ labels: [String: String]) -> Bool {
        expression { .own($0) }.matches { key in
            if case .own(let name) = key { labels[name] } else { nil }
        }
    }

    /// The condition, with its labels read as `key` says. `all()` and `global()` are everything: which of the two a
    /// namespace selector says, `isGlobal` tells.
    func expression(_ key: (String) -> LabelKey) -> LabelExpression { Self.expression(term, key) }

    private static func expression(_ term: Term, _ key: (String) -> LabelKey) -> LabelExpression {
        switch term {
        case .all, .global: .everything
        case .equal(let label, let value): .isIn(key(label), [value])
        case .unequal(let label, let value): .isNotIn(key(label), [value])
        case .within(let label, let values): .isIn(key(label), values)
        case .notWithin(let label, let values): .isNotIn(key(label), values)
        case .has(let label): .exists(key(label))
        case .contains(let label, let text): .contains(key(label), text)
        case .startsWith(let label, let text): .hasPrefix(key(label), text)
        case .endsWith(let label, let text): .hasSuffix(key(label), text)
        case .not(let inner): .not(expression(inner, key))
        case .and(let parts): .all(parts.map { expression($0, key) })
        case .or(let parts): .any(parts.map { expression($0, key) })
        }
    }

    /// Whether `global()` stands in it.
    var isGlobal: Bool { Self.hasGlobal(term) }

    private static func hasGlobal(_ term: Term) -> Bool {
        switch term {
        case .global: true
        case .not(let inner): hasGlobal(inner)
        case .and(let parts), .or(let parts): parts.contains(where: hasGlobal)
        default: false
        }
    }

    /// The selector as Calico prints it: sets sorted, double quotes unless the text has one.
    package var canonical: String { Self.text(term) }

    private static func text(_ term: Term) -> String {
        func quoted(_ text: String) -> String { text.contains("\"") ? "'\(text)'" : "\"\(text)\"" }
        func set(_ values: [String]) -> String { "{\(values.map(quoted).joined(separator: ", "))}" }
        return switch term {
        case .all: "all()"
        case .global: "global()"
        case .equal(let label, let value): "\(label) == \(quoted(value))"
        case .unequal(let label, let value): "\(label) != \(quoted(value))"
        case .within(let label, let values): "\(label) in \(set(values))"
        case .notWithin(let label, let values): "\(label) not in \(set(values))"
        case .has(let label): "has(\(label))"
        case .contains(let label, let value): "\(label) contains \(quoted(value))"
        case .startsWith(let label, let value): "\(label) starts with \(quoted(value))"
        case .endsWith(let label, let value): "\(label) ends with \(quoted(value))"
        case .not(let inner): "!\(text(inner))"
        case .and(let parts): "(\(parts.map(text).joined(separator: " && ")))"
        case .or(let parts): "(\(parts.map(text).joined(separator: " || ")))"
        }
    }
}

/// Reads the language by recursive descent over its bytes.
private struct CalicoSelectorParser {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    mutating func parse() throws(CalicoSelector.Failure) -> CalicoSelector.Term {
        skipSpace()
        if position == bytes.count { return .all }
        let term = try alternatives()
        skipSpace()
        guard position == bytes.count else { throw failure("unexpected text behind the selector") }
        return term
    }

    private mutating func alternatives() throws(CalicoSelector.Failure) -> CalicoSelector.Term {
        var parts = [try conjunction()]
        while take("||") { parts.append(try conjunction()) }
        return parts.count == 1 ? parts[0] : .or(parts)
    }

    private mutating func conjunction() throws(CalicoSelector.Failure) -> CalicoSelector.Term {
        var parts = [try operation()]
        while take("&&") { parts.append(try operation()) }
        return parts.count == 1 ? parts[0] : .and(parts)
    }

    private mutating func operation() throws(CalicoSelector.Failure) -> CalicoSelector.Term {
        depth += 1
        defer { depth -= 1 }
        guard depth < 200 else { throw failure("nested too deeply") }
        var isNegated = false
        while take("!") { isNegated.toggle() }
        let term = try primary()
        return isNegated ? .not(term) : term
    }

    private mutating func primary() throws(CalicoSelector.Failure) -> CalicoSelector.Term {
        if take("(") {
            let term = try alternatives()
            guard take(")") else { throw failure("a ) is missing") }
            return term
        }
        if takeCall("all") { return .all }
        if takeCall("global") { return .global }
        if takeWord("has", followedBy: "(") {
            _ = take("(")
            skipSpace()
            let label = try self.label()
            guard take(")") else { throw failure("has(…) needs a )") }
            return .has(label)
        }
        let label = try self.label()
        if take("==") { return .equal(label, try string()) }
        if take("!=") { return .unequal(label, try string()) }
        if takeWord("contains") { return .contains(label, try string()) }
        if takeWord("starts"), takeWord("with") { return .startsWith(label, try string()) }
        if takeWord("ends"), takeWord("with") { return .endsWith(label, try string()) }
        if takeWord("not") {
            guard takeWord("in") else { throw failure("expected \"in\"") }
            return .notWithin(label, try set())
        }
        if takeWord("in") { return .within(label, try set()) }
        throw failure("expected a comparison behind \"\(label)\"")
    }

    private mutating func set() throws(CalicoSelector.Failure) -> [String] {
        guard take("{") else { throw failure("expected {") }
        if take("}") { return [] }
        var values = [try string()]
        while take(",") { values.append(try string()) }
        guard take("}") else { throw failure("a } is missing") }
        return Set(values).sorted()
    }

    private mutating func string() throws(CalicoSelector.Failure) -> String {
        skipSpace()
        guard position < bytes.count, bytes[position] == 0x22 || bytes[position] == 0x27 else {
            throw failure("expected a text in quotes")
        }
        let quote = bytes[position]
        guard let end = bytes[(position + 1)...].firstIndex(of: quote) else { throw failure("the quote is not closed") }
        defer { position = end + 1 }
        return String(decoding: bytes[position + 1..<end], as: UTF8.self)
    }

    private mutating func label() throws(CalicoSelector.Failure) -> String {
        skipSpace()
        let start = position
        while position < bytes.count, Self.isLabelByte(bytes[position]) { position += 1 }
        guard position > start else { throw failure("expected the name of a label") }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func isLabelByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }

    private mutating func skipSpace() {
        while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
    }

    private mutating func take(_ token: String) -> Bool {
        skipSpace()
        let wanted = Array(token.utf8)
        guard bytes[position...].starts(with: wanted) else { return false }
        // "!" is not the first half of "!=".
        if token == "!", position + 1 < bytes.count, bytes[position + 1] == UInt8(ascii: "=") { return false }
        position += wanted.count
        return true
    }

    private mutating func takeWord(_ word: String, followedBy next: String? = nil) -> Bool {
        skipSpace()
        let start = position
        guard bytes[position...].starts(with: Array(word.utf8)) else { return false }
        let end = position + word.utf8.count
        if end < bytes.count, Self.isLabelByte(bytes[end]) { return false }
        position = end
        if let next {
            let isThere = take(next)
            position = isThere ? end : start
            return isThere
        }
        return true
    }

    private mutating func takeCall(_ name: String) -> Bool {
        let start = position
        if takeWord(name, followedBy: "("), take("("), take(")") { return true }
        position = start
        return false
    }

    private func failure(_ message: String) -> CalicoSelector.Failure {
        CalicoSelector.Failure(offset: position, message: message)
    }
}
