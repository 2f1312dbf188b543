/// Paths as a picture: who is to the left, the goal to the right, every step an arrow with what it is done by.
package struct EscalationPicture: Sendable {
    private struct Box {
        var text: String
        var kind: Kind
        /// Steps from the goal.
        var distance: Int
        var row = 0
    }

    private enum Kind { case subject, workload, node, goal }

    private struct Arrow: Hashable {
        var from: Int
        var to: Int
    }

    private var boxes: [Box] = []
    private var numbers: [String: Int] = [:]
    private var arrows: [Arrow] = []
    private var labels: [Arrow: [String]] = [:]

    package init(_ paths: [EscalationPath]) {
        for path in paths {
            var last: Int?
            for (index, step) in path.steps.enumerated() {
                let from = last ?? box(step.actor, path.steps.count - index)
                let distance = path.steps.count - index - 1
                let to = step.becomes.map { box($0, distance) } ?? goal(path.goal)
                let arrow = Arrow(from: from, to: to)
                if labels[arrow] == nil { arrows.append(arrow) }
                for way in step.ways where labels[arrow]?.contains(way.id) != true {
                    labels[arrow, default: []].append(way.id)
                }
                last = to
            }
        }
        arrange()
    }

    private mutating func box(_ actor: EscalationActor, _ distance: Int) -> Int {
        let kind: Kind =
            switch actor {
            case .subject: .subject
            case .workload: .workload
            case .node: .node
            }
        return box(actor.description, kind, distance)
    }

    private mutating func goal(_ goal: EscalationEdge.Goal) -> Int { box(goal.rawValue, .goal, 0) }

    private mutating func box(_ text: String, _ kind: Kind, _ distance: Int) -> Int {
        let key = "\(kind) \(text)"
        if let number = numbers[key] {
            boxes[number].distance = max(boxes[number].distance, distance)
            return number
        }
        numbers[key] = boxes.count
        boxes.append(Box(text: text, kind: kind, distance: distance))
        return boxes.count - 1
    }

    /// Rows within a column: near what an arrow leads to, so that few arrows cross.
    private mutating func arrange() {
        let columns = (boxes.map(\.distance).max() ?? 0) + 1
        for column in 0..<columns {
            let members = boxes.indices.filter { boxes[$0].distance == column }
            let placed = members.map { number -> (number: Int, wish: Double) in
                let ends = arrows.filter { $0.from == number && boxes[$0.to].distance < column }.map {
                    Double(boxes[$0.to].row)
                }
                return (number, ends.isEmpty ? Double(number) : ends.reduce(0, +) / Double(ends.count))
            }.sorted { ($0.wish, $0.number) < ($1.wish, $1.number) }
            for (row, entry) in placed.enumerated() { boxes[entry.number].row = row }
        }
    }

    // MARK: Graphviz

    /// In the language of Graphviz.
    package var dot: String {
        func quoted(_ text: String) -> String {
            "\"" + text.map { $0 == "\"" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "\""
        }
        var out = "digraph escalation {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n"
        for (number, box) in boxes.enumerated() {
            let shape =
                switch box.kind {
                case .subject: ""
                case .workload: ", shape=component"
                case .node: ", shape=box3d"
                case .goal: ", shape=doubleoctagon"
                }
            out += "  n\(number) [label=\(quoted(box.text))\(shape)];\n"
        }
        for arrow in arrows {
            out += "  n\(arrow.from) -> n\(arrow.to) [label=\(quoted(label(arrow)))];\n"
        }
        return out + "}\n"
    }

    private func label(_ arrow: Arrow) -> String {
        let all = labels[arrow] ?? []
        return all.count > 2 ? "\(all[0]) or \(all.count - 1) other ways" : all.joined(separator: " or ")
    }

    // MARK: SVG

    private static let (boxWidth, boxHeight, gap, rowHeight, margin) = (230, 34, 170, 58, 16)

    /// A drawing that needs no other program: it follows the reader's light or dark scheme.
    package var svg: String {
        let columns = (boxes.map(\.distance).max() ?? 0) + 1
        let rows = (boxes.map(\.row).max() ?? 0) + 1
        let width = columns * Self.boxWidth + (columns - 1) * Self.gap + 2 * Self.margin
        let height = rows * Self.rowHeight + 2 * Self.margin
        func place(_ number: Int) -> (x: Int, y: Int) {
            let column = columns - 1 - boxes[number].distance
            return (
                Self.margin + column * (Self.boxWidth + Self.gap), Self.margin + boxes[number].row * Self.rowHeight
            )
        }
        var out = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" width="\(width)" \
            height="\(height)" role="img" aria-label="Escalation paths" font-family="sans-serif" font-size="12">
            <style>
            rect { fill: #eef3fa; stroke: #3b5b8c; } .workload { fill: #eaf6ec; stroke: #2f7a3f; }
            .node { fill: #f6f0e4; stroke: #8a6a1f; } .goal { fill: #fbe9e7; stroke: #b3261e; stroke-width: 2; }
            text { fill: #1c1c1c; } .way { fill: #555; font-size: 10px; text-anchor: middle; }
            path { fill: none; stroke: #777; } .tip { fill: #777; stroke: none; }
            @media (prefers-color-scheme: dark) { rect { fill: #1d2a3d; } .workload { fill: #1b3020; }
            .node { fill: #332a17; } .goal { fill: #43201d; } text { fill: #eee; } .way { fill: #bbb; } }
            </style>
            <defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">\
            <path class="tip" d="M0 0 L8 4 L0 8 z"/></marker></defs>

            """
        // Where many arrows cross, each of a box's labels stands at another part of its arrow.
        let counts = arrows.reduce(into: [Int: Int]()) { $0[$1.from, default: 0] += 1 }
        var drawn: [Int: Int] = [:]
        for arrow in arrows {
            drawn[arrow.from, default: 0] += 1
            let part = Double(drawn[arrow.from] ?? 1) / Double((counts[arrow.from] ?? 1) + 1)
            let (from, to) = (place(arrow.from), place(arrow.to))
            let (x1, y1) = (from.x + Self.boxWidth, from.y + Self.boxHeight / 2)
            let (x2, y2) = (to.x, to.y + Self.boxHeight / 2)
            let bend = max(40, (x2 - x1) / 2)
            out +=
                "<path d=\"M\(x1) \(y1) C\(x1 + bend) \(y1) \(x2 - bend) \(y2) \(x2) \(y2)\" marker-end=\"url(#tip)\"/>"
            out +=
                "<text class=\"way\" x=\"\(Self.point(x1, x1 + bend, x2 - bend, x2, part))\" y=\"\(Self.point(y1, y1, y2, y2, part) - 4)\">\(Self.escaped(label(arrow)))</text>\n"
        }
        for number in boxes.indices {
            let box = boxes[number]
            let at = place(number)
            let shown = box.text.count > 36 ? box.text.prefix(17) + "…" + box.text.suffix(18) : box.text[...]
            out += """
                <g><title>\(Self.escaped(box.text))</title><rect class="\(box.kind)" x="\(at.x)" y="\(at.y)" \
                width="\(Self.boxWidth)" height="\(Self.boxHeight)" rx="6"/>\
                <text x="\(at.x + 8)" y="\(at.y + 21)">\(Self.escaped(String(shown)))</text></g>

                """
        }
        return out + "</svg>\n"
    }

    /// A point of a cubic curve.
    private static func point(_ a: Int, _ b: Int, _ c: Int, _ d: Int, _ part: Double) -> Int {
        let rest = 1 - part
        let sum = rest * rest * rest * Double(a) + 3 * rest * rest * part * Double(b)
        return Int(sum + 3 * rest * part * part * Double(c) + part * part * part * Double(d))
    }

    private static func escaped(_ text: String) -> String {
        text.map { character in
            switch character {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "\"": "&quot;"
            default: String(character)
            }
        }.joined()
    }
}
