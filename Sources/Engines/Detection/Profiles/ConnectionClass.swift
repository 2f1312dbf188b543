/// A class of connections of one workload: many connections are one class, and a new class is news.
package struct ConnectionClass: Sendable, Hashable, Comparable, CustomStringConvertible {
    package enum Direction: String, Sendable, Hashable { case inbound, outbound }

    /// Who is at the other end, as exactly as it is known.
    package enum Peer: Sendable, Hashable {
        case workload(String)
        case service(String)
        /// A DNS name that the process looked up.
        case name(String)
        /// An address nothing is known of, as the network it lies in.
        case network(String)

        var text: String {
            switch self {
            case .workload(let name): "workload \(name)"
            case .service(let name): "service \(name)"
            case .name(let name): "name \(name)"
            case .network(let name): "network \(name)"
            }
        }
    }

    package var direction: Direction
    package var transport: String
    /// The port of the server's side; 0 for the ports clients are given.
    package var port: UInt16
    package var peer: Peer

    /// Ports from here on are given to clients and say nothing.
    package static let firstEphemeralPort: UInt16 = 32768

    package init(
        direction: Direction, transport: String, serverPort: UInt16, address: [UInt8], workload: String? = nil,
        service: String? = nil, name: String? = nil
    ) {
        self.direction = direction
        self.transport = transport
        port = serverPort >= Self.firstEphemeralPort ? 0 : serverPort
        if let service {
            peer = .service(service)
        } else if let workload {
            peer = .workload(workload)
        } else if let name {
            peer = .name(name)
        } else {
            peer = .network(Self.network(of: address))
        }
    }

    /// Private networks by their well-known ranges; others by /16 and /48, about what one operator announces.
    static func network(of address: [UInt8]) -> String {
        let known: [(AddressRange, String)] = [
            (AddressRange(address: [127, 0, 0, 0], prefix: 8), "127.0.0.0/8"),
            (AddressRange(address: [169, 254, 169, 254], prefix: 32), "169.254.169.254/32"),
            (AddressRange(address: [169, 254, 0, 0], prefix: 16), "169.254.0.0/16"),
            (AddressRange(address: [10, 0, 0, 0], prefix: 8), "10.0.0.0/8"),
            (AddressRange(address: [172, 16, 0, 0], prefix: 12), "172.16.0.0/12"),
            (AddressRange(address: [192, 168, 0, 0], prefix: 16), "192.168.0.0/16"),
        ]
        if let found = known.first(where: { $0.0.contains(address) }) { return found.1 }
        if address.count == 4 { return "\(AddressText.text([address[0], address[1], 0, 0]))/16" }
        guard address.count == 16 else { return "unknown" }
        if address.dropLast().allSatisfy({ $0 == 0 }), address.last == 1 { return "::1/128" }
        return "\(AddressText.text(Array(address[..<6]) + [UInt8](repeating: 0, count: 10)))/48"
    }

    package var description: String {
        "\(direction.rawValue) \(transport)/\(port == 0 ? "client" : String(port)) \(peer.text)"
    }

    package static func < (a: Self, b: Self) -> Bool { a.description < b.description }
}
