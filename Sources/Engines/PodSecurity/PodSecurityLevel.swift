/// The three Pod Security Standards, from the one that allows everything to the strictest.
///
/// Source: Pod Security Standards, Kubernetes documentation.
package enum PodSecurityLevel: String, Sendable, Hashable, Comparable, CaseIterable {
    case privileged, baseline, restricted

    package static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }

    private var rank: Int {
        switch self {
        case .privileged: 0
        case .baseline: 1
        case .restricted: 2
        }
    }

    /// The next stricter level; nil above restricted.
    package var next: PodSecurityLevel? {
        switch self {
        case .privileged: .baseline
        case .baseline: .restricted
        case .restricted: nil
        }
    }
}

/// A level pinned to a policy version: what a namespace asks for in one mode.
package struct LevelVersion: Sendable, Hashable, CustomStringConvertible {
    package var level: PodSecurityLevel
    package var version: PolicyVersion

    package init(_ level: PodSecurityLevel, _ version: PolicyVersion = .latest) {
        self.level = level
        self.version = version
    }

    /// Reads `restricted:v1.30`; nil where either half is none.
    package init?(parsing text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let level = PodSecurityLevel(rawValue: String(parts[0])),
            let version = PolicyVersion(parsing: String(parts[1]))
        else { return nil }
        self.init(level, version)
    }

    package var description: String { "\(level.rawValue):\(version)" }

    /// Whether both demand the same: versions of privileged say nothing.
    package func isEquivalent(to other: LevelVersion) -> Bool {
        (level == .privileged && other.level == .privileged) || self == other
    }
}
