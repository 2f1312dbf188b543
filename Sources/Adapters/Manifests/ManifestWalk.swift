import Documents
import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Paths to files, in a stable order: folders are walked, patterns expanded, links followed once.
struct ManifestWalk {
    private(set) var files: [ManifestFile] = []
    /// Folders with a Chart.yaml.
    private(set) var charts: [String] = []
    /// Folders with a kustomization file that the user named.
    private(set) var overlays: [String] = []
    private(set) var problems: [DocumentError] = []
    /// Device and inode of folders on the way, so that links in circles end.
    private var visited: Set<[UInt64]> = []

    private static let skipped: Set<String> = ["node_modules", "vendor", ".git", ".terraform", ".build", "__pycache__"]
    static let kustomizations = ["kustomization.yaml", "kustomization.yml", "Kustomization"]

    mutating func visit(_ path: String) {
        var info = stat()
        if stat(path, &info) == 0 {
            if info.st_mode & S_IFMT == S_IFDIR {
                visitFolder(path, isExplicit: true)
            } else {
                files.append(ManifestFile(path: path, isExplicit: true))
            }
            return
        }
        let code = errno
        guard path.contains(where: { "*?[".contains($0) }) else {
            problems.append(FileBytes.unreadable(path, code))
            return
        }
        let matches = PathPattern(path).matches()
        for match in matches { visit(match) }
        if matches.isEmpty {
            let place = SourceLocation(file: path, line: 1, column: 1)
            problems.append(DocumentError(.unreadable, at: place, "the pattern matches no file"))
        }
    }

    private mutating func visitFolder(_ path: String, isExplicit: Bool) {
        var info = stat()
        guard stat(path, &info) == 0, visited.insert([UInt64(info.st_dev), UInt64(info.st_ino)]).inserted else {
            return
        }
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        } catch {
            problems.append(FileBytes.unreadable(path, EACCES))
            return
        }
        if names.contains("Chart.yaml") {
            charts.append(path)
            return
        }
        if isExplicit, names.contains(where: Self.kustomizations.contains) {
            overlays.append(path)
            return
        }
        var folders: [String] = []
        for name in names {
            let child = path == "." ? name : path.hasSuffix("/") ? path + name : "\(path)/\(name)"
            guard stat(child, &info) == 0 else {
                problems.append(FileBytes.unreadable(child, errno))
                continue
            }
            if info.st_mode & S_IFMT == S_IFDIR {
                if !Self.skipped.contains(name) { folders.append(child) }
            } else if info.st_mode & S_IFMT == S_IFREG, Self.isManifestName(name) {
                files.append(ManifestFile(path: child, isExplicit: false))
            }
        }
        for folder in folders { visitFolder(folder, isExplicit: false) }
    }

    private static func isManifestName(_ name: String) -> Bool {
        guard !kustomizations.contains(name) else { return false }
        let lower = name.lowercased()
        return lower.hasSuffix(".yaml") || lower.hasSuffix(".yml") || lower.hasSuffix(".json")
    }
}

/// A pattern of paths with `*`, `?`, `[…]` and `**` for any depth of folders.
struct PathPattern {
    private let components: [String]
    private let isAbsolute: Bool

    init(_ pattern: String) {
        isAbsolute = pattern.hasPrefix("/")
        components = pattern.split(separator: "/").map(String.init)
    }

    /// Every existing path that fits, sorted.
    func matches() -> [String] {
        var found: Set<String> = []
        expand(isAbsolute ? "/" : "", components[...], &found, depth: 0)
        return found.sorted()
    }

    private func expand(_ base: String, _ rest: ArraySlice<String>, _ found: inout Set<String>, depth: Int) {
        guard let first = rest.first else {
            found.insert(base)
            return
        }
        guard depth < 64 else { return }
        let join = { (name: String) in base.isEmpty ? name : base.hasSuffix("/") ? base + name : "\(base)/\(name)" }
        guard first.contains(where: { "*?[".contains($0) }) else {
            let path = join(first)
            if FileManager.default.fileExists(atPath: path) { expand(path, rest.dropFirst(), &found, depth: depth + 1) }
            return
        }
        if first == "**" { expand(base, rest.dropFirst(), &found, depth: depth + 1) }
        let names = (try? FileManager.default.contentsOfDirectory(atPath: base.isEmpty ? "." : base)) ?? []
        for name in names where !name.hasPrefix(".") || first.hasPrefix(".") {
            if first == "**" {
                var info = stat()
                let path = join(name)
                // Links are not followed under **, so that circles end.
                if lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR {
                    expand(path, rest, &found, depth: depth + 1)
                }
            } else if fnmatch(first, name, 0) == 0 {
                expand(join(name), rest.dropFirst(), &found, depth: depth + 1)
            }
        }
    }
}
