package import Findings

/// What is said of webhooks and policies that can take a cluster down.
package enum WebhookRules {
    package static let all = [lockOut, bootstrap, cycle, plugins, backendMissing, singleReplica, patience]

    private static let standard = RuleReference.kubernetes("Dynamic Admission Control, Good practices")

    package static let lockOut = Rule(
        "admission/webhook-can-lock-out", .critical, [standard],
        title: "A webhook refuses the pods that answer for it",
        why: """
            Once its pods are gone, none can be created, since nobody is there to allow it: the cluster cannot start \
            again by itself, and everything else the webhook is asked about is refused until somebody deletes its \
            configuration.
            """,
        remedy: """
            Leave the webhook's own namespace out: namespaceSelector {matchExpressions: [{key: \
            kubernetes.io/metadata.name, operator: NotIn, values: [its namespace, kube-system]}]}.
            """)

    package static let bootstrap = Rule(
        "admission/webhook-blocks-bootstrap", .high, [standard],
        title: "A gate that fails closed is asked about what the cluster needs to run",
        why: """
            Nodes report by leases and statuses, pods get their nodes and tokens by writing to the API: while nobody \
            answers for the gate, all that is refused, and the failure of one service becomes that of the cluster.
            """,
        remedy: """
            Name only the resources it has to see in place of "*", leave kube-system and kube-node-lease out by \
            namespaceSelector, or set failurePolicy: Ignore.
            """)

    package static let cycle = Rule(
        "admission/webhook-cycle", .critical, [standard],
        title: "Webhooks wait for each other",
        why: "Each refuses the other's pods while it is down itself: after both are gone, neither comes back.",
        remedy: "Leave each other's namespaces out of both webhooks.")

    package static let plugins = Rule(
        "admission/webhook-blocks-node-plugins", .high, [standard],
        title: "A gate that fails closed is asked about the pods that give nodes their network or volumes",
        why: """
            On a new node nothing starts before they run, the pods of the webhook neither: in a cluster that starts \
            again, they are refused by what cannot start without them.
            """,
        remedy: "Leave the namespaces of network and volume plug-ins out by namespaceSelector.")

    package static let backendMissing = Rule(
        "admission/webhook-backend-missing", .high, [standard],
        title: "A webhook that fails closed has no service behind it",
        why: "Everything it is asked about is refused now, or will be as soon as somebody does it.",
        remedy: "Remove the configuration that was left over, or install what it belongs to.")

    package static let singleReplica = Rule(
        "admission/webhook-single-replica", .medium, [standard],
        title: "One pod answers for a webhook that fails closed",
        why: "While it restarts or moves to another node, all that it is asked about is refused.",
        remedy: "Run two or more replicas on different nodes, with a PodDisruptionBudget.")

    package static let patience = Rule(
        "admission/webhook-long-timeout", .low, [standard],
        title: "Every request waits long for a webhook that does not answer",
        why: "Each webhook in a row adds its time; clients and controllers give up before, and try again.",
        remedy: "Set timeoutSeconds to 5 or less; a verdict that takes longer comes too late.")
}
