import Compression
import Crypto
import Encodings
import Foundation
package import Vulnerabilities

/// Builds, opens, verifies and signs advisory databases on disk.
package enum AdvisoryStore {
    package struct Built: Sendable {
        package var feed: FeedDescription
        package var advisories: Int
        package var facts: Int
        package var problemCount: Int
        package var problems: [String]
    }

    /// Where the database lies unless a user says otherwise.
    package static var standardPath: String {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"].map { "\($0)/.cache" } ?? "/tmp")
        return "\(cache)/martlet/advisories.db"
    }

    package static func digest(_ bytes: [UInt8]) -> String {
        Hexadecimal.text(SHA256.hash(data: bytes))
    }

    /// Reads one feed.
    package static func part(_ file: FeedFile) throws -> (part: DatabaseBuilder.Part, built: Built) {
        var collector = FeedCollector()
        var hash = SHA256()
        for (name, bytes) in try file.contents() {
            hash.update(data: bytes)
            FeedReader.read(
                bytes, as: file.format, FeedContext(fileName: name, release: file.release), into: &collector)
        }
        let digest = Hexadecimal.text(hash.finalize())
        let description = FeedDescription(
            name: file.name, title: file.format.rawValue, source: URL(filePath: file.path).lastPathComponent,
            date: file.date ?? collector.newestDate, inputDigest: digest)
        let part = collector.finish(description)
        return (
            part,
            Built(
                feed: description, advisories: part.advisories, facts: part.facts,
                problemCount: collector.problemCount, problems: collector.problems)
        )
    }

    /// The feeds of a folder, by their names.
    package static func feeds(in folder: String) throws -> [FeedFile] {
        try FileManager.default.contentsOfDirectory(atPath: folder).sorted().compactMap { name in
            FeedFormat(fileName: name).map { FeedFile(path: "\(folder)/\(name)", format: $0) }
        }
    }

    /// Builds a database, or renews the feeds given in an older one.
    package static func build(
        _ files: [FeedFile], updating older: AdvisoryDatabase? = nil, built: CivilDate?,
        progress: (Built) -> Void = { _ in }
    ) throws -> [UInt8] {
        var builder =
            older.map { DatabaseBuilder(keepingFrom: $0, except: Set(files.map(\.name))) } ?? DatabaseBuilder()
        for file in files {
            let (part, told) = try part(file)
            progress(told)
            builder.add(part)
        }
        return builder.finish(built: built, digest: digest)
    }

    /// Writes beside the place and renames, so that nobody ever reads half a database.
    package static func write(_ bytes: [UInt8], to path: String) throws {
        let place = URL(filePath: path)
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: place, options: .atomic)
    }

    /// Opens without looking at more than the head: what answers comes from ``openWhole(_:)``.
    package static func open(_ path: String) throws -> AdvisoryDatabase { try AdvisoryDatabase(MappedFile(path: path)) }

    /// Opens and checks every part: a bit that was changed on disk is an error, and never a missing advisory.
    package static func openWhole(_ path: String) throws -> AdvisoryDatabase {
        let database = try open(path)
        try verify(database)
        return database
    }

    /// The bytes of a file that may be packed.
    package static func unpacked(_ bytes: [UInt8]) throws -> [UInt8] {
        Zstandard.isCompressed(bytes) ? try Zstandard.decompressed(bytes, limit: 1 << 30) : bytes
    }

    // MARK: Signatures

    /// Signs with a private key of 32 bytes.
    package static func sign(_ file: inout [UInt8], privateKey: [UInt8]) throws {
        let key = try Curve25519.Signing.PrivateKey(rawRepresentation: privateKey)
        let head = try AdvisoryDatabase(StoredBytes(file)).head
        let signature = try key.signature(for: head)
        try DatabaseBuilder.sign(&file, key: Array(key.publicKey.rawRepresentation), signature: Array(signature))
    }

    package static func newPrivateKey() -> (privateKey: [UInt8], publicKey: [UInt8]) {
        let key = Curve25519.Signing.PrivateKey()
        return (Array(key.rawRepresentation), Array(key.publicKey.rawRepresentation))
    }

    /// Checks every part against its digest, and the signature where there is one or `key` asks for one.
    package static func verify(_ database: AdvisoryDatabase, key: [UInt8]? = nil) throws(DatabaseError) {
        if let signed = database.signature {
            if let key, key != signed.key {
                throw DatabaseError(code: .badSignature, message: "the database is signed with another key")
            }
            let isValid =
                (try? Curve25519.Signing.PublicKey(rawRepresentation: signed.key))?
                .isValidSignature(signed.signature, for: database.head) ?? false
            guard isValid else {
                throw DatabaseError(code: .badSignature, message: "the signature does not fit the database")
            }
        } else if key != nil {
            throw DatabaseError(code: .badSignature, message: "the database is not signed")
        }
        for feed in database.feeds where digest(of: feed, in: database) != feed.digest {
            throw DatabaseError(
                code: .badDigest, message: "the part of feed \"\(feed.description.name)\" is not what was built")
        }
    }

    /// Of one part, a megabyte at a time.
    private static func digest(of feed: AdvisoryDatabase.Feed, in database: AdvisoryDatabase) -> String {
        var hash = SHA256()
        database.pieces(of: feed, size: 1 << 20) { hash.update(data: $0) }
        return Hexadecimal.text(hash.finalize())
    }
}
