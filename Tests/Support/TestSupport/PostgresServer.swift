import Foundation
import Synchronization

/// A PostgreSQL of this machine, started once for all tests in a folder of its own, on a socket only.
package final class PostgresServer: Sendable {
    package static let programs = "/usr/lib/postgresql/15/bin"

    package static var isAvailable: Bool { FileManager.default.isExecutableFile(atPath: "\(programs)/postgres") }

    /// The one server; nil when it did not start.
    package static let shared: PostgresServer? = PostgresServer()

    package let folder: String
    /// As long as this is open, the server runs: it ends with this process, however that ends.
    private let lifeline = Pipe()
    private let count = Atomic<Int>(0)

    private init?() {
        guard Self.isAvailable else { return nil }
        folder = "/tmp/martlet-pg-\(ProcessInfo.processInfo.processIdentifier)"
        let isRoot = getuid() == 0
        // PostgreSQL refuses to run as root.
        let prefix = isRoot ? "setpriv --reuid=postgres --regid=postgres --clear-groups " : ""
        let script = """
            set -e
            mkdir -p \(folder) && chmod 700 \(folder)
            \(isRoot ? "chown postgres:postgres \(folder)" : "true")
            cd \(folder)
            \(prefix)\(Self.programs)/initdb -D \(folder)/data -U postgres -A trust -N -E UTF8 --locale=C >/dev/null
            \(prefix)\(Self.programs)/postgres -D \(folder)/data -k \(folder) -c listen_addresses='' -c fsync=off \
            -c full_page_writes=off -c max_connections=60 >\(folder)/log 2>&1 </dev/null &
            server=$!
            for _ in $(seq 100); do
              [ -S \(folder)/.s.PGSQL.5432 ] && \(Self.programs)/pg_isready -q -h \(folder) && break
              sleep 0.1
            done
            echo ready
            cat >/dev/null
            kill -INT $server
            wait $server || true
            rm -rf \(folder)
            """
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", script]
        process.standardInput = lifeline
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        guard let line = try? output.fileHandleForReading.read(upToCount: 6), !line.isEmpty else { return nil }
    }

    /// The address of a new, empty database.
    package func newDatabase() throws -> String {
        let name = "t\(count.add(1, ordering: .relaxed).newValue)"
        let process = Process()
        process.executableURL = URL(filePath: "\(Self.programs)/createdb")
        process.arguments = ["-h", folder, "-U", "postgres", name]
        process.standardInput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return "host=\(folder) user=postgres dbname=\(name)"
    }
}
