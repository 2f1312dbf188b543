import Kubernetes

/// Exposure as a picture: the ways in from the outside, and where each workload may go.
package struct ExposurePicture {
    private let exposures: [Exposure]
    private let outreach: [Outreach]

    package init(_ exposures: [Exposure], _ outreach: [Outreach]) {
        self.exposures = exposures
        self.outreach = outreach
    }

    package func svg(title: String) -> String {
        let row = 34.0
        let ways = exposures.map { "\($0.route.rawValue): \($0.through.namespace)/\($0.through.name)" }
        let targets = exposures.map { "\(Self.name($0.workload)) \($0.port)" }
        let first = 150.0
        let second = first + Self.widest(ways) + 70
        let third = second + Self.widest(targets) + 20
        let reasons = exposures.map { "\(Self.words($0.verdict)): \($0.reason)" }
        let names = outreach.map { Self.name($0.workload) }
        let table = 16 + Self.widest(names + ["To where each workload may go"]) + 24
        let columns = ["internet", "metadata address", "API server", "other namespaces"]
        let step = 150.0
        let height = 190 + row * Double(exposures.count) + row * Double(outreach.count)
        var out = SVGText(
            width: Swift.max(third + Self.widest(reasons) + 24, table + step * Double(columns.count) + 16),
            height: height)
        out.text(16, 28, title, "title")
        out.text(16, 62, "From the outside", "head")
        var y = 96.0
        for (index, exposure) in exposures.enumerated() {
            let style = Self.style(exposure.verdict)
            out.text(16, y + 4, "the outside", "soft")
            out.line(16 + SVGText.width("the outside", size: 13), y, first - 8, y, "way")
            out.text(first, y + 4, ways[index])
            out.line(first + SVGText.width(ways[index], size: 13) + 4, y, second - 12, y, "way")
            out.raw(
                "<path class=\"\(style)\" d=\"M\(SVGText.number(second - 14)) \(SVGText.number(y - 5))l10 5l-10 5z\"/>")
            out.text(second, y + 4, targets[index], "head")
            out.text(third, y + 4, reasons[index], style)
            y += row
        }
        if exposures.isEmpty {
            out.text(16, y + 4, "nothing leads in", "soft")
        }
        y += 30
        out.text(16, y, "To where each workload may go", "head")
        for (index, column) in columns.enumerated() {
            out.text(table + Double(index) * step, y, column, "head")
        }
        out.line(16, y + 10, table + step * Double(columns.count), y + 10, "line")
        y += row
        for (index, entry) in outreach.enumerated() {
            out.text(16, y, names[index])
            for (column, verdict) in [entry.internet, entry.metadata, entry.apiServer, entry.otherNamespaces]
                .enumerated()
            {
                let x = table + Double(column) * step
                out.rect(x, y - 10, 10, 10, Self.style(verdict), radius: verdict == .denied ? 5 : 0)
                out.text(x + 16, y, Self.words(verdict), Self.style(verdict))
            }
            y += row
        }
        let open = exposures.filter { $0.verdict == .allowed }.count
        return out.document(
            title: title,
            description: "\(exposures.count) ways in, \(open) of them open. "
                + exposures.indices.map { "\(ways[$0]) to \(targets[$0]): \(reasons[$0])" }.joined(separator: "; ")
                + ". "
                + outreach.filter { $0.internet == .allowed }.map { Self.name($0.workload) }
                .joined(separator: ", ") + " may reach the internet.")
    }

    private static func widest(_ texts: [String]) -> Double { texts.map { SVGText.width($0, size: 13) }.max() ?? 0 }
    private static func name(_ workload: ObjectReference) -> String { "\(workload.namespace)/\(workload.name)" }
    private static func words(_ verdict: Verdict) -> String {
        verdict == .unknown ? "not observable" : verdict.rawValue
    }
    private static func style(_ verdict: Verdict) -> String {
        switch verdict {
        case .allowed: "open"
        case .denied: "closed"
        case .unknown: "unsure"
        }
    }
}
