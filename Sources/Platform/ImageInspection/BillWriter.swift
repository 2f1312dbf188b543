import ContainerImages
import Documents
package import Vulnerabilities

/// Writes a scan as CycloneDX: what an image holds together with what is vulnerable in it. A bill of materials alone is
/// what `BillContents` writes.
///
/// Nothing random and no clock: serial numbers come from the image's digest, so that the same image gives the same bytes.
package struct BillWriter: Sendable {
    /// A vulnerability to write beside the components.
    package struct Vulnerability: Sendable {
        package var finding: VulnerabilityFinding
        package var score: Double?
        package var vector: String?

        package init(finding: VulnerabilityFinding, score: Double?, vector: String?) {
            self.finding = finding
            self.score = score
            self.vector = vector
        }
    }

    private let name: String
    private let digest: ContentDigest?
    private let distribution: Distribution?
    private let packages: [SoftwarePackage]
    private let catalogued: [CataloguedPackage]
    private let notes: [ImageNote]
    private let isComplete: Bool
    /// RFC 3339; the image's own day where it tells one.
    private let created: String
    private let toolVersion: String

    package init(_ result: ImageResult, created: String, toolVersion: String) {
        name = result.name
        digest = result.identity
        distribution = result.distribution
        packages = result.packages
        catalogued = result.catalogue?.packages ?? []
        notes = result.notes
        isComplete = result.isComplete
        self.created = created
        self.toolVersion = toolVersion
    }

    package init(_ bill: BillOfMaterials, created: String, toolVersion: String) {
        name = bill.name
        digest = nil
        distribution = bill.distribution
        packages = bill.packages
        catalogued = []
        notes = []
        isComplete = bill.skipped == 0
        self.created = created
        self.toolVersion = toolVersion
    }

    private func reference(_ index: Int) -> String { "package-\(index)" }

    /// A UUID's form out of the image's digest.
    private var serial: String {
        var hash: [UInt8] = []
        let hex = Array((digest?.hex ?? Self.hex(name)).utf8)
        hash = Array(hex.prefix(32))
        // Version 8 is the one for numbers that somebody made in a way of his own (RFC 9562).
        hash[12] = UInt8(ascii: "8")
        hash[16] = UInt8(ascii: "a")
        let text = String(decoding: hash, as: UTF8.self)
        let parts = [(0, 8), (8, 4), (12, 4), (16, 4), (20, 12)].map { start, count in
            String(text.dropFirst(start).prefix(count))
        }
        return parts.joined(separator: "-")
    }

    private static func hex(_ text: String) -> String {
        var out = ""
        for byte in text.utf8.reversed() {
            let digits = String(byte, radix: 16)
            out += digits.count == 1 ? "0\(digits)" : digits
        }
        return out + String(repeating: "0", count: 32)
    }

    /// CycloneDX 1.6, JSON.
    package func cycloneDX(_ vulnerabilities: [Vulnerability] = []) -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member("$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json")
            writer.member("bomFormat", "CycloneDX")
            writer.member("specVersion", "1.6")
            writer.member("serialNumber", "urn:uuid:\(serial)")
            writer.member("version", 1)
            writer.member("metadata", object: { metadata(&$0) })
            writer.member(
                "components",
                array: { writer in
                    if let distribution {
                        writer.object { writer in
                            writer.member("bom-ref", "distribution")
                            writer.member("type", "operating-system")
                            writer.member("name", distribution.family)
                            writer.member("version", distribution.version)
                        }
                    }
                    for index in packages.indices { component(index, &writer) }
                })
            writer.member(
                "compositions",
                array: { writer in
                    writer.object { writer in
                        writer.member("aggregate", isComplete ? "complete" : "incomplete")
                        writer.member("assemblies", ["image"])
                    }
                })
            if !vulnerabilities.isEmpty {
                writer.member(
                    "vulnerabilities", array: { writer in for item in vulnerabilities { write(item, &writer) } })
            }
        }
        return writer.string
    }

    private func metadata(_ writer: inout JSONWriter) {
        writer.member("timestamp", created)
        writer.member(
            "tools",
            object: { writer in
                writer.member(
                    "components",
                    array: { writer in
                        writer.object { writer in
                            writer.member("type", "application")
                            writer.member("name", "Martlet")
                            writer.member("version", toolVersion)
                        }
                    })
            })
        writer.member(
            "component",
            object: { writer in
                writer.member("bom-ref", "image")
                writer.member("type", "container")
                writer.member("name", name)
                if let digest { writer.member("version", digest.description) }
            })
        guard !notes.isEmpty else { return }
        writer.member(
            "properties",
            array: { writer in
                for note in notes { property("martlet:\(note.kind.rawValue):\(note.code)", note.message, &writer) }
            })
    }

    private func property(_ name: String, _ value: String, _ writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("name", name)
            writer.member("value", value)
        }
    }

    private func component(_ index: Int, _ writer: inout JSONWriter) {
        let package = packages[index]
        let details = index < catalogued.count ? catalogued[index] : nil
        writer.object { writer in
            writer.member("bom-ref", reference(index))
            writer.member("type", "library")
            let name = Self.split(package)
            if let group = name.group { writer.member("group", group) }
            writer.member("name", name.name)
            if !package.version.isEmpty { writer.member("version", package.version) }
            if let licences = details?.licences, !licences.isEmpty {
                writer.member(
                    "licenses",
                    array: { writer in
                        for licence in licences {
                            writer.object { $0.member("license", object: { $0.member("name", licence) }) }
                        }
                    })
            }
            if let purl = package.purl { writer.member("purl", purl) }
            var properties: [(String, String)] = []
            if let layer = package.layer { properties.append(("martlet:layer", layer)) }
            if let owner = package.owner { properties.append(("martlet:owner", owner)) }
            for source in package.sources {
                properties.append(
                    ("martlet:source", source.name + (source.version.map { "@\($0)" } ?? "")))
            }
            if !properties.isEmpty {
                writer.member(
                    "properties",
                    array: { writer in for (name, value) in properties { property(name, value, &writer) } })
            }
            let paths = details?.paths ?? package.location.map { [$0] } ?? []
            if !paths.isEmpty {
                writer.member(
                    "evidence",
                    object: { writer in
                        writer.member(
                            "occurrences",
                            array: { writer in for path in paths { writer.object { $0.member("location", path) } } })
                    })
            }
        }
    }

    /// CycloneDX keeps what stands before a name apart.
    private static func split(_ package: SoftwarePackage) -> (group: String?, name: String) {
        let mark: Character = package.type == "maven" ? ":" : "/"
        guard ["maven", "npm", "composer"].contains(package.type), let position = package.name.lastIndex(of: mark)
        else { return (nil, package.name) }
        return (String(package.name[..<position]), String(package.name[package.name.index(after: position)...]))
    }

    private func write(_ item: Vulnerability, _ writer: inout JSONWriter) {
        let finding = item.finding
        writer.object { writer in
            writer.member("id", finding.id)
            if !finding.severitySource.isEmpty {
                writer.member("source", object: { $0.member("name", finding.severitySource) })
            }
            writer.member(
                "ratings",
                array: { writer in
                    writer.object { writer in
                        if let score = item.score {
                            writer.key("score")
                            writer.value(score, digits: 1)
                        }
                        writer.member("severity", finding.severity.name)
                        if let vector = item.vector { writer.member("vector", vector) }
                    }
                })
            if !finding.summary.isEmpty { writer.member("description", finding.summary) }
            if let fix = finding.fixes.first { writer.member("recommendation", "upgrade to \(fix)") }
            writer.member(
                "affects",
                array: { writer in writer.object { $0.member("ref", reference(finding.package)) } })
        }
    }
}
