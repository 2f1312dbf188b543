import CISBenchmark
import Documents
import Findings
import Kubernetes
import Posture
import Testing

@Suite("The CIS benchmark over a whole cluster") struct CISClusterTests {
    @Test func everyControlHasAResultAndMostAreDecidedWithoutAPerson() {
        let report = CISPosture.report(KubeadmCluster().seenWhole)
        #expect(report.results.count == 131)
        #expect(report.results.allSatisfy { !$0.parts.isEmpty })
        #expect(report.decided >= 110, "\(report.decided): \(Self.undecided(report))")
    }

    @Test func aClusterAloneDecidesEightyControls() {
        let report = CISPosture.report(KubeadmCluster().seenFromOutside)
        #expect(report.decided >= 80, "\(report.decided): \(Self.undecided(report))")
        // Files are on nodes only: nothing of them is a pass.
        #expect(report.results.filter { $0.control.needsNode }.allSatisfy { !$0.outcome.isPass })
    }

    @Test func aBareClusterHasFewThingsToMend() {
        let report = CISPosture.report(KubeadmCluster().seenWhole)
        let open = report.open.map(\.control.id)
        #expect(open.count <= 25, "\(open)")
        for id in ["1.2.1", "1.2.5", "1.2.16", "1.2.27", "1.3.2", "1.4.1", "4.2.9", "4.2.13", "5.2.1"] {
            #expect(open.contains(id), "\(id)")
        }
        for id in ["1.2.6", "1.3.3", "2.2", "2.7", "4.2.1", "4.3.1", "5.1.1", "5.1.2", "5.3.1"] {
            #expect(report[id]?.outcome == .pass, "\(id): \(report[id]?.parts.first?.message ?? "")")
        }
        #expect(report["1.1.12"]?.outcome == .notApplicable)
        #expect(report["4.1.3"]?.outcome == .notApplicable)
    }

    @Test func oneChangeClosesWhatItIsTheRootOf() {
        let report = CISPosture.report(KubeadmCluster().seenWhole)
        #expect(report["1.2.17"]?.partOf == "1.2.16")
        #expect(report["5.2.2"]?.partOf == "5.2.1")
        #expect(report["1.2.16"]?.partOf == nil)
    }

    @Test func aRemedyIsTriedOnACopy() throws {
        let objects = KubeadmCluster().objects.filter { $0.kind == "Pod" }
        let input = CISPosture.complete(CISInput(inventory: Inventory(objects)))
        let report = CISBenchmark(input).report()
        let remedies = CISPosture.remedies(report, input)
        let profiling = try #require(remedies["1.2.15"])
        #expect(profiling.text == "--profiling=false")
        #expect(profiling.effect == CISRemedy.Effect(closes: ["1.2.15"], opens: []))
        let plugin = try #require(remedies["1.2.9"])
        #expect(plugin.text == "--enable-admission-plugins=NodeRestriction,EventRateLimit")
    }

    /// RKE2 writes its manifests anew at each start: what is to be changed is its own configuration.
    @Test func aRemedyForRKE2IsInItsConfiguration() throws {
        var capture = KubeadmCluster().capture
        capture.take(.init("/var/lib/rancher/rke2"), [("/var/lib/rancher/rke2", .init(kind: .folder, mode: 0o755))])
        let folder = "/var/lib/rancher/rke2/agent/pod-manifests"
        let name = "kube-apiserver.yaml"
        let pod = try #require(capture["/etc/kubernetes/manifests/\(name)"])
        capture.take(.init("\(folder)/\(name)", wantsContent: true), [("\(folder)/\(name)", pod)])
        var input = CISInput()
        input.captures = [capture]
        let report = CISBenchmark(input).report()
        #expect(report.platform.id == "rke2")
        let profiling = try #require(CISPosture.remedies(report, input)["1.2.15"])
        #expect(profiling.text == #"kube-apiserver-arg: ["profiling=false"]"#)
        #expect(profiling.file == "/etc/rancher/rke2/config.yaml")
        #expect(profiling.effect?.closes == ["1.2.15"])
    }

    @Test func writingEveryRemedyLeavesNothingToWrite() throws {
        let objects = KubeadmCluster().objects.filter { $0.kind == "Pod" }
        let kubelet = Self.objects(KubeadmCluster().kubeletConfiguration)
        try writeEverything(CISInput(inventory: Inventory(objects + kubelet)))
        // The same on a node, where the files are and the processes run.
        var node = CISInput()
        node.captures = [KubeadmCluster().capture]
        try writeEverything(node)
    }

    private func writeEverything(_ given: CISInput) throws {
        var input = given
        var written: [String] = []
        for control in CISCatalogue.current.controls {
            let benchmark = CISBenchmark(input)
            guard benchmark.result(control).outcome == .fail, let change = benchmark.change(for: control) else {
                continue
            }
            input = change.apply(to: input)
            #expect(CISBenchmark(input).result(control).outcome.isPass, "\(control.id): \(change.text)")
            written.append(control.id)
        }
        #expect(written.count >= 16, "\(written)")
        // Whatever was mended stays mended when the others are.
        let after = CISBenchmark(input)
        for id in written {
            let control = try #require(CISCatalogue.current[id])
            #expect(after.result(control).outcome.isPass, "\(id)")
        }
    }

    @Test func readsTheSameForPeopleAndMachines() throws {
        let input = CISPosture.complete(KubeadmCluster().seenWhole)
        let report = CISBenchmark(input).report()
        let formats = CISFormats(
            report, remedies: CISPosture.remedies(report, input), target: "kubeadm",
            generatedAt: "2026-11-23T09:00:00Z",
            version: "0.1.0")
        try Golden.expect(formats.text(), "cis.txt")
        try Golden.expect(formats.json(), "cis.json")
        try Golden.expect(formats.csv(), "cis.csv")
        try Golden.expect(formats.html(), "cis.html")
    }

    @Test func strictTakesNothingForEqual() {
        var input = KubeadmCluster(serverFlags: ["--audit-log-maxsize=100"]).seenWhole
        let report = CISPosture.report(input).narrowed(level: 2, strict: true)
        #expect(report["1.2.19"]?.outcome == .pass)
        input = KubeadmCluster().seenWhole
        #expect(CISPosture.report(input).narrowed(level: 2, strict: true)["1.2.19"]?.outcome == .fail)
        #expect(CISPosture.report(input).narrowed(level: 1, strict: false).results.allSatisfy { $0.control.level == 1 })
    }

    @Test func theAuditLogTellsWhoLogsInHow() {
        var input = KubeadmCluster().seenWhole
        var record = LoginRecord()
        for line in [
            #"{"kind":"Event","user":{"username":"alice","extra":{"authentication.kubernetes.io/credential-id":["X509SHA256=ab"]}}}"#,
            #"{"kind":"Event","user":{"username":"system:node:a","extra":{"authentication.kubernetes.io/credential-id":["X509SHA256=cd"]}}}"#,
            #"{"kind":"Event","user":{"username":"system:serviceaccount:shop:ci"},"userAgent":"kubectl/v1.36"}"#,
            "no json", "",
        ] { record.read(line: Array(line.utf8)) }
        input.logins = record
        let report = CISPosture.report(input)
        #expect(report["3.1.1"]?.parts.map(\.message) == ["alice logs in with a client certificate"])
        #expect(report["3.1.2"]?.outcome == .fail)
        #expect(record.events == 3 && record.unreadable == 1)
    }

    @Test func nodesThatDifferAreNamed() {
        var input = KubeadmCluster().seenWhole
        for name in ["w1", "w2"] {
            var capture = NodeCapture(
                name: name, processes: [.init(pid: 1, arguments: ["/usr/bin/kubelet", "--config=/k.yaml"], user: 0)])
            let text = name == "w2" ? "readOnlyPort: 10255" : "readOnlyPort: 0"
            capture.take(
                .init("/k.yaml", wantsContent: true),
                [
                    (
                        "/k.yaml",
                        .init(
                            kind: .file, mode: 0o600, owner: "root", group: "root",
                            content: SourceText(
                                name: "/k.yaml",
                                bytes: Array("{kind: KubeletConfiguration, apiVersion: a/b, \(text)}".utf8)))
                    )
                ])
            input.captures.append(capture)
        }
        let result = CISPosture.report(input)["4.2.4"]
        #expect(result?.outcome == .fail)
        #expect(result?.differing.map(\.node) == ["w2"])
    }

    @Test func whatAManagedProviderRunsDoesNotApply() {
        var input = CISInput(
            inventory: Inventory(
                Self.objects(
                    "{apiVersion: v1, kind: Node, metadata: {name: a}, status: {nodeInfo: {kubeletVersion: v1.34.1-eks-113cf36}}}"
                )),
            isCluster: true)
        input.version = ComponentVersion(minor: 34)
        let report = CISPosture.report(input)
        #expect(report.platform.id == "eks")
        #expect(report["1.2.1"]?.outcome == .notApplicable)
        #expect(report["4.2.1"]?.outcome == .notObservable)
    }

    @Test func nothingSeenIsNothingPassed() {
        let report = CISPosture.report(CISInput())
        #expect(report.results.count { $0.outcome.isPass } == 0)
        #expect(report.score == nil)
    }

    @Test func aKubeBenchResultIsLaidBesideOurs() throws {
        let text = """
            {"Controls": [{"id": "1", "version": "cis-2.0.1", "tests": [{"section": "1.2", "results": [
            {"test_number": "1.2.1", "test_desc": "a", "status": "PASS"},
            {"test_number": "1.2.15", "test_desc": "b", "status": "FAIL"},
            {"test_number": "9.9.9", "test_desc": "c", "status": "WARN"}]}]}]}
            """
        let result = try KubeBenchResult(SourceText(name: "k.json", bytes: Array(text.utf8)))
        #expect(result.report["1.2.15"]?.outcome == .fail)
        #expect(result.report["1.2.2"]?.outcome == .notObservable)
        #expect(result.differences(CISPosture.report(KubeadmCluster().seenWhole)).map(\.id) == ["1.2.1"])
        #expect(throws: KubeBenchResult.Unreadable.self) {
            try KubeBenchResult(SourceText(name: "k.json", bytes: Array("{}".utf8)))
        }
    }

    @Test func aScanFindsWhatIsWrongWithAStaticPod() async {
        let pod = KubeadmCluster().staticPod("kube-scheduler", ["--bind-address=0.0.0.0", "--profiling=false"])
        var scan = PostureScan(Inventory(Self.objects(pod)), options: ScanOptions(include: ["cis/*"]))
        await scan.evaluateAll()
        let report = scan.report(target: "a", generatedAt: "", version: "")
        #expect(report.findings.map(\.rule.id) == ["cis/1.4.2"])
        #expect(report.findings.first?.location?.line == 14)
    }

    @Test func aScanOfApplicationsHasNoControlsOfComponents() {
        let scan = PostureScan(
            Inventory(Self.objects("{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a}]}}"))
        )
        #expect(!scan.rules.contains { $0.id.hasPrefix("cis/") })
    }

    private static func undecided(_ report: CISReport) -> String {
        report.results.filter { !$0.outcome.isDecided }.map { "\($0.control.id) \($0.outcome)" }.joined(separator: ", ")
    }

    private static func objects(_ text: String) -> [KubernetesObject] {
        DocumentReader.read(SourceText(name: "pod.yaml", bytes: Array(text.utf8))).documents.flatMap {
            KubernetesObject.objects(in: $0).objects
        }
    }
}
