import AdvisoryStore
import ArgumentParser
import Documents
import Foundation
import ImageInspection
import Vulnerabilities

struct ImageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "What an image holds, what is vulnerable in it, and what to do.",
        discussion: """
              martlet db build --from feeds/ --out advisories.db
              martlet image scan ghcr.io/team/app:1.2
              martlet image scan oci:build/app --fail-on high+fixable --fail-on kev
              martlet image scan app.tar app.cdx.json --db advisories.db
              martlet image sbom ghcr.io/team/app:1.2 > app.cdx.json
              martlet image diff app:1.2 app:1.3
              martlet image explain app.cdx.json CVE-2024-0727
              martlet image compare trivy.json grype.json
              martlet vex lint app.openvex.json --bill app.cdx.json
            """,
        subcommands: [
            ImageScanCommand.self,
            ImageSBOMCommand.self,
            ImageDiffCommand.self,
            ImageExplainCommand.self,
            ImageCompareCommand.self,
            ImageVerifyCommand.self,
            ImageAttestCommand.self,
        ])
}

/// The advisories that packages are compared with, and how.
struct ImageMatchOptions: ParsableArguments {
    @Option(name: .customLong("db"), help: "The advisory database; by default the one that `martlet db build` wrote.")
    var database: String?

    @Option(help: "The distribution, as id:version, where nothing tells it: debian:12, redhat:9.4.")
    var distribution: String?

    @Option(help: "Support streams that the image is entitled to: eus, esm, els.")
    var stream: [String] = []

    @Option(help: "The day to measure ages against, as 2026-11-23; by default today.")
    var today: String?

    /// Lays what the command line says over the bill.
    func told(_ bill: BillOfMaterials) -> BillOfMaterials {
        var bill = bill
        if let distribution {
            let parts = distribution.split(separator: ":", maxSplits: 1).map(String.init)
            bill.distribution = Distribution(id: parts[0], version: parts.count > 1 ? parts[1] : "")
        }
        bill.distribution?.streams = Set(stream.map { $0.lowercased() })
        return bill
    }

    func matcher(
        _ bill: BillOfMaterials, _ path: String? = nil
    ) throws -> (database: AdvisoryDatabase, matcher: PackageMatcher) {
        let database = try DatabasePlace.open(path ?? database)
        var policy = MatchPolicy(today: try day())
        policy.staleAfter = 90
        return (database, PackageMatcher(database, distribution: told(bill).distribution, policy: policy))
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

struct ImageScanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan", abstract: "Look into images and compare what they hold with the advisories.",
        discussion: """
            An image is a name in a registry, an archive (docker save, OCI), a folder in OCI layout, a root file system,
            containerd:DIGEST, containers-storage:NAME, or a bill of materials; `oci:`, `oci-archive:`,
            `docker-archive:` and `dir:` say which where a path does not, and :TAG behind it which image of several.

            Exit codes: 0 nothing that --fail-on names, 1 findings, 2 unreadable input, 3 with --strict when something
            could not be assessed. "Clean" is only said when everything was read and every package was assessed.
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument { case table, json, sarif, cyclonedx }

    @Argument(help: "Images, archives, layouts, folders or bills of materials; - for a bill on standard input.")
    var images: [String]

    @OptionGroup(title: "Matching") var match: ImageMatchOptions
    @OptionGroup(title: "Reading") var read: ImageReadOptions

    @Option(name: [.short, .long], help: "How to write it: table, json, sarif or cyclonedx (with vulnerabilities).")
    var output: Format = .table

    @Option(name: .customLong("output-file"), help: "Write it there.", completion: .file())
    var outputFile: String?

    @Option(
        help: ArgumentHelp(
            """
            When to fail: a severity, kev, epss>=0.1, fixable, age>30, unassessed, eol, never; + means and, a comma or \
            another --fail-on means or. By default low.
            """, valueName: "condition"))
    var failOn: [String] = []

    @Option(help: "VEX documents: OpenVEX, CSAF or CycloneDX.")
    var vex: [String] = []

    @Flag(help: "Fail when something could not be read or a package not be assessed.")
    var strict = false

    @Flag(help: "Show what to upgrade, verified by matching the new versions.")
    var fix = false

    private func condition() throws -> FailCondition? {
        if failOn == ["never"] { return nil }
        let text = failOn.isEmpty ? "low" : failOn.joined(separator: ",")
        guard let condition = FailCondition(text) else {
            throw Failure(
                message:
                    "--fail-on \(text): known are severities, kev, epss>=0.1, fixable, age>30, unassessed, eol and never"
            )
        }
        return condition
    }

    func run() async throws {
        let condition = try condition()
        guard !images.isEmpty else { throw ValidationError("name at least one image") }
        guard output != .cyclonedx || images.count == 1 else {
            throw ValidationError("--output cyclonedx is for one image")
        }
        let documents = try vex.map { path in try VEXFile.read(path) }
        // Before the first layer is read, so that a missing database costs nobody minutes.
        _ = try DatabasePlace.open(match.database)
        let inspection = try read.inspection()
        var texts: [ImageReportText] = []
        var subjects: [ImageSubject] = []
        var isUnreadable = false
        var fails = false
        var hasHoles = false
        for image in images {
            var subject: ImageSubject
            do {
                subject = try await read.subject(image, inspection)
            } catch let failure as Failure {
                Console.error(failure.message)
                isUnreadable = true
                continue
            }
            subject.bill = match.told(subject.bill)
            let (database, matcher) = try match.matcher(subject.bill)
            let report = matcher.match(subject.bill.packages)
            let (decisions, strays) = VEXFilter(documents).apply(to: report.findings, of: subject.bill.packages)
            for stray in strays { Console.error("\(stray.statement.place): \(stray.message)") }
            isUnreadable = isUnreadable || !strays.isEmpty
            let today = try match.day()
            let rows = decisions.map { ImageRow($0, subject.bill, database, today) }.sorted(by: ImageRow.isBefore)
            let remediation = fix ? Remediation(report, subject.bill.packages, matcher) : nil
            texts.append(
                ImageReportText(
                    bill: subject.bill, report: report, database: database, rows: rows, remediation: remediation,
                    file: image, notes: subject.notes, isComplete: subject.isComplete))
            subjects.append(subject)
            if let condition {
                let counted = rows.filter { !$0.decision.isSuppressed }
                fails =
                    fails || condition.holds(for: report)
                    || counted.contains { condition.holds(for: $0.decision.finding, $0.priority) }
            }
            hasHoles = hasHoles || !subject.isComplete || report.coverage.contains { !$0.isAssessed }
        }
        await inspection.close()
        try write(texts, subjects)
        if isUnreadable { throw ExitCode(2) }
        if fails { throw ExitCode(1) }
        if strict, hasHoles { throw ExitCode(3) }
    }

    private func write(_ texts: [ImageReportText], _ subjects: [ImageSubject]) throws {
        let text: String
        switch output {
        case .table: text = texts.map { $0.table(width: Console.width) }.joined(separator: "\n\n")
        case .json: text = ImageReportText.json(texts)
        case .sarif: text = ImageReportText.sarif(texts)
        case .cyclonedx:
            guard let first = texts.first, let subject = subjects.first else { return }
            text = subject.writer(Clock.now()).cycloneDX(
                first.counted.map {
                    BillWriter.Vulnerability(
                        finding: $0.decision.finding, score: $0.priority.score, vector: $0.priority.vector)
                })
        }
        guard let outputFile else {
            if !texts.isEmpty || output != .table { Console.print(text) }
            return
        }
        try OutputFile.replace(outputFile, with: Array((text + "\n").utf8))
    }
}

struct ImageExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say why a vulnerability is reported, or why it is not.")

    @Argument(help: "An image or a bill of materials.")
    var image: String

    @Argument(help: "The vulnerability: CVE-2024-0727, GHSA-..., an errata.")
    var id: String

    @OptionGroup(title: "Matching") var match: ImageMatchOptions
    @OptionGroup(title: "Reading") var read: ImageReadOptions

    func run() async throws {
        let subject = try await read.subjects(image)[0]
        let bill = match.told(subject.bill)
        let (database, matcher) = try match.matcher(bill)
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
