import ContainerImages
import Crypto
import Documents
import Foundation
import Vulnerabilities

/// What layers hold, kept on disk under their diff-id, so that a layer is read once by one version of Martlet.
///
/// A diff-id names the bytes of a layer; that an image's configuration names it truly is checked by whoever unpacks the
/// image, and by us whenever we read the layer. Entries are written beside their place and renamed; one whose sum does
/// not fit is thrown away, and the layer read again.
package struct LayerCache: Sendable {
    package let folder: String

    /// Of the file's form; what facts there are has a version of its own.
    private static let form = "1"
    /// No layer tells more: what is larger is not an entry of ours.
    private static let largest = 1 << 30
    private static let magic = Array("martlet layer \(form)\n".utf8)

    package init(_ folder: String) { self.folder = folder }

    /// Where layers are kept unless a user says otherwise.
    package static var standard: LayerCache {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"].map { "\($0)/.cache" } ?? "/tmp")
        return LayerCache("\(cache)/martlet/layers")
    }

    struct Entry: Sendable {
        var facts: LayerFacts
        var unpackedSize: Int
        var members: Int
        var notes: [ImageNote]
    }

    enum Answer: Sendable {
        case known(Entry)
        case unknown
        /// Something is there that cannot be used; it was taken away.
        case damaged
    }

    private func path(_ diffID: ContentDigest) -> String {
        "\(folder)/\(Self.form)-\(LayerFacts.formatVersion)/\(diffID.hex.prefix(2))/\(diffID.algorithm.rawValue)-\(diffID.hex)"
    }

    func entry(_ diffID: ContentDigest) -> Answer {
        let path = path(diffID)
        guard let bytes = Self.bytes(of: path) else { return .unknown }
        if let entry = Self.decoded(bytes) { return .known(entry) }
        // Removing may fail in a read-only cache; the entry stays damaged and is passed over again.
        try? FileManager.default.removeItem(atPath: path)
        return .damaged
    }

    /// The file, read into the place where it is decoded.
    private static func bytes(of path: String) -> [UInt8]? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        guard let size = try? file.seekToEnd(), size <= Self.largest, (try? file.seek(toOffset: 0)) != nil else {
            return nil
        }
        return [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            while count < buffer.count {
                let got = Foundation.read(
                    file.fileDescriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { return }
                count += got
            }
        }
    }

    /// - Throws: when the folder cannot be written to.
    func store(_ entry: Entry, as diffID: ContentDigest) throws {
        let place = URL(filePath: path(diffID))
        try FileManager.default.createDirectory(
            at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(Self.encoded(entry)).write(to: place, options: .atomic)
    }

    // MARK: The file

    static func encoded(_ entry: Entry) -> [UInt8] {
        var writer = JSONWriter(compact: true)
        writer.object { writer in
            writer.member("unpackedSize", entry.unpackedSize)
            writer.member("members", entry.members)
            writer.member(
                "notes",
                array: { writer in
                    for note in entry.notes {
                        writer.object { writer in
                            writer.member("kind", note.kind.rawValue)
                            writer.member("code", note.code)
                            writer.member("message", note.message)
                        }
                    }
                })
        }
        var body = Array(writer.string.utf8)
        body.append(0x0A)
        body += entry.facts.encoded()
        return magic + Array(SHA256.hash(data: body)) + body
    }

    static func decoded(_ bytes: [UInt8]) -> Entry? {
        let start = magic.count + SHA256.byteCount
        guard bytes.count > start, bytes.starts(with: magic) else { return nil }
        // Megabytes, which are not copied to be looked at.
        guard Array(SHA256.hash(data: bytes[start...])) == Array(bytes[magic.count..<start]),
            let end = bytes[start...].firstIndex(of: 0x0A),
            let root = try? DocumentReader.readJSON(SourceText(name: "", bytes: Array(bytes[start..<end]))),
            let unpackedSize = root["unpackedSize"].int, let members = root["members"].int,
            let facts = try? LayerFacts(decoding: bytes, from: end + 1)
        else { return nil }
        let notes = root["notes"].elements.map { note in
            ImageNote(
                ImageNote.Kind(rawValue: note["kind"].string ?? "") ?? .incomplete, note["code"].string ?? "",
                note["message"].string ?? "")
        }
        return Entry(facts: facts, unpackedSize: unpackedSize, members: members, notes: Array(notes))
    }
}
