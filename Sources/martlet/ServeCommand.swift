import ArgumentParser
import Documents
import FoundationEssentials
import Hub
import KubernetesClient
import Logging

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Watch clusters, keep history, answer on an API and a dashboard.",
        discussion: """
            martlet serve                        on http://127.0.0.1:8080, the current context's cluster
            martlet serve --otherwise deploy/    these manifests when no cluster answers
            martlet serve --data /var/lib/martlet --host 0.0.0.0 --port 8443
            martlet serve --admission-port 8443 --policy policy.yaml --register martlet-admission

            The first start makes a user "admin" and prints the password once. Everything is kept in the data folder.
            """)

    @Option(help: ArgumentHelp("Folder of the database and the hub's key.", valueName: "folder"))
    var data: String?

    @Option(help: "Address to listen on.")
    var host: String?

    @Option(help: "Port to listen on; 0 for a free one.")
    var port: Int?

    @Option(help: "A file of settings.", completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Option(help: ArgumentHelp("Manifests to watch when no cluster answers.", valueName: "path"))
    var otherwise: [String] = []

    @Flag(name: .customLong("no-cluster"), help: "Do not look for a cluster.")
    var noCluster = false

    @OptionGroup(title: "Cluster") var connection: ConnectionOptions

    @OptionGroup(title: "Admission") var admission: HubDoorOptions

    func run() async throws {
        // Whoever hangs up in the middle of an answer ends his connection, not the hub.
        signal(SIGPIPE, SIG_IGN)
        let settings = try HubOptions.settings(config: config, data: data, host: host, port: port)
        var log = Logger(label: "martlet", factory: { _ in LineLog() })
        log.logLevel = .info
        let server: HubServer
        do {
            server = try await HubServer.open(settings, version: MartletVersion.current, log: log)
        } catch {
            throw Failure(message: "the hub cannot start: \(error)")
        }
        if let password = server.firstPassword {
            Console.print("user admin, password \(password)   (shown this once; change it after logging in)")
        }
        let found = noCluster ? nil : try? ClientConfiguration.here(connection.flags)
        if connection.context != nil || connection.kubeconfig != nil, found == nil {
            _ = try ClientConfiguration.here(connection.flags)
        }
        let door = try await HubDoor(admission, host: settings.host, found, server)
        let folders = otherwise.isEmpty ? Self.examples : otherwise
        let scheme = settings.speaksTLS ? "https" : "http"
        do {
            try await server.run { port in
                Console.print("martlet listens on \(scheme)://\(settings.host):\(port)")
                do {
                    Console.print("it watches \(try await server.connect(found, otherwise: folders))")
                    for name in try await server.connectKept() {
                        Console.print("it watches \(name), as it was told to")
                    }
                    for (name, configuration) in try contexts(settings) {
                        try await server.watch(name, .cluster(configuration))
                        Console.print("it watches context \(name)")
                    }
                    for folder in settings.folders {
                        try await server.watch(folder, .files([folder]))
                        Console.print("it watches the manifests in \(folder)")
                    }
                    for line in try await server.firstPosture(within: 45) { Console.print(line) }
                    Console.print(
                        "see \(scheme)://\(settings.host):\(port)/ and \(scheme)://\(settings.host):\(port)/api/v1/fleet"
                    )
                } catch {
                    Console.error("cannot begin to watch: \(error)")
                }
            } beside: {
                await door?.run()
            }
        } catch let error as Failure {
            throw error
        } catch {
            throw Failure(message: "the hub stopped: \(error)")
        }
    }

    /// The contexts that the file of settings names.
    private func contexts(_ settings: HubSettings) throws -> [(String, ClientConfiguration)] {
        try settings.contexts.map { name in
            var flags = connection.flags
            flags.context = name
            return (name, try ClientConfiguration.here(flags))
        }
    }

    /// The example that lies beside the program's sources.
    private static var examples: [String] {
        FileManager.default.fileExists(atPath: "Examples/shop") ? ["Examples/shop"] : []
    }
}

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Look at a hub's file of settings.", subcommands: [Check.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "check", abstract: "Say what is wrong with a file of settings, or what it sets.")

        @Argument(help: "The file.", completion: .file(extensions: ["yaml", "yml"]))
        var file: String

        func run() throws {
            let settings = try HubOptions.settings(config: file, data: nil, host: nil, port: nil)
            Console.print(settings.summary)
        }
    }
}

/// Settings from the file, then the environment, then flags: the later ones win.
enum HubOptions {
    static func settings(config: String?, data: String?, host: String?, port: Int?) throws -> HubSettings {
        let environment = ProcessInfo.processInfo.environment
        let home = environment["HOME"] ?? FileManager.default.currentDirectoryPath
        let base = environment["XDG_DATA_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "\(home)/.local/share"
        var settings = HubSettings(dataFolder: "\(base)/martlet")
        if let file = config ?? environment["MARTLET_CONFIG"] {
            do {
                try settings.read(SourceText(name: file, bytes: try InputFile.read(file)))
            } catch let error as SettingsError {
                throw Failure(message: error.message)
            }
        }
        do {
            try settings.read(environment: environment)
        } catch {
            throw Failure(message: error.message)
        }
        if let data { settings.dataFolder = data }
        if let host { settings.host = host }
        if let port { settings.port = port }
        guard 0...65535 ~= settings.port else { throw Failure(message: "a port is from 0 to 65535") }
        return settings
    }
}
