package import Documents
import Encodings

/// Values that are known and were looked at, so that a later run tells only of new ones.
///
/// Holds seals, never values: HMACs under the key that stands in the file. The key keeps the seals of one repository
/// from being looked up in those of another; whoever has the file can still try guesses, so weak passwords are to be
/// changed, not put into a baseline.
package struct SecretBaseline: Sendable, Hashable {
    package let key: [UInt8]
    /// What a reviewer sees of each: seal, detector, file.
    package private(set) var entries: [Entry]
    private let seals: Set<String>

    package struct Entry: Sendable, Hashable {
        package var seal: String
        package var detector: String
        package var file: String
    }

    package init(key: [UInt8], secrets: [LocatedSecret]) {
        self.key = key
        var known: Set<String> = []
        entries = secrets.compactMap { found in
            guard known.insert(found.fingerprint + found.file).inserted else { return nil }
            return Entry(seal: found.fingerprint, detector: found.secret.detector, file: found.file)
        }.sorted { ($0.file, $0.detector, $0.seal) < ($1.file, $1.detector, $1.seal) }
        seals = Set(entries.map(\.seal))
    }

    /// Reads what ``render()`` wrote.
    package init(_ source: SourceText) throws(DocumentError) {
        let root = try DocumentReader.readJSON(source)
        guard root["version"].int == 1, let key = Hexadecimal.bytes(root["key"].string ?? ""), key.count == 32 else {
            throw DocumentError(.syntax, at: source.location(at: 0), "not a baseline of martlet secrets scan")
        }
        self.key = key
        entries = root["secrets"].elements.map { entry in
            Entry(
                seal: entry["seal"].string ?? "", detector: entry["detector"].string ?? "",
                file: entry["file"].string ?? "")
        }
        seals = Set(entries.map(\.seal))
    }

    package func contains(_ found: LocatedSecret) -> Bool { seals.contains(found.fingerprint) }

    package func render() -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member("version", 1)
            writer.member("key", Hexadecimal.text(key))
            writer.member(
                "secrets",
                array: { writer in
                    for entry in entries {
                        writer.object { writer in
                            writer.member("file", entry.file)
                            writer.member("detector", entry.detector)
                            writer.member("seal", entry.seal)
                        }
                    }
                })
        }
        return writer.string + "\n"
    }
}
