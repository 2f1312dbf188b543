package import Findings

/// One check of the Pod Security Standards, with every edition it has had.
///
/// Source: kubernetes/pod-security-admission, policies v1.0 to v1.37.
package struct PodSecurityCheck: Sendable {
    /// Our word for a check; baseline and restricted forms of a rule are two checks.
    package enum ID: String, Sendable, Hashable, CaseIterable {
        case appArmor, capabilitiesBaseline, hostNamespaces, hostPath, hostPort, hostProbes, privileged, procMount
        case seLinux, seccompBaseline, sysctls, windowsHostProcess
        case allowPrivilegeEscalation, capabilitiesRestricted, procMountRestricted, volumeTypes, runAsNonRoot
        case runAsUser, seccompRestricted
    }

    package let id: ID
    /// The lowest level that has the check.
    package let level: PodSecurityLevel
    /// What its findings are filed under, worst first.
    package let rules: [Rule]
    /// Oldest first.
    let editions: [Edition]

    /// The check as it is from one policy version on.
    struct Edition: Sendable {
        /// Minor version of the first policy that has it.
        var since: Int
        /// Baseline checks that need not run where this one does.
        var replaces: Set<ID> = []
        var evaluate: @Sendable (PodSecurityInput) -> PodSecurityViolation?
    }

    /// The edition that holds in a policy version; nil where the check did not exist yet.
    func edition(_ minor: Int) -> Edition? { editions.last { $0.since <= minor } }

    /// Every check, in the order in which the API server lists what they find: baseline first, each level sorted by
    /// the names upstream gives them.
    package static let all: [PodSecurityCheck] = [
        .appArmor, .capabilitiesBaseline, .hostNamespaces, .hostPath, .hostPort, .hostProbes, .privileged, .procMount,
        .seLinux, .seccompBaseline, .sysctls, .windowsHostProcess,
        .allowPrivilegeEscalation, .capabilitiesRestricted, .procMountRestricted, .volumeTypes, .runAsNonRoot,
        .runAsUser, .seccompRestricted,
    ]
}
