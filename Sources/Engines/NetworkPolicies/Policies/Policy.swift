package import Documents
package import Kubernetes

/// A policy of any language, in the one form the model understands.
///
/// Policies stand in stages (tiers); in a stage the first rule that matches decides, and what no rule decides goes by
/// the end of the stage to the next one, or is dropped.
package struct Policy: Sendable {
    package var reference: ObjectReference
    package var node: Node
    package var stage: Stage
    /// Place in the stage: lower goes first; then by name.
    package var order: Double
    /// The pods it is about.
    package var subjects: LabelExpression
    package var ingress: Section?
    package var egress: Section?
    /// The nodes whose own traffic it is about; nil for policies about pods only.
    package var hosts: HostScope?

    package struct Stage: Sendable, Hashable, Comparable {
        package var order: Double
        package var name: String

        package init(_ order: Double, _ name: String) {
            self.order = order
            self.name = name
        }

        package static func < (a: Self, b: Self) -> Bool { (a.order, a.name) < (b.order, b.name) }

        // Orders follow Calico's own tiers, so that tiers a user makes fall between them.
        package static let admin = Stage(1_000, "admin")
        package static let standard = Stage(1_000_000, "default")
        package static let baseline = Stage(10_000_000, "baseline")
        /// Calico's profiles, which speak where no tier did.
        static let profiles = Stage(.infinity, "profiles")
    }

    /// What becomes of traffic that reaches the end of the stage undecided.
    package enum End: Sendable, Hashable { case next, deny }

    /// The rules of one direction; having the section at all is what selects its pods in that direction.
    package struct Section: Sendable {
        package var rules: [PolicyRule]
        package var end: End
        /// Where the section, or what implies it, stands.
        package var node: Node

        package init(rules: [PolicyRule], end: End, node: Node) {
            self.rules = rules
            self.end = end
            self.node = node
        }
    }

    package init(
        reference: ObjectReference, node: Node, stage: Stage, order: Double = 0, subjects: LabelExpression,
        ingress: Section? = nil, egress: Section? = nil
    ) {
        self.reference = reference
        self.node = node
        self.stage = stage
        self.order = order
        self.subjects = subjects
        self.ingress = ingress
        self.egress = egress
    }

    package func section(_ direction: Direction) -> Section? { direction == .ingress ? ingress : egress }
}

package enum Direction: String, Sendable, Hashable, CaseIterable { case ingress, egress }

/// One rule in one direction.
package struct PolicyRule: Sendable {
    package enum Action: String, Sendable, Hashable { case allow, deny, pass }

    package var action: Action
    /// Rules of one stage with a lower number go first, whatever policy they are of: Cilium's denies.
    package var precedence = 0
    package var peers: PeerSelector
    package var traffic: TrafficSelector
    /// Narrows the pods of the policy: Calico's `destination` of an ingress rule.
    package var own: PeerSelector?
    /// Ports the client has to send from; without a known source port the rule may or may not match.
    package var sourcePorts: TrafficSet?
    /// Something in the rule cannot be read, so that it may match or not; why.
    package var doubt: String?
    /// The port is looked into (HTTP, DNS, Kafka): allowed traffic may still be refused by what it says.
    package var isInspected = false
    package var node: Node

    package init(
        _ action: Action, peers: PeerSelector, traffic: TrafficSelector = .all, node: Node, doubt: String? = nil
    ) {
        self.action = action
        self.peers = peers
        self.traffic = traffic
        self.node = node
        self.doubt = doubt
    }
}
