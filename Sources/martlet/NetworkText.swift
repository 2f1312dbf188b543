import Documents
import NetworkPolicies

/// Connections as text, in the formats of `martlet network matrix`.
enum NetworkText {
    static func line(_ connection: Connection) -> String {
        "\(connection.source) → \(connection.target): \(traffic(connection))"
    }

    private static func traffic(_ connection: Connection) -> String {
        guard !connection.doubtful.isEmpty else { return "\(connection.traffic)" }
        let doubt = "not observable: \(connection.doubtful)"
        return connection.traffic.isEmpty ? doubt : "\(connection.traffic); \(doubt)"
    }

    static func table(_ connections: [Connection]) -> String {
        columns(["FROM", "TO", "TRAFFIC"], connections.map { ["\($0.source)", "\($0.target)", traffic($0)] })
    }

    /// Left-aligned columns, two spaces apart.
    static func columns(_ head: [String], _ rows: [[String]]) -> String {
        var widths = head.map(\.count)
        for row in rows { for (column, cell) in row.enumerated() { widths[column] = max(widths[column], cell.count) } }
        return ([head] + rows).map { row in
            row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }.joined(separator: "  ")
        }.joined(separator: "\n")
    }

    static func csv(_ connections: [Connection]) -> String {
        csv(["from", "to", "traffic"], connections.map { ["\($0.source)", "\($0.target)", traffic($0)] })
    }

    static func csv(_ head: [String], _ rows: [[String]]) -> String {
        func quoted(_ text: String) -> String {
            text.contains(where: { ",\"\n".contains($0) })
                ? "\"\(text.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\""
                : text
        }
        return ([head.map { $0.lowercased() }] + rows).map { $0.map(quoted).joined(separator: ",") }
            .joined(separator: "\n")
    }

    // MARK: Exposure

    static let exposureHead = ["WORKLOAD", "PORT", "BY", "THROUGH", "FROM OUTSIDE", "WHY"]
    static let outreachHead = [
        "WORKLOAD", "TO INTERNET", "TO METADATA", "TO API SERVER", "TO OTHER NAMESPACES",
    ]

    private static func words(_ verdict: Verdict) -> String {
        verdict == .unknown ? "not observable" : verdict.rawValue
    }

    static func rows(_ exposures: [Exposure]) -> [[String]] {
        exposures.map { exposure in
            [
                "\(exposure.workload.namespace)/\(exposure.workload.name)", "\(exposure.port)", exposure.route.rawValue,
                "\(exposure.through)", words(exposure.verdict), exposure.reason,
            ]
        }
    }

    static func rows(_ outreach: [Outreach]) -> [[String]] {
        outreach.map { row in
            [
                "\(row.workload.namespace)/\(row.workload.name)", words(row.internet), words(row.metadata),
                words(row.apiServer), words(row.otherNamespaces),
            ]
        }
    }

    static func json(_ exposures: [Exposure], _ outreach: [Outreach]) -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member(
                "exposures",
                array: { writer in
                    for (exposure, row) in zip(exposures, rows(exposures)) {
                        writer.object { writer in
                            writer.member("workload", row[0])
                            writer.member("port", row[1])
                            writer.member("by", row[2])
                            writer.member("through", row[3])
                            if let place = exposure.node.location { writer.member("location", "\(place)") }
                            writer.member("verdict", exposure.verdict.rawValue)
                            writer.member("why", row[5])
                        }
                    }
                })
            writer.member(
                "outreach",
                array: { writer in
                    for (entry, row) in zip(outreach, rows(outreach)) {
                        writer.object { writer in
                            writer.member("workload", row[0])
                            writer.member("internet", entry.internet.rawValue)
                            writer.member("metadata", entry.metadata.rawValue)
                            writer.member("apiServer", entry.apiServer.rawValue)
                            writer.member("otherNamespaces", entry.otherNamespaces.rawValue)
                        }
                    }
                })
        }
        return writer.string
    }

    static func json(_ score: IsolationScore) -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            if let value = score.value { writer.member("isolation", value) }
            writer.member("isEnforced", score.isEnforced)
            writer.member(
                "terms",
                array: { writer in
                    for term in score.terms {
                        writer.object { writer in
                            writer.member("name", term.name)
                            writer.member("good", term.good)
                            writer.member("count", term.count)
                            writer.member("weight", term.weight)
                        }
                    }
                })
        }
        return writer.string
    }

    static func json(_ connections: [Connection]) -> String {
        var writer = JSONWriter(compact: false)
        write(connections, &writer)
        return writer.string
    }

    static func write(_ connections: [Connection], _ writer: inout JSONWriter) {
        writer.array { writer in
            for connection in connections {
                writer.object { writer in
                    writer.member("from", object: { party(connection.source, &$0) })
                    writer.member("to", object: { party(connection.target, &$0) })
                    writer.member("traffic", object: { ports(connection.traffic, &$0) })
                    if !connection.doubtful.isEmpty {
                        writer.member("notObservable", object: { ports(connection.doubtful, &$0) })
                    }
                }
            }
        }
    }

    private static func ports(_ traffic: TrafficSet, _ writer: inout JSONWriter) {
        for transport in TransportProtocol.allCases {
            let ranges = traffic.ports(of: transport)
            guard !ranges.isEmpty else { continue }
            writer.member(
                transport.rawValue,
                array: { writer in
                    for range in ranges {
                        writer.array { writer in
                            writer.value(Int(range.lowerBound))
                            writer.value(Int(range.upperBound))
                        }
                    }
                })
        }
    }

    private static func party(_ party: Party, _ writer: inout JSONWriter) {
        switch party {
        case .workload(let reference):
            writer.member("kind", reference.kind)
            writer.member("namespace", reference.namespace)
            writer.member("name", reference.name)
        case .namespace(let name):
            writer.member("kind", "Namespace")
            writer.member("name", name)
        case .nodes: writer.member("kind", "Node")
        case .someNodes(let names):
            writer.member("kind", "Node")
            writer.member("name", names)
        case .outside(let range):
            writer.member("kind", "Outside")
            writer.member("first", range.first.description)
            writer.member("last", range.last.description)
        }
    }

    static func dot(_ connections: [Connection]) -> String {
        func quoted(_ party: Party) -> String {
            "\"\("\(party)".split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\""))\""
        }
        return "digraph network {\n"
            + connections.map { "  \(quoted($0.source)) -> \(quoted($0.target)) [label=\"\(traffic($0))\"]\n" }.joined()
            + "}"
    }
}
