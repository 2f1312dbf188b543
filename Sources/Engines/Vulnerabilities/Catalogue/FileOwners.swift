/// Which of the distribution's packages owns which file.
///
/// A library whose files belong to a distribution's package is the distribution's business: it backports fixes
/// without changing the version that the library tells of itself.
struct FileOwners: Sendable {
    /// Hashes of paths to packages; see ``LayerFacts`` on hashes of paths.
    private var owners: [UInt64: UInt32] = [:]
    private var names: [String] = []
    /// The layer in which the package's list of files was last written.
    private var layers: [Int] = []

    init(_ view: LayerView) {
        var installed: Set<String> = []
        for item in view.files {
            for fact in item.facts.packages where ["deb", "apk", "rpm"].contains(fact.type) {
                installed.insert(fact.name)
            }
        }
        for item in view.files {
            for owned in item.facts.owned where installed.contains(owned.package) {
                let number = UInt32(names.count)
                names.append(owned.package)
                layers.append(item.layer)
                let bytes = owned.paths
                for line in Lines(bytes) where !line.isEmpty { owners[Self.hash(bytes[line])] = number }
            }
        }
    }

    /// A file written by a later layer than its package is no longer the package's.
    func owner(of path: String, layer: Int? = nil) -> String? {
        let text = Array(path.utf8)
        guard let number = owners[Self.hash(text.first == UInt8(ascii: "/") ? text[1...] : text[...])] else {
            return nil
        }
        if let layer, layer > layers[Int(number)] { return nil }
        return names[Int(number)]
    }

    /// Lists of packages say `/lib/x` where the file is at `/usr/lib/x` since the two were merged.
    private static let merged: [[UInt8]] = ["bin/", "sbin/", "lib/", "lib64/", "lib32/", "libx32/"].map {
        Array($0.utf8)
    }

    private static func hash(_ path: ArraySlice<UInt8>) -> UInt64 {
        var hash = StableHash()
        if merged.contains(where: { path.starts(with: $0) }) { hash.add("usr/") }
        for byte in path { hash.add(byte) }
        return hash.value
    }
}
