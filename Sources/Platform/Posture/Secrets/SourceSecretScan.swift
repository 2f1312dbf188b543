import Documents
package import Kubernetes
package import Secrets

/// A secret in a text or an object: where, what, and how it is known again. Never the value.
package struct LocatedSecret: Sendable {
    package var file: String
    package var line: Int
    package var column: Int
    /// `Deployment shop/api` and the field, where it stands in an object.
    package var object: String
    package var path: String
    /// The layer of an image that holds it, and how a layer above hides it: `deleted by layer 4`.
    package var layer = ""
    package var removedBy = ""
    package var commit: String
    package var author: String
    package var date: String
    package var secret: FoundSecret
    /// Known from the place and the value, for baselines: the file may move lines.
    package var fingerprint: String { secret.seal }
}

/// Looks through texts as what they are: manifests by their objects, everything else as text.
///
/// A value with room of its own; one for each thread.
package struct SourceSecretScan: Sendable {
    private var text: LayerScanner
    private var objects: ObjectScanner
    /// Texts that were looked at, and files that were not since they are none.
    package private(set) var texts = 0
    package private(set) var binaries = 0
    private var gaps: [String] = []

    /// `isManifest` false for objects of a live cluster, where a Secret is the right place for its data; `opener` opens
    /// the archives in ConfigMaps.
    package init(seal: SecretSeal, isManifest: Bool = true, opener: ArchiveOpener? = nil) {
        text = LayerScanner(seal: seal)
        objects = ObjectScanner(seal: seal, isManifest: isManifest)
        objects.opener = opener
    }

    /// What stayed shut since somebody asked last.
    package mutating func takeGaps() -> [String] {
        defer { gaps = [] }
        return gaps
    }

    /// The secrets of a file, in order of place.
    package mutating func scan(file: String, bytes raw: [UInt8]) -> [LocatedSecret] {
        let bytes = TextEncoding.utf8(ofUTF16: raw) ?? raw
        if Self.mayBeManifest(file), bytes.count < 64 << 20, let found = manifest(file, bytes) { return found }
        guard !Self.isBinary(bytes) || bytes.starts(with: [0x1F, 0x8B]) else {
            binaries += 1
            return []
        }
        texts += 1
        let source = SourceText(name: file, bytes: bytes)
        let format = FileFormat(name: file)
        let found = text.scan(bytes, as: format.language) + format.ownSecrets(bytes, scanner: objects)
        gaps += text.takeUnread().map { "\(file): \($0)" }
        return found.map { secret in
            let place = source.location(at: secret.range.lowerBound)
            return LocatedSecret(
                file: file, line: place.line, column: place.column, object: "", path: "", commit: "", author: "",
                date: "", secret: secret)
        }
    }

    /// The secrets of an object of a cluster.
    package mutating func scan(_ object: KubernetesObject) -> [LocatedSecret] {
        guard object.controller == nil else { return [] }
        let found = objects.scan(object).map { located($0, in: object) }
        gaps += objects.unread.map { "\(object.reference) \($0.node.path): \($0.reason)" }
        return found
    }

    private mutating func manifest(_ file: String, _ bytes: [UInt8]) -> [LocatedSecret]? {
        guard Self.hasKind(bytes) else { return nil }
        var found: [LocatedSecret] = []
        var unread: [String] = []
        var hasObjects = false
        for part in DocumentParts(bytes) {
            let set = DocumentReader.read(SourceText(name: file, bytes: part.bytes))
            // Half of a file that cannot be read as objects is read as text, whole.
            guard !set.problems.contains(where: { $0.code != .duplicateKey }) else { return nil }
            for object in set.documents.flatMap({ KubernetesObject.objects(in: $0).objects }) {
                hasObjects = true
                for secret in objects.scan(object) {
                    var place = located(secret, in: object)
                    place.line += part.lines
                    found.append(place)
                }
                unread += objects.unread.map { "\(file): \(object.reference) \($0.node.path): \($0.reason)" }
            }
        }
        guard hasObjects else { return nil }
        texts += 1
        gaps += unread
        return found
    }

    private func located(_ found: ObjectSecret, in object: KubernetesObject) -> LocatedSecret {
        let place = found.node.location
        let inner = lines(before: found)
        return LocatedSecret(
            file: object.file, line: (place?.line ?? 0) + inner, column: inner > 0 ? 1 : place?.column ?? 0,
            object: "\(object.reference)",
            path: "\(found.node.path)", commit: "", author: "", date: "", secret: found.secret)
    }

    /// How many lines below the scalar's beginning the value stands: a literal block keeps the lines of its text.
    private func lines(before found: ObjectSecret) -> Int {
        guard found.secret.layers.isEmpty, found.node.isLiteralBlock, let text = found.node.string else { return 0 }
        return 1 + text.utf8.prefix(found.secret.range.lowerBound).count { $0 == 0x0A }
    }

    private static func mayBeManifest(_ file: String) -> Bool {
        let lower = file.lowercased()
        return lower.hasSuffix(".yaml") || lower.hasSuffix(".yml") || lower.hasSuffix(".json") || file == "<stdin>"
    }

    /// Whether the words that every object has stand in the text.
    private static func hasKind(_ bytes: [UInt8]) -> Bool {
        let text = bytes.span
        var kind = false
        var version = false
        var i = 0
        while i + 4 < text.count, !(kind && version) {
            if text[i] == UInt8(ascii: "k"), text[i + 1] == UInt8(ascii: "i"), text[i + 2] == UInt8(ascii: "n"),
                text[i + 3] == UInt8(ascii: "d")
            {
                kind = true
            } else if text[i] == UInt8(ascii: "a"), text[i + 1] == UInt8(ascii: "p"), text[i + 2] == UInt8(ascii: "i"),
                text[i + 3] == UInt8(ascii: "V")
            {
                version = true
            }
            i += 1
        }
        return kind && version
    }

    /// Text has no zero bytes; the first pages tell.
    static func isBinary(_ bytes: [UInt8]) -> Bool { bytes.prefix(8192).contains(0) }
}
