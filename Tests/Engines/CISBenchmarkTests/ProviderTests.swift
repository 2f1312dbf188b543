import CISBenchmark
import Documents
import Kubernetes
import Testing

@Suite("Platforms and their own controls") struct ProviderTests {
    static func objects(_ text: String) -> [KubernetesObject] {
        DocumentReader.read(SourceText(name: "o.yaml", bytes: Array(text.utf8))).documents.flatMap {
            KubernetesObject.objects(in: $0).objects
        }
    }

    static func node(_ more: String) -> String { "{apiVersion: v1, kind: Node, metadata: {name: n}, \(more)}" }

    @Test(
        "a cluster tells what built it",
        arguments: [
            (Self.node("status: {nodeInfo: {kubeletVersion: v1.35.2-eks-1234567}}"), "eks"),
            (Self.node("status: {nodeInfo: {kubeletVersion: v1.35.2-gke.100}}"), "gke"),
            (Self.node("status: {nodeInfo: {kubeletVersion: v1.35.2+k3s1}}"), "k3s"),
            (Self.node("status: {nodeInfo: {kubeletVersion: v1.35.2+rke2r1}}"), "rke2"),
            ("{apiVersion: v1, kind: Node, metadata: {name: n, labels: {kubernetes.azure.com/cluster: c}}}", "aks"),
            ("{apiVersion: v1, kind: Node, metadata: {name: n, labels: {kops.k8s.io/instancegroup: c}}}", "kops"),
            (
                "{apiVersion: v1, kind: Node, metadata: {name: n, labels: {node.openshift.io/os_id: rhcos}}}",
                "openshift"
            ),
            // A cluster on EC2 that somebody built there.
            (
                Self.node("spec: {providerID: 'aws:///eu-west-1a/i-1'}, status: {nodeInfo: {kubeletVersion: v1.35.2}}"),
                "standard"
            ),
        ])
    func detected(_ text: String, _ wanted: String) {
        let input = CISInput(inventory: Inventory(Self.objects(text)), isCluster: true)
        #expect(input.foundPlatform.id == wanted)
    }

    @Test(
        "a node's own files tell it too",
        arguments: [
            (["/var/lib/rancher/rke2/agent/bin/kubelet", "--v=1"], "/var/lib/rancher/rke2", "rke2"),
            (["/usr/bin/kubelet"], "/etc/eks", "eks"),
            (["/home/kubernetes/bin/kubelet"], "/home/kubernetes/kubelet-config.yaml", "gke"),
            (["/usr/local/bin/kubelet"], "/etc/kubernetes/azure.json", "aks"),
            (["/usr/bin/kubelet"], "/etc/kubernetes/static-pod-resources", "openshift"),
            (["/usr/local/bin/kubelet"], "/srv/kubernetes/kube-apiserver", "kops"),
            (["/usr/bin/kubelet"], "/etc/kubernetes/pki", "standard"),
        ])
    func detectedOnNode(_ arguments: [String], _ path: String, _ wanted: String) {
        var capture = NodeCapture(name: "n", processes: [.init(pid: 1, arguments: arguments)])
        capture.take(.init(path), [(path, .init(kind: .folder, mode: 0o755))])
        #expect(Platform.detect(capture).id == wanted)
    }

    // MARK: What the provider says

    static func describe(_ text: String) throws -> ProviderDescription? {
        ProviderDescription(try DocumentReader.readJSON(SourceText(name: "d.json", bytes: Array(text.utf8))))
    }

    static func outcomes(_ text: String) throws -> [String: CISOutcome] {
        var input = CISInput()
        let described: ProviderDescription = try #require(try describe(text))
        input.provider = described
        let own = CISBenchmark(input).report().own
        return Dictionary(own.map { ($0.control.id, $0.outcome) }, uniquingKeysWith: { a, _ in a })
    }

    @Test func everyControlOfAProviderHasItsWords() {
        for (id, count) in [("eks", 15), ("gke", 36), ("aks", 17), ("openshift", 18)] {
            let controls = Platform.named(id)?.ownControls ?? []
            #expect(controls.count == count, "\(id)")
            #expect(Set(controls.map(\.id)).count == count, "\(id)")
            #expect(controls.map(\.id) == controls.map(\.id).sorted(by: CISCatalogue.areInOrder), "\(id)")
            for control in controls {
                #expect(control.rule.id == "cis/\(id)-\(control.id)")
                #expect(!control.rule.title.isEmpty && !control.rule.why.isEmpty && !control.rule.remedy.isEmpty)
            }
            #expect(Platform.named(id)?.describe.isEmpty == (id == "openshift"))
        }
        #expect(Platform.standard.ownControls.isEmpty)
    }

    @Test("an EKS cluster of 1.34 or newer is held to the benchmark that is meant for it")
    func editionsOfEKS() throws {
        func input(_ version: String) -> CISInput {
            CISInput(
                inventory: Inventory(
                    Self.objects(Self.node("status: {nodeInfo: {kubeletVersion: \(version)-eks-1234567}}"))),
                isCluster: true)
        }
        let older = input("v1.33.5").foundPlatform
        let newer = input("v1.34.1").foundPlatform
        #expect(older.benchmark == "CIS EKS Benchmark 1.8.0")
        #expect(newer.benchmark == "CIS EKS Benchmark 2.0.0")
        let timeout = try #require(CISCatalogue.current["4.2.5"])
        let rotation = try #require(CISCatalogue.current["4.2.10"])
        // What the newer one leaves out has no number in it; what it moved has the new one.
        #expect(older.ownID(timeout) == "3.2.5")
        #expect(newer.ownID(timeout) == nil)
        #expect(older.ownID(rotation) == "3.2.8")
        #expect(newer.ownID(rotation) == "3.2.7")
        #expect(newer.ownControls.count == 13)
        #expect(!newer.ownControls.contains { $0.id == "2.1.2" })
        let ids = older.ownControls.map(\.rule.id) + newer.ownControls.map(\.rule.id)
        #expect(Set(ids).count == ids.count)
        // Every recommendation of 2.0.0 has an answer: 47 in all.
        let shared = CISCatalogue.current.controls.compactMap(newer.ownID)
        #expect(Set(shared).count + newer.ownControls.count == 47)
        let described = try Self.outcomes(
            """
            {"arn": "arn:aws:eks:eu-west-1:1:cluster/c", "version": "1.35",
              "logging": {"clusterLogging": [{"types": ["api", "audit"], "enabled": true}]},
              "accessConfig": {"authenticationMode": "API"}}
            """)
        // Some kinds of log are not all of them, which the older one was content with.
        #expect(described["2.1.1"] == .fail)
        #expect(described["5.5.1"] == .pass)
    }

    @Test func anEKSClusterIsJudgedByItsDescription() throws {
        let open = try Self.outcomes(
            """
            {"cluster": {"arn": "arn:aws:eks:eu-west-1:1:cluster/c",
              "logging": {"clusterLogging": [{"types": ["api"], "enabled": true}, {"types": ["audit"], "enabled": false}]},
              "resourcesVpcConfig": {"endpointPublicAccess": true, "endpointPrivateAccess": false,
                "publicAccessCidrs": ["0.0.0.0/0"]}, "accessConfig": {"authenticationMode": "CONFIG_MAP"}}}
            """)
        for id in ["2.1.1", "4.1.7", "5.3.1", "5.4.1", "5.4.2"] { #expect(open[id] == .fail, "\(id)") }
        let closed = try Self.outcomes(
            """
            {"arn": "arn:aws:eks:eu-west-1:1:cluster/c",
              "logging": {"clusterLogging": [{"types": ["api", "audit"], "enabled": true}]},
              "encryptionConfig": [{"resources": ["secrets"], "provider": {"keyArn": "arn:aws:kms:x"}}],
              "resourcesVpcConfig": {"endpointPublicAccess": true, "endpointPrivateAccess": true,
                "publicAccessCidrs": ["192.0.2.0/24"]}, "accessConfig": {"authenticationMode": "API"}}
            """)
        for id in ["2.1.1", "4.1.7", "5.3.1", "5.4.1"] { #expect(closed[id] == .pass, "\(id)") }
        #expect(closed["5.4.2"] == .fail)
        #expect(closed["5.1.1"] == .manual)
    }

    @Test func aGKEClusterIsJudgedByItsDescription() throws {
        let link = "\"selfLink\": \"https://container.googleapis.com/v1/projects/p/locations/l/clusters/c\""
        // What is false is left out of what gcloud prints.
        let bare = try Self.outcomes("{\(link), \"nodePools\": [{\"config\": {\"serviceAccount\": \"default\"}}]}")
        for id in ["5.2.1", "5.2.2", "5.3.1", "5.4.1", "5.5.2", "5.5.5", "5.6.3", "5.8.2", "5.9.2"] {
            #expect(bare[id] == .fail, "\(id)")
        }
        for id in ["5.8.1", "5.8.3", "5.10.2"] { #expect(bare[id] == .pass, "\(id)") }
        let hard = try Self.outcomes(
            """
            {\(link), "databaseEncryption": {"state": "ENCRYPTED"}, "shieldedNodes": {"enabled": true},
             "privateClusterConfig": {"enablePrivateEndpoint": true}, "legacyAbac": {"enabled": true},
             "workloadIdentityConfig": {"workloadPool": "p.svc.id.goog"},
             "nodePools": [{"config": {"serviceAccount": "a@p", "bootDiskKmsKey": "k"}, "management": {"autoRepair": true}},
               {"config": {"serviceAccount": "b@p"}, "management": {"autoRepair": true}}]}
            """)
        for id in ["5.2.1", "5.2.2", "5.3.1", "5.5.2", "5.5.5", "5.6.4"] { #expect(hard[id] == .pass, "\(id)") }
        // One pool without a key, and rights beside RBAC.
        for id in ["5.9.2", "5.8.3"] { #expect(hard[id] == .fail, "\(id)") }
    }

    @Test func anAKSClusterIsJudgedByItsDescription() throws {
        let type = "\"type\": \"Microsoft.ContainerService/ManagedClusters\""
        let bare = try Self.outcomes("{\(type), \"apiServerAccessProfile\": null, \"aadProfile\": null}")
        for id in ["5.3.1", "5.4.1", "5.4.2", "5.4.4", "5.5.1", "5.5.2"] { #expect(bare[id] == .fail, "\(id)") }
        let hard = try Self.outcomes(
            """
            {\(type), "properties": {"apiServerAccessProfile": {"authorizedIpRanges": ["192.0.2.0/24"]},
              "aadProfile": {"managed": true, "enableAzureRbac": true}, "networkProfile": {"networkPolicy": "cilium"},
              "securityProfile": {"azureKeyVaultKms": {"enabled": true}}}}
            """)
        for id in ["5.3.1", "5.4.1", "5.4.4", "5.5.1", "5.5.2"] { #expect(hard[id] == .pass, "\(id)") }
        #expect(hard["5.4.2"] == .fail)
    }

    @Test(arguments: [
        "{}", "[]", "{\"arn\": \"arn:aws:s3:::b\"}", "{\"type\": 1}", "{\"selfLink\": \"https://example.com\"}",
    ])
    func whatNoProviderPrintsIsNoDescription(_ text: String) throws {
        #expect(try Self.describe(text) == nil)
    }

    @Test func withoutTheDescriptionItsControlsAreNotSeen() {
        var input = CISInput(inventory: Inventory(Self.objects(Self.node("spec: {}"))), isCluster: true)
        input.platform = Platform.named("eks")
        let report = CISBenchmark(input).report()
        let part = report.own.first { $0.control.id == "5.4.1" }?.parts.first
        #expect(part?.outcome == .notObservable)
        #expect(part?.message.contains("aws eks describe-cluster") == true)
        #expect(report.own.first { $0.control.id == "5.4.3" }?.outcome == .pass)
        // They are beside the 131 and count in no score.
        #expect(report.results.count == 131)
    }

    // MARK: What the cluster says

    @Test func objectsDecideWhatTheyCan() {
        let text = """
            apiVersion: v1
            kind: Node
            metadata: {name: n}
            status:
              addresses: [{type: InternalIP, address: 10.0.0.1}, {type: ExternalIP, address: 192.0.2.1}]
              nodeInfo: {osImage: Ubuntu 24.04}
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: everybody}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}
            subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: "system:authenticated"}]
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRoleBinding
            metadata: {name: "system:public-info-viewer"}
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:public-info-viewer"}
            subjects: [{kind: Group, apiGroup: rbac.authorization.k8s.io, name: "system:unauthenticated"}]
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: s, namespace: a}
            spec: {type: LoadBalancer}
            """
        var input = CISInput(inventory: Inventory(Self.objects(text)), isCluster: true)
        input.platform = Platform.named("gke")
        let own = CISBenchmark(input).report().own
        let found = Dictionary(own.map { ($0.control.id, $0.outcome) }, uniquingKeysWith: { a, _ in a })
        #expect(found["5.6.5"] == .fail)
        #expect(found["5.5.1"] == .fail)
        #expect(found["4.1.10"] == .fail)
        #expect(found["4.1.9"] == .pass)
        #expect(found["4.1.8"] == .pass)
        #expect(found["5.6.7"] == .manual)
        #expect(found["5.10.3"] == .manual)
    }
}
