import Kubernetes
import Testing

@testable import NetworkPolicies

/// A pod with two addresses may be let in over one of them and not over the other; both count.
@Suite struct AddressFamilyTests {
    private static func pod(_ name: String, _ addresses: [String]) -> String {
        let ips = addresses.map { "{ip: '\($0)'}" }.joined(separator: ", ")
        return """
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name), namespace: shop, labels: {app: \(name)}}
            spec: {containers: [{name: c, image: i}]}
            status: {phase: Running, podIPs: [\(ips)]}

            """
    }

    private static let pods =
        pod("web", ["10.0.0.1", "fd00::1"]) + pod("db", ["10.0.0.2", "fd00::2"])
        + pod("batch", ["10.0.0.3", "fd00::3"])

    private static func policy(_ spec: String) -> String {
        """
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: db, namespace: shop}
        spec: \(spec)

        """
    }

    private func sources(of target: String, _ text: String) -> [String] {
        DualStack(Cluster(text).state).connections().filter { "\($0.target)".hasPrefix("shop/\(target) ") }
            .filter { !$0.traffic.isEmpty }.map { "\($0.source)" }.filter { $0.hasPrefix("shop/") }
    }

    @Test(arguments: ["10.0.0.1/32", "'fd00::1/128'"])
    func aBlockOfEitherFamilyLetsItsPodIn(_ block: String) {
        let text =
            Self.pods
            + Self.policy("{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{ipBlock: {cidr: \(block)}}]}]}")
        #expect(sources(of: "db", text) == ["shop/web (Pod)"])
    }

    /// A client whose address is declared, and a server that a policy lets in by its address.
    private static func generation(_ address: String) -> PolicyGeneration {
        let web = """
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: web, namespace: shop, labels: {app: web}}
            spec: {containers: [{name: c, image: i, env: [{name: DB, value: 'http://\(address):5432'}]}]}
            status: {phase: Running, podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}]}

            """
        return Cluster(web + pod("db", ["10.0.0.2", "fd00::2"])).generate()
    }

    @Test(arguments: ["db.shop", "198.51.100.7", "[2001:db8::7]"])
    func theCertificateHoldsOverBothFamilies(_ address: String) throws {
        let generation = Self.generation(address)
        #expect(generation.certificate.holds)
        let declared = try #require(generation.certificate.lines.first { $0.total > 0 })
        #expect(declared.kept == declared.total)
        for family in [IPAddress.Family.v4, .v6] {
            var after = generation.after
            after.family = family
            let model = NetworkModel(after)
            guard let web = model.endpoint(named: "shop/web"), let db = model.endpoint(named: "shop/db") else { return }
            #expect(model.verdict(from: db, to: web, Traffic(.tcp, 80)).verdict == .denied)
        }
    }

    @Test func theCertificateTellsWhatOneFamilyWouldCut() {
        var certificate = Self.generation("db.shop").certificate
        var other = certificate
        other.lines[0].broken = ["web to db"]
        certificate.join(other, over: .v6)
        #expect(!certificate.holds)
        #expect(certificate.familyOfCut["web to db"] == .v6)
    }

    @Test func whatOneFamilyKeepsIsKept() {
        // The policy that is there lets the client in over IPv4 only.
        let web = """
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: web, namespace: shop, labels: {app: web}}
            spec: {containers: [{name: c, image: i, env: [{name: DB, value: 'postgres://db:5432'}]}]}
            status: {phase: Running, podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}]}

            """
        let text =
            web + Self.pod("db", ["10.0.0.2", "fd00::2"]) + Cluster.service("db", port: "5432", target: "5432")
            + Self.policy("{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}")
        let certificate = Cluster(text).generate().certificate
        #expect(certificate.holds)
        #expect(certificate.lines.allSatisfy { $0.alreadyDenied.isEmpty && $0.kept == $0.total })
        // Over neither of them is another matter.
        let closed = text.replacing("10.0.0.0/8", with: "192.0.2.0/24")
        #expect(Cluster(closed).generate().certificate.lines.contains { !$0.alreadyDenied.isEmpty })
    }

    @Test func theScoreCountsWhatEitherFamilyLetsPass() {
        func offline(_ block: String) -> Int? {
            let text =
                Self.pods
                + Self.policy(
                    "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: \(block)}}]}]}")
            return DualStack(Cluster(text).state).isolation().terms.first { $0.name.hasSuffix("the internet") }?.good
        }
        #expect(offline("'::/0'") == 0)
        #expect(offline("0.0.0.0/0") == 0)
        #expect(offline("10.0.0.0/8") == 3)
    }

    @Test func aChangeOverTheSecondAddressIsTold() {
        let closed = Cluster(Self.pods + Self.policy("{podSelector: {matchLabels: {app: db}}}")).state
        let opened = Cluster(
            Self.pods
                + Self.policy(
                    "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{ipBlock: {cidr: 'fd00::1/128'}}]}]}")
        ).state
        let change = ConnectivityChange(from: closed, to: opened)
        let pods = change.added.filter { if case .workload = $0.source { true } else { false } }
        #expect(pods.map { "\($0.source)" } == ["shop/web (Pod)"])
        #expect(change.removed.isEmpty)
    }

    /// The rule over labels is idle over IPv4, where the block holds the pod too; over IPv6 it alone lets it in.
    @Test func aRuleThatDecidesOverOneFamilyIsNotRedundant() {
        let rules =
            "{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/24}}]}, "
            + "{from: [{podSelector: {matchLabels: {app: web}}}]}]}"
        func redundant(_ pods: String) -> Bool {
            let model = NetworkModel(Cluster(pods + Self.policy(rules)).state)
            return NetworkEvaluation(model).results().findings.contains { $0.rule.id == "network/redundant-rule" }
        }
        #expect(!redundant(Self.pods))
        #expect(redundant(Self.pod("web", ["10.0.0.1"]) + Self.pod("db", ["10.0.0.2"])))
    }

    @Test func oneFamilyIsAskedOnce() {
        #expect(DualStack(Cluster(Self.pod("web", ["10.0.0.1"])).state).models.count == 1)
        #expect(DualStack(Cluster(Self.pods).state).models.count == 2)
    }

    @Test func waysInAndOutAreToldOnceForBothFamilies() {
        let service = """
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: db, namespace: shop}
            spec: {type: LoadBalancer, externalTrafficPolicy: Local, selector: {app: db}, ports: [{port: 80}]}

            """
        let policy = Self.policy(
            "{podSelector: {}, policyTypes: [Ingress, Egress], ingress: [{from: [{ipBlock: {cidr: '2000::/3'}}]}]}")
        let cluster = Cluster(Self.pods + service + policy)
        let network = DualStack(cluster.state)
        #expect(network.exposures(cluster.inventory).map(\.verdict) == [.allowed])
        #expect(network.outreach().map(\.internet) == [.denied, .denied, .denied])
    }
}
