import Documents
package import Findings
package import Store

extension FindingRow {
    /// What the store keeps of a finding. Values of evidence are kept only where they cannot be a secret.
    package init(_ finding: Finding, cluster: String, objectVersion: String = "") {
        let status: FindingStatus =
            switch finding.outcome {
            case .waived: .waived
            case .notObservable: .unobservable
            default: .failing
            }
        self.init(
            cluster: cluster, fingerprint: finding.fingerprint, rule: finding.rule.id, severity: finding.severity,
            status: status, group: finding.subject.group, kind: finding.subject.kind,
            namespace: finding.subject.namespace, name: finding.subject.name, file: finding.file,
            isSystem: finding.isSystem, title: finding.rule.title,
            message: finding.evidence.first?.message ?? finding.rule.title, evidence: Self.evidence(finding),
            origin: finding.origin?.description ?? "",
            waiver: finding.waiver.map { "\($0.owner): \($0.reason) (until \($0.expires))" },
            objectVersion: objectVersion)
    }

    /// Most places that are kept; the rest is a number.
    private static let mostPlaces = 25

    private static func evidence(_ finding: Finding) -> String {
        var json = JSONWriter()
        json.array { json in
            for evidence in finding.evidence.prefix(mostPlaces) {
                json.object { json in
                    json.member("path", evidence.path.description)
                    json.member("message", evidence.message)
                    let kind = (evidence.object ?? finding.subject).kind
                    if kind != "Secret", finding.subject.kind != "Secret", let value = evidence.value {
                        json.member("value", String(value.prefix(512)))
                    }
                    if let object = evidence.object, object != finding.subject {
                        json.member("object", object.description)
                    }
                    if let location = evidence.location { json.member("location", location.description) }
                    if let provenance = evidence.provenance { json.member("provenance", provenance) }
                }
            }
            if finding.evidence.count > mostPlaces {
                json.object { $0.member("more", finding.evidence.count - mostPlaces) }
            }
        }
        return json.string
    }
}
