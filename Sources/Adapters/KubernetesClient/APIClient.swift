package import Documents
import NIOCore
import NIOHTTP1

/// Speaks with one API server: paces requests, tries again where that helps, and tells errors in one line.
package struct APIClient: Sendable {
    package struct Options: Sendable {
        /// Requests a second in the long run, and at once.
        package var rate = 50.0
        package var burst = 100.0
        package var connectTimeout = Duration.seconds(10)
        /// Longest wait for the next bytes of an answer.
        package var patience = Duration.seconds(60)
        /// Largest answer taken.
        package var bodyLimit = 256 << 20
        package var tries = 5
        package var time = TimeSource.system

        package init() {}
    }

    package let configuration: ClientConfiguration
    package let options: Options
    let transport: Transport
    let pace: RateLimit

    package init(_ configuration: ClientConfiguration, options: Options = Options()) throws(ClientError) {
        self.configuration = configuration
        self.options = options
        transport = try Transport(configuration, connectTimeout: options.connectTimeout, time: options.time)
        pace = RateLimit(rate: options.rate, burst: options.burst, time: options.time)
    }

    /// Closes the connections that are kept for the next request.
    package func close() { transport.close() }

    /// The bytes at a path.
    package func get(_ path: String, accept: String = "application/json") async throws -> [UInt8] {
        try await bytes(Transport.Request(path: path, accept: accept, patience: options.patience))
    }

    /// The JSON object at a path.
    package func node(_ path: String, accept: String = "application/json") async throws -> Node {
        try parse(try await get(path, accept: accept), path)
    }

    /// Sends a review, which a server answers with the same object filled in.
    package func review(_ path: String, _ value: DocumentValue) async throws -> Node {
        var writer = JSONWriter()
        writer.value(value)
        let request = Transport.Request(method: .POST, path: path, body: writer.bytes, patience: options.patience)
        return try parse(try await bytes(request), path)
    }

    func bytes(_ request: Transport.Request) async throws -> [UInt8] {
        try await retrying {
            let answer = try await transport.send(request)
            let body = try await answer.body(limit: options.bodyLimit)
            guard (200..<300).contains(answer.status) else {
                throw failure(answer.status, answer.headers, body, request.path)
            }
            return body
        }
    }

    /// Runs a request until it succeeds, fails for good, or has failed often enough.
    func retrying<R: Sendable>(_ body: () async throws -> R) async throws -> R {
        let backoff = Backoff(tries: options.tries)
        var attempt = 0
        while true {
            try await pace.take()
            do {
                return try await body()
            } catch let error as ClientError where error.isTransient && attempt + 1 < backoff.tries {
                // With a limit set by the user, the first time out is the last.
                if error.code == .timeout, configuration.requestTimeout != nil { throw error }
                let delay = backoff.delay(after: attempt, asked: error.retryAfter, random: options.time.random())
                try await options.time.sleep(delay)
                attempt += 1
            }
        }
    }

    /// The JSON object of an answer; anything else did not come from an API server.
    func parse(_ body: [UInt8], _ path: String) throws(ClientError) -> Node {
        let node: Node
        do throws(DocumentError) {
            node = try DocumentReader.readJSON(SourceText(name: "", bytes: body))
        } catch {
            throw notAnAPIServer(path, "it answered \(Self.looks(body))")
        }
        guard node.isObject else { throw notAnAPIServer(path, "it answered \(node.kind.phrase)") }
        return node
    }

    func notAnAPIServer(_ path: String, _ why: String) -> ClientError {
        ClientError(
            .notAnAPIServer,
            "\(configuration.server) is not a Kubernetes API server: at \(path) \(why); check the server's address")
    }

    private static func looks(_ body: [UInt8]) -> String {
        let start = String(decoding: body.prefix(200), as: UTF8.self).trimmed.lowercased()
        if body.isEmpty { return "nothing" }
        return start.hasPrefix("<") ? "a web page" : "something that is no JSON"
    }

    /// What an answer that is no success says.
    func failure(_ status: Int, _ headers: HTTPHeaders, _ body: [UInt8], _ path: String) -> ClientError {
        let node = try? DocumentReader.readJSON(SourceText(name: "", bytes: body))
        let said = node.flatMap { $0["kind"].equals("Status") ? $0 : nil }
        let message = said?["message"].string.map(Self.oneLine) ?? ""
        let user =
            configuration.userName.isEmpty ? "the credentials" : "the credentials of user \"\(configuration.userName)\""
        let server = configuration.server.authority
        var error: ClientError
        switch status {
        case 401:
            error = ClientError(
                .unauthorized, "\(server) does not accept \(user); log in again, or choose another --context",
                status: 401)
        case 403 where said != nil:
            error = ClientError(.forbidden, message.isEmpty ? "forbidden: \(path)" : message, status: 403)
        case 404 where said != nil: error = ClientError(.notFound, message, status: 404)
        case 410 where said != nil:
            error = ClientError(.expired, message, status: 410)
            error.continueToken = said?["metadata"]["continue"].string.flatMap { $0.isEmpty ? nil : $0 }
        case 300..<400:
            let target = headers["location"].first.map { " to \(Self.oneLine($0))" } ?? ""
            return notAnAPIServer(path, "it redirects\(target)")
        case 429, 500...:
            let told = message.isEmpty ? "" : ": \(message)"
            error = ClientError(
                .server, "\(server) answers with status \(status)\(told); try again when it has recovered",
                status: status)
        default:
            guard said != nil else {
                return notAnAPIServer(path, "it answered status \(status) with \(Self.looks(body))")
            }
            error = ClientError(.server, "\(server) refuses \(path): \(message)", status: status)
        }
        if let seconds = headers["retry-after"].first.flatMap({ Int($0) }) ?? said?["details"]["retryAfterSeconds"].int
        {
            error.retryAfter = .seconds(min(max(seconds, 0), 120))
        }
        return error
    }

    static func oneLine(_ text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).joined(separator: " ")
        return line.count > 400 ? "\(line.prefix(400))…" : line
    }

    /// `v1.36.0`, from `/version`, which every server gives to everybody.
    package func version() async throws -> String {
        let node = try await node("/version")
        guard let version = node["gitVersion"].string else {
            throw notAnAPIServer("/version", "there is no gitVersion")
        }
        return version
    }
}
