package import CISBenchmark
import Documents
package import Findings
import Kubernetes

extension CISReport {
    /// The report as every output format of a scan knows it: failing controls, and those that could not be seen, as
    /// findings on the cluster.
    package func report(
        target: String, isCluster: Bool, generatedAt: String, version: String, problems: [Problem]
    ) -> Report {
        var report = Report(
            target: target, isCluster: isCluster, generatedAt: generatedAt, version: version, problems: problems,
            rules: (results + own).map(\.control.rule))
        for result in results + own {
            switch result.outcome {
            case .pass, .passByEquivalence: report.coverage.passed += 1
            case .notApplicable, .manual: report.coverage.notApplicable += 1
            case .fail:
                guard result.partOf == nil else { continue }
                report.coverage.failed += 1
                report.findings += findings(result, .fail, cluster: isCluster ? target : "")
            case .notObservable:
                report.coverage.notObservable += 1
                report.findings += findings(result, .notObservable, cluster: isCluster ? target : "")
            }
        }
        report.findings.sort(by: Finding.areInOrder)
        return report
    }

    /// One finding for each object that decided; what belongs to no object is said of the nodes or the cluster.
    private func findings(_ result: CISResult, _ outcome: Outcome, cluster: String) -> [Finding] {
        var bySubject: [(subject: ObjectReference, file: String, evidence: [Evidence])] = []
        for part in result.deciding {
            let subject =
                part.object
                ?? (part.node.isEmpty
                    ? ObjectReference(group: "", kind: "Cluster", namespace: "", name: result.control.subject)
                    : ObjectReference(group: "", kind: "Node", namespace: "", name: part.node))
            let node = part.evidence ?? Self.nothing
            let evidence = Evidence(node: node, message: part.message, provenance: part.provenance?.description)
            let file = part.evidence?.source.name ?? ""
            if let position = bySubject.firstIndex(where: { $0.subject == subject && $0.file == file }) {
                bySubject[position].evidence.append(evidence)
            } else {
                bySubject.append((subject, file, [evidence]))
            }
        }
        return bySubject.map { entry in
            Finding(
                rule: result.control.rule, outcome: outcome, subject: entry.subject, file: entry.file,
                evidence: entry.evidence, cluster: cluster)
        }
    }

    /// A node for evidence that stands in no document.
    private static let nothing: Node = {
        let set = DocumentReader.read(SourceText(name: "", bytes: Array("{}".utf8)))
        guard let root = set.documents.first?.root else { preconditionFailure("an empty object is a document") }
        return root
    }()
}
