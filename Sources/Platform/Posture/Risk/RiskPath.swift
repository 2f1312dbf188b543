package import Documents
package import Kubernetes
package import NetworkPolicies
import RBAC

/// One thing that makes a step possible: words, and the field they come from.
package struct RiskEvidence: Sendable {
    package var text: String
    package var node: Node?

    package init(_ text: String, _ node: Node?) {
        self.text = text
        self.node = node
    }

    package var location: String { node?.location.map { "\($0)" } ?? "" }
}

/// One step of a way.
package struct RiskStep: Sendable {
    package enum Kind: String, Sendable {
        /// From the internet to a port of a pod.
        case exposure
        /// Into a pod by a flaw.
        case weakness
        /// From pod to pod over the network, into it by a flaw.
        case network
        /// By a right, a field of a pod, or a token on a node.
        case rights
        case data
    }

    package var kind: Kind
    package var from: String
    package var to: String
    /// What it is done by, in a word.
    package var by: String
    package var evidence: [RiskEvidence]
    /// What has to hold beside; nil for nothing.
    package var condition: String?
    /// The objects and bindings a person would change to end it.
    package var changes: [RiskFix]
}

/// A way from outside, or from a pod somebody is in, to a target.
package struct RiskPath: Sendable {
    package enum Start: Sendable, Hashable {
        case internet(Exposure.Route)
        /// A pod that is taken to be broken into.
        case pod
    }

    package var start: Start
    /// The workload it begins in.
    package var workload: ObjectReference
    package var target: RiskTarget
    package var steps: [RiskStep]
    /// Efforts of all steps, that of getting in included.
    package var effort: Int
    /// What it adds to the risk.
    package var points: Double
}

extension RiskGraph {
    /// The searches of all targets, in their order; every question is answered from them.
    package struct Answers: Sendable {
        let searches: [RiskSearch]
    }

    package func answers() -> Answers { Answers(searches: targets.indices.map { RiskSearch(self, target: $0) }) }

    /// What getting into a workload costs: by its easiest way from the internet, or by being there already.
    func entry(_ workload: Workload) -> (start: RiskPath.Start, effort: Int, exposure: Exposure?, weakness: Weakness?) {
        var best: (effort: Int, exposure: Exposure, weakness: Weakness?)?
        for exposure in workload.exposures {
            let usable = workload.weaknesses.filter { $0.port == nil || $0.port == exposure.port.port }
                .min { ($0.effort, $0.id) < ($1.effort, $1.id) }
            let effort = usable?.effort ?? Weakness.unknownEffort
            if best.map({ effort < $0.effort }) ?? true { best = (effort, exposure, usable) }
        }
        if let best { return (.internet(best.exposure.route), best.effort, best.exposure, best.weakness) }
        return (.pod, Self.assumedEffort, nil, nil)
    }

    /// What a pod that nobody outside can reach counts as having cost to break into: a poisoned image, a stolen laptop.
    static let assumedEffort = 10

    /// How likely a way of some effort is thought to be: each unit leaves four fifths.
    static func ease(_ effort: Int) -> Double {
        var out = 1.0
        for _ in 0..<max(0, effort) { out *= 0.8 }
        return out
    }

    // MARK: Ways

    /// A shortest way of every workload to every target it reaches, most points first.
    ///
    /// From the internet only ways that cannot be cut short are told: none goes through a workload that is itself as
    /// easy to enter.
    package func paths(
        _ answers: Answers, fromInternetOnly: Bool = true, limit: Int = .max,
        including isWanted: (Workload) -> Bool = { _ in true }
    ) -> [RiskPath] {
        var out: [RiskPath] = []
        for term in terms(answers) where !fromInternetOnly || term.start != .pod {
            guard out.count < limit else { break }
            guard isWanted(workloads[term.number]) else { continue }
            let path = path(term, answers)
            if !isCutShort(path, term, answers) { out.append(path) }
        }
        return out
    }

    private func isCutShort(_ path: RiskPath, _ term: RiskTerm, _ answers: Answers) -> Bool {
        guard term.start != .pod else { return false }
        let search = answers.searches[term.target]
        var node = workloadNode(term.number)
        let own = term.startEffort + Int(search.efforts[Int(node)])
        while search.next[Int(node)] != -1 {
            let step = search.next[Int(node)]
            if step >= 0 {
                node = joints[Int(step)].to
            } else if case .network(let other, _, _) = search.hop(step) {
                node = workloadNode(other)
            } else {
                return false
            }
            guard let other = workload(at: node), !workloads[other].exposures.isEmpty else { continue }
            if entry(workloads[other]).effort + Int(search.efforts[Int(node)]) <= own { return true }
        }
        return false
    }

    /// The way behind a term.
    package func path(_ term: RiskTerm, _ answers: Answers) -> RiskPath {
        let search = answers.searches[term.target]
        var steps = entrySteps(term)
        var node = workloadNode(term.number)
        var run: [Int32] = []
        var first = node
        func flush() {
            if !run.isEmpty {
                steps += rights.steps(along: run, from: first).map { rightsStep($0, targets[term.target]) }
            }
            run = []
        }
        while search.next[Int(node)] != -1 {
            let number = search.next[Int(node)]
            if number >= 0 {
                run.append(number)
                node = joints[Int(number)].to
                continue
            }
            flush()
            switch search.hop(number) {
            case .network(let other, let weakness, let port):
                steps.append(networkStep(from: node, to: other, workloads[other].weaknesses[weakness], port))
                node = workloadNode(other)
                first = node
            case .seed(let seed):
                let own = seeds[term.target][seed]
                steps.append(
                    RiskStep(
                        kind: .data, from: name(node), to: targets[term.target].description, by: own.text,
                        evidence: own.evidence, changes: []))
                return finished(term, steps)
            }
        }
        flush()
        return finished(term, steps)
    }

    private func finished(_ term: RiskTerm, _ steps: [RiskStep]) -> RiskPath {
        RiskPath(
            start: term.start, workload: workloads[term.number].reference, target: targets[term.target], steps: steps,
            effort: term.startEffort + term.wayEffort, points: term.points)
    }

    private func name(_ node: Int32) -> String {
        if let workload = workload(at: node) { return workloads[workload].reference.description }
        return rights.name(of: node)
    }

    private func entrySteps(_ term: RiskTerm) -> [RiskStep] {
        let workload = workloads[term.number]
        let (_, _, exposure, weakness) = entry(workload)
        guard let exposure else { return [] }
        var steps = [
            RiskStep(
                kind: .exposure, from: "internet", to: "\(workload.reference) \(exposure.port)",
                by: "\(exposure.route.rawValue) \(exposure.through)",
                evidence: [
                    RiskEvidence("\(exposure.through) \(exposure.node.path): \(exposure.reason)", exposure.node)
                ],
                condition: nil, changes: [.close(exposure.through)])
        ]
        steps.append(
            RiskStep(
                kind: .weakness, from: "\(workload.reference) \(exposure.port)", to: workload.reference.description,
                by: weakness?.id ?? "a flaw nobody has told of",
                evidence: weakness.map { [RiskEvidence($0.words + ($0.image.isEmpty ? "" : " in \($0.image)"), nil)] }
                    ?? [],
                condition: weakness == nil ? "what it runs can be broken into" : nil,
                changes: weakness.map { $0.image.isEmpty ? [] : [.rebuild($0.image)] } ?? []))
        return steps
    }

    private func networkStep(from node: Int32, to other: Int, _ weakness: Weakness, _ port: UInt16) -> RiskStep {
        RiskStep(
            kind: .network, from: name(node), to: workloads[other].reference.description,
            by: "TCP \(port), \(weakness.id)",
            evidence: [
                RiskEvidence("policies let the connection pass", nil),
                RiskEvidence(weakness.words + (weakness.image.isEmpty ? "" : " in \(weakness.image)"), nil),
            ], condition: nil, changes: weakness.image.isEmpty ? [] : [.rebuild(weakness.image)])
    }

    private func rightsStep(_ step: EscalationStep, _ target: RiskTarget) -> RiskStep {
        let way = step.ways.first
        var evidence = way?.grants.map { RiskEvidence($0.description, $0.ruleNode) } ?? []
        if let field = way?.field { evidence.append(RiskEvidence("\(field.path)", field)) }
        var changes: [RiskFix] = []
        for grant in way?.grants ?? [] { changes.append(.removeBinding(grant.binding.reference)) }
        if case .workload(let reference) = step.actor, way?.grants.isEmpty ?? true {
            var isToken = false
            if case .subject? = step.becomes { isToken = way?.id == "CE-token-mounted" }
            changes.append(isToken ? .dropToken(reference) : .confine(reference))
        }
        return RiskStep(
            kind: .rights, from: step.actor.description, to: step.becomes?.description ?? target.description,
            by: way?.id ?? "", evidence: evidence, condition: way?.condition, changes: changes)
    }
}
