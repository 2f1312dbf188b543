import AdvisoryStore
import ArgumentParser
import ContainerImages
import Encodings
import Foundation
import Vulnerabilities

struct DatabaseKeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen", abstract: "Make an Ed25519 key to sign databases with.",
        discussion: "The private key is written to a file that only you may read; the public key is printed.")

    @Option(help: "Where the private key is written.", completion: .file())
    var out: String

    func run() throws {
        guard !FileManager.default.fileExists(atPath: out) else {
            throw Failure(message: "\(out) is there already; a key is never written over")
        }
        let (privateKey, publicKey) = AdvisoryStore.newPrivateKey()
        do {
            try OutputFile.replace(out, with: Array(Hexadecimal.text(privateKey).utf8) + [0x0A], mode: 0o600)
        } catch { throw Failure(message: "\(out): cannot be written") }
        Console.print(Hexadecimal.text(publicKey))
    }
}

struct DatabasePushCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "push", abstract: "Put the database in a registry, for others to pull.")

    @Argument(help: "The name, as registry.example.com/security/advisories:1.")
    var name: String

    @Option(name: .customLong("db"), help: "The database.", completion: .file())
    var database: String?

    @OptionGroup var access: RegistryAccess

    @Flag(name: [.short, .long], help: "No progress.")
    var quiet = false

    func run() async throws {
        let path = DatabasePlace.path(database)
        let size = try DatabasePlace.openUnchecked(database).size
        let line = ProgressLine(quiet: quiet)
        let digest = try await RegistryWork.run(access, name) { client in
            try await AdvisoryArtifact.push(path, to: name, client) { sent in
                line.update("\(name): \(sent >> 20) of \(size >> 20) MiB")
            }
        }
        line.clear()
        Console.print("\(name)@\(digest)")
    }
}

struct DatabasePullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull", abstract: "Take the database from a registry.",
        discussion: """
            Every part is checked before it takes the place of the one that is there, so a scan never meets half of it. \
            When the registry has the same, nothing is fetched.
            """)

    @Argument(help: "The name, as registry.example.com/security/advisories:1.")
    var name: String

    @Option(name: .customLong("db"), help: "Where the database is written.", completion: .file())
    var database: String?

    @Option(help: "The public key it has to be signed with, in 64 hexadecimal digits.")
    var key: String?

    @Flag(name: .customLong("allow-older"), help: "Take it even if the one that is there was built later.")
    var allowsOlder = false

    @OptionGroup var access: RegistryAccess

    @Flag(name: [.short, .long], help: "No progress.")
    var quiet = false

    func run() async throws {
        let path = DatabasePlace.path(database)
        let wanted = try DatabasePlace.publicKey(key)
        let line = ProgressLine(quiet: quiet)
        let outcome = try await RegistryWork.run(access, name) { client in
            let artifact = try await AdvisoryArtifact(name, client)
            let size = (artifact.blob.size ?? 0) >> 20
            return try await artifact.download(to: path, key: wanted, allowsOlder: allowsOlder) { taken in
                line.update("\(name): \(taken >> 20) of \(size) MiB")
            }
        }
        line.clear()
        switch outcome {
        case .same(let database): Console.print("\(path): is what the registry has, \(Self.told(database))")
        case .new(let database): Console.print("\(path): \(Self.told(database))")
        }
    }

    private static func told(_ database: AdvisoryDatabase) -> String {
        let signed = database.isSigned ? "signed" : "not signed"
        return "built \(database.built?.text ?? "on an unknown day"), \(database.feeds.count) feeds, \(signed)"
    }
}

/// One talk with a registry, its connections closed whatever comes.
private enum RegistryWork {
    static func run<Result: Sendable>(
        _ access: RegistryAccess, _ name: String, _ work: (RegistryClient) async throws -> Result
    ) async throws -> Result {
        do {
            let client = try RegistryClient(access.options())
            do {
                let result = try await work(client)
                await client.close()
                return result
            } catch {
                await client.close()
                throw error
            }
        } catch let error as ImageError {
            throw Failure(message: error.message)
        } catch let error as DatabaseError {
            throw Failure(message: "\(name): \(error.message)", code: 1)
        } catch let error as CocoaError {
            throw Failure(message: "\(error.filePath ?? name): cannot be read or written")
        }
    }
}
