/// The distribution that an image is made of, as os-release or a bill of materials names it.
package struct Distribution: Sendable, Hashable {
    /// In our words: `debian`, `redhat`, `almalinux`.
    package var family: String
    package var version: String
    /// Support streams that the image is entitled to: `eus`, `esm`, `els`.
    package var streams: Set<String>

    private static let families = [
        "rhel": "redhat", "red hat": "redhat", "alma": "almalinux", "amzn": "amazon", "ol": "oracle",
        "oraclelinux": "oracle",
        "sle_hpc": "sles", "suse": "sles", "sled": "sles", "sles_sap": "sles", "sle-micro": "slem",
        "opensuse.leap": "opensuse-leap",
        "opensuse.tumbleweed": "opensuse-tumbleweed", "rockylinux": "rocky", "archlinux": "arch",
    ]

    package init(id: String, version: String, streams: Set<String> = []) {
        let id = id.lowercased()
        family = Self.families[id] ?? id
        self.version = version
        self.streams = streams
    }

    private var numbers: [Substring] {
        version.prefix { $0.isNumber || $0 == "." }.split(separator: ".")
    }
    private var major: String { numbers.first.map(String.init) ?? "" }
    private var minor: String { numbers.prefix(2).joined(separator: ".") }

    /// Where advisories for it stand, the most special first. What a later key says holds where no earlier one does.
    package var keys: [EcosystemKey] {
        switch family {
        case "debian":
            if let key = ReleaseNames.key("debian", version) ?? ReleaseNames.key("debian", major) { return [key] }
            return version.isEmpty ? [EcosystemKey("debian:unstable")] : [EcosystemKey("debian:\(major)")]
        case "ubuntu":
            let key = ReleaseNames.key("ubuntu", version)?.text ?? "ubuntu:\(minor)"
            return (streams.contains("esm") ? [EcosystemKey(key + "+esm")] : []) + [EcosystemKey(key)]
        case "alpine":
            let isEdge = version.isEmpty || version == "edge" || version.contains("_alpha")
            return [EcosystemKey(isEdge ? "alpine:edge" : "alpine:\(minor)")]
        case "redhat", "centos":
            let own = streams.sorted().flatMap { [EcosystemKey("redhat:\(minor)+\($0)")] }
            return own + unique(["redhat:\(minor)", "redhat:\(major)"])
        case "almalinux", "rocky": return unique(["\(family):\(minor)", "\(family):\(major)"])
        case "sles", "opensuse", "opensuse-leap": return unique(["\(family):\(minor)", "\(family):\(major)"])
        case "wolfi", "chainguard", "minimos", "secureos", "arch", "echo", "opensuse-tumbleweed":
            return [EcosystemKey(family)]
        case "fedora", "amazon", "oracle", "mageia": return [EcosystemKey("\(family):\(major)")]
        default: return unique(version.isEmpty ? [family] : ["\(family):\(minor)", "\(family):\(major)"])
        }
    }

    /// A distribution that this one is rebuilt from: it knows of vulnerabilities before there is a fix.
    package var upstreamKeys: [EcosystemKey] {
        switch family {
        case "almalinux", "rocky": unique(["redhat:\(minor)", "redhat:\(major)"])
        default: []
        }
    }

    private func unique(_ keys: [String]) -> [EcosystemKey] {
        var out: [EcosystemKey] = []
        for key in keys where !out.contains(EcosystemKey(key)) { out.append(EcosystemKey(key)) }
        return out
    }

    package var title: String { version.isEmpty ? family : "\(family) \(version)" }

    /// The release cycle that lifecycle tables know it by.
    func lifecycle(in table: [ReleaseLifecycle]) -> ReleaseLifecycle? {
        let own = table.filter { $0.product == family || (family == "opensuse-leap" && $0.product == "opensuse") }
        return own.first { $0.cycle == minor } ?? own.first { $0.cycle == major }
            ?? own.first { $0.codename?.lowercased() == version }
    }
}
