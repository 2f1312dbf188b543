import Admission
import ContainerImages
import Crypto
import Documents
import Findings
import FoundationEssentials
import ImageTrust
import Kubernetes
import Testing

@testable import AdmissionImages

/// Signatures of images in a real registry, as they are found beside the requests.
@Suite(.serialized, .enabled(if: TestRegistry.isInstalled, "docker-registry is not installed"))
struct SignatureSearchTests {
    private static let provenance = "https://slsa.dev/provenance/v1"
    private static let bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

    private static func signer() throws -> AttestationSigner {
        try AttestationSigner(pem: P256.Signing.PrivateKey().pemRepresentation)
    }

    private static func fingerprint(_ signer: AttestationSigner) -> String {
        "sha256:" + signer.publicKey.fingerprint.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func statement(_ digest: String) throws -> [UInt8] {
        Statement.json(
            subjects: [.init(name: "web", digests: ["sha256": String(digest.dropFirst(7))])], predicateType: provenance,
            predicate: try DocumentReader.readJSON(SourceText(name: "", bytes: Array("{}".utf8))))
    }

    /// A registry with one image, and a way to ask for its signers.
    private struct Shop: Sendable {
        var registry: TestRegistry
        var digest: String
        var source: RegistrySource

        func attach(_ bundle: [UInt8], type: String = bundleType) async throws {
            let named = try await source.named()
            _ = try await source.attach(ReferrerArtifact(artifactType: type, contents: bundle), to: named)
        }

        func signers(_ keys: [AttestationSigner]) async throws -> [ImageVerdict.Signer] {
            try await SignatureSearch(root: nil, keys: keys.map(\.publicKey))
                .signers(of: try ContentDigest(digest), source)
        }
    }

    private static func withShop(_ body: @escaping @Sendable (Shop) async throws -> Void) async throws {
        try await TestRegistry.run { registry in
            let digest = try await registry.push("shop/web", "1", package: "openssl", "3.0.11-1")
            let inspection = try DoorImages.inspection(registry)
            let source = try RegistrySource("\(registry.host)/shop/web@\(digest)", inspection.client)
            do {
                try await body(Shop(registry: registry, digest: digest, source: source))
            } catch {
                await inspection.close()
                throw error
            }
            await inspection.close()
        }
    }

    @Test func whoSignedWithAKeyThatIsTrustedIsASignerAndNobodyElseIs() async throws {
        try await Self.withShop { shop in
            let (ours, theirs) = (try Self.signer(), try Self.signer())
            #expect(try await shop.signers([ours]).isEmpty)
            let statement = try Self.statement(shop.digest)
            try await shop.attach(theirs.bundle(try theirs.envelope(statement)))
            #expect(try await shop.signers([ours]).isEmpty)
            try await shop.attach(ours.bundle(try ours.envelope(statement)))
            let wanted = ImageVerdict.Signer(
                issuer: "key", subject: Self.fingerprint(ours), predicateType: Self.provenance)
            #expect(try await shop.signers([ours]) == [wanted])
        }
    }

    @Test func aSignatureOfAnotherImageAndWhatIsNoneSayNothingAndHideNothing() async throws {
        try await Self.withShop { shop in
            let ours = try Self.signer()
            let other = "sha256:" + String(repeating: "1", count: 64)
            try await shop.attach(ours.bundle(try ours.envelope(try Self.statement(other))))
            try await shop.attach(Array("no bundle at all".utf8))
            try await shop.attach(Array("{}".utf8), type: "application/vnd.cyclonedx+json")
            #expect(try await shop.signers([ours]).isEmpty)
            try await shop.attach(ours.bundle(try ours.envelope(try Self.statement(shop.digest))))
            #expect(try await shop.signers([ours]).count == 1)
        }
    }

    @Test func signaturesUnderTheTagsOfOlderCosignsCount() async throws {
        try await Self.withShop { shop in
            let (ours, theirs) = (try Self.signer(), try Self.signer())
            let payload = """
                {"critical":{"identity":{"docker-reference":"shop/web"},"image":{"docker-manifest-digest":"\(shop.digest)"},\
                "type":"cosign container image signature"},"optional":null}
                """
            let signatures = try [theirs, ours].map { signer in
                Data(try signer.signature(over: Array(payload.utf8))).base64EncodedString()
            }
            try await shop.registry.push(
                layers: signatures.map { (payload, ["dev.cosignproject.cosign/signature": $0]) },
                as: "sha256-\(shop.digest.dropFirst(7)).sig", in: "shop/web")
            let wanted = ImageVerdict.Signer(issuer: "key", subject: Self.fingerprint(ours), predicateType: nil)
            #expect(try await shop.signers([ours]) == [wanted])
        }
    }

    @Test func theDoorAsksForThemAndAnImageScannedBeforeIsLookedIntoAgain() async throws {
        try await TestRegistry.run { registry in
            let digest = try await registry.push("shop/web", "1", package: "openssl", "3.0.11-1")
            let ours = try Self.signer()
            var policy = Admission.ImagePolicy()
            policy.identities = [.init(issuer: Glob("key"), subject: Glob(Self.fingerprint(ours)))]
            let name = ImageReference("\(registry.host)/shop/web:1")
            let judge = ImageJudge(policy)
            // Looked into when nobody asked for signatures.
            let before = try DoorImages(registry, [], policy: policy)
            try await before.working {
                before.verdicts.enqueue(name, digest: digest)
                _ = try await before.nextNote()
                #expect(before.verdicts.verdict(of: digest)?.signers == nil)
            }
            let images = try DoorImages(
                registry, [], policy: policy, signatures: SignatureSearch(root: nil, keys: [ours.publicKey]))
            try await images.working {
                func broken() -> [String] {
                    let verdict = images.verdicts.verdict(of: digest)
                    return judge.rules(brokenBy: "\(registry.host)/shop/web:1", .init(.digest(digest), verdict)).map(
                        \.id)
                }
                #expect(broken() == ["image/not-signed-as-required"])
                // Being asked was enough to have it looked into.
                let note = try await images.nextNote()
                #expect(note.failure == nil)
                #expect(images.verdicts.verdict(of: digest)?.signers == [])
                #expect(broken() == ["image/not-signed-as-required"])
            }
            let inspection = try DoorImages.inspection(registry)
            let source = try RegistrySource("\(registry.host)/shop/web@\(digest)", inspection.client)
            let bundle = ours.bundle(try ours.envelope(try Self.statement(digest)))
            let named = try await source.named()
            _ = try await source.attach(ReferrerArtifact(artifactType: Self.bundleType, contents: bundle), to: named)
            await inspection.close()
            let after = try DoorImages(
                registry, [], policy: policy, signatures: SignatureSearch(root: nil, keys: [ours.publicKey]))
            try await after.working {
                after.verdicts.enqueue(name, digest: digest)
                _ = try await after.nextNote()
                let verdict = after.verdicts.verdict(of: digest)
                #expect(judge.rules(brokenBy: "\(registry.host)/shop/web:1", .init(.digest(digest), verdict)).isEmpty)
            }
        }
    }
}
