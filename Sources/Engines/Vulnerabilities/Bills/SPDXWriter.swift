import Documents

/// SPDX 2.3 as JSON and as tags with values.
///
/// Standard: the SPDX specification 2.3, ISO/IEC 5962. The source package stands in `sourceInfo`, in Trivy's words,
/// which readers know.
struct SPDXWriter {
    let contents: BillContents
    let parts: BillParts

    private struct Package {
        var id: String
        var name: String
        var version: String
        var purpose: String
        var licence: String?
        var sourceInfo: String?
        var comment: String?
        var references: [(category: String, type: String, locator: String)] = []
    }

    private static let subject = "SPDXRef-Subject"

    private var packages: [Package] {
        var out = [
            Package(
                id: Self.subject, name: contents.name, version: contents.digest ?? "",
                purpose: contents.digest == nil ? "APPLICATION" : "CONTAINER")
        ]
        if let distribution = contents.distribution {
            out.append(
                Package(
                    id: "SPDXRef-OperatingSystem", name: distribution.family, version: distribution.version,
                    purpose: "OPERATING-SYSTEM"))
        }
        for (index, item) in contents.packages.enumerated() {
            var package = Package(
                id: "SPDXRef-Package-\(parts.references[index])", name: item.package.name,
                version: item.package.version, purpose: "LIBRARY", licence: BillLicences.expression(item.licences))
            if let source = item.package.sources.first {
                package.sourceInfo = "built package from: " + source.name + (source.version.map { " \($0)" } ?? "")
            }
            if let path = item.paths.first { package.comment = "found in \(path)" }
            for cpe in item.package.cpes { package.references.append(("SECURITY", "cpe23Type", cpe.text)) }
            if let purl = item.package.purl { package.references.append(("PACKAGE-MANAGER", "purl", purl)) }
            out.append(package)
        }
        return out
    }

    private var relations: [(from: String, kind: String, to: String)] {
        var out = [(from: "SPDXRef-DOCUMENT", kind: "DESCRIBES", to: Self.subject)]
        if contents.distribution != nil { out.append((Self.subject, "CONTAINS", "SPDXRef-OperatingSystem")) }
        for index in contents.packages.indices {
            out.append((Self.subject, "CONTAINS", "SPDXRef-Package-\(parts.references[index])"))
        }
        for index in contents.packages.indices {
            for need in parts.needs[index] {
                out.append(
                    (
                        "SPDXRef-Package-\(parts.references[index])", "DEPENDS_ON",
                        "SPDXRef-Package-\(parts.references[need])"
                    ))
            }
        }
        return out
    }

    private var space: String { "https://martlet.invalid/spdx/\(parts.uuid)" }
    private var creator: String { "Tool: martlet-\(contents.toolVersion)" }

    func json() -> [UInt8] {
        var out = JSONWriter(compact: false)
        out.object { out in
            out.member("spdxVersion", "SPDX-2.3")
            out.member("dataLicense", "CC0-1.0")
            out.member("SPDXID", "SPDXRef-DOCUMENT")
            out.member("name", contents.name)
            out.member("documentNamespace", space)
            out.object("creationInfo") { out in
                out.member("creators", [creator])
                out.member("created", contents.created)
            }
            out.list("packages") { out in
                for package in packages {
                    out.object { out in
                        out.member("SPDXID", package.id)
                        out.member("name", package.name)
                        if !package.version.isEmpty { out.member("versionInfo", package.version) }
                        out.member("downloadLocation", "NOASSERTION")
                        out.member("filesAnalyzed", false)
                        out.member("licenseConcluded", "NOASSERTION")
                        out.member("licenseDeclared", package.licence ?? "NOASSERTION")
                        out.member("copyrightText", "NOASSERTION")
                        out.member("primaryPackagePurpose", package.purpose)
                        if let info = package.sourceInfo { out.member("sourceInfo", info) }
                        if let comment = package.comment { out.member("comment", comment) }
                        guard !package.references.isEmpty else { return }
                        out.list("externalRefs") { out in
                            for reference in package.references {
                                out.object { out in
                                    out.member("referenceCategory", reference.category)
                                    out.member("referenceType", reference.type)
                                    out.member("referenceLocator", reference.locator)
                                }
                            }
                        }
                    }
                }
            }
            out.list("relationships") { out in
                for relation in relations {
                    out.object { out in
                        out.member("spdxElementId", relation.from)
                        out.member("relationshipType", relation.kind)
                        out.member("relatedSpdxElement", relation.to)
                    }
                }
            }
        }
        return out.takeBytes() + [0x0A]
    }

    func tags() -> [UInt8] {
        var lines = [
            "SPDXVersion: SPDX-2.3", "DataLicense: CC0-1.0", "SPDXID: SPDXRef-DOCUMENT",
            "DocumentName: \(Self.line(contents.name))", "DocumentNamespace: \(space)", "Creator: \(creator)",
            "Created: \(contents.created)",
        ]
        for package in packages {
            lines += ["", "PackageName: \(Self.line(package.name))", "SPDXID: \(package.id)"]
            if !package.version.isEmpty { lines.append("PackageVersion: \(Self.line(package.version))") }
            lines += [
                "PackageDownloadLocation: NOASSERTION", "FilesAnalyzed: false", "PackageLicenseConcluded: NOASSERTION",
                "PackageLicenseDeclared: \(package.licence ?? "NOASSERTION")", "PackageCopyrightText: NOASSERTION",
                "PrimaryPackagePurpose: \(package.purpose)",
            ]
            if let info = package.sourceInfo { lines.append("PackageSourceInfo: <text>\(Self.line(info))</text>") }
            if let comment = package.comment { lines.append("PackageComment: <text>\(Self.line(comment))</text>") }
            for reference in package.references {
                lines.append("ExternalRef: \(reference.category) \(reference.type) \(reference.locator)")
            }
        }
        lines.append("")
        for relation in relations { lines.append("Relationship: \(relation.from) \(relation.kind) \(relation.to)") }
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    /// A value stays on its line, and ends no text before its end.
    private static func line(_ text: String) -> String {
        text.replacing("\n", with: " ").replacing("\r", with: " ").replacing("</text>", with: "")
    }
}

/// SPDX 3.0 as JSON-LD.
///
/// Standard: the SPDX specification 3.0.1, its software profile.
struct SPDX3Writer {
    let contents: BillContents
    let parts: BillParts

    private var space: String { "https://martlet.invalid/spdx/\(parts.uuid)" }
    private func id(_ name: String) -> String { "\(space)#\(name)" }

    func written() -> [UInt8] {
        var out = JSONWriter(compact: false)
        let ids = contents.packages.indices.map { id("package-\(parts.references[$0])") }
        out.object { out in
            out.member("@context", "https://spdx.org/rdf/3.0.1/spdx-context.jsonld")
            out.list("@graph") { out in
                out.object { out in
                    out.member("@id", "_:creation")
                    out.member("type", "CreationInfo")
                    out.member("specVersion", "3.0.1")
                    out.member("created", contents.created)
                    out.member("createdBy", [id("tool")])
                }
                element("SoftwareAgent", id("tool"), "martlet \(contents.toolVersion)", &out) { _ in }
                element("SpdxDocument", id("document"), contents.name, &out) { out in
                    out.member("dataLicense", "https://spdx.org/licenses/CC0-1.0")
                    out.member("profileConformance", ["core", "software"])
                    out.member("rootElement", [id("bill")])
                }
                element("software_Sbom", id("bill"), contents.name, &out) { out in
                    out.member("rootElement", [id("subject")])
                    out.member("element", ids)
                }
                element("software_Package", id("subject"), contents.name, &out) { out in
                    out.member("software_primaryPurpose", contents.digest == nil ? "application" : "container")
                    if let digest = contents.digest { out.member("software_packageVersion", digest) }
                }
                if let distribution = contents.distribution {
                    element("software_Package", id("operating-system"), distribution.family, &out) { out in
                        out.member("software_primaryPurpose", "operatingSystem")
                        out.member("software_packageVersion", distribution.version)
                    }
                }
                for (index, item) in contents.packages.enumerated() {
                    element("software_Package", ids[index], item.package.name, &out) { out in
                        out.member("software_primaryPurpose", "library")
                        out.member("software_packageVersion", item.package.version)
                        if let purl = item.package.purl { out.member("software_packageUrl", purl) }
                        if let source = item.package.sources.first {
                            let text = source.name + (source.version.map { " \($0)" } ?? "")
                            out.member("software_sourceInfo", "built package from: \(text)")
                        }
                        if let path = item.paths.first { out.member("comment", "found in \(path)") }
                        guard !item.package.cpes.isEmpty else { return }
                        out.list("externalIdentifier") { out in
                            for cpe in item.package.cpes {
                                out.object { out in
                                    out.member("type", "ExternalIdentifier")
                                    out.member("externalIdentifierType", "cpe23")
                                    out.member("identifier", cpe.text)
                                }
                            }
                        }
                    }
                }
                relation("contains", "contains", id("subject"), ids, &out)
                for index in contents.packages.indices where !parts.needs[index].isEmpty {
                    relation(
                        "needs-\(parts.references[index])", "dependsOn", ids[index], parts.needs[index].map { ids[$0] },
                        &out)
                }
            }
        }
        return out.takeBytes() + [0x0A]
    }

    private func element(
        _ type: String, _ id: String, _ name: String, _ out: inout JSONWriter, _ body: (inout JSONWriter) -> Void
    ) {
        out.object { out in
            out.member("type", type)
            out.member("spdxId", id)
            out.member("creationInfo", "_:creation")
            out.member("name", name)
            body(&out)
        }
    }

    private func relation(
        _ name: String, _ kind: String, _ from: String, _ to: [String], _ out: inout JSONWriter
    ) {
        guard !to.isEmpty else { return }
        out.object { out in
            out.member("type", "Relationship")
            out.member("spdxId", id("relation-\(name)"))
            out.member("creationInfo", "_:creation")
            out.member("relationshipType", kind)
            out.member("from", from)
            out.member("to", to)
        }
    }
}
