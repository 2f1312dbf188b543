import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Sends requests and gives answers: keeps connections for the next request, puts credentials on, and asks for them
/// anew when they are refused.
final class Transport: Sendable {
    struct Request: Sendable {
        var method: HTTPMethod = .GET
        /// Path and query below the server's base path.
        var path: String
        var accept = "application/json"
        var body: [UInt8]?
        /// Longest wait for the first or next part of the answer.
        var patience: Duration = .seconds(60)
    }

    /// An answer whose body is read as it is asked for.
    struct Answer: Sendable {
        let status: Int
        let headers: HTTPHeaders
        fileprivate let connection: HTTPConnection
        fileprivate let keepsAlive: Bool
        fileprivate let patience: TimeAmount
        fileprivate let deadline: NIODeadline?
        fileprivate let transport: Transport

        /// The next bytes; nil at the end, when the connection serves the next request.
        func next() async throws -> ByteBuffer? {
            do {
                switch try await connection.next(within: Transport.limit(patience, deadline)) {
                case .body(let buffer): return buffer
                case .head: throw ClientError(.notAnAPIServer, "\(transport.server) sent two answers for one request")
                case .end:
                    if keepsAlive { transport.keep(connection) } else { connection.close() }
                    return nil
                }
            } catch {
                connection.close()
                throw transport.explain(error, during: "in the middle of an answer")
            }
        }

        /// The whole body.
        func body(limit: Int) async throws -> [UInt8] {
            var out: [UInt8] = []
            if let length = headers["content-length"].first.flatMap({ Int($0) }) {
                out.reserveCapacity(min(length, limit))
            }
            while let buffer = try await next() {
                guard out.count + buffer.readableBytes <= limit else {
                    connection.close()
                    throw ClientError(
                        .tooLarge, "\(transport.server) sent an answer of more than \(limit >> 20) MiB; it was dropped")
                }
                out.append(contentsOf: buffer.readableBytesView)
            }
            return out
        }

        func abandon() { connection.close() }
    }

    let server: Endpoint
    private let connector: Connector
    private let credentials: Credentials
    private let requestTimeout: Duration?
    private let time: TimeSource
    private let idle = Mutex<[HTTPConnection]>([])
    /// Idle connections kept at most.
    private let capacity = 8

    init(_ configuration: ClientConfiguration, connectTimeout: Duration, time: TimeSource) throws(ClientError) {
        server = configuration.server
        let limit = min(connectTimeout, configuration.requestTimeout ?? connectTimeout)
        connector = try Connector(
            configuration, group: MultiThreadedEventLoopGroup.singleton, timeout: TimeAmount(limit), time: time)
        credentials = Credentials(configuration, time: time)
        requestTimeout = configuration.requestTimeout
        self.time = time
    }

    /// Sends a request; an answer of 401 makes it try once more with fresh credentials, where there are any to be had.
    func send(_ request: Request) async throws -> Answer {
        let first = try await credentials.current()
        let answer = try await exchange(request, first)
        guard answer.status == 401 else { return answer }
        if await credentials.renew() {
            answer.abandon()
            let fresh = try await credentials.current()
            let again = try await exchange(request, fresh)
            guard again.status == 401 else { return again }
            if let expired = ErrorText.expiredClient(fresh, now: time.now()) { throw expired }
            return again
        }
        if let expired = ErrorText.expiredClient(first, now: time.now()) {
            answer.abandon()
            throw expired
        }
        return answer
    }

    private func exchange(_ request: Request, _ current: Credentials.Current) async throws -> Answer {
        let deadline = requestTimeout.map { NIODeadline.now() + TimeAmount($0) }
        // A kept connection may have been closed by the other side in the meantime; then a new one is used. Every
        // request this client makes may be sent twice.
        while let kept = take(current.generation) {
            do {
                return try await exchange(request, current, on: kept, deadline)
            } catch let error as ClientError where error.code == .timeout {
                kept.close()
                throw explain(error, during: "before an answer")
            } catch {
                kept.close()
                try Task.checkCancellation()
            }
        }
        let connection = try await connector.connect(current)
        do {
            return try await exchange(request, current, on: connection, deadline)
        } catch {
            connection.close()
            try Task.checkCancellation()
            if "\(error)".contains("ALERT"), let expired = ErrorText.expiredClient(current, now: time.now()) {
                throw expired
            }
            throw explain(error, during: "before an answer")
        }
    }

    private func exchange(
        _ request: Request, _ current: Credentials.Current, on connection: HTTPConnection, _ deadline: NIODeadline?
    ) async throws -> Answer {
        var headers = HTTPHeaders()
        headers.add(name: "Host", value: server.hostHeader)
        headers.add(name: "User-Agent", value: "martlet")
        headers.add(name: "Accept", value: request.accept)
        for (name, value) in current.headers { headers.add(name: name, value: value) }
        if let body = request.body {
            headers.add(name: "Content-Type", value: "application/json")
            headers.add(name: "Content-Length", value: String(body.count))
        }
        var uri = server.basePath + request.path
        if let proxy = connector.forwardingProxy {
            uri = "http://\(server.authority)\(uri)"
            if let authorization = proxy.authorization {
                headers.add(name: "Proxy-Authorization", value: authorization)
            }
        }
        connection.send(
            HTTPRequestHead(version: .http1_1, method: request.method, uri: uri, headers: headers), body: request.body)
        let patience = TimeAmount(request.patience)
        while true {
            guard case .head(let head) = try await connection.next(within: Self.limit(patience, deadline)) else {
                // The end of an informational answer.
                continue
            }
            if (100..<200).contains(head.status.code) { continue }
            return Answer(
                status: Int(head.status.code), headers: head.headers, connection: connection,
                keepsAlive: head.isKeepAlive, patience: patience, deadline: deadline, transport: self)
        }
    }

    fileprivate static func limit(_ patience: TimeAmount, _ deadline: NIODeadline?) -> TimeAmount {
        guard let deadline else { return patience }
        return min(patience, max(.nanoseconds(1), deadline - .now()))
    }

    /// One line for a connection that failed after it stood.
    fileprivate func explain(_ error: any Error, during moment: String) -> any Error {
        switch error {
        case is CancellationError: return error
        case let error as ClientError where error.code == .timeout:
            return ClientError(
                .timeout,
                "\(server.authority) sent nothing for too long \(moment); try again, or raise --request-timeout")
        case let error as ClientError: return error
        default:
            let text = ErrorText.short(error)
            if text.contains("ALERT") { return ErrorText.handshake(error, with: server) }
            return ClientError(.connectionCut, "\(server.authority) closed the connection \(moment); try again")
        }
    }

    private func take(_ generation: Int) -> HTTPConnection? {
        idle.withLock { idle in
            idle.removeAll { !$0.channel.isActive || $0.generation != generation }
            return idle.popLast()
        }
    }

    fileprivate func keep(_ connection: HTTPConnection) {
        idle.withLock { if $0.count < capacity { $0.append(connection) } }
    }

    func close() { idle.withLock { $0.removeAll() } }
}

extension TimeAmount {
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self = .nanoseconds(min(seconds, 1 << 32) * 1_000_000_000 + attoseconds / 1_000_000_000)
    }
}
