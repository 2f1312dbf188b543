import Documents
import Findings
import Kubernetes
import Testing

@testable import NetworkPolicies

/// Fixes of single policies, each tried by evaluating again.
@Suite struct NetworkFixTests {
    private static let pods = """
        {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop, labels: {app: web}}
        spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 8080}]}]}
        status: {phase: Running, podIP: 10.0.1.1}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: db, namespace: shop, labels: {app: db}}
        spec: {containers: [{name: c, image: i, ports: [{name: sql, containerPort: 5432}]}]}
        status: {phase: Running, podIP: 10.0.1.2}
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: shop}
        spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}

        """

    private static func policy(_ name: String, _ spec: String) -> String {
        "---\n\(FindingTests.policy(name, spec))\n"
    }

    /// Nothing but what the policy of a test brings about.
    private static let closed = policy("closed", "{podSelector: {}, policyTypes: [Ingress, Egress]}")

    private func fixes(_ text: String, seen: [(String, String, UInt16)]? = nil) -> [NetworkFix] {
        let cluster = Cluster(Self.pods + Self.closed + text)
        var table: FlowTable?
        if let seen {
            var flows = FlowTable(cluster.state, cluster.inventory)
            for (source, target, port) in seen {
                guard let pod = cluster.state.pods.firstIndex(where: { $0.name == source }),
                    let address = IPAddress(target)
                else { continue }
                flows.add(.pod(pod), .outside(address), Traffic(.tcp, port), count: 3)
            }
            table = flows
        }
        return NetworkFixes(cluster.state, cluster.inventory, flows: table).all()
    }

    private func patch(_ fix: NetworkFix?) -> String? {
        if case .patch(_, let patch)? = fix?.remedy { patch.json() } else { nil }
    }

    @Test(arguments: [
        (
            "network/service-port",
            "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 80}]}]}",
            #"[{"op":"replace","path":"/spec/ingress/0/ports/0/port","value":8080}]"#
        ),
        (
            "network/service-port",
            "{podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 80, protocol: TCP}]}]}",
            #"[{"op":"replace","path":"/spec/egress/0/ports/0/port","value":8080}]"#
        ),
        (
            "network/peer-selects-nothing",
            "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: x}}}]}, {from: [{podSelector: {matchLabels: {app: z}}}]}]}",
            #"[{"op":"remove","path":"/spec/ingress/1"},{"op":"remove","path":"/spec/ingress/0"}]"#
        ),
        (
            "network/redundant-rule",
            "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {}}]}, {from: [{podSelector: {matchLabels: {app: db}}}]}, {from: [{podSelector: {}}]}]}",
            #"[{"op":"remove","path":"/spec/ingress/2"},{"op":"remove","path":"/spec/ingress/1"}]"#
        ),
    ])
    func aSlipIsMendedAndTried(_ rule: String, _ spec: String, _ expected: String) throws {
        let found = fixes(Self.policy("p", spec))
        let fix = try #require(found.first { $0.closes.contains { $0.rule == rule } })
        #expect(patch(fix) == expected)
        #expect(fix.isOffered)
        #expect(fix.isWithoutEffect || rule == "network/service-port")
    }

    @Test(arguments: [
        // The pods listen on the port the rule names.
        "{podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 8080}]}]}",
        // The Service's port stands beside the right one.
        "{podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 80}, {port: 8080}]}]}",
        // No Service of these pods has it.
        "{podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 80}]}]}",
        // A block is meant for the outside, whatever pods its addresses may be of.
        "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}], ports: [{port: 80}]}]}",
        "{podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: 80}]}]}",
        // A range is meant as it stands.
        "{podSelector: {matchLabels: {app: web}}, ingress: [{ports: [{port: 80, endPort: 90}]}]}",
    ])
    func aPortThatIsMeantIsNoSlip(_ spec: String) {
        let found = fixes(Self.policy("p", spec))
        #expect(!found.contains { $0.closes.contains { $0.rule == "network/service-port" } })
    }

    @Test func aPolicyAboutNothingIsTakenAway() throws {
        let found = fixes(Self.policy("p", "{podSelector: {matchLabels: {app: gone}}}"))
        let fix = try #require(found.first { if case .remove = $0.remedy { true } else { false } })
        #expect(fix.isOffered && fix.isWithoutEffect)
        #expect(fix.closes.map(\.rule) == ["network/selects-nothing"])
    }

    private static let out = policy(
        "out",
        """
        {podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}}]}]}
        """)

    @Test func theInternetIsCutToWhatWasSeen() throws {
        let fix = try #require(fixes(Self.out, seen: [("web", "198.51.100.7", 443)]).first { patch($0) != nil })
        #expect(fix.closes.contains { $0.rule == "network/internet-egress" })
        #expect(fix.isOffered && fix.cutFlows.isEmpty && fix.change.added.isEmpty)
        #expect(patch(fix)?.contains("198.51.100.7/32") == true)
    }

    @Test func withoutFlowsNobodyKnowsWhatIsNeeded() {
        #expect(!fixes(Self.out).contains { $0.closes.contains { $0.rule == "network/internet-egress" } })
    }

    @Test func anOpenBlockNobodyUsesGoes() throws {
        let fix = try #require(fixes(Self.out, seen: [("db", "198.51.100.7", 443)]).first { patch($0) != nil })
        #expect(patch(fix) == #"[{"op":"remove","path":"/spec/egress/0"}]"#)
        #expect(fix.isOffered)
    }
}
