import Detection
import Documents
import Kubernetes
import NetworkPolicies
import Sensor
import Testing

@testable import RuntimeWatch

/// What stands beside events: images' files, policies, flow logs, isolation.
@Suite struct KnowledgeTests {
    private static func container(_ pod: String, _ namespace: String = "shop", image: String? = nil) -> SensorContainer
    {
        let container = SensorContainer(ContainerIdentity(id: String(repeating: "a", count: 64), engine: .containerd))
        container.learn {
            $0.podName = pod
            $0.namespace = namespace
            $0.podUID = "11111111-2222-3333-4444-555555555555"
            $0.image = image
        }
        return container
    }

    private static let cluster = """
        apiVersion: v1
        kind: Namespace
        metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop}}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop, labels: {app: web}}
        spec: {containers: [{name: web, image: web}]}
        status: {podIP: 10.1.0.1, podIPs: [{ip: 10.1.0.1}]}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: db, namespace: shop, labels: {app: db}}
        spec: {containers: [{name: db, image: db}]}
        status: {podIP: 10.1.0.2, podIPs: [{ip: 10.1.0.2}]}
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: db, namespace: shop}
        spec:
          podSelector: {matchLabels: {app: db}}
          policyTypes: [Ingress]
          ingress:
          - from: [{podSelector: {matchLabels: {app: web}}}]
            ports: [{port: 5432, protocol: TCP}]
        """

    private static func verdicts(_ unlisted: Set<String> = []) -> PolicyVerdicts {
        let set = DocumentReader.read(SourceText(name: "cluster.yaml", bytes: Array(cluster.utf8)))
        return PolicyVerdicts(
            Inventory(set.documents.flatMap { KubernetesObject.objects(in: $0).objects }), unlistedKinds: unlisted)
    }

    private static func ask(_ address: [UInt8], _ port: UInt16, _ unlisted: Set<String> = []) -> ConnectionVerdict? {
        let kind = ConnectionClass(direction: .outbound, transport: "tcp", serverPort: port, address: address)
        return verdicts(unlisted).verdict(kind, from: container("web"), to: address, port: port)
    }

    @Test func aConnectionIsNotJudgedWherePoliciesWereNotListed() throws {
        let found = try #require(Self.ask([203, 0, 113, 1], 443, ["NetworkPolicy"]))
        #expect(found.verdict == "unknown")
        #expect(found.reasons.contains { $0.contains("NetworkPolicy objects could not be listed") })
        #expect(found.proposals.isEmpty)
    }

    @Test func aConnectionIsJudgedByThePoliciesWithAProposal() throws {
        let allowed = try #require(Self.ask([10, 1, 0, 2], 5432))
        #expect(allowed.verdict == "allowed")
        #expect(allowed.proposals.contains { $0.hasPrefix("to deny it: ") })
        let denied = try #require(Self.ask([10, 1, 0, 2], 6379))
        #expect(denied.verdict == "denied")
        #expect(denied.reasons.contains { $0.contains("db") })
        #expect(denied.proposals.contains { $0.contains("6379") && $0.hasPrefix("to allow it: ") })
        #expect(Self.ask([203, 0, 113, 1], 443)?.verdict == "allowed")
        #expect(Self.verdicts().peer([10, 1, 0, 2])?.workload == "shop/db")
        #expect(Self.verdicts().peer([203, 0, 113, 1]) == nil)
    }

    @Test func flowsAreWrittenAsTheNetworkEngineReadsThem() throws {
        let process = SensorProcess(id: 7, start: 1, parentID: 1)
        process.enter(Self.container("web"))
        var event = SensorEvent.connection(
            process, from: ([10, 1, 0, 1], 40000), to: ([10, 1, 0, 2], 5432), time: 1_795_404_939_000_000_000)
        let log = FlowLog(network: Self.verdicts())
        let line = try #require(log.line(event))
        var reader = FlowLogReader()
        var found: [FlowRecord] = []
        reader.read(line: line) { found.append($0) }
        let flow = try #require(found.first)
        #expect(reader.statistics.garbage == 0)
        #expect(
            flow.source.name == "web" && flow.source.namespace == "shop"
                && flow.target.address?.description == "10.1.0.2")
        #expect(
            flow.targetPort == 5432 && flow.protocol == .tcp && flow.outcome == .passed && flow.orientation == .forward)
        // What was refused at once is no connection.
        event.result = -111
        #expect(log.line(event) == nil)
    }

    @Test func listsOfImagesAreReadAsTheyWereWritten() throws {
        let file = ContentDrift.File(digest: "ab", package: "curl 7.88", vulnerabilities: ["CVE-2023-38545"])
        let list = ImageFileLists.List(
            names: ["web:1"], digest: "sha256:1", isComplete: true, files: ["/bin/curl": file])
        let node = try DocumentReader.readJSON(
            SourceText(name: "", bytes: Array(ImageFileLists.json([list]).utf8)))
        let lists = ImageFileLists(try #require(ImageFileLists.lists(node))) { _ in nil }
        let drift = try #require(lists.files(of: Self.container("web", image: "web:1")))
        #expect(drift.verdict(path: "/bin/curl", digest: "ab") == .ofImage(file))
        #expect(drift.verdict(path: "/tmp/sh", digest: "ab") == .moved(from: "/bin/curl", file))
        #expect(drift.verdict(path: "/bin/curl", digest: "cd") == .changed(file))
        #expect(drift.verdict(path: "/tmp/x", digest: "cd") == .dropped)
        #expect(lists.files(of: Self.container("web", image: "other")) == nil)
        #expect(ImageFileLists.lists(try DocumentReader.readJSON(SourceText(name: "", bytes: Array("{}".utf8)))) == nil)
    }

    @Test func onlyThePodThatWasSeenIsIsolated() throws {
        var alert = Alert(
            rule: "R", priority: .error, source: "syscall", time: 1, hostname: "n", message: "m", tags: [],
            outputFields: [])
        #expect(PodIsolation(alert) == nil)
        alert.add("k8s.ns.name", .text("shop"))
        alert.add("k8s.pod.uid", .text("uid-1"))
        var hostile = alert
        hostile.add("k8s.pod.name", .text("../secrets/x"))
        #expect(PodIsolation(hostile) == nil)
        var climbing = alert
        climbing.add("k8s.pod.name", .text(".."))
        #expect(PodIsolation(climbing) == nil)
        alert.add("k8s.pod.name", .text("web-1"))
        let isolation = try #require(PodIsolation(alert))
        func pod(_ uid: String) throws -> Node {
            try DocumentReader.readJSON(
                SourceText(name: "", bytes: Array("{\"metadata\":{\"name\":\"web-1\",\"uid\":\"\(uid)\"}}".utf8)))
        }
        #expect(isolation.labelled(try pod("uid-2")) == nil)
        let labelled = try #require(isolation.labelled(try pod("uid-1")))
        #expect(labelled["metadata"]["labels"][PodIsolation.label].string == "true")
        #expect(isolation.commands.count == 2)
    }
}
