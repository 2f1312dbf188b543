import ArgumentParser
import KubernetesClient

/// The flags of kubectl that say which cluster.
struct ConnectionOptions: ParsableArguments {
    @Option(
        name: .customLong("kubeconfig"), help: "Path of the kubeconfig; otherwise $KUBECONFIG, then ~/.kube/config.")
    var kubeconfig: String?

    @Option(help: "Context of the kubeconfig.")
    var context: String?

    @Option(name: .customLong("cluster-name"), help: "Cluster of the kubeconfig, in place of the context's.")
    var clusterName: String?

    @Option(help: "User of the kubeconfig, in place of the context's.")
    var user: String?

    @Option(name: [.short, .long], help: "Address of the API server, in place of the cluster's.")
    var server: String?

    @Option(help: "Bearer token, in place of the user's credentials.")
    var token: String?

    @Option(name: .customLong("certificate-authority"), help: "Path of the certificate authority's certificate.")
    var certificateAuthority: String?

    @Flag(
        name: .customLong("insecure-skip-tls-verify"),
        help: "Do not check the server's certificate. Anyone in between can then answer.")
    var insecure = false

    @Option(name: .customLong("request-timeout"), help: "How long to wait for one request: 5, 5s, 2m.")
    var requestTimeout: String?

    var flags: KubeconfigFlags {
        var flags = KubeconfigFlags()
        flags.kubeconfig = kubeconfig
        flags.context = context
        flags.cluster = clusterName
        flags.user = user
        flags.server = server
        flags.token = token
        flags.insecureSkipTLSVerify = insecure
        flags.certificateAuthority = certificateAuthority
        flags.requestTimeout = requestTimeout
        return flags
    }
}

/// The flags of kubectl that say which cluster, which part of it and who asks.
struct ClusterOptions: ParsableArguments {
    @OptionGroup var connection: ConnectionOptions

    @Option(name: [.short, .long], help: "Only this namespace.")
    var namespace: String?

    @Option(name: .customLong("as"), help: "User to impersonate.")
    var impersonatedUser: String?

    @Option(name: .customLong("as-group"), help: "Group to impersonate; may be repeated.")
    var impersonatedGroups: [String] = []

    var kubeconfig: String? { connection.kubeconfig }
    var context: String? { connection.context }
}
