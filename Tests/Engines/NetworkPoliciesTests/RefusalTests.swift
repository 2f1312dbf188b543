import Documents
import Kubernetes
import Testing

@testable import NetworkPolicies

/// NetworkPolicies as the API server takes or refuses them. What is expected was said by one of 1.36.2 to each of these,
/// in a dry run; fields nobody knows, which it drops, are doubted here.
@Suite struct RefusalTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var what: String
        var isTaken: Bool
        var spec: String?
        var name = "p"
        var testDescription: String { what }
    }

    private static func refused(_ what: String, _ spec: String) -> Case { Case(what: what, isTaken: false, spec: spec) }
    private static func taken(_ what: String, _ spec: String?) -> Case { Case(what: what, isTaken: true, spec: spec) }
    private static func block(_ block: String) -> String {
        "{podSelector: {}, ingress: [{from: [{ipBlock: \(block)}]}]}"
    }
    private static func port(_ port: String) -> String { "{podSelector: {}, ingress: [{ports: [\(port)]}]}" }
    private static func expression(_ text: String) -> String { "{podSelector: {matchExpressions: [\(text)]}}" }

    static let selectors: [Case] = [
        refused("a value with a blank", "{podSelector: {matchLabels: {app: 'a b!'}}}"),
        refused("a value that is a number", "{podSelector: {matchLabels: {app: 1}}}"),
        refused("a value of 64 letters", "{podSelector: {matchLabels: {app: \(String(repeating: "a", count: 64))}}}"),
        taken("no value", "{podSelector: {matchLabels: {app: ''}}}"),
        refused("a key with two prefixes", "{podSelector: {matchLabels: {a/b/c: x}}}"),
        refused("a key whose prefix is no name", "{podSelector: {matchLabels: {A_b/c: x}}}"),
        taken("a key with a prefix", "{podSelector: {matchLabels: {example.com/App_1: x}}}"),
        refused("a key that begins with a hyphen", expression("{key: -x, operator: Exists}")),
        refused("no key", expression("{operator: Exists}")),
        refused("a value in a list", expression("{key: app, operator: In, values: [a, 'a b']}")),
        refused("Exists with values", expression("{key: app, operator: Exists, values: [a]}")),
        refused("NotIn without values", expression("{key: app, operator: NotIn, values: []}")),
        refused("an operator in lower case", expression("{key: app, operator: exists}")),
        refused("an operator of nodes", expression("{key: app, operator: Gt, values: ['1']}")),
        refused(
            "of a namespace", "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {x: '!'}}}]}]}"),
        refused("a list in place of a selector", "{podSelector: []}"),
        refused("a list in place of labels", "{podSelector: {matchLabels: [a]}}"),
    ]

    static let ports: [Case] = [
        refused("zero", port("{port: 0}")), refused("below zero", port("{port: -1}")),
        refused("past the last", port("{port: 65536}")), refused("a number as text", port("{port: '80'}")),
        refused("half a port", port("{port: 80.5}")), refused("a name with an underscore", port("{port: bad_name}")),
        refused("a name of 16", port("{port: a-name-too-long1}")), refused("a name in capitals", port("{port: HTTP}")),
        refused("an end without a beginning", port("{endPort: 80}")),
        refused("an end past the last", port("{port: 80, endPort: 70000}")),
        taken("a range of one", port("{port: 80, endPort: 80}")),
        refused("a protocol in lower case", port("{port: 80, protocol: tcp}")),
        refused("a protocol without ports", port("{protocol: ICMP}")),
        refused("an empty protocol", port("{port: 80, protocol: ''}")),
        taken("no ports", "{podSelector: {}, ingress: [{ports: []}]}"),
        refused("an object in place of the list", "{podSelector: {}, ingress: [{ports: {port: 80}}]}"),
    ]

    static let blocks: [Case] = [
        refused("a leading zero", block("{cidr: 010.0.0.0/8}")), refused("an empty block", block("{}")),
        refused("IPv4 inside IPv6", block("{cidr: '::ffff:10.0.0.0/104'}")),
        refused("a padded prefix", block("{cidr: 10.0.0.0/08}")),
        taken("IPv6 with an exception", block("{cidr: 'fd00::/8', except: ['fd00:1::/32']}")),
        refused("an exception of everything", block("{cidr: 10.0.0.0/8, except: [10.0.0.0/8]}")),
        refused("a wider exception", block("{cidr: 10.0.0.0/16, except: [10.0.0.0/8]}")),
        refused("an exception of the other family", block("{cidr: 10.0.0.0/8, except: ['fd00::/8']}")),
        refused("an exception that is none", block("{cidr: 10.0.0.0/8, except: [x]}")),
        refused("an exception that is no list", block("{cidr: 10.0.0.0/8, except: 10.1.0.0/16}")),
        refused(
            "beside a selector",
            "{podSelector: {}, ingress: [{from: [{namespaceSelector: {}, ipBlock: {cidr: 10.0.0.0/8}}]}]}"),
    ]

    static let shapes: [Case] = [
        taken("no spec", nil), taken("an empty spec", "{}"), taken("no pod selector", "{ingress: [{}]}"),
        taken("a type twice", "{podSelector: {}, policyTypes: [Ingress, Ingress]}"),
        refused("three types", "{podSelector: {}, policyTypes: [Ingress, Egress, Ingress]}"),
        refused("a type in lower case", "{podSelector: {}, policyTypes: [ingress]}"),
        refused("a type that is no list", "{podSelector: {}, policyTypes: Ingress}"),
        taken("no types", "{podSelector: {}, policyTypes: []}"),
        taken("no rules", "{podSelector: {}, policyTypes: [Ingress], ingress: null}"),
        taken("no peers", "{podSelector: {}, ingress: [{from: []}]}"),
        refused("a peer that says nothing", "{podSelector: {}, ingress: [{from: [{podSelector: null}]}]}"),
        refused(
            "a rule of a type that is left out",
            "{podSelector: {}, policyTypes: [Ingress], egress: [{to: [{ipBlock: {cidr: bad}}]}]}"),
        refused("rules that are no list", "{podSelector: {}, ingress: {from: []}}"),
        Case(what: "a name in capitals", isTaken: false, spec: "{podSelector: {}}", name: "UPPER"),
        Case(what: "a name with an underscore", isTaken: false, spec: "{podSelector: {}}", name: "a_b"),
        Case(what: "a name with dots", isTaken: true, spec: "{podSelector: {}}", name: "a.b"),
        Case(
            what: "a name of 254", isTaken: false, spec: "{podSelector: {}}", name: String(repeating: "a", count: 254)),
    ]

    private func read(_ given: Case) -> NetworkState {
        let spec = given.spec.map { "\nspec: \($0)" } ?? ""
        return Shop(
            "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
                + "metadata: {name: \(given.name), namespace: shop}\(spec)"
        ).state
    }

    @Test(arguments: selectors + ports + blocks + shapes)
    func policiesAreRefusedAsTheServerRefusesThem(_ given: Case) {
        let state = read(given)
        #expect(state.problems.contains { $0.kind == .invalid } != given.isTaken, "\(state.problems)")
        // What is refused is neither believed nor taken for nothing.
        #expect(state.policies.isEmpty != given.isTaken)
        #expect(state.gaps.isEmpty == given.isTaken)
    }

    @Test(arguments: ["{cidr: 10.0.0.1/8}", "{cidr: 10.0.0.0/8, except: [10.1.0.1/16]}"])
    func bitsBehindThePrefixAreInForceAndTold(_ block: String) throws {
        let state = read(Self.taken("", Self.block(block)))
        let problem = try #require(state.problems.first)
        #expect(problem.kind == .warning)
        #expect(problem.message.contains("bits behind its prefix"))
        #expect(state.policies.count == 1 && state.gaps.isEmpty)
    }

    @Test func aPolicyWithoutASpecIsolatesEveryPod() {
        let shop = Shop("{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop}}")
        #expect(shop.verdict("tools/probe", "shop/web") == .denied)
        #expect(shop.verdict("shop/web", "tools/probe") == .allowed)
    }

    @Test func customResourcesMayNameLabelsNoPodCanHave() {
        let shop = Shop(
            """
            apiVersion: policy.networking.k8s.io/v1alpha1
            kind: AdminNetworkPolicy
            metadata: {name: a}
            spec:
              priority: 5
              subject: {namespaces: {matchLabels: {team: 'not a value!'}}}
              ingress: [{action: Deny, from: [{namespaces: {}}]}]
            """)
        #expect(shop.state.problems.isEmpty)
        #expect(shop.verdict("tools/probe", "shop/web") == .allowed)
    }

    @Test func podsInOddStatesAreCounted() throws {
        let pods = [
            "status: {phase: Pending}", "status: {phase: Running, podIP: 10.0.0.999}", "status: {phase: Failed}",
            "status: {phase: Succeeded, podIP: 10.0.1.9}",
        ].enumerated().map { number, status in
            "apiVersion: v1\nkind: Pod\nmetadata: {name: odd-\(number), namespace: shop}\n"
                + "spec: {containers: [{name: c, image: i}]}\n\(status)"
        }
        let state = Shop(pods.joined(separator: "\n---\n")).state
        // One of the cluster of the tests has ended as well.
        #expect(state.endedPods == 3)
        #expect(state.unaddressedPods == 2)
        let problem = try #require(state.problems.first)
        #expect(problem.message.contains("Pod shop/odd-1: status.podIP: \"10.0.0.999\" is not an address"))
        let block = BadInputTests.policy("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/16}}]}]}")
        #expect(
            Shop(pods.joined(separator: "\n---\n") + "\n---\n" + block).verdict("shop/odd-1", "shop/web") == .unknown)
    }

    @Test(arguments: [
        ("", Verdict.allowed), ("{podSelector: {}, policyTypes: [Egress]}", .denied),
        ("{podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}]}", .denied),
        ("{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {}}]}]}", .allowed),
        ("{podSelector: {}, policyTypes: [Egress], egress: [{}]}", .allowed),
        (
            "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {a: b}}}]}]}",
            .unknown
        ),
        ("{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}", .unknown),
        ("{podSelector: {}, policyTypes: [Ingress]}", .allowed),
    ])
    func namespacesNobodyShowedAreNoAllClear(_ spec: String, _ expected: Verdict) throws {
        let text = [FileFindingTests.workload, spec.isEmpty ? "" : FileFindingTests.policy(spec)].filter { !$0.isEmpty }
        let state = NetworkState(Inventory(Cluster.objects(text.joined(separator: "\n---\n"))))
        let row = try #require(NetworkModel(state).outreach().first)
        #expect(row.otherNamespaces == expected)
    }

    @Test func whatIsNotKnownOnBothSidesOfAChangeIsCounted() {
        let state = Shop(BadInputTests.policy("{podSelector: {}, ingress: [{ports: [{port: 0}]}]}")).state
        let change = ConnectivityChange(from: state, to: state)
        #expect(change.isEmpty)
        #expect(change.undecided > 0)
        let plain = Shop().state
        #expect(ConnectivityChange(from: plain, to: plain).undecided == 0)
    }
}
