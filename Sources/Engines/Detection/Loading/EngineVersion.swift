/// A version of Falco's engine that a rule file asks for.
struct EngineVersion: Comparable, CustomStringConvertible, Sendable {
    var major: Int
    var minor: Int
    var patch: Int

    /// The engine whose rule language this is.
    static let own = EngineVersion(major: 0, minor: 63, patch: 0)

    init(major: Int, minor: Int, patch: Int) {
        (self.major, self.minor, self.patch) = (major, minor, patch)
    }

    /// Reads `x.y.z`; what follows is not looked at.
    init?(_ text: String) {
        let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let major = Int(parts[0]), let minor = Int(parts[1]),
            let patch = Int(parts[2].prefix { $0.isASCII && $0.isNumber }), major >= 0, minor >= 0
        else { return nil }
        self.init(major: major, minor: minor, patch: patch)
    }

    /// Whether rules written for `other` are understood.
    func isCompatible(with other: EngineVersion) -> Bool { major == other.major && self >= other }

    static func < (a: Self, b: Self) -> Bool { (a.major, a.minor, a.patch) < (b.major, b.minor, b.patch) }

    var description: String { "\(major).\(minor).\(patch)" }
}

/// The plugins, with least versions, that a rule file needs one of.
package struct PluginRequirement: Sendable, Hashable {
    package var name: String
    package var version: String
}
