import AsyncHTTPClient
import Documents
import Encodings
import NIOCore
import NIOHTTP1
import NIOSSL

/// Asks registries by the OCI distribution API 1.1, as Docker Hub, GHCR, ECR, Harbor and the rest speak it.
///
/// Logins travel to the host that asked for them and to the token server that it named over TLS, and to nobody else: no
/// redirect carries them. ``close()`` when done.
package final class RegistryClient: Sendable {
    package let options: RegistryOptions
    /// By whether certificates are checked and by the proxy in between.
    private let clients: [Way: HTTPClient]
    private let session = RegistrySession()

    private struct Way: Hashable {
        var verifies: Bool
        var proxy: ProxySettings.Proxy?
    }

    package init(_ options: RegistryOptions = RegistryOptions()) throws(ImageError) {
        self.options = options
        let proxies = [nil, options.proxies.secure, options.proxies.plain]
        // All of what can fail before the first client: one that was made must be shut down.
        var ways: [Way: HTTPClient.Configuration] = [:]
        for verifies in options.insecure.isEmpty ? [true] : [true, false] {
            for proxy in proxies {
                ways[Way(verifies: verifies, proxy: proxy)] = try Self.configuration(options, verifies: verifies, proxy)
            }
        }
        clients = ways.mapValues { HTTPClient(eventLoopGroupProvider: .singleton, configuration: $0) }
    }

    /// Ends the connections. The client answers nothing afterwards.
    package func close() async {
        for client in clients.values {
            // Fails only for a client that is closed already.
            _ = try? await client.shutdown()
        }
    }

    private static func configuration(
        _ options: RegistryOptions, verifies: Bool, _ proxy: ProxySettings.Proxy?
    ) throws(ImageError) -> HTTPClient.Configuration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if let authorities = options.authorities {
            do {
                tls.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMBytes(authorities))]
            } catch {
                throw ImageError(.untrusted, "the authorities given are no PEM certificates")
            }
        }
        if !verifies { tls.certificateVerification = .none }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(connect: .seconds(15), read: .seconds(60)))
        configuration.connectionPool.retryConnectionEstablishment = false
        if let proxy {
            guard !proxy.isSecure else {
                throw ImageError(
                    .unsupported,
                    "the proxy \(proxy.host) is to be spoken to over TLS, which is not supported; name it "
                        + "as http://\(proxy.host):\(proxy.port), through which TLS to registries goes unbroken")
            }
            configuration.proxy = .server(
                host: proxy.host, port: proxy.port,
                authorization: proxy.user.map { .basic(username: $0, password: proxy.password ?? "") })
        }
        return configuration
    }

    /// A question to a registry.
    struct Question: Sendable {
        var method = HTTPMethod.GET
        var host: String
        var repository: String
        /// Below `/v2/NAME/`.
        var path: String
        var headers: [(name: String, value: String)] = []
        var body: [UInt8] = []
        /// What is going to be done, for the token.
        var actions = "pull"

        var what: String { "\(host)/\(repository)" }
    }

    /// An answer whose body was not read yet.
    typealias Answer = HTTPClientResponse

    // MARK: Asking

    /// Asks until there is an answer that is worth to look at: 2xx, 404, 416.
    ///
    /// Logs in when asked to, follows redirects without the login, waits when told to, and tries again what may be better
    /// the next time.
    func ask(_ question: Question) async throws(ImageError) -> Answer {
        var attempt = 0
        var hasLoggedIn = false
        while true {
            let outcome = await once(question)
            let failure: ImageError
            var wait: Duration?
            switch outcome {
            case .failure(let error):
                // A certificate does not become better by waiting.
                guard error.code == .unreachable else { throw error }
                failure = error
            case .success(let answer):
                switch answer.status.code {
                case 200..<300, 404, 416: return answer
                case 401 where !hasLoggedIn:
                    hasLoggedIn = true
                    let challenges = answer.headers["WWW-Authenticate"].flatMap(AuthenticationChallenge.parse)
                    await Self.discard(answer)
                    try await logIn(challenges, question)
                    continue
                case 401, 403:
                    throw ImageError(
                        .unauthorized,
                        "\(question.host) does not let us \(question.actions == "pull" ? "read" : "write to") "
                            + "\(question.repository)\(await Self.told(answer)); "
                            + "log in (docker login \(question.host)) or check the name")
                case 429, 500..<600:
                    wait = Self.wait(answer.headers)
                    let isBusy = answer.status.code == 429 || answer.status.code == 503
                    failure = ImageError(
                        isBusy ? .busy : .badAnswer,
                        "\(question.host) answers \(answer.status.code)\(await Self.told(answer))")
                default:
                    throw ImageError(
                        .badAnswer,
                        "\(question.host) answers \(answer.status.code) for \(question.repository)"
                            + "\(await Self.told(answer))")
                }
            }
            attempt += 1
            guard attempt <= options.retries else {
                throw ImageError(failure.code, "\(failure.message); gave up after \(attempt) attempts")
            }
            if let wait, wait > options.longestWait {
                throw ImageError(
                    failure.code, "\(failure.message) and asks to come back in \(wait.components.seconds) s")
            }
            try await pause(wait ?? Self.backoff(attempt))
        }
    }

    func pause(_ duration: Duration) async throws(ImageError) {
        do { try await options.pause(duration) } catch { throw ImageError(.unreachable, "the work was cancelled") }
    }

    /// Doubles from half a second.
    static func backoff(_ attempt: Int) -> Duration { .milliseconds(500 << min(attempt - 1, 5)) }

    /// What `Retry-After` asks for; a date counts from the answer's own.
    static func wait(_ headers: HTTPHeaders) -> Duration? {
        guard let text = headers.first(name: "Retry-After") else { return nil }
        if let seconds = Int(text), seconds >= 0 { return .seconds(seconds) }
        guard let then = HTTPDate.seconds(text), let now = headers.first(name: "Date").flatMap(HTTPDate.seconds) else {
            return nil
        }
        return .seconds(max(0, then - now))
    }

    private func once(_ question: Question) async -> Result<Answer, ImageError> {
        do throws(ImageError) {
            let scheme = await session.scheme(of: question.host)
            do throws(ImageError) {
                return .success(try await once(question, scheme: scheme))
            } catch {
                // Without TLS only where it was said, and only if nobody speaks TLS there.
                let maySpeakPlainly = options.isInsecure(question.host) && scheme == "https"
                guard maySpeakPlainly, error.code == .untrusted || error.code == .unreachable else { throw error }
                let answer = try await once(question, scheme: "http")
                await session.remember(scheme: "http", of: question.host)
                return .success(answer)
            }
        } catch {
            return .failure(error)
        }
    }

    private func once(_ question: Question, scheme: String) async throws(ImageError) -> Answer {
        let path = question.repository.isEmpty ? "" : "\(question.repository)/"
        let address =
            question.path.hasPrefix("http") ? question.path : "\(scheme)://\(question.host)/v2/\(path)\(question.path)"
        let login = await session.authorization(of: question.host, question.repository, question.actions)
        return try await send(
            address, question.method, headers: question.headers + (login.map { [("Authorization", $0)] } ?? []),
            body: question.body, host: question.host, isFollowed: false)
    }

    private func client(for address: String, _ host: String) -> HTTPClient? {
        clients[Way(verifies: !options.isInsecure(host), proxy: options.proxies.proxy(for: address))]
    }

    func scheme(of host: String) async -> String { await session.scheme(of: host) }

    /// Uploads to where a registry sent us, without its login.
    func uploadElsewhere(_ question: Question, to address: String) async throws(ImageError) -> Answer {
        guard address.hasPrefix("https://") || options.isInsecure(question.host) else {
            throw ImageError(.badAnswer, "\(question.host) sends uploads to a place without TLS")
        }
        return try await send(
            question.path, question.method, headers: question.headers, body: question.body, host: question.host,
            isFollowed: false)
    }

    /// Sends, and follows redirects. Only the first address gets the login.
    private func send(
        _ address: String, _ method: HTTPMethod, headers: [(name: String, value: String)], body: [UInt8] = [],
        host: String, isFollowed: Bool
    ) async throws(ImageError) -> Answer {
        var address = address
        var headers = headers
        for _ in 0..<6 {
            var request = HTTPClientRequest(url: address)
            request.method = method
            request.headers.add(name: "User-Agent", value: "martlet")
            for header in headers { request.headers.add(name: header.name, value: header.value) }
            if !body.isEmpty { request.body = .bytes(body) }
            let answer: Answer
            do {
                guard let client = client(for: address, host) else {
                    throw ImageError(.unreachable, "no connection was made for \(Self.authority(of: address))")
                }
                answer = try await client.execute(request, timeout: .seconds(120))
            } catch {
                throw Self.explain(error, Self.authority(of: address))
            }
            guard [301, 302, 303, 307, 308].contains(answer.status.code), method == .GET || method == .HEAD else {
                return answer
            }
            await Self.discard(answer)
            guard let next = answer.headers.first(name: "Location") else {
                throw ImageError(.badAnswer, "\(Self.authority(of: address)) redirects to nowhere")
            }
            let target = Self.resolved(next, against: address)
            guard target.hasPrefix("https://") || options.isInsecure(host) && target.hasPrefix("http://") else {
                throw ImageError(.badAnswer, "\(Self.authority(of: address)) redirects to a place without TLS")
            }
            if Self.authority(of: target) != Self.authority(of: address) {
                headers.removeAll { $0.name == "Authorization" }
            }
            address = target
        }
        throw ImageError(.badAnswer, "\(host) redirects in a circle")
    }

    static func authority(of address: String) -> String {
        String(withoutScheme(address).prefix { $0 != "/" && $0 != "?" })
    }

    private static func withoutScheme(_ address: String) -> Substring {
        for scheme in ["https://", "http://"] where address.hasPrefix(scheme) {
            return address.dropFirst(scheme.count)
        }
        return address[...]
    }

    static func resolved(_ location: String, against address: String) -> String {
        if location.hasPrefix("https://") || location.hasPrefix("http://") { return location }
        let scheme = address.prefix { $0 != ":" }
        if location.hasPrefix("//") { return "\(scheme):\(location)" }
        if location.hasPrefix("/") { return "\(scheme)://\(authority(of: address))\(location)" }
        let path = address.prefix { $0 != "?" }
        let folder = path.lastIndex(of: "/").map { path[...$0] } ?? path
        return folder + location
    }

    // MARK: Bodies

    static func discard(_ answer: Answer) async {
        // So that the connection can be used again; what it says does not matter.
        _ = try? await answer.body.collect(upTo: 1 << 16)
    }

    /// Reads a small body as a whole.
    static func bytes(_ answer: Answer, limit: Int, from host: String) async throws(ImageError) -> [UInt8] {
        do {
            let buffer = try await answer.body.collect(upTo: limit)
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw ImageError(.tooLarge, "\(host) sends more than \(limit) bytes")
        } catch {
            throw explain(error, host)
        }
    }

    /// What the other side says went wrong, in one line.
    static func told(_ answer: Answer) async -> String {
        if isWebPage(answer) { return " with a web page; is this address a registry, or is a login page before it?" }
        guard let buffer = try? await answer.body.collect(upTo: 1 << 16),
            let root = try? DocumentReader.readJSON(SourceText(name: "", bytes: Array(buffer.readableBytesView)))
        else { return "" }
        let error = root["errors"][0]
        let message =
            error["message"].string ?? error["code"].string ?? root["message"].string ?? root["details"].string
        guard let line = message?.split(whereSeparator: \.isNewline).first else { return "" }
        return ": \(line.prefix(200))"
    }

    static func isWebPage(_ answer: Answer) -> Bool {
        answer.headers.first(name: "Content-Type")?.lowercased().hasPrefix("text/html") == true
    }

    static func explain(_ error: any Error, _ host: String) -> ImageError {
        switch error {
        case let error as ImageError: return error
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return ImageError(
                .untrusted,
                "\(host) shows a certificate that is not trusted, or speaks no TLS; give its authority with --ca-file, "
                    + "or --insecure")
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
            return ImageError(.unreachable, "\(host) does not answer in time")
        case let error as HTTPClientError where error == .invalidURL:
            return ImageError(.badName, "\"\(host)\" is no address")
        case is CancellationError: return ImageError(.unreachable, "the work was cancelled")
        default: return ImageError(.unreachable, "\(host) cannot be reached: \(reason(error))")
        }
    }

    private static func reason(_ error: any Error) -> String {
        let text = "\(error)".split(whereSeparator: \.isNewline).first.map(String.init) ?? "unknown"
        if text.contains("refused") { return "the connection is refused" }
        if text.contains("connectTimeout") { return "it does not answer" }
        return String(text.prefix(160))
    }

    // MARK: Logging in

    private func logIn(_ challenges: [AuthenticationChallenge], _ question: Question) async throws(ImageError) {
        let credential = await options.credentials.credential(
            host: question.host == "registry-1.docker.io" ? "docker.io" : question.host,
            repository: question.repository)
        if let bearer = challenges.first(where: { $0.scheme == "bearer" }) {
            let token = try await token(bearer, credential, question)
            await session.remember("Bearer \(token)", of: question.host, question.repository, question.actions)
            return
        }
        if challenges.contains(where: { $0.scheme == "basic" }), case .password(let user, let password)? = credential {
            await session.remember(
                Self.basic(user, password), of: question.host, question.repository, question.actions)
            return
        }
        throw ImageError(
            .unauthorized, "\(question.host) wants a login for \(question.repository); docker login \(question.host)")
    }

    private static func basic(_ user: String, _ password: String) -> String {
        "Basic \(Base64.encoded("\(user):\(password)".utf8))"
    }

    private func token(
        _ challenge: AuthenticationChallenge, _ credential: RegistryCredentials.Credential?, _ question: Question
    ) async throws(ImageError) -> String {
        guard let realm = challenge.parameters["realm"], realm.hasPrefix("https://") || realm.hasPrefix("http://")
        else {
            throw ImageError(.badAnswer, "\(question.host) asks for a token and does not say where to get one")
        }
        guard realm.hasPrefix("https://") || options.isInsecure(question.host) else {
            throw ImageError(.badAnswer, "\(question.host) asks for a token from a place without TLS")
        }
        let service = challenge.parameters["service"] ?? question.host
        let scope = "repository:\(question.repository):\(question.actions)"
        let answer: Answer
        if case .identityToken(let refresh)? = credential {
            let fields = [
                ("grant_type", "refresh_token"), ("service", service), ("client_id", "martlet"), ("scope", scope),
                ("refresh_token", refresh),
            ]
            let form = fields.map { "\($0.0)=\(PercentEncoding.encoded($0.1))" }.joined(separator: "&")
            answer = try await send(
                realm, .POST, headers: [("Content-Type", "application/x-www-form-urlencoded")],
                body: Array(form.utf8), host: question.host, isFollowed: false)
        } else {
            let query = "service=\(PercentEncoding.encoded(service))&scope=\(PercentEncoding.encoded(scope))"
            var headers: [(name: String, value: String)] = []
            if case .password(let user, let password)? = credential {
                headers.append(("Authorization", Self.basic(user, password)))
            }
            answer = try await send(
                realm + (realm.contains("?") ? "&" : "?") + query, .GET, headers: headers, host: question.host,
                isFollowed: false)
        }
        guard answer.status.code == 200 else {
            throw ImageError(
                .unauthorized,
                "the token server of \(question.host) answers \(answer.status.code)\(await Self.told(answer)); "
                    + "log in again (docker login \(question.host))")
        }
        let bytes = try await Self.bytes(answer, limit: 1 << 20, from: question.host)
        let root = try ImageManifest.json(bytes, "the token of \(question.host)")
        guard let token = root["token"].string ?? root["access_token"].string, !token.isEmpty,
            token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { throw ImageError(.badAnswer, "the token server of \(question.host) gives no token") }
        return token
    }
}

/// What was learned of registries while asking them.
actor RegistrySession {
    private struct Key: Hashable {
        var host: String
        var repository: String
        var actions: String
    }

    private var logins: [Key: String] = [:]
    private var schemes: [String: String] = [:]

    func authorization(of host: String, _ repository: String, _ actions: String) -> String? {
        logins[Key(host: host, repository: repository, actions: actions)]
    }

    func remember(_ login: String, of host: String, _ repository: String, _ actions: String) {
        logins[Key(host: host, repository: repository, actions: actions)] = login
    }

    func scheme(of host: String) -> String { schemes[host] ?? "https" }
    func remember(scheme: String, of host: String) { schemes[host] = scheme }
}
