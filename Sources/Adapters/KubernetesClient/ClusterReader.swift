import Documents
import Kubernetes
import Synchronization

/// Reads a cluster, or one namespace of it, into an inventory. Only ever reads.
package struct ClusterReader: Sendable {
    package let client: APIClient
    package let namespace: String?
    package var set: ResourceSet
    /// Reads every custom resource served too, instead of naming those not read.
    package var readsAllCustomResources = false
    /// Resources read at once.
    package var width = 4
    /// Objects asked for at once.
    package var pageSize = 500

    package init(
        _ configuration: ClientConfiguration, namespace: String? = nil, set: ResourceSet = .standard,
        options: APIClient.Options = APIClient.Options()
    ) throws(ClientError) {
        self.init(try APIClient(configuration, options: options), namespace: namespace, set: set)
    }

    package init(_ client: APIClient, namespace: String? = nil, set: ResourceSet = .standard) {
        self.client = client
        self.namespace = namespace
        self.set = namespace == nil ? set : set.namespaced
    }

    /// Reads what there is. Throws when the cluster cannot be reached or takes nobody in; what only some resources have
    /// wrong with them is a gap of the snapshot.
    package func read(progress: (@Sendable (ReadProgress) -> Void)? = nil) async throws -> ClusterSnapshot {
        let time = client.options.time
        let start = time.now()
        // The first answer tells that this is an API server that lets us in, before many questions are asked.
        let version = try await client.version()
        let discovery = try await client.discover()
        let own = try await ownNamespace(discovery)
        let plan = plan(discovery)
        let tally = Tally(total: plan.reads.count, report: progress)
        let results = try await plan.reads.concurrentMap(width: width) { try await read($0, tally) }

        let named = try await readNamed(discovery)

        var inventory = Inventory()
        if let object = own.object { inventory.insert(object) }
        for result in results {
            for object in result.objects {
                let key = ObjectKey(object.reference)
                // A list that is not of one moment may have an object twice.
                if inventory[key] == nil { inventory.insert(object) } else { inventory.replace(key, with: object) }
            }
        }
        for object in named.objects where inventory[ObjectKey(object.reference)] == nil { inventory.insert(object) }
        return ClusterSnapshot(
            inventory: inventory, name: client.configuration.displayName, server: "\(client.configuration.server)",
            version: version, namespace: namespace, gaps: own.gaps + plan.gaps + results.compactMap(\.gap) + named.gaps,
            unreadKinds: plan.unread, reads: results.compactMap(\.read), warnings: client.configuration.warnings,
            seconds: max(0, time.now() - start))
    }

    // MARK: Planning

    private struct Item: Sendable {
        var resource: APIResource
        var form: ObjectForm
    }

    private struct Plan {
        var reads: [Item] = []
        var gaps: [ReadGap] = []
        var unread: [String] = []
    }

    private func plan(_ discovery: Discovery) -> Plan {
        var plan = Plan()
        let preferred = discovery.preferred
        var byName: [String: APIResource] = [:]
        for resource in preferred { byName[resource.description] = resource }
        var planned: Set<String> = []
        for entry in set.entries {
            let name = entry.group.isEmpty ? entry.name : "\(entry.name).\(entry.group)"
            guard let resource = byName[name], resource.verbs.contains("list") else { continue }
            planned.insert(name)
            plan.reads.append(Item(resource: resource, form: entry.form))
        }
        for resource in preferred where isCustom(resource) && !planned.contains(resource.description) {
            if readsAllCustomResources {
                plan.reads.append(Item(resource: resource, form: .full))
            } else {
                plan.unread.append(resource.description)
            }
        }
        plan.unread.sort()
        plan.gaps = discovery.unavailable.map { version in
            ReadGap(
                kind: .unavailable, resource: version,
                message: "the API \(version) is registered but does not answer; see kubectl get apiservices")
        }
        return plan
    }

    /// Whether a kind came with an operator rather than with Kubernetes.
    private func isCustom(_ resource: APIResource) -> Bool {
        guard resource.group.contains("."), resource.verbs.contains("list"), namespace == nil || resource.isNamespaced
        else { return false }
        // `*.k8s.io` without more is Kubernetes' own; `*.x-k8s.io` and the rest are not.
        return !resource.group.hasSuffix(".k8s.io")
            || set.entries.contains { $0.group == resource.group && !$0.isBuiltIn }
    }

    /// The Namespace object of a scan of one namespace: its labels count, and a name with a slip in it is noticed.
    private func ownNamespace(_ discovery: Discovery) async throws -> (object: KubernetesObject?, gaps: [ReadGap]) {
        guard let namespace else { return (nil, []) }
        guard let resource = discovery.resource("namespaces", in: "") else {
            throw client.notAnAPIServer("/api", "it serves no namespaces")
        }
        do {
            guard let node = try await client.object(resource, named: namespace) else {
                throw ClientError(
                    .namespaceNotFound,
                    "namespace \"\(namespace)\" is not in \(client.configuration.displayName); check --namespace")
            }
            return (try ObjectCondenser(resource).objects(CollectionOfOne(node)).first, [])
        } catch let error as ClientError where error.code == .forbidden {
            let permission = Permission("get", "namespaces", in: "", namespace: namespace)
            return (nil, [forbidden(permission, resource, "its Pod Security labels were not seen")])
        }
    }

    // MARK: Reading

    private struct Result: Sendable {
        var objects: [KubernetesObject] = []
        var gap: ReadGap?
        var read: ResourceRead?
    }

    private func read(_ item: Item, _ tally: Tally) async throws -> Result {
        let resource = item.resource
        let time = client.options.time
        let start = time.now()
        let condenser = ObjectCondenser(resource, form: item.form)
        var out = Result()
        var skipped = 0
        do {
            let outcome = try await client.list(resource, in: namespace, form: item.form, limit: pageSize) { event in
                switch event {
                case .restart:
                    tally.add(-out.objects.count, resource)
                    (out.objects, skipped) = ([], 0)
                case .page(let page):
                    var items = Array(page.items)
                    let count = items.count
                    if resource.kind == "ReplicaSet" { items.removeAll(where: Self.isHistory) }
                    skipped += count - items.count
                    out.objects += try condenser.objects(items)
                    tally.add(items.count, resource)
                }
            }
            out.read = ResourceRead(
                resource: resource.description, objects: out.objects.count, skipped: skipped, pages: outcome.pages,
                byteCount: outcome.byteCount, restarts: outcome.restarts, seconds: max(0, time.now() - start))
            if !outcome.isConsistent {
                out.gap = ReadGap(
                    kind: .inconsistent, resource: resource.description,
                    message:
                        "\(resource) change faster than the server can list them; objects changed meanwhile may be "
                        + "missing or out of date")
            }
        } catch let error as ClientError {
            guard let gap = gap(error, resource) else { throw error }
            tally.add(-out.objects.count, resource)
            out = Result(gap: gap)
        }
        tally.finish(resource)
        return out
    }

    /// Objects that settings stand in, fetched by name; most clusters have a few of them only.
    private func readNamed(_ discovery: Discovery) async throws -> (objects: [KubernetesObject], gaps: [ReadGap]) {
        var objects: [KubernetesObject] = []
        var gaps: [ReadGap] = []
        for single in set.singles {
            guard let place = single.namespace, let resource = discovery.resource(single.name, in: single.group) else {
                continue
            }
            for name in single.names {
                do {
                    guard let node = try await client.object(resource, named: name, in: place) else { continue }
                    objects += try ObjectCondenser(resource).objects(CollectionOfOne(node))
                } catch let error as ClientError where error.code == .forbidden {
                    let permission = Permission("get", single.name, in: single.group, namespace: place, name: name)
                    gaps.append(forbidden(permission, resource, nil))
                } catch let error as ClientError {
                    guard let gap = gap(error, resource) else { throw error }
                    gaps.append(gap)
                }
            }
        }
        return (objects, gaps)
    }

    /// A ReplicaSet at zero that a Deployment keeps to be able to roll back: not what runs, and ten to each Deployment.
    private static func isHistory(_ node: Node) -> Bool {
        node["spec"]["replicas"].int == 0 && (node["status"]["replicas"].int ?? 0) == 0
            && node["metadata"]["ownerReferences"].elements.contains {
                $0["kind"].equals("Deployment") && $0["controller"].bool == true
            }
    }

    /// What went wrong with one resource only; nil for what is wrong with all.
    private func gap(_ error: ClientError, _ resource: APIResource) -> ReadGap? {
        switch error.code {
        case .forbidden:
            return forbidden(Permission("list", resource.name, in: resource.group, namespace: namespace), resource, nil)
        case .notFound, .server, .expired, .tooLarge, .timeout, .connectionCut, .notAnAPIServer:
            return ReadGap(
                kind: .unavailable, resource: resource.description,
                message: "\(resource) were not read: \(error.message)")
        default: return nil
        }
    }

    private func forbidden(_ permission: Permission, _ resource: APIResource, _ effect: String?) -> ReadGap {
        let who = client.configuration.userName.isEmpty ? "" : " for user \"\(client.configuration.userName)\""
        return ReadGap(
            kind: .forbidden, resource: resource.description, permission: permission,
            message: "not allowed to \(permission)\(who)\(effect.map { "; \($0)" } ?? ""); "
                + "martlet permissions prints the role that allows it")
    }
}

/// Counts what has come, for the progress shown.
private final class Tally: Sendable {
    private let state: Mutex<ReadProgress>
    private let report: (@Sendable (ReadProgress) -> Void)?

    init(total: Int, report: (@Sendable (ReadProgress) -> Void)?) {
        state = Mutex(ReadProgress(finished: 0, total: total, objects: 0, resource: ""))
        self.report = report
    }

    func add(_ objects: Int, _ resource: APIResource) { change(resource) { $0.objects += objects } }
    func finish(_ resource: APIResource) { change(resource) { $0.finished += 1 } }

    private func change(_ resource: APIResource, _ body: (inout ReadProgress) -> Void) {
        guard let report else { return }
        let now = state.withLock { state in
            body(&state)
            state.resource = resource.description
            return state
        }
        report(now)
    }
}
