import Documents
import Kubernetes

/// Which service accounts are given rights by a RoleBinding or a ClusterRoleBinding.
struct AccountBindings: Sendable {
    enum Rights: Sendable {
        /// Some binding names the account.
        case bound
        /// Every binding is known, and none names it.
        case none
        /// Bindings are not known, or give to many at once; why.
        case unknown(String)
    }

    /// The folders of the bindings that name an account by `namespace/name`; either side of a file may leave the
    /// namespace open.
    private var folders: [String: Folders] = [:]
    /// The same by the name alone.
    private var foldersByName: [String: Folders] = [:]
    /// The folders of bindings to every account of a namespace, or of the cluster: the empty namespace.
    private var groups: [String: Folders] = [:]
    private var bindingFolders: Folders = [:]

    /// How many bindings of each folder there are.
    private typealias Folders = [String: Int]
    private let unlistedKinds: [String]

    init(_ inventory: Inventory, unlistedKinds: Set<String>) {
        self.unlistedKinds = unlistedKinds.intersection(["RoleBinding", "ClusterRoleBinding"]).sorted()
        for kind in ["RoleBinding", "ClusterRoleBinding"] {
            for binding in inventory.objects(kind, of: "rbac.authorization.k8s.io") { count(binding, by: 1) }
        }
    }

    /// Takes in what became of a binding.
    mutating func follow(_ before: KubernetesObject?, _ after: KubernetesObject?) {
        if let before { count(before, by: -1) }
        if let after { count(after, by: 1) }
    }

    /// The objects whose pods a binding may give rights to; nil where that may be anybody's.
    static func keys(of binding: KubernetesObject, in inventory: Inventory) -> [ObjectKey]? {
        var out: [ObjectKey] = []
        for subject in binding.node["subjects"].elements {
            let name = subject["name"].string ?? ""
            switch subject["kind"].string {
            case "ServiceAccount":
                out += inventory.keys(usingServiceAccount: name, in: subject["namespace"].string ?? binding.namespace)
            case "User" where name.hasPrefix("system:serviceaccount:"):
                let parts = name.split(separator: ":")
                if parts.count == 4 {
                    out += inventory.keys(usingServiceAccount: String(parts[3]), in: String(parts[2]))
                }
            case "Group" where name == "system:serviceaccounts" && !binding.name.hasPrefix("system:"): return nil
            case "Group" where name.hasPrefix("system:serviceaccounts:") && !binding.name.hasPrefix("system:"):
                out += inventory.keys(in: String(name.dropFirst("system:serviceaccounts:".utf8.count)))
            default: continue
            }
        }
        return out
    }

    private mutating func count(_ binding: KubernetesObject, by step: Int) {
        let folder = Self.folder(binding)
        Self.add(folder, step, to: &bindingFolders)
        for subject in binding.node["subjects"].elements {
            let name = subject["name"].string ?? ""
            switch subject["kind"].string {
            case "ServiceAccount": add(name, subject["namespace"].string ?? "", folder, step)
            case "User" where name.hasPrefix("system:serviceaccount:"):
                let parts = name.split(separator: ":")
                if parts.count == 4 { add(String(parts[3]), String(parts[2]), folder, step) }
            // Kubernetes' own bindings of these groups give discovery to everybody; no workload is meant.
            case "Group" where name.hasPrefix("system:serviceaccounts") && !binding.name.hasPrefix("system:"):
                Self.add(
                    folder, step, to: &groups, at: String(name.dropFirst("system:serviceaccounts:".utf8.count)))
            default: continue
            }
        }
    }

    private mutating func add(_ name: String, _ namespace: String, _ folder: String, _ step: Int) {
        Self.add(folder, step, to: &folders, at: "\(namespace)/\(name)")
        Self.add(folder, step, to: &foldersByName, at: name)
    }

    private static func add(_ folder: String, _ step: Int, to table: inout [String: Folders], at key: String) {
        add(folder, step, to: &table[key, default: [:]])
        if table[key]?.isEmpty == true { table[key] = nil }
    }

    private static func add(_ folder: String, _ step: Int, to folders: inout Folders) {
        let count = (folders[folder] ?? 0) + step
        folders[folder] = count > 0 ? count : nil
    }

    func rights(of name: String, in namespace: String, for object: KubernetesObject, defined: KubernetesObject?)
        -> Rights
    {
        if isNamed(name, in: namespace, for: object) { return .bound }
        for group in ["", namespace] where groups[group].map({ isNear($0, object) }) ?? false {
            return .unknown("a role is bound to every service account\(group.isEmpty ? "" : " of the namespace")")
        }
        guard !object.file.isEmpty else {
            guard let kind = unlistedKinds.first else { return .none }
            return .unknown("\(kind) objects could not be listed")
        }
        // Nobody means to give rights to the default account; where one does, that is a finding of its own.
        if name == "default" { return .none }
        guard !bindingFolders.isEmpty else { return .unknown("no RoleBinding or ClusterRoleBinding is in the input") }
        guard let defined else { return .unknown("the service account is not in the input") }
        guard bindingFolders[Self.folder(defined)] != nil || bindingFolders[Self.folder(object)] != nil else {
            return .unknown("no RoleBinding or ClusterRoleBinding stands beside it in the input")
        }
        return .none
    }

    private func isNamed(_ name: String, in namespace: String, for object: KubernetesObject) -> Bool {
        if !namespace.isEmpty, folders["\(namespace)/\(name)"] != nil { return true }
        // Where a file leaves the namespace open, the name decides; that of the default account says too little, so
        // that only a binding near by can mean it.
        let open = namespace.isEmpty ? foldersByName[name] : folders["/\(name)"]
        guard let open else { return false }
        return name == "default" ? isNear(open, object) : true
    }

    /// Whether one of the folders is the object's, is above, below or beside it; in a cluster all is near.
    private func isNear(_ folders: Folders, _ object: KubernetesObject) -> Bool {
        let own = Self.folder(object)
        return folders.keys.contains { folder in
            Self.isAbove(folder, own) || Self.isAbove(own, folder) || Self.parent(folder) == Self.parent(own)
        }
    }

    private static func isAbove(_ upper: String, _ lower: String) -> Bool {
        upper.isEmpty || upper == lower || lower.hasPrefix(upper + "/")
    }

    private static func parent(_ path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "" }
        return String(path[..<slash])
    }

    private static func folder(_ object: KubernetesObject) -> String { parent(object.file) }
}
