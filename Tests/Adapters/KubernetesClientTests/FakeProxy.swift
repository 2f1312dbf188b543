import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// A proxy that opens tunnels with CONNECT, to wherever the test says.
final class FakeProxy: Sendable {
    let port: Int
    private let channel: any Channel
    private let seen: Mutexed<[String]>

    /// `status` other than 200 refuses; every tunnel goes to `target` on loopback, whatever name was asked for.
    init(to target: Int, tls: NIOSSLContext? = nil, status: Int = 200) async throws {
        let seen = Mutexed<[String]>([])
        self.seen = seen
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { child in
                child.eventLoop.makeCompletedFuture {
                    let pipeline = child.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    try pipeline.addHandler(FakeProxyHandler(target: target, status: status, seen: seen))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    /// The headers of the tunnels asked for.
    var asked: [String] { seen.value }
    deinit { channel.close(promise: nil) }
}

/// A value shared by a test and its servers.
final class Mutexed<Value: Sendable>: Sendable {
    private let stored: Mutex<Value>
    init(_ value: Value) { stored = Mutex(value) }
    var value: Value { stored.withLock { $0 } }
    @discardableResult
    func change<R: Sendable>(_ body: (inout Value) -> R) -> R { stored.withLock { body(&$0) } }
}

extension Mutexed<Int> {
    func increment() -> Int {
        change {
            $0 += 1
            return $0
        }
    }
}

private final class FakeProxyHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let target: Int
    private let status: Int
    private let seen: Mutexed<[String]>
    private var header = ""
    private var peer: (any Channel)?

    init(target: Int, status: Int, seen: Mutexed<[String]>) {
        (self.target, self.status, self.seen) = (target, status, seen)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        if let peer {
            peer.writeAndFlush(buffer, promise: nil)
            return
        }
        header += String(buffer: buffer)
        guard header.hasSuffix("\r\n\r\n") else { return }
        let text = header
        seen.change { $0.append(text) }
        guard status == 200 else {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 \(status) No\r\n\r\n")), promise: nil)
            return
        }
        let client = context.channel
        let loop = context.eventLoop
        let bound = NIOLoopBound(self, eventLoop: loop)
        ClientBootstrap(group: loop)
            .channelInitializer { peer in
                peer.eventLoop.makeCompletedFuture { try peer.pipeline.syncOperations.addHandler(GlueHandler(client)) }
            }
            .connect(host: "127.0.0.1", port: target)
            .whenComplete { result in
                guard case .success(let peer) = result else {
                    client.close(promise: nil)
                    return
                }
                bound.value.peer = peer
                client.writeAndFlush(ByteBuffer(string: "HTTP/1.1 200 Connection established\r\n\r\n"), promise: nil)
            }
    }

    func channelInactive(context: ChannelHandlerContext) { peer?.close(promise: nil) }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

private final class GlueHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let client: any Channel
    init(_ client: any Channel) { self.client = client }
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        client.writeAndFlush(unwrapInboundIn(data), promise: nil)
    }
    func channelInactive(context: ChannelHandlerContext) { client.close(promise: nil) }
}
