import Documents

/// What is wrong with a bill of materials.
package struct BillError: Error, Equatable {
    package enum Code: Sendable { case unknownFormat, unknownVersion, invalid }
    package var code: Code
    package var message: String
}

/// The packages that somebody says an image or a project holds.
package struct BillOfMaterials: Sendable {
    package enum Format: String, Sendable {
        case cycloneDX = "CycloneDX"
        case spdx = "SPDX"
        case syft = "Syft JSON"
        /// None was written: the packages were found in an image.
        case image = "image"
    }

    package var format: Format
    package var version: String
    package var name = ""
    package var distribution: Distribution?
    package var packages: [SoftwarePackage] = []
    /// Components that cannot be compared with advisories: no purl and no type we know.
    package var skipped = 0
    /// What is odd but no reason to refuse it.
    package var remarks: [String] = []

    package init(format: Format, version: String) {
        self.format = format
        self.version = version
    }

    /// Reads any of the forms, by their content.
    package init(_ bytes: [UInt8]) throws(BillError) {
        let start = bytes.first { !$0.isBlank && $0 != 0xEF && $0 != 0xBB && $0 != 0xBF }
        if start == UInt8(ascii: "<") {
            self = try CycloneDXReader.read(xml: bytes)
            return
        }
        guard start == UInt8(ascii: "{") || start == UInt8(ascii: "[") else {
            self = try SPDXTagReader.read(bytes)
            return
        }
        let root: Node
        do throws(DocumentError) {
            root = try DocumentReader.readJSON(SourceText(name: "", bytes: bytes))
        } catch {
            throw BillError(code: .invalid, message: error.message)
        }
        if root["bomFormat"].exists || root["specVersion"].exists {
            self = try CycloneDXReader.read(root)
        } else if root["spdxVersion"].exists {
            self = try SPDXReader.read(root)
        } else if root["@graph"].exists || root["@context"].exists {
            self = try SPDX3Reader.read(root)
        } else if root["artifacts"].isArray, root["matches"].isNull {
            self = SyftReader.read(root)
        } else {
            throw BillError(
                code: .unknownFormat, message: "this is neither CycloneDX nor SPDX nor Syft's own form")
        }
    }

    /// Adds a package, and takes the distribution from the purl of the first that tells one.
    mutating func add(_ package: SoftwarePackage) {
        packages.append(package)
        guard distribution == nil, let url = package.purl.flatMap({ try? PackageURL($0) }), let tag = url["distro"],
            package.isOfDistribution
        else { return }
        // `debian-12`, `rhel-8.6`, `opensuse-leap-15.1`, `wolfi-20230201`
        guard let dash = tag.lastIndex(of: "-") else {
            if let key = ReleaseNames.key(url.namespace ?? "debian", tag) {
                distribution = Distribution(id: key.family, version: key.release ?? "")
            } else {
                distribution = Distribution(id: url.namespace ?? tag, version: tag)
            }
            return
        }
        distribution = Distribution(id: String(tag[..<dash]), version: String(tag[tag.index(after: dash)...]))
    }
}
