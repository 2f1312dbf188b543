import Crypto
import Encodings
import Foundation

/// A hash function that signatures and statements name.
package enum HashFunctionName: String, Sendable, CaseIterable {
    case sha256, sha384, sha512

    /// `SHA2_256` of Protocol Buffers, `sha256` of statements, `SHA-256`, `2`…; nothing for what is not trusted.
    init?(_ text: String) {
        switch text.lowercased() {
        case "sha256", "sha2_256", "sha-256": self = .sha256
        case "sha384", "sha2_384", "sha-384": self = .sha384
        case "sha512", "sha2_512", "sha-512": self = .sha512
        default: return nil
        }
    }

    var byteCount: Int {
        switch self {
        case .sha256: 32
        case .sha384: 48
        case .sha512: 64
        }
    }

    func hash(_ bytes: some DataProtocol) -> [UInt8] {
        switch self {
        case .sha256: Array(SHA256.hash(data: bytes))
        case .sha384: Array(SHA384.hash(data: bytes))
        case .sha512: Array(SHA512.hash(data: bytes))
        }
    }
}

/// What is to be verified: bytes, or only what they hash to.
///
/// Signatures with ECDSA, RSA and Ed25519ph are over a hash, so that an artifact of any size is read once and not kept.
package struct Artifact: Sendable {
    package private(set) var digests: [HashFunctionName: [UInt8]]
    /// Kept for signatures over the message itself (pure Ed25519).
    private(set) var bytes: [UInt8]?

    package init(bytes: [UInt8]) {
        self.bytes = bytes
        digests = Dictionary(uniqueKeysWithValues: HashFunctionName.allCases.map { ($0, $0.hash(bytes)) })
    }

    /// `sha256:` and the hash in hexadecimal digits.
    package init(digest: String) throws(TrustError) {
        let parts = digest.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let name = HashFunctionName(String(parts[0])),
            let bytes = Hexadecimal.bytes(String(parts[1])), bytes.count == name.byteCount
        else { throw TrustError(.artifact, "\"\(digest)\" is no digest; write sha256: and 64 hexadecimal digits") }
        digests = [name: bytes]
    }

    /// Reads in pieces; `next` gives no bytes at the end.
    package init(reading next: () throws -> [UInt8]) rethrows {
        var short = SHA256()
        var middle = SHA384()
        var long = SHA512()
        while true {
            let piece = try next()
            if piece.isEmpty { break }
            short.update(data: piece)
            middle.update(data: piece)
            long.update(data: piece)
        }
        digests = [
            .sha256: Array(short.finalize()), .sha384: Array(middle.finalize()), .sha512: Array(long.finalize()),
        ]
    }

    package var text: String {
        let shown = HashFunctionName.allCases.first { digests[$0] != nil }
        return shown.map { "\($0.rawValue):\(Hexadecimal.text(digests[$0] ?? []))" } ?? "nothing"
    }

    /// Puts a known hash into the library's type for it, which has no other way in; nothing when it did not arrive whole.
    static func known<D: Digest>(_ bytes: [UInt8], as empty: D) -> D? {
        guard bytes.count == D.byteCount, MemoryLayout<D>.size == D.byteCount else { return nil }
        var digest = empty
        withUnsafeMutableBytes(of: &digest) { memory in memory.copyBytes(from: bytes) }
        return Array(digest) == bytes ? digest : nil
    }
}
