import Crypto
import CryptoExtras
import Foundation
import SwiftASN1

/// A public key and what it can verify.
package struct VerificationKey: Sendable {
    enum Backing: Sendable {
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case p521(P521.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
        case rsa(_RSA.Signing.PublicKey)
    }

    /// How the message became what was signed.
    enum Scheme {
        /// Over the message itself with the given hash, as certificates, logs and timestamps say it.
        case hash(HashFunctionName)
        case pss(HashFunctionName)
        /// What Sigstore's registry takes for the key, and what older clients took.
        case message
        /// As before, but Ed25519 signs the envelope itself.
        case envelope
    }

    let backing: Backing
    /// SubjectPublicKeyInfo, or the PKCS #1 form of old RSA keys.
    package let encoded: [UInt8]

    /// SubjectPublicKeyInfo, or RSA keys in the form of PKCS #1.
    package init(der: [UInt8]) throws(TrustError) {
        do {
            backing = try Self.read(der)
        } catch {
            throw TrustError(.signer, "the public key cannot be read: it is neither ECDSA, Ed25519 nor RSA")
        }
        encoded = der
    }

    /// A file with `-----BEGIN PUBLIC KEY-----`.
    package init(pem: String) throws(TrustError) {
        let blocks = try PEMBlocks(pem).blocks
        guard let block = blocks.first(where: { $0.label == "PUBLIC KEY" || $0.label == "RSA PUBLIC KEY" }) else {
            throw TrustError(.signer, "the key file has no block \"PUBLIC KEY\"")
        }
        try self.init(der: block.bytes)
    }

    init(_ backing: Backing, encoded: [UInt8]) {
        self.backing = backing
        self.encoded = encoded
    }

    private static func read(_ der: [UInt8]) throws -> Backing {
        let node = try DER.parse(der)
        let fields = node.children
        guard fields.count == 2, fields[0].identifier == .sequence, fields[1].identifier == .bitString else {
            return .rsa(try _RSA.Signing.PublicKey(derRepresentation: der))
        }
        let parameters = fields[0].children
        guard let first = parameters.first else { throw TrustError(.signer, "no algorithm") }
        let algorithm = try ASN1ObjectIdentifier(derEncoded: first)
        switch algorithm {
        case .AlgorithmIdentifier.idEcPublicKey:
            guard parameters.count == 2 else { throw TrustError(.signer, "no curve") }
            switch try ASN1ObjectIdentifier(derEncoded: parameters[1]) {
            case .NamedCurves.secp256r1: return .p256(try P256.Signing.PublicKey(derRepresentation: der))
            case .NamedCurves.secp384r1: return .p384(try P384.Signing.PublicKey(derRepresentation: der))
            case .NamedCurves.secp521r1: return .p521(try P521.Signing.PublicKey(derRepresentation: der))
            default: throw TrustError(.signer, "unknown curve")
            }
        case [1, 3, 101, 112]:
            let key = try ASN1BitString(derEncoded: fields[1])
            return .ed25519(try Curve25519.Signing.PublicKey(rawRepresentation: Array(key.bytes)))
        default:
            return .rsa(try _RSA.Signing.PublicKey(derRepresentation: der))
        }
    }

    /// The hash of its encoding, by which logs and bundles name a key.
    package var fingerprint: [UInt8] { Array(SHA256.hash(data: encoded)) }

    package var algorithm: String {
        switch backing {
        case .p256: "ECDSA P-256"
        case .p384: "ECDSA P-384"
        case .p521: "ECDSA P-521"
        case .ed25519: "Ed25519"
        case .rsa(let key): "RSA \(key.keySizeInBits)"
        }
    }

    /// The name of Rekor v2 for what the key signs with (PublicKeyDetails).
    var details: String {
        switch backing {
        case .p256: "PKIX_ECDSA_P256_SHA_256"
        case .p384: "PKIX_ECDSA_P384_SHA_384"
        case .p521: "PKIX_ECDSA_P521_SHA_512"
        case .ed25519: "PKIX_ED25519_PH"
        case .rsa(let key): "PKIX_RSA_PKCS1V15_\(key.keySizeInBits)_SHA256"
        }
    }

    /// The hashes that a signature of this key may be over: first what the registry names, then what older clients took.
    var hashes: [HashFunctionName] {
        switch backing {
        case .p256, .rsa: [.sha256]
        case .p384: [.sha384, .sha256]
        case .p521: [.sha512, .sha256]
        case .ed25519: [.sha512]
        }
    }

    func isValid(_ signature: [UInt8], over bytes: [UInt8], _ scheme: Scheme) -> Bool {
        isValid(signature, over: Artifact(bytes: bytes), scheme)
    }

    func isValid(_ signature: [UInt8], over artifact: Artifact, _ scheme: Scheme) -> Bool {
        switch backing {
        case .ed25519(let key):
            if case .message = scheme, let digest = artifact.digests[.sha512],
                Ed25519Prehashed.isValid(signature, digest: digest, key: Array(key.rawRepresentation))
            {
                return true
            }
            return artifact.bytes.map { key.isValidSignature(signature, for: $0) } ?? false
        default:
            let hashes: [HashFunctionName]
            switch scheme {
            case .hash(let hash), .pss(let hash): hashes = [hash]
            case .message, .envelope: hashes = self.hashes
            }
            return hashes.contains { hash in
                artifact.digests[hash].map { isValid(signature, digest: $0, hash, scheme) } ?? false
            }
        }
    }

    private func isValid(_ signature: [UInt8], digest: [UInt8], _ hash: HashFunctionName, _ scheme: Scheme) -> Bool {
        switch hash {
        case .sha256: isValid(signature, Artifact.known(digest, as: SHA256.hash(data: [UInt8]())), scheme)
        case .sha384: isValid(signature, Artifact.known(digest, as: SHA384.hash(data: [UInt8]())), scheme)
        case .sha512: isValid(signature, Artifact.known(digest, as: SHA512.hash(data: [UInt8]())), scheme)
        }
    }

    private func isValid<D: Digest>(_ signature: [UInt8], _ digest: D?, _ scheme: Scheme) -> Bool {
        guard let digest else { return false }
        switch backing {
        case .p256(let key):
            guard let signature = try? P256.Signing.ECDSASignature(derRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: digest)
        case .p384(let key):
            guard let signature = try? P384.Signing.ECDSASignature(derRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: digest)
        case .p521(let key):
            guard let signature = try? P521.Signing.ECDSASignature(derRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: digest)
        case .rsa(let key):
            let signature = _RSA.Signing.RSASignature(rawRepresentation: signature)
            switch scheme {
            case .pss: return key.isValidSignature(signature, for: digest, padding: .PSS)
            case .hash: return key.isValidSignature(signature, for: digest, padding: .insecurePKCS1v1_5)
            case .message, .envelope:
                return key.isValidSignature(signature, for: digest, padding: .insecurePKCS1v1_5)
                    || key.isValidSignature(signature, for: digest, padding: .PSS)
            }
        case .ed25519: return false
        }
    }
}

extension ASN1Node {
    /// The parts of a constructed value; none of a primitive one.
    var children: [ASN1Node] {
        guard case .constructed(let nodes) = content else { return [] }
        return Array(nodes)
    }

    var primitive: [UInt8] {
        guard case .primitive(let bytes) = content else { return [] }
        return Array(bytes)
    }

    /// Whether it is `[number]` of the context.
    func isTagged(_ number: UInt) -> Bool {
        identifier.tagClass == .contextSpecific && identifier.tagNumber == number
    }
}
