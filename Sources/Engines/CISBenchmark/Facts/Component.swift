import Documents

/// A process of Kubernetes that the benchmark asks about.
package enum Component: String, Sendable, Hashable, CaseIterable, Comparable {
    case apiServer = "kube-apiserver"
    case controllerManager = "kube-controller-manager"
    case scheduler = "kube-scheduler"
    case etcd
    case kubelet
    case proxy = "kube-proxy"

    /// Whether it runs on the nodes of the control plane only.
    package var isControlPlane: Bool { self != .kubelet && self != .proxy }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
    package static func < (a: Self, b: Self) -> Bool { a.rank < b.rank }
}

/// What is known of a component: how it is called, its flags, and the defaults of each version.
///
/// Source: `Resources/components.json`.
struct ComponentFacts: Sendable {
    struct Setting: Sendable {
        enum Kind: Sendable { case text, list, map }
        var kind = Kind.text
        /// The flag, without dashes.
        var flag: String
        /// The field of the configuration file; nil where only the flag has it.
        var field: [String]?
        /// By the version that brought it, oldest first; nil for a setting that is not set by itself.
        var defaults: [(since: ComponentVersion, value: String?)]
        /// The default of a kubelet without a configuration file.
        var defaultWithoutFile: String?

        func defaultValue(_ version: ComponentVersion) -> String? {
            (defaults.last { $0.since <= version } ?? defaults.first)?.value
        }
    }

    struct Configuration: Sendable {
        var flag: String
        var folder: String?
        var kinds: [String]
        /// Settings of the file that the flag does not override.
        var winners: Set<String>
        /// With a file, flags and environment are not read at all.
        var replaces: Bool
    }

    var executables: Set<String>
    var images: Set<String>
    var booleans: Set<String>
    var settings: [String: Setting]
    var configuration: Configuration?
    /// The prefix of the variables that set flags.
    var environment: String?
    private var gates: [String: [(since: ComponentVersion, isOn: Bool)]]
    private var plugins: [(since: ComponentVersion, names: [String])]

    /// Every flag there is a fact about.
    var flags: Set<String> { booleans.union(settings.values.map(\.flag)) }

    /// Whether a feature gate is on by itself; nil for gates that are not known.
    func gateDefault(_ gate: String, _ version: ComponentVersion) -> Bool? {
        gates[gate]?.last { $0.since <= version }?.isOn
    }

    /// Admission plugins that are on by themselves.
    func defaultPlugins(_ version: ComponentVersion) -> Set<String> {
        Set(plugins.filter { $0.since <= version }.flatMap(\.names))
    }

    /// A setting, known or not: any flag of the component can be asked for.
    func setting(_ name: String) -> Setting { settings[name] ?? Setting(flag: name, field: nil, defaults: []) }

    static let known: [Component: ComponentFacts] = {
        let root = FactFile.root(PackageResources.components_json, "components.json")
        var out: [Component: ComponentFacts] = [:]
        for component in Component.allCases {
            out[component] = ComponentFacts(root["components"][component.rawValue])
        }
        return out
    }()

    static func of(_ component: Component) -> ComponentFacts {
        guard let facts = known[component] else { preconditionFailure("components.json names every component") }
        return facts
    }

    private init(_ node: Node) {
        executables = Set(node["executables"].strings)
        images = Set(node["images"].strings)
        booleans = Set(node["booleans"].strings)
        environment = node["environment"].string
        let file = node["configuration"]
        configuration =
            file.isObject
            ? Configuration(
                flag: file["flag"].string ?? "", folder: file["folder"].string, kinds: file["kinds"].strings,
                winners: Set(file["wins"].strings), replaces: file["replaces"].bool ?? false) : nil
        settings = [:]
        for member in node["settings"].members {
            let name = member.key
            let value = member.value
            let kind: Setting.Kind =
                switch value["kind"].string {
                case "list": .list
                case "map": .map
                default: .text
                }
            let isFlagOnly = value["flagOnly"].bool ?? (value["flag"].isNull && value["field"].isNull)
            let field = (value["field"].string ?? name).split(separator: ".").map(String.init)
            settings[name] = Setting(
                kind: kind, flag: value["flag"].string ?? name, field: isFlagOnly ? nil : field,
                defaults: value["default"].elements.compactMap { pair in
                    pair[0].string.flatMap(ComponentVersion.init).map { ($0, pair[1].string) }
                }, defaultWithoutFile: value["withoutFile"].string)
        }
        gates = [:]
        for member in node["gates"].members {
            gates[member.key] = member.value.elements.compactMap { pair in
                pair[0].string.flatMap(ComponentVersion.init).map { ($0, pair[1].equals("true")) }
            }
        }
        plugins = node["plugins"].elements.compactMap { pair in
            pair[0].string.flatMap(ComponentVersion.init).map { ($0, pair[1].strings) }
        }
    }
}
