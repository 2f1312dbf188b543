internal import SensorObject

extension SensorEvent.Socket {
    private static let inet: UInt16 = 2
    private static let inet6: UInt16 = 10
    private static let unix: UInt16 = 1

    /// What the kernel's socket and the address of the call say together.
    init(_ facts: socket_facts, address: [UInt8]?, call: SystemCall) {
        let isServer = call == .accept || call == .accept4 || call == .bind || call == .listen
        self.init(
            family: .other(facts.family), local: nil, remote: nil, transport: facts.protocol, isServer: isServer,
            path: nil)
        let given = address.flatMap { Self.address($0) }
        switch facts.family {
        case Self.inet, Self.inet6:
            let isV4 = facts.family == Self.inet
            family = isV4 ? .ipv4 : .ipv6
            let length = isV4 ? 4 : 16
            let local = withUnsafeBytes(of: facts.local) { Array($0.prefix(length)) }
            let remote = withUnsafeBytes(of: facts.remote) { Array($0.prefix(length)) }
            self.local = SensorEvent.Address(bytes: Self.plain(local), port: facts.local_port)
            let hasPeer = facts.remote_port != 0 || remote.contains { $0 != 0 }
            if hasPeer { self.remote = SensorEvent.Address(bytes: Self.plain(remote), port: facts.remote_port) }
            switch call {
            case .bind: if let given { self.local = given }
            case .connect, .sendto, .sendmsg: if let given { self.remote = given }
            default: break
            }
            // Version 6 sockets speak version 4, too.
            if let peer = self.remote, peer.bytes.count == 4 {
                family = .ipv4
                if let own = self.local, own.bytes.count == 16 {
                    self.local = SensorEvent.Address(bytes: [0, 0, 0, 0], port: own.port)
                }
            }
        case Self.unix:
            family = .unix
            if let address, address.count > 2 { path = Array(address.dropFirst(2).prefix { $0 != 0 }) }
        default: break
        }
    }

    /// `struct sockaddr` of version 4 or 6.
    private static func address(_ bytes: [UInt8]) -> SensorEvent.Address? {
        guard bytes.count >= 8 else { return nil }
        let family = UInt16(bytes[0]) | UInt16(bytes[1]) << 8
        let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        if family == inet { return SensorEvent.Address(bytes: Array(bytes[4..<8]), port: port) }
        if family == inet6, bytes.count >= 24 {
            return SensorEvent.Address(bytes: plain(Array(bytes[8..<24])), port: port)
        }
        return nil
    }

    /// A version 4 address inside of version 6 is one of version 4.
    private static func plain(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count == 16, bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF else {
            return bytes
        }
        return Array(bytes[12...])
    }
}

extension SensorEvent {
    /// A connection that a process opened.
    package static func connection(
        _ process: SensorProcess, from client: (bytes: [UInt8], port: UInt16),
        to server: (bytes: [UInt8], port: UInt16), time: UInt64
    ) -> SensorEvent {
        var event = SensorEvent(
            kind: .call(.connect), time: time, machineTime: time, number: 1, process: process, thread: process.id,
            result: 0, arguments: InlineArray(repeating: 0), processor: 0, isIncomplete: false)
        event.socket = Socket(
            family: server.bytes.count == 4 ? .ipv4 : .ipv6, local: Address(bytes: client.bytes, port: client.port),
            remote: Address(bytes: server.bytes, port: server.port), transport: 6, isServer: false, path: nil)
        return event
    }
}
