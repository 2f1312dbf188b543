package import Documents

/// What was seen of one node: its processes, and the files that were asked for.
///
/// A value, so that a node can be judged on the node, elsewhere, or again tomorrow. What was not looked at is not
/// absent: a path that nobody asked for, or that could not be read, says so.
package struct NodeCapture: Sendable {
    /// The node's name, as the cluster knows it where that is known.
    package var name: String
    package var processes: [Process]
    /// Why processes were not seen; nil when they were.
    package var processProblem: String?
    /// What was found, by absolute path on the node.
    package private(set) var files: [String: File] = [:]
    /// The paths each pattern led to, in order.
    package private(set) var matches: [String: [String]] = [:]
    /// Files whose owners are those of the node. A tree that was copied by another user has lost them.
    package var hasOwners = true

    package init(name: String, processes: [Process] = [], processProblem: String? = nil) {
        self.name = name
        self.processes = processes
        self.processProblem = processProblem
    }

    /// A running process.
    package struct Process: Sendable, Hashable {
        package var pid: Int
        package var arguments: [String]
        /// Only the variables that configure a component; an environment may hold secrets.
        package var environment: [String: String]
        package var user: Int?

        package init(pid: Int, arguments: [String], environment: [String: String] = [:], user: Int? = nil) {
            self.pid = pid
            self.arguments = arguments
            self.environment = environment
            self.user = user
        }
    }

    /// A path that was asked for.
    package struct File: Sendable {
        package enum Kind: String, Sendable { case file, folder, link, other, absent, unreadable }

        package var kind: Kind
        /// The lower twelve bits of the mode.
        package var mode: Int
        package var uid: Int
        package var gid: Int
        /// Names by the node's own passwd and group files; the number where they know none.
        package var owner: String
        package var group: String
        /// The bytes, where the content was asked for.
        package var content: SourceText?
        /// Why it could not be looked at.
        package var problem: String?

        package init(
            kind: Kind, mode: Int = 0, uid: Int = 0, gid: Int = 0, owner: String = "", group: String = "",
            content: SourceText? = nil, problem: String? = nil
        ) {
            self.kind = kind
            self.mode = mode
            self.uid = uid
            self.gid = gid
            self.owner = owner
            self.group = group
            self.content = content
            self.problem = problem
        }

        package static let absent = File(kind: .absent)
    }

    /// What is to be looked at: a path, or a pattern whose last parts may hold `*`; `**` goes down all folders.
    package struct Request: Sendable, Hashable, Comparable {
        package var pattern: String
        /// Whether the bytes are wanted. Never set for keys and kubeconfigs.
        package var wantsContent: Bool

        package init(_ pattern: String, wantsContent: Bool = false) {
            self.pattern = pattern
            self.wantsContent = wantsContent
        }

        package static func < (a: Self, b: Self) -> Bool {
            a.pattern == b.pattern ? !a.wantsContent && b.wantsContent : a.pattern < b.pattern
        }
    }

    /// Takes what a request led to. An empty list says that there is nothing.
    package mutating func take(_ request: Request, _ found: [(path: String, file: File)]) {
        matches[request.pattern] = found.filter { $0.file.kind != .absent }.map(\.path)
        if found.isEmpty { files[request.pattern] = files[request.pattern] ?? .absent }
        for (path, file) in found {
            // What was read before keeps its bytes when only the mode was asked for later.
            if file.content == nil, let known = files[path], known.content != nil { continue }
            files[path] = file
        }
    }

    /// Whether nothing of a node was found: no process, and none of the paths that were asked for.
    ///
    /// A folder that is no node's `/` looks like that; what it does not have says nothing of a node.
    package var isEmpty: Bool {
        processes.isEmpty && !files.values.contains { $0.kind != .absent }
    }

    /// The file at a path; nil when nobody looked.
    package subscript(_ path: String) -> File? { files[path] }

    /// The paths of a pattern; nil when nobody looked.
    package func paths(_ pattern: String) -> [String]? { matches[pattern] }

    package func hasAsked(_ request: Request) -> Bool {
        guard matches[request.pattern] != nil else { return false }
        guard request.wantsContent, let file = files[request.pattern] else { return true }
        return file.kind != .file || file.content != nil || file.problem != nil
    }
}
