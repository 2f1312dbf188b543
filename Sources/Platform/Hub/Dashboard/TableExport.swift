import Documents
import Findings
import HTTPTypes

/// A table of a screen as a file.
///
/// What a screen shows is what its file holds: the file is read from the screen's own markup, so that no table is left
/// out and no filter differs. Asked for as a file, lists give up to `most` rows.
struct TableExport {
    static let most = 50_000
    static let form = QueryParameter("as", .choice(["csv", "json"]), "One table of the screen as a file.")
    static let table = QueryParameter("table", "Which table; the first otherwise.")

    let caption: String
    let headings: [String]
    let rows: [[String]]

    /// Reads the table of a screen by its caption; nil where there is none.
    init?(_ html: HTML, table caption: String?) {
        var scanner = MarkupScanner(html.text)
        guard scanner.find(caption.map { "\(Self.opening)\(HTML($0).text)</caption>" } ?? Self.opening) else {
            return nil
        }
        self.caption = caption ?? scanner.text(until: "</caption>")
        var headings: [String] = []
        var rows: [[String]] = []
        while let tag = scanner.nextTag() {
            if tag.hasPrefix("th ") || tag == "th" { headings.append(scanner.text(until: "</th>")) }
            if tag == "tr" || tag.hasPrefix("tr ") { rows.append([]) }
            if tag == "td" || tag.hasPrefix("td "), !rows.isEmpty {
                rows[rows.count - 1].append(scanner.text(until: "</td>"))
            }
            if tag == "/table" { break }
        }
        self.headings = headings
        self.rows = rows.filter { !$0.isEmpty }
    }

    static let opening = "<table><caption class=\"visually-hidden\">"

    var csv: String {
        ([headings] + rows).map { $0.map(CSVReport.cell).joined(separator: ",") + "\r\n" }.joined()
    }

    var json: String {
        var json = JSONWriter()
        json.object { json in
            json.member("table", caption)
            json.member(
                "rows",
                array: { json in
                    for row in rows {
                        json.object { json in
                            for (heading, cell) in zip(headings, row) { json.member(heading, cell) }
                        }
                    }
                })
        }
        return json.string
    }

    /// The answer to a request that asks for a table of this body.
    static func reply(_ body: HTML, _ request: HubRequest, as form: String) throws(HubProblem) -> HubReply {
        guard let found = TableExport(body, table: request.query["table"]) else {
            throw HubProblem.notFound("such table")
        }
        let isCSV = form == "csv"
        var reply = HubReply.text(
            isCSV ? found.csv : found.json, type: isCSV ? "text/csv; charset=utf-8" : "application/json")
        let name = found.caption.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }
        reply.headers[.contentDisposition] = "attachment; filename=\"\(String(name)).\(form)\""
        return reply
    }

    // MARK: Links

    private static let mark = "<x-export>"

    /// Stands behind a table until the page, which knows its address, puts links there.
    static func place(_ caption: String) -> HTML { .markup(mark) + HTML(caption) + .markup("</x-export>") }

    /// Puts the links in.
    static func linked(_ body: HTML, _ request: HubRequest) -> HTML {
        var parts = body.text.split(separator: mark, omittingEmptySubsequences: false)[...]
        guard parts.count > 1, let first = parts.popFirst() else { return body }
        var query = request.query.all.filter { $0.0 != "cursor" && $0.0 != "limit" && $0.0 != "page" }
        let start = query.count
        var out = String(first)
        for part in parts {
            let sides = part.split(separator: "</x-export>", maxSplits: 1, omittingEmptySubsequences: false)
            query.removeSubrange(start...)
            let caption = MarkupScanner.plain(String(sides[0]))
            let csv = Link.query(query + [("as", "csv"), ("table", caption)])
            let json = Link.query(query + [("as", "json"), ("table", caption)])
            let links: HTML = """
                <p class="exports no-print">\(caption): <a href="\(csv)" download>CSV</a> <a href="\(json)" download>JSON</a></p>
                """
            out += links.text + (sides.count > 1 ? sides[1] : "")
        }
        return .markup(out)
    }
}

/// Walks over markup that this program wrote.
private struct MarkupScanner {
    private let text: Substring
    private var rest: Substring

    init(_ text: String) {
        self.text = text[...]
        rest = self.text
    }

    /// Goes behind the next place of some text.
    mutating func find(_ wanted: String) -> Bool {
        guard let range = rest.range(of: wanted) else { return false }
        rest = rest[range.upperBound...]
        return true
    }

    /// The next tag, without its angle brackets.
    mutating func nextTag() -> String? {
        guard let start = rest.firstIndex(of: "<"), let end = rest[start...].firstIndex(of: ">") else { return nil }
        let tag = rest[rest.index(after: start)..<end]
        rest = rest[rest.index(after: end)...]
        return String(tag)
    }

    /// What a reader sees until a closing tag, which is taken too; pictures are their titles, forms are nothing.
    mutating func text(until close: String) -> String {
        let cell: Substring
        if let range = rest.range(of: close) {
            cell = rest[..<range.lowerBound]
            rest = rest[range.upperBound...]
        } else {
            cell = rest
            rest = rest[rest.endIndex...]
        }
        return Self.visible(cell)
    }

    private static func visible(_ markup: Substring) -> String {
        var out = ""
        var rest = markup
        // The moment a time stands for, and nothing of forms.
        while let start = rest.firstIndex(of: "<") {
            out += rest[..<start]
            guard let end = rest[start...].firstIndex(of: ">") else { break }
            let tag = rest[rest.index(after: start)..<end]
            rest = rest[rest.index(after: end)...]
            for skipped in ["form", "svg"] where tag.hasPrefix(skipped) {
                let inside = rest.range(of: "</\(skipped)>")
                if skipped == "svg", let title = rest.range(of: "<title>"), let close = rest.range(of: "</title>"),
                    inside.map({ title.lowerBound < $0.lowerBound }) ?? true
                {
                    out += rest[title.upperBound..<close.lowerBound]
                }
                rest = inside.map { rest[$0.upperBound...] } ?? rest[rest.endIndex...]
            }
            if ["br", "/li", "/p", "/dd", "/span", "/summary"].contains(tag) { out += " " }
        }
        out += rest
        return plain(out).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// Escapes taken back.
    static func plain(_ text: String) -> String {
        text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"")
            .replacing("&#39;", with: "'").replacing("&amp;", with: "&")
    }
}

extension StringProtocol where SubSequence == Substring {
    /// Where some text stands first.
    fileprivate func range(of wanted: String) -> Range<Index>? { firstRange(of: wanted) }
}
