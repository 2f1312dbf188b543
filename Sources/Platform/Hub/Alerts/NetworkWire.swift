import AsyncHTTPClient
import Foundation
import NIOCore
import NIOPosix
import NIOSSL

/// The network itself.
struct NetworkWire: Wire {
    let client: HTTPClient
    let group: any EventLoopGroup
    var patience = TimeAmount.seconds(10)

    func post(_ outgoing: OutgoingRequest) async throws {
        var request = HTTPClientRequest(url: outgoing.url)
        request.method = .init(rawValue: outgoing.method)
        for (name, value) in outgoing.headers.sorted(by: { $0.key < $1.key }) {
            request.headers.add(name: name, value: value)
        }
        request.body = .bytes(ByteBuffer(bytes: outgoing.body))
        let response: HTTPClientResponse
        do {
            response = try await client.execute(request, timeout: patience)
        } catch {
            throw DeliveryFailure("not reached: \(error)")
        }
        // The beginning of what is said is enough to see what is wrong.
        var said = ""
        var iterator = response.body.makeAsyncIterator()
        if let chunk = try? await iterator.next() { said = String(buffer: chunk) }
        let status = Int(response.status.code)
        guard !(200..<300).contains(status) else { return }
        let line = said.split(whereSeparator: \.isNewline).first.map { ": \($0.prefix(200))" } ?? ""
        // What is refused for its content is refused again; 408 and 429 ask for another try.
        let isTransient = status >= 500 || status == 408 || status == 429 || status == 401 || status == 403
        throw DeliveryFailure("answered with status \(status)\(line)", isTransient: isTransient)
    }

    func open(_ address: StreamAddress) async throws -> any WireStream {
        let lines = LineInbox()
        let bootstrap = ClientBootstrap(group: group).connectTimeout(patience)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if address.usesTLS { try channel.pipeline.syncOperations.addHandler(Self.tls(address.host)) }
                    try channel.pipeline.syncOperations.addHandler(lines)
                }
            }
        do {
            let channel = try await bootstrap.connect(host: address.host, port: address.port).get()
            return NetworkStream(channel: channel, lines: lines, patience: patience)
        } catch {
            throw DeliveryFailure("\(address.host):\(address.port) was not reached: \(error)")
        }
    }

    static func tls(_ host: String) throws -> NIOSSLClientHandler {
        let context = try NIOSSLContext(configuration: .makeClientConfiguration())
        // Names of servers are names; an address has none.
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
    }

    func datagram(_ bytes: [UInt8], to address: StreamAddress) async throws {
        do {
            let target = try SocketAddress.makeAddressResolvingHost(address.host, port: address.port)
            let local = target.protocol == .inet6 ? "::" : "0.0.0.0"
            let channel = try await DatagramBootstrap(group: group).bind(host: local, port: 0).get()
            try await channel.writeAndFlush(
                AddressedEnvelope(remoteAddress: target, data: channel.allocator.buffer(bytes: bytes)))
            try await channel.close()
        } catch {
            throw DeliveryFailure("\(address.host):\(address.port) was not reached: \(error)")
        }
    }
}

/// Cuts what comes in into lines and keeps them until they are asked for; on its event loop only.
private final class LineInbox: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer

    private var buffer = ByteBuffer()
    private var lines: [String] = []
    private var waiting: [EventLoopPromise<String>] = []
    private var isOver = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var chunk = unwrapInboundIn(data)
        buffer.writeBuffer(&chunk)
        while let end = buffer.readableBytesView.firstIndex(of: 0x0A) {
            let length = end - buffer.readerIndex
            var line = buffer.readString(length: length) ?? ""
            buffer.moveReaderIndex(forwardBy: 1)
            if line.hasSuffix("\r") { line.removeLast() }
            if waiting.isEmpty { lines.append(line) } else { waiting.removeFirst().succeed(line) }
        }
        if buffer.readableBytes > 64 << 10 { context.close(promise: nil) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        isOver = true
        for promise in waiting { promise.fail(DeliveryFailure("the server hung up")) }
        waiting = []
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        for promise in waiting { promise.fail(DeliveryFailure("the connection failed: \(error)")) }
        waiting = []
        context.close(promise: nil)
    }

    /// On the event loop.
    func next(_ promise: EventLoopPromise<String>) {
        if !lines.isEmpty {
            promise.succeed(lines.removeFirst())
        } else if isOver {
            promise.fail(DeliveryFailure("the server hung up"))
        } else {
            waiting.append(promise)
        }
    }
}

private struct NetworkStream: WireStream {
    let channel: any Channel
    let lines: LineInbox
    let patience: TimeAmount

    func write(_ bytes: [UInt8]) async throws {
        do {
            try await channel.writeAndFlush(channel.allocator.buffer(bytes: bytes))
        } catch {
            throw DeliveryFailure("the connection failed: \(error)")
        }
    }

    func readLine() async throws -> String {
        let promise = channel.eventLoop.makePromise(of: String.self)
        channel.eventLoop.execute { lines.next(promise) }
        let timer = channel.eventLoop.scheduleTask(in: patience) {
            promise.fail(DeliveryFailure("the server says nothing"))
        }
        defer { timer.cancel() }
        return try await promise.futureResult.get()
    }

    func startTLS(_ host: String) async throws {
        do {
            try await channel.eventLoop.submit {
                try channel.pipeline.syncOperations.addHandler(NetworkWire.tls(host), position: .first)
            }.get()
        } catch {
            throw DeliveryFailure("TLS failed: \(error)")
        }
    }

    func close() async { try? await channel.close() }
}
