package import Kubernetes
package import Posture
package import Secrets
package import SourceTrees

/// Looks through texts, and through the texts in archives among them.
///
/// A value with room of its own; one for each thread.
package struct SecretSearch: Sendable {
    private var scan: SourceSecretScan
    private var archives = ArchiveReader()

    /// `isManifest` false for objects of a live cluster, where a Secret is the right place for its data.
    package init(seal: SecretSeal, isManifest: Bool = true) {
        scan = SourceSecretScan(seal: seal, isManifest: isManifest, opener: .bounded)
    }

    /// What a file, a version of one, or a member of a layer holds.
    package mutating func search(_ item: SourceItem) -> SearchResult {
        var result = SearchResult()
        let before = (texts: scan.texts, binaries: scan.binaries)
        var scan = scan
        let gaps = archives.read(item) { inner in
            for var secret in scan.scan(file: inner.path, bytes: inner.bytes) {
                secret.commit = inner.commit?.id ?? ""
                secret.author = inner.commit?.author ?? ""
                secret.date = inner.commit?.date ?? ""
                result.secrets.append(secret)
            }
        }
        result.gaps = gaps.map { "\($0.path): \($0.reason)" } + scan.takeGaps()
        result.texts = scan.texts - before.texts
        result.binaries = scan.binaries - before.binaries
        self.scan = scan
        return result
    }

    /// What an object holds, where each field is looked at for what it is for.
    package mutating func search(_ object: KubernetesObject) -> SearchResult {
        var result = SearchResult()
        result.secrets = scan.scan(object)
        result.gaps = scan.takeGaps()
        result.texts = 1
        return result
    }
}

/// What was found, and what was not looked at.
package struct SearchResult: Sendable {
    package var secrets: [LocatedSecret] = []
    /// What should have been looked at and was not, and why.
    package var gaps: [String] = []
    package var texts = 0
    /// Files that are no text and no archive: pictures, programs.
    package var binaries = 0
    /// Paths that git ignores and nobody tracks.
    package var ignored = 0

    package init() {}

    package mutating func add(_ other: SearchResult) {
        secrets += other.secrets
        gaps += other.gaps
        texts += other.texts
        binaries += other.binaries
        ignored += other.ignored
    }
}
