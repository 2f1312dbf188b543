import Documents
import Encodings

/// Azure Key Vault: metadata only.
///
/// Source: Key Vault REST API 7.4, "Get Secret Versions" and "Get Secrets", which list attributes without values.
/// "Get Secret", which gives the value, is never called.
package struct AzureKeyVaultClient: Sendable {
    package enum Login: Sendable {
        /// A token for the vault, as `az account get-access-token --resource https://vault.azure.net` gives one.
        case token(String)
        /// OAuth 2.0 client credentials (RFC 6749, 4.4) at the tenant's authority.
        case client(tenant: String, id: String, secret: String, authority: String)
    }

    private let address: WebAddress
    private let login: Login
    private let web: WebClient
    private static let version = "api-version=7.4"

    /// - Parameter allowsAnyHost: accepts a vault outside Azure's own domains: for a test server, and where the user
    ///   named the address. An address out of a cluster's object must be Azure's, since a token goes there.
    package init(
        vault: String, login: Login, allowsAnyHost: Bool = false, web: WebClient = WebClient()
    ) throws(SecretManagerError) {
        guard let parsed = WebAddress(vault) else {
            throw SecretManagerError(.badAddress, "the vault's address is no http or https address")
        }
        let isAzure = parsed.isSecure && Self.domains.contains { parsed.host.lowercased().hasSuffix($0) }
        guard allowsAnyHost || isAzure else {
            throw SecretManagerError(.badAddress, "\(parsed.host) is no Azure Key Vault; no token is sent there")
        }
        address = parsed
        self.login = login
        self.web = web
    }

    /// Key Vault's domains in Azure's clouds.
    private static let domains = [
        ".vault.azure.net", ".vault.azure.cn", ".vault.usgovcloudapi.net", ".vault.microsoftazure.de",
    ]

    /// The metadata of a secret by name.
    package func secret(_ name: String) async throws -> SecretMetadata {
        let token = try await token()
        var out = SecretMetadata(manager: "Azure Key Vault \(address.host)", path: name)
        var versions: [(updated: Double, version: SecretMetadata.Version, attributes: Node)] = []
        for item in try await pages("/secrets/\(PercentEncoding.encoded(name))/versions", token) {
            let attributes = item["attributes"]
            versions.append(
                (
                    Double(attributes["created"].int ?? 0),
                    SecretMetadata.Version(
                        id: item["id"].string.map(Self.lastSegment) ?? "", created: UTCTime.text(attributes["created"]),
                        isGone: attributes["enabled"].bool == false),
                    attributes
                ))
        }
        guard !versions.isEmpty else {
            throw SecretManagerError(.notFound, "Key Vault \(address.host) has no secret \"\(name)\"")
        }
        versions.sort { ($0.updated, $0.version.id) < ($1.updated, $1.version.id) }
        // The newest version is the one that readers get, also when it is disabled.
        versions[versions.count - 1].version.isCurrent = true
        out.versions = versions.map(\.version)
        out.created = versions[0].version.created
        let newest = versions[versions.count - 1]
        out.changed = newest.version.created
        if !newest.attributes["exp"].isNull { out.expires = UTCTime.text(newest.attributes["exp"]) }
        return out
    }

    /// Names of the secrets there are.
    package func list() async throws -> [String] {
        let token = try await token()
        return try await pages("/secrets", token).compactMap { $0["id"].string.map(Self.lastSegment) }
    }

    private func pages(_ path: String, _ token: String) async throws -> [Node] {
        var items: [Node] = []
        var next = address.with(path: path, query: Self.version)
        for _ in 0..<1000 {
            let request = WebClient.Request(
                address: next, headers: [(name: "Authorization", value: "Bearer \(token)")])
            let page = try await web.json(request, manager: "Key Vault")
            items += page["value"].elements
            guard let link = page["nextLink"].string, !link.isEmpty else { break }
            guard let following = WebAddress(link), following.host == address.host, following.port == address.port,
                following.isSecure == address.isSecure
            else { throw SecretManagerError(.badAnswer, "Key Vault \(address.host) points to another host for more") }
            next = following
        }
        return items
    }

    private func token() async throws -> String {
        switch login {
        case .token(let token): return token
        case .client(let tenant, let id, let secret, let authority):
            guard let base = WebAddress(authority) else {
                throw SecretManagerError(.badAddress, "the authority is no http or https address")
            }
            let form = [
                ("grant_type", "client_credentials"), ("client_id", id), ("client_secret", secret),
                ("scope", "https://vault.azure.net/.default"),
            ].map { "\($0)=\(PercentEncoding.encoded($1))" }.joined(separator: "&")
            let request = WebClient.Request(
                method: .POST, address: base.with(path: "/\(PercentEncoding.encoded(tenant))/oauth2/v2.0/token"),
                headers: [(name: "Content-Type", value: "application/x-www-form-urlencoded")], body: Array(form.utf8))
            let answer = try await web.json(request, manager: "Microsoft's login")
            guard let token = answer["access_token"].string, !token.isEmpty else {
                throw SecretManagerError(.badAnswer, "Microsoft's login gave no token")
            }
            return token
        }
    }

    private static func lastSegment(_ id: String) -> String { id.split(separator: "/").last.map(String.init) ?? id }
}
