package import Documents

/// An AppArmor profile as the field holds it.
package struct AppArmorProfile: Sendable, Hashable {
    package var type: String
    package var localhostProfile: String?

    /// Behind it the container's name; deprecated since v1.30.
    package static let annotationPrefix = "container.apparmor.security.beta.kubernetes.io/"

    package init?(_ node: Node) {
        guard node.isObject else { return nil }
        type = node["type"].string ?? ""
        localhostProfile = node["localhostProfile"].string
    }

    /// The profile an annotation means; nil where the API server does not copy it, as it knows no such profile.
    package init?(annotation: String) {
        switch annotation {
        case "unconfined": type = "Unconfined"
        case "runtime/default": type = "RuntimeDefault"
        default:
            guard annotation.hasPrefix("localhost/") else { return nil }
            let name = String(annotation.dropFirst("localhost/".count))
            let isPadded = name.first?.isWhitespace ?? true || name.last?.isWhitespace ?? true
            guard !isPadded, name.utf8.count <= 4095 else { return nil }
            type = "Localhost"
            localhostProfile = name
        }
    }

    var value: DocumentValue {
        .object(
            [.init("type", .string(type))] + (localhostProfile.map { [.init("localhostProfile", .string($0))] } ?? []))
    }
}
