import ArgumentParser
import ContainerImages
import Documents
import Findings
import FoundationEssentials
import KubernetesClient
import Manifests
import Posture
import SecretSearch
import Secrets
import SourceTrees
import Synchronization

extension SecretScanReport.Format: ExpressibleByArgument {}

struct SecretsScanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan",
        abstract: "Find secrets in files, manifests, archives, images, a repository's history or a cluster.",
        discussion: """
            martlet secrets scan .                        a source tree: manifests by structure, archives by content
            martlet secrets scan registry.example/app:1   an image: settings, history, every file of every layer
            martlet secrets scan image.tar oci:layout     images that lie in an archive or a layout
            martlet secrets scan --git                    everything every commit of the repository here added
            martlet secrets scan --git main..HEAD         what these commits added
            martlet secrets scan --staged                 what the next commit would add (pre-commit hook)
            martlet secrets scan --cluster -n shop        objects of the current context's cluster
            kubectl get cm -A -o json | martlet secrets scan -
            martlet secrets scan . --write-baseline secrets.json
            martlet secrets scan . --baseline secrets.json        only values that are not in the file

            Values are never shown or stored: at most their first and last two characters, and a keyed hash that knows
            the same value again. What git ignores and nobody tracks is passed over, and counted. Exit codes: 0 nothing
            found, 1 found at or above --fail-on, 2 bad usage or unreadable input, 3 something was not looked at (with
            --strict).
            """)

    @Argument(help: "Files, folders and images, or - for standard input; with --git, at most one range of commits.")
    var paths: [String] = []

    @Flag(help: "Every text that commits added, each once.")
    var git = false

    @Flag(help: "What is staged for the next commit.")
    var staged = false

    @Option(help: ArgumentHelp("Folder of the repository.", valueName: "folder"))
    var repository = "."

    @Flag(help: "Look at the cluster of the current context.")
    var cluster = false

    @Flag(name: .customLong("include-ignored"), help: "Look at what git ignores, too.")
    var includeIgnored = false

    @OptionGroup(title: "Images") var images: ImageConnectionOptions

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
        let result = try await look(seal)
        var secrets = result.secrets
        let gaps = result.gaps.sorted()
        if let least = minSeverity.severity { secrets.removeAll { $0.secret.severity < least } }
        if let writeBaseline {
            let baseline = SecretBaseline(key: key, secrets: secrets)
            try OutputFile.replace(writeBaseline, with: Array(baseline.render().utf8))
            let count = baseline.entries.count
            Console.note("martlet: wrote \(count) \(count == 1 ? "value" : "values") to \(writeBaseline)")
        }
        if let known { secrets.removeAll(where: known.contains) }
        let report = SecretScanReport(
            secrets: secrets, gaps: gaps, scanned: result.texts, binaries: result.binaries, ignored: result.ignored,
            version: MartletVersion.current)
        if let outputFile {
            try OutputFile.replace(outputFile, with: Array(report.render(output).utf8))
        } else {
            Console.print(report.render(output))
        }
        for gap in gaps { Console.note("martlet: \(gap)") }
        let worst = report.secrets.map(\.secret.severity).max()
        if writeBaseline == nil, let worst, let least = failOn.severity, worst >= least { throw ExitCode(1) }
        if result.texts == 0, !gaps.isEmpty { throw ExitCode(RunStatus.unreadable.rawValue) }
        if strict, !gaps.isEmpty { throw ExitCode(RunStatus.partial.rawValue) }
    }

    private func look(_ seal: SecretSeal) async throws -> SearchResult {
        if cluster { return try await lookAtCluster(seal) }
        if git || staged { return try await lookAtHistory(seal) }
        return try await lookAtFiles(seal)
    }

    // MARK: Files and images

    private func lookAtFiles(_ seal: SecretSeal) async throws -> SearchResult {
        var files = SourceFiles()
        var result = SearchResult()
        var locations: [ImageLocation] = []
        for path in paths {
            if path == "-" {
                var search = SecretSearch(seal: seal)
                result.add(search.search(SourceItem(path: "<stdin>", bytes: try InputFile.read("-"))))
                continue
            }
            switch try target(path) {
            case .files(let path):
                guard FileManager.default.fileExists(atPath: path) else {
                    throw Failure(message: "\(path): no such file or folder\(FileBytes.hint(path))")
                }
                files.visit(path, ignoring: includeIgnored ? .none : await IgnoredPaths(of: path))
            case .image(let location): locations.append(location)
            }
        }
        result.add(await FileSearch(seal: seal).search(files))
        if !locations.isEmpty { result.add(try await lookAtImages(locations, seal)) }
        return result
    }

    private func target(_ path: String) throws -> SearchTarget {
        do throws(ImageError) {
            return try SearchTarget(path)
        } catch {
            throw Failure(message: error.message)
        }
    }

    private func lookAtImages(_ locations: [ImageLocation], _ seal: SecretSeal) async throws -> SearchResult {
        var result = SearchResult()
        do throws(ImageError) {
            let search = ImageSearch(seal: seal, platform: try images.chosenPlatform())
            let client = try RegistryClient(try images.registry())
            for location in locations {
                do throws(ImageError) {
                    result.add(try await search.search(location, client))
                } catch {
                    result.gaps.append("\(location): \(error.message)")
                }
            }
            await client.close()
        } catch {
            throw Failure(message: error.message)
        }
        return result
    }

    // MARK: History

    private func lookAtHistory(_ seal: SecretSeal) async throws -> SearchResult {
        let state = Mutex((search: SecretSearch(seal: seal), result: SearchResult()))
        let each: @Sendable (SourceItem) -> Void = { item in
            state.withLock { state in
                let found = state.search.search(item)
                state.result.add(found)
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
        var result = state.withLock { $0.result }
        result.gaps += gaps.map { "\($0.path): \($0.reason)" }
        return result
    }

    // MARK: Cluster

    private func lookAtCluster(_ seal: SecretSeal) async throws -> SearchResult {
        var reader = try ClusterReader(
            try connection.configuration(), namespace: connection.namespace, set: .standard + .configMaps)
        reader.readsAllCustomResources = true
        let snapshot: ClusterSnapshot
        do {
            snapshot = try await reader.read()
        } catch let error as ClientError {
            throw Failure(message: error.message)
        }
        var search = SecretSearch(seal: seal, isManifest: false)
        var result = SearchResult()
        for key in snapshot.inventory.keys {
            if let object = snapshot.inventory[key] { result.add(search.search(object)) }
        }
        result.gaps += snapshot.gaps.map(\.message)
        return result
    }
}
