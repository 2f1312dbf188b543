/// Names of users and groups by the node's own files: the numbers of a pod's image mean other people.
struct NodeAccounts {
    private var users: [Int: String] = [0: "root"]
    private var groups: [Int: String] = [0: "root"]

    init(_ files: NodeFiles) {
        users.merge(Self.read(files, "/etc/passwd")) { $1 }
        groups.merge(Self.read(files, "/etc/group")) { $1 }
    }

    func user(_ id: Int) -> String { users[id] ?? String(id) }
    func group(_ id: Int) -> String { groups[id] ?? String(id) }

    /// `name:password:number:…`, the first of a number.
    private static func read(_ files: NodeFiles, _ path: String) -> [Int: String] {
        guard case .bytes(let bytes) = files.read(path, limit: 4 << 20) else { return [:] }
        var out: [Int: String] = [:]
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let parts = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
            guard parts.count >= 3, let id = Int(String(decoding: parts[2], as: UTF8.self)), out[id] == nil else {
                continue
            }
            out[id] = String(decoding: parts[0], as: UTF8.self)
        }
        return out
    }
}
