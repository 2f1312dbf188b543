package import ContainerImages
import FoundationEssentials

/// What one word of a command line names: files, or an image.
package enum SearchTarget: Sendable, Equatable {
    case files(String)
    case image(ImageLocation)

    /// A path that exists is files unless an image lies there (an OCI layout, an archive of docker or podman). A word
    /// of a source (`docker://`, `oci:`) and a name with a tag, a digest or a registry's host is an image; anything
    /// else is a path, so that a slip of the pen asks no registry.
    package init(_ text: String) throws(ImageError) {
        var isFolder = false
        if FileManager.default.fileExists(atPath: text, isDirectory: &isFolder) {
            if isFolder {
                self = Self.isLayout(text) ? .image(.layout(path: text, wanted: nil)) : .files(text)
            } else {
                self = Self.isImageArchive(text) ? .image(.archive(path: text, wanted: nil)) : .files(text)
            }
            return
        }
        let location = try? ImageLocation(text)
        if case .registry? = location, !Self.isImageName(text) {
            self = .files(text)
        } else {
            self = location.map(SearchTarget.image) ?? .files(text)
        }
    }

    /// Stricter than a web folder with an `index.json`.
    private static func isLayout(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: "\(path)/oci-layout")
            && FileManager.default.fileExists(atPath: "\(path)/blobs")
    }

    private static func isImageArchive(_ path: String) -> Bool {
        guard ArchiveSource.isArchive(path) else { return false }
        do throws(ImageError) {
            _ = try ArchiveSource(path)
            return true
        } catch {
            // No image in it: then it is an archive like any other.
            return false
        }
    }

    private static func isImageName(_ text: String) -> Bool {
        guard !text.hasPrefix("/"), !text.hasPrefix(".") else { return false }
        if text.hasPrefix("docker://") || text.contains("@sha256:") { return true }
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let first = parts.first, let last = parts.last, !last.isEmpty else { return false }
        if last.contains(":") { return true }
        return parts.count > 1 && (first.contains(".") || first.contains(":") || first == "localhost")
            && !first.hasPrefix(".")
    }
}
