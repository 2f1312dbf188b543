import AdvisoryStore
import ArgumentParser
import Encodings
import Foundation
import Synchronization
import Vulnerabilities

struct DatabaseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "db", abstract: "The advisory database: build, update, show and verify it.",
        discussion: """
              martlet db build --from feeds/               every feed of a folder, told by the files' names
              martlet db build --feed osv=osv-pypa.jsonl.zst --feed kev=kev.json --out advisories.db
              martlet db update --feed epss=epss.csv       that feed anew, the rest as it was
              martlet db status
              martlet db verify --key 4f2a...
              martlet db keygen --out db.key               a key to sign with
              martlet db push registry.example.com/security/advisories:1
              martlet db pull registry.example.com/security/advisories:1 --key 4f2a...

            Feeds are files; nothing is fetched but by pull, from the registry named. A machine without internet takes \
            the same way: build where the feeds are, push to the registry inside, pull there. Known forms: \(FeedFormat.allCases.map(\.rawValue).joined(separator: ", ")).
            """,
        subcommands: [
            DatabaseBuildCommand.self, DatabaseUpdateCommand.self, DatabaseStatusCommand.self,
            DatabaseVerifyCommand.self, DatabaseKeygenCommand.self, DatabasePushCommand.self, DatabasePullCommand.self,
        ])
}

enum DatabasePlace {
    static func path(_ given: String?) -> String { given ?? AdvisoryStore.standardPath }

    /// Those this run has checked: one that answers for many images is checked once.
    private static let checked = Mutex<[String: AdvisoryDatabase]>([:])

    /// Opens a database whose answers count: every part was compared with its digest, since a changed bit may hide an
    /// advisory.
    static func open(_ given: String?) throws -> AdvisoryDatabase {
        try checked.withLock { checked in
            let path = path(given)
            if let known = checked[path] { return known }
            let database = try opened(path, AdvisoryStore.openWhole)
            checked[path] = database
            return database
        }
    }

    /// Opens a database to say what its head tells, damaged or not.
    static func openUnchecked(_ given: String?) throws -> AdvisoryDatabase {
        try opened(path(given), AdvisoryStore.open)
    }

    private static func opened(
        _ path: String, _ open: (String) throws -> AdvisoryDatabase
    ) throws -> AdvisoryDatabase {
        guard FileManager.default.fileExists(atPath: path) else {
            throw Failure(message: "there is no advisory database at \(path); `martlet db build` makes one")
        }
        do {
            return try open(path)
        } catch let error as DatabaseError {
            throw Failure(message: "\(path): \(error.message)")
        } catch {
            throw Failure(message: "\(path): cannot be read")
        }
    }

    static var today: CivilDate {
        CivilDate(dayNumber: Int(Date().timeIntervalSince1970.rounded(.down)) / 86_400)
    }

    static func publicKey(_ text: String?) throws -> [UInt8]? {
        guard let text else { return nil }
        guard let bytes = Hexadecimal.bytes(text), bytes.count == 32 else {
            throw Failure(message: "--key: a public key has 64 hexadecimal digits")
        }
        return bytes
    }
}

/// Which feeds to read, and how to sign.
struct FeedOptions: ParsableArguments {
    @Option(help: "A folder of feeds; each file's form is told by its name.")
    var from: [String] = []

    @Option(help: "A feed as form=file or form@release=file: osv=dump.jsonl, alpine-aports@3.20=aports.jsonl.")
    var feed: [String] = []

    @Option(help: "Where the database is written.")
    var out: String?

    @Option(help: "A file with an Ed25519 private key (32 bytes, or 64 hexadecimal digits) to sign with.")
    var signWith: String?

    @Option(
        help: "The day the database is of, as 2026-11-23; by default today. The same day and feeds give the same bytes."
    )
    var date: String?

    func files() throws -> [FeedFile] {
        var files = try from.flatMap { folder in
            do { return try AdvisoryStore.feeds(in: folder) } catch {
                throw Failure(message: "\(folder): cannot be listed")
            }
        }
        for text in feed {
            let pair = text.split(separator: "=", maxSplits: 1).map(String.init)
            let head = (pair.first ?? "").split(separator: "@", maxSplits: 1).map(String.init)
            guard pair.count == 2, let format = FeedFormat(rawValue: head.first ?? "") else {
                throw Failure(
                    message:
                        "--feed \(text): write form=file; known forms are \(FeedFormat.allCases.map(\.rawValue).joined(separator: ", "))"
                )
            }
            files.append(FeedFile(path: pair[1], format: format, release: head.count > 1 ? head[1] : nil))
        }
        guard !files.isEmpty else { throw Failure(message: "no feeds: name a folder with --from or files with --feed") }
        return files
    }

    func day() throws -> CivilDate {
        guard let date else { return DatabasePlace.today }
        guard let day = CivilDate(date) else { throw Failure(message: "--date \(date): write it as 2026-11-23") }
        return day
    }

    func write(_ files: [FeedFile], updating older: AdvisoryDatabase?, to path: String) throws {
        var bytes: [UInt8]
        do {
            bytes = try AdvisoryStore.build(files, updating: older, built: day()) { built in
                Console.note(
                    "\(built.feed.name): \(built.advisories) advisories, \(built.facts) facts"
                        + (built.problemCount > 0 ? ", \(built.problemCount) records could not be read" : ""))
                for problem in built.problems.prefix(3) { Console.note("  \(problem)") }
            }
        } catch let failure as Failure {
            throw failure
        } catch {
            let path = (error as? CocoaError)?.filePath
            throw Failure(
                message: path.map { "\($0): cannot be read" } ?? "a feed cannot be read: \(error.localizedDescription)")
        }
        if let signWith {
            guard let data = FileManager.default.contents(atPath: signWith) else {
                throw Failure(message: "\(signWith): cannot be read")
            }
            let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            let key = data.count == 32 ? Array(data) : Hexadecimal.bytes(text) ?? []
            do { try AdvisoryStore.sign(&bytes, privateKey: key) } catch {
                throw Failure(message: "\(signWith): is no Ed25519 private key")
            }
        }
        do { try AdvisoryStore.write(bytes, to: path) } catch { throw Failure(message: "\(path): cannot be written") }
        Console.print("\(path): \(bytes.count / 1_000_000) MB")
    }
}

struct DatabaseBuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "build", abstract: "Build it from feeds on disk.")
    @OptionGroup var feeds: FeedOptions

    func run() throws { try feeds.write(feeds.files(), updating: nil, to: DatabasePlace.path(feeds.out)) }
}

struct DatabaseUpdateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update", abstract: "Read some feeds anew and keep the rest.")
    @OptionGroup var feeds: FeedOptions

    @Option(name: .customLong("db"), help: "The database to update.")
    var database: String?

    func run() throws {
        let older = try DatabasePlace.open(database)
        try feeds.write(feeds.files(), updating: older, to: feeds.out ?? DatabasePlace.path(database))
    }
}

struct DatabaseStatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "What is in it, from where and of which day.")

    @Option(name: .customLong("db"), help: "The database.")
    var database: String?

    func run() throws {
        let open = try DatabasePlace.openUnchecked(database)
        var lines = ["built \(open.built?.text ?? "on an unknown day"), \(open.isSigned ? "signed" : "not signed")"]
        for feed in open.feeds {
            let date = feed.description.date?.text ?? "of an unknown day"
            var families: [String] = []
            for key in feed.ecosystems where families.last != key.family { families.append(key.family) }
            lines.append(
                "\(feed.description.name)  \(date)  \(feed.advisories) advisories, \(feed.affected) packages, \(feed.facts) facts"
            )
            if !families.isEmpty { lines.append("  \(families.joined(separator: ", "))") }
            lines.append("  sha256 \(feed.digest)")
        }
        Console.print(lines.joined(separator: "\n"))
    }
}

struct DatabaseVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check its digests and its signature.")

    @Option(name: .customLong("db"), help: "The database.")
    var database: String?

    @Option(help: "The public key it has to be signed with, in 64 hexadecimal digits.")
    var key: String?

    func run() throws {
        let open = try DatabasePlace.openUnchecked(database)
        let wanted = try DatabasePlace.publicKey(key)
        do throws(DatabaseError) {
            try AdvisoryStore.verify(open, key: wanted)
        } catch {
            throw Failure(message: error.message, code: 1)
        }
        Console.print(
            "\(open.feeds.count) feeds are as they were built\(open.isSigned ? ", and the signature fits" : "; there is no signature")"
        )
    }
}
