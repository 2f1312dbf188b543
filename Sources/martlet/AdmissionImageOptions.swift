import Admission
import AdmissionImages
import AdvisoryStore
import ArgumentParser
import ContainerImages
import Foundation
import ImageInspection
import ImageStore
import ImageTrust
import Vulnerabilities

/// The store that holds what is known of images: the one that scans of images write.
struct AdmissionImageStoreOptions: ParsableArguments {
    @Option(
        name: .customLong("image-store"),
        help: "The file that keeps what is known of images; by default the one that `martlet image scan` writes.",
        completion: .file())
    var path: String?

    private var place: String { path ?? ImageKeepOptions.standardPath }

    func store() throws -> ImageStore { try ImageKeepOptions.open(place) }

    /// What is remembered of images, without asking anybody; nil where the policy asks for nothing of theirs, or where
    /// nothing was ever kept.
    func recalled(_ policy: Admission.ImagePolicy?) throws -> RecalledVerdicts? {
        guard let policy, ImageJudge(policy).needsAnswers else { return nil }
        guard FileManager.default.fileExists(atPath: place) else {
            guard path == nil else { throw Failure(message: "\(place): there are no stored images") }
            Console.note("martlet: no stored images at \(place); what is in images is not judged")
            return nil
        }
        do throws(ImageStoreError) {
            return try RecalledVerdicts(
                ImageStore.open(path: place), policy: policy, today: DatabasePlace.today.dayNumber)
        } catch {
            throw Failure(message: error.message)
        }
    }
}

/// Where the door's knowledge of images comes from.
struct AdmissionImageOptions: ParsableArguments {
    @OptionGroup var keep: AdmissionImageStoreOptions

    @Option(
        name: .customLong("image-db"), help: "The advisory database; by default the one that `martlet db build` wrote.",
        completion: .file())
    var database: String?

    @Option(
        name: .customLong("image-platform"),
        help: "A platform of the nodes, as linux/arm64; may be repeated; by default linux/amd64.")
    var platforms: [String] = []

    @Option(
        name: .customLong("image-auth-file"),
        help: "A docker configuration with the registries' logins, such as a mounted pull secret.",
        completion: .file())
    var logins: String?

    @Option(
        name: .customLong("image-ca-file"), help: "Authorities of registries to trust beside the system's, as PEM.",
        completion: .file())
    var authorities: String?

    @Option(
        name: .customLong("image-insecure"),
        help: "A registry whose certificate is not checked; may be repeated, * for all.")
    var insecure: [String] = []

    @Option(
        name: .customLong("image-mirror"),
        help: ArgumentHelp("Ask a mirror first; may be repeated.", valueName: "registry=mirror"))
    var mirrors: [String] = []

    @Option(
        name: .customLong("image-bases"), help: "The base images that are approved, one a line, as JSON.",
        completion: .file())
    var bases: String?

    @Option(
        name: .customLong("trusted-root"), help: "Whose signatures are believed: Sigstore's trusted_root.json.",
        completion: .file())
    var root: String?

    @Option(
        name: .customLong("signature-key"), help: "A public key in PEM whose signatures count; may be repeated.",
        completion: .file())
    var keys: [String] = []

    /// What the door knows of images; nil where the policy asks for nothing that has to be looked up.
    func verdicts(
        _ policy: Admission.ImagePolicy?, onNote: @escaping @Sendable (StoredVerdicts.Note) -> Void
    ) throws -> StoredVerdicts? {
        guard let policy, ImageJudge(policy).needsAnswers else { return nil }
        let shelf = AdvisoryShelf(path: DatabasePlace.path(database))
        if policy.needsVerdict { _ = try DatabasePlace.open(database) }
        if !policy.identities.isEmpty, root == nil, keys.isEmpty {
            throw Failure(
                message: "the policy asks for signatures: say whose are believed, --trusted-root or --signature-key")
        }
        do {
            let examiner = ImageExaminer(
                try inspections(), shelf: shelf, bases: try baseImages(), signatures: try signatures())
            return StoredVerdicts(try keep.store(), examiner, policy: policy, onNote: onNote)
        } catch let error as ImageError {
            throw Failure(message: error.message)
        } catch let error as ImageStoreError {
            throw Failure(message: error.message)
        } catch let error as TrustError {
            throw Failure(message: "\(error)")
        }
    }

    private func inspections() throws -> [ImageInspection] {
        var registry = RegistryOptions(credentials: .ofThisMachine(logins))
        for problem in registry.credentials.problems { Console.error(problem) }
        registry.insecure = Set(insecure)
        // Who waits is a queue, not a person; what fails is tried again when it is asked for again.
        registry.retries = 2
        registry.longestWait = .seconds(20)
        if let authorities { registry.authorities = try InputFile.read(authorities) }
        for text in mirrors {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw Failure(message: "--image-mirror \(text): write it as docker.io=mirror.example.com")
            }
            registry.mirrors[parts[0], default: []].append(parts[1])
        }
        let names = platforms.isEmpty ? ["linux/amd64"] : platforms
        return try names.map { name in
            var options = ImageInspection.Options(cache: .standard)
            options.platform = try Platform(name)
            options.registry = registry
            return try ImageInspection(options)
        }
    }

    private func baseImages() throws -> BaseImageIndex {
        guard let bases else { return BaseImageIndex() }
        do {
            return try BaseImageIndex(decoding: try InputFile.read(bases))
        } catch let failure as Failure {
            throw failure
        } catch {
            throw Failure(message: "\(bases): is no list of base images: \(error)")
        }
    }

    private func signatures() throws -> SignatureSearch? {
        guard root != nil || !keys.isEmpty else { return nil }
        return SignatureSearch(
            root: try root.map { try TrustedRoot(try InputFile.read($0), name: $0) },
            keys: try keys.map { try VerificationKey(pem: String(decoding: try InputFile.read($0), as: UTF8.self)) })
    }
}
