import Kubernetes
import Testing

@testable import NetworkPolicies

@Suite struct GenerationTests {
    /// Whether the model allows what is asked once the generated policies are in force.
    private func allows(_ generation: PolicyGeneration, _ from: String, _ to: String, _ port: UInt16) throws -> Bool {
        let model = NetworkModel(generation.after)
        let source = try #require(model.endpoint(named: from))
        let target = try #require(model.endpoint(named: to))
        return model.verdict(from: source, to: target, Traffic(.tcp, port)).verdict == .allowed
    }

    @Test(arguments: PolicyForm.allCases)
    func whatIsDeclaredIsKeptAndTheRestIsClosed(_ form: PolicyForm) throws {
        let generation = Cluster(Cluster.shop + Cluster.deployment("probe", in: "tools")).generate { $0.form = form }
        #expect(generation.certificate.holds, "\(generation.certificate)")
        #expect(generation.certificate.refusals.isEmpty)
        #expect(try allows(generation, "shop/web", "shop/db", 5432))
        #expect(try !allows(generation, "shop/web", "shop/db", 5433))
        #expect(try !allows(generation, "shop/db", "shop/web", 8080))
        #expect(try !allows(generation, "tools/probe", "shop/db", 5432))
        #expect(try !allows(generation, "shop/web", "internet", 443))
        #expect(generation.certificate.after.pairs < generation.certificate.before.pairs)
    }

    @Test func thePoliciesAreWrittenForPeople() {
        let expected = """
            # to shop/db, TCP 5432: env DB_URL (cluster.yaml:9)
            apiVersion: networking.k8s.io/v1
            kind: NetworkPolicy
            metadata:
              name: allow-web
              namespace: shop
            spec:
              podSelector:
                matchLabels:
                  app: web
              policyTypes:
              - Ingress
              - Egress
              egress:
              - to:
                - podSelector:
                    matchLabels:
                      app: db
                ports:
                - protocol: TCP
                  port: 5432
            """
        let generation = Cluster(Cluster.shop).generate()
        #expect(
            generation.policies.map(\.reference.name) == [
                "allow-db", "allow-dns", "allow-web", "default-deny-egress", "default-deny-ingress",
            ])
        #expect(generation.policies.first { $0.reference.name == "allow-web" }?.yaml == expected + "\n")
        #expect(Cluster(Cluster.shop).generate().yaml == generation.yaml)
    }

    @Test func aWorkloadNobodyKnowsStaysOpen() throws {
        let text = Cluster.shop + Cluster.deployment("legacy")
        let generation = Cluster(text).generate()
        #expect(try allows(generation, "shop/legacy", "internet", 443))
        #expect(generation.certificate.isolatedByAccident.isEmpty)
        #expect(generation.workloads.first { $0.name == "shop/legacy" }.map { !$0.ingress.isClosed } ?? false)
        #expect(generation.yaml.contains("operator: NotIn"))
        let forced = Cluster(text).generate { $0.isolatesUnknown = true }
        #expect(try !allows(forced, "shop/legacy", "internet", 443))
    }

    @Test func aWorkloadWhoseAddressesAreSecretKeepsItsEgress() throws {
        let text =
            Cluster.shop
            + Cluster.deployment("worker", "ports: [{containerPort: 1}], envFrom: [{secretRef: {name: worker}}]")
        let generation = Cluster(text).generate()
        let worker = try #require(generation.workloads.first { $0.name == "shop/worker" })
        #expect(worker.ingress == .closed)
        #expect(worker.egress == .open("envFrom Secret worker may name addresses, and its content is not read"))
        #expect(try allows(generation, "shop/worker", "internet", 443))
    }

    @Test func aServiceNobodyIsKnownToCallStaysOpenAndSoDoWhoMayCallIt() throws {
        let text =
            Cluster.deployment("vote", "ports: [{containerPort: 80}]") + Cluster.deployment("redis")
            + Cluster.service("redis", port: "6379", target: "6379")
        let generation = Cluster(text).generate()
        #expect(try allows(generation, "shop/vote", "shop/redis", 6379))
        #expect(
            generation.workloads.map(\.ingress) == [
                .open("a Service leads to it, and nobody is known to call it"), .closed,
            ])
        let flow =
            #"{"verdict":"FORWARDED","l4":{"TCP":{"source_port":40000,"destination_port":6379}},"source":{"namespace":"shop","workloads":[{"name":"vote"}],"pod_name":"vote-1"},"destination":{"namespace":"shop","pod_name":"redis"},"is_reply":false}"#
        let seen = Cluster(text).generate(flow)
        #expect(seen.certificate.holds && seen.workloads.allSatisfy { $0.ingress == .closed && $0.egress == .closed })
        #expect(try allows(seen, "shop/vote", "shop/redis", 6379))
    }

    @Test func labelsThatTwoWorkloadsShareDoNotIsolateTheOpenOne() throws {
        let text =
            Cluster.deployment("a", labels: "tier: x", "ports: [{containerPort: 80}]")
            + Cluster.deployment("b", labels: "tier: x")
        let generation = Cluster(text).generate()
        #expect(generation.policies.isEmpty)
        #expect(generation.certificate.isolatedByAccident.isEmpty)
    }

    @Test func selectorsStayRightOverARollOut() {
        let pod = """
            apiVersion: v1
            kind: Pod
            metadata:
              name: web-6d9-x
              namespace: shop
              labels: {app: web, version: v7, pod-template-hash: 6d9}
              ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-6d9, uid: u, controller: true}]
            spec: {containers: [{name: c, image: i, ports: [{containerPort: 8080}]}]}
            status: {phase: Running, podIP: 10.0.0.1}
            """
        let generation = Cluster(pod).generate()
        #expect(generation.workloads.map(\.selector) == [[LabelPair("app", "web")]])
    }

    @Test(arguments: [
        ("a load balancer", Cluster.service("web", target: "http", more: "type: LoadBalancer"), "internet", true),
        (
            "a load balancer for some",
            Cluster.service(
                "web", target: "http", more: "type: LoadBalancer, loadBalancerSourceRanges: [198.51.100.0/24]"),
            "internet", false
        ),
        (
            "an ingress whose controller is known",
            Cluster.service("web", target: "http")
                + Cluster.deployment("nginx", in: "edge", labels: "app.kubernetes.io/name: ingress-nginx")
                + "---\n{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: web, namespace: shop}, "
                + "spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}}\n",
            "edge/nginx", true
        ),
        (
            "a webhook",
            Cluster.service("web", port: "443", target: "http")
                + "---\n{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingWebhookConfiguration, "
                + "metadata: {name: w}, webhooks: [{name: a.b.c, clientConfig: {service: {name: web, namespace: shop}}}]}\n",
            "internet", true
        ),
        (
            "an aggregated API",
            Cluster.service("web", port: "443", target: "http")
                + "---\n{apiVersion: apiregistration.k8s.io/v1, kind: APIService, metadata: {name: v1.x}, "
                + "spec: {service: {name: web, namespace: shop}}}\n", "internet", true
        ),
        (
            "a service monitor",
            Cluster.service("web", target: "http")
                + Cluster.deployment("prom", in: "monitoring", labels: "app.kubernetes.io/name: prometheus")
                + "---\n{apiVersion: monitoring.coreos.com/v1, kind: PodMonitor, metadata: {name: m, namespace: shop}, "
                + "spec: {selector: {matchLabels: {app: web}}, podMetricsEndpoints: [{port: http}]}}\n",
            "monitoring/prom", true
        ),
    ])
    func waysInAreKept(_ what: String, _ more: String, _ from: String, _ isAllowed: Bool) throws {
        let text = Cluster.deployment("web", "ports: [{containerPort: 8080, name: http}]") + more
        for form in PolicyForm.allCases {
            let generation = Cluster(text).generate { $0.form = form }
            #expect(generation.certificate.holds, "\(what), \(form): \(generation.certificate)")
            // Cilium knows the API server by itself.
            let isEntity = form == .cilium && generation.needs.contains { $0.source == .apiServer }
            #expect(try allows(generation, from, "shop/web", 8080) == isAllowed || isEntity, "\(what), \(form)")
            #expect(try !allows(generation, from, "shop/web", 8081), "\(what), \(form)")
        }
    }

    @Test func observedFlowsAreNeverCut() throws {
        let pods = """
            ---
            {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: here, labels: {app: a}}, spec: {containers: [{name: c, image: i}]}, status: {podIP: 10.0.0.1}}
            ---
            {apiVersion: v1, kind: Pod, metadata: {name: b, namespace: there, labels: {app: b}}, spec: {containers: [{name: c, image: i}]}, status: {podIP: 10.0.0.2}}

            """
        let flows = """
            tcp 6 9 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=40000 dport=7000 src=10.0.0.2 dst=10.0.0.1 sport=7000 dport=40000 [ASSURED]
            tcp 6 9 ESTABLISHED src=10.0.0.1 dst=198.51.100.7 sport=40000 dport=443 src=198.51.100.7 dst=10.0.0.1 sport=443 dport=40000 [ASSURED]
            udp 17 9 src=10.0.0.9 dst=10.0.0.2 sport=40000 dport=514 [UNREPLIED] src=10.0.0.2 dst=10.0.0.9 sport=514 dport=40000
            """
        let cluster = Cluster(pods)
        for form in PolicyForm.allCases {
            let generation = cluster.generate(flows) { $0.form = form }
            #expect(generation.certificate.holds, "\(form): \(generation.certificate)")
            let observed = try #require(generation.certificate.lines.first { $0.name == "observed flows" })
            #expect(observed.total == 3 && observed.kept == 3)
            #expect(try allows(generation, "here/a", "there/b", 7000))
            #expect(try !allows(generation, "here/a", "there/b", 7001))
            #expect(try !allows(generation, "here/a", "198.51.100.8", 443))
            #expect(try !allows(generation, "there/b", "here/a", 7000))
        }
    }

    @Test func policiesThatAreThereStayAsTheyAre() throws {
        let policy = """
            ---
            {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: allow-web, namespace: shop}, spec: {podSelector: {matchLabels: {app: db}}, ingress: [{ports: [{port: 1}]}]}}
            """
        let generation = Cluster(Cluster.shop + policy).generate()
        let db = try #require(generation.workloads.first { $0.name == "shop/db" })
        #expect(
            db.ingress
                == .kept(by: [
                    ObjectReference(
                        group: "networking.k8s.io", kind: "NetworkPolicy", namespace: "shop", name: "allow-web")
                ]))
        #expect(generation.policies.contains { $0.reference.name == "allow-web-generated" })
        // What the policy denies today is said, and not opened.
        let declared = try #require(generation.certificate.lines.first { $0.name == "declared connections" })
        #expect(declared.alreadyDenied.count == 1 && declared.broken.isEmpty)
        #expect(try !allows(generation, "shop/web", "shop/db", 5432))
    }

    @Test func peersOfAStatefulSetReachEachOther() throws {
        let text = """
            {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db, namespace: shop}, spec: {serviceName: db, selector: {matchLabels: {app: db}}, template: {metadata: {labels: {app: db}}, spec: {containers: [{name: c, image: i}]}}}}

            """ + Cluster.service("db", port: "2380", target: "2380", more: "clusterIP: None")
        let generation = Cluster(text).generate()
        #expect(generation.needs.contains { $0.reason == .peers && $0.port == 2380 })
        #expect(generation.yaml.contains("- podSelector:\n        matchLabels:\n          app: db"))
    }

    @Test func findingsAreClosedAndTheFixIsTried() throws {
        let cluster = Cluster(Cluster.shop)
        let fixes = NetworkFixes(cluster.state, cluster.inventory).all()
        #expect(fixes.count == 1)
        let fix = try #require(fixes.first)
        #expect(fix.isOffered, "\(fix.opens)")
        #expect(fix.closes.map(\.rule).contains("network/no-default-deny-ingress"))
        #expect(fix.closes.map(\.rule).contains("network/unselected-egress"))
        #expect(fix.change.added.isEmpty)
    }

    @Test func theMetadataAddressIsLeftOutOfOpenBlocks() throws {
        let policy = """
            ---
            {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: out, namespace: shop}, spec: {podSelector: {}, policyTypes: [Ingress, Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}}
            """
        let cluster = Cluster(Cluster.shop + policy)
        let fixes = NetworkFixes(cluster.state, cluster.inventory).all()
        let fix = try #require(fixes.first { if case .patch = $0.remedy { true } else { false } })
        guard case .patch(let reference, let patch) = fix.remedy else { return }
        #expect(reference.name == "out")
        #expect(
            patch.json()
                == #"[{"op":"add","path":"/spec/egress/0/to/0/ipBlock/except","value":["169.254.169.254/32"]}]"#)
        #expect(fix.isOffered)
        #expect(Set(fix.closes.map(\.rule)) == ["network/metadata-reachable"])
    }
}
