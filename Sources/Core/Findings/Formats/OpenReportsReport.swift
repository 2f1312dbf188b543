import Documents
import Kubernetes

/// `Report` objects, one or more a namespace, and `ClusterReport` objects for the rest, in a List for `kubectl apply`.
///
/// Source: openreports.io/v1alpha1. A waived finding is a `warn` that is not scored, since `skip` says it was never
/// evaluated and `pass` would be untrue; what could not be known is an `error`. Passes are counted for the whole
/// target only, so they stand in an annotation, not in a namespace's summary.
struct OpenReportsReport {
    /// An object in etcd may have 1.5 MB; results are parted well below that.
    static let byteLimit = 800_000

    let report: Report

    init(_ report: Report, _ options: RenderOptions) { self.report = report }

    func render() -> String {
        var namespaces: [String: [Finding]] = [:]
        for finding in report.findings.sorted(by: Finding.areInOrder) {
            let namespace = finding.subject.namespace
            namespaces[Self.isLabel(namespace) ? namespace : "", default: []].append(finding)
        }
        // Always a ClusterReport, so that problems and the coverage have a place, and a clean run a result.
        if namespaces[""] == nil { namespaces[""] = [] }
        var json = JSONWriter(compact: false)
        json.object { json in
            json.member("apiVersion", "v1")
            json.member("kind", "List")
            json.list("items") { json in
                for (namespace, findings) in namespaces.sorted(by: { $0.key < $1.key }) {
                    var results = findings.map { finding in
                        Result(text: Self.written { write(finding, to: &$0) }, result: Self.result(finding))
                    }
                    if namespace.isEmpty {
                        results += report.problems.map { problem in
                            Result(text: Self.written { write(problem, to: &$0) }, result: "error")
                        }
                    }
                    for (number, part) in Self.parted(results).enumerated() {
                        json.object { write(part, namespace: namespace, number: number, to: &$0) }
                    }
                }
            }
        }
        return json.string + "\n"
    }

    /// One entry of `results`, written, with the word it counts under.
    private struct Result {
        var text: String
        var result: String
    }

    private static func written(_ body: (inout JSONWriter) -> Void) -> String {
        var json = JSONWriter()
        json.object(body)
        return json.string
    }

    private static func parted(_ results: [Result]) -> [ArraySlice<Result>] {
        var parts: [ArraySlice<Result>] = []
        var start = 0
        var bytes = 0
        for (index, result) in results.enumerated() {
            bytes += result.text.utf8.count
            if bytes > byteLimit, index > start {
                parts.append(results[start..<index])
                (start, bytes) = (index, result.text.utf8.count)
            }
        }
        return parts + [results[start...]]
    }

    private func write(
        _ results: ArraySlice<Result>, namespace: String, number: Int, to json: inout JSONWriter
    ) {
        json.member("apiVersion", "openreports.io/v1alpha1")
        json.member("kind", namespace.isEmpty ? "ClusterReport" : "Report")
        json.fields("metadata") { json in
            json.member("name", number == 0 ? "martlet" : "martlet-\(number + 1)")
            if !namespace.isEmpty { json.member("namespace", namespace) }
            json.fields("labels") { $0.member("app.kubernetes.io/managed-by", "martlet") }
            json.fields("annotations") { json in
                json.member("martlet.dev/target", safe(report.target))
                json.member("martlet.dev/generated-at", safe(report.generatedAt))
                if namespace.isEmpty, number == 0 {
                    json.member("martlet.dev/evaluations-passed", String(report.coverage.passed))
                    if let ratio = report.coverage.ratio { json.member("martlet.dev/coverage", percent(ratio)) }
                }
            }
        }
        json.member("source", "martlet")
        if !namespace.isEmpty {
            json.fields("scope") { json in
                json.member("apiVersion", "v1")
                json.member("kind", "Namespace")
                json.member("name", namespace)
            }
        }
        json.fields("summary") { json in
            for word in ["fail", "warn", "error", "skip"] {
                json.member(word, results.count { $0.result == word })
            }
        }
        json.list("results") { json in
            for result in results { json.raw(result.text) }
        }
    }

    private func write(_ finding: Finding, to json: inout JSONWriter) {
        json.member("source", "martlet")
        json.member("policy", finding.rule.id)
        json.member("category", finding.rule.category.rawValue)
        json.member("severity", finding.severity.rawValue)
        json.member("result", Self.result(finding))
        json.member("scored", finding.outcome == .fail)
        writeTimestamp(&json)
        let count = finding.evidence.count
        let more = count > 1 ? " (and \(counted(count - 1, "more place")))" : ""
        json.member("message", safe(finding.message) + more)
        json.list("resources") { json in
            json.object { write(finding.subject, of: finding, to: &$0) }
        }
        json.fields("properties") { json in
            json.member("fingerprint", finding.fingerprint)
            if let evidence = finding.evidence.first, !evidence.path.isEmpty {
                json.member("path", safe(evidence.path.description))
            }
            if let location = finding.location { json.member("location", safe("\(location)")) }
            if !finding.subject.group.isEmpty { json.member("group", safe(finding.subject.group)) }
            if let origin = finding.origin { json.member("origin", safe("\(origin)")) }
            if finding.isSystem { json.member("system", "true") }
            if let waiver = finding.waiver {
                json.member("waivedBy", safe(waiver.owner))
                json.member("waivedUntil", waiver.expires)
                json.member("waivedBecause", safe(waiver.reason))
            }
        }
    }

    private func write(_ subject: ObjectReference, of finding: Finding, to json: inout JSONWriter) {
        // The version is known only where the place is in the subject itself and not in a pod of it.
        let root = finding.evidence.first?.node.rootNode
        if let root, root["kind"].equals(subject.kind), let version = root["apiVersion"].string {
            json.member("apiVersion", safe(version))
        } else if subject.group.isEmpty {
            json.member("apiVersion", "v1")
        }
        json.member("kind", safe(subject.kind))
        if !subject.namespace.isEmpty { json.member("namespace", safe(subject.namespace)) }
        json.member("name", safe(subject.name))
    }

    private func write(_ problem: Problem, to json: inout JSONWriter) {
        json.member("source", "martlet")
        json.member("policy", safe("input/\(problem.code)"))
        json.member("category", "input")
        json.member("result", "error")
        json.member("scored", false)
        writeTimestamp(&json)
        json.member("message", safe("\(problem.kind.rawValue): \(problem.message)"))
        if let location = problem.location {
            json.fields("properties") { $0.member("location", safe("\(location)")) }
        }
    }

    private func writeTimestamp(_ json: inout JSONWriter) {
        guard let seconds = Self.seconds(report.generatedAt) else { return }
        json.fields("timestamp") { json in
            json.member("seconds", seconds)
            json.member("nanos", 0)
        }
    }

    private static func result(_ finding: Finding) -> String {
        switch finding.outcome {
        case .fail: "fail"
        case .waived: "warn"
        case .notObservable: "error"
        case .pass: "pass"
        case .notApplicable: "skip"
        }
    }

    /// Seconds since 1970 of `2026-11-23T05:10:45Z`.
    static func seconds(_ text: String) -> Int? {
        guard let day = CalendarDate(text) else { return nil }
        let time = text.drop { $0 != "T" }.dropFirst().prefix(8).split(separator: ":").compactMap { Int($0) }
        guard time.count == 3, text.hasSuffix("Z") else { return nil }
        return day.daysSinceEpoch * 86_400 + time[0] * 3600 + time[1] * 60 + time[2]
    }

    /// Whether a namespace can have the name: RFC 1123.
    static func isLabel(_ name: String) -> Bool {
        guard 1...63 ~= name.utf8.count, let first = name.utf8.first, let last = name.utf8.last else { return false }
        func isWord(_ byte: UInt8) -> Bool {
            UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
        }
        return isWord(first) && isWord(last) && name.utf8.allSatisfy { isWord($0) || $0 == UInt8(ascii: "-") }
    }

    private func safe(_ text: String) -> String { PrintableText.of(text, limit: 1000) }
}
