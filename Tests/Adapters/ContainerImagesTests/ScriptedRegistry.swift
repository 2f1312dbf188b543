import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A server on loopback that answers as a test says, badly if need be.
final class ScriptedRegistry: Sendable {
    struct Request: Sendable {
        var method: String
        var uri: String
        var headers: HTTPHeaders

        func header(_ name: String) -> String? { headers.first(name: name) }
    }

    struct Reply: Sendable {
        var status = 200
        var headers: [(String, String)] = []
        var body: [UInt8] = []
        /// Closes the connection after so many bytes of the body.
        var cut: Int?

        static func text(_ status: Int, _ text: String, _ headers: [(String, String)] = []) -> Reply {
            Reply(status: status, headers: headers, body: Array(text.utf8))
        }
    }

    private let channel: any Channel
    private let log: SharedLog
    let port: Int

    var host: String { "127.0.0.1:\(port)" }

    /// - Parameter answer: gets the request and how many there were before.
    init(_ answer: @escaping @Sendable (Request, Int) -> Reply) async throws {
        let log = SharedLog()
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(log, answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
        self.log = log
    }

    var asked: [Request] { log.requests.withLock { $0 } }

    func close() async throws { try await channel.close() }

    final class SharedLog: Sendable {
        let requests = Mutex<[Request]>([])
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let log: SharedLog
        private let answer: @Sendable (Request, Int) -> Reply
        private var head: HTTPRequestHead?

        init(_ log: SharedLog, _ answer: @escaping @Sendable (Request, Int) -> Reply) {
            self.log = log
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): self.head = head
            case .body: break
            case .end:
                guard let head else { return }
                let request = Request(method: head.method.rawValue, uri: head.uri, headers: head.headers)
                let count = log.requests.withLock { requests in
                    requests.append(request)
                    return requests.count - 1
                }
                send(answer(request, count), context)
            }
        }

        private func send(_ reply: Reply, _ context: ChannelHandlerContext) {
            var headers = HTTPHeaders(reply.headers)
            headers.add(name: "Content-Length", value: String(reply.body.count))
            let head = HTTPResponseHead(
                version: .http1_1, status: HTTPResponseStatus(statusCode: reply.status), headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            let body = reply.cut.map { Array(reply.body.prefix($0)) } ?? reply.body
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: body)))), promise: nil)
            if reply.cut != nil {
                let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
                context.flush()
                context.eventLoop.execute { bound.value.close(promise: nil) }
            } else {
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
