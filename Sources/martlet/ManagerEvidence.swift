import Documents
import FoundationEssentials
import Kubernetes
import Manifests
import SecretManagers
import Secrets

/// What the secret managers behind a Secret tell of it, asked with the user's own credentials.
///
/// Where a credential goes is the user's word, from the environment: an address that stands in an object of the cluster
/// is followed only to Azure's own domains, since a token sent elsewhere is a token lost.
struct ManagerEvidence {
    private let environment: [String: String]

    init(environment: [String: String] = ProcessInfo.processInfo.environment) { self.environment = environment }

    /// One line for each secret that feeds this one.
    func lines(for secret: ObjectReference, in inventory: Inventory) async -> [String] {
        var out: [String] = []
        for source in SecretSource.sources(of: secret.name, in: secret.namespace, inventory) {
            do {
                out.append(Self.words(try await ask(source)))
            } catch let error as SecretManagerError {
                out.append("\(source.provider) \(source.key): \(error.message)")
            } catch {
                out.append("\(source.provider) \(source.key): \(error)")
            }
        }
        return out
    }

    private func ask(_ source: SecretSource) async throws -> SecretMetadata {
        switch source.provider {
        case "vault":
            guard let address = environment["VAULT_ADDR"] ?? environment["BAO_ADDR"] else {
                throw SecretManagerError(.missingCredentials, "set VAULT_ADDR and VAULT_TOKEN to ask it")
            }
            let token = environment["VAULT_TOKEN"] ?? environment["BAO_TOKEN"] ?? ""
            let authorities = (environment["VAULT_CACERT"] ?? environment["BAO_CACERT"]).flatMap {
                try? FileBytes.read($0)
            }
            let vault = try VaultClient(
                address: address, token: token,
                namespace: environment["VAULT_NAMESPACE"] ?? source.node["namespace"].string ?? "",
                web: WebClient(authorities: authorities))
            return try await vault.secret(source.key, mount: source.node["path"].string)
        case "aws":
            let region =
                source.node["region"].string ?? environment["AWS_REGION"] ?? environment["AWS_DEFAULT_REGION"] ?? ""
            let credentials = AWSSecretsManagerClient.Credentials(
                accessKey: environment["AWS_ACCESS_KEY_ID"] ?? "",
                secretKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
                sessionToken: environment["AWS_SESSION_TOKEN"] ?? "")
            let client = try AWSSecretsManagerClient(
                region: region, credentials: credentials,
                endpoint: environment["AWS_ENDPOINT_URL_SECRETS_MANAGER"] ?? environment["AWS_ENDPOINT_URL"],
                now: { Date().timeIntervalSince1970 })
            return try await client.secret(source.key)
        case "azurekv":
            let login: AzureKeyVaultClient.Login
            if let token = environment["AZURE_KEYVAULT_TOKEN"], !token.isEmpty {
                login = .token(token)
            } else if let tenant = environment["AZURE_TENANT_ID"], let id = environment["AZURE_CLIENT_ID"],
                let secret = environment["AZURE_CLIENT_SECRET"]
            {
                login = .client(
                    tenant: tenant, id: id, secret: secret,
                    authority: environment["AZURE_AUTHORITY_HOST"] ?? "https://login.microsoftonline.com")
            } else {
                throw SecretManagerError(
                    .missingCredentials,
                    "set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET, or AZURE_KEYVAULT_TOKEN, to ask it")
            }
            let named = environment["AZURE_KEYVAULT_URL"]
            let client = try AzureKeyVaultClient(
                vault: named ?? source.node["vaultUrl"].string ?? "", login: login, allowsAnyHost: named != nil)
            // `secret/name` names the kind of object, which is a secret where nothing is said.
            let name = source.key.hasPrefix("secret/") ? String(source.key.dropFirst(7)) : source.key
            return try await client.secret(name)
        default:
            throw SecretManagerError(.badAddress, "this manager cannot be asked by Martlet yet")
        }
    }

    static func words(_ metadata: SecretMetadata) -> String {
        var parts = ["\(metadata.manager), \(metadata.path)"]
        if !metadata.changed.isEmpty { parts.append("value written \(metadata.changed)") }
        if !metadata.created.isEmpty { parts.append("made \(metadata.created)") }
        if !metadata.versions.isEmpty { parts.append("\(metadata.versions.count) versions") }
        if !metadata.rotated.isEmpty { parts.append("rotated by the manager \(metadata.rotated)") }
        if metadata.rotatesItself == false { parts.append("the manager does not rotate it by itself") }
        if !metadata.expires.isEmpty { parts.append("expires \(metadata.expires)") }
        return (parts + metadata.notes).joined(separator: "; ")
    }
}
