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
        name: .customLong("image-auth-file"),
        help: "A docker configuration with the registries' logins, such as a mounted pull secret.",
        completion: .file())
    var logins: String?

    @Option(
        name: .customLong("image-insecure"),
        help: "A registry whose certificate is not checked; may be repeated, * for all.")
    var insecure: [String] = []

    @OptionGroup var trust: AdmissionTrustOptions

    /// What the door knows of images; nil where the policy asks for nothing that has to be looked up.
    func verdicts(
        _ policy: Admission.ImagePolicy?, onNote: @escaping @Sendable (StoredVerdicts.Note) -> Void
    ) throws -> StoredVerdicts? {
        guard let policy, ImageJudge(policy).needsAnswers else { return nil }
        let shelf = AdvisoryShelf(path: DatabasePlace.path(database))
        if policy.needsVerdict { _ = try DatabasePlace.open(database) }
        if !policy.identities.isEmpty, trust.root == nil, trust.keys.isEmpty {
            throw Failure(
                message: "the policy asks for signatures: say whose are believed, --trusted-root or --signature-key")
        }
        do {
            // Connections last: what has none to close may fail.
            let (bases, signatures) = (
                try trust.bases.map(BaseOptions.read) ?? BaseImageIndex(), try trust.signatures()
            )
            let store = try keep.store()
            let examiner = ImageExaminer(try inspections(), shelf: shelf, bases: bases, signatures: signatures)
            return StoredVerdicts(store, examiner, policy: policy, onNote: onNote)
        } catch let error as ImageError {
            throw Failure(message: error.message)
        } catch let error as ImageStoreError {
            throw Failure(message: error.message)
        } catch let error as TrustError {
            throw Failure(message: "\(error)")
        }
    }

    private func inspections() throws -> [ImageInspection] {
        var registry = try RegistryConnection(
            logins: logins, authorities: trust.authorities, insecure: Set(insecure), mirrors: trust.mirrors,
            mirrorFlag: "--image-mirror"
        ).options()
        // Who waits is a queue, not a person; what fails is tried again when it is asked for again.
        registry.retries = 2
        registry.longestWait = .seconds(20)
        let names = trust.platforms.isEmpty ? ["linux/amd64"] : trust.platforms
        return try names.map { try Platform($0) }.map { platform in
            var options = ImageInspection.Options(cache: .standard)
            options.platform = platform
            options.registry = registry
            return try ImageInspection(options)
        }
    }
}
