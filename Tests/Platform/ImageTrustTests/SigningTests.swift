import Crypto
import CryptoExtras
import Documents
import Encodings
import Foundation
import Testing

@testable import ImageTrust

@Suite struct SigningTests {
    private static func ed25519() -> String {
        let key = Curve25519.Signing.PrivateKey()
        let inner = DERText.wrap(0x04, Array(key.rawRepresentation))
        let bytes = DERText.wrap(
            0x30, [0x02, 1, 0] + DERText.wrap(0x30, [0x06, 3, 0x2B, 0x65, 0x70]) + DERText.wrap(0x04, inner))
        return "-----BEGIN PRIVATE KEY-----\n\(Base64.text(bytes))\n-----END PRIVATE KEY-----\n"
    }

    private static func keys() throws -> [String] {
        [
            P256.Signing.PrivateKey().pemRepresentation, P384.Signing.PrivateKey().pemRepresentation,
            P521.Signing.PrivateKey().pemRepresentation, ed25519(),
            try _RSA.Signing.PrivateKey(keySize: .bits2048).pemRepresentation,
        ]
    }

    private let artifact = Artifact(bytes: Array("an image's manifest".utf8))

    private func statement(_ type: String, _ predicate: String) throws -> [UInt8] {
        Statement.json(
            subjects: [
                Statement.Subject(
                    name: "image", digests: ["sha256": Hexadecimal.text(artifact.digests[.sha256] ?? [])])
            ], predicateType: type,
            predicate: try DocumentReader.readJSON(SourceText(name: "", bytes: Array(predicate.utf8))))
    }

    private func verifier(_ signer: AttestationSigner, _ statement: StatementPolicy? = nil) -> TrustVerifier {
        var policy = TrustPolicy(.keys([signer.publicKey]))
        policy.logEntries = 0
        policy.statement = statement
        return TrustVerifier(root: nil, policy: policy)
    }

    @Test func whatWeSignWeVerifyWithEveryKindOfKey() throws {
        let text = try statement("https://cyclonedx.org/bom", #"{"bomFormat":"CycloneDX"}"#)
        for pem in try Self.keys() {
            let signer = try AttestationSigner(pem: pem)
            let bundle = try SignedBundle(signer.bundle(try signer.envelope(text)))
            let result = try verifier(signer).verify(bundle, artifact: artifact)
            #expect(result.statement?.predicateType == "https://cyclonedx.org/bom")
            let bare = try SignedBundle(try signer.bundle(artifact: Array("an image's manifest".utf8)))
            #expect(try verifier(signer).verify(bare, artifact: artifact).statement == nil)
            let other = try AttestationSigner(pem: P256.Signing.PrivateKey().pemRepresentation)
            #expect(throws: TrustError.self) { try verifier(other).verify(bundle, artifact: artifact) }
            #expect(throws: TrustError.self) {
                try verifier(signer).verify(bundle, artifact: Artifact(bytes: [1]))
            }
            #expect(throws: TrustError.self) { try verifier(signer).verify(bare, artifact: Artifact(bytes: [1])) }
        }
    }

    @Test func aDigestIsEnoughWhereAHashIsSigned() throws {
        let digest = try Artifact(digest: artifact.text)
        let signer = try AttestationSigner(pem: P256.Signing.PrivateKey().pemRepresentation)
        let rsa = try AttestationSigner(pem: try _RSA.Signing.PrivateKey(keySize: .bits2048).pemRepresentation)
        for signer in [signer, rsa] {
            let bare = try SignedBundle(try signer.bundle(artifact: Array("an image's manifest".utf8)))
            #expect(try verifier(signer).verify(bare, artifact: digest).notes.isEmpty)
        }
        #expect(throws: TrustError.self) { try Artifact(digest: "sha256:abcd") }
        #expect(throws: TrustError.self) { try Artifact(digest: "md5:d41d8cd98f00b204e9800998ecf8427e") }
    }

    @Test func aChangedEnvelopeIsRefused() throws {
        let signer = try AttestationSigner(pem: P256.Signing.PrivateKey().pemRepresentation)
        var envelope = try signer.envelope(try statement("https://openvex.dev/ns/v0.2.0", "{}"))
        envelope.payloadType = "text/plain"
        #expect(throws: TrustError.self) {
            try verifier(signer).verify(try SignedBundle(signer.bundle(envelope)), artifact: artifact)
        }
    }

    @Test func aKeyWithoutALogIsRefusedUnlessThePolicySaysSo() throws {
        let signer = try AttestationSigner(pem: P256.Signing.PrivateKey().pemRepresentation)
        let bundle = try SignedBundle(signer.bundle(artifact: Array("an image's manifest".utf8)))
        let strict = TrustVerifier(root: nil, policy: TrustPolicy(.keys([signer.publicKey])))
        let refusal = #expect(throws: TrustError.self) { try strict.verify(bundle, artifact: artifact) }
        #expect(refusal?.check == .log)
        let identity = ExpectedIdentity(identity: .exact("x"), issuer: .exact("y"))
        let keyless = TrustVerifier(root: nil, policy: TrustPolicy(.identities([identity])))
        #expect(
            #expect(throws: TrustError.self) { try keyless.verify(bundle, artifact: artifact) }?.check == .signer)
    }

    private static let provenance = """
        {"buildDefinition":{"buildType":"t","externalParameters":{"workflow":{"ref":"refs/heads/main",
        "repository":"https://github.com/o/r"}},"resolvedDependencies":[{"uri":"git+https://github.com/o/r@refs/heads/main",
        "digest":{"gitCommit":"abc"}}]},"runDetails":{"builder":{"id":"https://builder.example.org/v1"}}}
        """
    private static let older = """
        {"builder":{"id":"https://builder.example.org/v1"},"buildType":"t","invocation":{"configSource":
        {"uri":"git+https://github.com/o/r@refs/heads/main","digest":{"sha1":"abc"}}}}
        """

    @Test func policiesOfProvenanceLookAtBuilderAndSource() throws {
        let signer = try AttestationSigner(pem: P256.Signing.PrivateKey().pemRepresentation)
        for (type, predicate) in [
            ("https://slsa.dev/provenance/v1", Self.provenance), ("https://slsa.dev/provenance/v0.2", Self.older),
        ] {
            let bundle = try SignedBundle(signer.bundle(try signer.envelope(try statement(type, predicate))))
            func verdict(_ policy: StatementPolicy) -> TrustCheck? {
                do throws(TrustError) {
                    _ = try verifier(signer, policy).verify(bundle, artifact: artifact)
                    return nil
                } catch {
                    return error.check
                }
            }
            let builder = TextPattern.exact("https://builder.example.org/v1")
            let repository = TextPattern.exact("https://github.com/o/r")
            #expect(verdict(StatementPolicy(builder: builder, sourceRepository: repository)) == nil)
            #expect(verdict(StatementPolicy(builder: .exact("https://other"))) == .policy)
            #expect(verdict(StatementPolicy(sourceRepository: .exact("https://github.com/o/other"))) == .policy)
            #expect(verdict(StatementPolicy(predicateTypes: [.exact("https://openvex.dev/ns")])) == .policy)
            guard case .provenance(let read)? = try verifier(signer).verify(bundle, artifact: artifact).statement?.claim
            else {
                Issue.record("no provenance")
                continue
            }
            #expect(read.sourceCommit == "abc" && read.sourceRef == "refs/heads/main")
        }
    }

    @Test func aScanThatIsTooOldIsRefused() throws {
        let signer = try AttestationSigner(pem: P256.Signing.PrivateKey().pemRepresentation)
        let predicate = #"{"scanner":{"uri":"pkg:x"},"metadata":{"scanFinishedOn":"2026-01-02T00:00:00Z"}}"#
        let text = try statement("https://cosign.sigstore.dev/attestation/vuln/v1", predicate)
        let bundle = try SignedBundle(signer.bundle(try signer.envelope(text)))
        let older = StatementPolicy(scannedSince: Moment.date("2026-01-01T00:00:00Z"))
        let newer = StatementPolicy(scannedSince: Moment.date("2026-01-03T00:00:00Z"))
        #expect(try verifier(signer, older).verify(bundle, artifact: artifact).statement != nil)
        #expect(throws: TrustError.self) { try verifier(signer, newer).verify(bundle, artifact: artifact) }
    }
}
