import Documents
import Findings
import Foundation
import Testing

/// The ready files under `Examples/ci`: well-formed, and in the program's own words.
@Suite struct ContinuousIntegrationTests {
    static let folder = Project.root.appending(path: "Examples/ci")
    static let files = [
        "github/martlet.yaml", "gitlab/martlet.gitlab-ci.yml", "tekton/martlet-task.yaml",
        "pre-commit/pre-commit-config.yaml", "pre-commit/pre-commit-hooks.yaml",
    ]

    @Test(arguments: files)
    func `Every file is one YAML document`(name: String) throws {
        let root = try Project.document(Self.folder.appending(path: name))
        #expect(!root.isEmpty)
    }

    @Test(arguments: files + ["git-hooks/pre-commit", "README.md"])
    func `Every command uses formats, severities and flags that exist`(name: String) throws {
        let text = try String(decoding: Data(contentsOf: Self.folder.appending(path: name)), as: UTF8.self)
        let flags = [
            "--output", "--output-file", "--fail-on", "--strict", "--baseline", "--write-baseline", "--waivers",
            "--group-by",
        ]
        var commands = 0
        for line in text.split(separator: "\n") where line.contains("martlet scan") || line.contains("args: [scan") {
            // A list of YAML and a line of a shell have the same words.
            let words = line.split { " ,[]".contains($0) }.map(String.init)
            commands += 1
            for (word, value) in zip(words, words.dropFirst() + [""]) {
                if word.hasPrefix("--") { #expect(flags.contains(word), "\(word) in \(line)") }
                if word == "--output" { #expect(ReportFormat(rawValue: value) != nil, "\(value) in \(line)") }
                if word == "--fail-on", !value.contains("$") {
                    #expect(Severity(rawValue: value) != nil, "\(value) in \(line)")
                }
            }
        }
        #expect(commands > 0)
    }

    @Test func `The waiver that the page shows is one`() throws {
        let text = try String(decoding: Data(contentsOf: Self.folder.appending(path: "README.md")), as: UTF8.self)
        let block = try #require(text.firstMatch(of: /```yaml\n(?s)(.*?)```/)).1
        let source = SourceText(name: "README.md", bytes: Array(block.utf8))
        let (waivers, problems) = WaiverFile.read(source, today: try #require(CalendarDate("2026-11-23")))
        #expect(problems.isEmpty)
        #expect(waivers.count == 1)
    }
}
