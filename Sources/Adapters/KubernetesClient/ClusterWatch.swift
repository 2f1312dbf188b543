package import Kubernetes

/// Everything that happens in a cluster, resource by resource, from now on.
///
/// A resource that may not be read, or that the server cannot give, is a gap and is tried again later; the others go on.
package struct ClusterWatch: Sendable {
    package enum Event: Sendable {
        /// All objects of a kind; what is not among them is gone.
        case listed(kind: String, group: String, [KubernetesObject])
        case changed(Inventory.Event)
        /// A resource is not seen.
        case gap(ReadGap)
        /// Nothing has changed, and the connection stands.
        case alive
    }

    package let client: APIClient
    package let namespace: String?
    package let set: ResourceSet
    /// Seconds until a resource that could not be read is tried again.
    package var patience = 120.0

    package init(_ client: APIClient, namespace: String? = nil, set: ResourceSet = .standard) {
        self.client = client
        self.namespace = namespace
        self.set = namespace == nil ? set : set.namespaced
    }

    /// A resource that is watched, and how much of its objects is asked for.
    package struct Item: Sendable, Hashable {
        package var resource: APIResource
        package var form: ObjectForm
    }

    /// What of the table this server can list and watch.
    package func items(_ discovery: Discovery) -> [Item] {
        var byName: [String: APIResource] = [:]
        for resource in discovery.preferred { byName[resource.description] = resource }
        return set.entries.compactMap { entry in
            let name = entry.group.isEmpty ? entry.name : "\(entry.name).\(entry.group)"
            guard let resource = byName[name], resource.verbs.contains("list"), resource.verbs.contains("watch") else {
                return nil
            }
            return Item(resource: resource, form: entry.form)
        }
    }

    /// Hands every event to `handle`, one resource's events in their order; ends only by cancellation or when the server
    /// no longer lets us in.
    package func run(_ items: [Item], _ handle: @escaping @Sendable (Event) async -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for item in items { group.addTask { try await follow(item, handle) } }
            try await group.waitForAll()
        }
    }

    private func follow(_ item: Item, _ handle: @Sendable (Event) async -> Void) async throws {
        let resource = item.resource
        let kind = resource.kind
        while true {
            do {
                for try await event in client.watch(resource, in: namespace, form: item.form) {
                    switch event {
                    case .listed(let objects):
                        let current = kind == "ReplicaSet" ? objects.filter { !Self.isHistory($0) } : objects
                        await handle(.listed(kind: kind, group: resource.group, current))
                    case .changed(.added(let object)), .changed(.modified(let object)):
                        // A ReplicaSet that was scaled away by its Deployment no longer runs anything.
                        let isHistory = kind == "ReplicaSet" && Self.isHistory(object)
                        await handle(.changed(isHistory ? .deleted(object) : .modified(object)))
                    case .changed(let change): await handle(.changed(change))
                    case .bookmark: await handle(.alive)
                    }
                }
                return
            } catch let error as ClientError where error.code == .unauthorized {
                throw error
            } catch let error as ClientError {
                let permission = Permission("list", resource.name, in: resource.group, namespace: namespace)
                let isForbidden = error.code == .forbidden
                await handle(
                    .gap(
                        ReadGap(
                            kind: isForbidden ? .forbidden : .unavailable, resource: resource.description,
                            permission: isForbidden ? permission : nil,
                            message: isForbidden
                                ? "not allowed to \(permission); martlet permissions prints the role that allows it"
                                : "\(resource) are not seen: \(error.message)")))
                let random = client.options.time.random()
                try await client.options.time.sleep(.seconds(patience * (1 + random / 2)))
            }
        }
    }

    private static func isHistory(_ object: KubernetesObject) -> Bool {
        let node = object.node
        return node["spec"]["replicas"].int == 0 && (node["status"]["replicas"].int ?? 0) == 0
            && node["metadata"]["ownerReferences"].elements.contains {
                $0["kind"].equals("Deployment") && $0["controller"].bool == true
            }
    }
}
