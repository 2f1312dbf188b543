/// The nodes, or the interfaces of nodes, that a policy is about.
///
/// Source: Calico documentation, "Host endpoint", "Summary of host endpoint policies"; Cilium documentation, "Host
/// Policies".
package struct HostScope: Sendable {
    /// When a packet meets the policy; earlier phases come before every tier of later ones.
    package enum Phase: Int, Sendable, Comparable {
        /// Ports that Calico keeps open whatever policies say.
        case failsafe
        case untracked, preDNAT, normal
        /// Calico's profiles, where no policy decided.
        case profile

        package static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
    }

    package var labels: LabelExpression
    package var phase = Phase.normal
    /// Calico's `applyOnForward`: it decides over what the node hands on, too.
    package var forwards = false
    /// The name of the profile it is.
    package var profile: String?

    package init(labels: LabelExpression, profile: String? = nil) {
        self.labels = labels
        self.profile = profile
        if profile != nil { phase = .profile }
    }
}

extension Policy {
    /// The policy as the filters of hosts see it: phases stand before tiers, and only some phases end in a drop.
    func forHosts(_ phases: Set<HostScope.Phase>, isForward: Bool) -> Policy {
        var out = self
        guard let hosts, phases.contains(hosts.phase), !isForward || hosts.forwards else {
            out.ingress = nil
            out.egress = nil
            out.hosts = nil
            return out
        }
        guard hosts.phase < .normal else { return out }
        // Tiers of a phase keep their order among themselves.
        let order = stage.order.isInfinite ? 1 : stage.order / (1 + stage.order.magnitude)
        out.stage = Stage(-1e12 * Double(4 - hosts.phase.rawValue) + order * 1e6, stage.name)
        // Neither phase drops what none of its rules speaks of.
        out.ingress?.end = .next
        out.egress?.end = .next
        return out
    }
}
