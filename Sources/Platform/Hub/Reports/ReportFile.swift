import Compliance
import Crypto
import Evidence

/// A compliance report as one file.
package struct ReportFile: Sendable, Hashable {
    package enum Form: String, Sendable, CaseIterable {
        case summary, pdf, html, csv, json, oscal, poam, pack

        var title: String {
            switch self {
            case .summary: "one page for those who decide (PDF)"
            case .pdf: "all of it (PDF)"
            case .html: "HTML"
            case .csv: "CSV"
            case .json: "JSON"
            case .oscal: "OSCAL assessment results"
            case .poam: "OSCAL plan of action"
            case .pack: "everything, signed by this hub (evidence pack, tar)"
            }
        }
    }

    var name: String
    /// Media type.
    var type: String
    var bytes: [UInt8]

    package init(name: String, type: String, bytes: [UInt8]) {
        self.name = name
        self.type = type
        self.bytes = bytes
    }

    /// - Parameters:
    ///   - cluster: its id, for the name of the file.
    ///   - signer: signs a pack.
    init(
        _ report: ComplianceReport, _ form: Form, cluster: String, signer: EvidenceSigner
    ) throws(EvidenceError) {
        let base = "\(report.framework.id)-\(cluster)"
        switch form {
        case .summary: (type, bytes) = ("application/pdf", CompliancePaper(report).executive())
        case .pdf: (type, bytes) = ("application/pdf", CompliancePaper(report).full())
        case .html: (type, bytes) = ("text/html; charset=utf-8", Array(ComplianceHTML(report).render().utf8))
        case .csv: (type, bytes) = ("text/csv; charset=utf-8", Array(ComplianceTable(report).csv().utf8))
        case .json: (type, bytes) = ("application/json", Array(ComplianceJSON(report).render().utf8))
        case .oscal: (type, bytes) = ("application/json", Array(OSCAL(report).assessmentResults().utf8))
        case .poam: (type, bytes) = ("application/json", Array(OSCAL(report).planOfAction().utf8))
        case .pack:
            let made = report.facts.report.generatedAt
            let files = try EvidencePack.files(
                EvidencePack.artefacts(of: report), key: signer.key, created: made,
                tool: "martlet \(report.facts.report.version)")
            (type, bytes) = (
                "application/x-tar", EvidencePack.archive(files, folder: base, at: Moment(made)?.seconds ?? 0)
            )
        }
        let ending =
            switch form {
            case .summary, .pdf: "pdf"
            case .pack: "tar"
            case .oscal, .poam: "json"
            default: form.rawValue
            }
        name = "\(base)-\(form.rawValue).\(ending)"
    }
}

/// Signs what a hub gives out as evidence.
///
/// The key is derived from the hub's own, so that every replica signs with the same and nothing new has to be kept.
struct EvidenceSigner: Sendable {
    let key: SigningKey

    init(_ hubKey: [UInt8]) throws(EvidenceError) {
        key = try SigningKey(seed: SecretBox.derived(hubKey, purpose: "evidence").withUnsafeBytes { Array($0) })
    }
}
