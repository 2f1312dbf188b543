import Documents

/// CycloneDX 1.6 and 1.7 as JSON.
///
/// Standard: ECMA-424. What a purl cannot tell stands in properties under the names that Syft gave them, because
/// readers know those.
struct CycloneDXWriter {
    let contents: BillContents
    let parts: BillParts

    func written(version: String) -> [UInt8] {
        var out = JSONWriter(compact: false)
        out.object { out in
            out.member("$schema", "http://cyclonedx.org/schema/bom-\(version).schema.json")
            out.member("bomFormat", "CycloneDX")
            out.member("specVersion", version)
            out.member("serialNumber", "urn:uuid:\(parts.uuid)")
            out.member("version", 1)
            out.member("metadata", object: metadata)
            out.list("components") { out in
                for index in contents.packages.indices { out.object { component(index, &$0) } }
                if let distribution = contents.distribution {
                    out.object { out in
                        out.member("bom-ref", "operating-system")
                        out.member("type", "operating-system")
                        out.member("name", distribution.family)
                        if !distribution.version.isEmpty { out.member("version", distribution.version) }
                    }
                }
            }
            out.list("dependencies") { out in
                for index in contents.packages.indices where !parts.needs[index].isEmpty {
                    out.object { out in
                        out.member("ref", parts.references[index])
                        out.member("dependsOn", parts.needs[index].map { parts.references[$0] })
                    }
                }
            }
        }
        return out.takeBytes() + [0x0A]
    }

    private func metadata(_ out: inout JSONWriter) {
        out.member("timestamp", contents.created)
        out.object("tools") { out in
            out.list("components") { out in
                out.object { out in
                    out.member("type", "application")
                    out.member("name", "martlet")
                    out.member("version", contents.toolVersion)
                }
            }
        }
        out.object("component") { out in
            out.member("bom-ref", "subject")
            out.member("type", contents.digest == nil ? "application" : "container")
            out.member("name", contents.name)
            if let digest = contents.digest { out.member("version", digest) }
        }
    }

    private func component(_ index: Int, _ out: inout JSONWriter) {
        let item = contents.packages[index]
        let package = item.package
        out.member("bom-ref", parts.references[index])
        out.member("type", "library")
        out.member("name", package.name)
        out.member("version", package.version)
        if item.isDevelopment { out.member("scope", "optional") }
        if !item.licences.isEmpty {
            out.list("licenses") { out in
                if let expression = BillLicences.expression(item.licences), expression.contains(" ") {
                    out.object { $0.member("expression", expression) }
                } else {
                    for licence in item.licences {
                        out.object { out in
                            out.object("license") { out in
                                out.member(BillLicences.isIdentifier(licence) ? "id" : "name", licence)
                            }
                        }
                    }
                }
            }
        }
        if let cpe = package.cpes.first { out.member("cpe", cpe.text) }
        if let purl = package.purl { out.member("purl", purl) }
        var properties: [(String, String)] = []
        for (number, path) in item.paths.enumerated() { properties.append(("syft:location:\(number):path", path)) }
        if let layer = package.layer { properties.append(("syft:location:0:layerID", layer)) }
        if let source = package.sources.first {
            properties.append(("syft:metadata:source", source.name))
            if let version = source.version { properties.append(("syft:metadata:sourceVersion", version)) }
        }
        if let module = package.module, !module.isEmpty { properties.append(("syft:metadata:modularityLabel", module)) }
        if let owner = package.owner { properties.append(("martlet:owner", owner)) }
        guard !properties.isEmpty else { return }
        out.list("properties") { out in
            for (name, value) in properties {
                out.object { out in
                    out.member("name", name)
                    out.member("value", value)
                }
            }
        }
    }
}

extension JSONWriter {
    mutating func object(_ key: String, _ body: (inout JSONWriter) -> Void) { member(key, object: body) }
    mutating func list(_ key: String, _ body: (inout JSONWriter) -> Void) { member(key, array: body) }
}
