import Foundation
import Synchronization

/// What the machine that runs the tests offers them.
package enum TestMachine {
    /// Ports that one of these tests was given already.
    private static let given = Mutex(Set<UInt16>())

    /// Where a program of the PATH lies; nil where it is not installed.
    package static func program(_ name: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    /// A port of the loopback that nobody listens on, and that no other test was given. It lies below those that the
    /// kernel hands to clients (32768 and up), so that no connection takes it before the server under test does.
    package static func freePort() -> Int {
        while true {
            let port = UInt16.random(in: 15_000..<32_000)
            guard isFree(port), given.withLock({ $0.insert(port).inserted }) else { continue }
            return Int(port)
        }
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard socket >= 0 else { return false }
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
