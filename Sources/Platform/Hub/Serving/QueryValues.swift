import Encodings

/// A parameter of a query, as the route and the description of the API have it.
package struct QueryParameter: Sendable, Hashable {
    package enum Form: Sendable, Hashable {
        case text
        case integer(ClosedRange<Int>)
        case choice([String])
        case flag
    }

    package var name: String
    package var form: Form
    /// May stand several times.
    package var isList: Bool
    package var says: String

    /// A text.
    package init(_ name: String, _ says: String) { self.init(name, .text, says) }

    package init(_ name: String, _ form: Form, isList: Bool = false, _ says: String) {
        self.name = name
        self.form = form
        self.isList = isList
        self.says = says
    }

    package static let limit = QueryParameter("limit", .integer(1...500), "How many entries a page has; 50 otherwise.")
    package static let cursor = QueryParameter("cursor", "Where the page before ended: its `next`.")
    package static let cluster = QueryParameter("cluster", "Only this cluster, by id.")
    package static let namespace = QueryParameter("namespace", "Only this namespace.")
}

/// The values of a query; only those that its route knows.
package struct QueryValues: Sendable {
    private var values: [String: [String]] = [:]

    package init(_ query: String, of parameters: [QueryParameter]) throws(HubProblem) {
        for (name, value) in try Self.pairs(query) {
            guard let parameter = parameters.first(where: { $0.name == name }) else {
                throw HubProblem(.badRequest, "unknown-parameter", "there is no parameter \"\(name.prefix(40))\" here")
            }
            if !parameter.isList, values[name] != nil {
                throw HubProblem(.badRequest, "repeated-parameter", "\"\(name)\" may stand only once")
            }
            try Self.check(value, parameter)
            values[name, default: []].append(value)
        }
    }

    private static func check(_ value: String, _ parameter: QueryParameter) throws(HubProblem) {
        let name = parameter.name
        guard value.utf8.count <= 1024, !value.utf8.contains(0) else {
            throw HubProblem(.badRequest, "bad-parameter", "\"\(name)\" is too long or holds a NUL")
        }
        switch parameter.form {
        case .text: break
        case .integer(let range):
            guard let number = Int(value), range.contains(number) else {
                throw HubProblem(
                    .badRequest, "bad-parameter",
                    "\"\(name)\" is a number from \(range.lowerBound) to \(range.upperBound)")
            }
        case .choice(let words):
            guard words.contains(value) else {
                throw HubProblem(.badRequest, "bad-parameter", "\"\(name)\" is one of \(words.joined(separator: ", "))")
            }
        case .flag:
            guard value == "true" || value == "false" else {
                throw HubProblem(.badRequest, "bad-parameter", "\"\(name)\" is true or false")
            }
        }
    }

    package subscript(_ name: String) -> String? { values[name]?.first.flatMap { $0.isEmpty ? nil : $0 } }
    package func list(_ name: String) -> [String] { values[name] ?? [] }
    package func int(_ name: String) -> Int? { values[name]?.first.flatMap { Int($0) } }
    package func flag(_ name: String) -> Bool? { values[name]?.first.map { $0 == "true" } }
    package var limit: Int { int("limit") ?? (self[TableExport.form.name] == nil ? 50 : TableExport.most) }

    /// Every name and value, by name.
    var all: [(String, String?)] {
        values.sorted { $0.key < $1.key }.flatMap { name, values in values.map { (name, $0) } }
    }

    // MARK: Text

    /// `a=b&c=d`, decoded.
    static func pairs(_ text: String) throws(HubProblem) -> [(String, String)] {
        var out: [(String, String)] = []
        for part in text.utf8.split(separator: UInt8(ascii: "&")) {
            let sides = part.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            let name = try decoded(sides[0], plusIsSpace: true)
            out.append((name, sides.count == 2 ? try decoded(sides[1], plusIsSpace: true) : ""))
        }
        return out
    }

    /// Takes `%41` apart; throws on what is no UTF-8 or no escape.
    static func decoded(
        _ bytes: some Collection<UInt8>, plusIsSpace: Bool = false
    ) throws(HubProblem) -> String {
        guard let out = PercentEncoding.decoded(bytes, plusIsSpace: plusIsSpace) else {
            throw HubProblem(.badRequest, "bad-escape", "a % in the address has no two hexadecimal digits behind it")
        }
        guard let text = String(validating: out, as: UTF8.self) else {
            throw HubProblem(.badRequest, "bad-escape", "the address is not UTF-8")
        }
        return text
    }
}

/// Where a page ended, as text that means nothing to anybody else.
package enum PageCursor {
    private static let separator = "\u{1F}"

    package static func text(_ parts: [String]) -> String {
        Base64URL.encode(Array(parts.joined(separator: separator).utf8))
    }

    /// The parts of a cursor; throws when it is none of ours.
    package static func parts(_ text: String, count: Int) throws(HubProblem) -> [String] {
        let bytes = Base64URL.decode(text) ?? []
        let parts = String(decoding: bytes, as: UTF8.self)
            .split(separator: separator, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == count, !bytes.contains(0) else {
            throw HubProblem(.badRequest, "bad-cursor", "\"cursor\" is not the \"next\" of a page of this list")
        }
        return parts
    }
}
