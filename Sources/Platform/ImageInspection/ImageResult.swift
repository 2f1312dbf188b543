package import ContainerImages
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

    package var packages: [SoftwarePackage] { catalogue?.packages.map(\.package) ?? [] }
    package var distribution: Distribution? { catalogue?.distribution }
    /// What the image is the same by wherever it lies: the manifest's digest, else the configuration's.
    package var identity: ContentDigest? { image?.digest ?? image?.configurationDigest }
}

/// How far an inspection is.
package struct ImageProgress: Sendable {
    package var layers: Int
    package var layersDone: Int
    /// Packed bytes of the layers that have to be read; 0 where it is not told.
    package var bytes: Int
    package var bytesDone: Int
}
