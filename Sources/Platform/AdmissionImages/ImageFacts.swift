package import Admission
import Documents
package import Findings
package import Vulnerabilities

/// What the door keeps of one image: everything that its policies may ask, with days in place of ages, so that a
/// verdict of last month is right today.
package struct ImageFacts: Sendable, Equatable {
    package struct Vulnerability: Sendable, Equatable {
        package var id: String
        package var severity: Findings.Severity
        package var package: String
        package var fix: String?
        /// The day a fixed version was there, counted from 1970.
        package var fixedDay: Int?
        package var epss: Double?
        package var isExploited = false
    }

    /// A name it was pulled by, to look again.
    package var reference: String
    /// The day it was built, counted from 1970.
    package var createdDay: Int?
    /// What has no more support: `debian 9 since 2022-06-30`.
    package var endOfLife: String?
    /// Names and digests of what it is built on.
    package var bases: [String] = []
    /// Who signed it; nil where nobody looked.
    package var signers: [ImageVerdict.Signer]?
    package var vulnerabilities: [Vulnerability] = []
    /// Why not all of it was seen.
    package var incomplete: String?

    package init(reference: String) { self.reference = reference }

    /// Takes in what matching has found; what was there of an earlier match is replaced.
    package mutating func take(
        _ report: MatchReport, _ packages: [SoftwarePackage], _ distribution: Distribution?,
        _ database: AdvisoryDatabase, today: CivilDate
    ) {
        endOfLife = nil
        if report.isEndOfLife {
            let since = report.endOfLife.map { " since \($0.text)" } ?? ""
            endOfLife = "\(distribution?.title ?? "a distribution")\(since)"
        }
        vulnerabilities = report.findings.map { finding in
            let priority = Priority(finding, database, today: today)
            let package = packages[finding.package]
            return Vulnerability(
                id: finding.id, severity: Findings.Severity(of: finding.severity),
                package: "\(package.name) \(package.version)", fix: finding.fixes.first,
                fixedDay: finding.fixed?.dayNumber, epss: priority.prediction?.score,
                isExploited: priority.exploited != nil)
        }
    }

    /// What is known of the image today.
    ///
    /// - Parameter matters: which vulnerabilities anybody asks about; the rest need not be held.
    package func verdict(
        digest: String, today: Int, matters: (ImageVerdict.Vulnerability) -> Bool = { _ in true }
    ) -> ImageVerdict {
        ImageVerdict(
            digest: digest,
            vulnerabilities: vulnerabilities.compactMap { one in
                let known = ImageVerdict.Vulnerability(
                    id: one.id, severity: one.severity, package: one.package, fixedVersion: one.fix,
                    fixKnownForDays: one.fixedDay.map { max(0, today - $0) }, epss: one.epss,
                    isKnownExploited: one.isExploited)
                return matters(known) ? known : nil
            }, endOfLife: endOfLife, ageDays: createdDay.map { max(0, today - $0) }, bases: bases, signers: signers,
            incomplete: incomplete)
    }
}

extension Findings.Severity {
    init(of severity: Vulnerabilities.Severity) {
        switch severity {
        case .critical: self = .critical
        case .high: self = .high
        case .medium: self = .medium
        case .low: self = .low
        case .unknown, .negligible: self = .info
        }
    }
}

// MARK: As text

extension ImageFacts {
    var text: String {
        var writer = JSONWriter()
        writer.object { writer in
            func optional(_ key: String, _ text: String?) { if let text { writer.member(key, text) } }
            writer.member("reference", reference)
            if let createdDay { writer.member("created", createdDay) }
            optional("endOfLife", endOfLife)
            optional("incomplete", incomplete)
            if !bases.isEmpty { writer.member("bases", bases) }
            if let signers {
                writer.key("signers")
                writer.array { writer in
                    for signer in signers {
                        writer.object { writer in
                            writer.member("issuer", signer.issuer)
                            writer.member("subject", signer.subject)
                            if let type = signer.predicateType { writer.member("predicate", type) }
                        }
                    }
                }
            }
            writer.key("vulnerabilities")
            writer.array { writer in
                for one in vulnerabilities {
                    writer.object { writer in
                        writer.member("id", one.id)
                        writer.member("severity", one.severity.rawValue)
                        writer.member("package", one.package)
                        if let fix = one.fix { writer.member("fix", fix) }
                        if let day = one.fixedDay { writer.member("fixed", day) }
                        // In millionths, so that the text of a fraction is no matter.
                        if let epss = one.epss { writer.member("epss", Int((epss * 1e6).rounded())) }
                        if one.isExploited { writer.member("exploited", true) }
                    }
                }
            }
        }
        return writer.string
    }

    /// Nil for what is no such text: a file that somebody else has written into.
    init?(text: String) {
        guard let node = try? DocumentReader.readJSON(SourceText(name: "", bytes: Array(text.utf8))),
            let reference = node["reference"].string
        else { return nil }
        self.init(reference: reference)
        createdDay = node["created"].int
        endOfLife = node["endOfLife"].string
        incomplete = node["incomplete"].string
        bases = node["bases"].strings
        if node["signers"].isArray {
            signers = node["signers"].elements.map { signer in
                ImageVerdict.Signer(
                    issuer: signer["issuer"].string ?? "", subject: signer["subject"].string ?? "",
                    predicateType: signer["predicate"].string)
            }
        }
        vulnerabilities = node["vulnerabilities"].elements.map { one in
            Vulnerability(
                id: one["id"].string ?? "", severity: one["severity"].string.flatMap(Findings.Severity.init) ?? .info,
                package: one["package"].string ?? "", fix: one["fix"].string, fixedDay: one["fixed"].int,
                epss: one["epss"].int.map { Double($0) / 1e6 }, isExploited: one["exploited"].bool ?? false)
        }
    }
}
