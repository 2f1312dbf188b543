import Documents

/// The one file that OpenShift starts a component of the control plane with, in the place of flags.
///
/// Source: openshift/api, `KubeAPIServerConfig` (`apiServerArguments`, `servingInfo`) and `KubeControllerManagerConfig`
/// (`extendedArguments`): the fields are flags of the component, each a list of values.
enum OpenShiftConfiguration {
    static let flag = "openshift-config"

    /// The ConfigMap that the operator writes the file into, by the namespace of the component's pods.
    static func configMapKey(_ namespace: String) -> String { "\(namespace)/config/config.yaml" }

    /// Where the argument lists lie, and the settings of the API server that have a field of their own.
    private static let arguments = ["apiServerArguments", "extendedArguments"]
    private static let fields: [(flag: String, path: [String])] = [
        ("tls-cert-file", ["servingInfo", "certFile"]), ("tls-private-key-file", ["servingInfo", "keyFile"]),
        ("client-ca-file", ["servingInfo", "clientCA"]), ("tls-min-version", ["servingInfo", "minTLSVersion"]),
        ("tls-cipher-suites", ["servingInfo", "cipherSuites"]),
        ("service-account-key-file", ["serviceAccountPublicKeyFiles"]),
        ("etcd-servers", ["storageConfig", "urls"]), ("etcd-cafile", ["storageConfig", "ca"]),
        ("etcd-certfile", ["storageConfig", "certFile"]), ("etcd-keyfile", ["storageConfig", "keyFile"]),
    ]

    /// The flags that a file stands for. An argument counts before the field of the same meaning.
    static func flags(_ root: Node, of path: String) -> [ComponentCommand.FlagUse] {
        var out: [ComponentCommand.FlagUse] = []
        func add(_ name: String, _ node: Node, _ field: String) {
            let values = node.isArray ? Array(node.elements) : [node]
            for value in values {
                guard let text = value.text else { continue }
                out.append(
                    ComponentCommand.FlagUse(
                        name: name, value: text, isBare: false, node: value, source: .file(path, field: field)))
            }
        }
        for list in arguments {
            for member in root[list].members { add(member.key, member.value, "\(list).\(member.key)") }
        }
        let named = Set(out.map(\.name))
        for (name, path) in fields where !named.contains(name) {
            add(name, path.reduce(root) { $0[$1] }, path.joined(separator: "."))
        }
        return out
    }
}

extension ComponentInstance {
    /// Takes the flags of OpenShift's file in, or says why they are not known.
    mutating func readOpenShiftFile() {
        guard let path = command?.uses(OpenShiftConfiguration.flag).last?.value, !path.isEmpty else { return }
        switch files.look(path) {
        case .absent: command?.hidden = "\(path) is not on the node: it is in the container, or nowhere"
        case .unknown(let reason): command?.hidden = reason
        case .found(let source):
            switch Self.document(source, kinds: []) {
            case .success(let root): adoptOpenShiftFile(root, path)
            case .failure(let reason): command?.hidden = "\(path): \(reason.text)"
            }
        }
    }

    mutating func adoptOpenShiftFile(_ root: Node, _ path: String) {
        guard var command else { return }
        command.hidden = nil
        command.flags = OpenShiftConfiguration.flags(root, of: path) + command.flags
        self.command = command
    }
}
