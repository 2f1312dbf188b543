import Documents
import Kubernetes

/// What the LimitRanges of a namespace fill in where a container says nothing.
///
/// Source: LimitRanger admission plugin; a default limit without a default request is the request too.
struct ContainerDefaults: Sendable {
    private var limits: [String: Set<String>] = [:]
    private var requests: [String: Set<String>] = [:]

    init(_ inventory: Inventory) {
        for range in inventory.objects("LimitRange") {
            for item in range.node["spec"]["limits"].elements where item["type"].equals("Container") {
                for member in item["default"].members {
                    limits[range.namespace, default: []].insert(member.key)
                    requests[range.namespace, default: []].insert(member.key)
                }
                for member in item["defaultRequest"].members {
                    requests[range.namespace, default: []].insert(member.key)
                }
            }
        }
    }

    func hasLimit(_ resource: String, in namespace: String) -> Bool { limits[namespace]?.contains(resource) ?? false }
    func hasRequest(_ resource: String, in namespace: String) -> Bool {
        requests[namespace]?.contains(resource) ?? false
    }
}
