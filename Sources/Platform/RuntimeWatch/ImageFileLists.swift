package import Detection
package import Documents
package import Sensor

/// Files of images as `martlet runtime images` wrote them: by the image's digest, else by its name.
///
/// ```json
/// {"images": [{"names": ["registry.example/web:1.4"], "digest": "sha256:…", "complete": true, "files": [
///   {"path": "/bin/curl", "sha256": "…", "package": "curl 7.88.1", "vulnerabilities": ["CVE-2023-38545"]}]}]}
/// ```
package final class ImageFileLists: ImageFiles {
    /// One image.
    package struct List: Sendable {
        package var names: [String]
        package var digest: String?
        /// Whether every layer was read: only then is a file that is not named none of the image's.
        package var isComplete: Bool
        package var files: [String: ContentDrift.File]

        package init(
            names: [String], digest: String?, isComplete: Bool, files: [String: ContentDrift.File]
        ) {
            self.names = names
            self.digest = digest
            self.isComplete = isComplete
            self.files = files
        }
    }

    private var byDigest: [String: ContentDrift] = [:]
    private var byName: [String: ContentDrift] = [:]
    /// Contents of files that were read already: a program that is started a thousand times is read once.
    private var digests: [SensorProcess.File: String] = [:]
    private static let mostDigests = 16_384
    private let read: (_ path: String) -> String?

    /// `sha256` gives the digest of a file of this machine, 64 hexadecimal digits; nil when it cannot be read.
    package init(_ lists: [List], sha256: @escaping (_ path: String) -> String?) {
        read = sha256
        for list in lists {
            let drift = ContentDrift(list.files, isComplete: list.isComplete)
            if let digest = list.digest { byDigest[digest] = drift }
            for name in list.names { byName[name] = drift }
        }
    }

    package func files(of container: SensorContainer) -> ContentDrift? {
        let facts = container.facts
        if let digest = facts.imageDigest, let found = byDigest[digest] { return found }
        guard let image = facts.image else { return nil }
        return byName[image]
    }

    /// Read through the process itself, so that what ran is read and not what lies at its path by now. A process that is
    /// gone left the file to its parent's view of the container, if it is still the same file.
    package func digest(of path: [UInt8], _ file: SensorProcess.File, in process: SensorProcess) -> String? {
        let isProgram = file == process.file
        var key = file
        key.isDeleted = false
        guard key.inode != 0 else { return nil }
        if let known = digests[key] { return known }
        let text = String(decoding: path, as: UTF8.self)
        var found = process.ended == 0 ? read("/proc/\(process.id)/\(isProgram ? "exe" : "root\(text)")") : nil
        if found == nil, let parent = process.parent, parent.container === process.container, parent.ended == 0 {
            found = read("/proc/\(parent.id)/root\(text)")
        }
        guard let found else { return nil }
        if digests.count >= Self.mostDigests { digests.removeAll() }
        digests[key] = found
        return found
    }

    // MARK: The file

    /// Reads lists; nil when the text is none.
    package static func lists(_ node: Node) -> [List]? {
        guard node["images"].isArray else { return nil }
        return node["images"].elements.map { image in
            var files: [String: ContentDrift.File] = [:]
            for file in image["files"].elements {
                guard let path = file["path"].string, let digest = file["sha256"].string else { continue }
                files[path] = ContentDrift.File(
                    digest: digest, package: file["package"].string, vulnerabilities: file["vulnerabilities"].strings)
            }
            return List(
                names: image["names"].strings, digest: image["digest"].string,
                isComplete: image["complete"].bool ?? false, files: files)
        }
    }

    package static func json(_ lists: [List]) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member(
                "images",
                array: { writer in
                    for list in lists {
                        writer.object { writer in
                            writer.member("names", list.names)
                            if let digest = list.digest { writer.member("digest", digest) }
                            writer.member("complete", list.isComplete)
                            writer.member("files", array: { writer in write(list.files, to: &writer) })
                        }
                    }
                })
        }
        return writer.string
    }

    private static func write(_ files: [String: ContentDrift.File], to writer: inout JSONWriter) {
        for (path, file) in files.sorted(by: { $0.key < $1.key }) {
            writer.object { writer in
                writer.member("path", path)
                writer.member("sha256", file.digest)
                if let package = file.package { writer.member("package", package) }
                if !file.vulnerabilities.isEmpty { writer.member("vulnerabilities", file.vulnerabilities) }
            }
        }
    }
}
