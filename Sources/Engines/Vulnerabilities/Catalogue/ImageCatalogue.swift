package import Images

/// A package of an image, with where it comes from.
package struct CataloguedPackage: Sendable, Hashable {
    /// `location` is the first of `paths`, `layer` the diff-id where the configuration tells it, `owner` the
    /// distribution's package that owns its files.
    package var package: SoftwarePackage
    /// The layer that brought it in this version, the lowest being 0.
    package var layer: Int
    /// Files that tell of it, from the root with a leading slash, `!` before what stands inside an archive.
    package var paths: [String]
    package var licences: [String]
    /// Names of packages that it needs.
    package var requires: [String]
    /// A lock file asks for it; nothing shows that it is installed.
    package var isDeclared: Bool
    package var isDevelopment: Bool

    package init(
        package: SoftwarePackage, layer: Int = 0, paths: [String] = [], licences: [String] = [],
        requires: [String] = [], isDeclared: Bool = false, isDevelopment: Bool = false
    ) {
        self.package = package
        self.layer = layer
        self.paths = paths
        self.licences = licences
        self.requires = requires
        self.isDeclared = isDeclared
        self.isDevelopment = isDevelopment
    }
}

/// Everything that an image holds, its layers laid on top of each other.
package struct ImageCatalogue: Sendable {
    /// Sorted by type, name, version and path.
    package private(set) var packages: [CataloguedPackage]
    package private(set) var distribution: Distribution?
    package private(set) var problems: [CatalogueProblem]
    /// The programs that can be seen, sorted by path.
    package private(set) var executables: [ImageExecutable]
    private let owners: FileOwners

    /// `includesDeclared` is for source trees: there lock files tell what will be installed. In an image what is
    /// installed tells it itself, and lock files lie about for other reasons.
    package init(layers: [LayerFacts], configuration: ImageConfiguration? = nil, includesDeclared: Bool = false) {
        let view = LayerView(layers)
        var releases: [String: ReleaseFact] = [:]
        for item in view.files { if let release = item.facts.release { releases[item.facts.path] = release } }
        let distribution = ReleaseReader.distribution(releases)
        self.distribution = distribution
        let owners = FileOwners(view)
        self.owners = owners
        problems = view.problems
        executables = view.executables
        // The values are large, and are not moved while the table grows.
        var all: [CataloguedPackage] = []
        var known: [String: Int] = [:]
        all.reserveCapacity(view.files.count)
        known.reserveCapacity(view.files.count)
        let diffIDs = configuration?.diffIDs ?? []
        for item in view.files where !item.facts.packages.isEmpty {
            let layersOfFacts = view.firstLayers(of: item.facts.packages, in: item)
            for (number, fact) in item.facts.packages.enumerated() {
                guard includesDeclared || !fact.isDeclared || fact.type == "cargo" else { continue }
                let path = "/" + item.facts.path + (fact.inner.isEmpty ? "" : "!" + fact.inner)
                let layer = layersOfFacts[number]
                var package = PackageNaming.package(fact, distribution)
                package.location = path
                package.layer = layer < diffIDs.count ? diffIDs[layer] : nil
                if !package.isOfDistribution {
                    package.owner = owners.distributionOwner(of: item.facts.path, layer: item.layer)
                }
                // The same package told by two files of one place is one; in two places it is two.
                let isOnce = package.isOfDistribution || fact.type == "golang"
                let key = fact.identity + "\u{1}" + (isOnce ? "" : Self.place(path, fact.type))
                if let index = known[key] {
                    if !all[index].paths.contains(path) { all[index].paths.append(path) }
                    // Files that nobody owns are the image's own, whatever else holds a copy.
                    if package.owner == nil { all[index].package.owner = nil }
                    if !fact.isDeclared { all[index].isDeclared = false }
                    continue
                }
                known[key] = all.count
                all.append(
                    CataloguedPackage(
                        package: package, layer: layer, paths: [path], licences: fact.licences,
                        requires: fact.requires, isDeclared: fact.isDeclared, isDevelopment: fact.isDevelopment))
            }
        }
        // Places are sorted, and not the values.
        packages = all.indices.sorted { left, right in
            let a = all[left].package
            let b = all[right].package
            if a.type != b.type { return a.type < b.type }
            if a.name != b.name { return a.name < b.name }
            if a.version != b.version { return a.version < b.version }
            if a.architecture != b.architecture { return (a.architecture ?? "") < (b.architecture ?? "") }
            return (a.location ?? "") < (b.location ?? "")
        }.map { all[$0] }
    }

    /// The package that lists a file as its own, `curl` or `pypi:requests`; the path with or without its leading slash.
    package func owner(of path: String) -> String? { owners.owner(of: path) }

    /// The program at a path, if it comes with the image.
    package func executable(at path: String) -> ImageExecutable? {
        let wanted = path.hasPrefix("/") ? String(path.dropFirst()) : path
        var low = 0
        var high = executables.count
        while low < high {
            let middle = (low + high) / 2
            if executables[middle].path < wanted { low = middle + 1 } else { high = middle }
        }
        return low < executables.count && executables[low].path == wanted ? executables[low] : nil
    }

    private static func place(_ path: String, _ type: String) -> String { path }
}
