import Testing

@testable import NetworkPolicies

@Suite struct ConnectivityTests {
    /// Rectangles and single questions have to say the same of every pair.
    @Test(arguments: [
        "", ReachTests.onlyWeb, FindingTests.closed,
        FindingTests.policy(
            "p", "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}], ports: [{port: http}]}]}"),
        FindingTests.policy(
            "p", "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.1.0/31}}]}]}"),
    ])
    func blocksAgreeWithSingleQuestions(_ policies: String) {
        let shop = Shop(policies)
        let model = shop.model
        let blocks = model.blocks()
        for port in [UInt16(80), 5432, 9] {
            let traffic = Traffic(.tcp, port)
            for source in shop.state.pods.indices {
                for target in shop.state.pods.indices where source != target {
                    let from = Int(model.space.classes.classOfPod[source])
                    let to = Int(model.space.classes.classOfPod[target])
                    let inBlock = blocks.contains {
                        $0.traffic.contains(traffic) && $0.sources.contains(from) && $0.targets.contains(to)
                    }
                    let answer = model.verdict(from: .pod(source), to: .pod(target), traffic).verdict
                    #expect(inBlock == (answer == .allowed), "\(source) to \(target) on \(port)")
                }
            }
        }
    }

    @Test func aChangeSaysWhatItCutsAndOpens() {
        let change = ConnectivityChange(from: Shop().state, to: Shop(ReachTests.onlyWeb).state)
        #expect(change.added.isEmpty)
        let lines = change.removed.map { "\($0.source) \($0.target) \($0.traffic.contains(Traffic(.tcp, 5432)))" }
        #expect(lines.contains("tools/probe (Deployment) shop/db (Pod) true"))
        #expect(lines.contains("shop/web (Pod) shop/db (Pod) false"))
        #expect(lines.contains("0.0.0.0/0 shop/db (Pod) true"))
        #expect(ConnectivityChange(from: Shop().state, to: Shop().state).isEmpty)
    }

    @Test func exposureJoinsServicesWithPolicies() {
        let service = """
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: db, namespace: shop}
            spec: {type: LoadBalancer, externalTrafficPolicy: Local, selector: {app: db}, ports: [{port: 1, targetPort: sql}]}
            """
        let open = Shop(service)
        #expect(
            open.model.exposures(open.inventory).map { "\($0.workload) \($0.port) \($0.verdict)" } == [
                "Pod shop/db TCP 5432 allowed"
            ])
        let shut = Shop(ReachTests.onlyWeb + "\n" + service)
        #expect(shut.model.exposures(shut.inventory).map(\.verdict) == [.denied])
    }
}
