import Documents
import Findings
import Kubernetes
import Testing

@testable import Secrets

/// A manifest with marks round what a finding must point at, and the check of Secrets' keeping it is about.
///
/// The marks `«…»` are cut out before parsing. A field that is missing is pointed at by the start of what it is
/// missing from.
struct SecretExample: Sendable, CustomTestStringConvertible {
    let name: String
    let check: String
    let fails: Bool
    let text: String
    var isCluster = false
    var policy = SecretPolicy()

    init(
        _ name: String, fails check: String, cluster: Bool = false, policy: SecretPolicy = SecretPolicy(),
        _ text: String
    ) {
        (self.name, self.check, fails, self.text, isCluster, self.policy) = (name, check, true, text, cluster, policy)
    }

    init(
        _ name: String, passes check: String, cluster: Bool = false, policy: SecretPolicy = SecretPolicy(),
        _ text: String
    ) {
        (self.name, self.check, fails, self.text, isCluster, self.policy) = (name, check, false, text, cluster, policy)
    }

    var testDescription: String { "\(check): \(name)" }

    static let now = EventTime("2026-11-23T00:00:00Z")

    /// Evaluates the example; every finding of the check needs a mark, every mark a finding.
    func verify() throws {
        let (plain, marks) = Self.cut(text)
        let objects = try Self.objects(plain)
        let evaluation = SecretManagementEvaluation(
            Inventory(objects), isCluster: isCluster, policy: policy, now: Self.now)
        let findings = objects.flatMap { evaluation.evaluate($0).findings }
            .filter { $0.rule.id == check && $0.outcome == .fail }
        let places = findings.flatMap(\.evidence).compactMap(\.node.sourceStart)
        let told = findings.flatMap(\.evidence).map { "\($0.path): \($0.message)" }
        #expect(Set(places) == Set(marks), "\(told)")
        #expect(fails == !findings.isEmpty)
        #expect(findings.flatMap(\.evidence).allSatisfy { !$0.message.isEmpty })
    }

    static func cut(_ text: String) -> (plain: String, marks: [Int]) {
        var plain: [UInt8] = []
        var marks: [Int] = []
        for character in text {
            switch character {
            case "«": marks.append(plain.count)
            case "»": continue
            default: plain += Array(String(character).utf8)
            }
        }
        return (String(decoding: plain, as: UTF8.self), marks)
    }

    static func objects(_ text: String, file: String = "example.yaml") throws -> [KubernetesObject] {
        let set = DocumentReader.read(SourceText(name: file, bytes: Array(text.utf8)))
        #expect(set.problems.isEmpty, "\(set.problems)")
        return set.documents.flatMap { KubernetesObject.objects(in: $0).objects }
    }
}
