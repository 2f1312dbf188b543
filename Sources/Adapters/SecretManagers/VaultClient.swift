import Documents
import Encodings

/// HashiCorp Vault and OpenBao, key-value engines of both versions: metadata only.
///
/// Source: Vault HTTP API, KV secrets engine v2 (`metadata/`), `sys/internal/ui/mounts`. `data/` is never asked for.
package struct VaultClient: Sendable {
    private let address: WebAddress
    private let token: String
    private let namespace: String
    private let web: WebClient

    /// - Parameter address: where the user says Vault is, never where an object of the cluster says: the token goes
    ///   there.
    package init(
        address: String, token: String, namespace: String = "", web: WebClient = WebClient()
    ) throws(SecretManagerError) {
        guard let parsed = WebAddress(address) else {
            throw SecretManagerError(.badAddress, "VAULT_ADDR is no http or https address")
        }
        guard !token.isEmpty, !token.utf8.contains(where: { $0 <= 0x20 || $0 >= 0x7F }) else {
            throw SecretManagerError(.missingCredentials, "there is no Vault token; set VAULT_TOKEN")
        }
        self.address = parsed
        self.token = token
        self.namespace = namespace
        self.web = web
    }

    package var place: WebAddress { address }

    /// The metadata of the secret at `mount/path`; the mount is found where it is not given.
    package func secret(_ path: String, mount given: String? = nil) async throws -> SecretMetadata {
        let (mount, version) = try await self.mount(of: given.map { "\($0)/\(path)" } ?? path, given: given)
        let inner = given == nil ? Self.path(path, below: mount) : path
        guard version == 2 else { return try await unversioned(inner, mount) }
        let node = try await get("/v1/\(Self.escaped(mount))/metadata/\(Self.escaped(inner))")
        return Self.metadata(node["data"], manager: "KV v2 at \(address)", path: "\(mount)/\(inner)")
    }

    /// Names below a path; those that end with a slash are folders.
    package func list(_ path: String, mount: String) async throws -> [String] {
        let version = try await self.mount(of: mount, given: mount).version
        let folder = version == 2 ? "/v1/\(Self.escaped(mount))/metadata/" : "/v1/\(Self.escaped(mount))/"
        return try await get(folder + Self.escaped(path), query: "list=true")["data"]["keys"].strings
    }

    /// What the manager's answer says; its members are versions, times and counts.
    static func metadata(_ data: Node, manager: String, path: String) -> SecretMetadata {
        var out = SecretMetadata(manager: manager, path: path)
        out.created = data["created_time"].string ?? ""
        let current = data["current_version"].int ?? 0
        var versions: [(number: Int, version: SecretMetadata.Version)] = []
        for member in data["versions"].members {
            guard let number = Int(member.key) else { continue }
            let isGone =
                member.value["destroyed"].bool == true || !(member.value["deletion_time"].string ?? "").isEmpty
            versions.append(
                (
                    number,
                    SecretMetadata.Version(
                        id: member.key, created: member.value["created_time"].string ?? "",
                        isCurrent: number == current, isGone: isGone)
                ))
        }
        out.versions = versions.sorted { $0.number < $1.number }.map(\.version)
        out.changed = out.versions.last { $0.isCurrent }?.created ?? data["updated_time"].string ?? ""
        out.rotatesItself = false
        return out
    }

    /// Version 1 keeps nothing but the value: whether it is there is all that a list shows.
    private func unversioned(_ path: String, _ mount: String) async throws -> SecretMetadata {
        let cut = path.lastIndex(of: "/")
        let folder = cut.map { String(path[..<$0]) } ?? ""
        let name = cut.map { String(path[path.index(after: $0)...]) } ?? path
        let below = folder.isEmpty ? "" : "/\(Self.escaped(folder))"
        let node = try await get("/v1/\(Self.escaped(mount))\(below)", query: "list=true")
        guard node["data"]["keys"].strings.contains(name) else {
            throw SecretManagerError(.notFound, "Vault at \(address.authority) has no secret \(mount)/\(path)")
        }
        var out = SecretMetadata(manager: "KV v1 at \(address)", path: "\(mount)/\(path)")
        out.rotatesItself = false
        out.notes = ["KV version 1 keeps no times and no versions: when it was written cannot be told"]
        return out
    }

    /// The mount that serves a path, and its version.
    private func mount(of path: String, given: String?) async throws -> (path: String, version: Int) {
        let node = try await get("/v1/sys/internal/ui/mounts/\(Self.escaped(path))")
        let data = node["data"]
        let kind = data["type"].string ?? ""
        guard kind == "kv" || kind == "generic" else {
            throw SecretManagerError(
                .badAnswer, "\(path) is served by the engine \"\(kind)\", which keeps no versions to tell of")
        }
        var mount = data["path"].string ?? given ?? ""
        while mount.hasSuffix("/") { mount.removeLast() }
        return (mount, data["options"]["version"].text == "2" ? 2 : 1)
    }

    private static func path(_ path: String, below mount: String) -> String {
        path.hasPrefix("\(mount)/") ? String(path.dropFirst(mount.count + 1)) : path
    }

    private static func escaped(_ path: String) -> String { PercentEncoding.encoded(path, keeping: "/") }

    private func get(_ path: String, query: String = "") async throws -> Node {
        var headers = [(name: "X-Vault-Token", value: token), (name: "X-Vault-Request", value: "true")]
        if !namespace.isEmpty { headers.append((name: "X-Vault-Namespace", value: namespace)) }
        let request = WebClient.Request(address: address.with(path: path, query: query), headers: headers)
        return try await web.json(request, manager: "Vault")
    }
}
