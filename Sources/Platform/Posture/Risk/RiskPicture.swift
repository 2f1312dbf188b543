import Findings

/// Ways of an attack as a picture: the internet to the left, targets to the right, an arrow for each step.
package struct RiskPicture: Sendable {
    private var boxes: [(text: String, kind: String)] = []
    private var numbers: [String: Int] = [:]
    private var arrows: [LayeredLayout.Arrow] = []
    private var words: [[String]] = []
    private var placeOfArrow: [LayeredLayout.Arrow: Int] = [:]
    private let title: String
    private let description: String

    /// Past this nobody can read it; the rest is told in words.
    package static let mostPaths = 40

    package init(_ paths: [RiskPath], title: String) {
        self.title = title
        let shown = paths.prefix(Self.mostPaths)
        description =
            "\(paths.count) ways, \(shown.count) of them drawn. "
            + shown.map { path in
                ([path.steps.first?.from ?? ""] + path.steps.map(\.to)).joined(separator: " to ")
            }.joined(separator: "; ")
        for path in shown {
            for (index, step) in path.steps.enumerated() {
                let isLast = index == path.steps.count - 1
                let from = box(step.from, kind(step, isFrom: true))
                let to = box(step.to, isLast ? "target" : kind(step, isFrom: false))
                add(LayeredLayout.Arrow(from, to), step.by)
            }
        }
    }

    private func kind(_ step: RiskStep, isFrom: Bool) -> String {
        switch step.kind {
        case .exposure: isFrom ? "outside" : "port"
        case .weakness: isFrom ? "port" : "pod"
        case .network: "pod"
        case .rights, .data: "right"
        }
    }

    private mutating func box(_ text: String, _ kind: String) -> Int {
        if let known = numbers[text] {
            if kind == "target" { boxes[known].kind = kind }
            return known
        }
        numbers[text] = boxes.count
        boxes.append((text, kind))
        return boxes.count - 1
    }

    private mutating func add(_ arrow: LayeredLayout.Arrow, _ by: String) {
        if let known = placeOfArrow[arrow] {
            if !words[known].contains(by) { words[known].append(by) }
            return
        }
        placeOfArrow[arrow] = arrows.count
        arrows.append(arrow)
        words.append([by])
    }

    // MARK: Drawing

    private static let (boxWidth, boxHeight, gap, rowHeight, margin, head) = (240, 34, 150, 60, 20, 60)

    package var svg: String {
        let layout = LayeredLayout(boxes: boxes.count, arrows: arrows)
        let width = max(520, layout.columnCount * (Self.boxWidth + Self.gap) - Self.gap + 2 * Self.margin)
        let height = Self.head + max(1, layout.rowCount) * Self.rowHeight + Self.margin
        let e = { (text: String) in MarkupText.escaped(text, limit: 20_000) }
        var out = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" width="\(width)" \
            height="\(height)" role="img" aria-labelledby="title desc" font-family="system-ui, sans-serif" font-size="12">
            <title id="title">\(e(title))</title>
            <desc id="desc">\(e(description))</desc>
            <style>
            svg { background: #fff; } rect { fill: #f3f6fa; stroke: #3b5b8c; } .outside { fill: #fff4e5; stroke: #8a5a00; }
            .port { fill: #f6f8fa; stroke: #57606a; stroke-dasharray: 4 3; } .right { fill: #eef0fb; stroke: #5250a6; }
            .target { fill: #fbe9e7; stroke: #b3261e; stroke-width: 2; } text { fill: #1b1f24; }
            .by { fill: #57606a; font-size: 11px; text-anchor: middle; } .head { font-size: 17px; font-weight: 600; }
            path { fill: none; stroke: #57606a; } .tip { fill: #57606a; stroke: none; }
            @media (prefers-color-scheme: dark) { svg { background: #0d1117; } rect { fill: #1d2a3d; stroke: #7aa2dc; }
            .outside { fill: #35270f; stroke: #d9a441; } .port { fill: #161b22; stroke: #9198a1; }
            .right { fill: #24244a; stroke: #a5a3f0; } .target { fill: #43201d; stroke: #ff7b72; }
            text { fill: #e6edf3; } .by { fill: #9198a1; } path { stroke: #9198a1; } .tip { fill: #9198a1; } }
            </style>
            <defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">\
            <path class="tip" d="M0 0 L8 4 L0 8 z"/></marker></defs>
            <text class="head" x="\(Self.margin)" y="32">\(e(title))</text>

            """
        for (index, arrow) in arrows.enumerated() { out += draw(arrow, words[index], layout.waypoints[index], layout) }
        for (number, box) in boxes.enumerated() {
            let (x, y) = Self.place(layout.columns[number], layout.rows[number])
            let safe = PrintableText.of(box.text)
            let shown = safe.count > 38 ? safe.prefix(18) + "…" + safe.suffix(19) : safe[...]
            out += """
                <g><title>\(e(box.text))</title><rect class="\(box.kind)" x="\(x)" y="\(y)" \
                width="\(Self.boxWidth)" height="\(Self.boxHeight)" rx="6"/>\
                <text x="\(x + 10)" y="\(y + 21)">\(e(String(shown)))</text></g>

                """
        }
        return out + "</svg>\n"
    }

    private static func place(_ column: Int, _ row: Int) -> (x: Int, y: Int) {
        (margin + column * (boxWidth + gap), head + row * rowHeight)
    }

    private func draw(_ arrow: LayeredLayout.Arrow, _ by: [String], _ rows: [Int], _ layout: LayeredLayout) -> String {
        let isBackward = layout.columns[arrow.from] > layout.columns[arrow.to]
        let (left, right) = isBackward ? (arrow.to, arrow.from) : (arrow.from, arrow.to)
        let start = Self.place(layout.columns[left], layout.rows[left])
        let end = Self.place(layout.columns[right], layout.rows[right])
        var points = [(x: start.x + Self.boxWidth, y: start.y + Self.boxHeight / 2)]
        for (index, row) in (isBackward ? rows.reversed() : rows).enumerated() {
            let at = Self.place(layout.columns[left] + 1 + index, row)
            points.append((at.x, at.y + Self.boxHeight / 2))
            points.append((at.x + Self.boxWidth, at.y + Self.boxHeight / 2))
        }
        points.append((end.x, end.y + Self.boxHeight / 2))
        if isBackward { points.reverse() }
        var d = "M\(points[0].x) \(points[0].y)"
        for (a, b) in zip(points, points.dropFirst()) {
            let middle = (a.x + b.x) / 2
            d += a.y == b.y ? " L\(b.x) \(b.y)" : " C\(middle) \(a.y) \(middle) \(b.y) \(b.x) \(b.y)"
        }
        let label = by.count > 1 ? "\(by[0]) or \(by.count - 1) other" : by[0]
        let shown = label.count > 26 ? label.prefix(25) + "…" : label[...]
        let (first, second) = (points[0], points[1])
        return "<g><title>\(MarkupText.escaped(by.joined(separator: " or ")))</title>"
            + "<path d=\"\(d)\" marker-end=\"url(#tip)\"/><text class=\"by\" x=\"\((first.x + second.x) / 2)\" "
            + "y=\"\((first.y + second.y) / 2 - 6)\">\(MarkupText.escaped(String(shown)))</text></g>\n"
    }
}
