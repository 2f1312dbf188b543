import Documents

/// CycloneDX 1.2 to 1.7.
///
/// Standard: ECMA-424. What the schema refuses is refused where it can lead astray: kinds, references, hashes,
/// licences; the rest of it is not read.
enum CycloneDXReader {
    static func read(_ root: Node) throws(BillError) -> BillOfMaterials {
        guard root["bomFormat"].equals("CycloneDX") else {
            throw BillError(
                code: .invalid, message: "bomFormat is \"\(root["bomFormat"].text ?? "")\", not CycloneDX")
        }
        let version = root["specVersion"].string ?? ""
        guard let minor = version.split(separator: ".").last.flatMap({ Int($0) }), version.hasPrefix("1."),
            (2...7).contains(minor)
        else {
            throw BillError(code: .unknownVersion, message: "CycloneDX \"\(version)\" is not known")
        }
        try CycloneDXRules(minor: minor).check(root)
        var bill = BillOfMaterials(format: .cycloneDX, version: version)
        let subject = root["metadata"]["component"]
        bill.name = [subject["name"].string, subject["version"].string].compactMap(\.self).joined(separator: " ")
        distribution(subject, &bill)
        for component in root["components"].elements { add(component, &bill, 0) }
        return bill
    }

    private static func distribution(_ component: Node, _ bill: inout BillOfMaterials) {
        guard component["type"].equals("operating-system"), let name = component["name"].string else { return }
        bill.distribution = Distribution(id: name, version: component["version"].string ?? "")
    }

    private static func add(_ component: Node, _ bill: inout BillOfMaterials, _ depth: Int) {
        guard depth < 64 else { return }
        distribution(component, &bill)
        var properties: [String: String] = [:]
        for property in component["properties"].elements {
            guard let name = property["name"].string, let value = property["value"].string else { continue }
            if properties[name] == nil { properties[name] = value }
        }
        if let package = package(component, properties) {
            bill.add(package)
        } else if !component["type"].equals("operating-system"), !component["type"].equals("file") {
            bill.skipped += 1
        }
        for inner in component["components"].elements { add(inner, &bill, depth + 1) }
    }

    /// Names of properties by which Syft and Trivy tell what a purl cannot.
    private static func package(_ component: Node, _ properties: [String: String]) -> SoftwarePackage? {
        var package: SoftwarePackage
        if let url = component["purl"].string.flatMap({ try? PackageURL($0) }) {
            package = SoftwarePackage(url)
            if package.version.isEmpty { package.version = component["version"].string ?? "" }
            if url.type == "oci" || url.type == "docker" { return nil }
        } else if component["type"].equals("library") || component["cpe"].exists, let name = component["name"].string,
            component["purl"].isNull || component["purl"].equals("")
        {
            package = SoftwarePackage(type: "", name: name, version: component["version"].string ?? "")
            guard component["cpe"].exists else { return nil }
        } else {
            return nil
        }
        package.reference = component["bom-ref"].string
        package.module =
            properties["syft:metadata:modularityLabel"] ?? properties["aquasecurity:trivy:Modularitylabel"]
            ?? package.module
        package.owner = properties["martlet:owner"]
        package.location = properties["syft:location:0:path"] ?? properties["aquasecurity:trivy:FilePath"]
        package.layer = properties["syft:location:0:layerID"] ?? properties["aquasecurity:trivy:LayerDigest"]
        if let name = properties["aquasecurity:trivy:SrcName"] {
            var version = properties["aquasecurity:trivy:SrcVersion"]
            if let release = properties["aquasecurity:trivy:SrcRelease"], let plain = version {
                version = "\(plain)-\(release)"
            }
            if let epoch = properties["aquasecurity:trivy:SrcEpoch"], let plain = version {
                version = "\(epoch):\(plain)"
            }
            package.sources = [.init(name: name, version: version)]
        } else if let name = properties["syft:metadata:source"], !name.isEmpty {
            package.sources = [.init(name: name, version: properties["syft:metadata:sourceVersion"])]
        } else if let rpm = properties["syft:metadata:sourceRpm"], !rpm.isEmpty {
            package.sources = [SoftwarePackage.source(rpm)]
        } else if let origin = properties["syft:metadata:originPackage"] {
            package.sources = [.init(name: origin)]
        }
        package.cpes = ([component["cpe"].string] + [properties["syft:cpe23"]]).compactMap { $0 }.compactMap { CPE($0) }
        return package
    }

    /// The XML form, as its JSON form would be.
    static func read(xml bytes: [UInt8]) throws(BillError) -> BillOfMaterials {
        let root = try XMLTree.read(bytes)
        guard root.name == "bom" else { throw BillError(code: .unknownFormat, message: "the root element is not bom") }
        let version = root.attributes["xmlns"]?.split(separator: "/").last.map(String.init) ?? ""
        var bill = BillOfMaterials(format: .cycloneDX, version: version)
        if let subject = root["metadata"]?["component"] { bill.name = subject["name"]?.text ?? "" }
        func add(_ element: XMLTree, _ depth: Int) {
            guard depth < 64 else { return }
            for component in element.children(named: "component") {
                if component.attributes["type"] == "operating-system" {
                    bill.distribution = Distribution(
                        id: component["name"]?.text ?? "", version: component["version"]?.text ?? "")
                }
                if let url = component["purl"]?.text, let read = try? PackageURL(url) {
                    var package = SoftwarePackage(read)
                    package.reference = component.attributes["bom-ref"]
                    for property in component["properties"]?.children(named: "property") ?? [] {
                        switch property.attributes["name"] {
                        case "aquasecurity:trivy:SrcName":
                            package.sources = [.init(name: property.text)]
                        case "syft:metadata:source", "syft:metadata:originPackage":
                            if !property.text.isEmpty { package.sources = [.init(name: property.text)] }
                        default: break
                        }
                    }
                    bill.add(package)
                } else {
                    bill.skipped += 1
                }
                if let inner = component["components"] { add(inner, depth + 1) }
            }
        }
        if let components = root["components"] { add(components, 0) }
        return bill
    }
}
