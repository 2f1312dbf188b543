import ArgumentParser

struct SecretsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secrets",
        abstract: "Find credentials where anybody can read them; how Secrets are kept, who reads them.",
        discussion: """
              martlet secrets scan .                     source trees, manifests, configuration
              martlet secrets scan --git main            every commit
              martlet secrets audit --audit-log audit.log
              martlet secrets encryption encryption.yaml
              martlet secrets encryption --prove-encryption -n shop
              martlet secrets extract deploy/            how each plain value becomes a Secret
              martlet secrets dossier db -n shop --cluster --audit-log audit.log
            """,
        subcommands: [
            SecretsScanCommand.self, SecretsAuditCommand.self, SecretsEncryptionCommand.self,
            SecretsDossierCommand.self, SecretsExtractCommand.self,
        ])
}
