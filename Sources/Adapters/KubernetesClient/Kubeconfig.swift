package import Documents

/// The kubeconfig files of a user, merged as kubectl merges them: for each name the first file that has it wins.
package struct Kubeconfig: Sendable {
    /// An entry of a file, and the folder its relative paths start from.
    package struct Entry: Sendable {
        package let node: Node
        package let folder: String
        package let file: String
    }

    package private(set) var clusters: [String: Entry] = [:]
    package private(set) var users: [String: Entry] = [:]
    package private(set) var contexts: [String: Entry] = [:]
    package private(set) var currentContext = ""
    /// The files that were read, in order.
    package private(set) var files: [String] = []

    package init() {}

    package var isEmpty: Bool { clusters.isEmpty && contexts.isEmpty && users.isEmpty }
    /// Names of the contexts, in order.
    package var contextNames: [String] { contexts.keys.sorted() }

    /// Reads the file a flag names, which must be there; else the files of `KUBECONFIG`, those missing left out; else
    /// `~/.kube/config`, if there is one.
    package static func load(path: String? = nil, on machine: Machine) throws(ClientError) -> Kubeconfig {
        var merged = Kubeconfig()
        if let path, !path.isEmpty {
            guard let bytes = try read(path, machine) else {
                throw ClientError(.noConfiguration, "kubeconfig \(path) does not exist; check --kubeconfig")
            }
            try merged.add(bytes, file: path)
            return merged
        }
        if let list = machine.environment["KUBECONFIG"], !list.isEmpty {
            var seen: Set<Substring> = []
            for path in list.split(separator: ":") where seen.insert(path).inserted {
                if let bytes = try read(String(path), machine) { try merged.add(bytes, file: String(path)) }
            }
            return merged
        }
        let path = machine.homeDirectory + "/.kube/config"
        if let bytes = try read(path, machine) { try merged.add(bytes, file: path) }
        return merged
    }

    private static func read(_ path: String, _ machine: Machine) throws(ClientError) -> [UInt8]? {
        do {
            return try machine.read(path)
        } catch let error as ClientError {
            throw error
        } catch {
            throw ClientError(.badConfiguration, "kubeconfig \(path) cannot be read; check its permissions")
        }
    }

    /// Merges one file behind those already there.
    package mutating func add(_ bytes: [UInt8], file: String) throws(ClientError) {
        files.append(file)
        let set = DocumentReader.read(SourceText(name: file, bytes: bytes))
        // kubectl does not mind a key that stands twice; the last counts.
        if let problem = set.problems.first(where: { $0.code != .duplicateKey }) {
            throw ClientError(.badConfiguration, "kubeconfig \(problem); correct the file")
        }
        // kubectl takes an empty file for an empty configuration, and reads no second document.
        guard let root = set.documents.first?.root, !root.isNull else { return }
        guard root.isObject else {
            throw ClientError(.badConfiguration, "kubeconfig \(file): expected an object, found \(root.kind.phrase)")
        }
        if let kind = root["kind"].string, kind != "Config" {
            throw ClientError(
                .badConfiguration, "kubeconfig \(file): kind is \"\(kind)\", not \"Config\"; is this a manifest?")
        }
        try merge(root["clusters"], "cluster", \.clusters, file)
        try merge(root["users"], "user", \.users, file)
        try merge(root["contexts"], "context", \.contexts, file)
        if currentContext.isEmpty { currentContext = root["current-context"].string ?? "" }
    }

    private mutating func merge(
        _ list: Node, _ field: String, _ target: WritableKeyPath<Kubeconfig, [String: Entry]>, _ file: String
    ) throws(ClientError) {
        let folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? ""
        var own: Set<String> = []
        for entry in list.elements {
            guard let name = entry["name"].text else { continue }
            guard own.insert(name).inserted else {
                throw ClientError(
                    .badConfiguration,
                    "kubeconfig \(file): the \(field) \"\(name)\" stands twice; kubectl refuses such a file, remove one"
                )
            }
            guard self[keyPath: target][name] == nil else { continue }
            self[keyPath: target][name] = Entry(node: entry[field], folder: folder, file: file)
        }
    }
}

extension Kubeconfig.Entry {
    /// A path of the entry, from the folder of its file; nil when the field is empty.
    func path(_ field: String) -> String? {
        guard let path = node[field].string, !path.isEmpty else { return nil }
        return resolved(path)
    }

    func resolved(_ path: String) -> String {
        path.hasPrefix("/") || folder.isEmpty ? path : "\(folder)/\(path)"
    }
}
