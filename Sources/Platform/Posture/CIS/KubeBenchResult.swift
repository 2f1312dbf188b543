package import CISBenchmark
package import Documents

/// The result of a kube-bench run, read to be laid beside ours.
///
/// Standard: kube-bench's JSON output: `Controls[].tests[].results[]`, or the list of controls alone in old versions.
package struct KubeBenchResult: Sendable {
    package struct Test: Sendable {
        package var id: String
        package var description: String
        /// PASS, FAIL, WARN or INFO.
        package var status: String
        package var reason: String

        /// The same in our words: a warning of kube-bench is what it leaves to a person.
        package var outcome: CISOutcome {
            switch status {
            case "PASS": .pass
            case "FAIL": .fail
            case "INFO": .notApplicable
            default: .manual
            }
        }
    }

    package var version: String
    package var tests: [Test]

    package struct Unreadable: Error, CustomStringConvertible {
        package var description: String
    }

    package init(_ source: SourceText) throws {
        let root: Node
        do throws(DocumentError) {
            root = try DocumentReader.readJSON(source)
        } catch {
            throw Unreadable(description: "\(source.name): no JSON of kube-bench: \(error.message)")
        }
        let controls = root["Controls"].isArray ? root["Controls"] : root
        guard controls.isArray else {
            throw Unreadable(description: "\(source.name): no \"Controls\"; write it with kube-bench --json")
        }
        version = ""
        tests = []
        for control in controls.elements {
            if version.isEmpty { version = control["version"].string ?? "" }
            for group in control["tests"].elements {
                for test in group["results"].elements {
                    guard let id = test["test_number"].string else { continue }
                    tests.append(
                        Test(
                            id: id, description: test["test_desc"].string ?? "",
                            status: test["status"].string ?? "WARN",
                            reason: test["reason"].string ?? test["actual_value"].string ?? ""))
                }
            }
        }
        guard !tests.isEmpty else { throw Unreadable(description: "\(source.name): it holds no result") }
    }

    /// The run as a report of ours. Tests that the catalogue does not know are named in the remarks.
    package var report: CISReport {
        let catalogue = CISCatalogue.current
        let byID = Dictionary(grouping: tests, by: \.id)
        var remarks = ["imported from kube-bench, benchmark \(version.isEmpty ? "of an unknown version" : version)"]
        let unknown = tests.map(\.id).filter { catalogue[$0] == nil }
        if !unknown.isEmpty { remarks.append("not in this catalogue: \(unknown.joined(separator: ", "))") }
        let results = catalogue.controls.map { control in
            let parts = (byID[control.id] ?? []).map { test in
                CISPart(
                    test.outcome, "kube-bench says \(test.status)\(test.reason.isEmpty ? "" : ": \(test.reason)")")
            }
            return CISResult(
                control, parts.isEmpty ? [CISPart(.notObservable, "kube-bench has no result for it")] : parts)
        }
        return CISReport(results: results, platform: .standard, version: nil, nodes: [], remarks: remarks)
    }

    /// Where kube-bench and a report of ours say different things; what one of them leaves open is no difference.
    package func differences(_ report: CISReport) -> [(id: String, theirs: String, ours: CISResult)] {
        tests.compactMap { test in
            guard let ours = report[test.id], ours.outcome.isPass || ours.outcome == .fail else { return nil }
            guard test.status == "PASS" || test.status == "FAIL" else { return nil }
            let agrees = (test.status == "PASS") == ours.outcome.isPass
            return agrees ? nil : (test.id, test.status, ours)
        }
    }
}
