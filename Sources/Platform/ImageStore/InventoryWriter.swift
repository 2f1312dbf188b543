import Documents
import Foundation
import GRDB
import Vulnerabilities

/// Writes inventories in one transaction; what it has interned it remembers until the end of it.
struct InventoryWriter {
    private let db: Database
    private var packages: [String: Int64] = [:]
    private var places: [String: Int64] = [:]

    init(_ db: Database) { self.db = db }

    mutating func write(_ image: StoredImage) throws {
        try remove(image.digest)
        var contents = ContentsText()
        var ids: Set<Int64> = []
        for package in image.packages {
            let id = try intern(package, image.distribution)
            ids.insert(id)
            contents.add(id, package)
        }
        try db.cachedStatement(
            sql: """
                INSERT INTO image (digest, reference, distribution, stored, packages, contents)
                VALUES (?, ?, ?, ?, ?, ?)
                """
        ).execute(arguments: [
            image.digest, image.reference, image.distribution.map(PackageText.text),
            image.stored.timeIntervalSince1970, image.packages.count, contents.text,
        ])
        let number = db.lastInsertedRowID
        let insert = try db.cachedStatement(sql: "INSERT INTO holding (package, image) VALUES (?, ?)")
        // In the order of the index, so that its pages are met one after the other.
        for id in ids.sorted() { try insert.execute(arguments: [id, number]) }
    }

    mutating func remove(_ digest: String) throws {
        let find = try db.cachedStatement(sql: "SELECT id, contents FROM image WHERE digest = ?")
        guard let row = try Row.fetchOne(find, arguments: [digest]) else { return }
        let number: Int64 = row[0]
        let delete = try db.cachedStatement(sql: "DELETE FROM holding WHERE package = ? AND image = ?")
        for item in ContentsText.items(row[1]) { try delete.execute(arguments: [item.package, number]) }
        try db.cachedStatement(sql: "DELETE FROM image WHERE id = ?").execute(arguments: [number])
    }

    private mutating func intern(_ package: SoftwarePackage, _ distribution: Distribution?) throws -> Int64 {
        let identity = PackageText.text(package, distribution)
        if let id = packages[identity] { return id }
        let find = try db.cachedStatement(sql: "SELECT id FROM package WHERE identity = ?")
        if let id = try Int64.fetchOne(find, arguments: [identity]) {
            packages[identity] = id
            return id
        }
        try db.cachedStatement(sql: "INSERT INTO package (identity) VALUES (?)").execute(arguments: [identity])
        let id = db.lastInsertedRowID
        packages[identity] = id
        let link = try db.cachedStatement(sql: "INSERT OR IGNORE INTO place_package (place, package) VALUES (?, ?)")
        for place in PackageMatcher.places(package, distribution: distribution) {
            try link.execute(arguments: [try intern(place), id])
        }
        return id
    }

    private mutating func intern(_ place: PackageMatcher.Place) throws -> Int64 {
        let key = "\(place.key.text)\n\(place.name)"
        if let id = places[key] { return id }
        let arguments: StatementArguments = [place.key.text, place.name]
        let find = try db.cachedStatement(sql: "SELECT id FROM place WHERE ecosystem = ? AND name = ?")
        if let id = try Int64.fetchOne(find, arguments: arguments) {
            places[key] = id
            return id
        }
        try db.cachedStatement(sql: "INSERT INTO place (ecosystem, name) VALUES (?, ?)").execute(arguments: arguments)
        let id = db.lastInsertedRowID
        places[key] = id
        return id
    }
}

/// Which packages an image has and where: files and layers are named once, `[[files], [layers], [[package, file, layer]]]`.
struct ContentsText {
    struct Item {
        var package: Int64
        var location: String?
        var layer: String?
    }

    private var locations = Names()
    private var layers = Names()
    private var items: [(Int64, Int, Int)] = []

    mutating func add(_ id: Int64, _ package: SoftwarePackage) {
        items.append((id, locations.number(package.location), layers.number(package.layer)))
    }

    /// Texts, each once.
    private struct Names {
        var list: [String] = []
        private var numbers: [String: Int] = [:]

        mutating func number(_ text: String?) -> Int {
            guard let text else { return -1 }
            if let known = numbers[text] { return known }
            list.append(text)
            numbers[text] = list.count - 1
            return list.count - 1
        }
    }

    var text: String {
        var writer = JSONWriter()
        writer.array { writer in
            writer.array(locations.list)
            writer.array(layers.list)
            writer.array { writer in
                for item in items {
                    writer.array { writer in
                        writer.value(Int(item.0))
                        writer.value(item.1)
                        writer.value(item.2)
                    }
                }
            }
        }
        return writer.string
    }

    static func items(_ text: String) -> [Item] {
        guard let node = try? DocumentReader.readJSON(SourceText(name: "", bytes: Array(text.utf8))) else { return [] }
        let locations = node[0].strings
        let layers = node[1].strings
        func named(_ list: [String], _ number: Int?) -> String? {
            number.flatMap { list.indices.contains($0) ? list[$0] : nil }
        }
        return node[2].elements.compactMap { item in
            guard let id = item[0].int else { return nil }
            return Item(
                package: Int64(id), location: named(locations, item[1].int), layer: named(layers, item[2].int))
        }
    }
}
