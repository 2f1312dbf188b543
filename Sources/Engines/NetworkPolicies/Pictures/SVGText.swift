/// Writes SVG that a person can read by eye, by ear and in the dark: a title and a description, text that is text, and
/// colours that follow the reader's scheme.
struct SVGText {
    private(set) var body = ""
    var width: Double
    var height: Double

    init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    static func escaped(_ text: String) -> String {
        var out = ""
        for character in text {
            switch character {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            default: out.append(character)
            }
        }
        return out
    }

    /// A number with one digit behind the point at most.
    static func number(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        let rest = abs(tenths % 10)
        let whole = "\(tenths < 0 && tenths > -10 ? "-" : "")\(tenths / 10)"
        return rest == 0 ? whole : "\(whole).\(rest)"
    }

    /// Width of a text in the picture's font at a size: a mean over Latin letters, on the safe side.
    static func width(_ text: String, size: Double) -> Double { Double(text.count) * size * 0.6 }

    /// What stands between begins with `open` and has to end with `close`.
    mutating func raw(_ text: String) { body += text + "\n" }

    mutating func rect(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String, title: String? = nil,
        radius: Double = 0
    ) {
        let n = Self.number
        let round = radius > 0 ? " rx=\"\(n(radius))\"" : ""
        let shape =
            "<rect class=\"\(style)\" x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(width))\" height=\"\(n(height))\"\(round)"
        raw(title.map { "\(shape)><title>\(Self.escaped($0))</title></rect>" } ?? "\(shape)/>")
    }

    mutating func text(
        _ x: Double, _ y: Double, _ text: String, _ style: String = "", anchor: String = "start", turn: Double = 0
    ) {
        let n = Self.number
        let turned = turn == 0 ? "" : " transform=\"rotate(\(n(turn)) \(n(x)) \(n(y)))\""
        let name = style.isEmpty ? "" : " class=\"\(style)\""
        raw("<text\(name) x=\"\(n(x))\" y=\"\(n(y))\" text-anchor=\"\(anchor)\"\(turned)>\(Self.escaped(text))</text>")
    }

    mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
        let n = Self.number
        raw("<line class=\"\(style)\" x1=\"\(n(x1))\" y1=\"\(n(y1))\" x2=\"\(n(x2))\" y2=\"\(n(y2))\"/>")
    }

    func document(title: String, description: String) -> String {
        let n = Self.number
        return """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(n(width)) \(n(height))" width="\(n(width))" \
            height="\(n(height))" role="img" aria-labelledby="title desc">
            <title id="title">\(Self.escaped(title))</title>
            <desc id="desc">\(Self.escaped(description))</desc>
            <style>
            \(Self.style)</style>
            <rect class="paper" width="\(n(width))" height="\(n(height))"/>
            \(body)</svg>

            """
    }

    /// Contrast of text against its ground is at least 4.5 in both schemes (WCAG 2.2, 1.4.3); verdicts differ in
    /// pattern and words, too, not in colour alone.
    private static let style = """
        svg{--paper:#fff;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--all:#1a7f37;--some:#0969da;--none:#f6f8fa;\
        --doubt:#9a6700;--bad:#cf222e;--on:#fff;font:13px system-ui,-apple-system,"Segoe UI",sans-serif}
        @media (prefers-color-scheme:dark){svg{--paper:#0d1117;--ink:#e6edf3;--soft:#9198a1;--line:#3d444d;\
        --all:#3fb950;--some:#58a6ff;--none:#161b22;--doubt:#d29922;--bad:#ff7b72;--on:#0d1117}}
        .paper{fill:var(--paper)}text{fill:var(--ink)}.soft{fill:var(--soft)}.head{font-weight:600}.title{font-size:17px;\
        font-weight:600}.line{stroke:var(--line);stroke-width:1}.strong{stroke:var(--soft);stroke-width:1}.none{fill:var(--none)}\
        .all{fill:var(--all)}.some{fill:var(--some)}.doubt{fill:none;stroke:var(--doubt);stroke-width:2;stroke-dasharray:3 2}\
        .own{fill:var(--line)}.cell{fill:var(--on);font-size:11px}.open{fill:var(--bad)}.closed{fill:var(--all)}\
        .unsure{fill:var(--doubt)}.way{stroke:var(--soft);stroke-width:1.5}

        """
}
