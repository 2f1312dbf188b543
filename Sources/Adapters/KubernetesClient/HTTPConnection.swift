import NIOCore
import NIOHTTP1

/// One connection to the server; carries one request at a time.
final class HTTPConnection: Sendable {
    let channel: any Channel
    /// The generation of the credentials it was made with.
    let generation: Int
    private let exchange: NIOLoopBound<ExchangeHandler>

    init(channel: any Channel, exchange: NIOLoopBound<ExchangeHandler>, generation: Int) {
        self.channel = channel
        self.exchange = exchange
        self.generation = generation
    }

    func send(_ head: HTTPRequestHead, body: [UInt8]?) {
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        if let body { channel.write(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(bytes: body))), promise: nil) }
        // A write that fails closes the connection, which is seen where the answer is awaited.
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }

    /// The next part of the answer.
    func next(within limit: TimeAmount?) async throws -> HTTPClientResponsePart {
        let exchange = exchange
        return try await withTaskCancellationHandler {
            do {
                return try await channel.eventLoop.flatSubmit { exchange.value.next(within: limit) }.get()
            } catch {
                try Task.checkCancellation()
                throw error
            }
        } onCancel: {
            close()
        }
    }

    func close() { channel.close(promise: nil) }
    deinit { channel.close(promise: nil) }
}
