import Crypto
import CryptoExtras
import Documents
import Foundation
import SwiftASN1

/// Signs with a key of one's own: bills of materials and scan results, to be attached to an image as referrers.
package struct AttestationSigner: Sendable {
    private enum Key: Sendable {
        case p256(P256.Signing.PrivateKey)
        case p384(P384.Signing.PrivateKey)
        case p521(P521.Signing.PrivateKey)
        case ed25519(Curve25519.Signing.PrivateKey)
        case rsa(_RSA.Signing.PrivateKey)
    }

    private let key: Key
    package let publicKey: VerificationKey

    /// A key file in PEM: PKCS #8, or the older forms of EC and RSA keys.
    package init(pem: String) throws(TrustError) {
        if pem.contains("ENCRYPTED") {
            throw TrustError(.signer, "the private key is encrypted; give it unencrypted, such as from a secret store")
        }
        guard let key = Self.key(pem) else {
            throw TrustError(.signer, "the private key is neither ECDSA (P-256, P-384, P-521), Ed25519 nor RSA in PEM")
        }
        self.key = key
        publicKey = try VerificationKey(der: Self.encoded(key))
    }

    private static func key(_ pem: String) -> Key? {
        if let key = try? P256.Signing.PrivateKey(pemRepresentation: pem) { return .p256(key) }
        if let key = try? P384.Signing.PrivateKey(pemRepresentation: pem) { return .p384(key) }
        if let key = try? P521.Signing.PrivateKey(pemRepresentation: pem) { return .p521(key) }
        if let key = try? _RSA.Signing.PrivateKey(pemRepresentation: pem) { return .rsa(key) }
        return ed25519(pem).map(Key.ed25519)
    }

    /// PKCS #8 holds the 32 bytes as an octet string within one (RFC 8410).
    private static func ed25519(_ pem: String) -> Curve25519.Signing.PrivateKey? {
        guard let block = try? PEMBlocks(pem).blocks.first(where: { $0.label == "PRIVATE KEY" }),
            let root = try? DER.parse(block.bytes), root.children.count >= 3,
            let algorithm = root.children[1].children.first,
            (try? ASN1ObjectIdentifier(derEncoded: algorithm)) == [1, 3, 101, 112],
            let inner = try? DER.parse(root.children[2].primitive)
        else { return nil }
        return try? Curve25519.Signing.PrivateKey(rawRepresentation: inner.primitive)
    }

    private static func encoded(_ key: Key) -> [UInt8] {
        switch key {
        case .p256(let key): Array(key.publicKey.derRepresentation)
        case .p384(let key): Array(key.publicKey.derRepresentation)
        case .p521(let key): Array(key.publicKey.derRepresentation)
        case .rsa(let key): Array(key.publicKey.derRepresentation)
        case .ed25519(let key):
            DERText.wrap(
                0x30,
                DERText.wrap(0x30, [0x06, 0x03, 0x2B, 0x65, 0x70])
                    + DERText.wrap(0x03, [0] + Array(key.publicKey.rawRepresentation)))
        }
    }

    /// A signature over bytes.
    package func signature(over bytes: [UInt8]) throws(TrustError) -> [UInt8] {
        do {
            switch key {
            case .p256(let key): return Array(try key.signature(for: SHA256.hash(data: bytes)).derRepresentation)
            case .p384(let key): return Array(try key.signature(for: SHA384.hash(data: bytes)).derRepresentation)
            case .p521(let key): return Array(try key.signature(for: SHA512.hash(data: bytes)).derRepresentation)
            case .ed25519(let key): return Array(try key.signature(for: bytes))
            case .rsa(let key):
                let digest = SHA256.hash(data: bytes)
                return Array(try key.signature(for: digest, padding: .insecurePKCS1v1_5).rawRepresentation)
            }
        } catch {
            throw TrustError(.signer, "cannot sign: \(error)")
        }
    }

    /// Puts a statement into a signed envelope.
    package func envelope(_ statement: [UInt8]) throws(TrustError) -> Envelope {
        var envelope = Envelope(payload: statement)
        envelope.signatures = [try signature(over: envelope.signedBytes)]
        return envelope
    }

    /// A Sigstore bundle (version 0.3) of an envelope, as registries keep it among an image's referrers.
    package func bundle(_ envelope: Envelope) -> [UInt8] {
        bundle { writer in
            writer.key("dsseEnvelope")
            writer.object { writer in
                writer.member("payload", Base64.text(envelope.payload))
                writer.member("payloadType", envelope.payloadType)
                writer.key("signatures")
                writer.array { writer in
                    for signature in envelope.signatures {
                        writer.object { writer in writer.member("sig", Base64.text(signature)) }
                    }
                }
            }
        }
    }

    /// A Sigstore bundle of a signature over an artifact.
    package func bundle(artifact: [UInt8]) throws(TrustError) -> [UInt8] {
        let signature = try signature(over: artifact)
        let function = publicKey.hashes[0]
        return bundle { writer in
            writer.key("messageSignature")
            writer.object { writer in
                writer.key("messageDigest")
                writer.object { writer in
                    writer.member("algorithm", "SHA2_\(function.rawValue.dropFirst(3))")
                    writer.member("digest", Base64.text(function.hash(artifact)))
                }
                writer.member("signature", Base64.text(signature))
            }
        }
    }

    private func bundle(_ content: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("mediaType", "application/vnd.dev.sigstore.bundle.v0.3+json")
            writer.key("verificationMaterial")
            writer.object { writer in
                writer.key("publicKey")
                writer.object { writer in
                    writer.member("hint", Base64.text(publicKey.fingerprint))
                }
            }
            content(&writer)
        }
        return writer.bytes
    }
}
