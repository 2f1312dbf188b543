/// Decides whether a program that ran is one its image came with. By path and content: nothing is learned, nothing is
/// tuned.
package struct ContentDrift: Sendable {
    /// A file of an image.
    package struct File: Sendable, Hashable {
        package var digest: String
        /// The package that owns it, and what is known of that package's flaws.
        package var package: String?
        package var vulnerabilities: [String]

        package init(digest: String, package: String? = nil, vulnerabilities: [String] = []) {
            self.digest = digest
            self.package = package
            self.vulnerabilities = vulnerabilities
        }
    }

    package enum Verdict: Sendable, Hashable {
        /// The image's own file.
        case ofImage(File)
        /// The same content as a file of the image, under another name: a copy of `sh` is as good as `sh`.
        case moved(from: String, File)
        /// A file of the image at this path, with other content.
        case changed(File)
        /// Nothing of the image: dropped into the container.
        case dropped
        /// The content is not known, or the image's files are not.
        case notObservable(String)

        package var isDrift: Bool {
            switch self {
            case .moved, .changed, .dropped: true
            case .ofImage, .notObservable: false
            }
        }
    }

    private let files: [String: File]
    private let byDigest: [String: String]
    /// Whether the list of files is the whole image's.
    private let isComplete: Bool

    package init(_ files: [String: File], isComplete: Bool = true) {
        self.files = files
        self.isComplete = isComplete
        var byDigest: [String: String] = [:]
        for (path, file) in files { byDigest[file.digest] = min(byDigest[file.digest] ?? path, path) }
        self.byDigest = byDigest
    }

    /// The image's file at a path; nil when there is none.
    package func file(at path: String) -> File? { files[Self.normalised(path)] }

    /// `digest` of the file that ran, when it could be read; `resolved` the path behind symbolic links.
    package func verdict(path: String, digest: String?) -> Verdict {
        guard !files.isEmpty else { return .notObservable("the files of the image are not known") }
        let path = Self.normalised(path)
        guard let digest else {
            // Without its content a known path proves nothing; an unknown one does when the list is whole.
            if files[path] != nil { return .notObservable("the content of \(path) could not be read") }
            return isComplete ? .dropped : .notObservable("the list of the image's files is not complete")
        }
        if let file = files[path] { return file.digest == digest ? .ofImage(file) : .changed(file) }
        if let origin = byDigest[digest], let file = files[origin] { return .moved(from: origin, file) }
        return isComplete ? .dropped : .notObservable("the list of the image's files is not complete")
    }

    /// A path without `.`, `..` and doubled slashes.
    static func normalised(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") {
            switch part {
            case ".": continue
            case "..": _ = parts.popLast()
            default: parts.append(part)
            }
        }
        return "/" + parts.joined(separator: "/")
    }
}
