package import Documents

/// An image that others are built on.
package struct BaseImage: Sendable, Hashable {
    /// `registry.example/debian:12-slim`.
    package var name: String
    package var digest: String
    /// The day on which it was built.
    package var created: CivilDate?
    /// The digests of its unpacked layers, the lowest first: what tells it.
    package var diffIDs: [String]
    package var isApproved: Bool

    package init(name: String, digest: String, created: CivilDate?, diffIDs: [String], isApproved: Bool = true) {
        self.name = name
        self.digest = digest
        self.created = created
        self.diffIDs = diffIDs
        self.isApproved = isApproved
    }

    /// The name without its tag or digest.
    package var repository: String { Self.split(name).repository }
    package var tag: String { Self.split(name).tag }

    private static func split(_ name: String) -> (repository: String, tag: String) {
        let plain = name.firstIndex(of: "@").map { name[..<$0] } ?? name[...]
        guard let colon = plain.lastIndex(of: ":"), !plain[colon...].contains("/") else {
            return (String(plain), "latest")
        }
        return (String(plain[..<colon]), String(plain[plain.index(after: colon)...]))
    }

    /// What of a tag names the line rather than the day: `12.5-slim` and `12-slim` are one, `12` and `12-slim` not.
    fileprivate var line: [String] {
        var isFirstNumber = true
        return tag.split(separator: "-").compactMap { part in
            guard part.first?.isNumber == true else { return String(part) }
            // A day, as in `bookworm-20240101`.
            let digits = part.prefix { $0.isNumber }
            if digits.count >= 6 { return nil }
            defer { isFirstNumber = false }
            return isFirstNumber ? String(digits) : nil
        }
    }
}

/// The base images that are known, found by the layers that an image begins with.
///
/// Annotations and labels that name a base are whatever somebody wrote there; layers are what the image is.
package struct BaseImageIndex: Sendable {
    package private(set) var images: [BaseImage] = []
    /// Hashes of chains of layers to the images that end with them.
    private var chains: [UInt64: [Int]] = [:]

    package init(_ images: [BaseImage] = []) {
        for image in images { add(image) }
    }

    /// Adds one; the same name and digest again replaces what was known.
    package mutating func add(_ image: BaseImage) {
        if let known = images.firstIndex(where: { $0.name == image.name && $0.digest == image.digest }) {
            var all = images
            all[known] = image
            self = BaseImageIndex(all)
            return
        }
        images.append(image)
        guard !image.diffIDs.isEmpty else { return }
        chains[Self.chain(image.diffIDs[...]), default: []].append(images.count - 1)
    }

    private static func chain(_ diffIDs: ArraySlice<String>) -> UInt64 {
        var hash = StableHash()
        for id in diffIDs {
            hash.add(id)
            hash.add(0)
        }
        return hash.value
    }

    package struct Match: Sendable, Hashable {
        package var base: BaseImage
        /// Other names of the very same layers.
        package var alsoKnownAs: [String]
        /// So many of the image's layers are the base's.
        package var layers: Int
        /// The newest of its line, where that is another.
        package var newer: BaseImage?
    }

    /// The longest chain of layers that an image begins with and that is somebody's base.
    ///
    /// An image that is itself a base is its own.
    package func base(of diffIDs: [String]) -> Match? {
        for count in stride(from: diffIDs.count, to: 0, by: -1) {
            let candidates = (chains[Self.chain(diffIDs[..<count])] ?? []).map { images[$0] }
                .filter { $0.diffIDs.elementsEqual(diffIDs[..<count]) }
            // Approved names speak before others, the youngest first.
            let sorted = candidates.sorted {
                if $0.isApproved != $1.isApproved { return $0.isApproved }
                let (a, b) = ($0.created?.dayNumber ?? .min, $1.created?.dayNumber ?? .min)
                return a != b ? a > b : $0.name < $1.name
            }
            guard let base = sorted.first else { continue }
            return Match(
                base: base, alsoKnownAs: sorted.dropFirst().map(\.name), layers: count, newer: newer(than: base))
        }
        return nil
    }

    /// The youngest image of the same repository and line that was built after this one.
    package func newer(than base: BaseImage) -> BaseImage? {
        guard let created = base.created else { return nil }
        return images.filter { other in
            guard let day = other.created else { return false }
            return day > created && other.repository == base.repository && other.line == base.line
                && other.diffIDs != base.diffIDs
        }
        .max { ($0.created?.dayNumber ?? 0, $1.name) < ($1.created?.dayNumber ?? 0, $0.name) }
    }

    /// Bases that an image could move to: approved ones of the same repository that were built later, the youngest of
    /// each tag, those of the same line first and then the youngest.
    package func candidates(after base: BaseImage) -> [BaseImage] {
        var byTag: [String: BaseImage] = [:]
        for other in images where other.isApproved && other.repository == base.repository {
            guard other.diffIDs != base.diffIDs, Self.day(other) > Self.day(base) else { continue }
            if byTag[other.tag].map({ Self.day($0) < Self.day(other) }) ?? true { byTag[other.tag] = other }
        }
        return byTag.values.sorted { left, right in
            if (left.line == base.line) != (right.line == base.line) { return left.line == base.line }
            return (Self.day(right), left.name) < (Self.day(left), right.name)
        }
    }

    private static func day(_ image: BaseImage) -> Int { image.created?.dayNumber ?? .min }

    /// Forgets what is called so, by name, by name and digest, or by digest alone; returns what was forgotten.
    package mutating func remove(_ name: String) -> [BaseImage] {
        let gone = images.filter { image in
            image.name == name || image.digest == name || "\(image.name)@\(image.digest)" == name
                || name.hasPrefix("sha256:") && name.utf8.count >= 14 && image.digest.hasPrefix(name)
        }
        self = BaseImageIndex(images.filter { !gone.contains($0) })
        return gone
    }

    // MARK: Stored

    /// JSON, one image a line, in the order they were added.
    package func encoded() -> [UInt8] {
        var out: [UInt8] = []
        for image in images {
            var line = JSONWriter()
            line.object { line in
                line.member("name", image.name)
                line.member("digest", image.digest)
                if let created = image.created { line.member("created", created.text) }
                line.member("diffIDs", image.diffIDs)
                line.member("approved", image.isApproved)
            }
            out += line.takeBytes() + [0x0A]
        }
        return out
    }

    package init(decoding bytes: [UInt8]) throws(DocumentError) {
        self.init()
        for line in Lines(bytes) where !line.isEmpty {
            let node = try DocumentReader.readJSON(SourceText(name: "base images", bytes: Array(bytes[line])))
            add(
                BaseImage(
                    name: node["name"].string ?? "", digest: node["digest"].string ?? "",
                    created: node["created"].string.flatMap { CivilDate($0) }, diffIDs: node["diffIDs"].strings,
                    isApproved: node["approved"].bool ?? false))
        }
    }
}
