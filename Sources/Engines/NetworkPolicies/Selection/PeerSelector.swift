/// The other end of a connection, or the ends a policy is about.
package indirect enum PeerSelector: Sendable, Hashable {
    case anyone
    case nobody
    /// Pods with a network of their own whose labels match.
    case pods(LabelExpression)
    /// Nodes, and pods on the network of their node.
    case nodes(LabelExpression, NodePlace)
    /// Addresses; which ends have theirs compared with them differs between plugins.
    case addresses(AddressSet, AddressReach)
    /// Addresses that names resolve to: known only when a question is about a name.
    case domains([DomainPattern])
    case union([PeerSelector])
    case intersection([PeerSelector])
    case complement(PeerSelector)
    /// Something that cannot be told from what was seen, and which ends it may be.
    case unknown(String, PeerSelector)

    /// Where a node stands to the pod a policy is about.
    package enum NodePlace: Sendable, Hashable { case any, same, other }

    /// Whose addresses a block of addresses selects.
    package struct AddressReach: OptionSet, Sendable, Hashable {
        package let rawValue: UInt8
        package init(rawValue: UInt8) { self.rawValue = rawValue }
        package static let outside = AddressReach(rawValue: 1)
        package static let pods = AddressReach(rawValue: 2)
        package static let nodes = AddressReach(rawValue: 4)
        package static let everywhere: AddressReach = [.outside, .pods, .nodes]
    }

    /// Everything outside the cluster.
    package static let world = PeerSelector.addresses(.all, .outside)
    package static let everyPod = PeerSelector.pods(.everything)
    package static let everyNode = PeerSelector.nodes(.everything, .any)

    func visit(_ body: (PeerSelector) -> Void) {
        body(self)
        switch self {
        case .union(let parts), .intersection(let parts): for part in parts { part.visit(body) }
        case .complement(let inner), .unknown(_, let inner): inner.visit(body)
        default: break
        }
    }
}

/// A name, or a pattern of names, that a policy allows.
package struct DomainPattern: Sendable, Hashable {
    package enum Dialect: Sendable, Hashable {
        /// ClusterNetworkPolicy, AdminNetworkPolicy: `*` only in front, for one or more whole labels.
        case kubernetes
        /// Cilium: `*` is zero or more characters of a label; alone it is every name; `**.` in front is one or more
        /// whole labels.
        case cilium
    }

    package var text: String
    package var dialect: Dialect

    package init(_ text: String, _ dialect: Dialect) {
        // Names are compared without case and without the dot of the root (RFC 4343).
        let lower = text.lowercased()
        self.text = lower.hasSuffix(".") ? String(lower.dropLast()) : lower
        self.dialect = dialect
    }

    package func matches(_ name: String) -> Bool {
        let lower = name.lowercased()
        let name = lower.hasSuffix(".") ? String(lower.dropLast()) : lower
        switch dialect {
        case .kubernetes:
            guard text.hasPrefix("*.") else { return name == text }
            let suffix = text.dropFirst()
            return name.hasSuffix(suffix) && name.utf8.count > suffix.utf8.count
        case .cilium:
            if text == "*" { return !name.isEmpty }
            if text.hasPrefix("**.") {
                let rest = String(text.dropFirst(3))
                let labels = name.split(separator: ".", omittingEmptySubsequences: false)
                return (1..<Swift.max(labels.count, 1)).contains {
                    Self.glob(Array(rest.utf8)[...], Array(labels[$0...].joined(separator: ".").utf8)[...])
                }
            }
            return Self.glob(Array(text.utf8)[...], Array(name.utf8)[...])
        }
    }

    /// `*` takes any bytes but the dot.
    private static func glob(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
        var pattern = pattern
        var text = text
        while let first = pattern.first {
            pattern = pattern.dropFirst()
            if first == UInt8(ascii: "*") {
                while true {
                    if glob(pattern, text) { return true }
                    guard let next = text.first, next != UInt8(ascii: ".") else { return false }
                    text = text.dropFirst()
                }
            }
            guard text.first == first else { return false }
            text = text.dropFirst()
        }
        return text.isEmpty
    }
}
