/// The minor version of a Kubernetes component.
///
/// The major version has been 1 since 2015; patches change no defaults.
package struct ComponentVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var minor: Int

    package init(minor: Int) { self.minor = minor }

    /// Reads `v1.35.2`, `1.35`, `v1.33.1-eks-abc`, `v1.34.0+k3s1`.
    package init?(_ text: String) {
        var rest = Substring(text)
        if rest.hasPrefix("v") { rest.removeFirst() }
        let parts = rest.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0] == "1", let minor = Int(parts[1].prefix(while: \.isNumber)) else { return nil }
        self.minor = minor
    }

    /// The oldest and newest version whose defaults are known.
    package static let oldest = ComponentVersion(minor: 28)
    package static let newest = ComponentVersion(minor: 36)

    package var description: String { "v1.\(minor)" }

    package static func < (a: Self, b: Self) -> Bool { a.minor < b.minor }
}
