import Documents
import Findings
import Testing

@testable import Compliance

@Suite struct CatalogueTests {
    private static let rules = ["pod/host-port", "pod/privileged", "rbac/wildcard", "image/no-digest"].map(sampleRule)

    private static func read(_ text: String) -> (catalogue: ComplianceCatalogue, problems: [Problem]) {
        ComplianceCatalogue.reading([SourceText(name: "own.yaml", bytes: Array(text.utf8))], rules: rules)
    }

    @Test(arguments: [
        ("soc2", 61), ("hipaa", 48), ("pci-dss", 94), ("cis", 131), ("nsa-cisa", 24), ("nist-800-190", 24),
        ("nist-800-53", 36), ("iso-27001", 45), ("attack", 32),
    ])
    func everyFrameworkIsWhole(_ id: String, _ count: Int) throws {
        let framework = try #require(ComplianceCatalogue.builtIn.framework(id))
        #expect(framework.controls.count == count)
        #expect(!framework.source.isEmpty && !framework.edition.isEmpty)
        for control in framework.controls {
            #expect(!control.title.isEmpty)
            #expect(control.reach != .none || control.evidence.isEmpty, "\(id) \(control.id)")
            for family in control.evidence { #expect(ComplianceCatalogue.builtIn.family(family) != nil) }
        }
    }

    @Test func aFrameworkOfOnesOwnIsRead() throws {
        let (catalogue, problems) = Self.read(
            """
            frameworks:
            - id: acme
              title: Acme baseline
              edition: "2026"
              extends: nsa-cisa
              without: [pod-nonroot]
              controls:
              - {id: A-1, title: Nothing on the node, reach: strong, checks: [pod/*], evidence: [acme-images]}
              - {id: A-2, title: Both, parts: [A-1]}
            families:
            - {id: acme-images, title: Our images, checks: [image/no-digest], includes: [image-provenance]}
            mappings:
            - {framework: soc2, control: CC1.1, add: {evidence: [acme-images]}}
            """)
        #expect(problems.isEmpty, "\(problems)")
        let acme = try #require(catalogue.framework("acme"))
        #expect(acme.controls.count == 24 - 1 + 2)
        #expect(acme.control("pod-nonroot") == nil)
        #expect(catalogue.framework("soc2")?.control("CC1.1")?.evidence == ["acme-images"])
        #expect(ComplianceCatalogue.builtIn.framework("soc2")?.control("CC1.1")?.evidence == [])
    }

    @Test(arguments: [
        ("frameworks: [{id: a, controls: [{id: x, checks: [pod/host-prt]}]}]", "unknown check \"pod/host-prt\""),
        ("frameworks: [{id: a, controls: [{id: x, evidence: [nothing]}]}]", "unknown family \"nothing\""),
        ("frameworks: [{id: soc2, controls: [{id: x}]}]", "framework id \"soc2\" stands twice"),
        ("frameworks: [{id: a, controls: [{id: x}, {id: x}]}]", "control id \"x\" stands twice"),
        ("frameworks: [{id: a, controls: []}]", "has no controls"),
        ("frameworks: [{id: a, control: []}]", "unknown field \"control\""),
        ("families: [{id: rbac-admin, checks: [pod/*]}]", "family id \"rbac-admin\" stands twice"),
        ("families: [{id: f}]", "has nothing to show"),
        (
            "families: [{id: a, includes: [b]}, {id: b, includes: [c]}, {id: c, includes: [a]}]",
            "families include each other in a circle: a → b → c → a"
        ),
        (
            "frameworks: [{id: a, controls: [{id: p, parts: [q]}, {id: q, parts: [p]}]}]",
            "parts of each other in a circle: p → q → p"
        ),
        (
            "frameworks: [{id: a, extends: b, controls: [{id: x}]}, {id: b, extends: a, controls: [{id: y}]}]",
            "extend each other in a circle: a → b → a"
        ),
        ("frameworks: [{id: a, extends: z, controls: [{id: x}]}]", "extends \"z\", which is not there"),
        ("frameworks: [{id: a, controls: [{id: x, reach: some}]}]", "\"reach\" is strong, partial or none"),
        ("mappings: [{framework: soc9, control: CC1.1}]", "unknown framework \"soc9\""),
        ("mappings: [{framework: soc2, control: CC99}]", "no control \"CC99\""),
        ("- 1", "expected \"frameworks\""),
        ("frameworks: 7", "expected a list"),
    ])
    func whatIsWrongIsNamedAndRefused(_ text: String, _ message: String) {
        let (catalogue, problems) = Self.read(text)
        #expect(problems.contains { $0.message.contains(message) }, "\(problems)")
        #expect(problems.allSatisfy { $0.location?.file == "own.yaml" })
        #expect(catalogue.frameworks == ComplianceCatalogue.builtIn.frameworks)
        #expect(catalogue.families == ComplianceCatalogue.builtIn.families)
    }

    @Test func aLongChainIsNoCircleAndNeedsNoStack() {
        var links: [String: [String]] = [:]
        for number in 0..<100_000 { links["n\(number)"] = ["n\(number + 1)"] }
        #expect(CatalogueReader.circle(links) == nil)
        links["n99999"] = ["n5"]
        #expect(CatalogueReader.circle(links)?.count == 99_996)
    }

    @Test func bytesOfAnySortAreNamedAndNeverEndTheProgram() {
        var random = SystemRandomNumberGenerator()
        let words = [
            "frameworks", "families", "mappings", ":", "[", "]", "{", "}", "\n", "- ", "id", "a", "parts", "includes",
            "checks", "\"", "*", "&x", "1.20", "  ", "reach", "\u{0}",
        ]
        for _ in 0..<500 {
            let text = (0..<30).map { _ in words.randomElement(using: &random) ?? "" }.joined()
            let (catalogue, problems) = Self.read(text)
            if !problems.isEmpty { #expect(catalogue.frameworks.count == 9) }
        }
    }
}

func sampleRule(_ id: String) -> Rule {
    Rule(id, .medium, title: "title of \(id)", why: "why", remedy: "remedy")
}
