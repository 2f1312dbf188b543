package import Kubernetes

/// The language policies are written in.
package enum PolicyForm: String, Sendable, Hashable, CaseIterable { case kubernetes, calico, cilium }

/// A policy before it is written in a language.
struct PlannedPolicy: Sendable {
    enum Subjects: Sendable, Hashable {
        case labels([LabelPair])
        /// Every pod of the namespace but those with one of these values.
        case allBut([String: [String]])
    }

    struct Port: Sendable, Hashable, Comparable {
        var transport: TransportProtocol
        /// Nil for every port of the protocol.
        var number: UInt16?
        var name: String?

        static func < (a: Self, b: Self) -> Bool {
            (a.transport.lane, a.number ?? 0, a.name ?? "") < (b.transport.lane, b.number ?? 0, b.name ?? "")
        }
    }

    struct Rule: Sendable {
        /// Empty for everybody.
        var peers: [Peer]
        var ports: [Port]
    }

    /// The other side of a rule, as languages can say it.
    enum Peer: Sendable, Hashable {
        case pods(namespace: String, labels: [LabelPair])
        case block(CIDR, except: [CIDR])
        case domain(String)
        case entity(String)
    }

    var name: String
    var namespace: String
    var subjects: Subjects
    var directions: [Direction]
    var ingress: [Rule] = []
    var egress: [Rule] = []
    /// Why, for the person who reads the file.
    var remarks: [String] = []
}

/// What is done about one direction of a workload.
package enum Stance: Sendable, Hashable {
    /// A policy is written.
    case closed
    /// Policies that are there select it already; nothing is added.
    case kept(by: [ObjectReference])
    /// It stays open, and why.
    case open(String)
    /// Policies for pods do not apply.
    case onHostNetwork
    /// In a namespace that was not asked for.
    case outOfScope

    package var isClosed: Bool {
        switch self {
        case .closed, .kept: true
        default: false
        }
    }
}
