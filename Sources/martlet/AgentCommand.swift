import ArgumentParser
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

struct AgentCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Watch a cluster from within and tell a hub; nothing dials in.",
        discussion: """
            The hub makes what a cluster needs, for one kubectl apply:
              curl -X POST -H "Authorization: Bearer $TOKEN" -H 'Accept: application/yaml' \\
                https://HUB/api/v1/agents -d '{"cluster":"prod"}' | kubectl apply -f -
            Elsewhere, with a join token (good once, for 15 minutes) and the current context:
              martlet agent --hub hub.example.org:8444 --join mlj_… --data /var/lib/martlet-agent
            """)

    @Option(help: ArgumentHelp("Host and port where the hub listens for agents.", valueName: "host:port"))
    var hub: String

    @Option(help: ArgumentHelp("Join token; needed the first time.", valueName: "token"))
    var join: String?

    @Option(
        name: .customLong("token-file"), help: ArgumentHelp("A file with the join token.", valueName: "file"),
        completion: .file())
    var tokenFile: String?

    @Option(help: ArgumentHelp("Folder of identity and buffer.", valueName: "folder"), completion: .directory)
    var data: String

    @Option(help: ArgumentHelp("The Lease by which one of several pods leads.", valueName: "namespace/name"))
    var lease: String?

    @Option(help: ArgumentHelp("Manifests to watch in place of a cluster.", valueName: "path"))
    var folder: [String] = []

    @OptionGroup(title: "Cluster") var connection: ConnectionOptions

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        var log = Logger(label: "martlet", factory: { _ in LineLog() })
        log.logLevel = .info
        let parts = hub.split(separator: ":")
        guard parts.count == 2, let port = Int(parts[1]), 1...65535 ~= port else {
            throw Failure(message: "--hub is a host and a port: hub.example.org:8444")
        }
        let environment = ProcessInfo.processInfo.environment
        var settings = Agent.Settings(
            host: String(parts[0]), port: port, folder: data, version: MartletVersion.current,
            pod: environment["MARTLET_POD"] ?? ProcessInfo.processInfo.hostName)
        settings.token = try token()
        if let lease {
            let sides = lease.split(separator: "/").map(String.init)
            guard sides.count == 2 else { throw Failure(message: "--lease is a namespace and a name: martlet/agent") }
            settings.lease = (sides[0], sides[1])
        }
        let source: ClusterSource
        do {
            source = folder.isEmpty ? .cluster(try ClientConfiguration.here(connection.flags)) : .files(folder)
        } catch {
            throw Failure(message: error.message)
        }
        do {
            try await Agent(settings, source: source, log: log).runUntilStopped()
        } catch {
            throw Failure(message: "the agent stopped: \(error)")
        }
    }

    private func token() throws -> JoinToken? {
        var text = join
        if text == nil, let tokenFile {
            text = String(decoding: try InputFile.read(tokenFile), as: UTF8.self)
            while text?.hasSuffix("\n") ?? false { text?.removeLast() }
        }
        guard let text else { return nil }
        guard let token = JoinToken(text) else { throw Failure(message: "that is no join token of a hub") }
        return token
    }
}
