import ArgumentParser
import FoundationEssentials
import Hub

struct StoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "store", abstract: "Back up, restore and check what a hub keeps.",
        subcommands: [Backup.self, Restore.self, Check.self])

    struct Backup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a copy of a hub's embedded database and key, of one moment, while it runs.",
            discussion: "PostgreSQL is backed up with its own tools: pg_dump.")

        @Option(help: ArgumentHelp("The hub's data folder.", valueName: "folder"))
        var data: String?

        @Argument(help: "The folder to write; it must not be there yet.", completion: .directory)
        var target: String

        func run() async throws {
            let settings = try HubOptions.settings(config: nil, data: data, host: nil, port: nil)
            let copy = try await Failure.telling { try await HubBackup.write(settings.dataFolder, to: target) }
            Console.print("\(copy.findings) findings of \(copy.clusters) clusters copied to \(target)")
        }
    }

    struct Restore: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a copy in place of what a hub keeps; the hub must not run.",
            discussion: "What was there is kept beside it, with .before in its name.")

        @Option(help: ArgumentHelp("The hub's data folder.", valueName: "folder"))
        var data: String?

        @Argument(help: "The folder that backup wrote.", completion: .directory)
        var copy: String

        func run() async throws {
            let settings = try HubOptions.settings(config: nil, data: data, host: nil, port: nil)
            let read = try await Failure.telling { try await HubBackup.restore(copy, to: settings.dataFolder) }
            Console.print("\(read.findings) findings of \(read.clusters) clusters restored")
        }
    }

    struct Check: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Count everything again and walk the audit chain.")

        @Option(help: ArgumentHelp("The hub's data folder.", valueName: "folder"))
        var data: String?

        func run() async throws {
            let settings = try HubOptions.settings(config: nil, data: data, host: nil, port: nil)
            let verdict = try await Failure.telling { try await HubBackup.check(settings.dataFolder) }
            Console.print(verdict.text)
            if !verdict.isWhole { throw ExitCode(1) }
        }
    }
}

extension Failure {
    /// Runs, and turns any error into one a person is told in one line.
    static func telling<R>(_ body: () async throws -> R) async throws -> R {
        do {
            return try await body()
        } catch {
            throw Failure(message: "\(error)")
        }
    }
}
