package import Kubernetes

/// One term of the risk: a workload somebody may get into, a target, and how far it is.
///
/// points = value of the target × 0.8 ^ (effort to get in + effort of the way)
package struct RiskTerm: Sendable {
    package var workload: ObjectReference
    package var start: RiskPath.Start
    package var points: Double
    package var startEffort: Int
    package var wayEffort: Int
    package var value: Int
    /// Number of the workload.
    var number: Int
    /// Position of the target.
    var target: Int

    /// How the points come about, in figures.
    package var words: String {
        "\(value) x 0.8^(\(startEffort) to get in + \(wayEffort) on the way) = \(RiskScore.text(points))"
    }
}

/// The risk of a cluster: the sum of its terms and nothing else.
package struct RiskScore: Sendable {
    /// Most points first.
    package let terms: [RiskTerm]
    package let total: Double
    /// What part of it comes from the internet.
    package let fromInternet: Double

    init(_ terms: [RiskTerm]) {
        self.terms = terms
        total = terms.reduce(0) { $0 + $1.points }
        fromInternet = terms.reduce(0) { $0 + ($1.start == .pod ? 0 : $1.points) }
    }

    package static func text(_ points: Double) -> String {
        let tenths = Int((points * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }
}

extension RiskGraph {
    package func score(_ answers: Answers) -> RiskScore { RiskScore(terms(answers)) }

    /// A term for every workload and target it reaches; most points first, then in order.
    func terms(_ answers: Answers) -> [RiskTerm] {
        var out: [RiskTerm] = []
        for (number, workload) in workloads.enumerated() where !workload.isSystem {
            let node = Int(workloadNode(number))
            var entered: (start: RiskPath.Start, effort: Int)?
            for (target, search) in answers.searches.enumerated() where search.efforts[node] < RiskSearch.far {
                if entered == nil {
                    let found = entry(workload)
                    entered = (found.start, found.effort)
                }
                guard let entered else { continue }
                let way = Int(search.efforts[node])
                out.append(
                    RiskTerm(
                        workload: workload.reference, start: entered.start,
                        points: Double(targets[target].value) * Self.ease(entered.effort + way),
                        startEffort: entered.effort, wayEffort: way, value: targets[target].value, number: number,
                        target: target))
            }
        }
        return out.sorted { a, b in
            if a.points != b.points { return a.points > b.points }
            return (a.number, a.target) < (b.number, b.target)
        }
    }
}
