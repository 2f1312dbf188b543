/// Where a value came from.
package enum Provenance: Sendable, Hashable, CustomStringConvertible {
    case flag(String)
    /// A flag that a program sets by itself in the components it holds.
    case builtIn(String, by: String)
    case environment(String)
    /// A field of a configuration file; the field is empty for the file as such.
    case file(String, field: String)
    case dropIn(String, field: String)
    /// What the kubelet itself says it runs with.
    case configz(field: String)
    case configMap(String, field: String)
    case defaultOf(ComponentVersion, isAssumed: Bool)
    /// etcd has versions of its own, and these defaults have not changed in them.
    case etcdDefault
    /// The kubelet's defaults without a configuration file, which are older and weaker.
    case legacyDefault
    case fileMode(String)
    case object(String)

    package var description: String {
        switch self {
        case .flag(let name): "flag --\(name)"
        case .builtIn(let name, let program): "flag --\(name), which \(program) sets by itself"
        case .environment(let name): "environment \(name)"
        case .file(let path, ""): "file \(path)"
        case .file(let path, let field): "\(field) in \(path)"
        case .dropIn(let path, let field): "\(field) in drop-in \(path)"
        case .configz(let field): "\(field) as the kubelet runs it (configz)"
        case .configMap(let name, let field): "\(field) in ConfigMap \(name)"
        case .defaultOf(let version, false): "default of Kubernetes \(version)"
        case .defaultOf(let version, true): "default of Kubernetes \(version), for want of the version"
        case .etcdDefault: "default of etcd"
        case .legacyDefault: "default of a kubelet without a configuration file"
        case .fileMode(let path): path
        case .object(let name): name
        }
    }
}
