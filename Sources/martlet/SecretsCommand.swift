import ArgumentParser

struct SecretsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets", abstract: "Find credentials where anybody can read them.",
        subcommands: [SecretsScanCommand.self])
}
