import Images

/// A folder in the OCI image layout, as skopeo, umoci, buildkit and crane write it.
///
/// Source: OCI Image Specification 1.1, "Image Layout".
package struct LayoutSource: ImageSource {
    package let path: String
    /// Which image of the layout: a tag, a full name or a digest; nil for the only one.
    package let wanted: String?
    package var limits = LayerLimits()

    package init(_ path: String, wanted: String? = nil) {
        self.path = path
        self.wanted = wanted
    }

    package static func isLayout(_ path: String) -> Bool {
        LocalFile.exists("\(path)/oci-layout") || LocalFile.exists("\(path)/index.json")
    }

    package func resolve(platform: Platform?) async throws(ImageError) -> ResolvedImage {
        let bytes = try LocalFile.bytes("\(path)/index.json", limit: limits.document)
        let start = try LayoutIndex(bytes, path).choose(wanted)
        return try await resolve(start, name: path, platform: platform, limits: limits)
    }

    package func stream(_ blob: Descriptor, _ sink: (Span<UInt8>) -> Bool) async throws(ImageError) {
        let file: LocalFile
        do throws(ImageError) {
            file = try LocalFile("\(path)/blobs/\(blob.digest.algorithm.rawValue)/\(blob.digest.hex)")
        } catch {
            guard error.code == .notFound else { throw error }
            throw ImageError(.notFound, "\(path) does not hold \(blob.digest.short), which its manifest names")
        }
        try file.read(sink)
    }
}

/// The `index.json` of a layout.
struct LayoutIndex {
    let entries: [Descriptor]
    let path: String

    init(_ bytes: [UInt8], _ path: String) throws(ImageError) {
        guard case .index(let entries) = try ImageManifest(bytes, of: path) else {
            throw ImageError(.damaged, "\(path): index.json is a manifest, not an index")
        }
        self.entries = entries
        self.path = path
    }

    func choose(_ wanted: String?) throws(ImageError) -> Descriptor {
        // Referrers (signatures, bills of materials) may stand here beside the images they speak of.
        let images = entries.filter { $0.artifactType == nil }
        if let wanted {
            let found = entries.first { entry in
                entry.digest.description == wanted || entry.annotations["org.opencontainers.image.ref.name"] == wanted
                    || entry.annotations["io.containerd.image.name"] == wanted
            }
            if let found { return found }
            throw ImageError(.notFound, "\(path) has no image \"\(wanted)\"; it has \(names(entries))")
        }
        guard let first = images.first ?? entries.first else { throw ImageError(.notFound, "\(path) holds no image") }
        let isOne = Set(images.map(\.digest)).count <= 1
        // Several manifests for platforms and no name are one image.
        let arePlatforms = images.allSatisfy { $0.referenceName == nil && $0.platform != nil }
        guard isOne || arePlatforms else {
            throw ImageError(.badName, "\(path) holds several images; name one of \(names(images)) behind a colon")
        }
        guard !isOne else { return first }
        return try PlatformChoice(images, wanted: nil, of: path).chosen
    }

    private func names(_ entries: [Descriptor]) -> String {
        entries.prefix(20).map { $0.referenceName ?? $0.digest.description }.joined(separator: ", ")
    }
}
