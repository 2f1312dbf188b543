import Compression
import Documents
import Images

/// An image in one tar file: what `docker save` and `podman save` write, and OCI layouts in a tar.
///
/// A packed archive is unpacked into a file without a name first, since its manifest may stand at the end.
package struct ArchiveSource: ImageSource {
    package let path: String
    package let wanted: String?
    package var limits: LayerLimits
    private let file: LocalFile
    private let index: ArchiveIndex

    package init(_ path: String, wanted: String? = nil, limits: LayerLimits = LayerLimits()) throws(ImageError) {
        self.path = path
        self.wanted = wanted
        self.limits = limits
        file = try Self.unpacked(try LocalFile(path), limits)
        index = try ArchiveIndex(file)
        guard isDockerArchive || isLayout else {
            throw ImageError(
                .unsupported, "\(path) is a tar without an image in it: neither manifest.json nor index.json")
        }
    }

    /// Whether the file can be an archive, by its first bytes.
    package static func isArchive(_ path: String) -> Bool {
        guard let file = try? LocalFile(path), let head = try? file.bytes(count: 512), head.count > 6 else {
            return false
        }
        if head.starts(with: [0x1F, 0x8B]) || Zstandard.isCompressed(head) { return true }
        return head.count == 512 && (try? TarHeader(head.span)) != nil
    }

    private var isLayout: Bool { index.entry("index.json") != nil }
    private var isDockerArchive: Bool { index.entry("manifest.json") != nil }

    private static func unpacked(_ file: LocalFile, _ limits: LayerLimits) throws(ImageError) -> LocalFile {
        let head = try file.bytes(count: 6)
        guard head.starts(with: [0x1F, 0x8B]) || Zstandard.isCompressed(head) else { return file }
        let target = try TemporaryFile()
        let decompressor = StreamDecompressor()
        var failure: ImageError?
        func write(_ piece: Span<UInt8>) throws {
            guard target.size + piece.count <= limits.unpacked else {
                throw ImageError(.tooLarge, "\(file.path) holds more than \(limits.unpacked) bytes when unpacked")
            }
            try target.append(piece)
        }
        func attempt(_ body: () throws -> Void) -> Bool {
            do {
                try body()
                return true
            } catch let error as ImageError {
                failure = error
            } catch let error as CompressionError {
                failure = ImageError(error.code == .cut ? .truncated : .damaged, "\(file.path): \(error.message)")
            } catch {
                failure = ImageError(.damaged, "\(file.path): \(error)")
            }
            return false
        }
        try file.read { piece in attempt { try decompressor.take(piece, write) } }
        if failure == nil { _ = attempt { try decompressor.finish(write) } }
        if let failure { throw failure }
        return target.finish(path: file.path)
    }

    package func resolve(platform: Platform?) async throws(ImageError) -> ResolvedImage {
        // Docker writes both since version 25; the layout tells digests.
        if isLayout {
            let start = try LayoutIndex(try document("index.json"), path).choose(wanted)
            if index.entry(Self.blobPath(start.digest)) != nil || !isDockerArchive {
                return try await resolve(start, name: path, platform: platform, limits: limits)
            }
        }
        return try resolveDocker(platform)
    }

    private func document(_ name: String) throws(ImageError) -> [UInt8] {
        guard let entry = index.entry(name) else { throw ImageError(.notFound, "\(path) does not hold \(name)") }
        guard entry.count <= limits.document else {
            throw ImageError(.tooLarge, "\(path): \(name) has more than \(limits.document) bytes")
        }
        return try file.bytes(offset: entry.offset, count: entry.count)
    }

    private func resolveDocker(_ platform: Platform?) throws(ImageError) -> ResolvedImage {
        let listed = try document("manifest.json")
        let root: Node
        do throws(DocumentError) {
            root = try DocumentReader.readJSON(SourceText(name: "", bytes: listed))
        } catch {
            throw ImageError(.damaged, "\(path): manifest.json is no JSON")
        }
        let entry = try choose(Array(root.elements))
        guard let name = entry["Config"].string else {
            throw ImageError(.damaged, "\(path): manifest.json names no configuration")
        }
        let bytes = try document(name)
        let configuration = ImageConfiguration(try ImageManifest.json(bytes, "the configuration of \(path)"))
        let names = entry["Layers"].strings
        guard names.count <= ImageManifest.layerLimit else {
            throw ImageError(.tooLarge, "\(path) has \(names.count) layers")
        }
        let (diffIDs, notes) = Self.diffIDs(configuration, layers: names.count, path)
        var layers: [ImageLayer] = []
        for (name, diffID) in zip(names, diffIDs) {
            guard let found = index.entry(name) else {
                throw ImageError(.notFound, "\(path) does not hold the layer \(name)")
            }
            layers.append(
                ImageLayer(place: .part(offset: found.offset, count: found.count), diffID: diffID))
        }
        var image = ResolvedImage(
            name: entry["RepoTags"].strings.first ?? path, configurationDigest: BlobHash.digest(bytes),
            platform: Platform(configuration), configuration: configuration, layers: layers)
        image.notes = notes
        if let platform, let found = image.platform, found.fit(platform) == nil {
            throw ImageError(.notFound, "\(path) is for \(found), not for \(platform)")
        }
        return image
    }

    private func choose(_ entries: [Node]) throws(ImageError) -> Node {
        let names = entries.flatMap { $0["RepoTags"].strings }
        if let wanted {
            if let found = entries.first(where: { entry in
                entry["RepoTags"].strings.contains { $0 == wanted || $0.hasSuffix("/\(wanted)") }
            }) {
                return found
            }
            throw ImageError(
                .notFound, "\(path) has no image \"\(wanted)\"; it has \(names.joined(separator: ", "))")
        }
        guard let first = entries.first else { throw ImageError(.notFound, "\(path) holds no image") }
        guard entries.count == 1 else {
            throw ImageError(
                .badName,
                "\(path) holds several images; name one of \(names.joined(separator: ", ")) behind a colon")
        }
        return first
    }

    private static func blobPath(_ digest: ContentDigest) -> String {
        "blobs/\(digest.algorithm.rawValue)/\(digest.hex)"
    }

    package func stream(_ blob: Descriptor, _ sink: (Span<UInt8>) -> Bool) async throws(ImageError) {
        guard let entry = index.entry(Self.blobPath(blob.digest)) else {
            throw ImageError(.notFound, "\(path) does not hold \(blob.digest.short), which its manifest names")
        }
        try file.read(offset: entry.offset, count: entry.count, sink)
    }

    package func stream(offset: Int, count: Int, _ sink: (Span<UInt8>) -> Bool) async throws(ImageError) {
        try file.read(offset: offset, count: count, sink)
    }
}

/// Where the members of an archive lie in it.
struct ArchiveIndex: Sendable {
    struct Entry: Sendable {
        var offset: Int
        var count: Int
    }

    private static let memberLimit = 100_000
    private var files: [String: Entry] = [:]
    private var links: [String: String] = [:]

    init(_ file: LocalFile) throws(ImageError) {
        var position = 0
        var records = PAXRecords()
        var longName: [UInt8]?
        var members = 0
        let blockSize = TarHeader.blockSize
        while position + blockSize <= file.size {
            let block = try file.bytes(offset: position, count: blockSize)
            if block.allSatisfy({ $0 == 0 }) { return }
            let header: TarHeader
            do throws(TarError) {
                header = try TarHeader(block.span)
                position += blockSize
                let isExtension = [UInt8(ascii: "x"), UInt8(ascii: "g"), UInt8(ascii: "L"), UInt8(ascii: "K")].contains(
                    header.type)
                let size = isExtension ? header.size : records.size ?? header.size
                guard size <= file.size - position else {
                    throw TarError(code: .truncated, offset: position, message: "it ends in the middle of a member")
                }
                if isExtension {
                    guard size <= 1 << 20 else {
                        throw TarError(code: .tooLarge, offset: position, message: "an extended header is too long")
                    }
                    let bytes = (try? file.bytes(offset: position, count: size)) ?? []
                    if header.type == UInt8(ascii: "x") { try records.read(bytes) }
                    if header.type == UInt8(ascii: "L") { longName = Array(bytes.prefix { $0 != 0 }) }
                } else {
                    members += 1
                    guard members <= Self.memberLimit else {
                        throw TarError(code: .tooMany, offset: position, message: "it has too many members")
                    }
                    let name = TarPath.cleaned(records.path ?? longName ?? header.name).path
                    if header.type == UInt8(ascii: "1") || header.type == UInt8(ascii: "2") {
                        let link = String(decoding: records.link ?? header.link, as: UTF8.self)
                        links[name] = header.type == UInt8(ascii: "1") ? link : Self.beside(name, link)
                    } else {
                        files[name] = Entry(offset: position, count: size)
                    }
                    records = PAXRecords()
                    longName = nil
                }
                position += (size + blockSize - 1) / blockSize * blockSize
            } catch {
                throw ImageError(
                    error.code == .truncated ? .truncated : .damaged,
                    "\(file.path): \(error.message) (at byte \(position))")
            }
        }
    }

    /// Where a symbolic link of a member leads.
    private static func beside(_ name: String, _ link: String) -> String {
        let folder = name.lastIndex(of: "/").map { String(name[..<$0]) } ?? ""
        return link.hasPrefix("/") ? link : "\(folder)/\(link)"
    }

    /// Docker's older archives name a layer that two images share by a link.
    func entry(_ name: String) -> Entry? {
        var name = TarPath.cleaned(Array(name.utf8)).path
        for _ in 0..<4 {
            if let entry = files[name] { return entry }
            guard let link = links[name] else { return nil }
            name = TarPath.cleaned(Array(link.utf8)).path
        }
        return nil
    }
}
