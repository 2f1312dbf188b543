import Documents
import Images

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What podman, buildah and CRI-O keep on this machine: layers unpacked, in overlayfs' form.
///
/// The archives themselves are gone, so that digests of layers are those the store wrote down and not checked.
package struct ContainersStorageSource: ImageSource {
    package let name: String
    package let root: String
    package var limits = LayerLimits()

    package init(_ name: String, root: String? = nil) {
        self.name = name
        self.root = root ?? Self.standardRoot
    }

    /// Root's store, else the user's own.
    package static var standardRoot: String {
        let system = "/var/lib/containers/storage"
        guard geteuid() != 0, let home = getenv("HOME").map({ String(cString: $0) }) else { return system }
        return "\(home)/.local/share/containers/storage"
    }

    package func resolve(platform: Platform?) async throws(ImageError) -> ResolvedImage {
        let images = try list("overlay-images/images.json")
        let found = images.first { image in
            let names = image["names"].strings
            let id = image["id"].string ?? ""
            return names.contains(name) || names.contains("docker.io/library/\(name)")
                || names.contains("localhost/\(name)") || names.contains { $0 == "\(name):latest" }
                || image["digest"].string == name || id == name || "sha256:\(id)" == name
        }
        guard let found, let id = found["id"].string, let top = found["layer"].string else {
            throw ImageError(.notFound, "\(root) holds no image \"\(name)\"")
        }
        let digest = try ContentDigest("sha256:\(id)")
        let bytes = try configuration(digest)
        let configuration = ImageConfiguration(try ImageManifest.json(bytes, "the configuration of \(name)"))
        var image = ResolvedImage(
            name: name, digest: found["digest"].string.flatMap { try? ContentDigest($0) },
            configurationDigest: digest, platform: Platform(configuration), configuration: configuration,
            layers: try layers(from: top))
        if image.layers.count != configuration.diffIDs.count {
            image.notes.append(
                ImageNote(
                    .remark, "diff-ids-missing",
                    "the configuration names \(configuration.diffIDs.count) layers, the store \(image.layers.count)"))
        }
        if let platform, let own = image.platform, own.fit(platform) == nil {
            throw ImageError(.notFound, "\(name) is for \(own), not for \(platform)")
        }
        return image
    }

    private func list(_ path: String) throws(ImageError) -> [Node] {
        let bytes: [UInt8]
        do throws(ImageError) {
            bytes = try LocalFile.bytes("\(root)/\(path)", limit: 256 << 20)
        } catch {
            throw ImageError(error.code, "podman and CRI-O keep nothing here that can be read: \(error.message)")
        }
        do throws(DocumentError) {
            return Array(try DocumentReader.readJSON(SourceText(name: "", bytes: bytes)).elements)
        } catch {
            throw ImageError(.damaged, "\(root)/\(path): is no JSON")
        }
    }

    private func configuration(_ digest: ContentDigest) throws(ImageError) -> [UInt8] {
        // Names with a colon are written in Base64 behind an equals sign.
        let encoded = Base64.encoded(digest.description.utf8)
        return try LocalFile.bytes("\(root)/overlay-images/\(digest.hex)/=\(encoded)", limit: limits.document)
    }

    private func layers(from top: String) throws(ImageError) -> [ImageLayer] {
        var byID: [String: Node] = [:]
        for node in try list("overlay-layers/layers.json") {
            if let id = node["id"].string { byID[id] = node }
        }
        var layers: [ImageLayer] = []
        var current: String? = top
        while let id = current, !id.isEmpty {
            // A name that becomes a path, and a chain that ends.
            guard let node = byID[id], id.utf8.allSatisfy({ $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ".") }),
                layers.count < ImageManifest.layerLimit
            else { throw ImageError(.damaged, "\(root): layer \(id.prefix(12)) of \(name) is not there") }
            layers.append(
                ImageLayer(
                    place: .directory("\(root)/overlay/\(id)/diff", hasOverlayMarks: true),
                    diffID: node["diff-digest"].string.flatMap { try? ContentDigest($0) }))
            current = node["parent"].string
        }
        return layers.reversed()
    }

    package func stream(_ blob: Descriptor, _ sink: (Span<UInt8>) -> Bool) async throws(ImageError) {
        throw ImageError(.unsupported, "podman and CRI-O keep no packed layers")
    }
}
