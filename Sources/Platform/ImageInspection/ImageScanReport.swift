package import ContainerImages
import Documents
package import Findings
import Kubernetes
package import Vulnerabilities

/// Images' findings as a report like that of a scan, so that every format of one writes the other.
package struct ImageScanReport: Sendable {
    /// One image, or one bill of materials.
    package struct Subject: Sendable {
        package var name: String
        package var rows: [ImageRecord.Row]
        package var faults: [ImageFault]
        package var match: MatchReport
        package var packages: [SoftwarePackage]
        package var notes: [ImageNote]
        package var suppressed: Int
        package var distribution: String

        package init(
            name: String, rows: [ImageRecord.Row], faults: [ImageFault], match: MatchReport,
            packages: [SoftwarePackage], notes: [ImageNote], suppressed: Int, distribution: String
        ) {
            self.name = name
            self.rows = rows
            self.faults = faults
            self.match = match
            self.packages = packages
            self.notes = notes
            self.suppressed = suppressed
            self.distribution = distribution
        }
    }

    private let subjects: [Subject]

    package init(_ subjects: [Subject]) { self.subjects = subjects }

    package func report(generatedAt: String, version: String) -> Report {
        var report = Report(
            target: subjects.map(\.name).joined(separator: " "), isCluster: false, generatedAt: generatedAt,
            version: version)
        report.coverage.files = subjects.count
        var rules: [String: Rule] = [:]
        for subject in subjects { add(subject, to: &report, &rules) }
        report.findings.sort(by: Finding.areInOrder)
        report.rules =
            WorkloadImageFindings.rules.filter { rules[$0.id] != nil }
            + rules.values.filter { !WorkloadImageFindings.rules.contains($0) }.sorted { $0.id < $1.id }
        return report
    }

    private func add(_ subject: Subject, to report: inout Report, _ rules: inout [String: Rule]) {
        report.coverage.objects += 1
        report.coverage.waived += subject.suppressed
        let context = FindingContext(
            subject: ObjectReference(group: "", kind: "Image", namespace: "", name: subject.name))
        func add(_ rule: Rule, _ severity: Findings.Severity?, _ outcome: Outcome, _ evidence: [Evidence]) {
            rules[rule.id] = rule
            report.findings.append(
                Finding(rule: rule, severity: severity, outcome: outcome, context: context, evidence: evidence))
            if outcome == .fail { report.coverage.failed += 1 } else { report.coverage.notObservable += 1 }
        }
        let places = Places(subject)
        var byID: [String: [Int]] = [:]
        for (index, row) in subject.rows.enumerated() { byID[row.finding.id, default: []].append(index) }
        for (id, indices) in byID.sorted(by: { $0.key < $1.key }) {
            let rows = indices.map { subject.rows[$0] }
            let rule = rules[id] ?? Self.rule(rows[0])
            let worst = rows.map { Self.severity($0.finding.severity) }.max()
            add(
                rule, worst, .fail,
                indices.map { Evidence(node: places.row($0), message: Self.message(subject.rows[$0])) })
        }
        for fault in subject.faults {
            let files = fault.paths.isEmpty ? "" : ": " + fault.paths.prefix(5).joined(separator: ", ")
            add(fault.rule, fault.severity, .fail, [Evidence(node: places.image, message: fault.message + files)])
        }
        if subject.match.isEndOfLife {
            add(
                WorkloadImageFindings.endOfLife, nil, .fail,
                [Evidence(node: places.image, message: "the support of \(subject.distribution) has ended")])
        }
        let holes = Self.holes(subject)
        if !holes.isEmpty {
            add(
                WorkloadImageFindings.notAssessed, nil, .notObservable,
                holes.map { Evidence(node: places.image, message: $0) })
        }
        let broken = Set(subject.rows.map(\.finding.package))
        report.coverage.passed += subject.match.coverage.enumerated().count {
            $0.element.isAssessed && !broken.contains($0.offset)
        }
    }

    private static func holes(_ subject: Subject) -> [String] {
        var reasons: [String: Int] = [:]
        for coverage in subject.match.coverage {
            if case .notAssessable(let why) = coverage { reasons[why, default: 0] += 1 }
        }
        return subject.notes.filter { $0.kind == .incomplete }.map(\.message)
            + reasons.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { "\($0.value) packages: \($0.key)" }
    }

    /// Where findings point: a small document that says of the image what they are about.
    private struct Places {
        let image: Node
        private let rows: [Node]

        init(_ subject: Subject) {
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("image", subject.name)
                writer.member(
                    "packages",
                    array: { writer in
                        for row in subject.rows {
                            writer.object { writer in
                                writer.member("name", row.package.name)
                                writer.member("version", row.package.version)
                                if let path = row.package.location { writer.member("path", path) }
                            }
                        }
                    })
            }
            let source = SourceText(name: "", bytes: Array(writer.string.utf8))
            guard let root = try? DocumentReader.readJSON(source) else {
                preconditionFailure("what the writer wrote is JSON")
            }
            image = root["image"]
            rows = root["packages"].elements.map { $0["version"] }
        }

        func row(_ index: Int) -> Node { rows[index] }
    }

    private static func message(_ row: ImageRecord.Row) -> String {
        let fix = row.finding.fixes.first.map { "fixed in \($0)" } ?? row.finding.status.name
        let place = row.package.location.map { " at \($0)" } ?? ""
        let why = row.priority.reasons.first.map { "; \($0)" } ?? ""
        return "\(row.package.name) \(row.package.version)\(place): \(fix)\(why)"
    }

    private static func rule(_ row: ImageRecord.Row) -> Rule {
        let finding = row.finding
        let others = finding.ids.filter { $0 != finding.id }
        let names = others.isEmpty ? "" : " Also known as \(others.joined(separator: ", "))."
        return Rule(
            finding.id, severity(finding.severity), [.cwe("1395")],
            title: finding.summary.isEmpty ? "\(finding.id) in \(row.package.name)" : finding.summary,
            why: "The version that is installed is one that an advisory calls vulnerable.\(names)",
            remedy: finding.fixes.first.map { "Upgrade \(row.package.name) to \($0) or later." }
                ?? "There is no fix yet; take the package out where it is not needed.")
    }

    private static func severity(_ severity: Vulnerabilities.Severity) -> Findings.Severity {
        Findings.Severity(rawValue: severity.name) ?? .info
    }
}
