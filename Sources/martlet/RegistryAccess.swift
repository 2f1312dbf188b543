import ArgumentParser
import ContainerImages
import Foundation

/// How registries are spoken to.
struct RegistryAccess: ParsableArguments {
    @Flag(help: "Do not check registries' certificates, and speak to them without TLS where they speak none.")
    var insecure = false

    @Option(
        name: .customLong("ca-file"), help: "Authorities to trust beside the system's, as PEM.", completion: .file())
    var authorities: String?

    @Option(
        name: .customLong("auth-file"),
        help: "A docker configuration with logins, in place of docker's and podman's own.",
        completion: .file())
    var logins: String?

    @Option(help: ArgumentHelp("Ask a mirror first; may be repeated.", valueName: "registry=mirror"))
    var mirror: [String] = []

    /// Tells of logins that cannot be used.
    func options() throws(ImageError) -> RegistryOptions {
        var options = RegistryOptions(credentials: .ofThisMachine(logins))
        options.proxies = .ofThisMachine
        for problem in options.proxies.problems { Console.error(problem) }
        if insecure { options.insecure = ["*"] }
        if let authorities {
            guard let data = FileManager.default.contents(atPath: authorities) else {
                throw ImageError(.notFound, "\(authorities): cannot be read")
            }
            options.authorities = Array(data)
        }
        for text in mirror {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw ImageError(.badName, "--mirror \(text): write it as docker.io=mirror.example.com")
            }
            options.mirrors[parts[0], default: []].append(parts[1])
        }
        for problem in options.credentials.problems { Console.error(problem) }
        return options
    }
}
