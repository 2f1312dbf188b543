import NIOCore
import NIOHTTP1
import NIOTLS

/// The end of a connection's pipeline: hands out parts of answers to whoever asks, and reads from the network only when
/// somebody does. A consumer that is slow so slows the server.
///
/// Lives on its event loop.
final class ExchangeHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private var context: ChannelHandlerContext?
    private var parts = CircularBuffer<HTTPClientResponsePart>()
    private var waiter: EventLoopPromise<HTTPClientResponsePart>?
    private var timer: Scheduled<Void>?
    private var failure: (any Error)?
    private var isReady = false
    private let ready: EventLoopPromise<Void>
    private let speaksTLS: Bool

    init(on loop: any EventLoop, speaksTLS: Bool) {
        ready = loop.makePromise()
        self.speaksTLS = speaksTLS
    }

    /// When requests can be sent.
    var whenReady: EventLoopFuture<Void> { ready.futureResult }

    /// The next part of the answer; fails when none comes in time.
    func next(within limit: TimeAmount?) -> EventLoopFuture<HTTPClientResponsePart> {
        let loop = ready.futureResult.eventLoop
        // What came before the connection ended is handed out first.
        if let part = parts.popFirst() { return loop.makeSucceededFuture(part) }
        if let failure { return loop.makeFailedFuture(failure) }
        guard let context else { return loop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
        let promise = context.eventLoop.makePromise(of: HTTPClientResponsePart.self)
        waiter = promise
        if let limit {
            timer = context.eventLoop.assumeIsolated().scheduleTask(in: limit) {
                self.fail(ClientError(.timeout, "no answer in time"))
                self.context?.close(promise: nil)
            }
        }
        context.read()
        return promise.futureResult
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if !speaksTLS, context.channel.isActive { becomeReady(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        fail(ChannelError.ioOnClosedChannel)
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        if !speaksTLS { becomeReady(context) }
        context.fireChannelActive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent { becomeReady(context) }
        context.fireUserInboundEventTriggered(event)
    }

    private func becomeReady(_ context: ChannelHandlerContext) {
        guard !isReady else { return }
        isReady = true
        let ready = ready
        context.channel.setOption(.autoRead, value: false).whenComplete { ready.completeWith($0) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if let waiter {
            self.waiter = nil
            timer?.cancel()
            waiter.succeed(part)
        } else {
            parts.append(part)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        // What was read may have been only half of a TLS record or of a header.
        if waiter != nil { context.read() }
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        fail(ChannelError.eof)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(error)
        context.close(promise: nil)
    }

    private func fail(_ error: any Error) {
        if failure == nil { failure = error }
        timer?.cancel()
        if !isReady {
            isReady = true
            ready.fail(error)
        }
        if let waiter {
            self.waiter = nil
            waiter.fail(failure ?? error)
        }
    }
}
