/// Which package owns which file.
///
/// A library whose files belong to a distribution's package is the distribution's business: it backports fixes
/// without changing the version that the library tells of itself.
struct FileOwners: Sendable {
    /// Hashes of paths to packages; see ``LayerFacts`` on hashes of paths.
    private var owners = HashTable(expecting: 0)
    private var names: [String] = []
    /// The layer in which the package's list of files was last written.
    private var layers: [Int] = []
    /// The first of `names` that is no distribution's package.
    private var firstLanguage = 0

    init(_ view: LayerView) {
        var installed: Set<String> = []
        var length = 0
        for item in view.files {
            for owned in item.facts.owned { length += owned.paths.count }
            for fact in item.facts.packages where ["deb", "apk", "rpm"].contains(fact.type) {
                installed.insert(fact.name)
            }
        }
        // Paths are about this long; the table is not to be made anew while it grows.
        owners = HashTable(expecting: length / 48)
        for item in view.files {
            for owned in item.facts.owned where installed.contains(owned.package) { add(owned, item.layer) }
        }
        firstLanguage = names.count
        // What pip and the distribution both list was brought by the distribution.
        for item in view.files {
            for owned in item.facts.owned where owned.package.contains(":") { add(owned, item.layer) }
        }
    }

    private mutating func add(_ owned: OwnedFiles, _ layer: Int) {
        let number = UInt32(names.count)
        let isLanguage = owned.package.contains(":")
        names.append(owned.package)
        layers.append(layer)
        let bytes = owned.paths
        let span = bytes.span
        for line in Lines(bytes) where !line.isEmpty {
            let hash = Self.hash(span, line)
            owners.set(hash, number, keepingOlder: isLanguage)
        }
    }

    /// The distribution's package that owns the file. One written by a later layer than the package's list is no
    /// longer the package's.
    func distributionOwner(of path: String, layer: Int) -> String? {
        guard let number = number(path), number < firstLanguage, layer <= layers[number] else { return nil }
        return names[number]
    }

    /// Any package that lists the file: `curl`, `pypi:requests`.
    func owner(of path: String) -> String? { number(path).map { names[$0] } }

    private func number(_ path: String) -> Int? {
        let text = Array(path.utf8)
        let start = text.first == UInt8(ascii: "/") ? 1 : 0
        return owners[Self.hash(text.span, start..<text.count)].map { Int($0) }
    }

    /// Lists of packages say `/lib/x` where the file is at `/usr/lib/x` since the two were merged.
    private static let merged: [[UInt8]] = ["bin/", "sbin/", "lib/", "lib64/", "lib32/", "libx32/"].map {
        Array($0.utf8)
    }

    private static func hash(_ text: Span<UInt8>, _ path: Range<Int>) -> UInt64 {
        var hash = PathHash()
        // Most paths begin with `usr/`, and are done with the first letter.
        if !path.isEmpty, text[path.lowerBound] != UInt8(ascii: "u"), isMerged(text, path) {
            hash.add(UInt8(ascii: "u"), UInt8(ascii: "s"), UInt8(ascii: "r"), UInt8(ascii: "/"))
        }
        var index = path.lowerBound
        while index + 4 <= path.upperBound {
            hash.add(text[index], text[index + 1], text[index + 2], text[index + 3])
            index += 4
        }
        // No path holds a zero.
        let left = path.upperBound - index
        hash.add(left > 0 ? text[index] : 0, left > 1 ? text[index + 1] : 0, left > 2 ? text[index + 2] : 0, 0)
        return hash.value
    }

    private static func isMerged(_ text: Span<UInt8>, _ path: Range<Int>) -> Bool {
        merged.contains { start in
            guard start.count <= path.count else { return false }
            for index in start.indices where start[index] != text[path.lowerBound + index] { return false }
            return true
        }
    }
}

/// FNV-1a in four lanes, each of every fourth byte: a multiplication waits for the one before it, and the paths of an
/// image are megabytes. Never stored.
private struct PathHash {
    private var first: UInt64 = 0xCBF2_9CE4_8422_2325
    private var second: UInt64 = 0x8422_2325_CBF2_9CE4
    private var third: UInt64 = 0x9E37_79B9_7F4A_7C15
    private var fourth: UInt64 = 0xC2B2_AE3D_27D4_EB4F

    mutating func add(_ one: UInt8, _ two: UInt8, _ three: UInt8, _ four: UInt8) {
        first = (first ^ UInt64(one)) &* 0x100_0000_01B3
        second = (second ^ UInt64(two)) &* 0x100_0000_01B3
        third = (third ^ UInt64(three)) &* 0x100_0000_01B3
        fourth = (fourth ^ UInt64(four)) &* 0x100_0000_01B3
    }

    var value: UInt64 {
        var out = first
        out = (out ^ (out >> 29) ^ second) &* 0x9E37_79B9_7F4A_7C15
        out = (out ^ (out >> 29) ^ third) &* 0x9E37_79B9_7F4A_7C15
        out = (out ^ (out >> 29) ^ fourth) &* 0x9E37_79B9_7F4A_7C15
        return out ^ (out >> 32)
    }
}
