import Admission
import Documents
import Findings
import Kubernetes
import PodSecurity

extension ConformanceSuite {
    /// The responses of Pod Security, byte for byte through the webhook: review in, review out.
    static let admission = ConformanceSuite(
        name: "pss", files: [ConformanceFile(name: "webhook", run: webhook)])

    private static func webhook(_ folder: ConformanceFolder) throws -> Agreement {
        guard let today = CalendarDate(year: 2026, month: 11, day: 23) else {
            throw ConformanceError(description: "no such day")
        }
        var agreement = Agreement()
        for line in try folder.lines("admission.jsonl") {
            var problems: [String] = []
            var policy = AdmissionPolicy(defaultMode: .off)
            policy.podSecurity = PodSecurityConfiguration(line["config"], problems: &problems)
            let objects = ([line["namespace"]] + line["existingPods"].elements.map(\.self)).compactMap { node in
                KubernetesObject(node.asRoot)
            }
            let reviewer = AdmissionReviewer(policy: policy, inventory: Inventory(objects))
            var writer = JSONWriter()
            writer.object { writer in
                writer.member("kind", "AdmissionReview")
                writer.member("apiVersion", "admission.k8s.io/v1")
                writer.key("request")
                writer.value(line["request"])
            }
            let request = try ReviewRequest(writer.takeBytes())
            let body = reviewer.decide(request, today: today).body
            let found = try DocumentReader.readJSON(SourceText(name: "", bytes: body))
            agreement.note(
                line["id"].string ?? "", expected: line["response"].canonicalJSON(),
                found: found["response"].canonicalJSON())
        }
        return agreement
    }
}
