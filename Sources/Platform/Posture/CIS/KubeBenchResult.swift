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

    // MARK: Its numbers and ours

    /// The platform whose own benchmark was run; nil for the Kubernetes benchmark.
    private var platform: Platform? {
        let marks = [
            ("eks-stig", ""), ("eks", "eks"), ("gke", "gke"), ("aks", "aks"), ("k3s", "k3s"), ("rke2", "rke2"),
            ("rh-", "openshift"), ("ocp", "openshift"),
        ]
        return marks.first { version.hasPrefix($0.0) }.flatMap { Platform.named($0.1) }?.edition(called: version)
    }

    /// Why the numbers of the run are not ours; nil where they are known to be.
    private var stranger: String? {
        if platform != nil { return nil }
        let known = ["cis-1.10", "cis-1.11", "cis-1.12", "cis-2.0", "1.10", "1.11", "1.12", "2.0", ""]
        if known.contains(where: { $0.isEmpty ? version.isEmpty : version == $0 || version.hasPrefix($0 + ".") }) {
            return nil
        }
        return "benchmark \(version) numbers its controls otherwise; nothing of it is laid beside ours"
    }

    /// Our number of a test; nil for one that the Kubernetes benchmark of today does not have.
    ///
    /// 1.10 kept what is 5.6 now under 5.7, and the added capabilities of 1.10 and 1.11 under 5.2.9.
    private func ours(_ id: String) -> String? {
        if stranger != nil { return nil }
        if let platform {
            return CISCatalogue.current.controls.first { platform.ownID($0) == id }?.id
        }
        var id = id
        if version.hasSuffix("1.10"), id.hasPrefix("5.7.") { id = "5.6." + id.dropFirst(4) }
        if version.hasSuffix("1.10") || version.hasSuffix("1.11"), id.hasPrefix("5.2."),
            let number = Int(id.dropFirst(4)), number >= 9
        {
            return number == 9 ? nil : "5.2.\(number - 1)"
        }
        return CISCatalogue.current[id] == nil ? nil : id
    }

    /// The run as a report of ours. Tests that the catalogue does not know are named in the remarks.
    package var report: CISReport {
        var byID: [String: [Test]] = [:]
        var unknown: [String] = []
        let own = Set(platform?.ownControls.map(\.id) ?? [])
        for test in tests {
            if let id = ours(test.id) {
                byID[id, default: []].append(test)
            } else if !own.contains(test.id) {
                unknown.append(test.id)
            }
        }
        var remarks = ["imported from kube-bench, benchmark \(version.isEmpty ? "of an unknown version" : version)"]
        if let stranger {
            remarks.append(stranger)
        } else if !unknown.isEmpty {
            remarks.append("not in this catalogue: \(unknown.joined(separator: ", "))")
        }
        func parts(_ found: [Test]) -> [CISPart] {
            let parts = found.map { test in
                CISPart(
                    test.outcome, "kube-bench says \(test.status)\(test.reason.isEmpty ? "" : ": \(test.reason)")")
            }
            return parts.isEmpty ? [CISPart(.notObservable, "kube-bench has no result for it")] : parts
        }
        var report = CISReport(
            results: CISCatalogue.current.controls.map { CISResult($0, parts(byID[$0.id] ?? [])) },
            platform: platform ?? .standard, version: nil, nodes: [], remarks: remarks)
        report.own = (platform?.ownControls ?? []).map { control in
            CISResult(control, parts(tests.filter { $0.id == control.id }))
        }
        return report
    }

    /// Where kube-bench and a report of ours say different things; what one of them leaves open is no difference.
    package func differences(_ report: CISReport) -> [(id: String, theirs: String, ours: CISResult)] {
        tests.compactMap { test in
            guard let id = ours(test.id), let ours = report[id], ours.outcome.isPass || ours.outcome == .fail else {
                return nil
            }
            guard test.status == "PASS" || test.status == "FAIL" else { return nil }
            let agrees = (test.status == "PASS") == ours.outcome.isPass
            return agrees ? nil : (id, test.status, ours)
        }
    }
}
