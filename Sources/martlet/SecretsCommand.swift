import ArgumentParser

struct SecretsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets", abstract: "How Secrets are kept, who reads them, and what is known of each.",
        discussion: """
              martlet secrets audit --audit-log audit.log
              martlet secrets encryption encryption.yaml
              martlet secrets encryption --prove-encryption -n shop
              martlet secrets dossier db -n shop --cluster --audit-log audit.log
            """,
        subcommands: [SecretsAuditCommand.self, SecretsEncryptionCommand.self, SecretsDossierCommand.self])
}
