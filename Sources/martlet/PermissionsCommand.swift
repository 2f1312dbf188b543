import ArgumentParser
import KubernetesClient

struct PermissionsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "permissions", abstract: "Print the least-privilege role that scanning needs.",
        discussion: """
            martlet permissions | kubectl apply -f -
            martlet permissions --check              which of them the current user holds
            martlet permissions --namespace shop     a Role for one namespace
            martlet permissions --cis                what martlet cis needs beside: the kubelets' own settings
            """)

    @Flag(help: "Ask the cluster which permissions the current user holds.")
    var check = false

    @Flag(help: "With what martlet cis needs: get nodes/configz, and the ConfigMap of kube-proxy.")
    var cis = false

    @Option(help: "Name of the role.")
    var name = "martlet"

    @Flag(help: "With what the hub and its agents need beside: watch.")
    var watch = false

    @OptionGroup(title: "Cluster") var connection: ClusterOptions

    func run() async throws {
        let set = cis ? ResourceSet.standard + .cis : .standard
        guard check else {
            Console.print(
                connection.namespace.map { set.role(named: name, in: $0) }
                    ?? set.clusterRole(named: name, watching: watch))
            return
        }
        do {
            let client = try APIClient(try connection.configuration())
            let status = try await client.check(set.permissions(in: connection.namespace))
            for entry in status { Console.print("\(entry.isHeld ? "held   " : "missing")  \(entry.permission)") }
            let missing = status.count { !$0.isHeld }
            Console.print("\(status.count - missing) of \(status.count) held")
            if missing > 0 { throw ExitCode(3) }
        } catch let error as ClientError {
            throw Failure(message: error.message)
        }
    }
}
