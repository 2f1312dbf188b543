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

/// Where the door's knowledge of images comes from.
struct AdmissionImageOptions: ParsableArguments {
    @Option(
        name: .customLong("image-store"),
        help: "The file that keeps what is known of images; by default images.db in Martlet's cache.",
        completion: .file())
    var store: String?

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
            let examiner = ImageExaminer(
                try inspections(), shelf: shelf, bases: try trust.bases.map(BaseOptions.read) ?? BaseImageIndex(),
                signatures: try trust.signatures())
            let path = try storePath()
            return StoredVerdicts(try ImageStore.open(path: path), examiner, policy: policy, onNote: onNote)
        } catch let error as ImageError {
            throw Failure(message: error.message)
        } catch let error as ImageStoreError {
            throw Failure(message: error.message)
        } catch let error as TrustError {
            throw Failure(message: "\(error)")
        }
    }

    private func storePath() throws -> String {
        if let store { return store }
        let folder = URL(filePath: AdvisoryStore.standardPath).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw Failure(message: "\(folder.path): cannot be made; name a file with --image-store")
        }
        return folder.appending(path: "images.db").path
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
        return try names.map { name in
            var options = ImageInspection.Options(cache: .standard)
            options.platform = try Platform(name)
            options.registry = registry
            return try ImageInspection(options)
        }
    }
}
