import CBzip2
import CLZMA
import CZlib

/// Unpacks what is in memory, whatever it was packed with, and hands it on piece by piece.
///
/// Where a stream arrives from outside, ``StreamDecompressor`` reads what image layers are packed with.
package enum PackedBytes {
    package enum Format: String, Sendable, CaseIterable {
        case gzip, zstd, xz, bzip2

        /// Told by the first bytes; nil for what is packed with none of them.
        package init?(_ bytes: some Collection<UInt8>) {
            if bytes.starts(with: [0x1F, 0x8B, 0x08]) {
                self = .gzip
            } else if Zstandard.isCompressed(bytes) {
                self = .zstd
            } else if bytes.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) {
                self = .xz
            } else if bytes.starts(with: [0x42, 0x5A, 0x68]), bytes.count > 10,
                bytes.dropFirst(4).starts(with: [0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
            {
                self = .bzip2
            } else {
                return nil
            }
        }
    }

    /// Whether the one who is handed the pieces wants more of them.
    package typealias Sink = (Span<UInt8>) throws -> Bool

    private struct Enough: Error {}

    /// Hands over what comes out until the sink has enough.
    package static func unpack(_ bytes: [UInt8], _ format: Format, _ sink: Sink) throws {
        do {
            switch format {
            case .gzip, .zstd:
                let decompressor = StreamDecompressor()
                try decompressor.take(bytes.span) { try hand($0, sink) }
                try decompressor.finish { try hand($0, sink) }
            case .xz: try unpackXZ(bytes, sink)
            case .bzip2: try unpackBzip2(bytes, sink)
            }
        } catch is Enough {
            return
        }
    }

    private static func hand(_ piece: Span<UInt8>, _ sink: Sink) throws {
        guard try sink(piece) else { throw Enough() }
    }

    /// Deflate data without any wrapping, as archives hold it.
    package static func inflate(_ bytes: [UInt8], limit: Int) throws(CompressionError) -> [UInt8] {
        var stream = z_stream()
        guard inflateInit2_(&stream, -15, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw CompressionError(code: .tooLarge, message: "no memory to unpack with")
        }
        defer { inflateEnd(&stream) }
        var out: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        var consumed = 0
        while true {
            let (result, taken, produced) = bytes.withUnsafeBufferPointer { source in
                buffer.withUnsafeMutableBufferPointer { target in
                    let given = min(source.count - consumed, 1 << 30)
                    stream.next_in = source.baseAddress.map { UnsafeMutablePointer(mutating: $0 + consumed) }
                    stream.avail_in = UInt32(given)
                    stream.next_out = target.baseAddress
                    stream.avail_out = UInt32(target.count)
                    let result = CZlib.inflate(&stream, Z_NO_FLUSH)
                    return (result, given - Int(stream.avail_in), target.count - Int(stream.avail_out))
                }
            }
            consumed += taken
            guard out.count + produced <= limit else {
                throw CompressionError(code: .tooLarge, message: "more than \(limit) bytes when unpacked")
            }
            out.append(contentsOf: buffer[..<produced])
            switch result {
            case Z_STREAM_END: return out
            case Z_OK where taken > 0 || produced > 0: continue
            case Z_BUF_ERROR, Z_OK: throw CompressionError(code: .cut, message: "the compressed data ends too early")
            default: throw CompressionError(code: .damaged, message: "damaged deflate data")
            }
        }
    }

    // MARK: xz

    /// Memory that a stream may ask for; `xz -9` asks for 65 MiB.
    private static let dictionaryLimit: UInt64 = 256 << 20
    /// Streams that follow one another are one (`LZMA_CONCATENATED`).
    private static let concatenated: UInt32 = 0x08

    private static func unpackXZ(_ bytes: [UInt8], _ sink: Sink) throws {
        var stream = lzma_stream()
        guard lzma_stream_decoder(&stream, dictionaryLimit, concatenated) == LZMA_OK else {
            throw CompressionError(code: .tooLarge, message: "no memory to unpack with")
        }
        defer { lzma_end(&stream) }
        var buffer = [UInt8](repeating: 0, count: 1 << 17)
        var consumed = 0
        while true {
            let (result, taken, produced) = bytes.withUnsafeBufferPointer { source in
                buffer.withUnsafeMutableBufferPointer { target in
                    let given = source.count - consumed
                    stream.next_in = source.baseAddress.map { $0 + consumed }
                    stream.avail_in = given
                    stream.next_out = target.baseAddress
                    stream.avail_out = target.count
                    let result = lzma_code(&stream, LZMA_FINISH)
                    return (result, given - stream.avail_in, target.count - stream.avail_out)
                }
            }
            consumed += taken
            if produced > 0 { try hand(buffer.span.extracting(0..<produced), sink) }
            switch result {
            case LZMA_OK: continue
            case LZMA_STREAM_END: return
            case LZMA_BUF_ERROR: throw CompressionError(code: .cut, message: "the compressed data ends too early")
            case LZMA_MEMLIMIT_ERROR, LZMA_MEM_ERROR:
                throw CompressionError(code: .tooLarge, message: "unpacking it takes more than 256 MiB of memory")
            default: throw CompressionError(code: .damaged, message: "damaged xz data")
            }
        }
    }

    // MARK: bzip2

    private static func unpackBzip2(_ bytes: [UInt8], _ sink: Sink) throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 17)
        var consumed = 0
        repeat {
            var stream = bz_stream()
            guard BZ2_bzDecompressInit(&stream, 0, 0) == BZ_OK else {
                throw CompressionError(code: .tooLarge, message: "no memory to unpack with")
            }
            defer { BZ2_bzDecompressEnd(&stream) }
            var isInside = true
            while isInside {
                let (result, taken, produced) = bytes.withUnsafeBufferPointer { source in
                    buffer.withUnsafeMutableBufferPointer { target in
                        target.withMemoryRebound(to: CChar.self) { target in
                            let given = min(source.count - consumed, 1 << 30)
                            return source.withMemoryRebound(to: CChar.self) { source in
                                stream.next_in = source.baseAddress.map {
                                    UnsafeMutablePointer(mutating: $0 + consumed)
                                }
                                stream.avail_in = UInt32(given)
                                stream.next_out = target.baseAddress
                                stream.avail_out = UInt32(target.count)
                                let result = BZ2_bzDecompress(&stream)
                                return (result, given - Int(stream.avail_in), target.count - Int(stream.avail_out))
                            }
                        }
                    }
                }
                consumed += taken
                if produced > 0 { try hand(buffer.span.extracting(0..<produced), sink) }
                switch result {
                case BZ_STREAM_END: isInside = false
                case BZ_OK where taken > 0 || produced > 0: continue
                case BZ_OK: throw CompressionError(code: .cut, message: "the compressed data ends too early")
                default: throw CompressionError(code: .damaged, message: "damaged bzip2 data")
                }
            }
            // Several streams are one text, as pbzip2 writes them; what else follows is none of it.
        } while bytes[consumed...].starts(with: [0x42, 0x5A, 0x68])
    }
}
