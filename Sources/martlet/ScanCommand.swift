import ArgumentParser
import Documents
import Findings
import FoundationEssentials
import ImageInspection
import Kubernetes
import Manifests
import PodSecurity
import Posture
import SecretSearch
import Workloads

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

extension ReportFormat: ExpressibleByArgument {}
extension RenderOptions.Grouping: ExpressibleByArgument {}

/// The least severity that makes the exit code 1.
enum FailOn: String, CaseIterable, ExpressibleByArgument {
    case info, low, medium, high, critical, never
    var severity: Severity? { Severity(rawValue: rawValue) }
}

struct ScanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan", abstract: "Say what is wrong with manifests or a cluster, with proof.",
        discussion: """
            martlet scan deploy/
            martlet scan --cluster --namespace shop
            kubectl get deploy -A -o json | martlet scan -
            martlet scan deploy/ --output sarif --output-file report.sarif --fail-on high
            martlet scan deploy/ --baseline baseline.json     only what is new
            martlet scan --cluster --images                   vulnerabilities of what runs, told to its owners
            martlet scan deploy/ --check 'pod/*' --skip pod/no-digest

            Without paths it looks at the cluster of the current context. Exit codes: 0 clean, 1 findings at or above
            --fail-on, 2 bad usage or unreadable input, 3 something was not observable (with --strict).
            """)

    @OptionGroup var target: TargetOptions

    @OptionGroup(title: "Images") var images: WorkloadImageOptions

    @Option(name: [.short, .long], help: "table, json, sarif, junit, markdown, html, csv, openreports, gitlab.")
    var output: ReportFormat = .table

    @Option(name: .customLong("output-file"), help: "Write the report there.", completion: .file())
    var outputFile: String?

    @Option(name: .customLong("fail-on"), help: "Exit with 1 at or above: info, low, medium, high, critical, never.")
    var failOn: FailOn = .info

    @Flag(help: "Exit with 3 when something was not observable.")
    var strict = false

    @Option(
        name: .customLong("check"),
        help: ArgumentHelp("Only these checks, by id with *; may be repeated.", valueName: "id"))
    var checks: [String] = []

    @Option(help: ArgumentHelp("Not these checks, by id with *; may be repeated.", valueName: "id"))
    var skip: [String] = []

    @Flag(help: "Evaluate reliability checks too: replicas, probes, disruption budgets.")
    var reliability = false

    @Option(help: "A file of waivers.", completion: .file(extensions: ["yaml", "yml"]))
    var waivers: [String] = []

    @Option(help: "Report only what is not in this file.", completion: .file(extensions: ["json"]))
    var baseline: String?

    @Option(name: .customLong("write-baseline"), help: "Write what is found now as a baseline.", completion: .file())
    var writeBaseline: String?

    @Option(name: .customLong("pss-version"), help: "Policy version of the Pod Security Standards: latest or v1.N.")
    var podSecurityVersion: String?

    @Option(
        name: .customLong("kubernetes-version"),
        help: "The version the manifests are for, v1.N; a cluster's own otherwise.")
    var kubernetesVersion: String?

    @Option(name: .customLong("group-by"), help: "owner or check (table).")
    var groupBy: RenderOptions.Grouping = .owner

    @Option(help: "Show at most this many owners (table).")
    var limit: Int?

    mutating func validate() throws {
        if let podSecurityVersion, PolicyVersion(parsing: podSecurityVersion) == nil {
            throw ValidationError("--pss-version is \"latest\" or like \"v1.36\", not \"\(podSecurityVersion)\"")
        }
        if let kubernetesVersion, TargetVersion(kubernetesVersion) == nil {
            throw ValidationError("--kubernetes-version is like \"v1.36\", not \"\(kubernetesVersion)\"")
        }
    }

    func run() async throws {
        let read = try await target.read()
        let today = Clock.today()
        var report = try await Self.evaluate(
            read, options: scanOptions(read), images: try await imageResults(read), waiverFiles: waivers, today: today,
            quiet: target.quiet)
        if let writeBaseline {
            try OutputFile.replace(writeBaseline, with: Array(Baseline(report).render().utf8))
            Console.note("martlet: wrote \(report.failures.count) findings to \(writeBaseline)")
        }
        if let baseline {
            do throws(DocumentError) {
                let source = SourceText(name: baseline, bytes: try FileBytes.read(baseline))
                try Baseline.read(source).apply(to: &report)
            } catch {
                throw Failure(message: error.description)
            }
        }
        try write(report)
        if report.coverage.objects == 0, report.problems.contains(where: { $0.kind != .warning }) {
            // Nothing was understood of what was named: that is no clean result.
            throw ExitCode(RunStatus.unreadable.rawValue)
        }
        let status = RunStatus(report, failOn: failOn.severity, strict: strict)
        if status != .clean { throw ExitCode(status.rawValue) }
    }

    private func imageResults(_ read: Target) async throws -> [OwnerResult] {
        let (include, exclude) = (checks.map(Glob.init), skip.map(Glob.init))
        let selected = WorkloadImageFindings.rules.map(\.id).filter { id in
            (include.isEmpty || include.contains { $0.matches(id) }) && !exclude.contains { $0.matches(id) }
        }
        return try await images.results(
            read.inventory, cluster: read.isCluster ? read.name : "", selected: Set(selected),
            today: DatabasePlace.today, quiet: target.quiet)
    }

    private func scanOptions(_ read: Target) -> ScanOptions {
        let version = kubernetesVersion ?? read.version
        let workloads = WorkloadOptions(
            target: version.flatMap(TargetVersion.init) ?? .newest, includesReliability: reliability,
            unlistedKinds: read.unlistedKinds)
        return ScanOptions(
            podSecurityVersion: podSecurityVersion.flatMap { PolicyVersion(parsing: $0) } ?? .latest,
            workloads: workloads, include: checks, exclude: skip, cluster: read.isCluster ? read.name : "",
            archives: .bounded)
    }

    /// Scans what was read and applies waivers.
    static func evaluate(
        _ read: Target, options: ScanOptions, images: [OwnerResult] = [], waiverFiles: [String], today: CalendarDate,
        quiet: Bool
    ) async throws -> Report {
        var scan = PostureScan(read.inventory, options: options)
        if scan.rules.isEmpty {
            throw Failure(message: "no check fits --check and --skip; `martlet checks` lists them")
        }
        let line = ProgressLine(quiet: quiet)
        await scan.evaluateAll(width: ProcessInfo.processInfo.activeProcessorCount) { done, total in
            line.update("evaluating: \(done) of \(total) owners")
        }
        line.clear()
        var report = scan.takeReport(
            target: read.name, generatedAt: Clock.now(), version: MartletVersion.current, problems: read.problems)
        report.coverage.files = read.files
        report.add(images, rules: WorkloadImageFindings.rules)
        var set = WaiverSet()
        for file in waiverFiles {
            do throws(DocumentError) {
                let source = SourceText(name: file, bytes: try FileBytes.read(file))
                let (waivers, problems) = WaiverFile.read(source, today: today)
                set.add(waivers)
                report.problems += problems
            } catch {
                throw Failure(message: error.description)
            }
        }
        let annotated = scan.annotatedWaivers(today: today)
        set.add(annotated.waivers)
        report.problems += annotated.problems
        set.apply(to: &report, today: today) { scan.labels(of: $0) }
        return report
    }

    private func write(_ report: Report) throws {
        let isFile = outputFile != nil
        let options = RenderOptions(
            colour: !isFile && Console.usesColour, width: Console.width, groupBy: groupBy, limit: limit,
            baseDirectory: FileManager.default.currentDirectoryPath)
        guard let outputFile else {
            output.write(report, options: options) { _ = Console.writeAll($0, to: STDOUT_FILENO) }
            return
        }
        var bytes: [UInt8] = []
        output.write(report, options: options) { bytes += $0 }
        try OutputFile.replace(outputFile, with: bytes)
        Console.note("martlet: \(report.failures.count) findings written to \(outputFile)")
    }
}

/// The machine's clock, read once a run; everything below gets the time as an argument.
enum Clock {
    static func now() -> String {
        var seconds = time(nil)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))T"
            + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))Z"
    }

    static func today() -> CalendarDate {
        guard let date = CalendarDate(String(now().prefix(10))) else {
            preconditionFailure("now() begins with a date of ten characters")
        }
        return date
    }
}
