import Documents
import Testing

@testable import NetworkPolicies

@Suite struct WhatIfTests {
    private static let hubble = """
        {"flow":{"time":"2026-11-23T07:00:00Z","verdict":"FORWARDED","l4":{"TCP":{"source_port":40000,"destination_port":5432}},"source":{"namespace":"shop","pod_name":"web"},"destination":{"namespace":"shop","pod_name":"db"},"is_reply":false}}
        {"flow":{"time":"2026-11-23T07:01:00Z","verdict":"FORWARDED","l4":{"TCP":{"source_port":40001,"destination_port":5432}},"source":{"namespace":"shop","pod_name":"web"},"destination":{"namespace":"shop","pod_name":"db"},"is_reply":false}}
        {"flow":{"time":"2026-11-23T07:01:30Z","verdict":"FORWARDED","l4":{"TCP":{"source_port":5432,"destination_port":40001}},"source":{"namespace":"shop","pod_name":"db"},"destination":{"namespace":"shop","pod_name":"web"},"is_reply":true}}
        {"flow":{"time":"2026-11-23T07:02:00Z","verdict":"FORWARDED","l4":{"TCP":{"source_port":40001,"destination_port":9}},"source":{"namespace":"tools","pod_name":"probe-6d9f-abcde","workloads":[{"name":"probe","kind":"Deployment"}]},"destination":{"namespace":"shop","pod_name":"db"},"is_reply":false}}
        {"flow":{"time":"2026-11-23T07:02:00Z","verdict":"FORWARDED","l4":{"TCP":{"source_port":40001,"destination_port":9}},"source":{"namespace":"gone","pod_name":"x"},"destination":{"namespace":"shop","pod_name":"db"},"is_reply":false}}
        """

    private func table(_ shop: Shop, _ lines: String = hubble) -> FlowTable {
        var table = FlowTable(shop.state, shop.inventory)
        var reader = FlowLogReader()
        for line in lines.split(separator: "\n") { reader.read(line: Array(line.utf8)) { table.add($0) } }
        return table
    }

    @Test func whatAChangeCutsIsMatchedWithWhatWasSeen() {
        let shop = Shop()
        let effect = WhatIf(from: shop.state, to: Shop(ReachTests.onlyWeb).state, flows: table(shop))
        #expect(
            effect.cut.map { "\($0.source) \($0.target) \($0.traffic) \($0.count) \(FlowTime.text($0.last))" } == [
                "tools/probe shop/db TCP 9 1 2026-11-23T07:02:00Z"
            ])
        #expect(effect.unknownEnds == 1 && effect.flows == 3)
        #expect(effect.opened.isEmpty)
    }

    @Test func answersAreNoConnectionsOfTheirOwn() {
        let flows = table(Shop())
        #expect(flows.entries.count == 3)
        #expect(flows.entries.first?.count == 2)
    }

    @Test func aRefusedFlowThatAChangeOpensIsSaid() {
        let shut = Shop(ReachTests.onlyWeb)
        let line =
            #"{"verdict":"DROPPED","l4":{"TCP":{"source_port":4,"destination_port":5432}},"source":{"namespace":"tools","pod_name":"probe"},"destination":{"namespace":"shop","pod_name":"db"}}"#
        let effect = WhatIf(from: shut.state, to: Shop().state, flows: table(shut, line))
        #expect(effect.opened.map { "\($0.source) \($0.target) \($0.count)" } == ["tools/probe shop/db 1"])
        #expect(effect.cut.isEmpty)
    }

    @Test func addressesLeadToPodsServicesAndTheOutside() {
        let shop = Shop(
            "{apiVersion: v1, kind: Service, metadata: {name: db, namespace: shop}, spec: {clusterIP: 10.96.0.9, selector: {app: db}, ports: [{port: 1, targetPort: sql}]}}"
        )
        let flows = table(
            shop,
            """
            2 1 eni-1 10.0.1.1 10.96.0.9 50000 1 6 20 4249 1418530010 1418530070 ACCEPT OK
            2 1 eni-1 10.0.1.2 10.0.1.1 5432 50000 6 20 4249 1418530010 1418530070 ACCEPT OK
            2 1 eni-1 10.0.1.1 198.51.100.7 50000 443 6 20 4249 1418530010 1418530070 ACCEPT OK
            """)
        let lines = flows.entries.map {
            "\(flows.name(flows.source($0), in: shop.state)) \(flows.name(flows.target($0), in: shop.state)) \($0.traffic) \($0.count)"
        }
        #expect(lines == ["shop/web shop/db TCP 5432 1", "shop/web 198.51.100.7 TCP 443 1"])
    }

    @Test func anAddressThatAnotherPodHadIsNotTakenForThePodThatHasItNow() {
        let cluster = Cluster(
            "{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: x}, spec: {containers: [{name: c, image: i}]}, status: {podIP: 10.0.0.1, startTime: '2026-11-23T07:00:00Z'}}"
        )
        let old = cluster.flows("2 1 eni-1 10.0.0.1 198.51.100.7 50000 443 6 20 4249 1 1418530070 ACCEPT OK")
        #expect(old.statistics.stale == 1)
        let new = cluster.flows("2 1 eni-1 10.0.0.1 198.51.100.7 50000 443 6 20 4249 1 1895419398 ACCEPT OK")
        #expect(new.statistics.stale == 0)
    }

    /// The short way over tables and the long way over rules have to say the same.
    @Test(arguments: ["", ReachTests.onlyWeb, FindingTests.closed])
    func quickVerdictsAgreeWithExplainedOnes(_ policies: String) {
        let shop = Shop(policies)
        let model = shop.model
        let ends = ["shop/web", "shop/db", "tools/probe", "internet", "node:n1"].compactMap {
            model.endpoint(named: $0)
        }
        var flows = FlowTable(shop.state, shop.inventory)
        for line in ["10.0.1.1 10.0.1.2", "10.0.1.2 10.0.1.1", "203.0.113.1 10.0.1.1", "10.0.1.1 203.0.113.1"] {
            let parts = line.split(separator: " ").compactMap { IPAddress(String($0)) }
            flows.add(
                FlowRecord(
                    source: FlowEnd(address: parts[0]), target: FlowEnd(address: parts[1]), protocol: .tcp,
                    targetPort: 5432))
        }
        let quick = FlowEnds(flows, shop.state, in: model)
        for entry in flows.entries {
            guard let source = quick.ends[Int(entry.source)], let target = quick.ends[Int(entry.target)] else {
                continue
            }
            let long = model.verdict(from: source.endpoint, to: target.endpoint, entry.traffic).verdict
            #expect(quick.verdict(source, target, entry.traffic) == long)
        }
        #expect(ends.count == 5)
    }

    private func review(_ text: String) throws -> Node {
        try DocumentReader.readJSON(SourceText(name: "", bytes: Array(text.utf8)))
    }

    @Test func anAdmissionReviewIsWeighed() throws {
        let shop = Shop()
        let text =
            #"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"operation":"CREATE","namespace":"shop","object":{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"db"},"spec":{"podSelector":{"matchLabels":{"app":"db"}}}}}}"#
        let effect = try #require(WhatIf(review: try review(text), on: shop.inventory, flows: table(shop)))
        #expect(effect.cut.count == 2 && effect.cutCount == 3)
        #expect(!effect.change.removed.isEmpty && effect.change.added.isEmpty)
        let closed = Shop(ReachTests.onlyWeb)
        let gone =
            #"{"request":{"operation":"DELETE","namespace":"shop","name":"db","kind":{"group":"networking.k8s.io","version":"v1","kind":"NetworkPolicy"}}}"#
        let opened = try #require(WhatIf(review: try review(gone), on: closed.inventory))
        #expect(!opened.change.added.isEmpty && opened.change.removed.isEmpty)
        #expect(WhatIf(review: try review(#"{"request":{"operation":"CREATE"}}"#), on: shop.inventory) == nil)
        #expect(WhatIf(review: try review("{}"), on: shop.inventory) == nil)
    }
}
