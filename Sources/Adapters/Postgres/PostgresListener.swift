import CPostgres
import NIOPosix
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Hears what others on the same database tell each other (`NOTIFY`), over a connection of its own.
package enum PostgresListener {
    package enum Message: Sendable, Equatable {
        case text(String)
        /// The connection was lost, or nobody took what came: something may have been said meanwhile.
        case gap
    }

    /// What is said on a channel from now on, until nobody listens any more. A connection that is lost is made again.
    ///
    /// - Parameter channel: a plain name of letters and underscores.
    package static func messages(_ address: String, channel: String) -> AsyncStream<Message> {
        AsyncStream(bufferingPolicy: .bufferingNewest(1024)) { continuation in
            let isOver = Over()
            continuation.onTermination = { _ in isOver.flag.store(true, ordering: .releasing) }
            // One thread, which waits for the server and ends with the stream.
            let threads = NIOThreadPool(numberOfThreads: 1)
            threads.start()
            threads.submit { _ in
                var isFirst = true
                while !isOver.flag.load(ordering: .acquiring) {
                    listen(address, channel, isFirst, continuation, isOver)
                    isFirst = false
                    _ = poll(nil, 0, 500)
                }
                threads.shutdownGracefully { _ in }
            }
        }
    }

    private final class Over: Sendable { let flag = Atomic(false) }

    /// Returns when the connection is lost, cannot be made, or is wanted no more.
    private static func listen(
        _ address: String, _ channel: String, _ isFirst: Bool, _ continuation: AsyncStream<Message>.Continuation,
        _ isOver: Over
    ) {
        guard let connection = try? PostgresConnection(address),
            (try? connection.command("LISTEN \(channel)")) != nil
        else { return }
        if !isFirst { continuation.yield(.gap) }
        while !isOver.flag.load(ordering: .acquiring), let texts = connection.notices(within: 500) {
            for text in texts {
                if case .dropped = continuation.yield(.text(text)) { continuation.yield(.gap) }
            }
        }
    }
}

extension PostgresConnection {
    /// What was said on the channels this connection listens on, after at most so many milliseconds; nil when the
    /// connection is gone.
    fileprivate func notices(within milliseconds: Int32) -> [String]? {
        var socket = pollfd(fd: PQsocket(handle), events: Int16(POLLIN), revents: 0)
        guard socket.fd >= 0 else { return nil }
        _ = poll(&socket, 1, milliseconds)
        guard PQconsumeInput(handle) == 1, isAlive else { return nil }
        var out: [String] = []
        while let notice = PQnotifies(handle) {
            out.append(String(cString: notice.pointee.extra))
            PQfreemem(notice)
        }
        return out
    }
}
