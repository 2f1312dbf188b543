package import Documents
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

/// Reads what was seen elsewhere, for families that ask for it:
///
/// ```yaml
/// observations:
/// - family: image-vulnerabilities
///   outcome: pass                 # pass, fail, notObservable, notApplicable
///   message: 212 images were scanned, none has an open critical
///   at: "2026-11-23T02:00:00Z"
/// ```
package enum ObservationFile {
    package static func read(_ source: SourceText, catalogue: ComplianceCatalogue) -> (
        observations: [FamilyObservation], problems: [Problem]
    ) {
        let set = DocumentReader.read(source)
        var out: [FamilyObservation] = []
        var problems = set.problems.map {
            Problem(.invalid, code: $0.code.rawValue, $0.message, location: $0.location)
        }
        func report(_ node: Node, _ message: String) {
            problems.append(Problem(.invalid, code: "observation", message, location: node.location))
        }
        for root in set.documents.map(\.root) where !root.isNull {
            if !root["observations"].isArray { report(root["observations"], "expected a list \"observations\"") }
            for node in root["observations"].elements {
                let family = node["family"].string ?? ""
                guard catalogue.family(family) != nil else {
                    report(node["family"], "unknown family \"\(family)\"")
                    continue
                }
                guard let outcome = node["outcome"].string.flatMap(Outcome.init), outcome != .waived else {
                    report(node["outcome"], "\"outcome\" is pass, fail, notObservable or notApplicable")
                    continue
                }
                guard let message = node["message"].string, let at = Moment(node["at"].text ?? "") else {
                    report(node, "expected \"message\" and \"at\": what was seen, and when")
                    continue
                }
                out.append(FamilyObservation(family: family, outcome: outcome, message: message, at: at))
            }
        }
        return (out, problems)
    }
}
