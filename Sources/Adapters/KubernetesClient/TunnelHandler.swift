import NIOCore

/// Asks a proxy for a tunnel and steps out of the way when it stands.
///
/// Standard: RFC 9110, 9.3.6.
final class TunnelHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let proxy: ProxySettings
    private let target: Endpoint
    private let waitsForTLS: Bool
    private let opened: EventLoopPromise<Void>
    private var answer = ByteBuffer()
    private var isDone = false
    private var hasAsked = false

    init(_ proxy: ProxySettings, to target: Endpoint, on loop: any EventLoop) {
        self.proxy = proxy
        self.target = target
        waitsForTLS = proxy.endpoint.isSecure
        opened = loop.makePromise()
    }

    var whenOpened: EventLoopFuture<Void> { opened.futureResult }

    func channelActive(context: ChannelHandlerContext) {
        if !waitsForTLS { ask(context) }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // The proxy's own handshake; that with the server comes when this handler is gone.
        if !isDone { ask(context) }
        context.fireUserInboundEventTriggered(event)
    }

    private func ask(_ context: ChannelHandlerContext) {
        guard !hasAsked else { return }
        hasAsked = true
        var text = "CONNECT \(target.authority) HTTP/1.1\r\nHost: \(target.authority)\r\n"
        if let authorization = proxy.authorization { text += "Proxy-Authorization: \(authorization)\r\n" }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text + "\r\n")), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var chunk = unwrapInboundIn(data)
        guard !isDone else {
            context.fireChannelRead(data)
            return
        }
        answer.writeBuffer(&chunk)
        let text = String(buffer: answer)
        // Go by bytes: in a String, a carriage return and line feed are one character.
        guard text.utf8.containsBlankLine else {
            if answer.readableBytes > 16384 { fail(context, "sent no end of its header") }
            return
        }
        let status = text.split(separator: " ", maxSplits: 2).dropFirst().first.flatMap { Int($0.prefix(3)) } ?? 0
        switch status {
        case 200..<300:
            isDone = true
            opened.succeed()
        case 407: fail(context, "wants a user and password; put them into proxy-url as http://user:password@host:port")
        case 0: fail(context, "did not answer like an HTTP proxy; check proxy-url")
        default: fail(context, "refused a tunnel to \(target.authority) (status \(status)); check its rules")
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(context, "closed the connection; check proxy-url")
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { fail(context, "closed the connection; check proxy-url") }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isDone {
            context.fireErrorCaught(error)
        } else {
            fail(context, "cannot be spoken to (\(ErrorText.short(error))); check proxy-url")
        }
    }

    private func fail(_ context: ChannelHandlerContext, _ reason: String) {
        guard !isDone else { return }
        isDone = true
        opened.fail(ClientError(.proxy, "proxy \(proxy.endpoint) \(reason)"))
        context.close(promise: nil)
    }
}

extension Sequence<UInt8> {
    fileprivate var containsBlankLine: Bool {
        var run = 0
        let wanted: [UInt8] = [13, 10, 13, 10]
        for byte in self {
            run = byte == wanted[run] ? run + 1 : (byte == 13 ? 1 : 0)
            if run == 4 { return true }
        }
        return false
    }
}
