import Foundation
import GRDB
package import Vulnerabilities

/// Inventories and verdicts of images, by digest, in one SQLite file.
///
/// Packages are interned: one row for each different package, however many images have it, and an inverted index
/// from the places where advisories stand (ecosystem and name) to packages, and from packages to images. So a new
/// advisory finds its images by looking up a handful of names, and no image is read again.
package final class ImageStore: Sendable {
    private let database: any DatabaseWriter

    private init(_ database: any DatabaseWriter) throws(ImageStoreError) {
        self.database = database
        do {
            let migrator = ImageSchema.migrator
            if try database.read({ try migrator.hasBeenSuperseded($0) }) {
                throw ImageStoreError(code: .newer, message: "the image store was written by a newer version")
            }
            try migrator.migrate(database)
        } catch let error as ImageStoreError {
            throw error
        } catch {
            throw Self.error(error, "open")
        }
    }

    /// Opens the file, which is made when it is not there.
    package static func open(path: String, readers: Int = 4) throws(ImageStoreError) -> ImageStore {
        var configuration = Configuration()
        configuration.maximumReaderCount = readers
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
            try db.execute(sql: "PRAGMA cache_size = -32768")
        }
        let pool: DatabasePool
        do {
            pool = try DatabasePool(path: path, configuration: configuration)
        } catch {
            throw ImageStoreError(code: .cannotOpen, message: "\(path): \(Self.reason(error))")
        }
        return try ImageStore(pool)
    }

    package static func inMemory() throws(ImageStoreError) -> ImageStore {
        do {
            return try ImageStore(DatabaseQueue())
        } catch let error as ImageStoreError {
            throw error
        } catch {
            throw Self.error(error, "open")
        }
    }

    private static func reason(_ error: any Error) -> String {
        (error as? GRDB.DatabaseError).map { $0.message ?? "\($0.resultCode)" } ?? "\(error)"
    }

    private static func error(_ error: any Error, _ deed: String) -> ImageStoreError {
        let code = (error as? GRDB.DatabaseError)?.resultCode
        let isDamaged = code == .SQLITE_CORRUPT || code == .SQLITE_NOTADB
        return ImageStoreError(
            code: isDamaged ? .damaged : .failed, message: "cannot \(deed) the image store: \(reason(error))")
    }

    func read<R>(_ deed: String, _ body: (Database) throws -> R) throws(ImageStoreError) -> R {
        do {
            return try database.read(body)
        } catch {
            throw Self.error(error, deed)
        }
    }

    func write<R>(_ deed: String, _ body: (Database) throws -> R) throws(ImageStoreError) -> R {
        do {
            return try database.write(body)
        } catch {
            throw Self.error(error, deed)
        }
    }

    // MARK: Inventories

    package func store(_ image: StoredImage) throws(ImageStoreError) { try store([image]) }

    /// Stores many in one transaction; what was stored under the same digest is replaced.
    package func store(_ images: [StoredImage]) throws(ImageStoreError) {
        try write("write to") { db in
            var writer = InventoryWriter(db)
            for image in images { try writer.write(image) }
        }
    }

    package func image(digest: String) throws(ImageStoreError) -> StoredImage? {
        try read("read") { db in try InventoryReader(db).image(digest) }
    }

    /// Forgets an image that runs nowhere any more. Packages stay: the next image likely has them.
    package func remove(digest: String) throws(ImageStoreError) {
        try write("write to") { db in
            var writer = InventoryWriter(db)
            try writer.remove(digest)
            for table in ["verdict", "program", "image_use", "note"] {
                try db.execute(sql: "DELETE FROM \(table) WHERE digest = ?", arguments: [digest])
            }
        }
    }

    package func digests() throws(ImageStoreError) -> [String] {
        try read("read") { db in try String.fetchAll(db, sql: "SELECT digest FROM image ORDER BY digest") }
    }

    /// Images, different packages, and packages of all images.
    package func counts() throws(ImageStoreError) -> (images: Int, packages: Int, holdings: Int) {
        try read("read") { db in
            (
                try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM image") ?? 0,
                try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM package") ?? 0,
                try Int.fetchOne(db, sql: "SELECT COALESCE(SUM(packages), 0) FROM image") ?? 0
            )
        }
    }

    // MARK: Advisories

    /// The stored images that an advisory makes vulnerable, by digest and package.
    ///
    /// Packages that only a CPE names are not found this way; their images need a rescan.
    package func affected(by advisory: Advisory) throws(ImageStoreError) -> [AffectedImage] {
        guard advisory.withdrawn == nil else { return [] }
        return try read("read") { db in
            var found: Set<AffectedImage> = []
            var packages = try PackageReader(db)
            for entry in advisory.affected {
                for (id, package, distribution) in try packages.packages(entry.ecosystem, entry.name)
                where entry.makesVulnerable(package, distribution: distribution) {
                    for digest in try packages.digests(holding: id) {
                        found.insert(AffectedImage(digest: digest, package: package.name, version: package.version))
                    }
                }
            }
            return found.sorted { ($0.digest, $0.package, $0.version) < ($1.digest, $1.package, $1.version) }
        }
    }

    // MARK: Verdicts

    package func store(_ verdict: StoredVerdict, items: [StoredVerdict.Item]) throws(ImageStoreError) {
        try write("write to") { db in
            try db.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO verdict
                    (digest, advisories, decided, counts, fixable, exploited, unassessed, items, details)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                    """
            ).execute(arguments: [
                verdict.digest, verdict.database, verdict.decided.timeIntervalSince1970,
                VerdictText.counts(verdict.counts), verdict.fixable, verdict.exploited, verdict.unassessed,
                VerdictText.items(items), VerdictText.details(verdict.details),
            ])
        }
    }

    /// The verdict on an image; nothing when it was never looked at. Admission asks this for every pod.
    package func verdict(digest: String) throws(ImageStoreError) -> StoredVerdict? {
        try read("read") { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT advisories, decided, counts, fixable, exploited, unassessed, details
                    FROM verdict WHERE digest = ?
                    """)
            guard let row = try Row.fetchOne(statement, arguments: [digest]) else { return nil }
            var verdict = StoredVerdict(
                digest: digest, database: row[0], decided: Date(timeIntervalSince1970: row[1]),
                counts: VerdictText.counts(row[2]), fixable: row[3], exploited: row[4], unassessed: row[5])
            verdict.details = VerdictText.details(row[6])
            return verdict
        }
    }

    /// A verdict with what it rests on, as they stood at one moment; nothing where the image was never looked at.
    package func knowledge(digest: String) throws(ImageStoreError) -> ImageKnowledge? {
        try read("read") { db in
            let statement = try db.cachedStatement(
                sql: """
                    SELECT verdict.advisories, verdict.decided, verdict.unassessed, verdict.items, verdict.details,
                        image.reference, image.packages
                    FROM verdict JOIN image ON image.digest = verdict.digest WHERE verdict.digest = ?
                    """)
            guard let row = try Row.fetchOne(statement, arguments: [digest]) else { return nil }
            let items = VerdictText.items(row[3])
            var verdict = StoredVerdict(
                digest: digest, database: row[0], decided: Date(timeIntervalSince1970: row[1]), items: items,
                unassessed: row[2])
            verdict.details = VerdictText.details(row[4])
            return ImageKnowledge(verdict: verdict, items: items, reference: row[5], packages: row[6])
        }
    }

    /// What the verdict rests on.
    package func items(digest: String) throws(ImageStoreError) -> [StoredVerdict.Item] {
        try read("read") { db in
            try String.fetchOne(db, sql: "SELECT items FROM verdict WHERE digest = ?", arguments: [digest])
                .map(VerdictText.items) ?? []
        }
    }

    /// Stored images that were never compared with this database, the ones longest without a look first.
    package func needingRescan(since database: String, limit: Int = 1000) throws(ImageStoreError) -> [String] {
        try read("read") { db in
            try String.fetchAll(
                db,
                sql: """
                    SELECT image.digest FROM image LEFT JOIN verdict ON verdict.digest = image.digest
                    WHERE verdict.advisories IS NULL OR verdict.advisories <> ?
                    ORDER BY verdict.decided IS NOT NULL, verdict.decided, image.digest LIMIT ?
                    """, arguments: [database, limit])
        }
    }
}
