import Admission
import AdmissionServer
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

    @OptionGroup var options: AdmissionPolicyOptions

    @Option(help: "Address to listen on.") var host = "0.0.0.0"
    @Option(help: "Port to listen on.") var port = 8443
    @Option(name: .customLong("name"), help: "A name or address clients know the server by; may be repeated.")
    var names: [String] = []

    @Flag(help: "Follow the cluster: labels of namespaces, owners, rights, the images that pods run.")
    var cluster = false
    @OptionGroup(title: "Cluster") var connection: ClusterOptions

    @Option(name: .customLong("own-namespace"), help: "Martlet's own namespace, which is never judged.")
    var ownNamespace: String?

    @Option(help: "The webhook configuration to keep, by name.") var register: String?
    @Flag(name: .customLong("fail-closed"), help: "With --register: set failurePolicy: Fail once the server answers.")
    var failClosed = false
    @Option(name: .customLong("bundle-file"), help: "Write the certificates to be trusted there.", completion: .file())
    var bundleFile: String?

    @OptionGroup(title: "Images") var images: AdmissionImageOptions

    mutating func validate() throws {
        if failClosed, register == nil { throw ValidationError("--fail-closed needs --register") }
    }

    func run() async throws {
        let loaded = try options.load(today: Clock.today())
        var door = AdmissionDoor(policy: loaded)
        (door.host, door.port, door.names) = (host, port, names)
        if cluster || register != nil { door.client = try APIClient(try connection.configuration()) }
        door.followsCluster = cluster
        if let ownNamespace { door.ownNamespaces = [ownNamespace] }
        (door.register, door.failsClosed, door.bundleFile) = (register, failClosed, bundleFile)
        door.images = try images.verdicts(loaded.policy.images, onNote: AdmissionDoor.tell)
        try await door.run()
    }
}
