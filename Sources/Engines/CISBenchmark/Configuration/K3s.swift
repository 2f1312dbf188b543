package import Documents
import Kubernetes

/// The components inside k3s: one process, which sets flags by itself and takes more as `--kubelet-arg=name=value`.
///
/// RKE2 runs the control plane as static pods and the kubelet as a process of its own; it has no such parts.
///
/// Source: `Resources/k3s.json`.
package struct K3s: Sendable {
    /// Where the state of the cluster is kept.
    package enum Store: Sendable, Hashable { case etcd, database, unknown }

    /// k3s's own flags.
    private let own: ComponentCommand
    /// Its configuration files, the strongest last; what they say stands before the flags.
    private let files: [Node]
    private let isServer: Bool
    package var store = Store.unknown
    /// Whether the kubelet is configured by files, as since 1.32.
    package var hasKubeletFiles = false
    /// Whether all it was told is known. Its process hides its arguments, so without the unit file it is not.
    package var isComplete = false

    /// Nil for a command line that starts no server and no agent of k3s.
    package init?(_ words: [ComponentCommand.Word], files: [Node] = []) {
        // k3s writes "k3s server" over its arguments, as one text.
        let words = words.count == 1 ? Self.split(words) : words
        guard let first = words.first else { return nil }
        let name = first.text.split(separator: "/").last.map(String.init) ?? ""
        guard ["k3s", "k3s-server", "k3s-agent"].contains(name) else { return nil }
        let role = words.dropFirst().first?.text ?? ""
        guard name != "k3s" || role == "server" || role == "agent" else { return nil }
        isServer = role == "server" || name == "k3s-server"
        own = ComponentCommand(.apiServer, words.dropFirst())
        self.files = files
    }

    private static func split(_ words: [ComponentCommand.Word]) -> [ComponentCommand.Word] {
        words.flatMap { word in word.text.split(separator: " ").map { ComponentCommand.Word(String($0), word.node) } }
    }

    /// Whether the command line says more than the role.
    package var hasArguments: Bool { !own.flags.isEmpty }

    /// The command line in a systemd unit.
    package static func command(inUnit source: SourceText) -> [ComponentCommand.Word] {
        let text = String(decoding: source.bytes, as: UTF8.self)
        var line = ""
        var isOpen = false
        for part in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            if !isOpen {
                guard part.hasPrefix("ExecStart=") else { continue }
                line = String(part.dropFirst("ExecStart=".count).drop { "-@:+!".contains($0) })
            } else {
                line += part
            }
            isOpen = line.hasSuffix("\\")
            if !isOpen { break }
            line.removeLast()
        }
        return (ShellWords.commands(line).first ?? []).map { ComponentCommand.Word($0) }
    }

    // MARK: What it was told

    /// The last value of an option of k3s itself.
    private func told(_ name: String) -> String? {
        own.uses(name).last?.value ?? files.last { $0[name].exists }?[name].text
    }

    private func isTold(_ name: String) -> Bool { told(name).flatMap(Setting.bool) ?? false }

    /// The arguments for a component, as they are written.
    private func arguments(_ option: String) -> [ComponentCommand.Word] {
        let written = files.flatMap { file in
            file[option].isArray ? Array(file[option].elements) : file[option].exists ? [file[option]] : []
        }
        return written.compactMap { node in node.string.map { ComponentCommand.Word($0, node) } }
            + own.uses(option).map { ComponentCommand.Word($0.value, $0.node) }
    }

    // MARK: The components

    package var commands: [ComponentCommand] {
        let facts = Facts.known
        let data = told("data-dir") ?? facts.data
        var out: [ComponentCommand] = []
        for component in Component.allCases {
            guard let part = facts.parts[component], isServer || !part.isServersOnly, !isLeftOut(component) else {
                continue
            }
            var ours = part.flags
            switch component {
            case .apiServer:
                if isTold("secrets-encryption") { ours += facts.encryption }
                ours += storeFlags(facts)
            case .kubelet:
                ours += hasKubeletFiles ? part.withFiles : part.withoutFiles
                if isTold("protect-kernel-defaults") {
                    ours.append(.init(name: "protect-kernel-defaults", value: "true"))
                }
            default: break
            }
            out.append(command(component, ours, arguments(part.argument), data: data))
        }
        return out
    }

    private func isLeftOut(_ component: Component) -> Bool {
        switch component {
        case .apiServer: isTold("disable-apiserver")
        case .controllerManager: isTold("disable-controller-manager")
        case .scheduler: isTold("disable-scheduler")
        case .etcd: store == .database || isTold("disable-etcd")
        case .proxy: isTold("disable-kube-proxy")
        case .kubelet: isTold("disable-agent")
        }
    }

    private func storeFlags(_ facts: Facts) -> [Facts.Flag] {
        switch store {
        case .etcd: return facts.etcd
        case .unknown: return []
        case .database:
            // Only an etcd is spoken to directly; a database stands behind a socket of k3s itself.
            guard let endpoint = told("datastore-endpoint"), endpoint.hasPrefix("http") else { return facts.database }
            var flags = [Facts.Flag(name: "etcd-servers", value: endpoint)]
            for (option, flag) in [
                ("datastore-cafile", "etcd-cafile"), ("datastore-certfile", "etcd-certfile"),
                ("datastore-keyfile", "etcd-keyfile"),
            ] {
                if let path = told(option) { flags.append(.init(name: flag, value: path)) }
            }
            return flags
        }
    }

    /// What was told takes the place of what k3s sets; `name+=` stands behind it and `name-=` before it.
    private func command(
        _ component: Component, _ ours: [Facts.Flag], _ written: [ComponentCommand.Word], data: String
    ) -> ComponentCommand {
        var words: [ComponentCommand.Word] = []
        var added: [String: (before: [String], after: [String])] = [:]
        for word in written {
            let text = word.text.drop { $0 == "-" }
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            if parts.count == 2, name.hasSuffix("+") {
                added[String(name.dropLast()), default: ([], [])].after.append(String(parts[1]))
            } else if parts.count == 2, name.hasSuffix("-") {
                added[String(name.dropLast()), default: ([], [])].before.append(String(parts[1]))
            } else {
                words.append(.init("--\(text)", word.node))
            }
        }
        var command = ComponentCommand(component, words[...])
        command.isEmbedded = !isComplete
        let told = Set(command.flags.map(\.name))
        let set = ours.filter { !told.contains($0.name) && !($0.unless.map(told.contains) ?? false) }
        command.flags =
            set.map { flag in
                let value = flag.value.replacing("{data}", with: data)
                let more = added.removeValue(forKey: flag.name)
                return .init(
                    name: flag.name,
                    value: ((more?.before ?? []) + [value] + (more?.after ?? [])).joined(separator: ","), isBare: false,
                    setBy: more == nil ? "k3s" : nil)
            } + command.flags
        for (name, more) in added.sorted(by: { $0.key < $1.key }) {
            command.flags.append(
                .init(name: name, value: (more.before + more.after).joined(separator: ","), isBare: false))
        }
        return command
    }

    struct Facts: Sendable {
        struct Flag: Sendable {
            var name: String
            var value: String
            /// Not set where this one is given.
            var unless: String?
        }

        struct Part: Sendable {
            var argument: String
            var isServersOnly: Bool
            var flags: [Flag]
            var withFiles: [Flag]
            var withoutFiles: [Flag]
        }

        var data: String
        var parts: [Component: Part]
        var encryption: [Flag]
        var etcd: [Flag]
        var database: [Flag]

        static let known = Facts(FactFile.root(PackageResources.k3s_json, "k3s.json"))

        private init(_ root: Node) {
            func flags(_ node: Node) -> [Flag] {
                node.elements.map { Flag(name: $0[0].string ?? "", value: $0[1].string ?? "", unless: $0[2].string) }
            }
            data = root["data"].string ?? ""
            encryption = flags(root["encryption"])
            etcd = flags(root["etcd"])
            database = flags(root["database"])
            parts = [:]
            for component in Component.allCases {
                let node = root["parts"][component.rawValue]
                guard node.isObject else { continue }
                parts[component] = Part(
                    argument: node["argument"].string ?? "", isServersOnly: node["server"].bool ?? false,
                    flags: flags(node["flags"]), withFiles: flags(node["withFiles"]),
                    withoutFiles: flags(node["withoutFiles"]))
            }
        }
    }
}

extension K3s {
    private static let kubeletFiles = "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d/*.conf"
    private static let etcdFolder = "/var/lib/rancher/k3s/server/db/etcd"
    static let units = ["/etc/systemd/system/k3s.service", "/etc/systemd/system/k3s-agent.service"]

    /// The k3s of a process on a node that was looked at; nil for any other process.
    init?(_ words: [ComponentCommand.Word], on capture: NodeCapture) {
        let files = NodePlan.k3sFiles(capture)
        guard var found = K3s(words, files: files) else { return nil }
        let unit = Self.units.lazy.compactMap { capture[$0]?.content }.first
        if !found.hasArguments, let unit, let told = K3s(Self.command(inUnit: unit), files: files) { found = told }
        found.isComplete = unit != nil
        found.hasKubeletFiles = !(capture.paths(Self.kubeletFiles) ?? []).isEmpty
        switch capture[Self.etcdFolder]?.kind {
        case .folder: found.store = .etcd
        case .absent: found.store = .database
        default: break
        }
        self = found
    }

    /// The k3s of a node as it tells the cluster of itself: in an annotation with all it was told, secrets masked.
    init?(_ node: KubernetesObject) {
        guard let text = node.metadata["annotations"]["k3s.io/node-args"].string else { return nil }
        let told: [String]
        do throws(DocumentError) {
            told = try DocumentReader.readJSON(SourceText(name: "", bytes: Array(text.utf8))).strings
        } catch {
            return nil
        }
        guard let found = K3s((["k3s"] + told).map { ComponentCommand.Word($0) }) else { return nil }
        self = found
        isComplete = true
        hasKubeletFiles =
            node.node["status"]["nodeInfo"]["kubeletVersion"].string.flatMap(ComponentVersion.init)
            .map { $0 >= ComponentVersion(minor: 32) } ?? true
        if isServer { store = node.labels["node-role.kubernetes.io/etcd"] == "true" ? .etcd : .database }
    }
}
