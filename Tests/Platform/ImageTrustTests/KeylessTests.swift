import Foundation
import Testing

@testable import ImageTrust

@Suite struct KeylessTests {
    @Test func acceptsAWholeBundle() throws {
        #expect(try SigningWorld().refusal() == nil)
    }

    private func expectRefusal(
        _ check: TrustCheck, _ part: String, _ change: (inout SigningWorld) -> Void,
        location: SourceLocation = #_sourceLocation
    ) throws {
        var world = SigningWorld()
        change(&world)
        let refusal = try world.refusal()
        #expect(refusal?.check == check, "\(refusal?.description ?? "accepted")", sourceLocation: location)
        #expect(refusal?.message.contains(part) == true, "\(refusal?.message ?? "")", sourceLocation: location)
    }

    @Test func everyBrokenPartIsRefusedByItsOwnCheck() throws {
        try expectRefusal(.signature, "signer's key") { $0.artifact = Array("something else".utf8) }
        try expectRefusal(.signature, "signer's key") { $0.signsWithAnotherKey = true }
        try expectRefusal(.log, "promise") { $0.promisesAnotherTime = true }
        try expectRefusal(.log, "does not lead") { $0.proofHashFlipped = true }
        try expectRefusal(.log, "not of the artifact") { $0.loggedArtifact = [1, 2, 3] }
        try expectRefusal(.log, "valid since") { $0.logValidFrom = "2024-01-01T00:00:00Z" }
        try expectRefusal(.trustedRoot, "since when") { $0.logValidFrom = nil }
        try expectRefusal(.certificate, "not at") { $0.integrated.addTimeInterval(601) }
        try expectRefusal(.certificate, "not at") { $0.integrated.addTimeInterval(-101) }
        try expectRefusal(.certificate, "not for code signing") { $0.usage = .serverAuth }
        try expectRefusal(.certificate, "not signed by") { $0.trustsAnotherAuthority = true }
        try expectRefusal(.certificateTransparency, "no timestamp") { $0.hasCertificateTimestamp = false }
        try expectRefusal(.identity, "expected") { $0.identity = "https://example.org/other.yaml" }
        try expectRefusal(.identity, "issuer") { $0.issuer = "https://elsewhere.example.org" }
        try expectRefusal(.bundle, "version") { $0.mediaType = "application/vnd.dev.sigstore.bundle.v0.4+json" }
    }

    @Test func theEndsOfACertificatesLifeBelongToIt() throws {
        var world = SigningWorld()
        world.integrated = world.certificateFrom
        #expect(try world.refusal() == nil)
        world.integrated = world.certificateFrom.addingTimeInterval(600)
        #expect(try world.refusal() == nil)
    }

    @Test func anExpressionMustMeetTheWholeIdentity() throws {
        let world = SigningWorld()
        #expect(try world.refusal(identity: .expression(#"https://example\.org/.*"#)) == nil)
        #expect(try world.refusal(identity: .expression("example"))?.check == .identity)
        #expect(try world.refusal(identity: .expression("("))?.check == .policy)
        #expect(try world.refusal(claims: [.sourceRepository: .exact("x")])?.check == .identity)
    }

    @Test func anOlderTagIsVerifiedByItsAnnotations() throws {
        var world = SigningWorld()
        let digest = "sha256:" + String(repeating: "ab", count: 32)
        world.artifact =
            Array(
                #"{"critical":{"identity":{"docker-reference":""},"image":{"docker-manifest-digest":"\#(digest)"},"#
                    .utf8)
            + Array(#""type":"cosign container image signature"},"optional":null}"#.utf8)
        let made = try world.made()
        let expected = ExpectedIdentity(identity: .expression("https://.*"), issuer: .expression(".*"))
        let verifier = TrustVerifier(root: try TrustedRoot(made.root), policy: TrustPolicy(.identities([expected])))
        let tag = try CosignTag(payload: made.tag.payload, annotations: made.tag.annotations)
        #expect(try verifier.verify(tag, imageDigest: digest).moments.count == 1)
        #expect(throws: TrustError.self) {
            try verifier.verify(tag, imageDigest: "sha256:" + String(repeating: "cd", count: 32))
        }
        var annotations = made.tag.annotations
        annotations["dev.sigstore.cosign/bundle"] = nil
        let unlogged = try CosignTag(payload: made.tag.payload, annotations: annotations)
        #expect(throws: TrustError.self) { try verifier.verify(unlogged, imageDigest: digest) }
    }

    /// Every reader of outside bytes: what is cut or changed is refused or, where it does not matter, accepted; never
    /// a trap.
    @Test func changedBytesNeverTrap() throws {
        let made = try SigningWorld().made()
        let root = try TrustedRoot(made.root)
        let policy = TrustPolicy(
            .identities([ExpectedIdentity(identity: .expression(".*"), issuer: .expression(".*"))]))
        var seed: UInt64 = 7
        func next(_ bound: Int) -> Int {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(seed >> 33) % bound
        }
        for _ in 0..<150 {
            var bytes = made.bundle
            for _ in 0...next(3) { bytes[next(bytes.count)] = UInt8(next(256)) }
            if next(4) == 0 { bytes.removeLast(next(bytes.count)) }
            if let bundle = try? SignedBundle(bytes) {
                _ = try? TrustVerifier(root: root, policy: policy).verify(
                    bundle, artifact: Artifact(bytes: Array("what is signed".utf8)))
            }
            var token = (0..<next(200)).map { _ in UInt8(next(256)) }
            token.insert(0x30, at: 0)
            _ = try? TimestampToken(token)
            _ = try? SignerCertificate(der: token)
            _ = try? VerificationKey(der: token)
        }
    }
}
