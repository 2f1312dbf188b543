import Documents
import Findings
import Kubernetes

/// Rules that name the port of a Service where the port of its pods is meant.
///
/// Accused is only a number that no pod behind the rule has, that a Service of such a pod has, and that the Service
/// leads elsewhere, to a port the rule does not allow.
struct ServicePortSlips {
    /// A port of a Service that leads to another one of its pods.
    private struct Shift {
        var service: KubernetesObject
        var transport: TransportProtocol
        var port: UInt16
        var target: Node
        var labels: [String: String]
    }

    private let model: NetworkModel
    private let shifts: [Traffic: [Shift]]
    /// Ports that Services lead to without a change; pods may listen there without saying so.
    private let straight: Set<Traffic>
    private var state: NetworkState { model.state }

    /// Nil where no Service changes a port.
    init?(_ model: NetworkModel, _ services: [KubernetesObject]) {
        self.model = model
        var shifts: [Traffic: [Shift]] = [:]
        var straight: Set<Traffic> = []
        for service in services {
            let labels = service.node["spec"]["selector"].stringMap
            guard !labels.isEmpty else { continue }
            for port in service.node["spec"]["ports"].elements {
                guard let number = port["port"].portNumber,
                    let transport = TransportProtocol(name: port["protocol"].string ?? "TCP"), transport.hasPorts
                else { continue }
                let target = port["targetPort"]
                guard target.exists, target.portNumber != number else {
                    straight.insert(Traffic(transport, number))
                    continue
                }
                if let same = target.portNumber { straight.insert(Traffic(transport, same)) }
                shifts[Traffic(transport, number), default: []].append(
                    Shift(service: service, transport: transport, port: number, target: target, labels: labels))
            }
        }
        guard !shifts.isEmpty else { return nil }
        self.shifts = shifts
        self.straight = straight
    }

    func evidence(_ policy: Policy, _ number: Int) -> [Evidence] {
        var out: [Evidence] = []
        for direction in Direction.allCases {
            for rule in policy.section(direction)?.rules ?? [] where rule.doubt == nil {
                for (transport, port) in Self.single(rule.traffic.known) {
                    guard let shifts = shifts[Traffic(transport, port)],
                        !straight.contains(Traffic(transport, port)),
                        let slip = slip(shifts, rule, destinations(policy, number, rule, direction))
                    else { continue }
                    let service = slip.shift.service.reference
                    out.append(
                        Evidence(
                            node: Self.place(rule.node, transport, port),
                            message: "\(transport.rawValue) \(port) is the port of \(service); its pods listen on "
                                + "\(slip.ports.map(String.init).joined(separator: ", "))"))
                }
            }
        }
        return out
    }

    /// The port a rule should name in place of a Service's, for the value at `path`; nil where pods differ.
    func target(_ policy: Policy, _ number: Int, _ path: FieldPath) -> UInt16? {
        for direction in Direction.allCases {
            for rule in policy.section(direction)?.rules ?? [] {
                for (transport, port) in Self.single(rule.traffic.known)
                where Self.place(rule.node, transport, port).path == path {
                    guard let shifts = shifts[Traffic(transport, port)],
                        let slip = slip(shifts, rule, destinations(policy, number, rule, direction)),
                        slip.ports.count == 1
                    else { continue }
                    return slip.ports[0]
                }
            }
        }
        return nil
    }

    /// Ports that are named one by one.
    private static func single(_ traffic: TrafficSet) -> [(TransportProtocol, UInt16)] {
        [TransportProtocol.tcp, .udp, .sctp].flatMap { transport in
            traffic.ports(of: transport).filter { $0.count == 1 }.map { (transport, $0.lowerBound) }
        }
    }

    /// The number in the text of a rule; the rule where it stands in no known form.
    private static func place(_ rule: Node, _ transport: TransportProtocol, _ port: UInt16) -> Node {
        for entry in rule["ports"].elements {
            let name = entry["protocol"].string ?? "TCP"
            if entry["port"].portNumber == port, TransportProtocol(name: name) == transport { return entry["port"] }
        }
        return rule
    }

    private func destinations(
        _ policy: Policy, _ number: Int, _ rule: PolicyRule, _ direction: Direction
    ) -> [NetworkPod] {
        let bits =
            direction == .ingress
            ? model.ingress.subjects[number]
            : rule.peers.isAboutPods
                ? model.space.select(rule.peers).sure.intersection(model.podBits) : Bits(count: model.space.count)
        var out: [NetworkPod] = []
        bits.forEach { index in
            guard index < model.space.podCount else { return }
            // Pods of a class may be of several workloads; their labels that policies look at are the same, and ports.
            for pod in model.space.classes.members[index].prefix(64) { out.append(state.pods[Int(pod)]) }
        }
        return out
    }

    private func slip(
        _ shifts: [Shift], _ rule: PolicyRule, _ pods: [NetworkPod]
    ) -> (shift: Shift, ports: [UInt16])? {
        guard let first = shifts.first, !pods.isEmpty else { return nil }
        let declares = pods.contains { pod in
            state.ports(of: pod).contains { $0.number == first.port && $0.protocol == first.transport }
        }
        guard !declares else { return nil }
        for shift in shifts {
            let place = shift.service.namespace.isEmpty ? "default" : shift.service.namespace
            let behind = pods.filter { pod in
                guard state.namespaces[pod.namespace].name == place else { return false }
                let labels = state.labels(of: pod)
                return shift.labels.allSatisfy { labels[$0.key] == $0.value }
            }
            guard !behind.isEmpty else { continue }
            var ports: Set<UInt16> = []
            if let written = shift.target.portNumber {
                ports.insert(written)
            } else if let name = shift.target.string {
                for pod in behind {
                    for port in state.ports(of: pod) where port.name == name && port.protocol == shift.transport {
                        ports.insert(port.number)
                    }
                }
            }
            ports.remove(shift.port)
            let isAllowed = ports.contains { port in
                rule.traffic.known.contains(Traffic(shift.transport, port))
                    || rule.traffic.named.contains { $0.name == shift.target.string }
            }
            if !ports.isEmpty, !isAllowed { return (shift, ports.sorted()) }
        }
        return nil
    }
}

extension PeerSelector {
    /// Whether it names pods by their labels and nothing else: blocks of addresses are meant for the outside.
    fileprivate var isAboutPods: Bool {
        switch self {
        case .pods: true
        case .union(let parts): parts.allSatisfy(\.isAboutPods)
        default: false
        }
    }
}
