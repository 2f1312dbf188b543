/// rpm's database of installed packages in its three forms, told by its first bytes.
enum RPMDatabase {
    /// More packages than any distribution has.
    static let mostPackages = 500_000

    static func read(_ bytes: [UInt8], _ facts: inout FileFacts) {
        do throws(ArchiveError) {
            let blobs: [ArraySlice<UInt8>]
            if bytes.starts(with: "SQLite format 3\u{0}".utf8) {
                blobs = try SQLiteTable.rows(of: "Packages", in: bytes).compactMap { $0.last ?? nil }
            } else if bytes.starts(with: "RpmP".utf8) {
                blobs = try NDBDatabase.blobs(bytes)
            } else {
                blobs = try BerkeleyHash.values(bytes)
            }
            var damaged = 0
            for blob in blobs {
                // Berkeley's form has a counter beside the headers.
                guard blob.count > 16 else { continue }
                if let header = RPMHeader(blob) { header.add(to: &facts) } else { damaged += 1 }
            }
            if damaged > 0 { facts.problem = "\(damaged) headers of rpm's database are damaged" }
        } catch {
            facts.problem = "rpm's database cannot be read: \(error.message)"
        }
    }

    /// `container-manifest-2` of images without rpm: name, version with release, …, architecture, epoch, source.
    static func manifest(_ bytes: [UInt8], _ facts: inout FileFacts) {
        for line in Lines(bytes) {
            let cells = String(decoding: bytes[line], as: UTF8.self)
                .split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard cells.count >= 8, !cells[0].isEmpty else { continue }
            let epoch = cells.count > 8 ? Int(cells[8]) ?? 0 : 0
            var fact = PackageFact(
                type: "rpm", name: cells[0], version: (epoch > 0 ? "\(epoch):" : "") + cells[1])
            fact.architecture = cells[7]
            fact.module = ""
            if cells.count > 9, cells[9].hasSuffix(".src.rpm") { fact.source = SoftwarePackage.source(cells[9]) }
            facts.packages.append(fact)
        }
    }
}
