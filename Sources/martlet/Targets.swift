import ArgumentParser
import Documents
import Findings
import FoundationEssentials
import Kubernetes
import KubernetesClient
import Manifests
import PodSecurity
import Posture
import Workloads

/// What a command looks at, read.
struct Target {
    var name: String
    var isCluster: Bool
    var inventory: Inventory
    var problems: [Problem]
    var files = 0
    /// Version of the cluster's API server; nil for files.
    var version: String?
    /// Kinds that could not be listed.
    var unlistedKinds: Set<String> = []
}

extension Target {
    /// Says what could not be seen; ends with 2 when input could not be read.
    func reportHoles() throws {
        tellHoles()
        try failIfUnreadable()
    }

    /// Says what could not be seen, on the error side.
    func tellHoles() {
        for problem in problems where problem.kind != .warning {
            Console.note("martlet: \(problem.location.map { "\($0): " } ?? "")\(problem.message)")
        }
    }

    /// Ends with 2 when input could not be read.
    func failIfUnreadable() throws {
        guard problems.contains(where: { $0.kind == .unreadable || $0.kind == .invalid }) else { return }
        throw ExitCode(RunStatus.unreadable.rawValue)
    }
}

/// Paths or a cluster: the two things a command can look at.
struct TargetOptions: ParsableArguments {
    @Argument(
        help: "Files, folders, patterns, or - for standard input.",
        completion: .file(extensions: ["yaml", "yml", "json"]))
    var paths: [String] = []

    @Flag(help: "Look at the cluster of the current context.")
    var cluster = false

    @OptionGroup(title: "Cluster") var connection: ClusterOptions

    @Option(help: ArgumentHelp("Paths to look at when no cluster answers.", valueName: "path"))
    var otherwise: [String] = []

    @Flag(name: .customLong("no-render"), help: "Do not run kustomize or helm.")
    var noRender = false

    @Flag(name: [.short, .long], help: "No progress.")
    var quiet = false

    /// A cluster is meant when it is said, when a context is named, or when there is no path at all.
    private var meansCluster: Bool { cluster || paths.isEmpty }

    func validate() throws {
        if cluster || connection.context != nil || connection.kubeconfig != nil, !paths.isEmpty {
            throw ValidationError("name paths or a cluster, not both")
        }
    }

    /// - Parameter more: resources that are not part of every scan.
    func read(_ more: ResourceSet = ResourceSet([])) async throws -> Target {
        guard meansCluster else { return await readFiles(paths) }
        do {
            return try await readCluster(.standard + more)
        } catch let error as ClientError {
            guard !otherwise.isEmpty else {
                let hint = cluster || connection.context != nil ? "" : "; to scan files, name them: martlet scan PATH"
                throw Failure(message: error.message + hint)
            }
            Console.note("martlet: no cluster answers (\(error.message)); scanning \(otherwise.joined(separator: " "))")
            return await readFiles(otherwise)
        }
    }

    private func readFiles(_ paths: [String]) async -> Target {
        let line = ProgressLine(quiet: quiet)
        let reader = ManifestReader(
            options: .init(render: !noRender) { done, total in line.update("reading files: \(done) of \(total)") })
        let set = await reader.read(paths)
        line.clear()
        let problems =
            set.problems.map(Problem.init)
            + set.notes.map { note in
                Problem(.unsupported, code: "helm-chart", note.message, location: note.location)
            }
        let operated = set.objects.compactMap { object in
            object.podOperator.map { name in
                Problem(
                    .unsupported, code: "operator-pods",
                    "\(object.reference): its pods are made by \(name) and cannot be seen in a manifest; scan the cluster",
                    location: object.node.location)
            }
        }
        var inventory = Inventory(set.objects)
        if let namespace = connection.namespace {
            inventory = Inventory(set.objects.filter { $0.namespace == namespace || $0.namespace.isEmpty })
        }
        return Target(
            name: paths.joined(separator: " "), isCluster: false, inventory: inventory, problems: problems + operated,
            files: set.files)
    }

    private func readCluster(_ set: ResourceSet) async throws -> Target {
        let configuration = try connection.configuration()
        let line = ProgressLine(quiet: quiet)
        let reader = try ClusterReader(configuration, namespace: connection.namespace, set: set)
        let snapshot = try await reader.read { progress in
            line.update(
                "reading the cluster: \(progress.finished) of \(progress.total) resources, \(progress.objects) objects")
        }
        line.clear()
        var problems = snapshot.gaps.map(Problem.init)
        problems += snapshot.warnings.map { Problem(.warning, code: "connection", $0) }
        if !snapshot.unreadKinds.isEmpty {
            problems.append(
                Problem(
                    .unsupported, code: "custom-resources",
                    "custom resources that were not read: \(snapshot.unreadKinds.joined(separator: ", "))"))
        }
        return Target(
            name: snapshot.name, isCluster: true, inventory: snapshot.inventory, problems: problems,
            version: snapshot.version, unlistedKinds: snapshot.gaps.unlistedKinds)
    }
}

extension ClusterOptions {
    func configuration() throws -> ClientConfiguration {
        var flags = connection.flags
        flags.namespace = namespace
        flags.impersonatedUser = impersonatedUser
        flags.impersonatedGroups = impersonatedGroups
        return try ClientConfiguration.here(flags)
    }
}

extension ClientConfiguration {
    /// The connection that flags and this machine's kubeconfig describe.
    static func here(_ flags: KubeconfigFlags) throws(ClientError) -> ClientConfiguration {
        // Credential plugins may ask a person only where one can answer.
        try load(flags, on: Machine.current(isTerminal: Console.inputIsTerminal))
    }
}

extension Problem {
    /// What was wrong with a file.
    init(_ error: DocumentError) {
        let kind: Kind =
            switch error.code {
            case .unreadable, .tooLarge: .unreadable
            case .duplicateKey: .warning
            case .helmTemplate: .unsupported
            default: .invalid
            }
        self.init(kind, code: error.code.rawValue, error.message, location: error.location)
    }

    /// What of a cluster was not seen.
    init(_ gap: ReadGap) {
        switch gap.kind {
        case .forbidden: self.init(.forbidden, code: "forbidden", gap.message)
        case .unavailable: self.init(.unsupported, code: "unavailable", gap.message)
        case .inconsistent: self.init(.warning, code: "inconsistent", gap.message)
        }
    }
}
