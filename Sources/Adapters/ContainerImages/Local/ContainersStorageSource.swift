import Documents
import Images

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What podman, buildah and CRI-O keep on this machine: layers unpacked, in overlayfs' form or, where there is no
/// overlayfs, each as a whole file system.
///
/// The archives themselves are gone, so that digests of layers are those the store wrote down and not checked.
package struct ContainersStorageSource: ImageSource {
    package let name: String
    package let root: String
    package var limits = LayerLimits()

    private enum Driver: String, CaseIterable { case overlay, vfs }

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
        let (driver, found) = try find()
        guard let id = found["id"].string, let top = found["layer"].string else {
            throw ImageError(.damaged, "\(root): the image \(name) has no layer")
        }
        let digest = try ContentDigest("sha256:\(id)")
        let bytes = try configuration(digest, driver)
        let configuration = ImageConfiguration(try ImageManifest.json(bytes, "the configuration of \(name)"))
        var image = ResolvedImage(
            name: name, digest: found["digest"].string.flatMap { try? ContentDigest($0) },
            configurationDigest: digest, platform: Platform(configuration), configuration: configuration,
            layers: try layers(from: top, driver))
        if driver == .vfs {
            image.notes.append(
                ImageNote(
                    .remark, "layers-merged",
                    "\(root) keeps file systems as a whole: which layer brought what is not told"))
        } else if image.layers.count != configuration.diffIDs.count {
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

    /// The image by its name, as podman completes names, by its id, or by the digest of its manifest or its index.
    private func find() throws(ImageError) -> (Driver, Node) {
        let drivers = Driver.allCases.filter { LocalFile.exists("\(root)/\($0.rawValue)-images/images.json") }
        guard !drivers.isEmpty else {
            throw ImageError(
                .notFound, "\(root) holds no store of podman or CRI-O in a form that is read (overlay, vfs)")
        }
        let digest = name.firstIndex(of: "@").map { String(name[name.index(after: $0)...]) } ?? name
        let last = name.split(separator: "/").last ?? ""
        let tagged = last.contains(":") ? name : "\(name):latest"
        let spellings = [tagged, "docker.io/library/\(tagged)", "docker.io/\(tagged)", "localhost/\(tagged)"]
        for driver in drivers {
            let images = try list("\(driver.rawValue)-images/images.json")
            for spelling in spellings {
                if let found = images.first(where: { $0["names"].strings.contains(spelling) }) {
                    return (driver, found)
                }
            }
            let found = images.first { image in
                let id = image["id"].string ?? ""
                return image["digest"].string == digest || "sha256:\(id)" == digest || id == name
                    || image["big-data-names"].strings.contains("manifest-\(digest)")
                    || name.utf8.count >= 12 && id.hasPrefix(name)
            }
            if let found { return (driver, found) }
        }
        throw ImageError(.notFound, "\(root) holds no image \"\(name)\"")
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

    private func configuration(_ digest: ContentDigest, _ driver: Driver) throws(ImageError) -> [UInt8] {
        // Names with a colon are written in Base64 behind an equals sign.
        let encoded = Base64.encoded(digest.description.utf8)
        return try LocalFile.bytes(
            "\(root)/\(driver.rawValue)-images/\(digest.hex)/=\(encoded)", limit: limits.document)
    }

    private func layers(from top: String, _ driver: Driver) throws(ImageError) -> [ImageLayer] {
        var byID: [String: Node] = [:]
        for node in try list("\(driver.rawValue)-layers/layers.json") {
            if let id = node["id"].string { byID[id] = node }
        }
        var layers: [ImageLayer] = []
        var current: String? = top
        while let id = current, !id.isEmpty {
            // A name that becomes a path, and a chain that ends.
            guard let node = byID[id], id.utf8.allSatisfy({ $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ".") }),
                layers.count < ImageManifest.layerLimit
            else { throw ImageError(.damaged, "\(root): layer \(id.prefix(12)) of \(name) is not there") }
            switch driver {
            case .overlay:
                layers.append(
                    ImageLayer(
                        place: .directory("\(root)/overlay/\(id)/diff", hasOverlayMarks: true),
                        diffID: node["diff-digest"].string.flatMap { try? ContentDigest($0) }))
                current = node["parent"].string
            case .vfs:
                // The highest holds what those below it hold, too.
                return [ImageLayer(place: .directory("\(root)/vfs/dir/\(id)", hasOverlayMarks: false), diffID: nil)]
            }
        }
        return layers.reversed()
    }

    package func stream(_ blob: Descriptor, _ sink: (Span<UInt8>) -> Bool) async throws(ImageError) {
        throw ImageError(.unsupported, "podman and CRI-O keep no packed layers")
    }
}
