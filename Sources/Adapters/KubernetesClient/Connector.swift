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
        let channel = try await transport(handler)
        do {
            let exchange = try await channel.eventLoop.submit {
                let handler = try channel.pipeline.syncOperations.handler(type: ExchangeHandler.self)
                return NIOLoopBound(handler, eventLoop: channel.eventLoop)
            }.get()
            try await withDeadline(channel) { exchange.value.whenReady }
            return HTTPConnection(channel: channel, exchange: exchange, generation: generation())
        } catch {
            channel.close(promise: nil)
            throw error
        }
    }

    /// The bytes' way to the server: a socket, or a tunnel through the proxy.
    private func transport(_ handler: @escaping @Sendable () throws -> NIOSSLClientHandler?) async throws -> any Channel
    {
        let hop = proxy?.endpoint ?? server
        let tunnel = server.isSecure ? proxy : nil
        let proxyContext = proxy?.endpoint.isSecure == true ? try tls.proxyContext() : nil
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(timeout)
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { [server] channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let proxyContext {
                        let name = IPAddress(hop.host) == nil ? hop.host : nil
                        try pipeline.addHandler(NIOSSLClientHandler(context: proxyContext, serverHostname: name))
                    }
                    if let tunnel {
                        try pipeline.addHandler(TunnelHandler(tunnel, to: server, on: channel.eventLoop))
                    } else {
                        try Self.addHTTP(pipeline, channel.eventLoop, handler(), speaksTLS: proxyContext != nil)
                    }
                }
            }
        let channel = try await bootstrap.connect(host: hop.host, port: hop.port).get()
        guard tunnel != nil else { return channel }
        do {
            try await withDeadline(channel) {
                try channel.pipeline.syncOperations.handler(type: TunnelHandler.self).whenOpened
            }
            try await channel.eventLoop.submit {
                let pipeline = channel.pipeline.syncOperations
                let opener = try pipeline.handler(type: TunnelHandler.self)
                try Self.addHTTP(pipeline, channel.eventLoop, handler(), speaksTLS: false)
                _ = pipeline.removeHandler(opener)
            }.get()
            return channel
        } catch {
            channel.close(promise: nil)
            throw error
        }
    }

    private static func addHTTP(
        _ pipeline: ChannelPipeline.SynchronousOperations, _ loop: any EventLoop, _ tls: NIOSSLClientHandler?,
        speaksTLS: Bool
    ) throws {
        if let tls { try pipeline.addHandler(tls) }
        try pipeline.addHTTPClientHandlers()
        try pipeline.addHandler(ExchangeHandler(on: loop, speaksTLS: tls != nil || speaksTLS))
    }

    /// Closes the connection when what is awaited does not come in time.
    private func withDeadline(
        _ channel: any Channel, _ future: @escaping @Sendable () throws -> EventLoopFuture<Void>
    ) async throws {
        let timer = channel.eventLoop.scheduleTask(in: timeout) {
            channel.pipeline.fireErrorCaught(ClientError(.timeout, "no handshake in time"))
        }
        defer { timer.cancel() }
        try await withTaskCancellationHandler {
            try await channel.eventLoop.flatSubmit {
                do {
                    return try future()
                } catch {
                    return channel.eventLoop.makeFailedFuture(error)
                }
            }.get()
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
