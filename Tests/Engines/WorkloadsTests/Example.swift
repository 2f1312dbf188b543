import Documents
import Findings
import Kubernetes
import Testing

@testable import Workloads

/// A manifest with marks round what a finding must point at, and the check it is about.
///
/// The marks `«…»` are cut out before parsing. A field that is missing is pointed at by the start of what it is
/// missing from.
struct Example: Sendable, CustomTestStringConvertible {
    let name: String
    let check: String
    let fails: Bool
    let text: String
    let options: WorkloadOptions

    init(
        _ name: String, fails check: String, target: TargetVersion = .newest, unlisted: Set<String> = [], _ text: String
    ) {
        self.init(name, check, true, text, target, unlisted)
    }

    init(
        _ name: String, passes check: String, target: TargetVersion = .newest, unlisted: Set<String> = [],
        _ text: String
    ) {
        self.init(name, check, false, text, target, unlisted)
    }

    private init(
        _ name: String, _ check: String, _ fails: Bool, _ text: String, _ target: TargetVersion, _ unlisted: Set<String>
    ) {
        self.name = name
        self.check = check
        self.fails = fails
        self.text = text
        options = WorkloadOptions(target: target, includesReliability: true, unlistedKinds: unlisted)
    }

    var testDescription: String { "\(check): \(name)" }

    /// Evaluates the example; every finding of the check needs a mark, every mark a finding.
    func verify() throws {
        let (plain, marks) = Self.cut(text)
        let inventory = try Self.inventory(plain)
        let findings = WorkloadEvaluation(inventory, options: options).results().findings
            .filter { $0.rule.id == check && $0.outcome == .fail }
        let places = findings.flatMap(\.evidence).compactMap(\.node.sourceStart)
        #expect(Set(places) == Set(marks), "\(findings.flatMap(\.evidence).map(\.description))")
        #expect(fails == !findings.isEmpty)
        #expect(findings.flatMap(\.evidence).allSatisfy { !$0.message.isEmpty })
    }

    /// The manifest without its marks, and where they began.
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

    static func inventory(_ text: String, file: String = "example.yaml") throws -> Inventory {
        Inventory(try objects(text, file: file))
    }

    static func objects(_ text: String, file: String = "example.yaml") throws -> [KubernetesObject] {
        let set = DocumentReader.read(SourceText(name: file, bytes: Array(text.utf8)))
        #expect(set.problems.isEmpty, "\(set.problems)")
        var objects: [KubernetesObject] = []
        for document in set.documents {
            let read = KubernetesObject.objects(in: document)
            #expect(read.problems.isEmpty, "\(read.problems)")
            objects += read.objects
        }
        return objects
    }
}

extension Evidence: CustomStringConvertible {
    /// The place, the field and what is said of it.
    public var description: String { "\(location.map(\.description) ?? "") \(path) \(message)" }
}
