import Crypto

/// The digest of bytes that arrive in pieces.
package struct BlobHash: Sendable {
    private enum State: Sendable {
        case sha256(SHA256)
        case sha512(SHA512)
    }

    private var state: State

    package init(_ algorithm: ContentDigest.Algorithm) {
        state = algorithm == .sha256 ? .sha256(SHA256()) : .sha512(SHA512())
    }

    var isSHA256: Bool {
        if case .sha256 = state { return true }
        return false
    }

    package mutating func update(_ piece: Span<UInt8>) {
        piece.withUnsafeBytes { bytes in
            switch state {
            case .sha256(var hash):
                hash.update(bufferPointer: bytes)
                state = .sha256(hash)
            case .sha512(var hash):
                hash.update(bufferPointer: bytes)
                state = .sha512(hash)
            }
        }
    }

    package var digest: ContentDigest {
        switch state {
        case .sha256(let hash): ContentDigest(.sha256, hash.finalize())
        case .sha512(let hash): ContentDigest(.sha512, hash.finalize())
        }
    }

    package static func digest(_ bytes: [UInt8], _ algorithm: ContentDigest.Algorithm = .sha256) -> ContentDigest {
        var hash = BlobHash(algorithm)
        hash.update(bytes.span)
        return hash.digest
    }
}
