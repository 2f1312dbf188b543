import Testing

@testable import NetworkPolicies

/// What netpol-analyzer would list of pods that are not there.
@Suite struct AnalyzerExposureTests {
    private static func pod(_ name: String) -> String {
        """
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name), namespace: shop, labels: {app: \(name)}}
        spec: {containers: [{name: c, image: i}]}

        """
    }

    private func lines(_ spec: String) -> [String] {
        let policy = "---\n" + FindingTests.policy("p", spec)
        let text = Self.pod("web") + Self.pod("db") + policy
        return AnalyzerLikeness(Cluster(text).inventory).exposures().compactMap { exposure in
            guard "\(exposure.workload)".hasPrefix("shop/web"), exposure.direction == .ingress else { return nil }
            let names = exposure.names.map(\.name)
            switch exposure.peer {
            case .outside: return nil
            case .entireCluster: return "cluster: \(exposure.traffic)"
            case .pods(let text):
                return "\(text): " + (names.isEmpty ? "\(exposure.traffic)" : names.joined(separator: ","))
            }
        }
    }

    @Test(arguments: [
        ("{podSelector: {matchLabels: {app: db}}}", ["cluster: TCP, UDP, SCTP"]),
        ("{podSelector: {}}", []),
        ("{podSelector: {}, ingress: [{from: [{namespaceSelector: {}}], ports: [{port: 80}]}]}", ["cluster: TCP 80"]),
        (
            "{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {role: x}}}], ports: [{port: 80}]}]}",
            ["shop/[pod with {role=x}]: TCP 80"]
        ),
        // A pod that is there tells all there is to plain labels.
        ("{podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {app: db}}}]}]}", []),
        (
            "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {a: b}}}], ports: [{port: 81}]}, {ports: [{port: 80}]}]}",
            ["cluster: TCP 80", "[namespace with {a=b}]/[all pods]: TCP 80-81"]
        ),
        (
            "{podSelector: {}, ingress: [{from: [{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [a]}]}}]}]}",
            ["shop/[pod with {{Key:app,Operator:NotIn,Values:[a],}}]: TCP, UDP, SCTP"]
        ),
    ])
    func podsThatAreNotThereAreStoodFor(_ spec: String, _ expected: [String]) {
        #expect(lines(spec) == expected)
    }
}
