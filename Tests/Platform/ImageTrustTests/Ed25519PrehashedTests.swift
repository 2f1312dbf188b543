import Crypto
import Encodings
import Testing

@testable import ImageTrust

@Suite struct Ed25519PrehashedTests {
    // RFC 8032, 7.3.
    private let secret = "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42"
    private let signature =
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
        + "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"

    private func key() throws -> [UInt8] {
        let bytes = try #require(Hexadecimal.bytes(secret))
        return Array(try Curve25519.Signing.PrivateKey(rawRepresentation: bytes).publicKey.rawRepresentation)
    }

    @Test func acceptsTheSignatureOfTheStandard() throws {
        let bytes = try #require(Hexadecimal.bytes(signature))
        let digest = Array(SHA512.hash(data: Array("abc".utf8)))
        #expect(Ed25519Prehashed.isValid(bytes, digest: digest, key: try key()))
    }

    @Test func refusesAnyChangedByte() throws {
        let bytes = try #require(Hexadecimal.bytes(signature))
        let digest = Array(SHA512.hash(data: Array("abc".utf8)))
        let key = try key()
        for position in stride(from: 0, to: 64, by: 7) {
            var changed = bytes
            changed[position] ^= 1
            #expect(!Ed25519Prehashed.isValid(changed, digest: digest, key: key))
        }
        #expect(!Ed25519Prehashed.isValid(bytes, digest: Array(SHA512.hash(data: Array("abd".utf8))), key: key))
    }

    @Test func refusesASignatureOfTheOtherVariant() throws {
        let bytes = try #require(Hexadecimal.bytes(secret))
        let own = try Curve25519.Signing.PrivateKey(rawRepresentation: bytes)
        let digest = Array(SHA512.hash(data: Array("abc".utf8)))
        let pure = Array(try own.signature(for: digest))
        #expect(!Ed25519Prehashed.isValid(pure, digest: digest, key: Array(own.publicKey.rawRepresentation)))
    }
}
