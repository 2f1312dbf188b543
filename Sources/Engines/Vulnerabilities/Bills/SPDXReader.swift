import Documents

/// SPDX 2.2 and 2.3 as JSON.
enum SPDXReader {
    static func read(_ root: Node) throws(BillError) -> BillOfMaterials {
        let version = root["spdxVersion"].string ?? ""
        guard version == "SPDX-2.2" || version == "SPDX-2.3" || version == "SPDX-2.1" else {
            throw BillError(code: .unknownVersion, message: "\"\(version)\" is no version of SPDX that we read")
        }
        guard root["SPDXID"].equals("SPDXRef-DOCUMENT") || root["SPDXID"].exists else {
            throw BillError(code: .invalid, message: "the document has no SPDXID")
        }
        var bill = BillOfMaterials(format: .spdx, version: String(version.dropFirst(5)))
        bill.name = root["name"].string ?? ""
        // `A GENERATED_FROM B` names what a binary package was built from.
        var names: [String: Node] = [:]
        for package in root["packages"].elements { if let id = package["SPDXID"].string { names[id] = package } }
        var sources: [String: Node] = [:]
        for relation in root["relationships"].elements where relation["relationshipType"].equals("GENERATED_FROM") {
            if let from = relation["spdxElementId"].string, let to = relation["relatedSpdxElement"].string {
                sources[from] = names[to]
            }
        }
        for package in root["packages"].elements {
            let references = package["externalRefs"].elements.map {
                ($0["referenceType"].string ?? "", $0["referenceLocator"].string ?? "")
            }
            let distribution =
                package["primaryPackagePurpose"].equals("OPERATING-SYSTEM")
                || package["primaryPackagePurpose"].equals("OPERATING_SYSTEM")
            if distribution {
                bill.distribution = Distribution(
                    id: package["name"].string ?? "", version: package["versionInfo"].string ?? "")
            }
            SPDXPackage.add(
                id: package["SPDXID"].string, name: package["name"].string ?? "",
                version: package["versionInfo"].string ?? "",
                references: references, sourceInfo: package["sourceInfo"].string,
                generatedFrom: package["SPDXID"].string.flatMap { sources[$0] }.flatMap { $0["name"].string }, &bill)
        }
        return bill
    }
}

/// What the forms of SPDX share: external references that name a package.
enum SPDXPackage {
    static func add(
        id: String?, name: String, version: String, references: [(type: String, locator: String)], sourceInfo: String?,
        generatedFrom: String?, _ bill: inout BillOfMaterials
    ) {
        let cpes = references.filter { $0.type.hasSuffix("cpe23Type") || $0.type == "cpe23" }.compactMap {
            CPE($0.locator)
        }
        let urls = references.filter { $0.type.hasSuffix("purl") || $0.type == "packageUrl" }
        guard let url = urls.lazy.compactMap({ try? PackageURL($0.locator) }).first else {
            guard !cpes.isEmpty else {
                bill.skipped += 1
                return
            }
            var package = SoftwarePackage(type: "", name: name, version: version)
            package.cpes = cpes
            package.reference = id
            bill.add(package)
            return
        }
        guard url.type != "oci", url.type != "docker" else { return }
        var package = SoftwarePackage(url)
        if package.version.isEmpty { package.version = version }
        package.reference = id
        package.cpes = cpes
        // Trivy writes `built package from: openssl 1:1.0.2k-16.el7`.
        if let sourceInfo, let mark = sourceInfo.range(of: "built package from: ") {
            let words = sourceInfo[mark.upperBound...].split(separator: " ").map(String.init)
            if let source = words.first?.replacing("</text>", with: "") {
                let version = words.count > 1 ? words[1].replacing("</text>", with: "") : nil
                package.sources = [.init(name: source, version: version)]
            }
        } else if package.sources.isEmpty, let generatedFrom, package.isOfDistribution {
            package.sources = [.init(name: generatedFrom)]
        }
        bill.add(package)
    }
}

/// SPDX 2 as lines of `Tag: value`.
enum SPDXTagReader {
    static func read(_ bytes: [UInt8]) throws(BillError) -> BillOfMaterials {
        var bill: BillOfMaterials?
        var package: [String: String]?
        var references: [(type: String, locator: String)] = []
        var isInText = false
        func close() {
            guard let fields = package, var open = bill else { return }
            if fields["PrimaryPackagePurpose"] == "OPERATING-SYSTEM" {
                open.distribution = Distribution(
                    id: fields["PackageName"] ?? "", version: fields["PackageVersion"] ?? "")
            }
            SPDXPackage.add(
                id: fields["SPDXID"], name: fields["PackageName"] ?? "", version: fields["PackageVersion"] ?? "",
                references: references, sourceInfo: fields["PackageSourceInfo"], generatedFrom: nil, &open)
            bill = open
            package = nil
            references = []
        }
        for line in bytes.split(separator: 0x0A) {
            let text = String(decoding: line, as: UTF8.self).trimmed
            if isInText {
                if text.contains("</text>") { isInText = false }
                continue
            }
            if text.isEmpty || text.hasPrefix("#") { continue }
            guard let colon = text.firstIndex(of: ":") else {
                if bill == nil { break }
                throw BillError(code: .invalid, message: "\"\(text.prefix(60))\" is no tag with a value")
            }
            let tag = String(text[..<colon])
            let value = text[text.index(after: colon)...].trimmed
            if value.hasPrefix("<text>"), !value.contains("</text>") { isInText = true }
            switch tag {
            case "SPDXVersion":
                guard value.hasPrefix("SPDX-2.") else {
                    throw BillError(code: .unknownVersion, message: "\"\(value)\" is no version of SPDX that we read")
                }
                bill = BillOfMaterials(format: .spdx, version: String(value.dropFirst(5)))
            case "DocumentName": bill?.name = value
            case "PackageName":
                close()
                package = [tag: value]
            case "FileName", "SnippetSPDXID", "LicenseID": close()
            case "ExternalRef":
                let words = value.split(separator: " ").map(String.init)
                if words.count >= 3 { references.append((words[1], words[2])) }
            default: if package != nil, package?[tag] == nil { package?[tag] = value }
            }
        }
        close()
        guard let bill else {
            throw BillError(code: .unknownFormat, message: "this is neither CycloneDX nor SPDX nor Syft's own form")
        }
        return bill
    }
}

/// SPDX 3.0 as JSON-LD: one graph of elements.
enum SPDX3Reader {
    static func read(_ root: Node) throws(BillError) -> BillOfMaterials {
        let elements = root["@graph"].isArray ? Array(root["@graph"].elements) : [root]
        var version: String?
        var owner: [String: Node] = [:]
        for element in elements {
            if let found = element["specVersion"].string ?? element["creationInfo"]["specVersion"].string {
                version = found
            }
            if let id = element["spdxId"].string { owner[id] = element }
        }
        let context = root["@context"].string ?? ""
        guard let version = version ?? (context.contains("spdx.org/rdf/3.") ? "3.0" : nil), version.hasPrefix("3.")
        else {
            throw BillError(code: .unknownFormat, message: "a JSON-LD document that is not SPDX 3")
        }
        var bill = BillOfMaterials(format: .spdx, version: version)
        for element in elements {
            let type = element["type"].string ?? element["@type"].string ?? ""
            if type == "SpdxDocument" { bill.name = element["name"].string ?? "" }
            guard type == "software_Package" || type.hasSuffix("software/Package") || type == "software:Package" else {
                continue
            }
            if element["software_primaryPurpose"].equals("operatingSystem") {
                bill.distribution = Distribution(
                    id: element["name"].string ?? "", version: element["software_packageVersion"].string ?? "")
            }
            var references: [(type: String, locator: String)] = []
            if let url = element["software_packageUrl"].string { references.append(("purl", url)) }
            for identifier in element["externalIdentifier"].elements {
                let kind = identifier["externalIdentifierType"].string ?? ""
                references.append((kind, identifier["identifier"].string ?? ""))
            }
            SPDXPackage.add(
                id: element["spdxId"].string, name: element["name"].string ?? "",
                version: element["software_packageVersion"].string ?? "", references: references,
                sourceInfo: element["software_sourceInfo"].string, generatedFrom: nil, &bill)
        }
        return bill
    }
}

/// Syft's own JSON, which tells most.
enum SyftReader {
    static func read(_ root: Node) -> BillOfMaterials {
        var bill = BillOfMaterials(format: .syft, version: root["schema"]["version"].string ?? "")
        bill.name = root["source"]["name"].string ?? root["source"]["target"]["userInput"].string ?? ""
        let distro = root["distro"]
        if let id = distro["id"].string ?? distro["name"].string, !id.isEmpty {
            bill.distribution = Distribution(
                id: id, version: distro["versionID"].string ?? distro["version"].string ?? "")
        }
        // `ownership-by-file-overlap`: the parent's package owns the child's files.
        var owners: [String: String] = [:]
        var names: [String: String] = [:]
        for artifact in root["artifacts"].elements {
            if let id = artifact["id"].string { names[id] = artifact["name"].string }
        }
        for relation in root["artifactRelationships"].elements
        where relation["type"].equals("ownership-by-file-overlap") {
            if let child = relation["child"].string, let parent = relation["parent"].string {
                owners[child] = names[parent]
            }
        }
        for artifact in root["artifacts"].elements {
            guard let url = artifact["purl"].string.flatMap({ try? PackageURL($0) }) else {
                bill.skipped += 1
                continue
            }
            var package = SoftwarePackage(url)
            let metadata = artifact["metadata"]
            package.reference = artifact["id"].string
            package.owner = package.isOfDistribution ? nil : package.reference.flatMap { owners[$0] }
            package.location = artifact["locations"][0]["path"].string
            package.layer = artifact["locations"][0]["layerID"].string
            package.cpes = artifact["cpes"].elements.compactMap { ($0["cpe"].string ?? $0.string).flatMap { CPE($0) } }
            package.module = metadata["modularityLabel"].string ?? package.module
            if let source = metadata["source"].string, !source.isEmpty, url.type == "deb" {
                package.sources = [
                    .init(name: source, version: metadata["sourceVersion"].string.flatMap { $0.isEmpty ? nil : $0 })
                ]
            } else if let rpm = metadata["sourceRpm"].string, !rpm.isEmpty {
                package.sources = [SoftwarePackage.source(rpm)]
            } else if let origin = metadata["originPackage"].string, !origin.isEmpty {
                package.sources = [.init(name: origin)]
            }
            bill.add(package)
        }
        return bill
    }
}
