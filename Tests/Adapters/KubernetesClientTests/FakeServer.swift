import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

@testable import KubernetesClient

/// An API server of ours that answers as a test says.
final class FakeServer: Sendable {
    struct Request: Sendable {
        var method: String
        var path: String
        var query: [String: String]
        var headers: HTTPHeaders
        var body: String
    }

    enum Reply: Sendable {
        case json(String, status: Int = 200, headers: [(String, String)] = [])
        case html(String)
        /// Pieces of a chunked answer, which ends behind them.
        case stream([String])
        /// Promises `length` bytes, sends these and hangs up.
        case cut(String, length: Int)
        /// Sends these bytes and nothing more.
        case stall(String)
        /// Hangs up without a word.
        case hangUp
    }

    let port: Int
    private let channel: any Channel
    private let log: RequestLog

    /// Starts a server on a free port of loopback.
    init(tls: NIOSSLContext? = nil, _ answer: @escaping @Sendable (Request) -> Reply) async throws {
        let log = RequestLog()
        self.log = log
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    let pipeline = child.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(FakeServerHandler(log: log, answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    var requests: [Request] { log.all }
    /// Connections that carried a request.
    var connections: Int { log.connections }
    func requests(to path: String) -> [Request] { log.all.filter { $0.path == path } }

    func stop() async throws { try await channel.close() }
    deinit { channel.close(promise: nil) }
}

final class RequestLog: Sendable {
    private let entries = Mutex<[FakeServer.Request]>([])
    private let ports = Mutex<Set<Int>>([])
    var all: [FakeServer.Request] { entries.withLock { $0 } }
    var connections: Int { ports.withLock { $0.count } }
    func add(_ request: FakeServer.Request, from port: Int) {
        entries.withLock { $0.append(request) }
        ports.withLock { _ = $0.insert(port) }
    }
}

private final class FakeServerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let log: RequestLog
    private let answer: @Sendable (FakeServer.Request) -> FakeServer.Reply
    private var head: HTTPRequestHead?
    private var body = ByteBuffer()

    init(log: RequestLog, answer: @escaping @Sendable (FakeServer.Request) -> FakeServer.Reply) {
        self.log = log
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body.clear()
        case .body(var part): body.writeBuffer(&part)
        case .end:
            guard let head else { return }
            let parts = head.uri.split(separator: "?", maxSplits: 1).map(String.init)
            var query: [String: String] = [:]
            for pair in (parts.count == 2 ? parts[1] : "").split(separator: "&") {
                let sides = pair.split(separator: "=", maxSplits: 1).map(String.init)
                query[sides[0]] = sides.count == 2 ? sides[1] : ""
            }
            let request = FakeServer.Request(
                method: head.method.rawValue, path: parts[0], query: query, headers: head.headers,
                body: String(buffer: body))
            log.add(request, from: context.remoteAddress?.port ?? 0)
            send(answer(request), context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func send(_ reply: FakeServer.Reply, _ context: ChannelHandlerContext) {
        switch reply {
        case .json(let text, let status, let extra):
            var headers: HTTPHeaders = ["Content-Type": "application/json", "Content-Length": "\(text.utf8.count)"]
            for (name, value) in extra { headers.add(name: name, value: value) }
            begin(context, status, headers)
            piece(context, text)
            end(context)
        case .html(let text):
            begin(context, 200, ["Content-Type": "text/html", "Content-Length": "\(text.utf8.count)"])
            piece(context, text)
            end(context)
        case .stream(let pieces):
            begin(context, 200, ["Content-Type": "application/json", "Transfer-Encoding": "chunked"])
            for text in pieces { piece(context, text) }
            end(context)
        case .cut(let text, let length):
            begin(context, 200, ["Content-Type": "application/json", "Content-Length": "\(length)"])
            piece(context, text)
            let channel = context.channel
            context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer())))).whenComplete { _ in
                channel.close(promise: nil)
            }
        case .stall(let text):
            begin(context, 200, ["Content-Type": "application/json", "Content-Length": "1000000"])
            piece(context, text)
            context.flush()
        case .hangUp: context.close(promise: nil)
        }
    }

    private func begin(_ context: ChannelHandlerContext, _ status: Int, _ headers: HTTPHeaders) {
        let head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: status), headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
    }

    private func piece(_ context: ChannelHandlerContext, _ text: String) {
        context.writeAndFlush(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
    }

    private func end(_ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
