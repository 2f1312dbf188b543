import Documents
import Testing

@testable import NetworkPolicies

@Suite struct IntentTestTests {
    private func failures(_ test: String, _ policies: String) throws -> [String] {
        let source = SourceText(name: "tests.yaml", bytes: Array("tests:\n- \(test)".utf8))
        let root = try #require(DocumentReader.read(source).documents.first?.root)
        let read = IntentTest.read(root)
        #expect(read.problems.isEmpty)
        return read.tests.flatMap { $0.failures(Shop(policies).model) }.map(\.message)
    }

    @Test(arguments: [
        "{from: shop/web, to: shop/db, only: [5432]}", "{from: tools/*, to: shop/db, expect: denied}",
        "{from: internet, to: shop/db, ports: [5432], expect: denied}",
        "{from: shop/db, to: shop/web, ports: [80], expect: allowed}",
    ])
    func whatIsTrueHolds(_ test: String) throws { #expect(try failures(test, ReachTests.onlyWeb).isEmpty) }

    @Test func whatIsNotTrueSaysWhichPorts() throws {
        let only = try failures("{from: shop/web, to: shop/db, only: [5432, 80]}", ReachTests.onlyWeb)
        #expect(only == ["denied: TCP 80"])
        let open = try failures("{from: shop/web, to: shop/db, ports: [5432], expect: denied}", ReachTests.onlyWeb)
        #expect(open == ["allowed: TCP 5432"])
    }

    @Test func aTestOfNobodyFails() throws {
        #expect(try failures("{from: shop/wbe, to: shop/db, expect: denied}", "") == ["\"shop/wbe\" matches nothing"])
    }

    @Test(arguments: ["{from: a/b}", "{from: a/b, to: c/d}", "{from: a/b, to: c/d, expect: denied, prots: [1]}"])
    func aTestThatCannotBeReadIsSaid(_ test: String) throws {
        let source = SourceText(name: "tests.yaml", bytes: Array("tests:\n- \(test)".utf8))
        let root = try #require(DocumentReader.read(source).documents.first?.root)
        #expect(IntentTest.read(root).problems.count == 1)
    }
}
