/// The Kubernetes version a workload is to run on.
///
/// Only the minor counts: what is served, safe and defaulted changes with minors alone.
package struct TargetVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var minor: Int

    package init(minor: Int) { self.minor = minor }

    /// Reads `1.36`, `v1.36` and `v1.36.2+k3s1`; nil for anything that is not Kubernetes 1.
    package init?(_ text: String) {
        let plain = text.hasPrefix("v") ? text.dropFirst() : text[...]
        let parts = plain.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count >= 2, parts[0] == "1", let minor = Int(parts[1].prefix(while: \.isNumber)) else { return nil }
        self.init(minor: minor)
    }

    /// The newest minor the data files know in full.
    package static let newest = TargetVersion(minor: 36)

    package var description: String { "v1.\(minor)" }
    package static func < (a: Self, b: Self) -> Bool { a.minor < b.minor }
}
