/// What was checked of generated policies, by the model, on the text as it is handed out.
package struct PolicyCertificate: Sendable {
    /// Connections of one sort: how many there are, and those that would not be possible any more.
    package struct Line: Sendable {
        package var name: String
        package var total = 0
        /// In words: who, to whom, on which port.
        package var broken: [String] = []
        /// Not possible today either.
        package var alreadyDenied: [String] = []
        /// Cannot be told, because of policies that are not understood or addresses that are not known.
        package var unknown: [String] = []

        package var kept: Int { total - broken.count - alreadyDenied.count - unknown.count }
    }

    package var lines: [Line] = []
    package var before = Surface()
    package var after = Surface()
    /// What the written text is refused for; nothing when it is well-formed.
    package var refusals: [String] = []
    /// Workloads that the policies isolate in a direction in which they were to stay open.
    package var isolatedByAccident: [String] = []
    /// What holds only because of how the network plugin works.
    package var assumptions: [String] = []

    /// Whether nothing that is needed or was seen is cut.
    package var holds: Bool {
        refusals.isEmpty && isolatedByAccident.isEmpty && lines.allSatisfy { $0.broken.isEmpty && $0.unknown.isEmpty }
    }

    init(
        _ plan: PolicyPlanner, before: NetworkModel, after: NetworkModel, flows: FlowTable?, refusals: [String]
    ) {
        self.refusals = refusals
        self.before = Surface(before)
        self.after = Surface(after)
        if let flows { lines.append(Self.observed(flows, before, after)) }
        for reason in NetworkNeed.Reason.allCases where reason != .observed && reason != .dns {
            var line = Line(name: Self.name(reason))
            for need in plan.needs where need.reason == reason { Self.check(need, plan, before, after, &line) }
            if line.total > 0 { lines.append(line) }
        }
        var names = Line(name: "DNS")
        for (number, workload) in plan.selectors.workloads.enumerated()
        where plan.egress[number] != .outOfScope && !workload.isOnHostNetwork {
            for (end, port) in plan.facts.dnsNeeds {
                guard case .workload(let target) = end, target != number else { continue }
                let need = NetworkNeed(
                    .workload(number), .workload(target), port.protocol, port.number, reason: .dns, why: "")
                Self.check(need, plan, before, after, &names)
            }
        }
        if names.total > 0 { lines.append(names) }
        for (direction, stances) in [(Direction.ingress, plan.ingress), (.egress, plan.egress)] {
            for (number, stance) in stances.enumerated() {
                guard case .open = stance else { continue }
                let pods = plan.selectors.workloads[number].pods
                if pods.contains(where: { after.isIsolated($0, direction) && !before.isIsolated($0, direction) }) {
                    isolatedByAccident.append("\(plan.selectors.workloads[number].name) (\(direction.rawValue))")
                }
            }
        }
        let plugin = after.state.plugin
        if plugin.allowsIngressFromOwnNode {
            assumptions.append("the kubelet reaches the pods of its own node whatever policies say")
        }
        if !plugin.enforcesPolicies {
            assumptions.append("\(plugin.family.rawValue) enforces no policies: these will change nothing")
        }
        let unread = Set(before.state.gaps.map { "\($0.policy)" }).sorted()
        if !unread.isEmpty {
            assumptions.append(
                "what passes today passes policies that cannot be read as before: \(unread.joined(separator: ", "))")
        }
        if plan.facts.dns.isEmpty {
            assumptions.append("no DNS was seen; it is taken to be k8s-app=kube-dns in kube-system, port 53")
        }
        let asksServer = plan.needs.contains { $0.source == .apiServer || $0.target == .apiServer }
        if asksServer, plan.options.form == .cilium {
            assumptions.append("the API server is who Cilium takes for it (entity kube-apiserver)")
        } else if asksServer, plan.facts.apiServer.isEmpty {
            assumptions.append("the addresses of the API server are not known; rules for it are wide")
        }
    }

    /// Takes in what was checked over one family of addresses: a need that is cut there is cut.
    mutating func join(_ other: PolicyCertificate, over family: IPAddress.Family) {
        for line in other.lines {
            guard let place = lines.firstIndex(where: { $0.name == line.name }) else {
                lines.append(line)
                continue
            }
            for text in line.broken where !lines[place].broken.contains(text) {
                lines[place].broken.append(text)
                familyOfCut[text] = family
                lines[place].unknown.removeAll { $0 == text }
                lines[place].alreadyDenied.removeAll { $0 == text }
            }
            for text in line.unknown where !(lines[place].broken + lines[place].unknown).contains(text) {
                lines[place].unknown.append(text)
                lines[place].alreadyDenied.removeAll { $0 == text }
            }
            // What one family refuses today and the other keeps is kept.
            lines[place].alreadyDenied.removeAll { !line.alreadyDenied.contains($0) }
        }
    }

    /// The family over which a need is cut, where it is kept over the one that pods name first.
    package private(set) var familyOfCut: [String: IPAddress.Family] = [:]

    private static func name(_ reason: NetworkNeed.Reason) -> String {
        switch reason {
        case .declared: "declared connections"
        case .route: "ways in (Services, Ingresses, routes)"
        case .observed: "observed flows"
        case .dns: "DNS"
        case .probe: "kubelet probes"
        case .metrics: "metrics"
        case .webhook: "webhooks and aggregated APIs"
        case .apiServer: "use of the API server"
        case .peers: "peers of StatefulSets"
        }
    }

    private static func observed(_ flows: FlowTable, _ before: NetworkModel, _ after: NetworkModel) -> Line {
        var line = Line(name: name(.observed))
        let effect = WhatIf(from: before, to: after, flows: flows)
        line.total = flows.entries.filter(\.hasPassed).count
        for cut in effect.cut {
            let text = "\(cut.source) to \(cut.target), \(cut.traffic), seen \(cut.count) times"
            if cut.isUnknown { line.unknown.append(text) } else { line.broken.append(text) }
        }
        return line
    }

    /// A need holds when every pair of its ends may connect; ends are one pod for each class of the workload.
    private static func check(
        _ need: NetworkNeed, _ plan: PolicyPlanner, _ before: NetworkModel, _ after: NetworkModel, _ line: inout Line
    ) {
        if plan.options.form == .cilium, need.source == .apiServer || need.target == .apiServer {
            // Which addresses are the API server's is for Cilium to know; the rule names it.
            line.total += 1
            return
        }
        if need.source == .ownNode, after.state.plugin.allowsIngressFromOwnNode {
            // Whatever node the pod runs on, or will.
            line.total += 1
            return
        }
        let sources = endpoints(need.source, plan, other: need.target)
        let targets = endpoints(need.target, plan, other: need.source)
        guard !sources.isEmpty, !targets.isEmpty else { return }
        line.total += 1
        let port = need.port ?? plan.facts.apiServer.first?.port ?? 443
        var was = Verdict.allowed
        var now = Verdict.allowed
        for source in sources {
            for target in targets where source != target {
                let traffic = Traffic(need.protocol, port)
                was = NetworkModel.both(was, before.verdict(from: source, to: target, traffic).verdict)
                now = NetworkModel.both(now, after.verdict(from: source, to: target, traffic).verdict)
            }
        }
        guard now != .allowed else { return }
        let text =
            "\(plan.text(need.source)) to \(plan.text(need.target)), \(need.protocol.rawValue) "
            + "\(need.port.map(String.init) ?? "any port") (\(need.why))"
        if was == .denied {
            line.alreadyDenied.append(text)
        } else if now == .unknown {
            line.unknown.append(text)
        } else {
            line.broken.append(text)
        }
    }

    private static func endpoints(
        _ end: NetworkNeed.End, _ plan: PolicyPlanner, other: NetworkNeed.End
    ) -> [NetworkModel.Endpoint] {
        let outside = NetworkModel.Endpoint.address(FlowResolver.internet)
        switch end {
        case .workload(let number):
            let pods = plan.selectors.workloads[number].pods
            // The first and the last stand for replicas that reach each other.
            return pods.count > 1 ? [.pod(pods[0]), .pod(pods[pods.count - 1])] : [.pod(pods[0])]
        case .block(let block): return [.address(block.base)]
        case .internet, .outside, .anyone: return [outside]
        case .domain(let name): return plan.options.form == .cilium ? [.domain(name)] : [outside]
        case .node(let number): return [.node(number)]
        case .ownNode:
            guard case .workload(let number) = other,
                let node = plan.state.pods[plan.selectors.workloads[number].pods[0]].node,
                let index = plan.state.nodes.firstIndex(where: { $0.name == node })
            else { return [] }
            return [.node(index)]
        case .apiServer:
            guard let address = plan.facts.apiServer.first?.address else { return [outside] }
            if let node = plan.state.nodes.firstIndex(where: { $0.addresses.contains(address) }) {
                return [.node(node)]
            }
            return [.address(address)]
        case .dns, .convention: return []
        }
    }
}

extension NetworkModel {
    /// Whether some policy drops by default what reaches the pod, or what it sends.
    func isIsolated(_ pod: Int, _ direction: Direction) -> Bool {
        let own = space.classes.classOfPod[pod]
        guard own >= 0 else { return false }
        let table = table(direction)
        return table.groups[Int(table.groupOfClass[Int(own)])].stages.contains { $0.end == .deny }
    }
}
