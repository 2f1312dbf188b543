package import Compliance
import Findings

extension EvidencePack {
    /// Everything there is to say of a report, in every form, and the lists it was drawn from.
    package static func artefacts(of report: ComplianceReport, proofs: [ControlProof] = []) -> [Artefact] {
        let name = report.framework.id
        let paper = CompliancePaper(report)
        let oscal = OSCAL(report)
        var out = [
            Artefact("\(name).json", ComplianceJSON(report).render()),
            Artefact("\(name).csv", ComplianceTable(report).csv()),
            Artefact("\(name).html", ComplianceHTML(report).render()),
            Artefact("\(name).pdf", paper.full()),
            Artefact("\(name)-summary.pdf", paper.executive()),
            Artefact("\(name)-assessment-results.json", oscal.assessmentResults()),
            Artefact("\(name)-plan-of-action.json", oscal.planOfAction()),
            Artefact("populations.csv", ComplianceTable(report).populations()),
        ]
        for proof in proofs {
            let file = "\(name)-\(OSCAL.name(proof.result.control.id))"
            out.append(Artefact("\(file)-proof.txt", ProofText(proof).render()))
            out.append(Artefact("\(file)-proof.pdf", CompliancePaper.proof(proof, of: report)))
        }
        return out
    }
}
