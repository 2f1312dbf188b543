import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// Opens connections: straight or through a proxy, with TLS or without.
final class Connector: Sendable {
    private let server: Endpoint
    private let proxy: ProxySettings?
    private let tls: TLSSettings
    private let group: any EventLoopGroup
    private let timeout: TimeAmount
    private let time: TimeSource
    /// The context of the last generation of credentials; making one reads the system's authorities, which is slow.
    private let cached = Mutex<(generation: Int, context: NIOSSLContext)?>(nil)

    init(
        _ configuration: ClientConfiguration, group: any EventLoopGroup, timeout: TimeAmount, time: TimeSource
    ) throws(ClientError) {
        server = configuration.server
        proxy = configuration.proxy
        tls = try TLSSettings(configuration)
        self.group = group
        self.timeout = timeout
        self.time = time
    }

    /// The proxy that is handed whole requests, which is the way of plain HTTP.
    var forwardingProxy: ProxySettings? { server.isSecure ? nil : proxy }

    func connect(_ credentials: Credentials.Current) async throws -> HTTPConnection {
        let context = server.isSecure ? try self.context(credentials) : nil
        do {
            return try await open { [tls] in
                try context.map(tls.handler)
            } generation: {
                credentials.generation
            }
        } catch {
            throw await explain(error, credentials)
        }
    }

    private func context(_ credentials: Credentials.Current) throws(ClientError) -> NIOSSLContext {
        if let known = cached.withLock({ $0 }), known.generation == credentials.generation { return known.context }
        let made = try tls.context(certificate: credentials.certificate, key: credentials.key)
        cached.withLock { $0 = (credentials.generation, made) }
        return made
    }

    /// Opens a connection whose TLS with the server is done by the handler that is made.
    private func open(
        handler: @escaping @Sendable () throws -> NIOSSLClientHandler?, generation: @Sendable () -> Int
    ) async throws -> HTTPConnection {
        let way = try await transport(handler)
        do {
            if let tunnel = way.tunnel { try await withDeadline(way.channel) { tunnel.value.whenOpened } }
            let exchange: NIOLoopBound<ExchangeHandler>
            if let made = way.exchange {
                exchange = made
            } else {
                exchange = try await way.channel.eventLoop.submit {
                    let pipeline = way.channel.pipeline.syncOperations
                    let exchange = try Self.addHTTP(way.channel, handler(), speaksTLS: false)
                    if let tunnel = way.tunnel { _ = pipeline.removeHandler(tunnel.value) }
                    return exchange
                }.get()
            }
            try await withDeadline(way.channel) { exchange.value.whenReady }
            return HTTPConnection(channel: way.channel, exchange: exchange, generation: generation())
        } catch {
            way.channel.close(promise: nil)
            throw error
        }
    }

    /// A socket, and what stands at the end of its pipeline: the exchange, or the tunnel that must come first.
    ///
    /// The handlers are kept from the start: a connection that ends at once has taken them out of its pipeline before
    /// anybody could look for them there.
    private struct Way: Sendable {
        var channel: any Channel
        var exchange: NIOLoopBound<ExchangeHandler>?
        var tunnel: NIOLoopBound<TunnelHandler>?
    }

    private func transport(_ handler: @escaping @Sendable () throws -> NIOSSLClientHandler?) async throws -> Way {
        let hop = proxy?.endpoint ?? server
        let tunnel = server.isSecure ? proxy : nil
        let proxyContext = proxy?.endpoint.isSecure == true ? try tls.proxyContext() : nil
        return try await ClientBootstrap(group: group)
            .connectTimeout(timeout)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .connect(host: hop.host, port: hop.port) { [server] channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let proxyContext {
                        let name = IPAddress(hop.host) == nil ? hop.host : nil
                        try pipeline.addHandler(NIOSSLClientHandler(context: proxyContext, serverHostname: name))
                    }
                    guard let tunnel else {
                        let exchange = try Self.addHTTP(channel, handler(), speaksTLS: proxyContext != nil)
                        return Way(channel: channel, exchange: exchange)
                    }
                    let opener = TunnelHandler(tunnel, to: server, on: channel.eventLoop)
                    try pipeline.addHandler(opener)
                    return Way(channel: channel, tunnel: NIOLoopBound(opener, eventLoop: channel.eventLoop))
                }
            }
    }

    private static func addHTTP(
        _ channel: any Channel, _ tls: NIOSSLClientHandler?, speaksTLS: Bool
    ) throws -> NIOLoopBound<ExchangeHandler> {
        let pipeline = channel.pipeline.syncOperations
        if let tls { try pipeline.addHandler(tls) }
        try pipeline.addHTTPClientHandlers()
        let exchange = ExchangeHandler(on: channel.eventLoop, speaksTLS: tls != nil || speaksTLS)
        try pipeline.addHandler(exchange)
        return NIOLoopBound(exchange, eventLoop: channel.eventLoop)
    }

    /// Closes the connection when what is awaited does not come in time.
    private func withDeadline(
        _ channel: any Channel, _ future: @escaping @Sendable () -> EventLoopFuture<Void>
    ) async throws {
        let timer = channel.eventLoop.scheduleTask(in: timeout) {
            channel.pipeline.fireErrorCaught(ClientError(.timeout, "no handshake in time"))
        }
        defer { timer.cancel() }
        try await withTaskCancellationHandler {
            try await channel.eventLoop.flatSubmit { future() }.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    // MARK: Saying why

    /// One line for whatever kept a connection from being made.
    private func explain(_ error: any Error, _ credentials: Credentials.Current) async -> any Error {
        if error is CancellationError || Task.isCancelled { return CancellationError() }
        if let error = error as? ClientError, error.code != .timeout { return error }
        let hop = proxy?.endpoint ?? server
        let explained = ErrorText.connection(error, to: hop, isProxy: proxy != nil, server: server)
        if let explained { return explained }
        if ErrorText.isVerification(error) {
            return tls.verificationFailure(await serverCertificates(), now: time.now())
        }
        if ErrorText.isHostname(error) { return tls.hostnameMismatch }
        if let expired = ErrorText.expiredClient(credentials, now: time.now()) { return expired }
        return ErrorText.handshake(error, with: server)
    }

    private func serverCertificates() async -> [NIOSSLCertificate] {
        let seen = group.next().makePromise(of: [NIOSSLCertificate].self)
        do {
            _ = try await open { [tls] in
                try tls.diagnosingHandler(seen)
            } generation: {
                0
            }
        } catch {
            // It always fails: the handshake is ended once the certificates were seen. Nothing seen is an answer too.
            seen.succeed([])
        }
        return (try? await seen.futureResult.get()) ?? []
    }
}
