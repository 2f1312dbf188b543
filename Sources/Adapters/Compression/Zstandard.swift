import CZstd

/// What is wrong with compressed bytes.
package struct CompressionError: Error, Equatable {
    package enum Code: Sendable { case damaged, cut, tooLarge }
    package var code: Code
    package var message: String

    package init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
}

/// Zstandard frames, as feeds and image layers come.
package enum Zstandard {
    package static let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]

    package static func isCompressed(_ bytes: some Collection<UInt8>) -> Bool { bytes.starts(with: magic) }

    /// Unpacks whole frames, one behind the other; `limit` keeps a small file from becoming all of memory.
    package static func decompressed(
        _ bytes: [UInt8], limit: Int = 2 << 30
    ) throws(CompressionError) -> [UInt8] {
        guard let stream = ZSTD_createDStream() else {
            throw CompressionError(code: .tooLarge, message: "no memory to unpack with")
        }
        defer { ZSTD_freeDStream(stream) }
        var out: [UInt8] = []
        let chunk = ZSTD_DStreamOutSize()
        var buffer = [UInt8](repeating: 0, count: chunk)
        var consumed = 0
        var left = 0
        while consumed < bytes.count {
            var produced = 0
            // The pointers are used within the closures only; sizes are those of the arrays.
            left = bytes.withUnsafeBytes { source in
                buffer.withUnsafeMutableBytes { target in
                    var input = ZSTD_inBuffer(src: source.baseAddress, size: source.count, pos: consumed)
                    var output = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                    let result = ZSTD_decompressStream(stream, &output, &input)
                    consumed = input.pos
                    produced = output.pos
                    return result
                }
            }
            if ZSTD_isError(left) != 0 {
                throw CompressionError(
                    code: .damaged, message: "not Zstandard: \(String(cString: ZSTD_getErrorName(left)))")
            }
            out.append(contentsOf: buffer[..<produced])
            guard out.count <= limit else {
                throw CompressionError(code: .tooLarge, message: "more than \(limit) bytes when unpacked")
            }
        }
        // What the decoder still holds when the input is all read.
        while left != 0 {
            var produced = 0
            left = buffer.withUnsafeMutableBytes { target in
                var input = ZSTD_inBuffer(src: nil, size: 0, pos: 0)
                var output = ZSTD_outBuffer(dst: target.baseAddress, size: target.count, pos: 0)
                let result = ZSTD_decompressStream(stream, &output, &input)
                produced = output.pos
                return result
            }
            guard ZSTD_isError(left) == 0, produced > 0 else {
                throw CompressionError(code: .cut, message: "the compressed data ends too early")
            }
            out.append(contentsOf: buffer[..<produced])
        }
        return out
    }
}

extension Zstandard {
    /// One frame with everything in it.
    package static func compressed(_ bytes: [UInt8], level: Int32 = 3) throws(CompressionError) -> [UInt8] {
        let bound = ZSTD_compressBound(bytes.count)
        var failure: String?
        let out = [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            // The pointers are used within the closures only; the bound is the library's own.
            let length = bytes.withUnsafeBytes { source in
                ZSTD_compress(buffer.baseAddress, bound, source.baseAddress, source.count, level)
            }
            if ZSTD_isError(length) != 0 {
                failure = String(cString: ZSTD_getErrorName(length))
            } else {
                count = length
            }
        }
        if let failure { throw CompressionError(code: .tooLarge, message: "cannot compress: \(failure)") }
        return out
    }
}
