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

    func options() throws(ImageError) -> RegistryOptions {
        try RegistryConnection(
            logins: logins, authorities: authorities, insecure: insecure ? ["*"] : [], mirrors: mirror
        ).options()
    }
}

/// What a user said of registries, whatever the flags are called.
struct RegistryConnection {
    /// A docker configuration; nil for docker's and podman's own.
    var logins: String?
    /// Authorities to trust beside the system's, as a file of PEM.
    var authorities: String?
    /// Registries whose certificate is not checked, `*` for all.
    var insecure: Set<String> = []
    /// `registry=mirror`.
    var mirrors: [String] = []
    var mirrorFlag = "--mirror"

    /// Tells of logins and proxies that cannot be used.
    func options() throws(ImageError) -> RegistryOptions {
        var options = RegistryOptions(credentials: .ofThisMachine(logins))
        options.proxies = .ofThisMachine
        for problem in options.credentials.problems + options.proxies.problems { Console.error(problem) }
        options.insecure = insecure
        if let authorities {
            guard let data = FileManager.default.contents(atPath: authorities) else {
                throw ImageError(.notFound, "\(authorities): cannot be read")
            }
            options.authorities = Array(data)
        }
        for text in mirrors {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw ImageError(.badName, "\(mirrorFlag) \(text): write it as docker.io=mirror.example.com")
            }
            options.mirrors[parts[0], default: []].append(parts[1])
        }
        return options
    }
}
