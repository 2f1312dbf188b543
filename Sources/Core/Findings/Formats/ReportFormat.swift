/// A form a report is written in; each a pure function of the report and the options.
package enum ReportFormat: String, Sendable, CaseIterable {
    /// For people at a terminal.
    case table
    /// Everything, in the shape of `docs/report.schema.json`.
    case json
    /// SARIF 2.1.0, for code scanning.
    case sarif
    case junit
    /// A comment under a pull request.
    case markdown
    /// One page for the browser that asks nothing of the network.
    case html
    case csv
    /// `Report` and `ClusterReport` objects of `openreports.io/v1alpha1`, for `kubectl apply`.
    case openreports
    /// GitLab's Code Quality.
    case gitlab

    /// What a file of this format is usually called.
    package var fileExtension: String {
        switch self {
        case .table: "txt"
        case .json, .openreports, .gitlab: "json"
        case .sarif: "sarif"
        case .junit: "xml"
        case .markdown: "md"
        case .html: "html"
        case .csv: "csv"
        }
    }

    /// The report as text that ends with a newline.
    package func render(_ report: Report, options: RenderOptions = RenderOptions()) -> String {
        switch self {
        case .table: TableReport(report, options).render()
        case .json: JSONReport(report, options).render()
        case .sarif: SARIFReport(report, options).render()
        case .junit: JUnitReport(report, options).render()
        case .markdown: MarkdownReport(report, options).render()
        case .html: HTMLReport(report, options).render()
        case .csv: CSVReport(report, options).render()
        case .openreports: OpenReportsReport(report, options).render()
        case .gitlab: CodeQualityReport(report, options).render()
        }
    }
}

/// What the surroundings say about how to write: the terminal, the working directory, the user's wishes.
package struct RenderOptions: Sendable {
    package enum Grouping: String, Sendable, CaseIterable { case owner, check }

    /// ANSI colours, of the sixteen every terminal has; the words say the same without them.
    package var colour: Bool
    /// Marks beyond ASCII.
    package var unicode: Bool
    /// Columns of the terminal.
    package var width: Int
    package var groupBy: Grouping
    /// How many owners (or owners of one check) the table shows in full; the rest is counted. Nil shows all.
    package var limit: Int?
    /// How many places of one finding the table shows; the rest is counted.
    package var places: Int
    /// Absolute file names under this directory are written relative to it where a format wants relative ones.
    package var baseDirectory: String
    /// Say what command comes next.
    package var hints: Bool

    package init(
        colour: Bool = false, unicode: Bool = true, width: Int = 100, groupBy: Grouping = .owner, limit: Int? = nil,
        places: Int = 1, baseDirectory: String = "", hints: Bool = true
    ) {
        self.colour = colour
        self.unicode = unicode
        self.width = width
        self.groupBy = groupBy
        self.limit = limit
        self.places = places
        self.baseDirectory = baseDirectory
        self.hints = hints
    }
}
