import ContainerImages
import Documents
import Findings
import Foundation
import ImageInspection
import Vulnerabilities

/// A finding with what is known beside it.
struct ImageRow {
    let decision: VEXFilter.Decision
    let package: SoftwarePackage
    let priority: Priority

    init(_ decision: VEXFilter.Decision, _ bill: BillOfMaterials, _ database: AdvisoryDatabase, _ today: CivilDate) {
        self.decision = decision
        package = bill.packages[decision.finding.package]
        priority = Priority(decision.finding, database, today: today)
    }

    static func isBefore(_ left: ImageRow, _ right: ImageRow) -> Bool {
        let a = left.decision.finding
        let b = right.decision.finding
        if left.priority.level != right.priority.level { return left.priority.level > right.priority.level }
        if a.severity != b.severity { return a.severity > b.severity }
        return (left.package.name, a.id, left.package.version) < (right.package.name, b.id, right.package.version)
    }
}

/// The answer of `martlet image scan` in each format.
struct ImageReportText {
    let bill: BillOfMaterials
    let report: MatchReport
    let database: AdvisoryDatabase
    let rows: [ImageRow]
    var remediation: Remediation?
    /// As it was named.
    let file: String
    /// What is odd about the image, and what of it was not read.
    var notes: [ImageNote] = []
    var isComplete = true
    /// What is wrong with how it was made.
    var faults: [ImageFault] = []
    /// Bases to move to; nil where nobody asked, or its base is not known.
    var moves: BaseMoves?

    func fails(_ condition: FailCondition) -> Bool {
        condition.holds(for: report) || faults.contains { condition.holds(for: $0) }
            || counted.contains { condition.holds(for: $0.decision.finding, $0.priority) }
    }

    /// As a part of a report like that of `martlet scan`.
    var subject: ImageScanReport.Subject {
        ImageScanReport.Subject(
            name: bill.name.isEmpty ? file : bill.name,
            rows: counted.map { ($0.decision.finding, $0.priority, $0.package) }, faults: faults, match: report,
            packages: bill.packages, notes: notes, suppressed: rows.count - counted.count,
            distribution: bill.distribution?.title ?? "")
    }

    var isClean: Bool { report.isClean && isComplete }

    var counted: [ImageRow] { rows.filter { !$0.decision.isSuppressed } }

    func table(width: Int) -> String {
        var lines: [String] = []
        let subject = bill.name.isEmpty ? "\(bill.format.rawValue) \(bill.version)" : bill.name
        lines.append("\(subject): \(bill.packages.count) packages\(bill.distribution.map { ", \($0.title)" } ?? "")")
        if !counted.isEmpty {
            let cells = counted.map { row in
                let finding = row.decision.finding
                return [
                    row.priority.level.name, finding.severity.name, finding.id, row.package.name, row.package.version,
                    finding.fixes.first ?? "(\(finding.status.name))", marks(row),
                ]
            }
            lines += Self.columns([["PRIORITY", "SEVERITY", "ID", "PACKAGE", "INSTALLED", "FIXED IN", ""]] + cells)
        }
        let suppressed = rows.count - counted.count
        if !faults.isEmpty {
            lines += ["", "how it is made:"]
            for fault in faults {
                let files = fault.paths.isEmpty ? "" : " (\(Self.some(fault.paths)))"
                lines.append("  \(fault.severity.rawValue)  \(fault.rule.id): \(fault.message)\(files)")
            }
        }
        lines.append("")
        lines.append(summary + (suppressed > 0 ? "; \(suppressed) suppressed by VEX" : ""))
        lines += coverageLines
        if let remediation { lines += remediationLines(remediation) }
        if let moves { lines += moveLines(moves) }
        return lines.joined(separator: "\n")
    }

    private func marks(_ row: ImageRow) -> String {
        var marks: [String] = []
        if row.priority.exploited != nil { marks.append("exploited") }
        if let prediction = row.priority.prediction { marks.append("epss \(Self.number(prediction.score))") }
        if row.decision.finding.isDisputed { marks.append("disputed") }
        return marks.joined(separator: " ")
    }

    private static func number(_ value: Double) -> String { String(Double(Int(value * 1000)) / 1000) }

    private var summary: String {
        guard !counted.isEmpty else {
            if isClean { return "clean: every package was assessed, nothing is known" }
            return isComplete
                ? "nothing is known, but not every package could be assessed"
                : "nothing is known of what could be read, but parts of the image could not be read"
        }
        let counts = Severity.allCases.reversed().compactMap { severity -> String? in
            let count = counted.count { $0.decision.finding.severity == severity }
            return count == 0 ? nil : "\(count) \(severity.name)"
        }
        let word = counted.count == 1 ? "vulnerability" : "vulnerabilities"
        return "\(counted.count) \(word): \(counts.joined(separator: ", "))"
    }

    /// Reasons with the number of packages each, so that a hole is seen and never a screenful.
    private var coverageLines: [String] {
        var reasons: [String: [String]] = [:]
        for (index, coverage) in report.coverage.enumerated() {
            if case .notAssessable(let why) = coverage { reasons[why, default: []].append(bill.packages[index].name) }
        }
        let assessed = report.coverage.count(where: \.isAssessed)
        var lines = ["assessed: \(assessed) of \(report.coverage.count) packages"]
        for (why, names) in reasons.sorted(by: { ($1.value.count, $0.key) < ($0.value.count, $1.key) }) {
            let some = names.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", ..." : "")
            lines.append("  not assessable: \(names.count) (\(some)): \(why)")
        }
        for note in notes {
            lines.append("  \(note.kind == .incomplete ? "not read" : "note"): \(note.message)")
        }
        if bill.skipped > 0 { lines.append("  \(bill.skipped) components of the bill name no package") }
        return lines
    }

    private func remediationLines(_ remediation: Remediation) -> [String] {
        var lines = ["", "upgrades (each was matched again):"]
        for upgrade in remediation.upgrades {
            lines.append(
                "  \(upgrade.name) \(upgrade.from) -> \(upgrade.to): closes \(upgrade.closes.count)"
                    + (upgrade.leaves.isEmpty ? "" : ", leaves \(upgrade.leaves.count)")
                    + (upgrade.opens.isEmpty ? "" : ", opens \(upgrade.opens.joined(separator: " "))"))
            lines.append("    \(upgrade.command)")
            if !upgrade.through.isEmpty { lines.append("    brought by \(Self.some(upgrade.through))") }
        }
        if remediation.unfixable > 0 { lines.append("  \(remediation.unfixable) have no fix") }
        return lines
    }

    private func moveLines(_ moves: BaseMoves) -> [String] {
        var lines = ["", "base: \(moves.base.base.name), the lowest \(moves.base.layers) layers"]
        for upgrade in moves.upgrades {
            lines.append(
                "  move to \(upgrade.to): closes \(upgrade.closes.count), leaves \(upgrade.leaves.count)"
                    + (upgrade.opens.isEmpty ? "" : ", opens \(Self.some(upgrade.opens))"))
        }
        if let own = moves.upgrades.first?.own, !own.isEmpty {
            lines.append("  \(own.count) are in the image's own layers, and no base mends them")
        }
        if moves.upgrades.isEmpty, moves.problems.isEmpty { lines.append("  no newer build of it is known") }
        lines += moves.problems.map { "  not compared: \($0)" }
        return lines
    }

    private static func some(_ names: [String]) -> String {
        names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and \(names.count - 3) more" : "")
    }

    private static func columns(_ rows: [[String]]) -> [String] {
        guard let first = rows.first else { return [] }
        let widths = first.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = zip(row, widths).map { $0 + String(repeating: " ", count: max(0, $1 - $0.count)) }.joined(
                separator: "  ")
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }

    // MARK: JSON

    /// One object for one image, a list for several.
    static func json(_ texts: [ImageReportText]) -> String {
        var writer = JSONWriter(compact: false)
        if texts.count == 1 {
            texts[0].write(&writer)
        } else {
            writer.array { writer in for text in texts { text.write(&writer) } }
        }
        return writer.string
    }

    private func write(_ writer: inout JSONWriter) {
        writer.object { writer in
            writer.field("bill") { writer in
                writer.member("format", bill.format.rawValue)
                writer.member("version", bill.version)
                writer.member("name", bill.name)
            }
            if let distribution = bill.distribution { writer.member("distribution", distribution.title) }
            writer.member("clean", isClean)
            writer.member("complete", isComplete)
            writer.member(
                "notes",
                array: { writer in
                    for note in notes {
                        writer.object { writer in
                            writer.member("kind", note.kind.rawValue)
                            writer.member("code", note.code)
                            writer.member("message", note.message)
                        }
                    }
                })
            writer.member("findings", array: { writer in for row in rows { finding(row, &writer) } })
            writer.member("faults", array: { writer in for fault in faults { self.fault(fault, &writer) } })
            writer.member(
                "coverage",
                array: { writer in
                    for (index, coverage) in report.coverage.enumerated() {
                        writer.object { writer in
                            writer.member("package", bill.packages[index].purl ?? bill.packages[index].name)
                            switch coverage {
                            case .assessed(let feeds, let date):
                                writer.member("assessedBy", feeds)
                                if let date { writer.member("date", date.text) }
                            case .ownedBy(let owner): writer.member("ownedBy", owner)
                            case .notAssessable(let why): writer.member("notAssessable", why)
                            }
                        }
                    }
                })
            writer.member(
                "feeds",
                array: { writer in
                    for feed in database.feeds {
                        writer.object { writer in
                            writer.member("name", feed.description.name)
                            if let date = feed.description.date { writer.member("date", date.text) }
                            writer.member("digest", feed.digest)
                        }
                    }
                })
            if let remediation { self.remediation(remediation, &writer) }
            if let moves { self.moves(moves, &writer) }
        }
    }

    private func fault(_ fault: ImageFault, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("id", fault.rule.id)
            writer.member("severity", fault.severity.rawValue)
            writer.member("title", fault.rule.title)
            writer.member("message", fault.message)
            writer.member("remedy", fault.rule.remedy)
            if !fault.place.isEmpty { writer.member("place", fault.place) }
            if !fault.paths.isEmpty { writer.member("paths", fault.paths) }
        }
    }

    private func moves(_ moves: BaseMoves, _ writer: inout JSONWriter) {
        writer.field("base") { writer in
            writer.member("name", moves.base.base.name)
            writer.member("digest", moves.base.base.digest)
            writer.member("layers", moves.base.layers)
            writer.member("approved", moves.base.base.isApproved)
            writer.member(
                "moves",
                array: { writer in
                    for upgrade in moves.upgrades {
                        writer.object { writer in
                            writer.member("to", upgrade.to)
                            writer.member("closes", upgrade.closes)
                            writer.member("leaves", upgrade.leaves)
                            writer.member("opens", upgrade.opens)
                            writer.member("own", upgrade.own)
                        }
                    }
                })
            writer.member("problems", moves.problems)
        }
    }

    private func finding(_ row: ImageRow, _ writer: inout JSONWriter) {
        let finding = row.decision.finding
        writer.object { writer in
            writer.member("id", finding.id)
            writer.member("ids", finding.ids)
            if !finding.errata.isEmpty { writer.member("errata", finding.errata) }
            writer.member("package", row.package.purl ?? row.package.name)
            writer.member("name", row.package.name)
            writer.member("installed", row.package.version)
            writer.member("fixedIn", finding.fixes)
            writer.member("status", finding.status.name)
            writer.member("severity", finding.severity.name)
            writer.member("severitySource", finding.severitySource)
            if let score = row.priority.score {
                writer.key("cvss")
                writer.value(score, digits: 1)
            }
            if let vector = row.priority.vector { writer.member("vector", vector) }
            if let prediction = row.priority.prediction {
                writer.key("epss")
                writer.value(prediction.score, digits: 5)
            }
            if let exploited = row.priority.exploited { writer.member("exploitedSince", exploited.added.text) }
            if let days = row.priority.fixableDays { writer.member("fixableForDays", days) }
            writer.member("priority", row.priority.level.name)
            writer.member("reasons", row.priority.reasons)
            if finding.isDisputed { writer.member("disputed", true) }
            if !finding.summary.isEmpty { writer.member("summary", finding.summary) }
            if !finding.note.isEmpty { writer.member("note", finding.note) }
            if let location = row.package.location { writer.member("location", location) }
            if let statement = row.decision.statement {
                writer.field("vex") { writer in
                    writer.member("status", statement.status.rawValue)
                    writer.member("justification", statement.justification)
                    writer.member("author", statement.author)
                }
            }
            writer.member(
                "proof",
                array: { writer in
                    for proof in finding.proofs {
                        writer.object { writer in
                            writer.member("advisory", proof.advisory)
                            writer.member("feed", database.feeds[proof.feed].description.name)
                            writer.member("key", "\(proof.key.text)/\(proof.name)")
                            writer.member("verdict", "\(proof.verdict.kind)")
                            writer.member("trace", proof.verdict.trace)
                        }
                    }
                })
        }
    }

    private func remediation(_ remediation: Remediation, _ writer: inout JSONWriter) {
        writer.member(
            "upgrades",
            array: { writer in
                for upgrade in remediation.upgrades {
                    writer.object { writer in
                        writer.member("name", upgrade.name)
                        writer.member("from", upgrade.from)
                        writer.member("to", upgrade.to)
                        writer.member("closes", upgrade.closes)
                        writer.member("leaves", upgrade.leaves)
                        writer.member("opens", upgrade.opens)
                        writer.member("command", upgrade.command)
                    }
                }
            })
    }

    // MARK: SARIF

    /// One run for each image.
    static func sarif(_ texts: [ImageReportText]) -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member("$schema", "https://json.schemastore.org/sarif-2.1.0.json")
            writer.member("version", "2.1.0")
            writer.member("runs", array: { writer in for text in texts { text.run(&writer) } })
        }
        return writer.string
    }

    private func run(_ writer: inout JSONWriter) {
        let ids = Array(Set(counted.map(\.decision.finding.id) + faults.map(\.rule.id))).sorted()
        writer.object { writer in
            writer.field("tool") { writer in
                writer.field("driver") { writer in
                    writer.member("name", "Martlet")
                    writer.member("version", MartletVersion.current)
                    writer.member("rules", array: { writer in for id in ids { rule(id, &writer) } })
                }
            }
            writer.member(
                "results",
                array: { writer in
                    for row in counted { result(row, ids, file, &writer) }
                    for fault in faults { result(fault, ids, &writer) }
                })
            let holes = notes.filter { $0.kind == .incomplete }
            guard !holes.isEmpty else { return }
            writer.member(
                "invocations",
                array: { writer in
                    writer.object { writer in
                        writer.member("executionSuccessful", false)
                        writer.member(
                            "toolExecutionNotifications",
                            array: { writer in
                                for hole in holes {
                                    writer.object { writer in
                                        writer.member("level", "error")
                                        writer.field("message") { $0.member("text", hole.message) }
                                    }
                                }
                            })
                    }
                })
        }
    }

    private func result(_ fault: ImageFault, _ ids: [String], _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("ruleId", fault.rule.id)
            writer.member("ruleIndex", ids.firstIndex(of: fault.rule.id) ?? 0)
            writer.member(
                "level", fault.severity >= .high ? "error" : fault.severity == .medium ? "warning" : "note")
            writer.field("message") { $0.member("text", fault.message) }
            let places = fault.paths.isEmpty ? [file] : fault.paths.prefix(10).map { String($0.drop { $0 == "/" }) }
            writer.member(
                "locations",
                array: { writer in
                    for place in places {
                        writer.object { writer in
                            writer.field("physicalLocation") { writer in
                                writer.field("artifactLocation") { $0.member("uri", place) }
                            }
                        }
                    }
                })
            writer.field("partialFingerprints") { $0.member("martlet/v1", "\(fault.rule.id) \(fault.place)") }
        }
    }

    private func rule(_ id: String, _ writer: inout JSONWriter) {
        if let rule = faults.first(where: { $0.rule.id == id })?.rule {
            return writer.object { writer in
                writer.member("id", id)
                writer.field("shortDescription") { $0.member("text", rule.title) }
                writer.field("help") { $0.member("text", "\(rule.why) \(rule.remedy)") }
            }
        }
        let row = counted.first { $0.decision.finding.id == id }
        writer.object { writer in
            writer.member("id", id)
            writer.field("shortDescription") {
                $0.member(
                    "text", row?.decision.finding.summary.isEmpty == false ? row?.decision.finding.summary ?? id : id)
            }
            if let score = row?.priority.score {
                writer.field("properties") { writer in
                    writer.member("security-severity", String(score))
                    writer.member("tags", ["security", "vulnerability"])
                }
            }
        }
    }

    private func result(_ row: ImageRow, _ ids: [String], _ file: String, _ writer: inout JSONWriter) {
        let finding = row.decision.finding
        writer.object { writer in
            writer.member("ruleId", finding.id)
            writer.member("ruleIndex", ids.firstIndex(of: finding.id) ?? 0)
            writer.member(
                "level", finding.severity >= .high ? "error" : finding.severity == .medium ? "warning" : "note")
            let fix = finding.fixes.first.map { "; fixed in \($0)" } ?? "; no fix is known"
            writer.field("message") {
                $0.member("text", "\(row.package.name) \(row.package.version) has \(finding.id)\(fix)")
            }
            writer.member(
                "locations",
                array: { writer in
                    writer.object { writer in
                        writer.field("physicalLocation") { writer in
                            writer.field("artifactLocation") {
                                $0.member("uri", row.package.location.map { String($0.drop { $0 == "/" }) } ?? file)
                            }
                        }
                    }
                })
            writer.field("partialFingerprints") {
                $0.member("martlet/v1", "\(finding.id) \(row.package.type) \(row.package.name)")
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func field(_ key: String, _ body: (inout JSONWriter) -> Void) { member(key, object: body) }
}
