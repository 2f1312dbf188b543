package import Documents

/// A capture as one JSON document: what a pod on a node prints, and what is read elsewhere.
extension NodeCapture {
    package static let kind = "NodeCapture"
    package static let apiVersion = "martlet.dev/v1"

    package static func isOne(_ root: Node) -> Bool {
        root["kind"].equals(kind) && root["apiVersion"].equals(apiVersion)
    }

    package func json() -> String {
        var writer = JSONWriter(compact: false)
        writer.object { writer in
            writer.member("apiVersion", Self.apiVersion)
            writer.member("kind", Self.kind)
            writer.member("node", name)
            writer.member("hasOwners", hasOwners)
            if let processProblem { writer.member("processProblem", processProblem) }
            writer.member(
                "processes",
                array: { writer in
                    for process in processes { Self.write(process, to: &writer) }
                })
            writer.member(
                "matches",
                array: { writer in
                    for (pattern, paths) in matches.sorted(by: { $0.key < $1.key }) {
                        writer.object { writer in
                            writer.member("pattern", pattern)
                            writer.member("paths", paths)
                        }
                    }
                })
            writer.member(
                "files",
                array: { writer in
                    for (path, file) in files.sorted(by: { $0.key < $1.key }) { Self.write(path, file, to: &writer) }
                })
        }
        return writer.string + "\n"
    }

    private static func write(_ process: Process, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("pid", process.pid)
            writer.member("arguments", process.arguments)
            if let user = process.user { writer.member("user", user) }
            writer.member(
                "environment",
                array: { writer in
                    for (name, value) in process.environment.sorted(by: { $0.key < $1.key }) {
                        writer.value("\(name)=\(value)")
                    }
                })
        }
    }

    private static func write(_ path: String, _ file: File, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("path", path)
            writer.member("kind", file.kind.rawValue)
            if file.kind != .absent, file.kind != .unreadable {
                writer.member("mode", "0" + String(file.mode, radix: 8))
                writer.member("uid", file.uid)
                writer.member("gid", file.gid)
                writer.member("owner", file.owner)
                writer.member("group", file.group)
            }
            if let problem = file.problem { writer.member("problem", problem) }
            if let content = file.content { writer.member("content", String(decoding: content.bytes, as: UTF8.self)) }
        }
    }

    /// Reads a capture; fields it does not know are left alone.
    package init(_ root: Node) {
        self.init(
            name: root["node"].string ?? "",
            processes: root["processes"].elements.map { node in
                var environment: [String: String] = [:]
                for text in node["environment"].strings {
                    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                    environment[String(parts[0])] = parts.count == 2 ? String(parts[1]) : ""
                }
                return Process(
                    pid: node["pid"].int ?? 0, arguments: node["arguments"].strings, environment: environment,
                    user: node["user"].int)
            },
            processProblem: root["processProblem"].string
                ?? (root["processes"].exists ? nil : "the capture holds no processes"))
        hasOwners = root["hasOwners"].bool ?? true
        var read: [String: File] = [:]
        for node in root["files"].elements {
            guard let path = node["path"].string else { continue }
            let content = node["content"].string.map { SourceText(name: path, bytes: Array($0.utf8)) }
            read[path] = File(
                kind: node["kind"].string.flatMap(File.Kind.init) ?? .file,
                mode: node["mode"].string.flatMap { Int($0, radix: 8) } ?? 0, uid: node["uid"].int ?? 0,
                gid: node["gid"].int ?? 0, owner: node["owner"].string ?? "", group: node["group"].string ?? "",
                content: content, problem: node["problem"].string)
        }
        for node in root["matches"].elements {
            guard let pattern = node["pattern"].string else { continue }
            let found = node["paths"].strings.map { (path: $0, file: read[$0] ?? .absent) }
            take(Request(pattern), found)
        }
        for (path, file) in read.sorted(by: { $0.key < $1.key }) where self[path] == nil {
            take(Request(path), [(path, file)])
        }
        // A path that is asked for by name has its file even where a pattern came first.
        for (path, file) in read where file.kind == .absent || file.kind == .unreadable {
            take(Request(path), [(path, file)])
        }
    }
}
