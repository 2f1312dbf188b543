import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A text to look at: a file of a tree, or a version of one in a history.
package struct SourceItem: Sendable {
    package var path: String
    package var bytes: [UInt8]
    /// Where in a history it came in; nil for files that lie there.
    package var commit: SourceCommit?

    package init(path: String, bytes: [UInt8], commit: SourceCommit? = nil) {
        self.path = path
        self.bytes = bytes
        self.commit = commit
    }
}

/// Who brought a text into a history, and when.
package struct SourceCommit: Sendable, Hashable {
    package var id: String
    package var author: String
    package var date: String
}

/// What of a tree was not looked at, and why.
package struct SourceGap: Sendable, Hashable {
    package var path: String
    package var reason: String

    package init(path: String, reason: String) {
        self.path = path
        self.reason = reason
    }
}

/// The files of paths and folders, in order of name. Links are not followed, and of `.git` nothing is read.
///
/// What git ignores and nobody tracks is passed over where ``IgnoredPaths`` says so, and counted.
package struct SourceFiles: Sendable {
    /// Bytes of the greatest file that is read.
    package var limit = 256 << 20
    package private(set) var paths: [String] = []
    package private(set) var gaps: [SourceGap] = []
    /// Files and folders that were passed over since git ignores them.
    package private(set) var ignored = 0

    package init() {}

    /// Adds a file, or everything in a folder but what is in `ignoring`. A path that is named itself is always read.
    package mutating func visit(_ path: String, ignoring: IgnoredPaths = .none) {
        var info = stat()
        guard stat(path, &info) == 0 else {
            gaps.append(SourceGap(path: path, reason: String(cString: strerror(errno))))
            return
        }
        if info.st_mode & S_IFMT == S_IFDIR { folder(path, ignoring, below: "") } else { file(path, info) }
    }

    private mutating func file(_ path: String, _ info: stat) {
        guard Int(info.st_size) <= limit else {
            gaps.append(SourceGap(path: path, reason: "larger than \(limit >> 20) MiB"))
            return
        }
        paths.append(path)
    }

    private mutating func folder(_ path: String, _ ignoring: IgnoredPaths, below: String) {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        } catch {
            gaps.append(SourceGap(path: path, reason: "the folder cannot be read"))
            return
        }
        for name in names where name != ".git" {
            let child = path == "." ? name : path.hasSuffix("/") ? path + name : "\(path)/\(name)"
            var info = stat()
            guard lstat(child, &info) == 0 else {
                gaps.append(SourceGap(path: child, reason: String(cString: strerror(errno))))
                continue
            }
            let relative = below.isEmpty ? name : "\(below)/\(name)"
            if ignoring.contains(relative) {
                ignored += 1
                continue
            }
            if info.st_mode & S_IFMT == S_IFDIR { folder(child, ignoring, below: relative) }
            if info.st_mode & S_IFMT == S_IFREG { file(child, info) }
        }
    }
}
