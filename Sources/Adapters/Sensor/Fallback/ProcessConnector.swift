#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The kernel's news of processes that began, started a program or ended, for who may not load programs into it.
///
/// Source: linux/cn_proc.h, linux/connector.h. Needs CAP_NET_ADMIN in the machine's first namespaces.
final class ProcessConnector {
    enum News: Equatable {
        case fork(parent: UInt32, child: UInt32)
        case exec(UInt32)
        case exit(UInt32, status: Int64)
    }

    private let socket: Int32
    var descriptor: Int32 { socket }
    /// Times the socket's buffer was full: nobody can say how much was lost.
    private(set) var overflows: UInt64 = 0
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    private static let family: UInt16 = 16
    private static let connector: Int32 = 11
    private static let processes: UInt32 = 1
    private static let listen: UInt32 = 1

    init() throws(SensorError) {
        socket = Self.open()
        guard socket >= 0 else { throw Self.error("has no socket") }
        var size: Int32 = 8 << 20
        // More than the usual limit where that is allowed: bursts of programs are common.
        if setsockopt(socket, SOL_SOCKET, Int32(SO_RCVBUFFORCE), &size, 4) != 0 {
            setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &size, 4)
        }
        var address: [UInt8] = []
        for number in [Self.family, 0] { withUnsafeBytes(of: number) { address += $0 } }
        for number in [UInt32(0), Self.processes] { withUnsafeBytes(of: number) { address += $0 } }
        let isBound = address.withUnsafeBytes { bytes in
            bytes.assumingMemoryBound(to: sockaddr.self).baseAddress.map { bind(socket, $0, socklen_t(bytes.count)) }
        }
        guard isBound == 0, subscribe() else {
            let error = Self.error("is refused")
            close(socket)
            throw error
        }
    }

    private static func open() -> Int32 {
        #if canImport(Glibc)
            let kind = Int32(SOCK_DGRAM.rawValue)
        #else
            let kind = SOCK_DGRAM
        #endif
        return Glibc.socket(Int32(family), kind | Int32(SOCK_CLOEXEC.rawValue), connector)
    }

    private static func error(_ what: String) -> SensorError {
        SensorError(
            code: .capability,
            message: "the connector of processes \(what): \(String(cString: strerror(errno))) (CAP_NET_ADMIN)")
    }

    /// A message of the socket, one of the connector inside, and the word "listen" inside of that.
    private func subscribe() -> Bool {
        var message: [UInt8] = []
        func add<T>(_ number: T) { withUnsafeBytes(of: number) { message += $0 } }
        add(UInt32(16 + 20 + 4))
        add(UInt16(3))
        add(UInt16(0))
        add(UInt32(0))
        add(UInt32(getpid()))
        add(Self.processes)
        add(UInt32(1))
        add(UInt32(0))
        add(UInt32(0))
        add(UInt16(4))
        add(UInt16(0))
        add(Self.listen)
        return send(socket, message, message.count, 0) == message.count
    }

    /// Everything that waits.
    func take(_ take: (News) -> Void) {
        while true {
            let count = recv(socket, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            if count < 0, errno == ENOBUFS {
                overflows += 1
                continue
            }
            guard count > 0 else { return }
            for news in Self.read(buffer[..<count]) { take(news) }
        }
    }

    /// The news of a datagram; bytes that are none give nothing.
    static func read(_ bytes: ArraySlice<UInt8>) -> [News] {
        let bytes = Array(bytes)
        func number(_ at: Int) -> UInt32? {
            guard at >= 0, at + 4 <= bytes.count else { return nil }
            return UInt32(bytes[at]) | UInt32(bytes[at + 1]) << 8 | UInt32(bytes[at + 2]) << 16
                | UInt32(bytes[at + 3]) << 24
        }
        var out: [News] = []
        var at = 0
        while let length = number(at).map(Int.init), length >= 16 + 20 + 24, at + length <= bytes.count {
            // Behind both heads: what, processor, time, then what belongs to it.
            let event = at + 36
            defer { at += (length + 3) & ~3 }
            guard number(at + 16) == processes, let what = number(event) else { continue }
            switch what {
            case 1:
                // A thread has the number of its process; it is no process.
                guard let parent = number(event + 20), let thread = number(event + 24), let child = number(event + 28),
                    thread == child
                else { continue }
                out.append(.fork(parent: parent, child: child))
            case 2:
                if let process = number(event + 20) { out.append(.exec(process)) }
            case 0x8000_0000:
                guard let thread = number(event + 16), let process = number(event + 20), thread == process,
                    let status = number(event + 24)
                else { continue }
                out.append(.exit(process, status: Int64(status)))
            default: continue
            }
        }
        return out
    }

    deinit { close(socket) }
}
