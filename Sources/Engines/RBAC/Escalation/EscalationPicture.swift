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

    private static let (boxWidth, leastHeight, gap, space, margin, lane) = (230, 34, 210, 22, 16, 15)
    /// Most letters of a way that fit between two columns.
    private static let mostLetters = 34

    /// Where a box stands; every arrow has a place of its own at its edges, so that no two labels lie on each other.
    private struct Place {
        var x = 0
        var y = 0
        var height = leastHeight

        func port(_ number: Int, of count: Int) -> Int { y + height * (2 * number + 1) / (2 * max(1, count)) }
    }

    private var places: [Place] {
        var out = [Place](repeating: Place(), count: boxes.count)
        let columns = (boxes.map(\.distance).max() ?? 0) + 1
        for number in boxes.indices {
            let busiest = max(arrows.count { $0.to == number }, arrows.count { $0.from == number })
            out[number].height = max(Self.leastHeight, busiest * Self.lane + 4)
            out[number].x = Self.margin + (columns - 1 - boxes[number].distance) * (Self.boxWidth + Self.gap)
        }
        for column in 0..<columns {
            var y = Self.margin
            for number in boxes.indices.filter({ boxes[$0].distance == column }).sorted(by: {
                (boxes[$0].row, $0) < (boxes[$1].row, $1)
            }) {
                out[number].y = y
                y += out[number].height + Self.space
            }
        }
        return out
    }

    /// A drawing that needs no other program: it follows the reader's light or dark scheme.
    package var svg: String {
        let places = places
        let width = (places.map(\.x).max() ?? 0) + Self.boxWidth + Self.margin
        let height = (places.map { $0.y + $0.height }.max() ?? 0) + Self.margin
        var out = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" width="\(width)" \
            height="\(height)" role="img" aria-label="Escalation paths" font-family="sans-serif" font-size="12">
            <style>
            rect { fill: #eef3fa; stroke: #3b5b8c; } .workload { fill: #eaf6ec; stroke: #2f7a3f; }
            .node { fill: #f6f0e4; stroke: #8a6a1f; } .goal { fill: #fbe9e7; stroke: #b3261e; stroke-width: 2; }
            text { fill: #1c1c1c; } .way { fill: #444; font-size: 10px; text-anchor: end; stroke: #fff; \
            stroke-width: 3px; paint-order: stroke; }
            path { fill: none; stroke: #999; } .tip { fill: #777; stroke: none; }
            @media (prefers-color-scheme: dark) { rect { fill: #1d2a3d; } .workload { fill: #1b3020; }
            .node { fill: #332a17; } .goal { fill: #43201d; } text { fill: #eee; } .way { fill: #ccc; stroke: #16181d; } }
            </style>
            <defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">\
            <path class="tip" d="M0 0 L8 4 L0 8 z"/></marker></defs>

            """
        // Arrows leave and arrive in the order of where they lead and come from, so that few cross.
        func ports(_ end: KeyPath<Arrow, Int>, by other: KeyPath<Arrow, Int>) -> [Arrow: Int] {
            let groups = Dictionary(grouping: arrows) { $0[keyPath: end] }
            return groups.values.reduce(into: [:]) { found, group in
                let sorted = group.sorted { a, b in
                    let (first, second) = (places[a[keyPath: other]], places[b[keyPath: other]])
                    return (first.y, -first.x, a[keyPath: other]) < (second.y, -second.x, b[keyPath: other])
                }
                for (number, arrow) in sorted.enumerated() {
                    found[arrow] = places[arrow[keyPath: end]].port(
                        number, of: sorted.count)
                }
            }
        }
        let (leaving, arriving) = (ports(\.from, by: \.to), ports(\.to, by: \.from))
        var words = ""
        for arrow in arrows {
            let (x1, x2) = (places[arrow.from].x + Self.boxWidth, places[arrow.to].x)
            guard let y1 = leaving[arrow], let y2 = arriving[arrow] else { continue }
            let bend = Self.gap / 2
            out += """
                <path d="M\(x1) \(y1) C\(x1 + bend) \(y1) \(x2 - bend) \(y2) \(x2) \(y2)" marker-end="url(#tip)">\
                <title>\(Self.escaped((labels[arrow] ?? []).joined(separator: ", ")))</title></path>

                """
            words += "<text class=\"way\" x=\"\(x2 - 10)\" y=\"\(y2 - 2)\">\(Self.escaped(shortLabel(arrow)))</text>\n"
        }
        for number in boxes.indices {
            let (box, at) = (boxes[number], places[number])
            let shown = box.text.count > 36 ? box.text.prefix(17) + "…" + box.text.suffix(18) : box.text[...]
            out += """
                <g><title>\(Self.escaped(box.text))</title><rect class="\(box.kind)" x="\(at.x)" y="\(at.y)" \
                width="\(Self.boxWidth)" height="\(at.height)" rx="6"/>\
                <text x="\(at.x + 8)" y="\(at.y + at.height / 2 + 4)">\(Self.escaped(String(shown)))</text></g>

                """
        }
        return out + words + "</svg>\n"
    }

    /// The ways of an arrow in the room there is.
    private func shortLabel(_ arrow: Arrow) -> String {
        let whole = label(arrow)
        guard whole.count > Self.mostLetters, let first = labels[arrow]?.first else { return whole }
        let others = (labels[arrow]?.count ?? 1) - 1
        let tail = others == 0 ? "" : " or \(others) more"
        let room = Self.mostLetters - tail.count
        return (first.count > room ? "\(first.prefix(room - 1))…" : first) + tail
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
