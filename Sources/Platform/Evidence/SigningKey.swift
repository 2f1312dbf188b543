import Crypto
import Encodings
import Foundation

/// What is wrong with a pack or a key, and which file of it.
package struct EvidenceError: Error, Equatable, CustomStringConvertible {
    package enum Code: Sendable { case badKey, unreadable, unwritable, badPack }
    package var code: Code
    package var file: String
    package var message: String
    package var description: String { file.isEmpty ? message : "\(file): \(message)" }
}

/// An Ed25519 key, kept as everybody else keeps it: PKCS #8 in PEM for the private one, SubjectPublicKeyInfo for the
/// public one (RFC 8410), so that `openssl` can make and check both.
package struct SigningKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// What stands before the 32 bytes in DER.
    private static let privateHead: [UInt8] = [
        0x30, 0x2E, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    ]
    private static let publicHead: [UInt8] = [
        0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00,
    ]

    /// A new one.
    package init() { key = Curve25519.Signing.PrivateKey() }

    /// The key that 32 bytes of chance, or of a derivation, stand for.
    package init(seed: [UInt8]) throws(EvidenceError) {
        do {
            key = try Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        } catch {
            throw EvidenceError(code: .badKey, file: "", message: "a seed has 32 bytes")
        }
    }

    package init(pem: String, file: String) throws(EvidenceError) {
        let bytes = try Self.content(pem, "PRIVATE KEY", Self.privateHead, file)
        do {
            key = try Curve25519.Signing.PrivateKey(rawRepresentation: bytes)
        } catch {
            throw EvidenceError(code: .badKey, file: file, message: "no Ed25519 private key")
        }
    }

    package var pem: String { Self.armour(Self.privateHead + key.rawRepresentation, "PRIVATE KEY") }
    package var publicPEM: String { Self.armour(Self.publicHead + key.publicKey.rawRepresentation, "PUBLIC KEY") }

    func sign(_ bytes: [UInt8]) throws(EvidenceError) -> [UInt8] {
        do {
            return Array(try key.signature(for: bytes))
        } catch {
            throw EvidenceError(code: .badKey, file: "", message: "the key cannot sign: \(error)")
        }
    }

    static func isValid(_ signature: [UInt8], of bytes: [UInt8], publicPEM: String, file: String)
        throws(EvidenceError) -> Bool
    {
        let raw = try content(publicPEM, "PUBLIC KEY", publicHead, file)
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: raw) else {
            throw EvidenceError(code: .badKey, file: file, message: "no Ed25519 public key")
        }
        return key.isValidSignature(signature, for: bytes)
    }

    /// How people compare public keys: SHA-256 of the key's DER form.
    package static func fingerprint(publicPEM: String, file: String) throws(EvidenceError) -> String {
        Digest.hex(of: publicHead + (try content(publicPEM, "PUBLIC KEY", publicHead, file)))
    }

    private static func armour(_ der: [UInt8], _ name: String) -> String {
        "-----BEGIN \(name)-----\n\(Data(der).base64EncodedString())\n-----END \(name)-----\n"
    }

    private static func content(_ pem: String, _ name: String, _ head: [UInt8], _ file: String)
        throws(EvidenceError) -> [UInt8]
    {
        let lines = pem.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
        guard let first = lines.firstIndex(of: "-----BEGIN \(name)-----"),
            let last = lines.firstIndex(of: "-----END \(name)-----"), first < last,
            let der = Data(base64Encoded: lines[(first + 1)..<last].joined()), der.count == head.count + 32,
            Array(der.prefix(head.count)) == head
        else {
            throw EvidenceError(
                code: .badKey, file: file,
                message:
                    "expected an Ed25519 \(name.lowercased()) in PEM; `openssl genpkey -algorithm ed25519` makes one")
        }
        return Array(der.suffix(32))
    }
}

/// SHA-256.
package enum Digest {
    package static func hex(of bytes: [UInt8]) -> String {
        Hexadecimal.text(SHA256.hash(data: bytes))
    }

    /// A UUID that is the same for the same words (RFC 9562, version 5's layout over SHA-256).
    static func uuid(_ words: String...) -> String {
        let hex = Array(hex(of: Array(words.joined(separator: "\u{0}").utf8)))
        return String(hex[0..<8]) + "-" + String(hex[8..<12]) + "-5" + String(hex[13..<16]) + "-a"
            + String(hex[17..<20]) + "-" + String(hex[20..<32])
    }
}
