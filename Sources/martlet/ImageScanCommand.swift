import AdvisoryStore
import ArgumentParser
import Findings
import Foundation
import ImageInspection
import ImageStore
import Vulnerabilities

struct ImageScanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan", abstract: "Look into images and compare what they hold with the advisories.",
        discussion: """
            An image is a name in a registry, an archive (docker save, OCI), a folder in OCI layout, a root file system,
            containerd:NAME, containers-storage:NAME, or a bill of materials; `oci:`, `oci-archive:`,
            `docker-archive:` and `dir:` say which where a path does not, and :TAG behind it which image of several. In a
            folder without a distribution, a source tree, what lock files declare counts as installed; in an image only
            what is installed counts.

            What was read is kept (--store), so that `martlet image affected` answers for it later, and `martlet base`
            tells which base images are approved.

            Exit codes: 0 nothing that --fail-on names, 1 findings, 2 unreadable input, 3 with --strict when something
            could not be assessed. "Clean" is only said when everything was read and every package was assessed.
            """)

    enum Format: String, CaseIterable, ExpressibleByArgument {
        case table, json, sarif, junit, markdown, html, csv, openreports, gitlab, cyclonedx

        /// Written as a report like that of `martlet scan`.
        var report: ReportFormat? {
            switch self {
            case .table, .json, .sarif, .cyclonedx: nil
            default: ReportFormat(rawValue: rawValue)
            }
        }
    }

    @Argument(help: "Images, archives, layouts, folders or bills of materials; - for a bill on standard input.")
    var images: [String]

    @OptionGroup(title: "Matching") var match: ImageMatchOptions
    @OptionGroup(title: "Reading") var read: ImageReadOptions
    @OptionGroup(title: "Keeping") var keep: ImageKeepOptions
    @OptionGroup(title: "Base images") var bases: BaseOptions

    @Option(
        name: [.short, .long],
        help: "table, json, sarif, junit, markdown, html, csv, openreports, gitlab or cyclonedx (with vulnerabilities)."
    )
    var output: Format = .table

    @Option(name: .customLong("output-file"), help: "Write it there.", completion: .file())
    var outputFile: String?

    @Option(
        help: ArgumentHelp(
            """
            When to fail: a severity, kev, epss>=0.1, fixable, age>30, unassessed, eol, fault (how the image is made), \
            never; + means and, a comma or another --fail-on means or. By default low.
            """, valueName: "condition"))
    var failOn: [String] = []

    @Option(help: "VEX documents: OpenVEX, CSAF or CycloneDX.")
    var vex: [String] = []

    @Flag(help: "Fail when something could not be read or a package not be assessed.")
    var strict = false

    @Flag(help: "Show what to upgrade, verified by matching the new versions, and which base to move to.")
    var fix = false

    @Option(
        name: .customLong("skip"),
        help: ArgumentHelp("Not these checks on how images are made, by id with *.", valueName: "id"))
    var skip: [String] = []

    @Option(name: .customLong("rebuild-after"), help: "Days after which an image should have been built anew.")
    var rebuildAfter = 90

    private func condition() throws -> FailCondition? {
        if failOn == ["never"] { return nil }
        let text = failOn.isEmpty ? "low" : failOn.joined(separator: ",")
        guard let condition = FailCondition(text) else {
            throw Failure(
                message:
                    "--fail-on \(text): known are severities, kev, epss>=0.1, fixable, age>30, unassessed, eol, fault and never"
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
        var policy = ImagePolicy(today: try match.day(), bases: try bases.index())
        policy.rebuildAfterDays = rebuildAfter
        let store = try keep.store()
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
            let (text, strays) = try await look(at: subject, image, documents, policy, inspection, store)
            for stray in strays { Console.error("\(stray.statement.place): \(stray.message)") }
            isUnreadable = isUnreadable || !strays.isEmpty
            texts.append(text)
            subjects.append(subject)
            if let condition { fails = fails || text.fails(condition) }
            hasHoles = hasHoles || !subject.isComplete || text.report.coverage.contains { !$0.isAssessed }
        }
        await inspection.close()
        try write(texts, subjects)
        if isUnreadable { throw ExitCode(2) }
        if fails { throw ExitCode(1) }
        if strict, hasHoles { throw ExitCode(3) }
    }

    private func look(
        at subject: ImageSubject, _ file: String, _ documents: [VEXDocument], _ policy: ImagePolicy,
        _ inspection: ImageInspection, _ store: ImageStore?
    ) async throws -> (text: ImageReportText, strays: [VEXFilter.Stray]) {
        let (database, matcher) = try match.matcher(subject.bill)
        let report = matcher.match(subject.bill.packages)
        let filter = VEXFilter(documents, subjects: subject.result?.subjects ?? [])
        let (decisions, strays) = filter.apply(to: report.findings, of: subject.bill.packages)
        let today = try match.day()
        let rows = decisions.map { ImageRow($0, subject.bill, database, today) }.sorted(by: ImageRow.isBefore)
        let skipped = skip.map(Glob.init)
        let faults = (subject.result?.faults(ImageInspector(policy)) ?? []).filter { fault in
            !skipped.contains { $0.matches(fault.rule.id) }
        }
        var text = ImageReportText(
            bill: subject.bill, report: report, database: database, rows: rows, remediation: nil, file: file,
            notes: subject.notes, isComplete: subject.isComplete, faults: faults)
        if let result = subject.result {
            ImageKeepOptions.keep(
                ImageRecord(
                    result, report, rows: text.counted.map { ($0.decision.finding, $0.priority, $0.package) },
                    faults: faults, bases: policy.bases, database: database.digest, now: Date()), in: store)
        }
        if fix {
            text.remediation = Remediation(
                report, subject.bill.packages, matcher, catalogue: subject.result?.catalogue?.packages ?? [])
            if let result = subject.result {
                text.moves = await inspection.baseMoves(
                    of: result, report, in: policy.bases, database: database, policy: matcher.policy, store: store)
            }
        }
        return (text, strays)
    }

    private func write(_ texts: [ImageReportText], _ subjects: [ImageSubject]) throws {
        let text: String
        switch output {
        case .table:
            text = texts.map { $0.table(width: Console.width) }.joined(separator: "\n\n")
        case .json: text = ImageReportText.json(texts)
        case .sarif: text = ImageReportText.sarif(texts)
        case .cyclonedx:
            guard let first = texts.first, let subject = subjects.first else { return }
            text = subject.writer(Clock.now()).cycloneDX(
                first.counted.map {
                    BillWriter.Vulnerability(
                        finding: $0.decision.finding, score: $0.priority.score, vector: $0.priority.vector)
                })
        default:
            guard let format = output.report, !texts.isEmpty else { return }
            let report = ImageScanReport(texts.map(\.subject)).report(
                generatedAt: Clock.now(), version: MartletVersion.current)
            text = format.render(
                report, options: RenderOptions(baseDirectory: FileManager.default.currentDirectoryPath, hints: false))
        }
        guard let outputFile else {
            if !texts.isEmpty || output != .table { Console.print(text) }
            return
        }
        try OutputFile.replace(outputFile, with: Array((text.hasSuffix("\n") ? text : text + "\n").utf8))
    }
}
