import Documents
import Testing

@testable import NetworkPolicies

@Suite struct IntentTestTests {
    private func failures(_ test: String, _ policies: String) throws -> [String] {
        let source = SourceText(name: "tests.yaml", bytes: Array("tests:\n- \(test)".utf8))
        let root = try #require(DocumentReader.read(source).documents.first?.root)
        let read = IntentTest.read(root)
        #expect(read.problems.isEmpty)
        return read.tests.flatMap { $0.failures(DualStack(Shop(policies).state)) }.map(\.message)
    }

    @Test(arguments: [
        "{from: shop/web, to: shop/db, only: [5432]}", "{from: tools/*, to: shop/db, expect: denied}",
        "{from: internet, to: shop/db, ports: [5432], expect: denied}",
        "{from: shop/db, to: shop/web, ports: [80], expect: allowed}", "shop/web may not reach shop/db except 5432",
        "web may not reach db except 5432", "tools/* may not reach shop/db", "tools/probe may not reach db on 5432",
        "db may reach web on 80, 443 and 53/UDP", "shop/db may reach shop/web",
    ])
    func whatIsTrueHolds(_ test: String) throws { #expect(try failures(test, ReachTests.onlyWeb).isEmpty) }

    @Test func whatIsNotTrueSaysWhichPorts() throws {
        let only = try failures("{from: shop/web, to: shop/db, only: [5432, 80]}", ReachTests.onlyWeb)
        #expect(only == ["denied: TCP 80"])
        let open = try failures("{from: shop/web, to: shop/db, ports: [5432], expect: denied}", ReachTests.onlyWeb)
        #expect(open == ["allowed: TCP 5432"])
    }

    @Test func aSentenceThatIsNotTrueSaysWhichPorts() throws {
        #expect(
            try failures("web may not reach db except 5432 and 53/UDP", ReachTests.onlyWeb) == ["denied: UDP 53"])
        #expect(try failures("web may not reach db", ReachTests.onlyWeb) == ["allowed: TCP 5432"])
    }

    @Test func whatOneFamilyLetsPassIsNotDenied() throws {
        var state = Shop(
            BadInputTests.policy(
                "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{ipBlock: {cidr: 'fd00::/64'}}]}], "
                    + "policyTypes: [Ingress, Egress], egress: [{to: [{ipBlock: {cidr: '::/0'}}]}]}")
        ).state
        for (name, last) in [("one", 1), ("two", 2)] as [(String, UInt128)] {
            var pod = LiveNetwork.PodDescription(
                name: name, namespace: "shop", labels: name == "one" ? [:] : ["app": "web"])
            pod.addresses = [
                IPAddress(family: .v4, value: 0x0A09_0000 + last), IPAddress(family: .v6, value: 0xFD00 << 112 | last),
            ]
            state.add(pod)
        }
        for sentence in ["shop/one may not reach shop/two", "shop/two may not reach internet"] {
            let source = SourceText(name: "tests.yaml", bytes: Array("tests:\n- \(sentence)".utf8))
            let root = try #require(DocumentReader.read(source).documents.first?.root)
            #expect(IntentTest.read(root).tests.flatMap { $0.failures(DualStack(state)) }.count == 1, "\(sentence)")
        }
    }

    @Test func aTestOfNobodyNamesBothEnds() throws {
        let source = SourceText(name: "tests.yaml", bytes: Array("tests:\n- shop/wbe may not reach shop/db".utf8))
        let root = try #require(DocumentReader.read(source).documents.first?.root)
        let failure = try #require(IntentTest.read(root).tests.flatMap { $0.failures(DualStack(Shop().state)) }.first)
        #expect(failure.source == .domain("shop/wbe"))
        #expect(failure.target == .domain("shop/db"))
    }

    @Test func aTestOfNobodyFails() throws {
        #expect(try failures("{from: shop/wbe, to: shop/db, expect: denied}", "") == ["\"shop/wbe\" matches nothing"])
    }

    @Test(arguments: [
        "{from: a/b}", "{from: a/b, to: c/d}", "{from: a/b, to: c/d, expect: denied, prots: [1]}",
        "a may b", "a may not reach", "a may reach b except 80", "a may not reach b on", "a may reach b on 70000",
        "a may reach b on 80/HTTP", "5",
    ])
    func aTestThatCannotBeReadIsSaid(_ test: String) throws {
        let source = SourceText(name: "tests.yaml", bytes: Array("tests:\n- \(test)".utf8))
        let root = try #require(DocumentReader.read(source).documents.first?.root)
        #expect(IntentTest.read(root).problems.count == 1)
    }
}
