import Documents

/// NVD's configurations: which products a CVE is in, by CPE.
enum NVDFeed {
    static func read(_ node: Node, into collector: inout FeedCollector) {
        if node["vulnerabilities"].isArray {
            for item in node["vulnerabilities"].elements { read(item, into: &collector) }
            return
        }
        let cve = node["cve"].isObject ? node["cve"] : node
        guard let id = cve["id"].string else {
            collector.report("an NVD record without an id")
            return
        }
        var advisory = Advisory(id)
        advisory.summary = FeedReader.summary(
            cve["descriptions"].elements.first { $0["lang"].equals("en") }?["value"].string ?? "")
        advisory.published = cve["published"].string.flatMap { CivilDate($0) }
        advisory.modified = cve["lastModified"].string.flatMap { CivilDate($0) }
        advisory.isDisputed = cve["cveTags"].elements.contains { $0["tags"].strings.contains("disputed") }
        for metric in cve["metrics"].members {
            for item in metric.value.elements {
                if let vector = item["cvssData"]["vectorString"].string, CVSS(vector) != nil {
                    advisory.vectors.append(vector)
                }
            }
        }
        // One entry a product; its ranges may come from several nodes.
        var order: [String] = []
        var products: [String: AffectedPackage] = [:]
        for configuration in cve["configurations"].elements {
            for nodes in configuration["nodes"].elements {
                for match in nodes["cpeMatch"].elements where match["vulnerable"].bool == true {
                    guard let cpe = match["criteria"].string.flatMap({ CPE($0) }), cpe.part != "o", cpe.part != "h"
                    else {
                        continue
                    }
                    if products[cpe.key] == nil { order.append(cpe.key) }
                    add(match, cpe, to: &products[cpe.key, default: AffectedPackage(.cpe, cpe.key)])
                }
            }
        }
        advisory.affected = order.compactMap { products[$0] }
        guard !advisory.affected.isEmpty || !advisory.vectors.isEmpty else { return }
        collector.add(advisory)
    }

    private static func add(_ match: Node, _ cpe: CPE, to package: inout AffectedPackage) {
        var bounds: VersionBounds = []
        if let version = match["versionStartIncluding"].string {
            bounds.append(VersionConstraint(.greaterOrEqual, version))
        }
        if let version = match["versionStartExcluding"].string { bounds.append(VersionConstraint(.greater, version)) }
        if let version = match["versionEndExcluding"].string {
            bounds.append(VersionConstraint(.less, version))
            if !package.fixes.contains(version) { package.fixes.append(version) }
        }
        if let version = match["versionEndIncluding"].string { bounds.append(VersionConstraint(.lessOrEqual, version)) }
        if bounds.isEmpty {
            guard cpe.version != "-" else { return }
            if cpe.version != "*" {
                let update = cpe.update == "*" || cpe.update == "-" ? "" : cpe.update
                bounds = [VersionConstraint(.equal, cpe.version + update)]
            }
        }
        if !package.ranges.contains(bounds) { package.ranges.append(bounds) }
    }
}

/// A CPE 2.3 name, as far as matching reads it.
///
/// Standard: NIST IR 7695.
package struct CPE: Sendable, Hashable {
    package var part: String
    package var vendor: String
    package var product: String
    package var version: String
    package var update: String
    package var targetSoftware: String

    package init?(_ text: String) {
        guard text.hasPrefix("cpe:2.3:") else { return nil }
        // A colon behind a backslash belongs to the value.
        var parts: [String] = [""]
        var isEscaped = false
        for character in text.dropFirst(8) {
            if isEscaped {
                parts[parts.count - 1].append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == ":" {
                parts.append("")
            } else {
                parts[parts.count - 1].append(character)
            }
        }
        guard parts.count >= 4 else { return nil }
        func at(_ index: Int) -> String { index < parts.count ? parts[index].lowercased() : "*" }
        part = at(0)
        vendor = at(1)
        product = at(2)
        version = at(3)
        update = at(4)
        targetSoftware = at(8)
    }

    /// Under which advisories name it.
    package var key: String { "\(vendor):\(product)" }

    /// The whole name again; fields that matching does not read stand for any value.
    package var text: String {
        func field(_ value: String) -> String {
            if value == "*" || value == "-" { return value }
            var out = ""
            for character in value {
                let isPlain =
                    character.isASCII && (character.isLetter || character.isNumber || "_-.".contains(character))
                if !isPlain { out.append("\\") }
                out.append(character)
            }
            return out.isEmpty ? "*" : out
        }
        let fields = [part, vendor, product, version, update, "*", "*", "*", targetSoftware, "*", "*"]
        return "cpe:2.3:" + fields.map(field).joined(separator: ":")
    }
}
