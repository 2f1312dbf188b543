import Kubernetes

/// The names that containerd keeps for images, in a database beside its content.
///
/// Source: containerd, core/metadata/buckets.go: `v1/NAMESPACE/images/NAME/target/digest`. Kubernetes' images are in the
/// namespace `k8s.io`, docker's in `moby`.
enum ContainerdNames {
    private static let limit = 1 << 30

    static func digest(of name: String, root: String) throws(ImageError) -> ContentDigest {
        let path = "\(root)/io.containerd.metadata.v1.bolt/meta.db"
        let file: BoltFile
        let bytes = try LocalFile.bytes(path, limit: limit)
        do throws(ImageError) {
            file = try BoltFile(bytes)
        } catch {
            throw ImageError(error.code, "\(path): \(error.message)")
        }
        guard let top = try file.bucket(["v1"]) else {
            throw ImageError(.notFound, "\(path) names no images")
        }
        let wanted = candidates(name)
        let known = try file.names(in: top).filter { $0 != "version" }
        let first = ["k8s.io", "default"]
        for namespace in first.filter(known.contains) + known.filter({ !first.contains($0) }) {
            for candidate in wanted {
                guard let target = try file.bucket(["v1", namespace, "images", candidate, "target"]),
                    case .bytes(let text)? = try file.value("digest", in: target)
                else { continue }
                return try ContentDigest(String(decoding: text, as: UTF8.self))
            }
        }
        throw ImageError(
            .notFound, "containerd knows no image \"\(name)\" in \(known.sorted().joined(separator: ", "))")
    }

    /// As it is written, and as containerd writes it out: with registry and tag.
    private static func candidates(_ name: String) -> [String] {
        let reference = ImageReference(name)
        return [name, "\(reference.registry)/\(reference.repository):\(reference.tag ?? "latest")"]
    }
}
