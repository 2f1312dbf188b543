import Documents

/// Code names of distributions' releases and their numbers.
package enum ReleaseNames {
    struct Release: Sendable {
        var codename: String
        var number: String
        /// Place in time.
        var order: Int
    }

    private static let tables: [String: [String: Release]] = {
        guard
            let root = try? DocumentReader.readJSON(
                SourceText(name: "distributions.json", bytes: PackageResources.distributions_json))
        else { preconditionFailure("distributions.json is compiled in and was read by a test") }
        var out: [String: [String: Release]] = [:]
        for family in ["debian", "ubuntu"] {
            var table: [String: Release] = [:]
            for (order, pair) in root[family].elements.enumerated() {
                let release = Release(codename: pair[0].string ?? "", number: pair[1].string ?? "", order: order)
                table[release.codename] = release
                table[release.number] = release
            }
            out[family] = table
        }
        return out
    }()

    static func release(_ name: String, of family: String) -> Release? { tables[family]?[name] }

    /// `bookworm` and `12` as `debian:12`; nil for what is no release we know.
    package static func key(_ family: String, _ name: String) -> EcosystemKey? {
        release(name, of: family).map { EcosystemKey("\(family):\($0.number)") }
    }
}
