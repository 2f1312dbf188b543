package import Documents
package import Kubernetes

/// One running (or to be run) component, with everything that configures it.
package struct ComponentInstance: Sendable {
    package let component: Component
    /// The node it runs on; empty where that is not known.
    package var node: String
    /// The pod, and the container in it; nil for a process.
    package var object: KubernetesObject?
    package var container: Node?
    package var command: ComponentCommand?
    package var environment: [String: String]
    package var files: ConfigurationFiles
    /// What a kubelet says of itself.
    package var configz: Node?
    /// The configuration file itself, where it was seen as an object rather than by its path.
    package var configuration: Node?
    package var configurationName = ""
    /// Nil where nothing tells it.
    package var version: ComponentVersion?
    /// Paths that a ConfigMap is mounted at: no files of the node.
    package var mountedObjects: [String] = []
    /// The process is a shell or wrapper that may have started the component as a process of its own.
    var wasShell = false
    /// Layers of the configuration, the strongest first, read once.
    private var layers: Layers

    struct Layer: Sendable {
        var root: Node
        var path: String
        var isDropIn: Bool
    }

    struct Layers: Sendable {
        /// A file is named, whether or not it was seen.
        var isNamed = false
        var files: [Layer] = []
        /// Why a file that is named could not be read.
        var problem: String?
    }

    package init(
        _ component: Component, node: String = "", object: KubernetesObject? = nil, container: Node? = nil,
        command: ComponentCommand?, environment: [String: String] = [:], files: ConfigurationFiles,
        version: ComponentVersion?, configz: Node? = nil, configuration: (node: Node, name: String)? = nil
    ) {
        self.component = component
        self.node = node
        self.object = object
        self.container = container
        self.command = command
        self.environment = environment
        self.files = files
        self.version = version
        self.configz = configz
        self.configuration = configuration?.node
        configurationName = configuration?.name ?? ""
        layers = Layers()
        readOpenShiftFile()
        layers = readLayers()
    }

    var facts: ComponentFacts { ComponentFacts.of(component) }

    /// The version whose defaults are taken, and whether that is a guess.
    var defaultsVersion: (version: ComponentVersion, isAssumed: Bool) {
        (version ?? .newest, version == nil)
    }

    /// `kube-apiserver on cp-1`
    package var title: String { node.isEmpty ? component.rawValue : "\(component.rawValue) on \(node)" }

    /// The container, or the object, that a missing setting belongs to.
    var place: Node? { container ?? object?.node }

    /// Flags that are not known and are written nearly as one that is. Flags that no control looks at are not all known,
    /// so what resembles none is no mistake.
    var mistypedFlags: [(wrong: String, meant: String)] {
        let known = facts.flags
        var told: Set<String> = []
        return (command?.flags ?? []).compactMap { use in
            guard use.name.utf8.count >= 8, !known.contains(use.name), told.insert(use.name).inserted else {
                return nil
            }
            return EditDistance.nearest(to: use.name, in: known, within: 2, by: \.self).map { (use.name, $0) }
        }
    }

    // MARK: Settings

    /// A setting in effect.
    package func setting(_ name: String) -> Setting {
        let known = facts.setting(name)
        let configuration = facts.configuration
        // etcd reads nothing else beside its file.
        if configuration?.replaces == true, layers.isNamed {
            return fromFiles(name, known) ?? byDefault(name, known)
        }
        if let configz, known.field != nil {
            return fromConfigz(name, known, configz)
        }
        if configuration?.winners.contains(name) == true, layers.isNamed {
            if let found = fromFiles(name, known) { return found }
            return byDefault(name, known)
        }
        let flag = fromFlags(name, known)
        if known.kind == .map, let file = fromFiles(name, known) {
            return merged(file, flag)
        }
        if let flag { return flag }
        if let variable = fromEnvironment(name, known) { return variable }
        if let file = fromFiles(name, known) { return file }
        return byDefault(name, known)
    }

    private func fromFlags(_ name: String, _ known: ComponentFacts.Setting) -> Setting? {
        guard let command else { return nil }
        let uses = command.uses(known.flag)
        guard let last = uses.last else { return nil }
        let provenance =
            last.source ?? last.setBy.map { Provenance.builtIn(known.flag, by: $0) } ?? .flag(known.flag)
        switch known.kind {
        case .text: return Setting(name: name, value: .text(last.value), provenance: provenance, node: last.node)
        // Go's list flags add up when they are given again.
        case .list:
            let items = uses.flatMap { Self.items($0.value) }
            return Setting(name: name, value: .list(items), provenance: provenance, node: last.node)
        case .map:
            let pairs = uses.flatMap { Self.items($0.value) }
            return Setting(name: name, value: .map(Self.pairs(pairs)), provenance: provenance, node: last.node)
        }
    }

    private func fromEnvironment(_ name: String, _ known: ComponentFacts.Setting) -> Setting? {
        guard let prefix = facts.environment else { return nil }
        let variable = prefix + String(known.flag.uppercased().map { $0 == "-" ? "_" : $0 })
        guard let value = environment[variable] else { return nil }
        let node = container?["env"].elements.first { $0["name"].equals(variable) }
        return Setting(
            name: name, value: known.kind == .list ? .list(Self.items(value)) : .text(value),
            provenance: .environment(variable), node: node)
    }

    /// The value of the file and its drop-ins; `unknown` where a file that may hold it was not seen; nil where the files
    /// were seen and do not hold it.
    private func fromFiles(_ name: String, _ known: ComponentFacts.Setting) -> Setting? {
        guard layers.isNamed, let field = known.field else { return nil }
        if let problem = layers.problem { return Setting(name: name, value: .unknown(problem)) }
        var pairs: [Setting.Pair] = []
        var found: Setting?
        for layer in layers.files {
            let node = field.reduce(layer.root) { $0[$1] }
            // Empty text is Go's zero value: the default takes its place.
            guard !node.isNull, !node.equals("") else { continue }
            let text = field.joined(separator: ".")
            let provenance: Provenance =
                layer.isDropIn
                ? .dropIn(layer.path, field: text)
                : configuration != nil && component == .proxy
                    ? .configMap(layer.path, field: text) : .file(layer.path, field: text)
            guard let value = Self.value(node, known.kind) else {
                return Setting(
                    name: name, value: .unknown("\(text) in \(layer.path) is \(node.kind.phrase)"), node: node)
            }
            if case .map(let more) = value {
                pairs += more.filter { pair in !pairs.contains { $0.name == pair.name } }
                if found == nil { found = Setting(name: name, value: .unset, provenance: provenance, node: node) }
                continue
            }
            return Setting(name: name, value: value, provenance: provenance, node: node)
        }
        if var found {
            found.value = .map(pairs)
            return found
        }
        return nil
    }

    private func fromConfigz(_ name: String, _ known: ComponentFacts.Setting, _ root: Node) -> Setting {
        let field = known.field ?? []
        let node = field.reduce(root) { $0[$1] }
        let provenance = Provenance.configz(field: field.joined(separator: "."))
        guard !node.isNull, let value = Self.value(node, known.kind) else {
            // What a kubelet leaves out of its answer has Go's zero value; for these that is "not set".
            return Setting(name: name, value: Self.zero(known), provenance: provenance)
        }
        return Setting(name: name, value: value, provenance: provenance)
    }

    private static func zero(_ known: ComponentFacts.Setting) -> Setting.Value {
        // Numbers and booleans without `omitempty` are always there, so only a left-out zero is meant.
        let text = known.defaults.first?.value
        switch text {
        case "0", "50", "-1": return .text("0")
        case "true", "false": return .text("false")
        default: return .unset
        }
    }

    private func byDefault(_ name: String, _ known: ComponentFacts.Setting) -> Setting {
        if command == nil, configuration == nil {
            return Setting(name: name, value: .unknown("the command line of \(title) was not seen"))
        }
        if let hidden = command?.hidden { return Setting(name: name, value: .unknown(hidden)) }
        if command?.isEmbedded == true {
            return Setting(
                name: name,
                value: .unknown("what k3s was told is not seen: its process hides it, and there is no unit file"))
        }
        if let legacy = known.defaultWithoutFile, !layers.isNamed {
            return Setting(name: name, value: .text(legacy), provenance: .legacyDefault)
        }
        let (version, isAssumed) = defaultsVersion
        guard let value = known.defaultValue(version) else { return Setting(name: name, value: .unset) }
        let read: Setting.Value = known.kind == .list ? .list(Self.items(value)) : .text(value)
        let provenance: Provenance = component == .etcd ? .etcdDefault : .defaultOf(version, isAssumed: isAssumed)
        return Setting(name: name, value: read, provenance: provenance)
    }

    /// Feature gates of the file with those of the flag over them.
    private func merged(_ file: Setting, _ flag: Setting?) -> Setting {
        guard let flag, case .map(let above) = flag.value else { return file }
        guard case .map(let below) = file.value else { return flag }
        var merged = flag
        merged.value = .map(above + below.filter { pair in !above.contains { $0.name == pair.name } })
        return merged
    }

    var layersSeen: [Layer] { layers.files }

    // MARK: Layers

    private func readLayers() -> Layers {
        guard let known = facts.configuration else { return Layers() }
        var layers = Layers()
        if let configuration {
            layers.isNamed = true
            layers.files = [Layer(root: configuration, path: configurationName, isDropIn: false)]
        }
        let path =
            command?.uses(known.flag).last?.value
            ?? facts.environment.flatMap { prefix in
                environment[prefix + String(known.flag.uppercased().map { $0 == "-" ? "_" : $0 })]
            }
        if let path, !path.isEmpty, configuration == nil {
            layers.isNamed = true
            read(path, known, into: &layers)
        }
        if let flag = known.folder, let folder = command?.uses(flag).last?.value, !folder.isEmpty {
            layers.isNamed = true
            readFolder(folder, known, into: &layers)
        }
        return layers
    }

    private func read(_ path: String, _ known: ComponentFacts.Configuration, into layers: inout Layers) {
        switch files.look(path) {
        case .absent: layers.problem = "\(path) is not on the node: it is in the container, or nowhere"
        case .unknown(let reason): layers.problem = reason
        case .found(let source):
            switch Self.document(source, kinds: known.kinds) {
            case .success(let root): layers.files.append(Layer(root: root, path: path, isDropIn: false))
            case .failure(let reason): layers.problem = "\(path): \(reason.text)"
            }
        }
    }

    private func readFolder(_ folder: String, _ known: ComponentFacts.Configuration, into layers: inout Layers) {
        guard let found = files.dropIns(folder) else {
            layers.problem = layers.problem ?? "\(folder) was not seen"
            return
        }
        if let unread = files.unreadDropIns(folder).first { layers.problem = "\(unread) could not be read" }
        for (path, source) in found {
            switch Self.document(source, kinds: known.kinds) {
            // The last in the order of names is the strongest.
            case .success(let root): layers.files.insert(Layer(root: root, path: path, isDropIn: true), at: 0)
            case .failure(let reason): layers.problem = "\(path): \(reason.text)"
            }
        }
    }

    struct Unreadable: Error { var text: String }

    /// The one document of a configuration file; a component that finds anything else does not start.
    static func document(_ source: SourceText, kinds: [String]) -> Result<Node, Unreadable> {
        let set = DocumentReader.read(source)
        if let problem = set.problems.first { return .failure(Unreadable(text: problem.message)) }
        guard let root = set.documents.map(\.root).first(where: { !$0.isNull }), root.isObject else {
            return .failure(Unreadable(text: "it holds no configuration"))
        }
        if !kinds.isEmpty {
            guard let kind = root["kind"].string, kinds.contains(kind) else {
                return .failure(Unreadable(text: "it is no \(kinds.joined(separator: " or "))"))
            }
        }
        return .success(root)
    }

    // MARK: Values

    private static func value(_ node: Node, _ kind: ComponentFacts.Setting.Kind) -> Setting.Value? {
        switch kind {
        case .text: return node.text.map { .text($0) }
        case .list:
            if node.isArray { return .list(node.strings) }
            return node.string.map { .list(items($0)) }
        case .map:
            guard node.isObject else { return nil }
            return .map(
                node.members.compactMap { member in member.value.text.map { .init(name: member.key, value: $0) } })
        }
    }

    private static func items(_ text: String) -> [String] {
        text.split(separator: ",").map { item in
            String(item.drop { $0 == " " || $0 == "\"" }.reversed().drop { $0 == " " || $0 == "\"" }.reversed())
        }
    }

    private static func pairs(_ items: [String]) -> [Setting.Pair] {
        var out: [Setting.Pair] = []
        for item in items {
            let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let pair = Setting.Pair(name: String(parts[0]), value: parts.count == 2 ? String(parts[1]) : "")
            if let position = out.firstIndex(where: { $0.name == pair.name }) {
                out[position] = pair
            } else {
                out.append(pair)
            }
        }
        return out
    }
}

extension ComponentInstance {
    /// Settings that several layers set to different values: what wins is not what some reader expects.
    var conflicts: [String] {
        guard layersSeen.count > 1 || !layersSeen.isEmpty else { return [] }
        var out: [String] = []
        for (name, known) in facts.settings.sorted(by: { $0.key < $1.key }) {
            guard let field = known.field else { continue }
            var values: [(text: String, path: String)] = []
            if let flag = command?.uses(known.flag).last { values.append((flag.value, "--\(known.flag)")) }
            for layer in layersSeen {
                let node = field.reduce(layer.root) { $0[$1] }
                if let text = node.text { values.append((text, layer.path)) }
            }
            guard let winner = values.first, let other = values.first(where: { $0.text != winner.text }) else {
                continue
            }
            out.append("\(name) is \(winner.text) by \(winner.path), which stands over \(other.text) in \(other.path)")
        }
        return out
    }
}
