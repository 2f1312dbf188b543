import Documents

/// Syft's own JSON, schema 16: the form that tells most, and that Grype reads best.
struct SyftWriter {
    let contents: BillContents
    let parts: BillParts

    private static let kinds = [
        "golang": "go-module", "pypi": "python", "maven": "java-archive", "cargo": "rust-crate",
        "composer": "php-composer", "nuget": "dotnet", "cocoapods": "pod", "pub": "dart-pub",
    ]

    func written() -> [UInt8] {
        var out = JSONWriter(compact: false)
        out.object { out in
            out.list("artifacts") { out in
                for index in contents.packages.indices { out.object { artifact(index, &$0) } }
            }
            out.list("artifactRelationships") { out in
                for index in contents.packages.indices {
                    if let owner = parts.owner[index] {
                        relation("ownership-by-file-overlap", owner, index, &out)
                    }
                    for need in parts.needs[index] { relation("dependency-of", need, index, &out) }
                }
            }
            out.object("source") { out in
                out.member("id", parts.uuid)
                out.member("name", contents.name)
                out.member("version", contents.digest ?? "")
                out.member("type", contents.digest == nil ? "directory" : "image")
                out.object("metadata") { out in
                    out.member(contents.digest == nil ? "path" : "userInput", contents.name)
                }
            }
            out.object("distro") { out in
                guard let distribution = contents.distribution else { return }
                out.member("id", distribution.family)
                out.member("versionID", distribution.version)
            }
            out.object("descriptor") { out in
                out.member("name", "martlet")
                out.member("version", contents.toolVersion)
                out.member("timestamp", contents.created)
            }
            out.object("schema") { out in
                out.member("version", "16.0.18")
                out.member("url", "https://raw.githubusercontent.com/anchore/syft/main/schema/json/schema-16.0.18.json")
            }
        }
        return out.takeBytes() + [0x0A]
    }

    private func relation(_ type: String, _ parent: Int, _ child: Int, _ out: inout JSONWriter) {
        out.object { out in
            out.member("parent", parts.references[parent])
            out.member("child", parts.references[child])
            out.member("type", type)
        }
    }

    private func artifact(_ index: Int, _ out: inout JSONWriter) {
        let item = contents.packages[index]
        let package = item.package
        out.member("id", parts.references[index])
        out.member("name", package.name)
        out.member("version", package.version)
        out.member("type", Self.kinds[package.type] ?? package.type)
        out.member("foundBy", "martlet")
        out.list("locations") { out in
            for (number, path) in item.paths.enumerated() {
                out.object { out in
                    out.member("path", path)
                    if number == 0, let layer = package.layer { out.member("layerID", layer) }
                    out.member("accessPath", path)
                }
            }
        }
        out.list("licenses") { out in
            for licence in item.licences {
                out.object { out in
                    out.member("value", licence)
                    out.member("spdxExpression", BillLicences.isIdentifier(licence) ? licence : "")
                    out.member("type", "declared")
                }
            }
        }
        out.list("cpes") { out in
            for cpe in package.cpes { out.object { $0.member("cpe", cpe.text) } }
        }
        out.member("purl", package.purl ?? "")
        guard let type = ["deb": "dpkg-db-entry", "rpm": "rpm-db-entry", "apk": "apk-db-entry"][package.type] else {
            return
        }
        out.member("metadataType", type)
        out.object("metadata") { out in
            let source = package.sources.first
            if package.type == "rpm" {
                out.member("name", package.name)
                out.member("version", package.version)
                out.member("architecture", package.architecture ?? "")
                if let source {
                    out.member("sourceRpm", source.version.map { "\(source.name)-\($0).src.rpm" } ?? source.name)
                }
                if let module = package.module { out.member("modularityLabel", module) }
                return
            }
            out.member("package", package.name)
            out.member(package.type == "deb" ? "source" : "originPackage", source?.name ?? "")
            out.member("version", package.version)
            if package.type == "deb" { out.member("sourceVersion", source?.version ?? "") }
            out.member("architecture", package.architecture ?? "")
        }
    }
}
