internal import Sensor

/// Names of users and groups, from the account files of the machine and of each container.
final class Accounts {
    private struct Table {
        var users: [UInt32: String] = [:]
        var groups: [UInt32: String] = [:]
    }

    private var tables: [String: Table] = [:]
    private static let largest = 4096

    func user(_ id: UInt32, of process: SensorProcess?) -> String? { table(process)?.users[id] }
    func group(_ id: UInt32, of process: SensorProcess?) -> String? { table(process)?.groups[id] }

    private func table(_ process: SensorProcess?) -> Table? {
        let key = process?.container?.identity.id ?? ""
        if let known = tables[key] { return known }
        guard let process, process.container != nil else {
            let table = read(root: "")
            tables[key] = table
            return table
        }
        // A runtime is still on its way into the container: its root is not the container's yet.
        guard !process.name.starts(with: Array("runc".utf8)) else { return nil }
        let table = read(root: "/proc/\(process.id)/root")
        // The process is gone already, or the container has no accounts; both read as empty, and only one stays so.
        guard !table.users.isEmpty || process.ended == 0 else { return nil }
        if tables.count > Self.largest { tables.removeAll() }
        tables[key] = table
        return table
    }

    private func read(root: String) -> Table {
        Table(users: names("\(root)/etc/passwd"), groups: names("\(root)/etc/group"))
    }

    /// `name:x:number:…`, the first of a number counts.
    private func names(_ path: String) -> [UInt32: String] {
        guard let bytes = NodeFile.read(path, limit: 1 << 20) else { return [:] }
        var out: [UInt32: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
            guard parts.count > 2, let id = UInt32(parts[2]), out[id] == nil else { continue }
            out[id] = String(parts[0])
        }
        return out
    }
}
