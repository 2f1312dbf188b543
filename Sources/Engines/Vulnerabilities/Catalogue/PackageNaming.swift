/// From what a file tells to the package that matching and bills of materials know: its purl above all.
///
/// Standard: package-url's type definitions; `upstream` and `distro` as Syft writes them, which readers expect.
enum PackageNaming {
    static func package(_ fact: PackageFact, _ distribution: Distribution?) -> SoftwarePackage {
        var out = SoftwarePackage(type: fact.type, name: fact.name, version: fact.version)
        out.architecture = fact.architecture.isEmpty ? nil : fact.architecture
        out.module = fact.module
        out.sources = fact.source.map { [$0] } ?? []
        out.purl = url(fact, distribution)
        return out
    }

    static func url(_ fact: PackageFact, _ distribution: Distribution?) -> String? {
        var namespace: String?
        var name = fact.name
        var version = fact.version
        var qualifiers = fact.qualifiers
        switch fact.type {
        case "deb", "apk", "rpm", "alpm":
            namespace = distribution.map(distributionName) ?? defaultVendor[fact.type]
            qualifiers["arch"] = fact.architecture
            if let distribution { qualifiers["distro"] = tag(distribution) }
            if fact.type == "rpm", let colon = version.firstIndex(of: ":") {
                qualifiers["epoch"] = String(version[..<colon])
                version = String(version[version.index(after: colon)...])
            }
            if let source = fact.source {
                if fact.type == "rpm", let sourceVersion = source.version {
                    qualifiers["upstream"] = "\(source.name)-\(sourceVersion).src.rpm"
                } else if let sourceVersion = source.version, sourceVersion != fact.version {
                    qualifiers["upstream"] = "\(source.name)@\(sourceVersion)"
                } else if source.name != fact.name {
                    qualifiers["upstream"] = source.name
                }
            }
            if let module = fact.module, !module.isEmpty { qualifiers["rpmmod"] = module }
        case "maven":
            if let colon = name.firstIndex(of: ":") {
                namespace = String(name[..<colon])
                name = String(name[name.index(after: colon)...])
            }
            if version == "UNKNOWN" { version = "" }
        case "golang", "npm", "composer", "swift", "github", "hex":
            if let slash = name.lastIndex(of: "/") {
                namespace = String(name[..<slash])
                name = String(name[name.index(after: slash)...])
            }
        default: break
        }
        return
            (try? PackageURL(
                type: fact.type, namespace: namespace, name: name, version: version, qualifiers: qualifiers))?.text
    }

    private static let defaultVendor = ["deb": "debian", "apk": "alpine", "alpm": "arch"]

    /// Families that os-release names otherwise than we.
    private static let names = ["redhat": "rhel", "amazon": "amzn", "oracle": "ol"]

    private static func distributionName(_ distribution: Distribution) -> String {
        distribution.family == "redhat" ? "redhat" : names[distribution.family] ?? distribution.family
    }

    private static func tag(_ distribution: Distribution) -> String {
        let name = names[distribution.family] ?? distribution.family
        return distribution.version.isEmpty ? name : "\(name)-\(distribution.version)"
    }
}
