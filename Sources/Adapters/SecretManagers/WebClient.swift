import Documents
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// Asks a web API a few questions: one connection each, no redirects, no cookies.
///
/// Managers are asked for tens of secrets, not for thousands; a pool of connections would be more code than use.
/// Redirects are not followed, since a credential must not travel to an address that nobody named.
package struct WebClient: Sendable {
    package var timeout = Duration.seconds(15)
    /// Largest answer taken, in bytes.
    package var limit = 16 << 20
    /// Authorities to trust beside the system's, as PEM.
    package var authorities: [UInt8]?

    package init(authorities: [UInt8]? = nil) { self.authorities = authorities }

    struct Request: Sendable {
        var method: HTTPMethod = .GET
        var address: WebAddress
        var headers: [(name: String, value: String)] = []
        var body: [UInt8] = []
    }

    struct Answer: Sendable {
        var status: Int
        var body: [UInt8]

        /// The answer as JSON; nil for what is none.
        var json: Node? {
            do throws(DocumentError) {
                return try DocumentReader.readJSON(
                    SourceText(name: "", bytes: body), options: DocumentReader.Options(checkDuplicateKeys: false))
            } catch {
                return nil
            }
        }
    }

    func send(_ request: Request) async throws -> Answer {
        let group = MultiThreadedEventLoopGroup.singleton
        let promise = group.next().makePromise(of: Answer.self)
        let address = request.address
        let context = address.isSecure ? try tls() : nil
        let (limit, wait) = (limit, TimeAmount.nanoseconds(Int64(timeout.components.seconds) * 1_000_000_000))
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: group)
                .connectTimeout(wait)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        if let context {
                            // An address is no name that TLS could ask for.
                            let isName = address.host.contains { $0.isLetter } && !address.host.contains(":")
                            let handler = try NIOSSLClientHandler(
                                context: context, serverHostname: isName ? address.host : nil)
                            try pipeline.addHandler(handler)
                        }
                        try pipeline.addHTTPClientHandlers()
                        try pipeline.addHandler(AnswerCollector(promise, limit: limit))
                    }
                }
                .connect(host: address.host, port: address.port).get()
        } catch {
            promise.fail(error)
            throw Self.explain(error, address)
        }
        let timer = channel.eventLoop.scheduleTask(in: wait) {
            promise.fail(SecretManagerError(.timeout, "\(address.authority) does not answer; try again"))
            channel.close(promise: nil)
        }
        defer {
            timer.cancel()
            channel.close(promise: nil)
        }
        var headers = HTTPHeaders()
        headers.add(name: "Host", value: address.authority)
        headers.add(name: "User-Agent", value: "martlet")
        headers.add(name: "Accept", value: "application/json")
        headers.add(name: "Connection", value: "close")
        for header in request.headers { headers.add(name: header.name, value: header.value) }
        if !request.body.isEmpty || request.method == .POST {
            headers.add(name: "Content-Length", value: String(request.body.count))
        }
        let head = HTTPRequestHead(version: .http1_1, method: request.method, uri: address.target, headers: headers)
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if !request.body.isEmpty {
            channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: request.body))), promise: nil)
        }
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
        do {
            return try await promise.futureResult.get()
        } catch {
            throw Self.explain(error, address)
        }
    }

    /// The answer's JSON where it is a success; the manager's own words otherwise.
    func json(_ request: Request, manager: String) async throws -> Node {
        let answer = try await send(request)
        let place = "\(manager) at \(request.address.authority)"
        switch answer.status {
        case 200..<300:
            guard let node = answer.json, node.isObject else {
                throw SecretManagerError(.badAnswer, "\(place) sent something that is no JSON object")
            }
            return node
        case 401:
            throw SecretManagerError(.unauthorized, "\(place) does not accept the credentials; log in again")
        case 403:
            throw SecretManagerError(
                .forbidden, "\(place) does not allow to read this secret's metadata\(Self.told(answer))")
        case 404: throw SecretManagerError(.notFound, "\(place) has no such secret\(Self.told(answer))")
        case 300..<400:
            throw SecretManagerError(.badAnswer, "\(place) redirects elsewhere; name the address it redirects to")
        default:
            throw SecretManagerError(.server, "\(place) answers with status \(answer.status)\(Self.told(answer))")
        }
    }

    /// What the manager says went wrong, in one line; never the request.
    private static func told(_ answer: Answer) -> String {
        guard let node = answer.json else { return "" }
        let message =
            node["errors"].strings.first ?? node["message"].string ?? node["Message"].string
            ?? node["error"]["message"].string ?? node["error_description"].string ?? node["__type"].string
        guard let message, !message.isEmpty else { return "" }
        let line = message.split(whereSeparator: \.isNewline).first ?? ""
        return ": \(line.prefix(200))"
    }

    private func tls() throws(SecretManagerError) -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = ["http/1.1"]
        do {
            if let authorities {
                configuration.additionalTrustRoots = [.certificates(try NIOSSLCertificate.fromPEMBytes(authorities))]
            }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw SecretManagerError(.untrusted, "the authorities given are no PEM certificates")
        }
    }

    private static func explain(_ error: any Error, _ address: WebAddress) -> any Error {
        switch error {
        case is CancellationError, is SecretManagerError: return error
        case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            return SecretManagerError(
                .untrusted, "\(address.authority) shows a certificate that is not trusted, or speaks no TLS")
        case ChannelError.connectTimeout:
            return SecretManagerError(
                .timeout, "\(address.authority) does not answer; check the address and the network")
        default:
            return SecretManagerError(
                .unreachable, "\(address.authority) cannot be reached; check the address and the network")
        }
    }
}

/// Gathers one answer.
private final class AnswerCollector: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let promise: EventLoopPromise<WebClient.Answer>
    private let limit: Int
    private var status = 0
    private var body: [UInt8] = []

    init(_ promise: EventLoopPromise<WebClient.Answer>, limit: Int) {
        self.promise = promise
        self.limit = limit
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): status = Int(head.status.code)
        case .body(let buffer):
            guard body.count + buffer.readableBytes <= limit else {
                promise.fail(SecretManagerError(.tooLarge, "the answer is larger than \(limit >> 20) MiB"))
                context.close(promise: nil)
                return
            }
            body.append(contentsOf: buffer.readableBytesView)
        case .end:
            // An informational answer comes before the real one.
            guard status >= 200 else {
                body = []
                return
            }
            promise.succeed(WebClient.Answer(status: status, body: body))
            context.close(promise: nil)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(ChannelError.eof)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }
}
