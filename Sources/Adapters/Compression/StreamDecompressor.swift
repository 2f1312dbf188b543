import CZlib
import CZstd

/// Unpacks a stream piece by piece as it arrives, in constant memory.
///
/// The form is told by the first bytes, not by what somebody said it was. Gzip members and Zstandard frames that follow
/// one another are one stream, as `pigz`, eStargz and zstd:chunked write them.
package final class StreamDecompressor {
    package enum Format: String, Sendable { case plain, gzip, zstd }

    /// nil until enough bytes were seen to tell.
    package private(set) var format: Format?
    /// Bytes behind the last gzip member that are neither zeros nor another member.
    package private(set) var hasStrayEnd = false

    private var head: [UInt8] = []
    private var buffer: [UInt8]
    private var inflate: Inflation?
    private var zstd: OpaquePointer?
    /// Whether a gzip member or a Zstandard frame is under way.
    private var isInside = false
    private var isEnded = false

    package init() { buffer = [] }

    deinit { if let zstd { ZSTD_freeDStream(zstd) } }

    /// Unpacks a piece; `sink` is called with what comes out, zero or more times.
    package func take(_ piece: Span<UInt8>, _ sink: (Span<UInt8>) throws -> Void) throws {
        if format != nil { return try unpack(piece, sink) }
        head.reserveCapacity(head.count + piece.count)
        for index in piece.indices { head.append(piece[index]) }
        // The longest mark has six bytes, that of xz.
        guard head.count >= 6 else { return }
        try begin(sink)
    }

    /// The stream is over.
    package func finish(_ sink: (Span<UInt8>) throws -> Void) throws {
        if format == nil { try begin(sink) }
        guard !isInside else {
            throw CompressionError(code: .cut, message: "the compressed data ends too early")
        }
    }

    private func begin(_ sink: (Span<UInt8>) throws -> Void) throws {
        let found = try Self.format(head)
        format = found
        if found != .plain { buffer = [UInt8](repeating: 0, count: 1 << 17) }
        if found == .gzip { inflate = try Inflation() }
        if found == .zstd {
            zstd = ZSTD_createDStream()
            guard zstd != nil else { throw CompressionError(code: .tooLarge, message: "no memory to unpack with") }
        }
        let start = head
        head = []
        isInside = found != .plain
        if !start.isEmpty { try unpack(start.span, sink) }
    }

    private static func format(_ head: [UInt8]) throws -> Format {
        if head.starts(with: [0x1F, 0x8B]) { return .gzip }
        if head.starts(with: Zstandard.magic) { return .zstd }
        // A frame that decoders skip: zstd:chunked may begin with one.
        if head.count >= 4, head[0] & 0xF0 == 0x50, head[1...3].elementsEqual([0x2A, 0x4D, 0x18]) { return .zstd }
        if head.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00]) {
            throw CompressionError(code: .damaged, message: "it is packed with xz, which image layers never are")
        }
        if head.starts(with: [0x42, 0x5A, 0x68]) {
            throw CompressionError(code: .damaged, message: "it is packed with bzip2, which image layers never are")
        }
        return .plain
    }

    private func unpack(_ piece: Span<UInt8>, _ sink: (Span<UInt8>) throws -> Void) throws {
        switch format {
        case .gzip: try unpackGzip(piece, sink)
        case .zstd: try unpackZstandard(piece, sink)
        case .plain, nil: if !piece.isEmpty { try sink(piece) }
        }
    }

    private func unpackGzip(_ piece: Span<UInt8>, _ sink: (Span<UInt8>) throws -> Void) throws {
        guard let inflate else { return }
        // A local, so that spans over it may be handed on and it is never copied.
        var work = buffer
        buffer = []
        defer { buffer = work }
        var consumed = 0
        while consumed < piece.count {
            if isEnded { return }
            if !isInside {
                // Between members: another one, or padding.
                let byte = piece[consumed]
                if byte == 0 {
                    consumed += 1
                    continue
                }
                guard byte == 0x1F else {
                    hasStrayEnd = true
                    isEnded = true
                    return
                }
                inflate.reset()
                isInside = true
            }
            let step = try inflate.run(piece.extracting(consumed..<piece.count), into: &work)
            consumed += step.consumed
            if step.produced > 0 { try sink(work.span.extracting(0..<step.produced)) }
            if step.isEnd { isInside = false }
        }
    }

    private func unpackZstandard(_ piece: Span<UInt8>, _ sink: (Span<UInt8>) throws -> Void) throws {
        guard let zstd else { return }
        var work = buffer
        buffer = []
        defer { buffer = work }
        var consumed = 0
        var hasMore = false
        while consumed < piece.count || hasMore {
            var produced = 0
            let count = piece.count
            // The pointers are used within the closures only; sizes are those of the buffers.
            let left = piece.withUnsafeBufferPointer { source in
                work.withUnsafeMutableBytes { target in
                    var input = ZSTD_inBuffer(src: source.baseAddress, size: count, pos: consumed)
                    var output = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                    let result = ZSTD_decompressStream(zstd, &output, &input)
                    consumed = input.pos
                    produced = output.pos
                    return result
                }
            }
            if ZSTD_isError(left) != 0 {
                throw CompressionError(
                    code: .damaged, message: "damaged Zstandard data: \(String(cString: ZSTD_getErrorName(left)))")
            }
            isInside = left != 0
            hasMore = produced == work.count && left != 0
            if produced > 0 { try sink(work.span.extracting(0..<produced)) }
        }
    }
}

/// zlib's state.
private final class Inflation {
    private let stream: UnsafeMutablePointer<z_stream>

    init() throws(CompressionError) {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, 16 for a gzip header that has to be there.
        guard inflateInit2_(stream, 31, ZLIB_VERSION, CInt(MemoryLayout<z_stream>.size)) == Z_OK else {
            stream.deallocate()
            throw CompressionError(code: .tooLarge, message: "no memory to unpack with")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    func reset() { inflateReset(stream) }

    func run(
        _ piece: Span<UInt8>, into buffer: inout [UInt8]
    ) throws -> (consumed: Int, produced: Int, isEnd: Bool) {
        let count = piece.count
        // The pointers are used within the closures only; sizes are those of the buffers.
        return try piece.withUnsafeBufferPointer { source in
            try buffer.withUnsafeMutableBufferPointer { target in
                stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                stream.pointee.avail_in = UInt32(min(count, 1 << 30))
                stream.pointee.next_out = target.baseAddress
                stream.pointee.avail_out = UInt32(target.count)
                let given = Int(stream.pointee.avail_in)
                let result = CZlib.inflate(stream, Z_NO_FLUSH)
                let consumed = given - Int(stream.pointee.avail_in)
                let produced = target.count - Int(stream.pointee.avail_out)
                stream.pointee.next_in = nil
                stream.pointee.next_out = nil
                switch result {
                case Z_STREAM_END: return (consumed, produced, true)
                case Z_OK: return (consumed, produced, false)
                case Z_BUF_ERROR where consumed > 0 || produced > 0: return (consumed, produced, false)
                default:
                    let told = stream.pointee.msg.map { ": \(String(cString: $0))" } ?? ""
                    throw CompressionError(code: .damaged, message: "damaged gzip data\(told)")
                }
            }
        }
    }
}
