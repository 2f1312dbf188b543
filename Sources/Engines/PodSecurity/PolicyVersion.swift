/// Which edition of the Pod Security Standards holds: a minor version of Kubernetes, or whatever is newest.
///
/// A version newer than the newest known one is evaluated as the newest, but printed as it was asked for.
package enum PolicyVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// `v1.N`
    case minor(Int)
    case latest

    /// The newest edition whose rules are known here.
    package static let newestKnown = 37

    /// Reads `latest` or `v1.N`, N without leading zeros; nil for everything else.
    package init?(parsing text: String) {
        if text == "latest" {
            self = .latest
            return
        }
        let bytes = Array(text.utf8)
        guard bytes.starts(with: "v1.".utf8), bytes.count > 3 else { return nil }
        let digits = bytes[3...]
        guard digits.allSatisfy({ (0x30...0x39).contains($0) }), digits.count == 1 || digits.first != 0x30,
            let minor = Int(String(decoding: digits, as: UTF8.self))
        else { return nil }
        self = .minor(minor)
    }

    package var description: String {
        switch self {
        case .minor(let minor): "v1.\(minor)"
        case .latest: "latest"
        }
    }

    /// The edition to evaluate where `newest` is the newest one there is.
    package func edition(newest: Int = newestKnown) -> Int {
        switch self {
        case .minor(let minor): Swift.min(Swift.max(minor, 0), newest)
        case .latest: newest
        }
    }
}
