import Documents
import Kubernetes

/// What manifests say of who has to talk to whom.
///
/// Read are Services, the addresses in the environment, arguments and ConfigMaps of workloads, routes of Ingresses and
/// gateways, headless Services of StatefulSets, probes, metrics, admission webhooks, aggregated APIs, and the rights of
/// service accounts. What stands in Secrets is not looked at; a workload that takes addresses from one is named.
struct DeclaredIntent: Sendable {
    let state: NetworkState
    let inventory: Inventory
    let selectors: WorkloadSelectors
    let names: ServiceNames
    let ports: ServicePorts

    private(set) var needs: [NetworkNeed] = []
    /// What was found and leads nowhere.
    private(set) var notes: [String] = []
    /// Workloads of which manifests say anything: ports, probes, Services, addresses, rights.
    private(set) var described: Set<Int> = []
    /// Workloads behind a Service: they are there to be called.
    private(set) var offered: Set<Int> = []
    /// Why it is not known whom a workload calls.
    private(set) var hidden: [Int: String] = [:]

    private let controllers: [Int]
    private let scrapers: [Int]

    init(_ state: NetworkState, _ inventory: Inventory, _ selectors: WorkloadSelectors) {
        self.state = state
        self.inventory = inventory
        self.selectors = selectors
        names = ServiceNames(inventory, state)
        ports = ServicePorts(state, selectors)
        func having(_ role: ([String: String]) -> Bool) -> [Int] {
            selectors.workloads.indices.filter { number in
                selectors.workloads[number].pods.contains { role(state.labels(of: state.pods[$0])) }
            }
        }
        controllers = having(KnownRoles.isController)
        scrapers = having(KnownRoles.isScraper)
        for number in selectors.workloads.indices { visit(workload: number) }
        for service in inventory.objects("Service") { visit(service: service) }
        visitRoutes()
        visitMonitors()
        visitWebhooks()
        visitRights()
    }

    private mutating func add(_ need: NetworkNeed) {
        for end in [need.source, need.target] { if case .workload(let number) = end { described.insert(number) } }
        needs.append(need)
    }

    private func template(_ number: Int) -> PodTemplate? {
        let workload = selectors.workloads[number]
        return workload.object?.podTemplate ?? state.pods[workload.pods[0]].object?.podTemplate
    }

    // MARK: Workloads

    private mutating func visit(workload number: Int) {
        guard let template = template(number), let object = selectors.workloads[number].object else { return }
        let spec = template.spec
        var values = DeclaredValues(spec, object, inventory, names, selectors.workloads[number].namespace)
        values.read()
        if let reason = values.hidden { hidden[number] = reason }
        for found in values.found { take(found, number) }
        for container in spec.allContainers where container.isLongRunning {
            if !container.ports.isEmpty { described.insert(number) }
            for kind in ["readinessProbe", "livenessProbe", "startupProbe"] {
                for action in ["httpGet", "tcpSocket", "grpc"] {
                    let node = container.node[kind][action]["port"]
                    guard let port = ports.port(node, of: number) else { continue }
                    add(
                        NetworkNeed(
                            .ownNode, .workload(number), .tcp, port.number, name: port.name, reason: .probe,
                            why: "\(kind) of \(container.name)", location: node.location))
                }
            }
        }
        let annotations = spec.annotations
        if annotations["prometheus.io/scrape"].text == "true" {
            scrape(number, annotations["prometheus.io/port"], "annotation prometheus.io/scrape")
        }
        if object.kind == "StatefulSet", let name = object.node["spec"]["serviceName"].string,
            let service = names.service(name, in: selectors.workloads[number].namespace)
        {
            for port in service.node["spec"]["ports"].elements {
                for backend in ports.backends(service, port) where backend.workload == number {
                    add(
                        NetworkNeed(
                            .workload(number), .workload(number), backend.transport, backend.port, name: backend.name,
                            reason: .peers, why: "peers by Service \(name)", location: port.location))
                }
            }
        }
    }

    private mutating func take(_ found: DeclaredValues.Found, _ number: Int) {
        let workload = selectors.workloads[number]
        let address = found.address
        switch names.meaning(of: address.host, from: workload.namespace) {
        case .service(let service):
            if !call(service, address.port ?? found.port, from: number, found) {
                notes.append(
                    "\(workload.name): \(found.why) names port \(address.port.map(String.init) ?? "?"), which "
                        + "\(service.reference) does not have")
            }
        case .pod(let pod):
            guard let target = selectors.workload(ofPod: pod), let port = address.port ?? found.port else { return }
            add(
                NetworkNeed(
                    .workload(number), .workload(target), .tcp, port, reason: .declared, why: found.why,
                    location: found.location))
        case .apiServer:
            add(
                NetworkNeed(
                    .workload(number), .apiServer, .tcp, nil, reason: .apiServer, why: found.why,
                    location: found.location))
        case .outside(let host):
            guard address.isCertain, !found.isLoose, let port = address.port ?? found.port else { return }
            let end: NetworkNeed.End
            if let literal = IPAddress(host) {
                end = .block(CIDR(address: literal))
            } else {
                guard host.contains(".") else { return }
                end = .domain(host)
            }
            add(
                NetworkNeed(
                    .workload(number), end, found.address.scheme == "udp" ? .udp : .tcp, port, reason: .declared,
                    why: found.why, location: found.location))
        case .nothing:
            guard address.isCertain, address.port != nil, !address.host.contains("."), address.host != "localhost",
                IPAddress(address.host) == nil, !found.isLoose
            else { return }
            notes.append("\(workload.name): \(found.why) names \"\(address.host)\", which is no Service here")
        }
    }

    /// False when the Service has no such port.
    private mutating func call(
        _ service: KubernetesObject, _ wanted: UInt16?, from number: Int, _ found: DeclaredValues.Found
    ) -> Bool {
        var meant = ports.ports(service, wanted)
        let isHeadless = service.node["spec"]["clusterIP"].equals("None")
        let labels = service.node["spec"]["selector"].stringMap
        if meant.isEmpty, isHeadless, let wanted {
            for target in ports.workloads(selectedBy: labels, in: ServicePorts.place(service)) {
                add(
                    NetworkNeed(
                        .workload(number), .workload(target), .tcp, wanted, reason: .declared, why: found.why,
                        location: found.location))
            }
            return true
        }
        // A port of the Service is meant; where the text gave the pod's port by mistake, nothing would answer.
        guard !meant.isEmpty else { return false }
        if labels.isEmpty {
            for (address, port) in endpoints(service, &meant) {
                add(
                    NetworkNeed(
                        .workload(number), .block(CIDR(address: address)), .tcp, port, reason: .declared,
                        why: found.why, location: found.location))
            }
            return true
        }
        for port in meant {
            for backend in ports.backends(service, port) {
                add(
                    NetworkNeed(
                        .workload(number), .workload(backend.workload), backend.transport, backend.port,
                        name: backend.name, reason: .declared, why: found.why, location: found.location))
            }
        }
        described.insert(number)
        return true
    }

    /// Addresses somebody wrote for a Service without a selector.
    private func endpoints(_ service: KubernetesObject, _ meant: inout [Node]) -> [(IPAddress, UInt16?)] {
        let place = ServicePorts.place(service)
        var out: [(IPAddress, UInt16?)] = []
        for object in inventory.objects("Endpoints", in: place) where object.name == service.name {
            for subset in object.node["subsets"].elements {
                for address in subset["addresses"].elements.compactMap({ $0["ip"].string.flatMap { IPAddress($0) } }) {
                    for port in subset["ports"].elements { out.append((address, port["port"].portNumber)) }
                }
            }
        }
        return out
    }

    // MARK: Ways in

    private mutating func visit(service: KubernetesObject) {
        let spec = service.node["spec"]
        let place = ServicePorts.place(service)
        for number in ports.workloads(selectedBy: spec["selector"].stringMap, in: place) {
            described.insert(number)
            offered.insert(number)
        }
        let annotations = service.metadata["annotations"]
        if annotations["prometheus.io/scrape"].text == "true" {
            for number in ports.workloads(selectedBy: spec["selector"].stringMap, in: place) {
                scrape(number, annotations["prometheus.io/port"], "annotation of \(service.reference)")
            }
        }
        let isOpen = spec["type"].equals("LoadBalancer") || spec["type"].equals("NodePort")
        guard isOpen || !spec["externalIPs"].isEmpty else { return }
        let ranges = spec["loadBalancerSourceRanges"].strings.compactMap { CIDR($0) }
        for port in spec["ports"].elements {
            for backend in ports.backends(service, port) {
                let sources: [NetworkNeed.End] = ranges.isEmpty ? [.outside] : ranges.map { .block($0) }
                for source in sources {
                    add(
                        NetworkNeed(
                            source, .workload(backend.workload), backend.transport, backend.port, name: backend.name,
                            reason: .route, why: "\(spec["type"].string ?? "external IP") \(service.reference)",
                            location: port.location))
                }
            }
        }
    }

    private mutating func visitRoutes() {
        for ingress in inventory.objects("Ingress", of: "networking.k8s.io") {
            var backends: [Node] = [ingress.node["spec"]["defaultBackend"]]
            for rule in ingress.node["spec"]["rules"].elements {
                backends += rule["http"]["paths"].elements.map { $0["backend"] }
            }
            for backend in backends where backend["service"].isObject {
                let port = backend["service"]["port"]
                route(
                    ingress, backend["service"]["name"], in: ServicePorts.place(ingress),
                    port["number"].exists ? port["number"] : port["name"])
            }
        }
        for kind in ["HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"] {
            for object in inventory.objects(kind, of: "gateway.networking.k8s.io") {
                for backend in object.node["spec"]["rules"].elements.flatMap({ $0["backendRefs"].elements }) {
                    let place = backend["namespace"].string ?? ServicePorts.place(object)
                    route(object, backend["name"], in: place, backend["port"])
                }
            }
        }
        for object in inventory.objects("Route", of: "route.openshift.io") {
            let spec = object.node["spec"]
            route(object, spec["to"]["name"], in: ServicePorts.place(object), spec["port"]["targetPort"])
        }
    }

    private mutating func route(_ object: KubernetesObject, _ name: Node, in namespace: String, _ wanted: Node) {
        guard let service = names.service(name.string ?? "", in: namespace) else {
            notes.append("\(object.reference) leads to Service \(namespace)/\(name.string ?? "?"), which is not there")
            return
        }
        for port in service.node["spec"]["ports"].elements {
            let isMeant =
                wanted.isNull || wanted.text == port["port"].text || wanted.text == port["name"].text
                || wanted.text == port["targetPort"].text
            guard isMeant else { continue }
            for backend in ports.backends(service, port) {
                let sources: [NetworkNeed.End] = controllers.isEmpty ? [.anyone] : controllers.map { .workload($0) }
                for source in sources {
                    add(
                        NetworkNeed(
                            source, .workload(backend.workload), backend.transport, backend.port, name: backend.name,
                            reason: .route, why: "\(object.reference)", location: name.location))
                }
            }
        }
    }

    // MARK: Metrics

    private mutating func scrape(_ number: Int, _ wanted: Node, _ why: String) {
        var found: [(UInt16, String?)] = []
        if let port = wanted.text.flatMap({ UInt16($0) }) {
            found = [(port, nil)]
        } else {
            found = ports.ports(of: number).filter { $0.protocol == .tcp }.map { ($0.number, nil) }
        }
        for (port, name) in found { fetch(number, port, name, why, wanted.location) }
    }

    private mutating func fetch(
        _ number: Int, _ port: UInt16, _ name: String?, _ why: String, _ location: SourceLocation?
    ) {
        let sources: [NetworkNeed.End] =
            scrapers.isEmpty
            ? [.convention(namespace: "", labels: [LabelPair("app.kubernetes.io/name", "prometheus")])]
            : scrapers.map { .workload($0) }
        for source in sources {
            add(
                NetworkNeed(
                    source, .workload(number), .tcp, port, name: name, reason: .metrics, why: why, location: location))
        }
    }

    private mutating func visitMonitors() {
        for monitor in inventory.objects("ServiceMonitor", of: "monitoring.coreos.com") {
            let spec = monitor.node["spec"]
            guard let selector = LabelSelector(spec["selector"]) else { continue }
            for service in inventory.objects("Service")
            where selector.matches(service.labels) && Self.covers(spec["namespaceSelector"], monitor, service) {
                for endpoint in spec["endpoints"].elements {
                    for port in service.node["spec"]["ports"].elements
                    where endpoint["port"].isNull || endpoint["port"].text == port["name"].text {
                        for backend in ports.backends(service, port) {
                            fetch(
                                backend.workload, backend.port, backend.name, "\(monitor.reference)", endpoint.location)
                        }
                    }
                }
            }
        }
        for monitor in inventory.objects("PodMonitor", of: "monitoring.coreos.com") {
            let spec = monitor.node["spec"]
            guard let selector = LabelSelector(spec["selector"]) else { continue }
            let namespaces = Set(selectors.workloads.map(\.namespace)).sorted()
            for namespace in namespaces
            where Self.covers(spec["namespaceSelector"], monitor, namespace: namespace) {
                for number in ports.workloads(selectedBy: selector, in: namespace) {
                    for endpoint in spec["podMetricsEndpoints"].elements {
                        let node = endpoint["port"].isNull ? endpoint["portNumber"] : endpoint["port"]
                        guard let port = ports.port(node, of: number) else { continue }
                        fetch(number, port.number, port.name, "\(monitor.reference)", endpoint.location)
                    }
                }
            }
        }
    }

    private static func covers(_ selector: Node, _ monitor: KubernetesObject, _ object: KubernetesObject) -> Bool {
        covers(selector, monitor, namespace: ServicePorts.place(object))
    }

    private static func covers(_ selector: Node, _ monitor: KubernetesObject, namespace: String) -> Bool {
        if selector["any"].bool == true { return true }
        let wanted = selector["matchNames"].strings
        return wanted.isEmpty ? namespace == ServicePorts.place(monitor) : wanted.contains(namespace)
    }

    // MARK: The API server

    /// What the API server calls: admission webhooks, aggregated APIs, conversion webhooks.
    private mutating func visitWebhooks() {
        for kind in ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"] {
            for object in inventory.objects(kind, of: "admissionregistration.k8s.io") {
                for hook in object.node["webhooks"].elements { called(hook["clientConfig"]["service"], object) }
            }
        }
        for object in inventory.objects("APIService", of: "apiregistration.k8s.io") {
            called(object.node["spec"]["service"], object)
        }
        for object in inventory.objects("CustomResourceDefinition", of: "apiextensions.k8s.io") {
            called(object.node["spec"]["conversion"]["webhook"]["clientConfig"]["service"], object)
        }
    }

    private mutating func called(_ node: Node, _ object: KubernetesObject) {
        guard node.isObject, let name = node["name"].string else { return }
        let place = node["namespace"].string ?? "default"
        guard let service = names.service(name, in: place) else { return }
        for port in ports.ports(service, node["port"].portNumber ?? 443) {
            for backend in ports.backends(service, port) {
                add(
                    NetworkNeed(
                        .apiServer, .workload(backend.workload), backend.transport, backend.port, name: backend.name,
                        reason: .webhook, why: "\(object.reference)", location: node.location))
            }
        }
    }

    /// Workloads whose service account was given rights are meant to use them.
    private mutating func visitRights() {
        var granted: [String: ObjectReference] = [:]
        for kind in ["RoleBinding", "ClusterRoleBinding"] {
            for binding in inventory.objects(kind, of: "rbac.authorization.k8s.io") {
                for subject in binding.node["subjects"].elements where subject["kind"].equals("ServiceAccount") {
                    let place = subject["namespace"].string ?? ServicePorts.place(binding)
                    let key = "\(place)/\(subject["name"].string ?? "")"
                    if granted[key] == nil { granted[key] = binding.reference }
                }
            }
        }
        guard !granted.isEmpty else { return }
        for (number, workload) in selectors.workloads.enumerated() {
            guard let spec = template(number)?.spec,
                let binding = granted["\(workload.namespace)/\(spec.serviceAccountName)"]
            else { continue }
            let account = ObjectReference(
                group: "", kind: "ServiceAccount", namespace: workload.namespace, name: spec.serviceAccountName)
            let byAccount = inventory[ObjectKey(account)]?.node["automountServiceAccountToken"].bool
            guard spec.automountServiceAccountToken ?? byAccount ?? true else { continue }
            add(
                NetworkNeed(
                    .workload(number), .apiServer, .tcp, nil, reason: .apiServer,
                    why: "its service account is granted rights by \(binding)"))
        }
    }
}
