import AsyncHTTPClient
import Crypto
import CryptoExtras
import Documents
import Encodings
import FoundationEssentials
import NIOCore
import NIOHTTP1
import Store

/// Logging in with an OpenID provider: the authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636).
struct OpenID: Sendable {
    let settings: OpenIDSettings
    let client: HTTPClient
    let now: Milliseconds

    /// What a provider says of itself.
    struct Provider: Sendable {
        var authorize: String
        var token: String
        var keys: String
    }

    /// Who has logged in.
    struct Person: Sendable {
        var subject: String
        var name: String
        var groups: [String]
    }

    private static func refused(_ detail: String) -> HubProblem { HubProblem(.forbidden, "openid", detail) }

    // MARK: Asking the provider

    private func node(_ request: HTTPClientRequest) async throws -> Node {
        do {
            let response = try await client.execute(request, timeout: .seconds(10))
            let bytes = [UInt8](buffer: try await response.body.collect(upTo: 1 << 20))
            let node = try DocumentReader.readJSON(SourceText(name: "", bytes: bytes))
            guard response.status == .ok, node.isObject else {
                throw Self.refused(
                    "the provider answers \(response.status.code) \(node["error"].string ?? "")")
            }
            return node
        } catch let problem as HubProblem {
            throw problem
        } catch {
            throw HubProblem(.badGateway, "openid", "the provider at \(settings.issuer) does not answer as it should")
        }
    }

    func provider() async throws -> Provider {
        let base = settings.issuer.hasSuffix("/") ? String(settings.issuer.dropLast()) : settings.issuer
        let node = try await node(HTTPClientRequest(url: "\(base)/.well-known/openid-configuration"))
        let issuer = node["issuer"].string ?? ""
        guard issuer == settings.issuer || issuer == base else {
            throw Self.refused("the provider calls itself \(issuer), not \(settings.issuer)")
        }
        guard let authorize = node["authorization_endpoint"].string, let token = node["token_endpoint"].string,
            let keys = node["jwks_uri"].string
        else { throw Self.refused("the provider does not say where to log in") }
        return Provider(authorize: authorize, token: token, keys: keys)
    }

    // MARK: The way there

    /// What must come back: kept in the browser, sealed by the hub.
    struct Journey: Sendable {
        var state = Base64URL.encode(SecretText.bytes(24))
        var nonce = Base64URL.encode(SecretText.bytes(24))
        var verifier = Base64URL.encode(SecretText.bytes(32))
        var next = "/"
        var ends: Milliseconds

        static let life = 10 * 60_000

        func sealed(_ box: SecretBox) throws -> String {
            let text = [state, nonce, verifier, String(ends), next].joined(separator: "\n")
            return Base64URL.encode(try box.seal(Array(text.utf8), for: "openid"))
        }

        init(next: String, now: Milliseconds) {
            self.next = next
            ends = now + Self.life
        }

        init?(_ text: String, _ box: SecretBox, now: Milliseconds) {
            guard let sealed = Base64URL.decode(text), let bytes = try? box.open(sealed, of: "openid") else {
                return nil
            }
            let parts = String(decoding: bytes, as: UTF8.self).split(
                separator: "\n", omittingEmptySubsequences: false
            ).map(String.init)
            guard parts.count == 5, let ends = Int(parts[3]), ends > now else { return nil }
            (state, nonce, verifier, next) = (parts[0], parts[1], parts[2], parts[4])
            self.ends = ends
        }
    }

    func address(_ provider: Provider, _ journey: Journey, back: String) -> String {
        let challenge = Base64URL.encode(Array(SHA256.hash(data: Array(journey.verifier.utf8))))
        let query = Self.form([
            ("response_type", "code"), ("client_id", settings.client), ("redirect_uri", back),
            ("scope", "openid profile email groups"), ("state", journey.state), ("nonce", journey.nonce),
            ("code_challenge", challenge), ("code_challenge_method", "S256"),
        ])
        return provider.authorize + (provider.authorize.contains("?") ? "&" : "?") + query
    }

    static func form(_ pairs: [(String, String)]) -> String {
        pairs.map { "\($0.0)=\(PercentEncoding.encoded($0.1))" }.joined(separator: "&")
    }

    // MARK: The way back

    /// Changes the code for a token, and checks everything about it.
    func person(_ code: String, _ journey: Journey, back: String) async throws -> Person {
        let provider = try await provider()
        var request = HTTPClientRequest(url: provider.token)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/x-www-form-urlencoded")
        let login = "\(PercentEncoding.encoded(settings.client)):\(PercentEncoding.encoded(settings.secret))"
        request.headers.add(
            name: "authorization", value: "Basic \(Data(login.utf8).base64EncodedString())")
        let body = Self.form([
            ("grant_type", "authorization_code"), ("code", code), ("redirect_uri", back),
            ("code_verifier", journey.verifier),
        ])
        request.body = .bytes(ByteBuffer(string: body))
        let answer = try await node(request)
        guard let token = answer["id_token"].string else { throw Self.refused("the provider gave no identity") }
        let claims = try check(token, keys: try await node(HTTPClientRequest(url: provider.keys)), journey.nonce)
        guard let subject = claims["sub"].string, !subject.isEmpty else {
            throw Self.refused("the identity has no subject")
        }
        let name = claims["preferred_username"].string ?? claims["email"].string ?? subject
        let groups = claims[settings.groupsClaim]
        return Person(
            subject: subject, name: String(name.prefix(200)),
            groups: groups.isArray ? groups.strings : groups.string.map { [$0] } ?? [])
    }

    /// The claims of a token whose signature, issuer, audience, time and nonce hold.
    func check(_ token: String, keys: Node, _ nonce: String) throws -> Node {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 3, let head = Base64URL.decode(parts[0]), let body = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2]),
            let header = try? DocumentReader.readJSON(SourceText(name: "", bytes: head)),
            let claims = try? DocumentReader.readJSON(SourceText(name: "", bytes: body))
        else { throw Self.refused("the identity is no JSON Web Token") }
        let signed = Array("\(parts[0]).\(parts[1])".utf8)
        let candidates = keys["keys"].elements.filter { key in
            guard let id = header["kid"].string else { return true }
            return key["kid"].string == id
        }
        let holds = candidates.contains { Self.holds(signature, signed, header["alg"].string ?? "", $0) }
        guard holds else { throw Self.refused("the identity is not signed by the provider") }
        let base = settings.issuer.hasSuffix("/") ? String(settings.issuer.dropLast()) : settings.issuer
        guard [settings.issuer, base].contains(claims["iss"].string ?? "") else {
            throw Self.refused("the identity is another provider's")
        }
        let audience = claims["aud"].string.map { [$0] } ?? claims["aud"].strings
        guard audience.contains(settings.client) else { throw Self.refused("the identity is for somebody else") }
        // Clocks differ by a little.
        let ends = claims["exp"].int ?? claims["exp"].double.map { Int($0) } ?? 0
        guard ends * 1000 + 60_000 > now else { throw Self.refused("the identity has ended") }
        guard claims["nonce"].equals(nonce) else { throw Self.refused("the identity belongs to another login") }
        return claims
    }

    /// RS256 and ES256, and nothing that a token may choose to be weaker.
    private static func holds(_ signature: [UInt8], _ signed: [UInt8], _ algorithm: String, _ key: Node) -> Bool {
        func part(_ name: String) -> [UInt8]? { key[name].string.flatMap { Base64URL.decode($0) } }
        switch (algorithm, key["kty"].string ?? "") {
        case ("RS256", "RSA"):
            guard let n = part("n"), n.count >= 256, let e = part("e"),
                let known = try? _RSA.Signing.PublicKey(n: n, e: e)
            else { return false }
            return known.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature), for: SHA256.hash(data: signed),
                padding: .insecurePKCS1v1_5)
        case ("ES256", "EC"):
            guard let x = part("x"), let y = part("y"),
                let known = try? P256.Signing.PublicKey(rawRepresentation: x + y),
                let read = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
            else { return false }
            return known.isValidSignature(read, for: SHA256.hash(data: signed))
        default: return false
        }
    }
}

extension OpenIDSettings {
    /// Roles of who is in some groups.
    func grants(of groups: [String]) -> [GrantRow] {
        let own = Set(groups)
        let rows = self.groups.filter { own.contains($0.group) }.map {
            GrantRow(role: $0.role.rawValue, cluster: $0.cluster, namespace: $0.namespace, labels: $0.labels)
        }
        return Set(rows).sorted()
    }
}
