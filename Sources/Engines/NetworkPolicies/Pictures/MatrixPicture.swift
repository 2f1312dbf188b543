/// A matrix as a picture: who sends in rows, who receives in columns.
package struct MatrixPicture {
    private let connections: [Connection]
    private let parties: [Party]
    /// Past this no label can be read; a matrix of namespaces says more then.
    package static let mostParties = 150

    /// - Parameter parties: all there are, also those that talk to nobody.
    package init(_ connections: [Connection], among parties: [Party] = []) {
        self.connections = connections
        self.parties = Set(parties).union(connections.flatMap { [$0.source, $0.target] }).sorted()
    }

    package var isReadable: Bool { parties.count <= Self.mostParties }

    package func svg(title: String) -> String {
        let cell = 40.0
        let names = parties.map(Self.label)
        let left = (names.map { SVGText.width($0, size: 13) }.max() ?? 0) + 24
        // Labels over the columns are turned by 45 degrees: they need their length over the root of two.
        let top = 64 + (names.map { SVGText.width($0, size: 13) }.max() ?? 0) * 0.72
        let side = Double(parties.count) * cell
        let spill = (names.last.map { SVGText.width($0, size: 13) } ?? 0) * 0.72
        let head = SVGText.width(title, size: 17) + 32
        var out = SVGText(width: Swift.max(left + side + spill + 16, head, 560), height: top + side + 64)
        out.text(16, 28, title, "title")
        out.text(16, 48, "From the rows to the columns.", "soft")
        var index: [Party: Int] = [:]
        for (number, party) in parties.enumerated() {
            index[party] = number
            let middle = (Double(number) + 0.5) * cell
            out.text(left - 10, top + middle + 4, names[number], anchor: "end")
            out.text(left + middle + 4, top - 8, names[number], turn: -45)
        }
        for row in parties.indices {
            for column in parties.indices {
                let isOwn = row == column
                out.rect(
                    left + Double(column) * cell + 1, top + Double(row) * cell + 1, cell - 2, cell - 2,
                    isOwn ? "own" : "none", title: isOwn ? nil : "\(names[row]) to \(names[column]): nothing", radius: 3
                )
            }
        }
        for connection in connections {
            guard let row = index[connection.source], let column = index[connection.target] else { continue }
            draw(connection, left + Double(column) * cell, top + Double(row) * cell, cell, &out)
        }
        separators(left, top, cell, &out)
        legend(16, top + side + 36, &out)
        let allowed = connections.filter { !$0.traffic.isEmpty }.count
        let doubtful = connections.filter { !$0.doubtful.isEmpty }.count
        return out.document(
            title: title,
            description: "\(parties.count) workloads and outside ranges; \(allowed) of "
                + "\(parties.count * Swift.max(parties.count - 1, 0)) pairs may talk, of \(doubtful) it is not observable. "
                + connections.prefix(200).map {
                    "\(Self.label($0.source)) to \(Self.label($0.target)): \(Self.words($0))"
                }
                .joined(separator: "; "))
    }

    private func draw(_ connection: Connection, _ x: Double, _ y: Double, _ cell: Double, _ out: inout SVGText) {
        let title = "\(Self.label(connection.source)) to \(Self.label(connection.target)): \(Self.words(connection))"
        if !connection.traffic.isEmpty {
            let isAll = connection.traffic == .all
            out.rect(x + 1, y + 1, cell - 2, cell - 2, isAll ? "all" : "some", title: title, radius: 3)
            out.text(x + cell / 2, y + cell / 2 + 4, Self.short(connection.traffic), "cell", anchor: "middle")
        }
        if !connection.doubtful.isEmpty { out.rect(x + 4, y + 4, cell - 8, cell - 8, "doubt", title: title, radius: 3) }
    }

    /// A line where the namespace changes.
    private func separators(_ left: Double, _ top: Double, _ cell: Double, _ out: inout SVGText) {
        let side = Double(parties.count) * cell
        for number in parties.indices.dropFirst() where Self.place(parties[number]) != Self.place(parties[number - 1]) {
            let at = Double(number) * cell
            out.line(left, top + at, left + side, top + at, "strong")
            out.line(left + at, top, left + at, top + side, "strong")
        }
    }

    private func legend(_ x: Double, _ y: Double, _ out: inout SVGText) {
        var x = x
        for (style, words) in [
            ("all", "everything"), ("some", "these ports"), ("none", "nothing"), ("doubt", "not observable"),
        ] {
            out.rect(x, y - 12, 16, 16, style, radius: 3)
            out.text(x + 22, y + 1, words)
            x += 22 + SVGText.width(words, size: 13) + 18
        }
    }

    private static func place(_ party: Party) -> String {
        switch party {
        case .workload(let reference): reference.namespace
        case .namespace: "namespace"
        case .nodes, .someNodes: "\(party)"
        case .outside: "outside"
        }
    }

    static func label(_ party: Party) -> String {
        switch party {
        case .workload(let reference): "\(reference.namespace)/\(reference.name)"
        default: "\(party)"
        }
    }

    private static func words(_ connection: Connection) -> String {
        let doubt = connection.doubtful.isEmpty ? "" : "not observable: \(connection.doubtful)"
        if connection.traffic.isEmpty { return doubt }
        return doubt.isEmpty ? "\(connection.traffic)" : "\(connection.traffic); \(doubt)"
    }

    /// What fits into a cell: a port, a number of ports, or "all".
    private static func short(_ traffic: TrafficSet) -> String {
        if traffic == .all { return "all" }
        let ranges = TransportProtocol.allCases.filter(\.hasPorts).map { traffic.ports(of: $0) }
        let ports = Set(ranges.flatMap { list in list.map { $0.count == 1 ? Int($0.lowerBound) : -1 } })
        if ports.count == 1, let port = ports.first, port >= 0 { return "\(port)" }
        if ports.contains(-1) || ports.isEmpty { return "some" }
        return "\(ports.count) ports"
    }
}
