import ContainerImages
import Documents
package import Findings
import Kubernetes
package import Vulnerabilities

/// What one image means to those who run it.
package struct ImageAssessment: Sendable {
    /// As it was inspected.
    package var name: String
    /// What is vulnerable and counts, with how urgent each is.
    package var findings: [ImageRecord.Row]
    /// What is wrong with how the image was made.
    package var faults: [ImageFault]
    /// Findings that VEX statements take out.
    package var suppressed = 0
    /// Statements about this image that match nothing in it.
    package var strays: [VEXFilter.Stray] = []
    package var isEndOfLife: Bool
    package var distribution: String
    /// Why parts were not assessed, the most important first; empty where everything was.
    package var holes: [String]

    /// - Parameter vex: documents whose statements are applied.
    package init(
        _ result: ImageResult, _ report: MatchReport, _ database: AdvisoryDatabase, today: CivilDate?,
        faults: [ImageFault] = [], vex: [VEXDocument] = []
    ) {
        name = result.name
        self.faults = faults
        let packages = result.packages
        let (decisions, strays) = VEXFilter(vex, subjects: result.subjects).apply(to: report.findings, of: packages)
        let counted = decisions.filter { !$0.isSuppressed }.map(\.finding)
        findings = counted.map { ($0, Priority($0, database, today: today), packages[$0.package]) }
        suppressed = decisions.count - counted.count
        self.strays = strays
        isEndOfLife = report.isEndOfLife
        distribution = result.distribution?.title ?? ""
        holes = result.failure.map { [$0.message] } ?? []
        holes += result.notes.filter { $0.kind == .incomplete }.map(\.message)
        var reasons: [String: Int] = [:]
        for coverage in report.coverage {
            if case .notAssessable(let why) = coverage { reasons[why, default: 0] += 1 }
        }
        holes += reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) packages: \($0.key)" }
    }

    /// Of an image that could not be looked at.
    package init(name: String, failure: String) {
        self.name = name
        findings = []
        faults = []
        isEndOfLife = false
        distribution = ""
        holes = [failure]
    }
}

/// Tells the owners of workloads what is wrong with their images.
package struct WorkloadImageFindings: Sendable {
    package static let vulnerability = Rule(
        "image/vulnerability", .medium, [.nsa("Kubernetes Pod security: Building secure container images")],
        title: "A container's image holds packages with known vulnerabilities",
        why: "Whoever reaches the container finds the way in described in public, often with a program that takes it.",
        remedy:
            "Build the image anew with the fixed versions, or from a newer base; `martlet image scan --fix` lists them."
    )

    package static let exploited = Rule(
        "image/exploited-vulnerability", .critical,
        [.nsa("Kubernetes Pod security: Building secure container images")],
        title: "A container's image holds a vulnerability that is being exploited",
        why: "CISA has seen this vulnerability used in attacks: it is a matter of being found, not of being chosen.",
        remedy: "Upgrade the package first; where there is no fix, take the workload off the network.")

    package static let endOfLife = Rule.imageEndOfLife

    package static let notAssessed = Rule(
        "image/not-assessed", .low, [],
        title: "A container's image could not be assessed",
        why: "What was not looked at is not known to be sound.",
        remedy: "Give access to the registry, or bring the feeds that speak of what the image holds.")

    /// How workloads name their images is asked of the manifests themselves (`image/mutable-tag`).
    private static let faultRules = Rule.imageRules.filter { $0 != .imageLatestTag }

    package static let rules = [exploited, vulnerability, endOfLife, notAssessed] + faultRules

    private let images: WorkloadImages
    private let assessments: [String: ImageAssessment]
    private let cluster: String
    private let selected: Set<String>?

    /// - Parameter assessments: by the images' names.
    package init(
        _ images: WorkloadImages, _ assessments: [String: ImageAssessment], cluster: String = "",
        selected: Set<String>? = nil
    ) {
        self.images = images
        self.assessments = assessments
        self.cluster = cluster
        self.selected = selected
    }

    /// One result for each owner that runs pods, in the inventory's order.
    package func results() -> [OwnerResult] {
        var collectors = images.families.map {
            FindingCollector($0.owner, selected: selected, cluster: cluster)
        }
        for image in images.images {
            let assessment =
                assessments[image.name] ?? ImageAssessment(name: image.name, failure: "it was not looked at")
            for use in image.uses {
                for (rule, report) in reports(assessment, use) {
                    collectors[use.family].take(report, of: rule, on: use.object)
                }
            }
        }
        return zip(images.families, collectors).map { family, collector in collector.result(origin: family.origin) }
    }

    private func reports(_ assessment: ImageAssessment, _ use: WorkloadImages.Use) -> [(Rule, CheckReport)] {
        let who = "container \"\(use.container)\" runs \(assessment.name)"
        var (vulnerable, exploited, ended, hole) = (CheckReport(), CheckReport(), CheckReport(), CheckReport())
        let known = assessment.findings.filter { $0.priority.exploited == nil }
        if let worst = known.map(\.finding.severity).max() {
            vulnerable.severity = Self.severity(worst)
            vulnerable.fail(at: use.node, "\(who), which has \(Self.counts(known.map(\.finding)))")
        }
        let attacked = assessment.findings.filter { $0.priority.exploited != nil }
        if !attacked.isEmpty {
            let names = attacked.map { item in
                let fix = item.finding.fixes.first.map { ", fixed in \($0)" } ?? ""
                return "\(item.finding.id) in \(item.package.name) \(item.package.version)\(fix)"
            }
            exploited.fail(at: use.node, "\(who), which has \(Self.some(names))")
        }
        if assessment.isEndOfLife {
            ended.fail(at: use.node, "\(who), made of \(assessment.distribution), whose support has ended")
        }
        if let first = assessment.holes.first {
            let more = assessment.holes.count > 1 ? " (and \(assessment.holes.count - 1) more)" : ""
            hole.notObservable(at: use.node, "\(assessment.name): \(first)\(more)")
        }
        return [
            (Self.exploited, exploited), (Self.vulnerability, vulnerable), (Self.endOfLife, ended),
            (Self.notAssessed, hole),
        ] + Self.faultRules.map { rule in (rule, faults(assessment, use, rule)) }
    }

    private func faults(_ assessment: ImageAssessment, _ use: WorkloadImages.Use, _ rule: Rule) -> CheckReport {
        var report = CheckReport()
        // A pod that says who it runs as is not what the image says.
        if rule == .imageRootUser, use.deniesRoot { return report }
        for fault in assessment.faults where fault.rule == rule {
            let files = fault.paths.isEmpty ? "" : ": \(Self.some(fault.paths))"
            report.fail(
                at: use.node, "container \"\(use.container)\" runs \(assessment.name): \(fault.message)\(files)")
            report.severity = max(report.severity ?? fault.severity, fault.severity)
        }
        return report
    }

    private static func severity(_ severity: Vulnerabilities.Severity) -> Findings.Severity {
        switch severity {
        case .critical: .critical
        case .high: .high
        case .medium: .medium
        case .low: .low
        default: .info
        }
    }

    /// `14 vulnerabilities (2 critical, 12 high; 9 fixable): CVE-…, CVE-…`
    private static func counts(_ findings: [VulnerabilityFinding]) -> String {
        let ids = Set(findings.map(\.id))
        let bySeverity = Vulnerabilities.Severity.allCases.reversed().compactMap { severity -> String? in
            let count = Set(findings.filter { $0.severity == severity }.map(\.id)).count
            return count == 0 ? nil : "\(count) \(severity.name)"
        }
        let fixable = Set(findings.filter { !$0.fixes.isEmpty }.map(\.id)).count
        var names: [String] = []
        for finding in findings.sorted(by: { ($1.severity, $0.id) < ($0.severity, $1.id) })
        where !names.contains(finding.id) {
            names.append(finding.id)
            if names.count > 3 { break }
        }
        let word = ids.count == 1 ? "vulnerability" : "vulnerabilities"
        return "\(ids.count) \(word) (\(bySeverity.joined(separator: ", ")); \(fixable) fixable): \(some(names))"
    }

    private static func some(_ names: [String]) -> String {
        names.prefix(3).joined(separator: ", ") + (names.count > 3 ? ", ..." : "")
    }
}
