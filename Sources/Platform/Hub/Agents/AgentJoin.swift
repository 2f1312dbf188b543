import Crypto
import Documents
import Logging
import NIOSSL
import Store
import X509

/// How an agent gets its first certificate, and the next ones.
struct AgentJoin: Sendable {
    let host: String
    let port: Int
    let folder: String
    let version: String
    let now: @Sendable () -> Milliseconds

    /// The first certificate, for a token.
    func join(_ token: JoinToken) async throws -> AgentIdentity {
        let authority = try await authority(token.pin)
        let key = P256.Signing.PrivateKey()
        let link = AgentLink(host: host, port: port, try AgentIdentity.pinned(authority), now: now)
        return try await closing(link) { link in
            let answer = try await link.ask(.POST, "join") { json in
                json.member("token", token.secret)
                json.member("version", version)
                json.member("csr", (try? AgentIdentity.request(for: key)) ?? "")
            }
            return try keep(answer, key, authority)
        }
    }

    /// The hub's authority. Asked without trust, and believed only when its key is the one the token names.
    private func authority(_ pin: String) async throws -> String {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .none
        let pem = try await closing(AgentLink(host: host, port: port, tls, now: now)) { link in
            String(decoding: try await link.ask(.GET, "authority"), as: UTF8.self)
        }
        guard let certificate = try? Certificate(pemEncoded: pem),
            SecretText.areSame(Array(AgentAuthority.pin(of: certificate).utf8), Array(pin.utf8))
        else {
            throw LinkError(
                status: 403, code: "pin",
                description: "what answers at \(host):\(port) is not the hub that made the join token")
        }
        return pem
    }

    /// The next certificate, for a new key.
    func renew(_ identity: AgentIdentity, over link: AgentLink) async throws -> AgentIdentity {
        let key = P256.Signing.PrivateKey()
        let request = try AgentIdentity.request(for: key)
        let answer = try await link.ask(.POST, "renew") { $0.member("csr", request) }
        return try keep(answer, key, identity.authority)
    }

    /// The next certificate after the last has ended: the old key proves who asks.
    func recover(_ identity: AgentIdentity) async throws -> AgentIdentity {
        let key = try P256.Signing.PrivateKey(pemRepresentation: identity.key)
        let request = try AgentIdentity.request(for: key)
        let link = AgentLink(host: host, port: port, try AgentIdentity.pinned(identity.authority), now: now)
        return try await closing(link) { link in
            let answer = try await link.ask(.POST, "recover") { json in
                json.member("certificate", identity.certificate)
                json.member("csr", request)
            }
            return try keep(answer, key, identity.authority)
        }
    }

    private func keep(_ answer: Node, _ key: P256.Signing.PrivateKey, _ authority: String) throws -> AgentIdentity {
        let identity = try AgentIdentity(
            cluster: answer["cluster"].string ?? "", certificate: answer["certificate"].string ?? "",
            key: key.pemRepresentation, authority: authority)
        try identity.save(folder)
        return identity
    }

    private func closing<R>(_ link: AgentLink, _ body: (AgentLink) async throws -> R) async throws -> R {
        do {
            let result = try await body(link)
            await link.close()
            return result
        } catch {
            await link.close()
            throw error
        }
    }
}
