import Compression
import Crypto
package import Images

/// What came of reading a layer.
package struct LayerReading: Sendable {
    /// Of the bytes as they came.
    package var digest: ContentDigest
    package var size: Int
    /// Of the unpacked archive: the name under which configurations know the layer.
    package var diffID: ContentDigest
    package var unpackedSize: Int
    package var members: Int
    package var notes: [ImageNote]

    /// Whether everything in the layer was seen.
    package var isComplete: Bool { !notes.contains { $0.kind == .incomplete } }
}

/// Reads one layer in one pass: digest, unpacking, digest of what was unpacked, archive.
///
/// An error in the archive ends the reading of members and not the pass, so that both digests are known all the same.
package struct LayerStream<Visitor: LayerVisitor>: ~Copyable {
    package private(set) var visitor: Visitor
    private let limits: LayerLimits
    private var packed: BlobHash
    private var unpacked = SHA256()
    private let decompressor = StreamDecompressor()
    private var tar: TarReader
    private var size = 0
    private var unpackedSize = 0
    private var failure: ImageNote?

    package init(
        _ visitor: Visitor, limits: LayerLimits = LayerLimits(), algorithm: ContentDigest.Algorithm = .sha256
    ) {
        packed = BlobHash(algorithm)
        self.visitor = visitor
        self.limits = limits
        var bounds = TarReader.Limits()
        bounds.members = limits.members
        tar = TarReader(limits: bounds)
    }

    /// Takes the next piece. After a bound was passed nothing more is looked at: see ``isOver``.
    package mutating func take(_ piece: Span<UInt8>) {
        size += piece.count
        // What is stored as it is has one digest.
        if decompressor.format != .plain || !packed.isSHA256 { packed.update(piece) }
        guard !isOver, !isDamaged else { return }
        do {
            try decompressor.take(piece) { out in try takeUnpacked(out) }
        } catch {
            end(error)
        }
    }

    /// Whether reading on makes no sense: a bound was passed.
    ///
    /// Damage is no reason to stop: the digest then tells whether these are the right bytes.
    package private(set) var isOver = false
    private var isDamaged = false

    private mutating func takeUnpacked(_ piece: Span<UInt8>) throws {
        unpackedSize += piece.count
        guard unpackedSize <= limits.unpacked else {
            throw ImageError(.tooLarge, "it holds more than \(limits.unpacked) bytes when unpacked")
        }
        if unpackedSize > limits.ratioFloor, unpackedSize / max(1, size) > limits.ratio {
            throw ImageError(
                .tooLarge, "\(size) bytes unpack to more than \(unpackedSize), \(limits.ratio) times as many")
        }
        piece.withUnsafeBytes { unpacked.update(bufferPointer: $0) }
        guard failure == nil else { return }
        do throws(TarError) {
            try tar.take(piece, &visitor)
        } catch {
            failure = Self.note(error)
        }
    }

    private mutating func end(_ error: any Error) {
        isDamaged = true
        isOver = (error as? ImageError)?.code == .tooLarge
        guard failure == nil else { return }
        switch error {
        case let error as CompressionError where error.code == .cut:
            failure = ImageNote(.incomplete, "layer-truncated", error.message)
        case let error as CompressionError:
            failure = ImageNote(.incomplete, "layer-damaged", error.message)
        case let error as ImageError:
            failure = ImageNote(.incomplete, "layer-too-large", error.message)
        default:
            failure = ImageNote(.incomplete, "layer-damaged", "\(error)")
        }
    }

    private static func note(_ error: TarError) -> ImageNote {
        let code =
            switch error.code {
            case .truncated: "layer-truncated"
            case .damaged: "layer-damaged"
            case .tooMany, .tooLarge: "layer-too-large"
            }
        return ImageNote(.incomplete, code, "\(error.message) (at byte \(error.offset) of the archive)")
    }

    package consuming func finish() -> (reading: LayerReading, visitor: Visitor) {
        if !isOver, !isDamaged {
            do {
                try decompressor.finish { out in try takeUnpacked(out) }
                if failure == nil { try tar.finish() }
            } catch let error as TarError {
                failure = Self.note(error)
            } catch {
                end(error)
            }
        }
        var notes = failure.map { [$0] } ?? []
        if failure == nil, !tar.hasTrailer, unpackedSize > 0 {
            notes.append(ImageNote(.remark, "no-trailer", "the archive ends without its closing blocks"))
        }
        if !tar.escapes.isEmpty {
            let some = tar.escapes.prefix(3).joined(separator: ", ")
            notes.append(
                ImageNote(.remark, "path-escapes", "paths lead out of the root and were put below it: \(some)"))
        }
        if decompressor.hasStrayEnd {
            notes.append(ImageNote(.remark, "stray-bytes", "bytes that are no gzip stand behind the layer"))
        }
        let diffID = ContentDigest(.sha256, unpacked.finalize())
        let digest = decompressor.format == .plain && packed.isSHA256 ? diffID : packed.digest
        let reading = LayerReading(
            digest: digest, size: size, diffID: diffID, unpackedSize: unpackedSize, members: tar.members, notes: notes)
        return (reading, visitor)
    }
}
