import Documents
import Kubernetes

/// Which service accounts are given rights by a RoleBinding or a ClusterRoleBinding.
struct AccountBindings: Sendable {
    enum Rights: Sendable {
        /// Some binding names the account or a group it is in.
        case bound
        /// Every binding is known, and none names it.
        case none
        /// Bindings are not known; why.
        case unknown(String)
    }

    /// `namespace/name`; a subject without a namespace has an empty one.
    private var accounts: Set<String> = []
    private var names: Set<String> = []
    private var namespaces: Set<String> = []
    private var isEveryAccountBound = false
    /// Folders of files with bindings in them.
    private var folders: Set<String> = []
    private var isAnyKnown = false
    private let unlistedKinds: [String]

    init(_ inventory: Inventory, unlistedKinds: Set<String>) {
        self.unlistedKinds = unlistedKinds.intersection(["RoleBinding", "ClusterRoleBinding"]).sorted()
        for kind in ["RoleBinding", "ClusterRoleBinding"] {
            for binding in inventory.objects(kind, of: "rbac.authorization.k8s.io") { read(binding) }
        }
    }

    private mutating func read(_ binding: KubernetesObject) {
        isAnyKnown = true
        folders.insert(Self.folder(binding))
        for subject in binding.node["subjects"].elements {
            let name = subject["name"].string ?? ""
            switch subject["kind"].string {
            case "ServiceAccount":
                accounts.insert("\(subject["namespace"].string ?? "")/\(name)")
                names.insert(name)
            case "User" where name.hasPrefix("system:serviceaccount:"):
                let parts = name.split(separator: ":")
                guard parts.count == 4 else { continue }
                accounts.insert("\(parts[2])/\(parts[3])")
                names.insert(String(parts[3]))
            // Kubernetes' own bindings of these groups give discovery to everybody; no workload is meant.
            case "Group" where !binding.name.hasPrefix("system:"):
                if name == "system:serviceaccounts" { isEveryAccountBound = true }
                if name.hasPrefix("system:serviceaccounts:") { namespaces.insert(String(name.dropFirst(23))) }
            default: continue
            }
        }
    }

    /// Whether a binding names the account, groups aside.
    func isNamed(_ name: String, in namespace: String) -> Bool {
        // Where a file leaves the namespace open, the name decides.
        accounts.contains("\(namespace)/\(name)") || accounts.contains("/\(name)")
            || (namespace.isEmpty && names.contains(name))
    }

    func rights(of name: String, in namespace: String, for object: KubernetesObject, defined: KubernetesObject?)
        -> Rights
    {
        if isEveryAccountBound || namespaces.contains(namespace) || isNamed(name, in: namespace) { return .bound }
        guard !object.file.isEmpty else {
            guard let kind = unlistedKinds.first else { return .none }
            return .unknown("\(kind) objects could not be listed")
        }
        // Nobody means to give rights to the default account; where one does, that is a finding of its own.
        if name == "default" { return .none }
        guard isAnyKnown else { return .unknown("no RoleBinding or ClusterRoleBinding is in the input") }
        guard let defined else { return .unknown("the service account is not in the input") }
        guard folders.contains(Self.folder(defined)) || folders.contains(Self.folder(object)) else {
            return .unknown("no RoleBinding or ClusterRoleBinding stands beside it in the input")
        }
        return .none
    }

    private static func folder(_ object: KubernetesObject) -> String {
        guard let slash = object.file.lastIndex(of: "/") else { return "" }
        return String(object.file[..<slash])
    }
}
