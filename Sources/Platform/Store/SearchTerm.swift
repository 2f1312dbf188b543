/// A word of the fleet that people look for: the rule of a finding with its title, or the name of an object.
///
/// There are far fewer of them than findings, so that looking through all of them is quick where looking through the
/// findings is not. They are never taken away: a name that is gone leads to nothing.
struct SearchTerm: Hashable {
    enum Kind: String { case rule, name }

    var kind: Kind
    var item: String
    var words: String

    init(rule: String, title: String) {
        (kind, item, words) = (.rule, rule, "\(rule.lowercased()) \(title.lowercased())")
    }

    init(name: String) { (kind, item, words) = (.name, name, name.lowercased()) }
}

extension SQLConnection {
    /// More rules or names than this are no narrowing: the list itself is walked then, which finds a page soon.
    private var mostTerms: Int { 300 }

    func note(_ terms: Set<SearchTerm>) throws(StoreError) {
        // In one order for all writers, so that none waits for another that waits for it.
        let rows = terms.sorted { ($0.kind.rawValue, $0.item) < ($1.kind.rawValue, $1.item) }
        var last = ""
        try insert(
            into: "search_terms", ["kind", "item", "words"],
            rows.filter { term in
                let key = "\(term.kind) \(term.item)"
                defer { last = key }
                return key != last
            }.map { [.text($0.kind.rawValue), .text($0.item), .text($0.words)] },
            conflict: "ON CONFLICT (kind, item) DO NOTHING")
    }

    /// The rules or names that hold some text; nil where they are too many to ask one by one.
    func items(_ kind: SearchTerm.Kind, holding text: String) throws(StoreError) -> [String]? {
        let sql = "SELECT item FROM search_terms WHERE kind = ? AND words LIKE ? ESCAPE '\\' ORDER BY item LIMIT ?"
        let pattern = "%" + Self.escaped(text.lowercased()) + "%"
        var out: [String] = []
        for row in try rows(sql, [.text(kind.rawValue), .text(pattern), .int(mostTerms + 1)]) {
            out.append(try row.text(0))
        }
        return out.count > mostTerms ? nil : out
    }
}
