import ArgumentParser
import ContainerImages
import Documents
import Foundation
import ImageInspection
import ImageTrust

struct ImageVerifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Say who signed an artifact, and prove it offline.",
        discussion: """
              martlet image verify --bundle app.sigstore.json --trusted-root trusted_root.json \\
                --certificate-identity-regexp 'https://github.com/our/.*' \\
                --certificate-oidc-issuer https://token.actions.githubusercontent.com app.tar
              martlet image verify --bundle app.sigstore.json --key cosign.pub --no-log sha256:...
              martlet image verify ghcr.io/team/app:1.2 --key cosign.pub --no-log

            With --bundle the artifact is a file, or its digest, and nothing is fetched. Without, it is an image in a
            registry, whose signatures are looked for among its referrers and under cosign's older tags. The trusted
            root is a file (https://github.com/sigstore/root-signing keeps Sigstore's). Exit codes: 0 verified,
            1 refused, and why, 2 unreadable input.
            """)

    @Option(help: "A Sigstore bundle, version 0.1 to 0.3.")
    var bundle: String?

    @Argument(
        help: "With --bundle the signed file or its digest, or nothing for an attestation; else an image in a registry."
    )
    var artifact: String?

    @OptionGroup(title: "Registry") var read: ImageReadOptions

    @Option(help: "Whom to believe: Sigstore's trusted_root.json.")
    var trustedRoot: String?

    @Option(help: "A public key in PEM; several are alternatives.")
    var key: [String] = []

    @Option(help: "The signer's identity, exactly.")
    var certificateIdentity: String?

    @Option(help: "The signer's identity, as a regular expression over the whole of it.")
    var certificateIdentityRegexp: String?

    @Option(help: "Who vouches for the identity, exactly.")
    var certificateOidcIssuer: String?

    @Option(help: "Who vouches for the identity, as a regular expression over the whole of it.")
    var certificateOidcIssuerRegexp: String?

    @Flag(help: "Do not ask for an entry of a transparency log; only with --key.")
    var noLog = false

    @Option(help: "The type an attestation must have, such as https://slsa.dev/provenance/v1.")
    var predicateType: [String] = []

    @Option(help: "The builder that SLSA provenance must name.")
    var builder: String?

    @Option(help: "The source repository that SLSA provenance must name.")
    var sourceRepository: String?

    @Flag(help: "Write the result as JSON.")
    var json = false

    func validate() throws {
        if bundle == nil, artifact == nil { throw ValidationError("name an image, or a --bundle") }
        let hasIdentity = certificateIdentity != nil || certificateIdentityRegexp != nil
        let hasIssuer = certificateOidcIssuer != nil || certificateOidcIssuerRegexp != nil
        if key.isEmpty, !hasIdentity || !hasIssuer {
            throw ValidationError("say whom to trust: --key, or --certificate-identity and --certificate-oidc-issuer")
        }
        if !key.isEmpty, hasIdentity || hasIssuer {
            throw ValidationError("trust either keys or identities; --key and --certificate-... contradict each other")
        }
        if noLog, key.isEmpty { throw ValidationError("--no-log needs --key: a certificate lives for minutes only") }
        if trustedRoot == nil, key.isEmpty || !noLog {
            throw ValidationError("--trusted-root is needed, unless --key comes with --no-log")
        }
    }

    func run() async throws {
        let result: TrustResult
        do {
            if let bundle { result = try verify(bundle) } else { result = try await verifyImage() }
        } catch let error as TrustError {
            switch error.check {
            case .trustedRoot where error.message.contains("not a form"):
                throw Failure(message: "\(trustedRoot ?? ""): \(error.message)")
            case .policy where error.message.contains("regular expression"): throw Failure(message: error.message)
            default: break
            }
            if json {
                var writer = JSONWriter(compact: false)
                writer.object { writer in
                    writer.member("verified", false)
                    writer.member("check", error.check.rawValue)
                    writer.member("reason", error.message)
                }
                Console.print(writer.string)
            }
            throw Failure(message: "\(bundle ?? artifact ?? ""): refused: \(error)", code: 1)
        }
        Console.print(json ? TrustText(result).json() : TrustText(result).lines().joined(separator: "\n"))
    }

    private func verify(_ bundle: String) throws -> TrustResult {
        let read = try SignedBundle(BillFile.bytes(bundle), name: bundle)
        return try verifier().verify(read, artifact: try signedArtifact())
    }

    /// The first signature beside the image that proves what was asked for.
    private func verifyImage() async throws -> TrustResult {
        let verifier = try verifier()
        let inspection = try read.inspection()
        do {
            let source = try RegistrySource(artifact ?? "", inspection.client)
            let digest = try await source.named().digest
            let found = try await source.signatures(of: digest)
            await inspection.close()
            return try Self.first(of: found, verifier, digest.description)
        } catch let error as ImageError {
            await inspection.close()
            throw Failure(message: error.message)
        }
    }

    private static func first(
        of found: [RegistrySource.Signed], _ verifier: TrustVerifier, _ digest: String
    ) throws(TrustError) -> TrustResult {
        var refused: [(place: String, error: TrustError)] = []
        for signed in found {
            do throws(TrustError) {
                var result =
                    signed.isBundle
                    ? try verifier.verify(
                        try SignedBundle(signed.contents, name: signed.place), artifact: try Artifact(digest: digest))
                    : try verifier.verify(
                        try CosignTag(payload: signed.contents, annotations: signed.annotations), imageDigest: digest)
                result.notes.append("found as \(signed.place), over \(digest)")
                result.notes += refused.map { "\($0.place) is refused: \($0.error)" }
                return result
            } catch {
                refused.append((signed.place, error))
            }
        }
        guard let first = refused.first else {
            throw TrustError(
                .artifact,
                "nothing beside \(digest) is a signature: neither among its referrers nor under cosign's tags")
        }
        let all = refused.map { "\($0.place): \($0.error.message)" }.joined(separator: "; ")
        throw TrustError(first.error.check, "none of \(refused.count) signatures proves it: \(all)")
    }

    private func verifier() throws -> TrustVerifier {
        let signers: TrustPolicy.Signers
        if key.isEmpty {
            let identity = certificateIdentity.map(TextPattern.exact) ?? .expression(certificateIdentityRegexp ?? "")
            let issuer = certificateOidcIssuer.map(TextPattern.exact) ?? .expression(certificateOidcIssuerRegexp ?? "")
            signers = .identities([ExpectedIdentity(identity: identity, issuer: issuer)])
        } else {
            signers = .keys(
                try key.map { try VerificationKey(pem: String(decoding: BillFile.bytes($0), as: UTF8.self)) })
        }
        var policy = TrustPolicy(signers)
        if noLog { policy.logEntries = 0 }
        if !predicateType.isEmpty || builder != nil || sourceRepository != nil {
            policy.statement = StatementPolicy(
                predicateTypes: predicateType.map(TextPattern.exact), builder: builder.map(TextPattern.exact),
                sourceRepository: sourceRepository.map(TextPattern.exact))
        }
        let root = try trustedRoot.map { try TrustedRoot(BillFile.bytes($0), name: $0) }
        return TrustVerifier(root: root, policy: policy)
    }

    private func signedArtifact() throws -> Artifact? {
        guard let artifact else { return nil }
        if !FileManager.default.fileExists(atPath: artifact), artifact.hasPrefix("sha") {
            return try Artifact(digest: artifact)
        }
        guard let file = FileHandle(forReadingAtPath: artifact) else {
            throw Failure(message: "\(artifact): cannot be read")
        }
        defer { try? file.close() }
        return try Artifact { try file.read(upToCount: 1 << 20).map { Array($0) } ?? [] }
    }
}

/// What was proven, as people and as programs read it.
struct TrustText {
    private let result: TrustResult

    init(_ result: TrustResult) { self.result = result }

    func lines() -> [String] {
        var lines: [String] = []
        switch result.signer {
        case .key(let algorithm, let fingerprint):
            lines.append("verified: signed with the \(algorithm) key \(fingerprint)")
        case .certificate(let identities, let issuer, let claims):
            lines.append("verified: signed by \(identities.joined(separator: ", "))")
            lines.append("  issuer: \(issuer ?? "not named")")
            for claim in [FulcioClaim.sourceRepository, .sourceDigest, .sourceRef, .buildTrigger, .runnerEnvironment] {
                if let value = claims[claim] { lines.append("  \(claim.title): \(value)") }
            }
        }
        for moment in result.moments {
            lines.append("  signed at \(moment.moment.formatted(.iso8601)), says \(moment.name)")
        }
        for entry in result.logEntries { lines.append("  entry \(entry.index) of \(entry.log)") }
        if let statement = result.statement {
            lines.append("  attestation: \(statement.predicateType)")
            if case .provenance(let provenance) = statement.claim {
                lines.append("    built by \(provenance.builder ?? "nobody named")")
                if let repository = provenance.sourceRepository {
                    lines.append("    from \(repository) \(provenance.sourceCommit ?? "")")
                }
            }
        }
        for note in result.notes { lines.append("  note: \(note)") }
        return lines
    }

    func json() -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member("verified", true)
            switch result.signer {
            case .key(let algorithm, let fingerprint):
                writer.member("algorithm", algorithm)
                writer.member("key", fingerprint)
            case .certificate(let identities, let issuer, let claims):
                writer.member("identities", identities)
                writer.member("issuer", issuer ?? "")
                writer.key("claims")
                writer.object { writer in
                    for claim in FulcioClaim.allCases {
                        if let value = claims[claim], !claim.isBareText { writer.member("\(claim)", value) }
                    }
                }
            }
            writer.key("moments")
            writer.array { writer in
                for moment in result.moments {
                    writer.object { writer in
                        writer.member("time", moment.moment.formatted(.iso8601))
                        writer.member("witness", moment.name)
                    }
                }
            }
            writer.key("logEntries")
            writer.array { writer in
                for entry in result.logEntries {
                    writer.object { writer in
                        writer.member("log", entry.log)
                        writer.member("index", Int(entry.index))
                    }
                }
            }
            if let statement = result.statement { writer.member("predicateType", statement.predicateType) }
            writer.member("notes", result.notes)
        }
        return writer.string
    }
}

struct ImageAttestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attest",
        abstract: "Sign a bill of materials, a scan or any statement about an image with a key of your own.",
        discussion: """
              martlet image attest --key key.pem --type cyclonedx --predicate app.cdx.json \\
                --subject registry.example.org/app@sha256:... > app.sigstore.json

            Writes a Sigstore bundle with an in-toto statement, as registries keep it among an image's referrers.
            """)

    /// Names for the predicate types in use; any other is taken as it is.
    private static let types = [
        "cyclonedx": "https://cyclonedx.org/bom", "spdx": "https://spdx.dev/Document",
        "vuln": "https://cosign.sigstore.dev/attestation/vuln/v1", "openvex": "https://openvex.dev/ns/v0.2.0",
        "slsaprovenance1": "https://slsa.dev/provenance/v1",
    ]

    @Option(help: "A private key in PEM, unencrypted: ECDSA, Ed25519 or RSA.")
    var key: String

    @Option(help: "What the predicate is: cyclonedx, spdx, vuln, openvex, slsaprovenance1, or a URI.")
    var type: String

    @Option(help: "The predicate, a JSON file; - for standard input.")
    var predicate: String

    @Option(help: "What it is about, as name@sha256:....")
    var subject: [String]

    func run() throws {
        let subjects = try subject.map { text in
            guard let at = text.lastIndex(of: "@") else {
                throw Failure(message: "--subject \(text): write it as name@sha256:...")
            }
            let digest = String(text[text.index(after: at)...])
            let parts = digest.split(separator: ":", maxSplits: 1).map(String.init)
            do {
                _ = try Artifact(digest: digest)
            } catch let error as TrustError {
                throw Failure(message: "--subject \(text): \(error.message)")
            }
            return Statement.Subject(name: String(text[..<at]), digests: [parts[0]: parts[1]])
        }
        let node: Node
        do {
            node = try DocumentReader.readJSON(SourceText(name: predicate, bytes: BillFile.bytes(predicate)))
        } catch let error as DocumentError {
            throw Failure(message: "\(error)")
        }
        let statement = Statement.json(
            subjects: subjects, predicateType: Self.types[type] ?? type, predicate: node)
        do {
            let signer = try AttestationSigner(pem: String(decoding: BillFile.bytes(key), as: UTF8.self))
            Console.print(String(decoding: signer.bundle(try signer.envelope(statement)), as: UTF8.self))
        } catch let error as TrustError {
            throw Failure(message: "\(key): \(error.message)")
        }
    }
}
