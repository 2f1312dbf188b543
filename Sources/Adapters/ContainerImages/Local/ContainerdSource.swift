import Images

/// containerd's content store on this machine.
///
/// Names lie in a database of containerd's own, which is read without asking containerd; content lies beside it as files
/// under its digests, which a pod's `imageID` tells. A containerd that discards layers once they are
/// unpacked (`discard_unpacked_layers`, the default of some distributions) keeps the manifest and no layers: said then.
package struct ContainerdSource: ImageSource {
    package static let standardRoot = "/var/lib/containerd"

    package let digest: ContentDigest
    package let root: String
    package var limits = LayerLimits()

    /// - Parameter name: `sha256:…`, `name@sha256:…`, or a name that containerd keeps.
    package init(_ name: String, root: String = standardRoot) throws(ImageError) {
        let text = name.lastIndex(of: "@").map { String(name[name.index(after: $0)...]) } ?? name
        digest =
            text == name && !name.hasPrefix("sha256:") && !name.hasPrefix("sha512:")
            ? try ContainerdNames.digest(of: name, root: root) : try ContentDigest(text)
        self.root = root
    }

    private var store: String { "\(root)/io.containerd.content.v1.content/blobs" }

    package func resolve(platform: Platform?) async throws(ImageError) -> ResolvedImage {
        guard LocalFile.isDirectory(store) else {
            throw ImageError(.notFound, "\(store): containerd keeps nothing there, or it cannot be read")
        }
        // imageID is the configuration's digest where the image was loaded and not pulled.
        let start = Descriptor(mediaType: "", digest: digest)
        let bytes = try await document(start, limit: limits.document)
        let root = try ImageManifest.json(bytes, digest.short)
        guard root["rootfs"].exists, !root["layers"].exists else {
            return try await resolve(bytes, start, name: digest.description, platform: platform, limits: limits)
        }
        guard let manifest = try await manifest(naming: digest) else {
            throw ImageError(.notFound, "\(digest.short) is a configuration, and no manifest in the store names it")
        }
        return try await resolve(manifest, name: digest.description, platform: platform, limits: limits)
    }

    /// Looks through the small files of the store for the manifest of a configuration.
    private func manifest(naming configuration: ContentDigest) async throws(ImageError) -> Descriptor? {
        let folder = "\(store)/\(configuration.algorithm.rawValue)"
        for name in FolderList.names(folder) {
            guard let digest = try? ContentDigest("\(configuration.algorithm.rawValue):\(name)"),
                let file = try? LocalFile("\(folder)/\(name)"), file.size <= 1 << 20,
                let head = try? file.bytes(count: 1), head == [UInt8(ascii: "{")],
                let bytes = try? file.bytes(count: file.size),
                case .image(let image)? = try? ImageManifest(bytes, of: name),
                image.configuration.digest == configuration
            else { continue }
            return Descriptor(mediaType: image.mediaType, digest: digest, size: file.size)
        }
        return nil
    }

    package func stream(_ blob: Descriptor, _ sink: (Span<UInt8>) -> Bool) async throws(ImageError) {
        let file: LocalFile
        do throws(ImageError) {
            file = try LocalFile("\(store)/\(blob.digest.algorithm.rawValue)/\(blob.digest.hex)")
        } catch {
            guard error.code == .notFound else { throw error }
            throw ImageError(
                .notFound,
                "containerd does not keep \(blob.digest.short); it may discard layers once they are unpacked "
                    + "(discard_unpacked_layers)")
        }
        try file.read(sink)
    }
}
