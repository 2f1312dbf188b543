import Admission
import AdmissionServer
import ArgumentParser
import Documents
import Kubernetes
import KubernetesClient
import Webhooks

struct AdmissionInstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "install", abstract: "Print the manifests of the webhook, or apply them.",
        discussion: """
            Two replicas on different nodes, a disruption budget, two seconds of patience, and neither kube-system nor
            its own namespace in sight. While nobody answers, requests pass; --fail-closed refuses them instead, and is
            set by the server itself once it answers.
              martlet admission install --policy policy.yaml --image IMAGE | kubectl apply -f -
            """)

    @OptionGroup var options: AdmissionPolicyOptions
    @Option(help: "The image of Martlet, best by digest.") var image: String
    @Option(name: .customLong("into"), help: "The namespace of Martlet.") var into = "martlet"
    @Option(help: "Replicas, two at least.") var replicas = 2
    @Flag(name: .customLong("fail-closed"), help: "Refuse requests while nobody answers.") var failClosed = false
    @Option(help: "A server outside of the cluster in place of the Deployment: https://HOST:PORT.") var url: String?
    @Option(name: .customLong("bundle-file"), help: "The certificates that server is trusted by.") var bundleFile:
        String?
    @Flag(help: "Apply to the cluster in place of printing.") var apply = false
    @OptionGroup(title: "Cluster") var connection: ClusterOptions

    mutating func validate() throws {
        if url != nil, bundleFile == nil { throw ValidationError("--url needs --bundle-file") }
        if let url, !url.hasPrefix("https://") { throw ValidationError("--url is https://HOST:PORT") }
    }

    func run() async throws {
        let loaded = try options.load(today: Clock.today())
        var manifests = AdmissionManifests(image: image, policy: loaded.text)
        manifests.namespace = into
        manifests.replicas = replicas
        manifests.files = loaded.files
        manifests.mutates = loaded.policy.images?.mutatesToDigest ?? false
        manifests.url = url
        // Inside the cluster the server itself closes the door, once it stands behind it.
        manifests.failsClosed = failClosed && url != nil
        manifests.waitsToFailClosed = failClosed
        manifests.bundle = try bundleFile.map { String(decoding: try InputFile.read($0), as: UTF8.self) }
        guard apply else { return Console.print(manifests.text) }
        let client = try APIClient(try connection.configuration())
        let installer = AdmissionInstaller(client)
        for line in try await installer.apply(manifests.objects) { Console.print(line) }
    }
}

struct AdmissionUninstallCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "uninstall", abstract: "Take the webhook out of a cluster: its configuration first.",
        discussion: "Without --apply it says what would be removed.")

    @Option(name: .customLong("from"), help: "The namespace of Martlet.") var from = "martlet"
    @Flag(help: "Remove in place of saying so.") var apply = false
    @OptionGroup(title: "Cluster") var connection: ClusterOptions

    func run() async throws {
        let paths = AdmissionInstaller.removals(namespace: from)
        guard apply else {
            for path in paths { Console.print("would remove \(path)") }
            return
        }
        let installer = AdmissionInstaller(try APIClient(try connection.configuration()))
        for line in try await installer.remove(paths) { Console.print(line) }
    }
}

struct AdmissionStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Say whether the webhook stands in a cluster, and how it fails.")

    @Option(name: .customLong("in"), help: "The namespace of Martlet.") var namespace = "martlet"
    @OptionGroup(title: "Cluster") var connection: ClusterOptions

    func run() async throws {
        let installer = AdmissionInstaller(try APIClient(try connection.configuration()))
        let status = try await installer.status(namespace: namespace, now: AdmissionServeCommand.seconds())
        Console.print(status.lines.joined(separator: "\n"))
        if !status.isHealthy { throw ExitCode(1) }
    }
}
