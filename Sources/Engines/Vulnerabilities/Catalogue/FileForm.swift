/// What a file of an image is to the catalogue, told by its path alone.
enum FileForm: Sendable, Hashable {
    case dpkgStatus
    /// One package of an image without dpkg: `status.d/NAME`.
    case dpkgStatusPart
    case dpkgList
    case dpkgSums
    case apkInstalled
    case osRelease
    /// A file whose first line names the release, or is the version.
    case releaseLine

    /// The longest file of the form that is read.
    var limit: Int {
        switch self {
        case .dpkgStatus, .apkInstalled: 128 << 20
        case .dpkgList, .dpkgSums: 32 << 20
        case .dpkgStatusPart: 4 << 20
        case .osRelease, .releaseLine: 64 << 10
        }
    }

    /// Finds the form of a path below the root.
    static func of(_ path: String) -> FileForm? {
        if let form = exact[path] { return form }
        if path.hasPrefix("var/lib/dpkg/") {
            let rest = path.dropFirst(13)
            if rest.hasPrefix("status.d/"), !rest.dropFirst(9).contains("/") {
                return rest.hasSuffix(".md5sums") ? .dpkgSums : .dpkgStatusPart
            }
            if rest.hasPrefix("info/") {
                return rest.hasSuffix(".list") ? .dpkgList : rest.hasSuffix(".md5sums") ? .dpkgSums : nil
            }
            return nil
        }
        return nil
    }

    private static let exact: [String: FileForm] = [
        "var/lib/dpkg/status": .dpkgStatus,
        "lib/apk/db/installed": .apkInstalled,
        "usr/lib/apk/db/installed": .apkInstalled,
        "etc/os-release": .osRelease,
        "usr/lib/os-release": .osRelease,
        "etc/lsb-release": .osRelease,
        "etc/alpine-release": .releaseLine,
        "etc/debian_version": .releaseLine,
        "etc/redhat-release": .releaseLine,
        "etc/centos-release": .releaseLine,
        "etc/system-release": .releaseLine,
        "etc/oracle-release": .releaseLine,
        "etc/fedora-release": .releaseLine,
        "etc/rocky-release": .releaseLine,
        "etc/almalinux-release": .releaseLine,
        "etc/SuSE-release": .releaseLine,
        "etc/photon-release": .releaseLine,
        "etc/mariner-release": .releaseLine,
        "etc/azurelinux-release": .releaseLine,
    ]
}
