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

    /// Two namespaces: a shop whose web asks its database by name, and tools that call nobody.
    private static let declared =
        Cluster.shop + Cluster.service("web") + """
            ---
            {apiVersion: v1, kind: Namespace, metadata: {name: shop}}
            ---
            {apiVersion: v1, kind: Namespace, metadata: {name: tools}}
            ---
            {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: closed, namespace: shop},
             spec: {podSelector: {}, policyTypes: [Ingress, Egress]}}

            """
        + Cluster.deployment("probe", in: "tools", "env: [{name: URL, value: 'http://web.shop'}]")

    @Test(arguments: [
        (
            "network/cross-namespace-open",
            "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{namespaceSelector: {}}]}]}",
            #"[{"op":"replace","path":"/spec/ingress/0","value":{"from":[{"podSelector":{"matchLabels":{"app":"web"}}}],"ports":[{"protocol":"TCP","port":5432}]}}]"#
        ),
        (
            "network/cross-namespace-open",
            "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]}",
            nil
        ),
        (
            "network/internet-egress",
            "{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [169.254.169.254/32]}}]}]}",
            nil
        ),
    ])
    func whatIsDeclaredTakesThePlaceOfAnOpenRule(_ rule: String, _ spec: String, _ expected: String?) throws {
        let cluster = Cluster(Self.declared + Self.policy("p", spec))
        let found = NetworkFixes(cluster.state, cluster.inventory).all()
        let fix = try #require(found.first { $0.closes.contains { $0.rule == rule } })
        #expect(fix.isOffered)
        #expect(fix.change.added.isEmpty, "it only cuts")
        if let expected { #expect(patch(fix) == expected) }
        if rule != "network/cross-namespace-open" || spec.contains("egress") {
            let text = patch(fix) ?? ""
            #expect(text.contains("5432") && text.contains("kube-dns"), "the database and names stay")
        }
    }

    @Test func anOpenRuleOfAWorkloadNobodyKnowsStays() {
        // A Service leads to it, and who calls it is not known.
        let text = Self.declared.replacing("http://web.shop", with: "none")
        let cluster = Cluster(
            text
                + Self.policy(
                    "p", "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{namespaceSelector: {}}]}]}"))
        let found = NetworkFixes(cluster.state, cluster.inventory).all()
        #expect(!found.contains { $0.closes.contains { $0.rule == "network/cross-namespace-open" } })
    }

    @Test func anOpenBlockNobodyUsesGoes() throws {
        let fix = try #require(fixes(Self.out, seen: [("db", "198.51.100.7", 443)]).first { patch($0) != nil })
        #expect(patch(fix) == #"[{"op":"remove","path":"/spec/egress/0"}]"#)
        #expect(fix.isOffered)
    }
}
