package import Findings

/// Combinations of which no part alone is the danger.
package enum RiskRules {
    package static let exploited = Rule(
        "risk/internet-reachable-kev", .critical, [.attack("T1190")],
        title: "The internet reaches a flaw that others are exploiting",
        why: """
            The way in is open and the flaw is in the catalogue of those that are used in attacks: nothing has to be \
            found out first.
            """,
        remedy: "Build the image anew with the fixed version; until then keep the Service off the internet.")
    package static let exploitedReader = Rule(
        "risk/internet-reachable-kev-secret-reader", .critical, [.attack("T1190"), .attack("T1552.007")],
        title: "The internet reaches an exploited flaw in a workload whose token reads Secrets",
        why: "One request breaks in, the next reads credentials: of databases, of clouds, of other service accounts.",
        remedy: """
            Build the image anew, and take the right to read Secrets from its account or the token from its pods; \
            either change ends this way.
            """)
    package static let reader = Rule(
        "risk/internet-reachable-secret-reader", .high, [.attack("T1552.007")],
        title: "A workload that the internet reaches carries a token that reads Secrets",
        why: "The next flaw in what it runs gives away every Secret that its account may read.",
        remedy: "Name the Secrets it needs in the role, or set automountServiceAccountToken: false.")
    package static let administrator = Rule(
        "risk/internet-reachable-cluster-admin", .critical, [.attack("T1078"), .attack("T1190")],
        title: "A workload that the internet reaches leads to all of the cluster",
        why: "Whoever breaks into it has what they need to become cluster-admin; each step is named.",
        remedy: "Cut one of the steps: `martlet risk rank` says which cut takes most of the risk away.")
    package static let node = Rule(
        "risk/internet-reachable-node-root", .high, [.attack("T1611")],
        title: "A workload that the internet reaches leads to root on its node",
        why: "A flaw in it is a flaw in the node: its disks, its kubelet and the tokens of every pod there.",
        remedy: "Take the field away that opens the way out of the container.")
    package static let cloud = Rule(
        "risk/internet-reachable-cloud-identity", .medium, [.attack("T1078.004")],
        title: "A workload that the internet reaches acts as an identity of the cloud",
        why: "A flaw in it reaches past the cluster, as far as the cloud's policies let that identity go.",
        remedy: "Give the identity what the workload uses and nothing more; run what faces the internet without it.")

    package static let all = [exploitedReader, exploited, administrator, reader, node, cloud]
}
