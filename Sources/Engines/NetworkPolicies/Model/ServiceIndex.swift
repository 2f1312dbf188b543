import Documents
package import Kubernetes

/// The Services of a state by name, for policies that speak of them.
package struct ServiceIndex: Sendable {
    private var services: [String: KubernetesObject] = [:]

    package init(_ objects: [KubernetesObject]) {
        for object in objects where object.is("Service") { services["\(object.namespace)/\(object.name)"] = object }
    }

    package func service(_ name: String, in namespace: String) -> KubernetesObject? {
        services["\(namespace)/\(name)"]
    }

    /// The pods behind a Service; unknown when it is not there, or has no selector and so names its own endpoints.
    package func backends(of name: String, in namespace: String) -> PeerSelector {
        guard let service = service(name, in: namespace) else {
            return .unknown("Service \(namespace)/\(name) is not known", .anyone)
        }
        return Self.backends(of: service)
    }

    package static func backends(of service: KubernetesObject) -> PeerSelector {
        let labels = service.node["spec"]["selector"].stringMap
        guard !labels.isEmpty else {
            return .unknown("Service \(service.namespace)/\(service.name) has no selector", .anyone)
        }
        let place = LabelExpression.isIn(.namespaceName, [service.namespace])
        return .pods(.all([place] + labels.sorted { $0.key < $1.key }.map { .isIn(.own($0.key), [$0.value]) }))
    }

    /// Backends of the Services whose labels match.
    package func backends(in namespace: String?, where matches: ([String: String]) -> Bool) -> PeerSelector {
        let found = services.values.filter {
            (namespace == nil || $0.namespace == namespace) && matches($0.labels)
        }.sorted { $0.reference < $1.reference }
        return .union(found.map(Self.backends))
    }
}
