/// One package as a file of a layer tells it, before anything is known of the rest of the image.
struct PackageFact: Sendable, Hashable {
    var type: String
    var name: String
    var version: String
    var source: SoftwarePackage.Source?
    var architecture = ""
    /// The module stream of an rpm; nil where nothing is told of it.
    var module: String?
    var licences: [String] = []
    /// Names of packages that it needs, in the words of its own registry.
    var requires: [String] = []
    /// Where inside the file it stands, as `BOOT-INF/lib/x.jar`; empty for the file itself.
    var inner = ""
    /// Only asked for: a lock file names it, nothing shows that it is there.
    var isDeclared = false
    /// Asked for by developers and tests only.
    var isDevelopment = false
    /// What further the purl tells, as `vcs_url`.
    var qualifiers: [String: String] = [:]

    init(type: String, name: String, version: String) {
        self.type = type
        self.name = name
        self.version = version
    }

    /// What makes two mentions the same package.
    var identity: String {
        var out = type
        out.reserveCapacity(type.utf8.count + name.utf8.count + version.utf8.count + architecture.utf8.count + 3)
        for part in [name, version, architecture] {
            out += "\u{1}"
            out += part
        }
        return out
    }
}

/// Files that a package says are its own: paths below the root, one a line, as its list has them.
struct OwnedFiles: Sendable, Hashable {
    var package: String
    var paths: [UInt8]
}

/// What a release file tells of the distribution.
struct ReleaseFact: Sendable, Hashable {
    var id = ""
    var version = ""
    var codename = ""
    var title = ""
    /// Support streams of Red Hat that packages come from, in the order of their letters: `eus`.
    var streams: [String] = []
}

/// Everything that one file of a layer tells.
struct FileFacts: Sendable, Hashable {
    var path: String
    var packages: [PackageFact] = []
    var owned: [OwnedFiles] = []
    var release: ReleaseFact?
    var problem: String?

    init(path: String) { self.path = path }

    var isEmpty: Bool { packages.isEmpty && owned.isEmpty && release == nil && problem == nil }
}

/// Something of an image that could not be looked at: without it nobody may call the image clean.
package struct CatalogueProblem: Sendable, Hashable {
    package var path: String
    package var message: String
    /// The layer it stands in, the lowest being 0.
    package var layer: Int

    package init(path: String, message: String, layer: Int) {
        self.path = path
        self.message = message
        self.layer = layer
    }
}

/// A file that can be run.
package struct ImageExecutable: Sendable, Hashable {
    /// Below the root, without a leading slash.
    package var path: String
    /// Permission bits with setuid and setgid.
    package var mode: UInt16
    package var size: Int
    /// The user that it belongs to.
    package var user: Int
    /// SHA-256 of its contents; empty where the layer's reader did not hash it.
    package var digest: [UInt8]

    package var isSetUser: Bool { mode & 0o4000 != 0 }
    package var isSetGroup: Bool { mode & 0o2000 != 0 }
}
