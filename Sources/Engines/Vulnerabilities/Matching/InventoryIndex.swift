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
        for package in packages {
            packageCount += 1
            for place in PackageMatcher.places(package, distribution: distribution) {
                add(place.key, place.name, package, distribution, number)
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
                guard entry.makesVulnerable(item.package, distribution: item.distribution) else { continue }
                for number in item.inventories {
                    hits.insert(
                        Hit(inventory: names[Int(number)], package: item.package.name, version: item.package.version))
                }
            }
        }
        return hits.sorted { ($0.inventory, $0.package, $0.version) < ($1.inventory, $1.package, $1.version) }
    }
}

extension AffectedPackage {
    /// Whether this entry of an advisory speaks of a package and finds it vulnerable.
    package func makesVulnerable(_ package: SoftwarePackage, distribution: Distribution?) -> Bool {
        PackageMatcher.places(package, distribution: distribution).contains { place in
            place.key == ecosystem && place.name == name
                && EntryRule(scheme: place.scheme, version: place.version, package: package).verdict(self).kind
                    == .vulnerable
        }
    }
}
