import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A server that takes whatever is posted to it, and keeps it.
final class Receiver: Sendable {
    struct Message: Sendable {
        var path: String
        var headers: [String: String]
        var body: String
    }

    let port: Int
    private let channel: any Channel
    private let box: Inbox

    fileprivate final class Inbox: Sendable {
        let messages = Mutex<[Message]>([])
        /// Statuses to answer with, first to last; 200 when there is none left.
        let statuses = Mutex<[Int]>([])
    }

    init(statuses: [Int] = []) async throws {
        let box = Inbox()
        box.statuses.withLock { $0 = statuses }
        self.box = box
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(box))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    var messages: [Message] { box.messages.withLock { $0 } }

    func close() async throws { try await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let box: Inbox
        private var head: HTTPRequestHead?
        private var body = ByteBuffer()

        init(_ box: Inbox) { self.box = box }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                body.clear()
            case .body(var chunk): body.writeBuffer(&chunk)
            case .end:
                var headers: [String: String] = [:]
                for (name, value) in head?.headers ?? [:] { headers[name.lowercased()] = value }
                let message = Message(path: head?.uri ?? "", headers: headers, body: String(buffer: body))
                box.messages.withLock { $0.append(message) }
                let status = box.statuses.withLock { $0.isEmpty ? 200 : $0.removeFirst() }
                let answer = HTTPResponseHead(
                    version: .http1_1, status: .init(statusCode: status), headers: ["content-length": "0"])
                context.write(wrapOutboundOut(.head(answer)), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
