import Documents
import Findings

/// Paths of a node that give away more than a volume should.
///
/// Source: `Resources/host-paths.json`.
struct HostPaths: Sendable {
    enum Scope: String, Sendable { case tree, exact, prefix }

    struct Place: Sendable {
        var path: String
        var scope: Scope
        var what: String
        var severity: Severity
        var readOnlySeverity: Severity
    }

    let sockets: [Place]
    let paths: [Place]

    static let known: HostPaths = {
        let root = FactFile.root(PackageResources.host_paths_json, "host-paths.json")
        func places(_ node: Node, _ severity: Severity) -> [Place] {
            node.elements.map { entry in
                let severity = entry["severity"].string.flatMap(Severity.init) ?? severity
                return Place(
                    path: entry["path"].string ?? "", scope: entry["scope"].string.flatMap(Scope.init) ?? .exact,
                    what: entry["what"].string ?? "", severity: severity,
                    readOnlySeverity: entry["readOnly"].string.flatMap(Severity.init) ?? severity)
            }
        }
        return HostPaths(sockets: places(root["sockets"], .critical), paths: places(root["paths"], .high))
    }()

    /// The socket that a mount of `path` brings in.
    ///
    /// Only the socket's own path or a directory that is there for it counts; wider directories are in `paths`.
    func socket(_ path: String) -> Place? {
        sockets.first { $0.path == path }
            ?? sockets.first { place in
                let folder = place.path.prefix(upTo: place.path.lastIndex(of: "/") ?? place.path.startIndex)
                return folder == path && folder.dropFirst().contains("/")
            }
    }

    /// What a mount of `path` brings in: the entry that names it best.
    func place(_ path: String) -> Place? {
        var best: Place?
        for place in paths {
            let matches =
                switch place.scope {
                case .exact: path == place.path
                case .tree: path == place.path || path.hasPrefix(place.path + "/") || path.hasPrefix(place.path + "\\")
                case .prefix: path.hasPrefix(place.path)
                }
            if matches, place.path.utf8.count > best?.path.utf8.count ?? 0 { best = place }
        }
        return best
    }

    /// A path without `.`, `..`, doubled and trailing slashes; `/var/run` is `/run` on every node.
    ///
    /// Paths of Windows, told by a backslash or a drive, come in lower case without their last backslash.
    static func normalized(_ path: String) -> String {
        if path.contains("\\") || path.dropFirst().first == ":" {
            let plain = path.lowercased().replacing("/", with: "\\")
            return String(plain.reversed().drop { $0 == "\\" }.reversed())
        }
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { parts = Array(parts.dropLast()) } else { parts.append(part) }
        }
        if parts.starts(with: ["var", "run"]) { parts.removeFirst() }
        return "/" + parts.joined(separator: "/")
    }
}
