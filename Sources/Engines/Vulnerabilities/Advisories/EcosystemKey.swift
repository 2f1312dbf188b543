/// Where a package comes from: `debian:12`, `pypi`. Advisories and packages meet under this key and the name.
package struct EcosystemKey: Sendable, Hashable, Comparable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package static func < (left: EcosystemKey, right: EcosystemKey) -> Bool { left.text < right.text }

    /// Without the release.
    package var family: String { String(text.prefix { $0 != ":" }) }
    package var release: String? { text.firstIndex(of: ":").map { String(text[text.index(after: $0)...]) } }

    package static let cpe = EcosystemKey("cpe")

    /// How versions are ordered there.
    package var scheme: VersionScheme {
        switch family {
        case "debian", "ubuntu", "echo": .deb
        case "alpine", "wolfi", "chainguard", "minimos", "secureos": .apk
        case "redhat", "almalinux", "rocky", "centos", "fedora", "epel", "oracle", "amazon", "sles", "opensuse",
            "opensuse-leap",
            "opensuse-tumbleweed", "slem", "photon", "azurelinux", "mariner", "hummingbird", "mageia", "openeuler":
            .rpm
        case "arch": .alpm
        // Go's advisories leave out the `v`.
        case "golang": .semver
        case "kubernetes": .semver
        default: VersionScheme(name: family) ?? .generic
        }
    }

    package var isDistribution: Bool {
        switch scheme {
        case .deb, .rpm, .apk, .alpm: true
        default: false
        }
    }

    /// The one spelling of a name that its registry takes for the same package.
    package func normalized(_ name: String) -> String {
        switch family {
        case "pypi": Self.pythonName(name)
        case "composer", "nuget": name.lowercased()
        default: name
        }
    }

    /// Standard: PEP 503.
    private static func pythonName(_ name: String) -> String {
        var out: [UInt8] = []
        var wasSeparator = false
        for byte in name.utf8 {
            if byte == 0x2D || byte == 0x5F || byte == 0x2E {
                if !wasSeparator { out.append(0x2D) }
                wasSeparator = true
            } else {
                out.append(byte.lowercased)
                wasSeparator = false
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// The key of an OSV ecosystem; nil for those that hold no packages of images (`GIT`, `Android`, `OSS-Fuzz`).
    ///
    /// Standard: OSV schema, defined ecosystems.
    package init?(osv name: String) {
        let parts = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        let release = parts.dropFirst().first
        func keyed(_ family: String, _ release: String?) -> String { release.map { "\(family):\($0)" } ?? family }
        switch parts[0] {
        case "PyPI": self.init("pypi")
        case "npm": self.init("npm")
        case "Go": self.init("golang")
        case "crates.io": self.init("cargo")
        case "RubyGems": self.init("gem")
        case "Packagist": self.init("composer")
        case "Maven": self.init("maven")
        case "NuGet": self.init("nuget")
        case "Hex": self.init("hex")
        case "Pub": self.init("pub")
        case "Hackage": self.init("hackage")
        case "CRAN": self.init("cran")
        case "ConanCenter": self.init("conan")
        case "SwiftURL": self.init("swift")
        case "Bitnami": self.init("bitnami")
        case "kubernetes", "Kubernetes": self.init("kubernetes")
        case "Alpine": self.init(keyed("alpine", release.map { $0.hasPrefix("v") ? String($0.dropFirst()) : $0 }))
        case "Debian": self.init(keyed("debian", release))
        case "Ubuntu":
            // `Ubuntu:Pro:16.04:LTS` holds what only subscribers get.
            let isPro = parts.contains("Pro")
            let number = parts.dropFirst().first { $0.first?.isNumber == true }
            self.init(keyed("ubuntu", number.map { isPro ? "\($0)+esm" : $0 }))
        case "AlmaLinux": self.init(keyed("almalinux", release))
        case "Rocky Linux": self.init(keyed("rocky", release))
        case "Red Hat": self.init(keyed("redhat", parts.count > 2 ? parts[2] : nil))
        case "SUSE": self.init(keyed("sles", parts.last { $0.first?.isNumber == true }))
        case "openSUSE": self.init(keyed("opensuse", parts.last { $0.first?.isNumber == true }))
        case "Photon OS": self.init(keyed("photon", release))
        case "Azure Linux": self.init(keyed("azurelinux", release))
        case "Mageia": self.init(keyed("mageia", release))
        case "openEuler": self.init(keyed("openeuler", release))
        case "Wolfi": self.init("wolfi")
        case "Chainguard": self.init("chainguard")
        case "MinimOS": self.init("minimos")
        case "Echo": self.init("echo")
        default: return nil
        }
    }
}
