package import ContainerImages
import Kubernetes
package import Vulnerabilities

/// What is known of an image after looking into it; a failure is a result, too.
package struct ImageResult: Sendable {
    /// One layer of the image, the lowest first.
    package struct Layer: Sendable {
        /// As the configuration names it; nil for a folder.
        package var diffID: ContentDigest?
        /// Of the packed layer.
        package var digest: ContentDigest?
        package var size: Int?
        package var unpackedSize: Int
        package var members: Int
        /// The layer was not read, since what it holds was known.
        package var isKnown: Bool
        /// What made it, where the history tells.
        package var createdBy: String?
    }

    /// As it was asked for.
    package var name: String
    /// The name in a registry, where it was asked for by one: what it would be deployed by.
    package var reference = ""
    /// nil where not even the manifest could be read.
    package var image: ResolvedImage?
    package var layers: [Layer] = []
    /// nil where no layer could be read.
    package var catalogue: ImageCatalogue?
    /// What is odd and what was not seen.
    package var notes: [ImageNote] = []
    /// Why there is no image.
    package var failure: ImageError?

    /// Whether everything was seen: only then may anybody call the image clean.
    package var isComplete: Bool {
        failure == nil && catalogue != nil && !notes.contains { $0.kind == .incomplete }
    }

    /// What VEX statements may call the image as a whole: its digest and its name as a package URL.
    ///
    /// Standard: the purl type `oci`, whose version is the digest and whose name is the last part of the repository.
    package var subjects: [String] {
        guard let digest = identity?.description else { return [] }
        var out = [digest]
        guard !reference.isEmpty else { return out }
        let repository = ImageReference(reference)
        let name = repository.repository.split(separator: "/").last.map(String.init) ?? repository.repository
        let encoded = digest.replacing(":", with: "%3A")
        for version in [digest, encoded] {
            out.append("pkg:oci/\(name.lowercased())@\(version)")
            out.append(
                "pkg:oci/\(name.lowercased())@\(version)?repository_url=\(repository.registry)/\(repository.repository)"
            )
        }
        return out
    }

    package var packages: [SoftwarePackage] { catalogue?.packages.map(\.package) ?? [] }
    package var distribution: Distribution? { catalogue?.distribution }
    /// What the image is the same by wherever it lies: the manifest's digest, else the configuration's.
    package var identity: ContentDigest? { image?.digest ?? image?.configurationDigest }
}

extension ImageResult {
    /// What is wrong with how it was made. Of what was not read nothing is said.
    package func faults(_ inspector: ImageInspector) -> [ImageFault] {
        inspector.faults(
            reference: reference, configuration: image?.configurationDigest == nil ? nil : image?.configuration,
            catalogue: catalogue)
    }
}

/// How far an inspection is.
package struct ImageProgress: Sendable {
    package var layers: Int
    package var layersDone: Int
    /// Packed bytes of the layers that have to be read; 0 where it is not told.
    package var bytes: Int
    package var bytesDone: Int
}
