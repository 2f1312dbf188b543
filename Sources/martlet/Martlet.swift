import ArgumentParser

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

@main
struct Martlet: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: CommandLine.arguments.first?.hasSuffix("kubectl-martlet") == true ? "kubectl martlet" : "martlet",
        abstract: "Keeps Kubernetes clusters secure: says what is wrong with proof, and proves each fix.",
        discussion: """
            Start here:
              martlet scan deploy/                 the posture of a folder of manifests
              martlet scan --cluster               the posture of the current context's cluster
              martlet fix deploy/ --write          mend what can be mended, verified, in place
              martlet pss plan --cluster           the way to "restricted", namespace by namespace
              martlet pss simulate -n shop --level restricted --cluster
              martlet cis                          the CIS benchmark: control plane, kubelets, policies
              martlet serve                        watch clusters, keep history, answer on an API
              martlet permissions                  what Martlet needs to read, as a ClusterRole

            Nothing is ever changed in a cluster. Exit codes: 0 clean, 1 findings, 2 bad usage or unreadable input,
            3 something was not observable and --strict was given.
            """,
        version: MartletVersion.current,
        subcommands: [
            ScanCommand.self,
            FixCommand.self,
            PodSecurityCommand.self,
            ChecksCommand.self,
            PermissionsCommand.self,
            RBACCommand.self,
            NetworkCommand.self,
            CISCommand.self,
            SecretsCommand.self,
            ImageCommand.self,
            BaseCommand.self,
            VEXCommand.self,
            DatabaseCommand.self,
            RuntimeCommand.self,
            PolicyCommand.self,
            ServeCommand.self, AgentCommand.self,
            ConfigCommand.self,
            StoreCommand.self,
            AdmissionCommand.self,
            ComplianceCommand.self,
            RiskCommand.self,
            CompletionCommand.self,
        ])

    static func main() async {
        // A closed pipe (`martlet scan | head`) ends the program quietly.
        signal(SIGPIPE, SIG_DFL)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch let code as ExitCode {
            Glibc.exit(code.rawValue)
        } catch let failure as Failure {
            Console.error(failure.message)
            Glibc.exit(failure.code)
        } catch {
            let code = exitCode(for: error)
            // Usage errors are 2 everywhere, as grep, diff and kubectl have it; help and version are 0.
            guard code == .validationFailure || code == .failure else { Martlet.exit(withError: error) }
            Console.error(fullMessage(for: error))
            Glibc.exit(2)
        }
    }
}

/// An error a person is told in one line, with the exit code that goes with it.
struct Failure: Error {
    var message: String
    var code: Int32 = 2
}

enum MartletVersion {
    static let current = "0.1.0"
}
