import Images
import Vulnerabilities

/// What must hold for every file that tells of packages: nothing traps, what was read survives being stored, and no
/// package is without a name.
enum PackageTarget {
    /// Each with a reader of its own.
    private static let paths = [
        "var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/Packages", "usr/lib/sysimage/rpm/Packages.db", "opt/app.jar",
        "opt/a-1-py3-none-any.whl", "usr/bin/app", "var/lib/dpkg/status", "var/lib/dpkg/info/a.list",
        "lib/apk/db/installed", "etc/os-release", "a-1.dist-info/METADATA", "app/package-lock.json", "app/yarn.lock",
        "app/pnpm-lock.yaml", "app/poetry.lock", "app/Gemfile.lock", "app/Cargo.lock", "app/go.mod", "app/pom.xml",
        "app/composer.lock", "app/x.deps.json", "app/packages.config", "app/gradle.lockfile",
        "specifications/a.gemspec",
        "var/lib/rpmmanifest/container-manifest-2", "app/Podfile.lock", "app/environment.yml",
    ]

    static func run(_ bytes: [UInt8]) {
        guard let first = bytes.first else { return }
        let contents = Array(bytes.dropFirst())
        let path = paths[Int(first) % paths.count]
        var builder = LayerFactsBuilder()
        builder.take(
            LayerMember(path: path, kind: .file, mode: 0o755, size: contents.count), contents: contents)
        let facts = builder.finish()
        precondition((try? LayerFacts(decoding: facts.encoded())) == facts, "facts survive being stored")
        let image = ImageCatalogue(layers: [facts], includesDeclared: true)
        for item in image.packages { precondition(!item.package.name.isEmpty, "a package has a name") }
    }
}

/// What libFuzzer calls with each text.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    PackageTarget.run(Array(UnsafeBufferPointer(start: start, count: count)))
    return 0
}
