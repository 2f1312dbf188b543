import ArgumentParser
import Documents
import Findings
import FoundationEssentials
import Kubernetes
import KubernetesClient
import Manifests
import Posture
import Secrets
import SourceTrees
import Synchronization

extension SecretScanReport.Format: ExpressibleByArgument {}

struct SecretsScanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan", abstract: "Find secrets in files, manifests, a repository's history or a cluster.",
        discussion: """
            martlet secrets scan .                        a source tree, manifests by their structure
            martlet secrets scan --git                    everything every commit of the repository here added
            martlet secrets scan --git main..HEAD         what these commits added
            martlet secrets scan --staged                 what the next commit would add (pre-commit hook)
            martlet secrets scan --cluster -n shop        objects of the current context's cluster
            kubectl get cm -A -o json | martlet secrets scan -
            martlet secrets scan . --write-baseline secrets.json
            martlet secrets scan . --baseline secrets.json        only values that are not in the file

            Values are never shown or stored: at most their first and last two characters, and a keyed hash that knows
            the same value again. Exit codes: 0 nothing found, 1 found at or above --fail-on, 2 bad usage or unreadable
            input, 3 something was not looked at (with --strict).
            """)

    @Argument(help: "Files and folders, or - for standard input; with --git, at most one range of commits.")
    var paths: [String] = []

    @Flag(help: "Every text that commits added, each once.")
    var git = false

    @Flag(help: "What is staged for the next commit.")
    var staged = false

    @Option(help: ArgumentHelp("Folder of the repository.", valueName: "folder"))
    var repository = "."

    @Flag(help: "Look at the cluster of the current context.")
    var cluster = false

    @OptionGroup(title: "Cluster") var connection: ClusterOptions

    @Option(name: [.short, .long], help: "table, json, sarif, csv.")
    var output: SecretScanReport.Format = .table

    @Option(name: .customLong("output-file"), help: "Write the report there.", completion: .file())
    var outputFile: String?

    @Option(name: .customLong("fail-on"), help: "Exit with 1 at or above: info, low, medium, high, critical, never.")
    var failOn: FailOn = .info

    @Option(help: "Report only values that are not in this file.", completion: .file(extensions: ["json"]))
    var baseline: String?

    @Option(name: .customLong("write-baseline"), help: "Write what is found now as a baseline.", completion: .file())
    var writeBaseline: String?

    @Option(
        name: .customLong("min-severity"), help: "Leave out what is below: info, low, medium, high, critical.")
    var minSeverity: FailOn = .info

    @Flag(help: "Exit with 3 when something was not looked at.")
    var strict = false

    func validate() throws {
        if [git, staged, cluster].filter({ $0 }).count > 1 {
            throw ValidationError("name one of --git, --staged and --cluster")
        }
        if cluster || staged, !paths.isEmpty {
            throw ValidationError("name paths, or --cluster, or --staged, not both")
        }
        if git, paths.count > 1 { throw ValidationError("--git takes at most one range of commits") }
        if !git, !staged, !cluster, paths.isEmpty {
            throw ValidationError("name what to look at: a path, --git, --staged or --cluster")
        }
    }

    func run() async throws {
        let known = try baseline.map { file throws -> SecretBaseline in
            do throws(DocumentError) {
                return try SecretBaseline(SourceText(name: file, bytes: try FileBytes.read(file)))
            } catch {
                throw Failure(message: error.description)
            }
        }
        var random = SystemRandomNumberGenerator()
        let key = known?.key ?? (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
        let seal = SecretSeal(key: key)
        var (secrets, gaps, scanned) = try await look(seal)
        if let least = minSeverity.severity { secrets.removeAll { $0.secret.severity < least } }
        if let writeBaseline {
            let baseline = SecretBaseline(key: key, secrets: secrets)
            try OutputFile.replace(writeBaseline, with: Array(baseline.render().utf8))
            Console.note("martlet: wrote \(baseline.entries.count) values to \(writeBaseline)")
        }
        if let known { secrets.removeAll(where: known.contains) }
        let report = SecretScanReport(
            secrets: secrets, gaps: gaps, scanned: scanned, version: MartletVersion.current)
        if let outputFile {
            try OutputFile.replace(outputFile, with: Array(report.render(output).utf8))
        } else {
            Console.print(report.render(output))
        }
        for gap in gaps { Console.note("martlet: \(gap)") }
        let worst = report.secrets.map(\.secret.severity).max()
        if writeBaseline == nil, let worst, let least = failOn.severity, worst >= least { throw ExitCode(1) }
        if scanned == 0, !gaps.isEmpty { throw ExitCode(RunStatus.unreadable.rawValue) }
        if strict, !gaps.isEmpty { throw ExitCode(RunStatus.partial.rawValue) }
    }

    private func look(_ seal: SecretSeal) async throws -> (secrets: [LocatedSecret], gaps: [String], scanned: Int) {
        if cluster { return try await lookAtCluster(seal) }
        if git || staged { return try await lookAtHistory(seal) }
        return try await lookAtFiles(seal)
    }

    // MARK: Files

    private func lookAtFiles(_ seal: SecretSeal) async throws -> (
        secrets: [LocatedSecret], gaps: [String], scanned: Int
    ) {
        var files = SourceFiles()
        var secrets: [LocatedSecret] = []
        var scanned = 0
        for path in paths {
            guard path == "-" else {
                files.visit(path)
                continue
            }
            var scan = SourceSecretScan(seal: seal)
            secrets += scan.scan(file: "<stdin>", bytes: try InputFile.read("-"))
            scanned += 1
        }
        let all = files.paths
        let width = max(1, ProcessInfo.processInfo.activeProcessorCount)
        let queue = PathQueue(count: all.count)
        let parts = await withTaskGroup(of: (found: [LocatedSecret], gaps: [String]).self) { group in
            for _ in 0..<width {
                group.addTask {
                    var scan = SourceSecretScan(seal: seal)
                    var found: [LocatedSecret] = []
                    var gaps: [String] = []
                    while true {
                        let range = queue.next()
                        if range.isEmpty { return (found, gaps) }
                        for path in all[range] {
                            do throws(DocumentError) {
                                found += scan.scan(file: path, bytes: try FileBytes.read(path))
                            } catch {
                                gaps.append("\(path): \(error.message)")
                            }
                        }
                    }
                }
            }
            var parts: [(found: [LocatedSecret], gaps: [String])] = []
            for await part in group { parts.append(part) }
            return parts
        }
        secrets += parts.flatMap(\.found)
        let gaps = files.gaps.map { "\($0.path): \($0.reason)" } + parts.flatMap(\.gaps)
        return (secrets, gaps.sorted(), scanned + all.count)
    }

    // MARK: History

    private func lookAtHistory(
        _ seal: SecretSeal
    ) async throws -> (secrets: [LocatedSecret], gaps: [String], scanned: Int) {
        let state = Mutex((scan: SourceSecretScan(seal: seal), found: [LocatedSecret](), scanned: 0))
        let each: @Sendable (SourceItem) -> Void = { item in
            state.withLock { state in
                state.scanned += 1
                state.found += state.scan.scan(file: item.path, bytes: item.bytes).map { secret in
                    var secret = secret
                    secret.commit = item.commit?.id ?? ""
                    secret.author = item.commit?.author ?? ""
                    secret.date = item.commit?.date ?? ""
                    return secret
                }
            }
        }
        let history = GitHistory(folder: repository)
        let gaps: [SourceGap]
        do throws(GitHistory.Failure) {
            gaps =
                staged
                ? try await history.readStaged(each: each) : try await history.read(range: paths.first, each: each)
        } catch {
            throw Failure(message: error.message)
        }
        return state.withLock { state in
            (state.found, gaps.map { "\($0.path): \($0.reason)" }.sorted(), state.scanned)
        }
    }

    // MARK: Cluster

    private func lookAtCluster(
        _ seal: SecretSeal
    ) async throws -> (secrets: [LocatedSecret], gaps: [String], scanned: Int) {
        var reader = try ClusterReader(
            try connection.configuration(), namespace: connection.namespace, set: .standard + .configMaps)
        reader.readsAllCustomResources = true
        let snapshot: ClusterSnapshot
        do {
            snapshot = try await reader.read()
        } catch let error as ClientError {
            throw Failure(message: error.message)
        }
        var scan = SourceSecretScan(seal: seal, isManifest: false)
        var secrets: [LocatedSecret] = []
        for key in snapshot.inventory.keys {
            if let object = snapshot.inventory[key] { secrets += scan.scan(object) }
        }
        return (secrets, snapshot.gaps.map(\.message), snapshot.inventory.count)
    }
}

/// Hands out the places of a list in parts, to whoever asks next.
private final class PathQueue: Sendable {
    private let count: Int
    private let place = Mutex(0)

    init(count: Int) { self.count = count }

    func next() -> Range<Int> {
        place.withLock { place in
            let start = min(place, count)
            place = start + 16
            return start..<min(count, start + 16)
        }
    }
}
