package import Documents

/// A sentence about the network that has to stay true, written beside the manifests.
///
/// ```yaml
/// tests:
/// - {from: shop/web, to: shop/db, only: [5432]}
/// - {from: tools/*, to: shop/db, expect: denied}
/// - {from: shop/*, to: internet, ports: [443], expect: allowed}
/// ```
/// `expect` speaks of the ports listed, or of all traffic; `only` says that exactly these ports are allowed.
package struct IntentTest: Sendable {
    package enum Expectation: Sendable, Hashable { case allowed, denied, only }

    package var from: String
    package var to: String
    package var traffic: TrafficSet
    package var expectation: Expectation
    package var node: Node

    /// One pair of ends of which the sentence is not true, or not known to be.
    package struct Failure: Sendable {
        package var source: NetworkModel.Endpoint
        package var target: NetworkModel.Endpoint
        package var message: String
        package var isUnknown: Bool
    }

    /// Reads a file of tests; gives what is wrong with it as text.
    package static func read(_ root: Node) -> (tests: [IntentTest], problems: [String]) {
        var tests: [IntentTest] = []
        var problems: [String] = []
        if !root["tests"].isArray { problems.append("expected a list under \"tests\"") }
        for node in root["tests"].elements {
            let place = node.location.map { "\($0): " } ?? ""
            if let unknown = node.members.first(where: {
                !["from", "to", "ports", "only", "expect", "name"].contains($0.key)
            }) {
                problems.append("\(place)\"\(unknown.key)\" is not a field of a test")
                continue
            }
            guard let from = node["from"].string, let to = node["to"].string else {
                problems.append("\(place)a test needs \"from\" and \"to\"")
                continue
            }
            let isOnly = !node["only"].isNull
            guard isOnly != (node["expect"].equals("allowed") || node["expect"].equals("denied")),
                !isOnly || node["ports"].isNull
            else {
                problems.append(
                    "\(place)a test has either \"only\", or \"expect\" (allowed or denied) and perhaps \"ports\"")
                continue
            }
            guard let traffic = traffic(isOnly ? node["only"] : node["ports"]) else {
                problems.append("\(place)a port is a number, or {protocol: UDP, port: 53}")
                continue
            }
            let expectation: Expectation = isOnly ? .only : node["expect"].equals("allowed") ? .allowed : .denied
            tests.append(IntentTest(from: from, to: to, traffic: traffic, expectation: expectation, node: node))
        }
        return (tests, problems)
    }

    private static func traffic(_ node: Node) -> TrafficSet? {
        guard !node.isNull else { return .all }
        var out = TrafficSet()
        for port in node.elements {
            let number = port.isObject ? port["port"] : port
            guard let value = number.portNumber,
                let transport = TransportProtocol(name: port["protocol"].string ?? "TCP"), transport.hasPorts
            else { return nil }
            out = out.union(TrafficSet(transport, value...value))
        }
        return node.isArray ? out : nil
    }

    /// Every pair of ends that breaks the sentence; a sentence about ends that do not exist is broken too.
    package func failures(_ model: NetworkModel) -> [Failure] {
        let sources = model.endpoints(matching: from)
        let targets = model.endpoints(matching: to)
        guard !sources.isEmpty, !targets.isEmpty else {
            let missing = sources.isEmpty ? from : to
            let nowhere = NetworkModel.Endpoint.domain(missing)
            return [
                Failure(source: nowhere, target: nowhere, message: "\"\(missing)\" matches nothing", isUnknown: false)
            ]
        }
        var out: [Failure] = []
        for source in sources {
            for target in targets where source != target {
                let found = model.traffic(from: source, to: target)
                let wrong: TrafficSet
                let doubtful: TrafficSet
                switch expectation {
                case .allowed:
                    wrong = traffic.subtracting(found.possible)
                    doubtful = traffic.subtracting(found.sure)
                case .denied:
                    wrong = traffic.intersection(found.sure)
                    doubtful = traffic.intersection(found.possible)
                case .only:
                    wrong = found.sure.subtracting(traffic).union(traffic.subtracting(found.possible))
                    doubtful = found.possible.subtracting(traffic).union(traffic.subtracting(found.sure))
                }
                guard !wrong.isEmpty || !doubtful.isEmpty else { continue }
                let isUnknown = wrong.isEmpty
                let said = isUnknown ? "not observable: \(doubtful)" : message(wrong, found.sure)
                out.append(Failure(source: source, target: target, message: said, isUnknown: isUnknown))
            }
        }
        return out
    }

    private func message(_ wrong: TrafficSet, _ allowed: TrafficSet) -> String {
        let open = wrong.intersection(allowed)
        let shut = wrong.subtracting(allowed)
        return [open.isEmpty ? nil : "allowed: \(open)", shut.isEmpty ? nil : "denied: \(shut)"].compactMap(\.self)
            .joined(separator: "; ")
    }
}

extension NetworkModel {
    /// The ends a pattern means: `shop/web` with every pod of the workload, `shop/*`, or any other single end. Pods that
    /// policies cannot tell apart are given once.
    package func endpoints(matching pattern: String) -> [Endpoint] {
        let parts = pattern.split(separator: "/").map(String.init)
        guard parts.count == 2 else { return endpoint(named: pattern).map { [$0] } ?? [] }
        var seen: Set<Int32> = []
        var out: [Endpoint] = []
        for (index, pod) in state.pods.enumerated() where state.namespaces[pod.namespace].name == parts[0] {
            guard parts[1] == "*" || pod.owner.name == parts[1] || pod.name == parts[1] else { continue }
            let own = space.classes.classOfPod[index]
            if own < 0 || seen.insert(own).inserted { out.append(.pod(index)) }
        }
        return out
    }

    /// All traffic that one end may send to another: for certain, and perhaps.
    package func traffic(from source: Endpoint, to target: Endpoint) -> (sure: TrafficSet, possible: TrafficSet) {
        let kinds = trafficKinds(source, .egress) + trafficKinds(target, .ingress)
        var sure = TrafficSet()
        var possible = TrafficSet()
        for kind in DirectionTable.atoms(kinds) {
            guard let sample = kind.sample else { continue }
            switch verdict(from: source, to: target, sample).verdict {
            case .allowed:
                sure = sure.union(kind)
                possible = possible.union(kind)
            case .unknown: possible = possible.union(kind)
            case .denied: break
            }
        }
        return (sure, possible)
    }

    /// Sets of traffic that the rules over an end tell apart.
    private func trafficKinds(_ end: Endpoint, _ direction: Direction) -> [TrafficSet] {
        guard case .pod(let number) = end else { return [] }
        return allowed(direction, pod: number).map(\.traffic)
    }
}
