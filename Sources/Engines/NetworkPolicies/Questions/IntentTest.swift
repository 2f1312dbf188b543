package import Documents

/// A sentence about the network that has to stay true, written beside the manifests.
///
/// ```yaml
/// tests:
/// - {from: shop/web, to: shop/db, only: [5432]}
/// - {from: tools/*, to: shop/db, expect: denied}
/// - {from: shop/*, to: internet, ports: [443], expect: allowed}
/// - shop/web may not reach shop/db except 5432
/// - tools/probe may reach shop/web on 80, 53/UDP
/// ```
/// `expect` speaks of the ports listed, or of all traffic; `only`, and `except` of a sentence, say that exactly these
/// ports are allowed.
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
            if let words = node.string {
                if let test = Self.test(words, node) {
                    tests.append(test)
                } else {
                    problems.append(
                        "\(place)\"\(words)\" is no sentence: FROM may [not] reach TO [on PORTS], or FROM may not reach TO "
                            + "except PORTS")
                }
                continue
            }
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

    /// `shop/web may not reach shop/db except 5432, 53/UDP`.
    private static func test(_ sentence: String, _ node: Node) -> IntentTest? {
        let words = sentence.split(whereSeparator: { $0 == " " || $0 == "," }).map(String.init)
        guard words.count > 1, words[1] == "may" else { return nil }
        let isDenied = words.count > 2 && words[2] == "not"
        let rest = words.dropFirst(isDenied ? 3 : 2)
        guard rest.count >= 2, rest.first == "reach", let to = rest.dropFirst().first else { return nil }
        let ports = rest.dropFirst(3).filter { $0 != "and" }
        var traffic = TrafficSet()
        for port in ports {
            let parts = port.split(separator: "/", maxSplits: 1).map(String.init)
            guard let number = UInt16(parts[0]), number > 0,
                let transport = TransportProtocol(name: parts.count > 1 ? parts[1] : "TCP"), transport.hasPorts
            else { return nil }
            traffic = traffic.union(TrafficSet(transport, number...number))
        }
        let expectation: Expectation
        switch rest.dropFirst(2).first {
        case nil:
            traffic = .all
            expectation = isDenied ? .denied : .allowed
        case "on" where !ports.isEmpty: expectation = isDenied ? .denied : .allowed
        case "except" where !ports.isEmpty && isDenied: expectation = .only
        default: return nil
        }
        return IntentTest(from: words[0], to: to, traffic: traffic, expectation: expectation, node: node)
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
    package func failures(_ network: DualStack) -> [Failure] {
        let sources = network.ends(matching: from)
        let targets = network.ends(matching: to)
        guard !sources.isEmpty, !targets.isEmpty else {
            let missing = sources.isEmpty ? from : to
            return [
                Failure(
                    source: .domain(from), target: .domain(to), message: "\"\(missing)\" matches nothing",
                    isUnknown: false)
            ]
        }
        var out: [Failure] = []
        for source in sources {
            for target in targets where source != target {
                let found = network.traffic(from: source, to: target)
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
                out.append(Failure(source: source[0], target: target[0], message: said, isUnknown: isUnknown))
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

extension DualStack {
    /// The ends a pattern means, each as every family knows it: `shop/web` with every pod of the workload, `shop/*`, or
    /// any other single end; a name alone is a workload of any namespace. Pods that policies cannot tell apart are given
    /// once.
    func ends(matching pattern: String) -> [[NetworkModel.Endpoint]] {
        let parts = pattern.split(separator: "/").map(String.init)
        let model = models[0]
        let isLone = parts.count == 1 && !pattern.contains(":") && model.endpoint(named: pattern) == nil
        guard parts.count == 2 || isLone else {
            let ends = models.compactMap { $0.endpoint(named: pattern) }
            return ends.count == models.count ? [ends] : []
        }
        var seen: Set<[Int32]> = []
        var out: [[NetworkModel.Endpoint]] = []
        for (index, pod) in model.state.pods.enumerated()
        where isLone || model.state.namespaces[pod.namespace].name == parts[0] {
            let name = isLone ? pattern : parts[1]
            guard name == "*" || pod.owner.name == name || pod.name == name else { continue }
            let own = models.map { $0.space.classes.classOfPod[index] }
            if own.contains(where: { $0 < 0 }) || seen.insert(own).inserted {
                out.append(models.map { _ in .pod(index) })
            }
        }
        return out
    }

    /// What any family lets pass does pass.
    func traffic(
        from source: [NetworkModel.Endpoint], to target: [NetworkModel.Endpoint]
    ) -> (sure: TrafficSet, possible: TrafficSet) {
        var out = (sure: TrafficSet(), possible: TrafficSet())
        for (number, model) in models.enumerated() {
            let found = model.traffic(from: source[number], to: target[number])
            out = (out.sure.union(found.sure), out.possible.union(found.possible))
        }
        return out
    }
}

extension NetworkModel {
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
