import Foundation
import GRDB
import Vulnerabilities

/// Reads inventories back.
struct InventoryReader {
    private let db: Database

    init(_ db: Database) { self.db = db }

    func image(_ digest: String) throws -> StoredImage? {
        let row = try Row.fetchOne(
            db, sql: "SELECT reference, distribution, stored, contents FROM image WHERE digest = ?",
            arguments: [digest])
        guard let row else { return nil }
        let find = try db.cachedStatement(sql: "SELECT identity FROM package WHERE id = ?")
        let distribution: String? = row[1]
        let contents: String = row[3]
        var packages: [SoftwarePackage] = []
        for item in ContentsText.items(contents) {
            let identity = try String.fetchOne(find, arguments: [item.package])
            guard var package = identity.flatMap(PackageText.package)?.package else {
                throw GRDB.DatabaseError(resultCode: .SQLITE_CORRUPT, message: "a package of \(digest) is not there")
            }
            package.location = item.location
            package.layer = item.layer
            packages.append(package)
        }
        return StoredImage(
            digest: digest, reference: row[0], distribution: distribution.flatMap(PackageText.distribution),
            packages: packages, stored: Date(timeIntervalSince1970: row[2]))
    }
}

/// Finds packages by the places where advisories stand, and the images that hold them.
struct PackageReader {
    private let atPlace: Statement
    private let holders: Statement

    init(_ db: Database) throws {
        atPlace = try db.cachedStatement(
            sql: """
                SELECT package.id, package.identity FROM place
                JOIN place_package ON place_package.place = place.id
                JOIN package ON package.id = place_package.package
                WHERE place.ecosystem = ? AND place.name = ?
                """)
        holders = try db.cachedStatement(
            sql: "SELECT image.digest FROM holding JOIN image ON image.id = holding.image WHERE holding.package = ?")
    }

    mutating func packages(
        _ ecosystem: EcosystemKey, _ name: String
    ) throws -> [(id: Int64, package: SoftwarePackage, distribution: Distribution?)] {
        try Row.fetchAll(atPlace, arguments: [ecosystem.text, name]).compactMap { row in
            let identity: String = row[1]
            return PackageText.package(identity).map { (row[0], $0.package, $0.distribution) }
        }
    }

    func digests(holding package: Int64) throws -> [String] {
        try String.fetchAll(holders, arguments: [package])
    }
}
