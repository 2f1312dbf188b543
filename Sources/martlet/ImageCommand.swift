import AdvisoryStore
import ArgumentParser
import Foundation
import Vulnerabilities

struct ImageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "What an image holds, what is vulnerable in it, and what to do.",
        discussion: """
              martlet db build --from feeds/ --out advisories.db
              martlet image scan app.cdx.json --db advisories.db
              martlet image scan app.cdx.json --fail-on high+fixable,kev
              martlet image explain app.cdx.json CVE-2024-0727
              martlet image compare trivy.json grype.json
              martlet vex lint app.openvex.json --bill app.cdx.json
            """,
        subcommands: [
            ImageScanCommand.self, ImageExplainCommand.self, ImageCompareCommand.self, ImageVerifyCommand.self,
            ImageAttestCommand.self,
        ])
}

/// A bill of materials and the database to compare it with.
struct ImageInputOptions: ParsableArguments {
    @Argument(help: "A bill of materials: CycloneDX, SPDX or Syft's JSON; - for standard input.")
    var bill: String

    @Option(name: .customLong("db"), help: "The advisory database; by default the one that `martlet db build` wrote.")
    var database: String?

    @Option(help: "The distribution, as id:version, where the bill does not tell: debian:12, redhat:9.4.")
    var distribution: String?

    @Option(help: "Support streams that the image is entitled to: eus, esm, els.")
    var stream: [String] = []

    @Option(help: "The day to measure ages against, as 2026-11-23; by default today.")
    var today: String?

    func read() throws -> (bill: BillOfMaterials, database: AdvisoryDatabase, matcher: PackageMatcher) {
        let database = try DatabasePlace.open(self.database)
        var bill = try BillFile.read(self.bill)
        if let distribution {
            let parts = distribution.split(separator: ":", maxSplits: 1).map(String.init)
            bill.distribution = Distribution(id: parts[0], version: parts.count > 1 ? parts[1] : "")
        }
        bill.distribution?.streams = Set(stream.map { $0.lowercased() })
        var policy = MatchPolicy(today: try day())
        policy.staleAfter = 90
        return (bill, database, PackageMatcher(database, distribution: bill.distribution, policy: policy))
    }

    func day() throws -> CivilDate {
        guard let today else { return DatabasePlace.today }
        guard let day = CivilDate(today) else { throw Failure(message: "--today \(today): write it as 2026-11-23") }
        return day
    }
}

enum BillFile {
    static func bytes(_ path: String) throws -> [UInt8] {
        let data: Data?
        if path == "-" {
            data = try FileHandle.standardInput.readToEnd()
        } else {
            data = FileManager.default.contents(atPath: path)
        }
        guard let data else { throw Failure(message: "\(path): cannot be read") }
        return Array(data)
    }

    static func read(_ path: String) throws -> BillOfMaterials {
        do {
            return try BillOfMaterials(try AdvisoryStore.unpacked(bytes(path)))
        } catch let error as BillError {
            throw Failure(message: "\(path): \(error.message)")
        }
    }
}

struct ImageScanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan", abstract: "Compare a bill of materials with the advisories.",
        discussion: """
            Exit codes: 0 nothing that --fail-on names, 1 findings, 2 unreadable input, 3 with --strict when a package
            could not be assessed. "Clean" is only said when every package was assessed.
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, json, sarif }

    @OptionGroup var input: ImageInputOptions

    @Option(name: [.short, .long], help: "How to write it: table, json or sarif.")
    var output: Format = .table

    @Option(
        help: "When to fail: a severity, kev, epss>=0.1, fixable, age>30, unassessed, eol; , means or, + means and.")
    var failOn = "low"

    @Option(help: "VEX documents: OpenVEX, CSAF or CycloneDX.")
    var vex: [String] = []

    @Flag(help: "Fail when a package could not be assessed.")
    var strict = false

    @Flag(help: "Show what to upgrade, verified by matching the new versions.")
    var fix = false

    func run() throws {
        guard let condition = FailCondition(failOn) else {
            throw Failure(
                message:
                    "--fail-on \(failOn): known are severities, kev, epss>=0.1, fixable, age>30, unassessed and eol")
        }
        let (bill, database, matcher) = try input.read()
        let report = matcher.match(bill.packages)
        let documents = try vex.map { path in try VEXFile.read(path) }
        let (decisions, strays) = VEXFilter(documents).apply(to: report.findings, of: bill.packages)
        for stray in strays { Console.error("\(stray.statement.place): \(stray.message)") }
        let today = try input.day()
        let rows = decisions.map { ImageRow($0, bill, database, today) }.sorted(by: ImageRow.isBefore)
        let counted = rows.filter { !$0.decision.isSuppressed }
        let remediation = fix ? Remediation(report, bill.packages, matcher) : nil
        let text = ImageReportText(bill: bill, report: report, database: database, rows: rows, remediation: remediation)
        switch output {
        case .table: Console.print(text.table(width: Console.width))
        case .json: Console.print(text.json())
        case .sarif: Console.print(text.sarif(input.bill))
        }
        if condition.holds(for: report)
            || counted.contains(where: { condition.holds(for: $0.decision.finding, $0.priority) })
        {
            throw ExitCode(1)
        }
        if !strays.isEmpty { throw ExitCode(2) }
        if strict, report.coverage.contains(where: { !$0.isAssessed }) { throw ExitCode(3) }
    }
}

struct ImageExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say why a vulnerability is reported, or why it is not.")

    @OptionGroup var input: ImageInputOptions

    @Argument(help: "The vulnerability: CVE-2024-0727, GHSA-..., an errata.")
    var id: String

    func run() throws {
        let (bill, database, matcher) = try input.read()
        var lines: [String] = []
        let known = database.advisories(naming: id)
        if known.isEmpty { lines.append("no feed of the database knows \(id)") }
        let names = Set(known.flatMap { record in record.advisory.affected.map(\.name) })
        for package in bill.packages {
            let explanation = matcher.explain(package, id: id)
            guard !explanation.proofs.isEmpty else { continue }
            let verdict = explanation.finding != nil ? "VULNERABLE" : "not vulnerable"
            lines.append("\(package.name) \(package.version): \(verdict)")
            for proof in explanation.proofs {
                let feed = database.feeds[proof.feed]
                let date = feed.description.date.map { " of \($0.text)" } ?? ""
                lines.append("  \(proof.advisory) for \(proof.key.text)/\(proof.name) says \(proof.status.name)")
                if !proof.note.isEmpty { lines.append("    \"\(proof.note)\"") }
                lines.append("    \(proof.verdict.kind): \(proof.verdict.trace.joined(separator: ", "))")
                lines.append("    feed \(feed.description.name)\(date), sha256 \(feed.digest.prefix(16))")
            }
            if let finding = explanation.finding, !finding.fixes.isEmpty {
                lines.append("  fixed in \(finding.fixes.joined(separator: ", "))")
            }
        }
        if lines.isEmpty || lines.allSatisfy({ $0.hasPrefix("no feed") }) {
            let wanted = names.sorted().prefix(8).joined(separator: ", ")
            lines.append(
                names.isEmpty
                    ? "nothing to explain" : "no package of the bill is one that \(id) speaks of (\(wanted))")
        }
        Console.print(lines.joined(separator: "\n"))
    }
}

struct ImageCompareCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare",
        abstract: "Put scanners' reports of the same image side by side, and explain differences.")

    @Argument(help: "Reports of Trivy, Grype, Snyk, SARIF, CycloneDX, Clair, Harbor and others.")
    var reports: [String]

    @Flag(help: "List what all agree on, too.")
    var all = false

    func run() throws {
        let read = try reports.map { path in
            do {
                return try ScannerReport(try AdvisoryStore.unpacked(BillFile.bytes(path)), name: path)
            } catch let error as BillError {
                throw Failure(message: "\(path): \(error.message)")
            }
        }
        let consensus = Consensus(read)
        var lines = read.map {
            "\($0.tool) (\($0.format)): \($0.findings.count) vulnerabilities, \($0.others) other results"
        }
        lines.append("\(consensus.agreed) of \(consensus.rows.count) are reported by all")
        for row in consensus.rows where all || !row.missedBy.isEmpty {
            lines.append("\(row.id) \(row.package): \(row.reportedBy.joined(separator: ", "))")
            if !row.why.isEmpty { lines.append("  \(row.why)") }
        }
        Console.print(lines.joined(separator: "\n"))
    }
}
