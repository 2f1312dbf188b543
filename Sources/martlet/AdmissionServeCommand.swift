import ArgumentParser
import KubernetesClient

struct AdmissionServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Answer admission reviews over TLS.",
        discussion: """
            Makes its own certificates, in memory, and replaces them in time. With --register the webhook configuration
            of that name is told whom to trust, after the server has passed its own check; without, --bundle-file takes
            the certificate to be trusted. Serves /validate, /mutate, /healthz, /readyz and /metrics.

            Images are judged by what is stored of their digest. What is not known is looked into beside the requests,
            and compared with every new advisory database that is put in place of the old one.
            """)

    @OptionGroup var options: AdmissionDoorOptions

    @Option(help: "Address to listen on.") var host = "0.0.0.0"
    @Option(help: "Port to listen on.") var port = 8443

    @Flag(help: "Follow the cluster: labels of namespaces, owners, rights, the images that pods run.")
    var cluster = false
    @OptionGroup(title: "Cluster") var connection: ClusterOptions

    func run() async throws {
        let client = cluster || options.register != nil ? try APIClient(try connection.configuration()) : nil
        try await options.door(host: host, port: port, client: client, followsCluster: cluster).run()
    }
}
