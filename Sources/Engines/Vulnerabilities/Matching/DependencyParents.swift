/// Who brings a package that nobody asked for by name.
struct DependencyParents {
    private let packages: [CataloguedPackage]
    private var needers: [String: [Int]] = [:]

    init(_ packages: [CataloguedPackage]) {
        self.packages = packages
        for (index, item) in packages.enumerated() where !item.package.isOfDistribution {
            for name in Set(item.requires) { needers["\(item.package.type) \(name)", default: []].append(index) }
        }
    }

    /// The packages at the top of every way that leads to these, as `name version`; of what is linked or packed into
    /// a file, the file.
    func bringing(_ indexes: [Int]) -> [String] {
        var out: Set<String> = []
        for index in indexes where packages.indices.contains(index) {
            let item = packages[index]
            if item.package.isOfDistribution { continue }
            if item.package.type == "golang" || (item.package.type == "cargo" && !item.isDeclared) {
                out.formUnion(item.paths)
                continue
            }
            let nested = item.paths.compactMap { path in path.firstIndex(of: "!").map { String(path[..<$0]) } }
            if !nested.isEmpty {
                out.formUnion(nested)
                continue
            }
            for top in tops(of: index) where top != index {
                out.insert("\(packages[top].package.name) \(packages[top].package.version)")
            }
        }
        return out.sorted()
    }

    private func tops(of start: Int) -> [Int] {
        var seen: Set<Int> = [start]
        var rest = [start]
        var tops: [Int] = []
        while let index = rest.popLast() {
            let above = (needers["\(packages[index].package.type) \(packages[index].package.name)"] ?? []).filter {
                isNear(packages[$0], packages[index])
            }
            if above.isEmpty { tops.append(index) }
            for parent in above where seen.insert(parent).inserted { rest.append(parent) }
        }
        return tops
    }

    /// Of npm only what lies above in the tree of folders can load it.
    private func isNear(_ parent: CataloguedPackage, _ child: CataloguedPackage) -> Bool {
        guard child.package.type == "npm", !child.isDeclared, let own = child.package.location,
            let other = parent.package.location, let mark = own.ranges(of: "node_modules/").last
        else { return true }
        return other.hasPrefix(own[..<mark.lowerBound])
    }
}
