package import Findings
package import Kubernetes

/// What a family shows that no check of the scan does: images that were scanned, alerts that arrived.
package struct FamilyObservation: Sendable, Hashable {
    package var family: String
    package var outcome: Outcome
    package var message: String
    package var at: Moment

    package init(family: String, outcome: Outcome, message: String, at: Moment) {
        self.family = family
        self.outcome = outcome
        self.message = message
        self.at = at
    }
}

/// Everything a compliance report is made from; all of it is given.
package struct ComplianceFacts: Sendable {
    /// The scan: findings with their waivers, rules that were asked, holes.
    package var report: Report
    /// The things that checks are asked of, by the ids of `PopulationKind`, in order.
    package var populations: [String: [ObjectReference]]
    /// Ids of populations that could not be listed.
    package var unlisted: Set<String>
    package var observations: [FamilyObservation]
    package var attestations: [Attestation]
    package var history: EvidenceHistory?
    /// When the objects were read.
    package var at: Moment

    package init(
        report: Report, populations: [String: [ObjectReference]], unlisted: Set<String> = [],
        observations: [FamilyObservation] = [], attestations: [Attestation] = [], history: EvidenceHistory? = nil,
        at: Moment
    ) {
        self.report = report
        self.populations = populations
        self.unlisted = unlisted
        self.observations = observations
        self.attestations = attestations
        self.history = history
        self.at = at
    }
}
