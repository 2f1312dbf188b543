package import KubernetesClient

/// Where a cluster's objects come from.
package enum ClusterSource: Sendable {
    /// An API server that is listed and watched.
    case cluster(ClientConfiguration)
    /// Files and folders that stand for a cluster; read again when they change.
    case files([String])

    package var word: String {
        switch self {
        case .cluster: "kubeconfig"
        case .files: "files"
        }
    }
}

/// What to call a cluster in addresses and keys.
package enum ClusterName {
    /// `arn:aws:eks:eu/prod` becomes `arn-aws-eks-eu-prod`: letters, digits, `-`, `.` and `_`, at most 63 of them.
    package static func id(_ name: String) -> String {
        var out = ""
        for scalar in name.lowercased().unicodeScalars.prefix(200) {
            let isPlain =
                ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar) || scalar == "." || scalar == "_"
            if isPlain { out.unicodeScalars.append(scalar) } else if !out.hasSuffix("-") { out += "-" }
        }
        let trimmed = out.drop { $0 == "-" || $0 == "." }
        let text = String(trimmed.prefix(63))
        return text.isEmpty ? "cluster" : text
    }
}
