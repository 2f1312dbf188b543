import Documents

/// One document of a registry: an image's manifest, or an index of several.
///
/// Source: OCI Image Specification 1.1; Docker Image Manifest Version 2, Schema 2, whose fields are the same.
package enum ImageManifest: Sendable {
    package struct Image: Sendable {
        package var mediaType: String
        package var configuration: Descriptor
        package var layers: [Descriptor]
        package var annotations: [String: String]
        package var artifactType: String?
        package var subject: Descriptor?
    }

    case image(Image)
    case index([Descriptor])

    /// Largest manifest taken, as the distribution specification allows registries to refuse larger ones.
    package static let sizeLimit = 4 << 20
    /// Images with more layers than this are refused; runtimes stop at 127.
    static let layerLimit = 4096

    /// What we ask a registry for.
    static let accepted = [
        "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    ]

    package init(_ bytes: [UInt8], of name: String) throws(ImageError) {
        let root = try Self.json(bytes, "the manifest of \(name)")
        if root["schemaVersion"].int == 1 || root["fsLayers"].exists {
            throw ImageError(
                .unsupported,
                "\(name) has a manifest of Docker's schema 1, which registries gave up; push the image again")
        }
        if root["manifests"].isArray {
            var entries: [Descriptor] = []
            for node in root["manifests"].elements { entries.append(try Descriptor(node)) }
            self = .index(entries)
            return
        }
        guard root["config"].isObject, root["layers"].isArray else {
            throw ImageError(.damaged, "the manifest of \(name) has neither layers nor manifests")
        }
        var layers: [Descriptor] = []
        for node in root["layers"].elements { layers.append(try Descriptor(node)) }
        guard layers.count <= Self.layerLimit else {
            throw ImageError(.tooLarge, "\(name) has \(layers.count) layers")
        }
        self = .image(
            Image(
                mediaType: root["mediaType"].string ?? "", configuration: try Descriptor(root["config"]),
                layers: layers, annotations: root["annotations"].stringMap, artifactType: root["artifactType"].string,
                subject: root["subject"].isObject ? try Descriptor(root["subject"]) : nil))
    }

    static func json(_ bytes: [UInt8], _ what: String) throws(ImageError) -> Node {
        let node: Node
        do throws(DocumentError) {
            let options = DocumentReader.Options(checkDuplicateKeys: false)
            node = try DocumentReader.readJSON(SourceText(name: "", bytes: bytes), options: options)
        } catch {
            let start = bytes.prefix(200).drop { $0 == 0x20 || $0 == 0x0A || $0 == 0x0D }
            if start.first == UInt8(ascii: "<") {
                throw ImageError(.badAnswer, "\(what) is a web page, not JSON")
            }
            throw ImageError(.damaged, "\(what) is no JSON: \(error.message)")
        }
        guard node.isObject else { throw ImageError(.damaged, "\(what) is no JSON object") }
        return node
    }
}

extension ImageManifest.Image {
    private static let configurations: Set<String> = [
        "application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json", "",
    ]

    /// Charts, signatures and policies are stored as images, too, and are none.
    package func requireImage(_ name: String) throws(ImageError) {
        guard !Self.configurations.contains(configuration.mediaType) else { return }
        throw ImageError(
            .unsupported, "\(name) is no image but an artifact of type \(artifactType ?? configuration.mediaType)")
    }
}

/// Which image of an index is taken.
package struct PlatformChoice: Sendable {
    package var chosen: Descriptor
    /// Said where it is not what was asked for.
    package var note: ImageNote?

    /// - Parameter wanted: nil for this machine's architecture, or the only one there is.
    package init(_ entries: [Descriptor], wanted: Platform?, of name: String) throws(ImageError) {
        // Build attestations stand in the index under a platform that nothing runs on.
        let images = entries.filter {
            $0.platform?.operatingSystem != "unknown" && $0.annotations["vnd.docker.reference.type"] == nil
        }
        guard let first = images.first else { throw ImageError(.notFound, "the index of \(name) names no image") }
        let target = wanted ?? .own
        let fitting = images.compactMap { entry in
            entry.platform?.fit(target).map { (entry: entry, fit: $0) }
        }
        // Of equals the first counts, as runtimes have it.
        if let best = fitting.map(\.fit).max(), let found = fitting.first(where: { $0.fit == best }) {
            chosen = found.entry
            return
        }
        let known = images.map { $0.platform?.description ?? "no platform" }.joined(separator: ", ")
        if let wanted {
            guard images.count == 1, first.platform == nil else {
                throw ImageError(.notFound, "\(name) has no image for \(wanted); it has \(known)")
            }
            chosen = first
            return
        }
        let fallback = images.first { $0.platform?.fit(Platform("linux", "amd64")) != nil } ?? first
        chosen = fallback
        if let platform = fallback.platform {
            note = ImageNote(
                .remark, "other-platform",
                "\(name) has no image for \(target); \(platform) was read (it has \(known))")
        }
    }
}
