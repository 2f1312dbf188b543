package import Documents
import Kubernetes

/// What was known at one time, so that a later run reports only what is new.
///
/// Findings are known by fingerprint, with how many places they had and how bad they were: one that has spread or grown
/// worse is new. Waived ones are not taken in: when the waiver ends they must be seen.
package struct Baseline: Sendable, Hashable {
    /// A known finding, with the words a reviewer of the file needs.
    package struct Entry: Sendable, Hashable {
        package var fingerprint: String
        package var rule: String
        package var severity: Severity
        /// `Deployment shop/api`.
        package var subject: String
        package var file: String
        package var places: Int

        package init(_ finding: Finding) {
            fingerprint = finding.fingerprint
            rule = finding.rule.id
            severity = finding.severity
            subject = finding.subject.description
            file = finding.file
            places = max(1, finding.evidence.count)
        }

        init?(_ node: Node) {
            guard let fingerprint = node["fingerprint"].text,
                let severity = node["severity"].string.flatMap(Severity.init(rawValue:)),
                let places = node["places"].int, places > 0
            else { return nil }
            self.fingerprint = fingerprint
            rule = node["rule"].string ?? ""
            self.severity = severity
            subject = node["subject"].string ?? ""
            file = node["file"].string ?? ""
            self.places = places
        }
    }

    /// Sorted by subject, rule, file and fingerprint.
    package let entries: [Entry]

    package init(_ entries: [Entry]) {
        // Copies of one object in one file share a fingerprint: together they are one entry with all places.
        var merged: [String: Entry] = [:]
        for entry in entries {
            guard let known = merged[entry.fingerprint] else {
                merged[entry.fingerprint] = entry
                continue
            }
            merged[entry.fingerprint]?.places = known.places + entry.places
            merged[entry.fingerprint]?.severity = max(known.severity, entry.severity)
        }
        self.entries = merged.values.sorted {
            ($0.subject, $0.rule, $0.file, $0.fingerprint) < ($1.subject, $1.rule, $1.file, $1.fingerprint)
        }
    }

    /// The failing findings of a report.
    package init(_ report: Report) { self.init(report.failures.map(Entry.init)) }

    /// The file, one finding a line, so that a review shows what was taken in.
    package func render() -> String {
        var lines: [String] = []
        for entry in entries {
            var writer = JSONWriter()
            writer.object { json in
                json.member("fingerprint", entry.fingerprint)
                json.member("rule", entry.rule)
                json.member("severity", entry.severity.rawValue)
                json.member("subject", PrintableText.of(entry.subject))
                if !entry.file.isEmpty { json.member("file", PrintableText.of(entry.file)) }
                json.member("places", entry.places)
            }
            lines.append("    " + writer.string)
        }
        let findings = lines.isEmpty ? "[]" : "[\n\(lines.joined(separator: ",\n"))\n  ]"
        return "{\n  \"martletBaseline\": 1,\n  \"findings\": \(findings)\n}\n"
    }

    /// Reads what `render` wrote; says what is wrong with anything else, since a baseline that is half read would
    /// let old findings in as new, and one misread would hide new ones.
    package static func read(_ source: SourceText) throws(DocumentError) -> Baseline {
        let set = DocumentReader.read(source)
        if let problem = set.problems.first { throw problem }
        func wrong(_ node: Node?, _ message: String) -> DocumentError {
            let offset = node?.sourceStart ?? 0
            return DocumentError(.syntax, at: source.location(at: offset), message)
        }
        guard let root = set.documents.first?.root, set.documents.count == 1, root["martletBaseline"].exists else {
            throw wrong(nil, "no baseline; write one with --write-baseline")
        }
        guard root["martletBaseline"].int == 1, root["findings"].isArray else {
            throw wrong(root["martletBaseline"], "a baseline of another version; write a new one with --write-baseline")
        }
        var entries: [Entry] = []
        for node in root["findings"].elements {
            guard let entry = Entry(node) else {
                throw wrong(node, "expected a finding with fingerprint, severity and places")
            }
            entries.append(entry)
        }
        return Baseline(entries)
    }

    /// Takes what is known out of a report and notes how many those were, and what is no longer there.
    package func apply(to report: inout Report) {
        var known: [String: Entry] = [:]
        for entry in entries { known[entry.fingerprint] = entry }
        var places: [String: Int] = [:]
        var seen: Set<String> = []
        for finding in report.findings {
            let fingerprint = finding.fingerprint
            // What could not be seen, or is waived, is not mended.
            seen.insert(fingerprint)
            if finding.outcome == .fail { places[fingerprint, default: 0] += max(1, finding.evidence.count) }
        }
        var comparison = BaselineComparison()
        report.findings.removeAll { finding in
            guard finding.outcome == .fail, let entry = known[finding.fingerprint] else { return false }
            guard finding.severity <= entry.severity, places[entry.fingerprint, default: 0] <= entry.places else {
                comparison.grown += 1
                return false
            }
            comparison.known += 1
            return true
        }
        comparison.fixed = entries.filter { !seen.contains($0.fingerprint) }
        report.baseline = comparison
    }
}

/// What a baseline did to a report.
package struct BaselineComparison: Sendable, Hashable {
    /// Findings left out because they were there before.
    package var known = 0
    /// Findings that were there before but have more places now, or are worse.
    package var grown = 0
    /// What was there before and is no longer.
    package var fixed: [Baseline.Entry] = []

    package init() {}
}
