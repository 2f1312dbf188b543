import Documents
import Vulnerabilities

/// A package as one line of JSON: the same package always the same line, so that the line can be its key.
enum PackageText {
    static func text(_ package: SoftwarePackage, _ distribution: Distribution?) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("type", package.type)
            writer.member("name", package.name)
            writer.member("version", package.version)
            if !package.sources.isEmpty {
                writer.key("sources")
                writer.array { writer in
                    for source in package.sources {
                        writer.array { writer in
                            writer.value(source.name)
                            if let version = source.version { writer.value(version) }
                        }
                    }
                }
            }
            func optional(_ key: String, _ text: String?) { if let text { writer.member(key, text) } }
            optional("purl", package.purl)
            optional("module", package.module)
            optional("architecture", package.architecture)
            optional("owner", package.owner)
            optional("reference", package.reference)
            if !package.cpes.isEmpty {
                writer.key("cpes")
                writer.array { writer in
                    for cpe in package.cpes {
                        writer.array([
                            cpe.part, cpe.vendor, cpe.product, cpe.version, cpe.update, cpe.targetSoftware,
                        ])
                    }
                }
            }
            // A language's package is the same on every distribution.
            if let distribution, Self.isOfDistribution(package) {
                writer.member("distribution", Self.text(distribution))
            }
        }
        return writer.string
    }

    private static func isOfDistribution(_ package: SoftwarePackage) -> Bool {
        ["deb", "rpm", "apk", "alpm"].contains(package.type)
    }

    static func package(_ text: String) -> (package: SoftwarePackage, distribution: Distribution?)? {
        guard let node = try? DocumentReader.readJSON(SourceText(name: "", bytes: Array(text.utf8))),
            let type = node["type"].string, let name = node["name"].string, let version = node["version"].string
        else { return nil }
        var package = SoftwarePackage(type: type, name: name, version: version)
        package.sources = node["sources"].elements.map { source in
            SoftwarePackage.Source(name: source[0].string ?? "", version: source[1].string)
        }
        package.purl = node["purl"].string
        package.module = node["module"].string
        package.architecture = node["architecture"].string
        package.owner = node["owner"].string
        package.reference = node["reference"].string
        package.cpes = node["cpes"].elements.compactMap { parts in
            let parts = parts.strings
            guard parts.count == 6, var cpe = CPE("cpe:2.3:a:v:p:1:*:*:*:*:*:*:*") else { return nil }
            (cpe.part, cpe.vendor, cpe.product) = (parts[0], parts[1], parts[2])
            (cpe.version, cpe.update, cpe.targetSoftware) = (parts[3], parts[4], parts[5])
            return cpe
        }
        return (package, node["distribution"].string.flatMap(distribution))
    }

    /// `family|version|streams`
    static func text(_ distribution: Distribution) -> String {
        "\(distribution.family)|\(distribution.version)|\(distribution.streams.sorted().joined(separator: ","))"
    }

    static func distribution(_ text: String) -> Distribution? {
        let parts = text.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3 else { return nil }
        return Distribution(
            id: parts[0], version: parts[1], streams: Set(parts[2].split(separator: ",").map(String.init)))
    }
}

/// A verdict's parts as text.
enum VerdictText {
    /// Counts from unknown to critical: `0,0,1,4,0,2`.
    static func counts(_ counts: [Severity: Int]) -> String {
        Severity.allCases.map { String(counts[$0] ?? 0) }.joined(separator: ",")
    }

    static func counts(_ text: String) -> [Severity: Int] {
        var counts: [Severity: Int] = [:]
        for (severity, part) in zip(Severity.allCases, text.split(separator: ",")) {
            if let count = Int(part), count > 0 { counts[severity] = count }
        }
        return counts
    }

    static func items(_ items: [StoredVerdict.Item]) -> String {
        var writer = JSONWriter()
        writer.array { writer in
            for item in items {
                writer.object { writer in
                    writer.member("id", item.id)
                    writer.member("package", item.package)
                    writer.member("version", item.version)
                    writer.member("severity", item.severity.name)
                    if let fix = item.fix { writer.member("fix", fix) }
                    if item.isExploited { writer.member("exploited", true) }
                    if let fixed = item.fixed { writer.member("fixed", fixed.text) }
                    if let epss = item.epss {
                        writer.key("epss")
                        writer.value(epss, digits: 5)
                    }
                }
            }
        }
        return writer.string
    }

    static func items(_ text: String) -> [StoredVerdict.Item] {
        guard let node = try? DocumentReader.readJSON(SourceText(name: "", bytes: Array(text.utf8))) else { return [] }
        return node.elements.map { item in
            StoredVerdict.Item(
                id: item["id"].string ?? "", package: item["package"].string ?? "",
                version: item["version"].string ?? "",
                severity: item["severity"].string.flatMap { Severity(word: $0) } ?? .unknown, fix: item["fix"].string,
                isExploited: item["exploited"].bool ?? false,
                fixed: item["fixed"].string.flatMap { CivilDate($0) }, epss: item["epss"].double)
        }
    }

    static func details(_ details: StoredVerdict.Details) -> String {
        var writer = JSONWriter()
        writer.object { writer in
            if let end = details.endOfLife { writer.member("endOfLife", end) }
            if let built = details.built { writer.member("built", built.text) }
            if !details.bases.isEmpty { writer.member("bases", details.bases) }
            if !details.faults.isEmpty { writer.member("faults", details.faults) }
            if !details.holes.isEmpty { writer.member("holes", details.holes) }
        }
        return writer.string
    }

    static func details(_ text: String) -> StoredVerdict.Details {
        var details = StoredVerdict.Details()
        guard let node = try? DocumentReader.readJSON(SourceText(name: "", bytes: Array(text.utf8))) else {
            return details
        }
        details.endOfLife = node["endOfLife"].string
        details.built = node["built"].string.flatMap { CivilDate($0) }
        details.bases = node["bases"].strings
        details.faults = node["faults"].strings
        details.holes = node["holes"].strings
        return details
    }
}
