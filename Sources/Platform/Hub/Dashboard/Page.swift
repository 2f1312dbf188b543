import Findings
import FoundationEssentials
import HTTPTypes
import Store

/// One screen: its place in the navigation, its title, what it shows.
struct Page {
    /// Places of the navigation, in its order, with the key behind `g`.
    enum Place: String, CaseIterable {
        case fixFirst, fleet, findings, workloads, vulnerabilities, network, identities, paths, alerts, compliance,
            settings

        var title: String {
            switch self {
            case .fixFirst: "Fix first"
            case .fleet: "Fleet"
            case .findings: "Findings"
            case .workloads: "Workloads"
            case .vulnerabilities: "Vulnerabilities"
            case .network: "Network"
            case .identities: "Identities"
            case .paths: "Attack paths"
            case .alerts: "Alerts"
            case .compliance: "Compliance"
            case .settings: "Settings"
            }
        }

        var path: String { self == .fixFirst ? "/" : "/\(rawValue)" }

        var key: String {
            switch self {
            case .fixFirst: "h"
            case .fleet: "f"
            case .findings: "i"
            case .workloads: "w"
            case .vulnerabilities: "v"
            case .network: "n"
            case .identities: "u"
            case .paths: "p"
            case .alerts: "a"
            case .compliance: "c"
            case .settings: "s"
            }
        }
    }

    var place: Place?
    var title: String
    /// What the screen answers, in a sentence or two.
    var lead: HTML = .empty
    var body: HTML
    /// Whether something on it changes while one looks.
    var isLive = false

    func html(_ request: HubRequest) -> HTML {
        let name = request.identity?.name
        let navigation = Place.allCases.map { item -> HTML in
            let current: HTML = item == place ? " aria-current=\"page\"" : ""
            return "<a href=\"\(item.path)\"\(current)>\(item.title)</a>"
        }
        let account: HTML =
            name.map { name in
                """
                <form role="search" action="/search"><label class="visually-hidden" for="search">Search</label>\
                <input id="search" name="q" type="search" placeholder="Search  /" autocomplete="off"></form>\
                <button class="quiet" id="show-keys" type="button" aria-label="Keys">?</button>\
                <form method="post" action="/logout">\(Self.token(request))<button class="quiet" title="\(name)" aria-label="Log out \(name)">Log out</button></form>
                """
            } ?? .empty
        let live: HTML = isLive ? " · <span id=\"live-state\" role=\"status\">not live</span>" : ""
        return """
            <!doctype html>
            <html lang="en"><head><meta charset="utf-8"><title>\(title) · Martlet</title>\
            <meta name="viewport" content="width=device-width,initial-scale=1">\
            <link rel="icon" href="\(DashboardAssets.icon.path)"><link rel="stylesheet" href="\(DashboardAssets.style.path)">\
            <script type="module" src="\(DashboardAssets.script.path)"></script></head><body>
            <a class="skip" href="#main">Skip to the content</a>
            <header><a class="brand" href="/">\(Self.bird) Martlet</a>\
            <nav aria-label="Main">\(name == nil ? [] : navigation)</nav>\(account)</header>
            <main id="main"><h1>\(title)</h1>\(lead.text.isEmpty ? .empty : "<p class=\"lead\">\(lead)</p>" as HTML)
            \(TableExport.linked(body, request))</main>
            <footer>Martlet \(request.hub.version) · \(Self.time(request.now))\(live)</footer>\(Self.keys)
            </body></html>
            """
    }

    /// The sign of the house: a bird without feet, as heraldry draws it.
    private static let bird: HTML = """
        <svg width="22" height="22" viewBox="0 0 24 24" aria-hidden="true"><path class="c-accent" \
        d="M2 6c5 0 8 2 9.500 5C13 7 17 4 22 4c-2 2-3 4-3.500 6.500C18 15 14.500 18.500 9 19l-4 2 1.500-3C4.500 16.500 4 14 5 12 3.500 11 2 9 2 6z"/></svg>
        """

    private static let keys: HTML = {
        let places = Place.allCases.map { "<dt><kbd>g</kbd> <kbd>\($0.key)</kbd></dt><dd>\($0.title)</dd>" as HTML }
        return """
            <dialog id="keys" aria-labelledby="keys-title"><h2 id="keys-title">Keys</h2><dl class="facts">\
            <dt><kbd>/</kbd></dt><dd>search everything</dd><dt><kbd>j</kbd> <kbd>k</kbd></dt><dd>next and previous row</dd>\
            <dt><kbd>Enter</kbd></dt><dd>open the row</dd><dt><kbd>a</kbd></dt><dd>acknowledge the selected alert</dd>\
            <dt><kbd>?</kbd></dt><dd>these keys</dd>\(places)</dl><p><button type="button" data-close>Close</button></p></dialog>
            """
    }()

    // MARK: Pieces every screen uses

    /// The hidden field that says a form is our own.
    static func token(_ request: HubRequest) -> HTML {
        "<input type=\"hidden\" name=\"csrf\" value=\"\(request.identity?.csrf ?? "")\">"
    }

    /// A moment; the browser writes it in the reader's own zone.
    static func time(_ at: Milliseconds?) -> HTML {
        guard let at else { return "<span class=\"dim\">never</span>" }
        let text = TimeText.rfc3339(at)
        return "<time datetime=\"\(text)\" title=\"\(text)\">\(text)</time>"
    }

    /// How long ago, in words; the moment as title.
    static func ago(_ at: Milliseconds?, now: Milliseconds) -> HTML {
        guard let at else { return "<span class=\"dim\">never</span>" }
        let seconds = max(0, (now - at) / 1000)
        let words =
            switch seconds {
            case ..<60: "\(seconds) s"
            case ..<3600: "\(seconds / 60) min"
            case ..<172_800: "\(seconds / 3600) h"
            default: "\(seconds / 86_400) days"
            }
        return "<span title=\"\(TimeText.rfc3339(at))\">\(words) ago</span>"
    }

    static func severity(_ severity: Severity) -> HTML {
        "<span class=\"sev \(severity.rawValue)\">\(severity.rawValue)</span>"
    }

    static func percent(_ ratio: Double?) -> String {
        guard let ratio else { return "unknown" }
        // A cluster with one failing check of a thousand is not at 100 %.
        let value = ratio * 100
        return value >= 99.95 && ratio < 1
            ? "99.9 %" : "\(value.formatted(.number.precision(.fractionLength(0...1)))) %"
    }

    static func number(_ count: Int) -> String { count.formatted(.number.locale(Locale(identifier: "en_US"))) }

    /// Text of a check: what stands between backticks is code.
    static func prose(_ text: String) -> HTML {
        let parts = text.split(separator: "`", omittingEmptySubsequences: false)
        guard parts.count % 2 == 1 else { return HTML(text) }
        var out: HTML = .empty
        for (index, part) in parts.enumerated() {
            out += index % 2 == 1 ? "<code>\(part)</code>" : HTML(String(part))
        }
        return out
    }

    static func empty(_ words: HTML) -> HTML { "<div class=\"card empty\">\(words)</div>" }

    /// A table in a frame that scrolls by itself on narrow screens; `headings` with a trailing `#` are numbers.
    static func table(_ caption: String, _ headings: [String], _ rows: [HTML]) -> HTML {
        let head = headings.map { name -> HTML in
            name.hasSuffix("#")
                ? "<th scope=\"col\" class=\"num\">\(name.dropLast())</th>" : "<th scope=\"col\">\(name)</th>"
        }
        return """
            <div class="scroll" tabindex="0" role="region" aria-label="\(caption)"><table><caption class="visually-hidden">\
            \(caption)</caption><thead><tr>\(head)</tr></thead><tbody>\(rows)</tbody></table></div>\(TableExport.place(caption))
            """
    }

    /// The way to the next page of a list.
    static func next(_ address: String) -> HTML {
        "<p class=\"no-print\"><a class=\"button quiet\" rel=\"next\" href=\"\(address)\">Next page</a></p>"
    }

    /// When something is to be mended, counted from when it was first seen.
    static func clock(_ firstSeen: Milliseconds, _ severity: Severity, _ request: HubRequest) -> HTML {
        guard let days = request.hub.settings.fixWithin[severity] else { return "<span class=\"dim\">no term</span>" }
        let left = firstSeen + days * 86_400_000 - request.now
        let end = TimeText.rfc3339(firstSeen + days * 86_400_000)
        let count = abs(left) / 86_400_000
        return left < 0
            ? "<span class=\"sev high\" title=\"\(end)\">\(count) days over</span>"
            : "<span class=\"\(count < 7 ? "sev medium" : "dim")\" title=\"\(end)\">\(count) days left</span>"
    }

    /// A choice of a form of filters.
    static func choice(_ label: String, _ name: String, _ options: [(value: String, title: String)], _ chosen: String?)
        -> HTML
    {
        let all = options.map { option -> HTML in
            let selected: HTML = option.value == (chosen ?? "") ? " selected" : ""
            return "<option value=\"\(option.value)\"\(selected)>\(option.title)</option>"
        }
        return "<label>\(label)<select name=\"\(name)\">\(all)</select></label>"
    }
}

extension HubReply {
    static func page(_ page: Page, _ request: HubRequest, status: HTTPResponse.Status = .ok) -> HubReply {
        if status == .ok, let form = request.query[TableExport.form.name] {
            do {
                return try TableExport.reply(page.body, request, as: form)
            } catch {
                return .page(Page.problem(error), request, status: error.status)
            }
        }
        return .html(status: status, page.html(request).text)
    }
}

extension Route {
    /// A screen: who is not logged in is sent to log in and comes back; what goes wrong is a screen too.
    static func screen(
        _ path: String, _ needed: Permission = .read, query: [QueryParameter] = [],
        _ make: @escaping @Sendable (HubRequest) async throws -> HubReply
    ) -> Route {
        Route(.get, path, nil, query: query + [TableExport.form, TableExport.table]) { request in
            guard let identity = request.identity else {
                return .redirect(to: Link.to(["login"], [("next", request.place(of: path))]))
            }
            do {
                guard identity.may(needed) else { throw HubProblem.forbidden(needed) }
                return try await make(request)
            } catch let problem as HubProblem {
                return .page(Page.problem(problem), request, status: problem.status)
            }
        }
    }

    /// What a form of a screen does.
    static func action(
        _ path: String, _ needed: Permission, _ act: @escaping @Sendable (HubRequest) async throws -> String
    ) -> Route {
        Route(.post, path, needed) { request in
            do {
                return .redirect(to: try await act(request))
            } catch let problem as HubProblem {
                return .page(Page.problem(problem), request, status: problem.status)
            }
        }
    }
}

extension HubRequest {
    /// Where this request was sent, for coming back: the path with its parts, without the query.
    func place(of template: String) -> String {
        let parts = template.split(separator: "/").map { part in
            part.hasPrefix("{") ? path[String(part.dropFirst().dropLast())] ?? "" : String(part)
        }
        return Link.to(parts)
    }
}

extension Page {
    static func problem(_ problem: HubProblem) -> Page {
        Page(
            title: problem.status.reasonPhrase,
            body: """
                <div class="note warn"><p>\(problem.detail)</p></div>\
                <p><a href="/">Back to what to fix first</a></p>
                """)
    }
}
