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
    private var folders: [String: Set<String>] = [:]
    /// The same by the name alone.
    private var foldersByName: [String: Set<String>] = [:]
    /// The folders of bindings to every account of a namespace, or of the cluster: the empty namespace.
    private var groups: [String: Set<String>] = [:]
    private var bindingFolders: Set<String> = []
    private let unlistedKinds: [String]

    init(_ inventory: Inventory, unlistedKinds: Set<String>) {
        self.unlistedKinds = unlistedKinds.intersection(["RoleBinding", "ClusterRoleBinding"]).sorted()
        for kind in ["RoleBinding", "ClusterRoleBinding"] {
            for binding in inventory.objects(kind, of: "rbac.authorization.k8s.io") { read(binding) }
        }
    }

    private mutating func read(_ binding: KubernetesObject) {
        let folder = Self.folder(binding)
        bindingFolders.insert(folder)
        for subject in binding.node["subjects"].elements {
            let name = subject["name"].string ?? ""
            switch subject["kind"].string {
            case "ServiceAccount": add(name, subject["namespace"].string ?? "", folder)
            case "User" where name.hasPrefix("system:serviceaccount:"):
                let parts = name.split(separator: ":")
                if parts.count == 4 { add(String(parts[3]), String(parts[2]), folder) }
            // Kubernetes' own bindings of these groups give discovery to everybody; no workload is meant.
            case "Group" where name.hasPrefix("system:serviceaccounts") && !binding.name.hasPrefix("system:"):
                groups[String(name.dropFirst("system:serviceaccounts:".utf8.count)), default: []].insert(folder)
            default: continue
            }
        }
    }

    private mutating func add(_ name: String, _ namespace: String, _ folder: String) {
        folders["\(namespace)/\(name)", default: []].insert(folder)
        foldersByName[name, default: []].insert(folder)
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
        guard bindingFolders.contains(Self.folder(defined)) || bindingFolders.contains(Self.folder(object)) else {
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
    private func isNear(_ folders: Set<String>, _ object: KubernetesObject) -> Bool {
        let own = Self.folder(object)
        return folders.contains { folder in
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
