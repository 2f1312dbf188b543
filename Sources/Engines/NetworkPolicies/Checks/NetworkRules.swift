package import Findings

/// What this engine finds, in words; `NetworkEvaluation` looks for it.
package enum NetworkRules {
    /// Every rule, in order.
    package static let all: [Rule] = [
        pluginWithoutEnforcement, noDefaultDenyIngress, noDefaultDenyEgress, unselectedIngress, unselectedEgress,
        internetEgress, metadataReachable, crossNamespaceOpen, invalidPolicy, unreadPolicy, selectsNothing,
        peerSelectsNothing,
        redundantRule, samePriority, unknownNamedPort, servicePort, blockWithoutEffect,
    ]

    static let pluginWithoutEnforcement = Rule(
        "network/plugin-without-enforcement", .high, [.cis("5.3.1"), .nsa("Network separation")],
        title: "The network plugin does not enforce policies",
        why: "NetworkPolicy objects are kept by the API server whatever the network does; here nothing acts on them, "
            + "and every pod reaches every other.",
        remedy: "Install a plugin that enforces policies (Calico, Cilium, Antrea …) or switch enforcement on.")

    static let noDefaultDenyIngress = Rule(
        "network/no-default-deny-ingress", .medium, [.cis("5.3.2"), .nsa("Network policies"), .attack("T1210")],
        title: "A namespace lets in what no policy names",
        why: "Pods that no policy selects for ingress take connections from everywhere; a new workload is open until "
            + "somebody thinks of it.",
        remedy: "Add a NetworkPolicy with an empty podSelector and policyTypes [Ingress], then allow what is needed.")

    static let noDefaultDenyEgress = Rule(
        "network/no-default-deny-egress", .low, [.cis("5.3.2"), .nsa("Network policies"), .attack("T1041")],
        title: "A namespace lets out what no policy names",
        why: "Pods that no policy selects for egress reach the internet, the cloud's metadata service and every "
            + "other namespace.",
        remedy:
            "Add a NetworkPolicy with an empty podSelector and policyTypes [Egress], then allow DNS and what is needed."
    )

    static let unselectedIngress = Rule(
        "network/unselected-ingress", .medium, [.cis("5.3.2"), .nsa("Network policies")],
        title: "No policy selects a workload for ingress",
        why: "Its pods take connections from every pod of the cluster and, when a way leads there, from outside.",
        remedy: "Select it in a policy with policyTypes Ingress.")

    static let unselectedEgress = Rule(
        "network/unselected-egress", .low, [.cis("5.3.2"), .nsa("Network policies")],
        title: "No policy selects a workload for egress",
        why: "Its pods open connections to everywhere: other namespaces, the node's network, the internet.",
        remedy: "Select it in a policy with policyTypes Egress.")

    static let internetEgress = Rule(
        "network/internet-egress", .low, [.nsa("Network policies"), .attack("T1041")],
        title: "A policy lets a workload out to all of the internet",
        why: "Stolen data and commands pass by any address that is allowed; an open range is as good as none.",
        remedy: "Name the addresses or names the workload needs.")

    static let metadataReachable = Rule(
        "network/metadata-reachable", .high, [.nsa("Network policies"), .attack("T1552.005")],
        title: "A workload reaches the cloud's metadata address",
        why: "169.254.169.254 hands out the credentials of the node's cloud identity to whoever asks from it; a policy "
            + "is there and lets it pass.",
        remedy: "Leave 169.254.169.254/32 out of the blocks that egress rules allow (`except`).")

    static let crossNamespaceOpen = Rule(
        "network/cross-namespace-open", .low, [.nsa("Network separation"), .attack("T1210")],
        title: "A policy opens a workload to every namespace, or every namespace to it",
        why: "One taken-over pod anywhere in the cluster is enough to get on; an empty namespaceSelector or a rule "
            + "without peers means namespaces that do not exist yet, too.",
        remedy: "Name the namespaces by label, `kubernetes.io/metadata.name` where there is no better one.")

    static let invalidPolicy = Rule(
        "network/invalid-policy", .high, [.kubernetes("NetworkPolicy validation")],
        title: "The API server would refuse a policy",
        why: "What is not accepted is not in force; an older version or nothing takes its place.",
        remedy: "Correct the field.")

    static let unreadPolicy = Rule(
        "network/unread-policy", .info, [],
        title: "A policy says something that is not understood",
        why: "Answers about the pods it may touch cannot be given.",
        remedy: "Look at these by hand, or say which plugin is in use.")

    static let selectsNothing = Rule(
        "network/selects-nothing", .low, [], category: .hygiene,
        title: "A policy selects no pod",
        why: "It protects nothing; most often a label is misspelt or has changed.",
        remedy: "Correct the selector, or remove the policy.")

    static let peerSelectsNothing = Rule(
        "network/peer-selects-nothing", .low, [], category: .hygiene,
        title: "A rule names peers that do not exist",
        why: "It allows nothing; what it was meant to allow is cut.",
        remedy: "Correct the selector, or remove the rule.")

    static let redundantRule = Rule(
        "network/redundant-rule", .info, [], category: .hygiene,
        title: "A rule changes nothing",
        why: "Other rules decide all it would decide: removing it leaves every answer as it is.",
        remedy: "Remove it.")

    static let samePriority = Rule(
        "network/same-priority", .medium, [.kubernetes("network-policy-api")],
        title: "Two policies of one tier have the same priority",
        why: "Which of them is read first is not defined, and they say different things of the same pods.",
        remedy: "Give them different priorities.")

    static let unknownNamedPort = Rule(
        "network/unknown-named-port", .low, [], category: .hygiene,
        title: "A rule names a port that no selected pod has",
        why: "A named port is looked up in the destination's containers; where none has it the rule allows nothing.",
        remedy: "Use a number, or name the container's port.")

    static let servicePort = Rule(
        "network/service-port", .medium, [.kubernetes("Network Policies")], category: .hygiene,
        title: "A rule names the port of a Service where the port of its pods is meant",
        why: "Policies see a connection after the Service has been taken out of it: its destination is the pod and the "
            + "port the pod listens on. A rule with the Service's port allows nothing, and what it was for is cut.",
        remedy: "Write the Service's targetPort, or its name.")

    static let blockWithoutEffect = Rule(
        "network/block-without-effect", .low, [], category: .hygiene,
        title: "An ipBlock holds pod addresses, and the plugin does not compare them",
        why: "This plugin knows pods and nodes by identity: blocks select only what is outside the cluster.",
        remedy: "Select the pods by labels.")
}
