import Documents
import Findings
import Kubernetes
import PodSecurity
import Posture
import Testing

@testable import Admission

/// Objects of a text of YAML documents.
func objects(_ text: String) -> [KubernetesObject] {
    DocumentReader.read(SourceText(name: "", bytes: Array(text.utf8))).documents
        .flatMap { KubernetesObject.objects(in: $0).objects }
}

let today: CalendarDate = {
    guard let day = CalendarDate("2026-11-23") else { preconditionFailure("November has 30 days") }
    return day
}()

/// A door with a policy, and requests for it.
struct Door {
    var reviewer: AdmissionReviewer

    init(
        _ policy: String, cluster: String = "", custom: String = "", waivers: String = "",
        images: (any ImageVerdicts)? = nil
    ) throws {
        let read = AdmissionPolicy.read(SourceText(name: "policy.yaml", bytes: Array(policy.utf8)))
        try #require(read.problems.isEmpty, "\(read.problems.map(\.message))")
        let set = WaiverFile.read(SourceText(name: "waivers.yaml", bytes: Array(waivers.utf8)), today: today)
        reviewer = AdmissionReviewer(
            policy: try #require(read.policy), inventory: Inventory(objects(cluster)),
            custom: CustomPolicies(objects(custom)), waivers: WaiverSet(waivers.isEmpty ? [] : set.waivers),
            images: images, options: .init(cluster: "test"))
    }

    /// The body of a review of an object written as YAML.
    static func body(
        _ object: String, operation: String = "CREATE", old: String? = nil, user: String = "alice",
        groups: [String] = ["dev"], subresource: String = "", dryRun: Bool = false
    ) throws -> [UInt8] {
        let new = operation == "DELETE" ? nil : objects(object).first
        let before = old.flatMap { objects($0).first } ?? (operation == "DELETE" ? objects(object).first : nil)
        let subject = try #require(new ?? before)
        var plural = subject.kind.lowercased() + "s"
        if subject.kind.hasSuffix("y") { plural = subject.kind.lowercased().dropLast() + "ies" }
        if subject.kind == "Ingress" { plural = "ingresses" }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("apiVersion", "admission.k8s.io/v1")
            writer.member("kind", "AdmissionReview")
            writer.member(
                "request",
                object: { writer in
                    writer.member("uid", "u-1")
                    writer.member(
                        "kind",
                        object: {
                            $0.member("group", subject.apiVersion.group)
                            $0.member("version", subject.apiVersion.version)
                            $0.member("kind", subject.kind)
                        })
                    writer.member(
                        "resource",
                        object: {
                            $0.member("group", subject.apiVersion.group)
                            $0.member("version", subject.apiVersion.version)
                            $0.member("resource", plural)
                        })
                    if !subresource.isEmpty { writer.member("subResource", subresource) }
                    writer.member("name", subject.name)
                    if !subject.namespace.isEmpty { writer.member("namespace", subject.namespace) }
                    writer.member("operation", operation)
                    writer.member(
                        "userInfo",
                        object: {
                            $0.member("username", user)
                            $0.member("groups", groups)
                        })
                    writer.key("object")
                    if let new { writer.value(new.node) } else { writer.null() }
                    writer.key("oldObject")
                    if let before { writer.value(before.node) } else { writer.null() }
                    writer.member("dryRun", dryRun)
                })
        }
        return writer.bytes
    }

    func ask(
        _ object: String, operation: String = "CREATE", old: String? = nil, user: String = "alice",
        groups: [String] = ["dev"], subresource: String = "", dryRun: Bool = false
    ) async throws -> AdmissionDecision {
        let bytes = try Self.body(
            object, operation: operation, old: old, user: user, groups: groups, subresource: subresource,
            dryRun: dryRun)
        return await reviewer.review(bytes, today: today).decision
    }
}

extension AdmissionDecision {
    /// `pod/privileged refused`
    var told: [String] { judged.map { "\($0.finding.rule.id) \($0.fate.word)" }.sorted() }
    var message: String { response.status?.message ?? "" }
}

extension Door {
    /// Rules by id, in the order of all rules.
    static func rules(_ ids: Set<String>) -> [Rule] {
        (PostureScan.allRules + ImageRules.all).filter { ids.contains($0.id) }
    }
}
