/// Which stored inventories hold which packages: a new advisory finds its images without reading any of them again.
///
/// Packages are held once a name and version, however many images have them.
package struct InventoryIndex: Sendable {
    private struct Key: Hashable, Sendable {
        var ecosystem: EcosystemKey
        var name: String
    }
    private struct Versions: Sendable {
        var package: SoftwarePackage
        var distribution: Distribution?
        var inventories: [UInt32]
    }

    private var names: [String] = []
    private var entries: [Key: [String: Versions]] = [:]
    package private(set) var packageCount = 0

    package init() {}

    /// Adds an image's packages under its name.
    package mutating func add(_ name: String, _ packages: [SoftwarePackage], distribution: Distribution?) {
        let number = UInt32(names.count)
        names.append(name)
        let keys = (distribution?.keys ?? []) + (distribution?.upstreamKeys ?? [])
        for package in packages {
            packageCount += 1
            if package.isOfDistribution {
                for key in keys {
                    add(key, package.name, package, distribution, number)
                    for source in package.sources where source.name != package.name {
                        add(key, source.name, package, distribution, number)
                    }
                }
            } else if let key = PackageMatcher.languageKey(package.type) {
                add(key, key.normalized(package.name), package, nil, number)
            }
        }
    }

    private mutating func add(
        _ ecosystem: EcosystemKey, _ name: String, _ package: SoftwarePackage, _ distribution: Distribution?,
        _ number: UInt32
    ) {
        let key = Key(ecosystem: ecosystem, name: name)
        let version = "\(package.name) \(package.version)"
        if entries[key, default: [:]][version]?.inventories.append(number) == nil {
            entries[key]?[version] = Versions(package: package, distribution: distribution, inventories: [number])
        }
    }

    package struct Hit: Sendable, Hashable {
        package var inventory: String
        package var package: String
        package var version: String
    }

    /// The inventories that an advisory makes vulnerable.
    package func affected(by advisory: Advisory) -> [Hit] {
        guard advisory.withdrawn == nil else { return [] }
        var hits: Set<Hit> = []
        for entry in advisory.affected {
            for item in entries[Key(ecosystem: entry.ecosystem, name: entry.name)]?.values ?? [:].values {
                let version = item.package.sources.first { $0.name == entry.name }?.version ?? item.package.version
                let plain =
                    entry.ecosystem.family == "golang" && version.hasPrefix("v") ? String(version.dropFirst()) : version
                let rule = EntryRule(scheme: entry.ecosystem.scheme, version: plain, package: item.package)
                guard rule.verdict(entry).kind == .vulnerable else { continue }
                for number in item.inventories {
                    hits.insert(
                        Hit(inventory: names[Int(number)], package: item.package.name, version: item.package.version))
                }
            }
        }
        return hits.sorted { ($0.inventory, $0.package, $0.version) < ($1.inventory, $1.package, $1.version) }
    }
}
