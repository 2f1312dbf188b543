/// One package that an image or a bill of materials holds.
package struct SoftwarePackage: Sendable, Hashable {
    /// The source package that it was built from, under which distributions keep their advisories.
    package struct Source: Sendable, Hashable {
        package var name: String
        /// nil where it is the package's own.
        package var version: String?
        package init(name: String, version: String? = nil) {
            self.name = name
            self.version = version
        }
    }

    package var name: String
    package var version: String
    /// The purl type: `deb`, `npm`, `golang`; empty where it is not known.
    package var type: String
    package var sources: [Source] = []
    package var purl: String?
    /// The module stream of an rpm; nil where nothing is known of it, empty where it belongs to none.
    package var module: String?
    package var architecture: String?
    package var cpes: [CPE] = []
    /// File in the image or lock file that told of it.
    package var location: String?
    package var layer: String?
    /// The distribution's package that owns its files: then the distribution's advisories speak for it.
    package var owner: String?
    /// The reference a bill of materials knows it by.
    package var reference: String?

    package init(type: String, name: String, version: String) {
        self.type = type
        self.name = name
        self.version = version
    }

    /// From a package URL, with what its qualifiers tell of epoch, module and source.
    package init(_ url: PackageURL) {
        type = url.type
        purl = url.text
        version = url.version ?? ""
        switch url.type {
        case "maven": name = url.namespace.map { "\($0):\(url.name)" } ?? url.name
        case "golang", "npm", "composer", "swift", "github", "hex":
            name = url.namespace.map { "\($0)/\(url.name)" } ?? url.name
        default: name = url.name
        }
        architecture = url["arch"]
        if type == "rpm" {
            if let epoch = url["epoch"], epoch != "0", !version.contains(":") { version = "\(epoch):\(version)" }
            module = url["rpmmod"]
        }
        // Syft writes `upstream=openssl@1.1.1` or, for rpms, the source rpm's file name.
        if let upstream = url["upstream"] { sources = [Self.source(upstream)] }
    }

    static func source(_ text: String) -> Source {
        if text.hasSuffix(".src.rpm") {
            let parts = text.dropLast(8).split(separator: "-", omittingEmptySubsequences: false)
            if parts.count > 2 {
                return Source(
                    name: parts.dropLast(2).joined(separator: "-"), version: parts.suffix(2).joined(separator: "-"))
            }
        }
        if let at = text.lastIndex(of: "@"), at != text.startIndex {
            return Source(name: String(text[..<at]), version: String(text[text.index(after: at)...]))
        }
        return Source(name: text)
    }

    var isOfDistribution: Bool { ["deb", "rpm", "apk", "alpm"].contains(type) }
}
