import ArgumentParser
import ContainerImages
import Documents
import Findings
import Foundation
import ImageInspection
import ImageTrust
import Vulnerabilities

struct ImageAttachCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Put an image's bill of materials and an attestation of its scan beside it in its registry.",
        discussion: """
              martlet image attach ghcr.io/team/app:1.2 --key key.pem
              martlet image attach ghcr.io/team/app:1.2 --form spdx-json --no-scan

            Both lie there as OCI referrers of the image (where a registry lists none, under the tag that takes the
            list's place). With --key they are in-toto statements in Sigstore bundles, which `martlet image verify`
            and cosign verify; without, the bill lies there as it is and the statement of the scan is unsigned. The
            same image, database and day give the same bytes. Exit codes: 0 attached, 2 not, 3 attached, but parts of
            the image could not be read.
            """)

    @Argument(help: "An image in a registry; of several platforms the one that --platform names.")
    var image: String

    @OptionGroup(title: "Reading") var read: ImageReadOptions
    @OptionGroup(title: "Matching") var match: ImageMatchOptions

    @Option(help: "A private key in PEM, unencrypted, to sign with: ECDSA, Ed25519 or RSA.")
    var key: String?

    @Option(help: "The form of the bill: cyclonedx-1.6, cyclonedx-1.7, spdx-json, spdx-3 or syft-json.")
    var form: BillContents.Form = .cycloneDX16

    @Flag(name: .customLong("no-sbom"), help: "No bill of materials.")
    var noBill = false

    @Flag(name: .customLong("no-scan"), help: "No attestation of the scan; no advisory database is needed then.")
    var noScan = false

    @Option(help: "VEX documents: OpenVEX, CSAF or CycloneDX.")
    var vex: [String] = []

    func validate() throws {
        if noBill, noScan { throw ValidationError("nothing is left to attach") }
        if key != nil, form == .spdxTags { throw ValidationError("a signed statement holds JSON: use spdx-json") }
    }

    func run() async throws {
        let signer = try key.map { path in
            do throws(TrustError) {
                return try AttestationSigner(pem: String(decoding: try Self.bytes(path), as: UTF8.self))
            } catch {
                throw Failure(message: "\(path): \(error.message)")
            }
        }
        if !noScan { _ = try DatabasePlace.open(match.database) }
        let inspection = try read.inspection()
        do {
            let source = try RegistrySource(image, inspection.client)
            let subject = try await read.subject(image, inspection)
            guard let digest = subject.result?.image?.digest else {
                throw Failure(message: "\(image): its digest is not known")
            }
            let named = "\(source.reference.registry)/\(source.reference.repository)"
            // By digest, since the size and the type of the manifest stand in what refers to it.
            let manifest = try await RegistrySource("\(named)@\(digest)", inspection.client).named()
            for part in try parts(of: subject) {
                let artifact = try Self.artifact(part, named, digest.description, signer)
                let placed = try await source.attach(artifact, to: manifest)
                Console.print("\(part.title): \(named)@\(placed)")
            }
            await inspection.close()
            if !subject.isComplete { throw ExitCode(3) }
        } catch let error as ImageError {
            await inspection.close()
            throw Failure(message: error.message)
        } catch {
            await inspection.close()
            throw error
        }
    }

    private static func bytes(_ path: String) throws(TrustError) -> [UInt8] {
        guard let bytes = try? BillFile.bytes(path) else { throw TrustError(.bundle, "cannot be read") }
        return bytes
    }

    private struct Part {
        var title: String
        /// What it is where it is not signed.
        var mediaType: String
        var predicateType: String
        var contents: [UInt8]
        /// Only as a statement: by itself it says nothing.
        var isStatement: Bool
    }

    private func parts(of subject: ImageSubject) throws -> [Part] {
        var parts: [Part] = []
        if !noBill {
            parts.append(
                Part(
                    title: "bill of materials", mediaType: form.mediaType, predicateType: form.predicateType,
                    contents: subject.contents(Clock.now()).written(as: form), isStatement: false))
        }
        if !noScan { parts.append(try scan(subject)) }
        return parts
    }

    /// The predicate that cosign calls `vuln`, with the findings as `martlet image scan --output json` has them.
    ///
    /// Source: sigstore/cosign, "Cosign Vulnerability Scan Record Attestation Specification".
    private func scan(_ subject: ImageSubject) throws -> Part {
        var subject = subject
        subject.bill = match.told(subject.bill)
        let (database, matcher) = try match.matcher(subject.bill)
        let report = matcher.match(subject.bill.packages)
        let today = try match.day()
        let documents = try vex.map { try VEXFile.read($0) }
        let decisions = VEXFilter(documents, subjects: subject.result?.subjects ?? []).apply(
            to: report.findings, of: subject.bill.packages
        ).decisions
        let rows = decisions.map { ImageRow($0, subject.bill, database, today) }.sorted(by: ImageRow.isBefore)
        let text = ImageReportText(
            bill: subject.bill, report: report, database: database, rows: rows, remediation: nil, file: image,
            notes: subject.notes, isComplete: subject.isComplete,
            faults: subject.result?.faults(ImageInspector(ImagePolicy(today: today))) ?? [])
        let source = SourceText(name: "scan", bytes: Array(ImageReportText.json([text]).utf8))
        guard let result = try? DocumentReader.readJSON(source) else {
            preconditionFailure("what the writer wrote is JSON")
        }
        var writer = JSONWriter()
        let day = "\(today.text)T00:00:00Z"
        writer.object { writer in
            writer.member("invocation", object: { _ in })
            writer.member(
                "scanner",
                object: { writer in
                    writer.member("uri", "pkg:generic/martlet@\(MartletVersion.current)")
                    writer.member("version", MartletVersion.current)
                    writer.member(
                        "db",
                        object: { writer in
                            writer.member("uri", "sha256:\(database.digest)")
                            writer.member("lastUpdate", database.built.map { "\($0.text)T00:00:00Z" } ?? day)
                        })
                    writer.key("result")
                    writer.value(result)
                })
            writer.member(
                "metadata",
                object: { writer in
                    writer.member("scanStartedOn", day)
                    writer.member("scanFinishedOn", day)
                })
        }
        return Part(
            title: "scan", mediaType: Envelope.inToto,
            predicateType: "https://cosign.sigstore.dev/attestation/vuln/v1", contents: writer.bytes, isStatement: true)
    }

    private static func artifact(
        _ part: Part, _ name: String, _ digest: String, _ signer: AttestationSigner?
    ) throws -> ReferrerArtifact {
        guard signer != nil || part.isStatement else {
            return ReferrerArtifact(artifactType: part.mediaType, contents: part.contents)
        }
        let hex = String(digest.drop { $0 != ":" }.dropFirst())
        let predicate: Node
        do {
            predicate = try DocumentReader.readJSON(SourceText(name: part.title, bytes: part.contents))
        } catch {
            throw Failure(message: "\(part.title): \(error)")
        }
        let statement = Statement.json(
            subjects: [.init(name: name, digests: [String(digest.prefix { $0 != ":" }): hex])],
            predicateType: part.predicateType, predicate: predicate)
        guard let signer else {
            return ReferrerArtifact(
                artifactType: Envelope.inToto, contents: statement,
                annotations: ["in-toto.io/predicate-type": part.predicateType])
        }
        do throws(TrustError) {
            return ReferrerArtifact(
                artifactType: "application/vnd.dev.sigstore.bundle.v0.3+json",
                contents: signer.bundle(try signer.envelope(statement)),
                annotations: [
                    "dev.sigstore.bundle.content": "dsse-envelope",
                    "dev.sigstore.bundle.predicateType": part.predicateType,
                ])
        } catch {
            throw Failure(message: error.message)
        }
    }
}

extension BillContents.Form {
    fileprivate var mediaType: String {
        switch self {
        case .cycloneDX16, .cycloneDX17: "application/vnd.cyclonedx+json"
        case .spdxJSON, .spdx3: "application/spdx+json"
        case .spdxTags: "text/spdx"
        case .syft: "application/vnd.syft+json"
        }
    }

    fileprivate var predicateType: String {
        switch self {
        case .cycloneDX16, .cycloneDX17: "https://cyclonedx.org/bom"
        case .spdxJSON, .spdx3, .spdxTags: "https://spdx.dev/Document"
        case .syft: "https://syft.dev/bom"
        }
    }
}
