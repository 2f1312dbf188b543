package import Documents
package import Kubernetes

/// What the benchmark says of one control.
package enum CISOutcome: String, Sendable, Hashable, CaseIterable {
    case pass
    /// The protection is there by other means than the benchmark names; the message says which.
    case passByEquivalence
    case fail
    case notApplicable
    /// It could not be seen; the message says what was missing. Never a pass.
    case notObservable
    /// Only a person can judge it.
    case manual

    /// Whether the question has an answer that no person has to give.
    package var isDecided: Bool { self != .manual && self != .notObservable }
    package var isPass: Bool { self == .pass || self == .passByEquivalence }

    /// What stands for several places: the worst that is known of any.
    var weight: Int {
        switch self {
        case .fail: 5
        case .notObservable: 4
        case .manual: 3
        case .passByEquivalence: 2
        case .pass: 1
        case .notApplicable: 0
        }
    }
}

/// What a control says of one place: a component, a file, a namespace, a role.
package struct CISPart: Sendable {
    package var outcome: CISOutcome
    package var message: String
    /// The node it was seen on; empty for what belongs to the cluster.
    package var node: String
    /// The value that decided, as text.
    package var value: String?
    package var provenance: Provenance?
    /// Where it stands in a manifest or file.
    package var evidence: Node?
    package var object: ObjectReference?
    /// What passes by equivalence also meets the benchmark to the letter: it is written, though the default is the same.
    package var isLiteral = false

    package init(
        _ outcome: CISOutcome, _ message: String, node: String = "", value: String? = nil,
        provenance: Provenance? = nil, evidence: Node? = nil, object: ObjectReference? = nil
    ) {
        self.outcome = outcome
        self.message = message
        self.node = node
        self.value = value
        self.provenance = provenance
        self.evidence = evidence
        self.object = object
    }
}

/// A control and all that was seen of it.
package struct CISResult: Sendable {
    package let control: CISControl
    package var outcome: CISOutcome
    /// The places, the worst first, then by node.
    package var parts: [CISPart]
    /// What runs now, for controls that ask what would be admitted; nil for the others.
    package var running: [CISPart] = []
    /// The failing control this one is part of.
    package var partOf: String?

    package init(_ control: CISControl, _ parts: [CISPart], running: [CISPart] = []) {
        self.control = control
        self.parts = parts.enumerated().sorted { a, b in
            a.element.outcome.weight == b.element.outcome.weight
                ? (a.element.node, a.offset) < (b.element.node, b.offset)
                : a.element.outcome.weight > b.element.outcome.weight
        }.map(\.element)
        self.running = running
        outcome = self.parts.first?.outcome ?? .notObservable
    }

    /// Parts that decided: those with the control's own outcome.
    package var deciding: [CISPart] { parts.filter { $0.outcome == outcome } }

    /// Nodes whose result is not the one most nodes have; none where all agree.
    package var differing: [(node: String, outcome: CISOutcome)] {
        var byNode: [String: CISOutcome] = [:]
        for part in parts where !part.node.isEmpty {
            let known = byNode[part.node] ?? .notApplicable
            byNode[part.node] = part.outcome.weight > known.weight ? part.outcome : known
        }
        let counts = Dictionary(byNode.values.map { ($0, 1) }, uniquingKeysWith: +)
        guard counts.count > 1,
            let usual = counts.max(by: { ($0.value, $0.key.weight) < ($1.value, $1.key.weight) })?.key
        else { return [] }
        return byNode.filter { $0.value != usual }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}

/// The result of the whole benchmark.
package struct CISReport: Sendable {
    /// One per control, in order.
    package var results: [CISResult]
    package var platform: Platform
    /// Those of the platform's own benchmark that the Kubernetes benchmark does not have; they count in no score.
    package var own: [CISResult] = []
    package var version: ComponentVersion?
    /// The nodes that were looked at.
    package var nodes: [String]
    /// What was noticed beside the controls: conflicts between drop-ins, words that are no flags.
    package var remarks: [String]

    package init(
        results: [CISResult], platform: Platform, version: ComponentVersion?, nodes: [String], remarks: [String]
    ) {
        self.results = results
        self.platform = platform
        self.version = version
        self.nodes = nodes
        self.remarks = remarks
    }

    package subscript(_ id: String) -> CISResult? { results.first { $0.control.id == id } }

    package func count(_ outcome: CISOutcome) -> Int { results.count { $0.outcome == outcome } }
    /// Failing controls that are not part of another failing one: what there is to mend.
    package var open: [CISResult] { results.filter { $0.outcome == .fail && $0.partOf == nil } }
    package var decided: Int { results.count { $0.outcome.isDecided } }

    /// Share of the decided, applicable controls that pass, 0...1; nil when there are none.
    package var score: Double? {
        let passed = results.count { $0.outcome.isPass }
        let asked = passed + count(.fail)
        return asked == 0 ? nil : Double(passed) / Double(asked)
    }

    /// Share of the applicable controls that have an answer, 0...1.
    package var coverage: Double {
        let applicable = results.count { $0.outcome != .notApplicable }
        guard applicable > 0 else { return 1 }
        return Double(results.count { $0.outcome.isPass || $0.outcome == .fail }) / Double(applicable)
    }

    /// Those that count for a level, 1 or 2; and, when strict, with nothing passing by equivalence.
    package func narrowed(level: Int, strict: Bool) -> CISReport {
        var copy = self
        copy.own = own.filter { $0.control.level <= level }
        copy.results = results.filter { $0.control.level <= level }.map { result in
            guard strict, result.outcome == .passByEquivalence else { return result }
            let parts = result.parts.map { part in
                var part = part
                if part.outcome == .passByEquivalence { part.outcome = part.isLiteral ? .pass : .fail }
                return part
            }
            return CISResult(result.control, parts, running: result.running)
        }
        return copy
    }
}
