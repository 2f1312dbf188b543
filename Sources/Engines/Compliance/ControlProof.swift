package import Findings
package import Kubernetes

/// Everything an auditor asks of one control over one period: the population a sample is drawn from, the state over
/// time, who changed what, exceptions in force, and samples with a command that repeats the check.
package struct ControlProof: Sendable {
    /// A full list, and how it was made.
    package struct Population: Sendable {
        package var kind: PopulationKind
        package var members: [ObjectReference]
        package var query: String
    }

    /// One thing out of a population, and how to look again.
    package struct Sample: Sendable {
        package var subject: ObjectReference
        package var population: String
        package var outcome: ControlOutcome
        package var commands: [String]
    }

    package var result: ControlResult
    package var framework: ComplianceFramework
    package var period: Period
    package var states: StateTime
    package var changes: [EvidenceHistory.Change]
    package var exceptions: [Waiver]
    package var populations: [Population]
    package var samples: [Sample]
    /// Seconds from the newest scan to the moment the report was made.
    package var dataAge: Int
}

extension ComplianceReport {
    /// The proof of one control over the report's period.
    ///
    /// - Parameter sampleSize: members drawn of each population, spread evenly, the same in every run.
    package func proof(
        of id: String, over period: Period, catalogue: ComplianceCatalogue = .builtIn, sampleSize: Int = 5
    ) throws(PeriodError) -> ControlProof? {
        guard let result = controls.first(where: { $0.control.id == id }) else { return nil }
        guard let history = facts.history else {
            throw PeriodError(code: .noData, message: "there is no history; a period needs the scans of that time")
        }
        let checks = result.allChecks
        let ids = Set(checks.map(\.rule.id))
        let states = try history.states(of: ids.contains, over: period)
        var populations: [ControlProof.Population] = []
        var samples: [ControlProof.Sample] = []
        for kind in catalogue.populations {
            let asked = checks.filter { $0.population == kind.id }
            guard !asked.isEmpty else { continue }
            let members = facts.populations[kind.id] ?? []
            populations.append(
                ControlProof.Population(kind: kind, members: members, query: Self.query(kind, facts.report)))
            samples += drawn(sampleSize, from: members, kind, asked, seed: "\(framework.id)/\(id)")
        }
        let waivers = Set(result.waived.compactMap { facts.report.findings[$0].waiver })
        let newest = history.scans.last?.at ?? facts.at
        return ControlProof(
            result: result, framework: framework, period: period, states: states,
            changes: history.changes.filter { ids.contains($0.check) && period.contains($0.at) },
            exceptions: waivers.sorted { ($0.expires, $0.place) < ($1.expires, $1.place) }, populations: populations,
            samples: samples, dataAge: max(0, facts.at.seconds - newest.seconds))
    }

    private static func query(_ kind: PopulationKind, _ report: Report) -> String {
        report.isCluster
            ? "all \(kind.title) of the cluster \(report.target), read at \(report.generatedAt)"
            : "all \(kind.title) in \(report.target), read at \(report.generatedAt)"
    }

    private func drawn(
        _ count: Int, from members: [ObjectReference], _ kind: PopulationKind, _ checks: [CheckResult], seed: String
    ) -> [ControlProof.Sample] {
        guard !members.isEmpty, count > 0 else { return [] }
        var failing: [ObjectReference: ControlOutcome] = [:]
        for check in checks {
            for index in check.waived { failing[facts.report.findings[index].subject] = .waived }
        }
        for check in checks {
            for index in check.failed { failing[facts.report.findings[index].subject] = .fail }
        }
        let step = max(1, members.count / count)
        // Where it begins depends on the control, not on a clock: the auditor's own run draws the same.
        let start = seed.utf8.reduce(7) { ($0 &* 31 &+ Int($1)) & 0xFFFF } % step
        let ids = checks.map(\.rule.id)
        return stride(from: start, to: members.count, by: step).prefix(count).map { place in
            let subject = members[place]
            return ControlProof.Sample(
                subject: subject, population: kind.id, outcome: failing[subject] ?? .pass,
                commands: commands(subject, ids))
        }
    }

    private func commands(_ subject: ObjectReference, _ checks: [String]) -> [String] {
        let only = checks.prefix(6).map { "--check \(Self.quoted($0))" }.joined(separator: " ")
        guard facts.report.isCluster else {
            return ["martlet scan \(Self.quoted(facts.report.target)) \(only)"]
        }
        let kind = subject.group.isEmpty ? subject.kind : "\(subject.kind).\(subject.group)"
        let place = subject.namespace.isEmpty ? "" : " --namespace \(Self.quoted(subject.namespace))"
        return [
            "kubectl get \(Self.quoted(kind.lowercased())) \(Self.quoted(subject.name))\(place) --output yaml",
            "martlet scan --cluster\(place) \(only)",
        ]
    }

    /// A word of a shell's command line, whatever is in it.
    static func quoted(_ word: String) -> String {
        let plain = word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_./:@".utf8.contains(byte)
            }
        }
        if plain, !word.isEmpty, !word.hasPrefix("-") { return word }
        return "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
