/// What a file of an image is to the catalogue, told by its path alone.
enum FileForm: Sendable, Hashable {
    case dpkgStatus
    /// One package of an image without dpkg: `status.d/NAME`.
    case dpkgStatusPart
    case dpkgList
    case dpkgSums
    case apkInstalled
    case rpmDatabase
    /// What SQLite has not yet written into the database itself.
    case rpmJournal
    case rpmManifest
    case osRelease
    /// A file whose first line names the release, or is the version.
    case releaseLine
    /// Where apk takes packages from.
    case apkRepositories
    /// What Red Hat's builds say of the repositories that their packages are from.
    case contentSets
    case pythonMetadata, pythonRecord, pythonArchive, pythonRequirements, pythonPipfile, pythonLock
    case nodeManifest, npmLock, yarnLock, pnpmLock, bunLock
    case javaArchive, pom, gradleLock
    case gemspec, gemLock
    case cargoLock
    case goModule
    case composerLock, composerInstalled
    case dotnetDependencies, nugetLock, nugetXML
    case condaMeta, condaEnvironment
    case podLock, pubLock

    /// The longest file of the form that is read.
    var limit: Int {
        switch self {
        case .dpkgStatus, .apkInstalled: 128 << 20
        case .rpmDatabase, .javaArchive, .pythonArchive: 512 << 20
        case .dpkgList, .dpkgSums, .npmLock, .yarnLock, .pnpmLock, .bunLock, .pythonRecord, .condaMeta: 32 << 20
        case .osRelease, .releaseLine: 64 << 10
        case .rpmJournal: 0
        default: 8 << 20
        }
    }

    /// Finds the form of a path below the root.
    static func of(_ path: String) -> FileForm? {
        if let form = exact[path] { return form }
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let name = slash.map { path[path.index(after: $0)...] } ?? path[...]
        let folder = slash.map { path[..<$0] } ?? ""
        if let form = names[name] { return form }
        switch name {
        case "METADATA": return folder.hasSuffix(".dist-info") ? .pythonMetadata : nil
        case "RECORD": return folder.hasSuffix(".dist-info") ? .pythonRecord : nil
        case "PKG-INFO":
            return folder.hasSuffix(".egg-info") || folder.hasSuffix("EGG-INFO") ? .pythonMetadata : nil
        case "Packages", "Packages.db", "rpmdb.sqlite": return isRPMFolder(folder) ? .rpmDatabase : nil
        case "rpmdb.sqlite-wal": return isRPMFolder(folder) ? .rpmJournal : nil
        case "installed.json": return folder.hasSuffix("composer") ? .composerInstalled : nil
        default: break
        }
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")) else {
            return folder == "var/lib/dpkg/status.d" ? .dpkgStatusPart : nil
        }
        if folder.hasPrefix("var/lib/dpkg") {
            if folder == "var/lib/dpkg/status.d" { return name.hasSuffix(".md5sums") ? .dpkgSums : .dpkgStatusPart }
            if folder == "var/lib/dpkg/info" {
                return name.hasSuffix(".list") ? .dpkgList : name.hasSuffix(".md5sums") ? .dpkgSums : nil
            }
        }
        switch name[dot...] {
        case ".egg-info": return .pythonMetadata
        case ".whl", ".egg": return .pythonArchive
        case ".gemspec":
            return folder.contains("/specifications") || folder.hasPrefix("specifications") ? .gemspec : nil
        case ".json":
            if folder == "root/buildinfo/content_manifests" { return .contentSets }
            if name.hasSuffix(".deps.json") { return .dotnetDependencies }
            return folder.hasSuffix("conda-meta") ? .condaMeta : nil
        default: return JavaReader.isArchive(String(name)) ? .javaArchive : nil
        }
    }

    private static func isRPMFolder(_ folder: Substring) -> Bool {
        folder == "var/lib/rpm" || folder == "usr/lib/sysimage/rpm" || folder == "usr/share/rpm"
            || folder.hasSuffix("/var/lib/rpm") || folder.hasSuffix("/usr/lib/sysimage/rpm")
    }

    /// Names that mean the same in every folder.
    private static let names: [Substring: FileForm] = [
        "package.json": .nodeManifest, "package-lock.json": .npmLock, "npm-shrinkwrap.json": .npmLock,
        ".package-lock.json": .npmLock, "yarn.lock": .yarnLock, "pnpm-lock.yaml": .pnpmLock, "bun.lock": .bunLock,
        "requirements.txt": .pythonRequirements, "Pipfile.lock": .pythonPipfile, "poetry.lock": .pythonLock,
        "uv.lock": .pythonLock, "pdm.lock": .pythonLock, "pom.xml": .pom, "gradle.lockfile": .gradleLock,
        "Gemfile.lock": .gemLock, "gems.locked": .gemLock, "Cargo.lock": .cargoLock, "go.mod": .goModule,
        "composer.lock": .composerLock, "packages.lock.json": .nugetLock, "packages.config": .nugetXML,
        "Packages.props": .nugetXML, "Directory.Packages.props": .nugetXML, "environment.yaml": .condaEnvironment,
        "environment.yml": .condaEnvironment, "Podfile.lock": .podLock, "pubspec.lock": .pubLock,
    ]

    private static let exact: [String: FileForm] = [
        "var/lib/dpkg/status": .dpkgStatus,
        "lib/apk/db/installed": .apkInstalled,
        "usr/lib/apk/db/installed": .apkInstalled,
        "var/lib/rpmmanifest/container-manifest-2": .rpmManifest,
        "etc/os-release": .osRelease,
        "usr/lib/os-release": .osRelease,
        "etc/lsb-release": .osRelease,
        "usr/share/buildinfo/content-sets.json": .contentSets,
        "etc/apk/repositories": .apkRepositories,
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
