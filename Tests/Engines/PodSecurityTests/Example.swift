import Documents
import Findings
import Kubernetes
import Testing

@testable import PodSecurity

/// A manifest, and what a rule says of it.
///
/// Marks `«…»` stand round every value a finding must point at, and round nothing else; where a field is missing,
/// they stand round the nearest thing that is there. They are cut out before the manifest is read.
struct Example: Sendable, CustomTestStringConvertible {
    var name: String
    var rule: String
    var fails: Bool
    var manifest: String

    init(_ name: String, fails rule: String, _ manifest: String) {
        self.init(name: name, rule: rule, fails: true, manifest: manifest)
    }

    init(_ name: String, passes rule: String, _ manifest: String) {
        self.init(name: name, rule: rule, fails: false, manifest: manifest)
    }

    private init(name: String, rule: String, fails: Bool, manifest: String) {
        self.name = name
        self.rule = rule
        self.fails = fails
        self.manifest = manifest
    }

    var testDescription: String { "\(rule): \(name)" }

    /// Evaluates the rule; each finding needs a mark and each mark a finding.
    func check() throws {
        let (text, marks) = unmarked()
        let set = DocumentReader.read(SourceText(name: "example.yaml", bytes: Array(text.utf8)))
        try #require(set.problems.isEmpty)
        let root = try #require(set.documents.first).root
        let object = try #require(KubernetesObject(root))
        let template = try #require(object.podTemplate)
        let check = try #require(PodSecurityChecks.all.first { $0.rule.id == rule })
        var report = CheckReport()
        check.evaluate(PodSecurityInput(template, of: object), &report)
        #expect(fails == !marks.isEmpty, "an example that fails has marks, one that passes has none")
        #expect(report.unobservable.isEmpty)
        let places = report.failures.compactMap(\.node.sourceStart)
        #expect(places.sorted().map { line(text, $0) } == marks.map { line(text, $0) })
    }

    private func line(_ text: String, _ offset: Int) -> String {
        let before = text.utf8.prefix(offset)
        let number = before.count { $0 == 0x0A } + 1
        let column = before.reversed().prefix { $0 != 0x0A }.count + 1
        return "\(number):\(column)"
    }

    /// The manifest without its marks, and the offsets at which they opened.
    private func unmarked() -> (text: String, marks: [Int]) {
        var text = manifest.contains("apiVersion:") ? "" : "apiVersion: v1\n"
        var marks: [Int] = []
        for character in manifest {
            switch character {
            case "«": marks.append(text.utf8.count)
            case "»": continue
            default: text.append(character)
            }
        }
        return (text, marks)
    }
}
