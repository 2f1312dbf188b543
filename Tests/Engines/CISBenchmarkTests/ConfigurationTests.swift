import CISBenchmark
import Documents
import Kubernetes
import Testing

@Suite("The effective configuration") struct ConfigurationTests {
    static func capture(
        _ arguments: [String], _ files: [String: String] = [:], unreadable: [String] = [],
        environment: [String: String] = [:]
    ) -> NodeCapture {
        var capture = NodeCapture(
            name: "n", processes: [.init(pid: 1, arguments: arguments, environment: environment, user: 0)])
        for _ in 0..<5 {
            for request in NodePlan.requests(capture) {
                let base = request.pattern.hasSuffix("/*") ? String(request.pattern.dropLast(1)) : nil
                let found = (files.keys.sorted() + unreadable).filter { path in
                    base.map { path.hasPrefix($0) && !path.dropFirst($0.count).contains("/") }
                        ?? (path == request.pattern)
                }
                capture.take(
                    request,
                    found.map { path in
                        guard let text = files[path] else {
                            return (path, .init(kind: .unreadable, problem: "permission denied"))
                        }
                        return (
                            path,
                            .init(
                                kind: .file, mode: 0o600, owner: "root", group: "root",
                                content: request.wantsContent
                                    ? SourceText(name: path, bytes: Array(text.utf8)) : nil)
                        )
                    })
            }
        }
        return capture
    }

    static func result(_ id: String, _ capture: NodeCapture) throws -> CISPart {
        var input = CISInput()
        input.captures = [capture]
        let result = try #require(CISBenchmark(input).report()[id])
        return try #require(result.parts.first)
    }

    static func kubelet(_ text: String) -> String {
        "{apiVersion: kubelet.config.k8s.io/v1beta1, kind: KubeletConfiguration, \(text)}"
    }

    static let arguments = ["/usr/bin/kubelet", "--config=/k.yaml", "--config-dir=/d"]

    @Test func saysWhereAValueComesFrom() throws {
        let files = ["/k.yaml": Self.kubelet("readOnlyPort: 1"), "/d/10.conf": Self.kubelet("readOnlyPort: 2")]
        let dropIn = try Self.result("4.2.4", Self.capture(Self.arguments, files))
        #expect(dropIn.provenance == .dropIn("/d/10.conf", field: "readOnlyPort"))
        #expect(dropIn.value == "2")
        let flag = try Self.result("4.2.4", Self.capture(Self.arguments + ["--read-only-port=0"], files))
        #expect(flag.provenance == .flag("read-only-port"))
        #expect(flag.outcome == .pass)
        let file = try Self.result("4.2.4", Self.capture(["kubelet", "--config=/k.yaml"], files))
        #expect(file.provenance == .file("/k.yaml", field: "readOnlyPort"))
        let none = try Self.result("4.2.4", Self.capture(["kubelet"]))
        #expect(none.provenance == .legacyDefault)
        let etcd = try Self.result("2.2", Self.capture(["etcd"], environment: ["ETCD_CLIENT_CERT_AUTH": "true"]))
        #expect(etcd.provenance == .environment("ETCD_CLIENT_CERT_AUTH"))
        #expect(etcd.outcome == .pass)
    }

    @Test(
        "what cannot be read is never a pass",
        arguments: [
            ["/k.yaml": "{apiVersion: kubelet.config.k8s.io/v1beta1, kind: Kubelet"],
            ["/k.yaml": ""], ["/k.yaml": "- a\n- b"], ["/k.yaml": "{kind: Deployment, apiVersion: apps/v1}"],
            ["/k.yaml": "\u{0}\u{1}\u{2}"], [:],
        ])
    func unreadable(_ files: [String: String]) throws {
        for id in ["4.2.1", "4.2.3", "4.2.4", "4.2.13"] {
            let part = try Self.result(id, Self.capture(["kubelet", "--config=/k.yaml"], files))
            #expect(part.outcome == .notObservable, "\(id) \(part.message)")
        }
    }

    @Test func aFileThatMayNotBeReadIsSaidSo() throws {
        let capture = Self.capture(["kubelet", "--config=/k.yaml"], unreadable: ["/k.yaml"])
        #expect(try Self.result("4.2.1", capture).message == "/k.yaml: permission denied")
        #expect(try Self.result("4.1.9", capture).outcome == .notObservable)
    }

    @Test func aFieldOfTheWrongKindIsNotKnown() throws {
        let capture = Self.capture(["kubelet", "--config=/k.yaml"], ["/k.yaml": Self.kubelet("readOnlyPort: {a: b}")])
        #expect(try Self.result("4.2.4", capture).outcome == .notObservable)
    }

    @Test func valuesThatNoComponentTakesAreNotKnown() throws {
        let server = Self.capture(["kube-apiserver", "--profiling=maybe", "--audit-log-maxage=long"])
        #expect(try Self.result("1.2.15", server).outcome == .notObservable)
        #expect(try Self.result("1.2.17", server).outcome == .notObservable)
    }

    @Test func k3sIsReadFromItsOwnFile() throws {
        let files = [
            "/etc/rancher/k3s/config.yaml":
                "kube-apiserver-arg: [audit-log-path=/a, profiling=false]\nkubelet-arg: v=2\n"
        ]
        let capture = Self.capture(["/usr/local/bin/k3s", "server"], files)
        #expect(Platform.detect(capture).id == "k3s")
        #expect(try Self.result("1.2.16", capture).outcome == .pass)
        #expect(try Self.result("1.2.15", capture).outcome == .pass)
        // k3s sets flags of its own, so what is not written is not known.
        #expect(try Self.result("1.2.21", capture).outcome == .notObservable)
    }

    @Test(
        arguments: [
            ("--anonymus-auth=false", "--anonymous-auth is"), ("--audit-log-max-age=30", "--audit-log-maxage is"),
            ("--anonymous-auth=false", nil), ("--anonymous_auth=false", nil), ("--etcd-compaction-interval=5m", nil),
            ("--v=2", nil), ("--oidc-issuer-url=https://a.example", nil),
        ] as [(String, String?)])
    func aMistypedFlagIsToldOf(_ flag: String, _ remark: String?) {
        var input = CISInput()
        input.captures = [Self.capture(["kube-apiserver", flag], [:])]
        let report = CISBenchmark(input).report()
        let name = flag.prefix { $0 != "=" }
        #expect(report.remarks.filter { $0.contains("\(name) is no flag") }.count == (remark == nil ? 0 : 1))
        if let remark { #expect(report.remarks.contains { $0.contains(remark) }) }
        // What the mistyped flag was to say is not taken for said.
        #expect((report["1.2.1"]?.outcome.isPass == true) == (flag == "--anonymous-auth=false" || flag.contains("_")))
    }

    @Test func conflictingDropInsAreToldOf() throws {
        var input = CISInput()
        input.captures = [
            Self.capture(
                Self.arguments,
                [
                    "/k.yaml": Self.kubelet("podPidsLimit: 1"), "/d/10.conf": Self.kubelet("podPidsLimit: 2"),
                    "/d/20.conf": Self.kubelet("podPidsLimit: 3"), "/d/30.yaml": Self.kubelet("podPidsLimit: 4"),
                ])
        ]
        let report = CISBenchmark(input).report()
        #expect(report["4.2.13"]?.parts.first?.value == "3")
        #expect(report.remarks.contains { $0.contains("podPidsLimit is 3 by /d/20.conf") })
    }

    @Test func gatesOfFileAndFlagAddUp() throws {
        let files = ["/k.yaml": Self.kubelet("featureGates: {RotateKubeletServerCertificate: false}")]
        let file = Self.capture(["kubelet", "--config=/k.yaml"], files)
        #expect(try Self.result("4.2.11", file).outcome == .fail)
        let other = Self.capture(["kubelet", "--config=/k.yaml", "--feature-gates=A=true"], files)
        #expect(try Self.result("4.2.11", other).outcome == .fail)
        let flag = Self.capture(
            ["kubelet", "--config=/k.yaml", "--feature-gates=RotateKubeletServerCertificate=true"], files)
        #expect(try Self.result("4.2.11", flag).outcome == .pass)
    }

    @Test func theFileOfEtcdStandsAlone() throws {
        let text = "client-transport-security: {client-cert-auth: false}"
        let capture = Self.capture(["etcd", "--config-file=/e.yaml", "--client-cert-auth=true"], ["/e.yaml": text])
        #expect(try Self.result("2.2", capture).outcome == .fail)
    }

    @Test func theFileOfTheSchedulerStandsOverItsFlag() throws {
        let text =
            "{apiVersion: kubescheduler.config.k8s.io/v1, kind: KubeSchedulerConfiguration, enableProfiling: true}"
        let capture = Self.capture(["kube-scheduler", "--config=/s.yaml", "--profiling=false"], ["/s.yaml": text])
        #expect(try Self.result("1.4.1", capture).outcome == .fail)
    }

    @Test func aKubeletsOwnAnswerIsTaken() throws {
        var input = CISInput()
        let text =
            "{kubeletconfig: {authentication: {anonymous: {enabled: true}}, tlsCertFile: /var/lib/kubelet/pki/kubelet.crt, tlsPrivateKeyFile: /var/lib/kubelet/pki/kubelet.key}}"
        let set = DocumentReader.read(SourceText(name: "", bytes: Array(text.utf8)))
        input.kubelets = ["n": try #require(set.documents.first).root]
        let report = CISBenchmark(input).report()
        #expect(report["4.2.1"]?.outcome == .fail)
        #expect(report["4.2.1"]?.parts.first?.provenance == .configz(field: "authentication.anonymous.enabled"))
        // The kubelet left out a zero, and shows its own certificate as if it had been given one.
        #expect(report["4.2.4"]?.outcome == .pass)
        #expect(report["4.2.9"]?.outcome == .fail)
        #expect(report["4.2.7"]?.outcome == .notObservable)
    }

    @Test func aCertificateWithAKubeletsOwnNameElsewhereIsNotJudged() throws {
        var input = CISInput()
        let text = "{kubeletconfig: {tlsCertFile: /c/kubelet.crt, tlsPrivateKeyFile: /c/kubelet.key}}"
        let set = DocumentReader.read(SourceText(name: "", bytes: Array(text.utf8)))
        input.kubelets = ["a": try #require(set.documents.first).root]
        #expect(CISBenchmark(input).report()["4.2.9"]?.outcome == .notObservable)
    }

    @Test func aCaptureSurvivesWritingAndReading() throws {
        let capture = Self.capture(
            Self.arguments, ["/k.yaml": Self.kubelet("podPidsLimit: 1")], unreadable: ["/etc/kubernetes/kubelet.conf"])
        let text = capture.json()
        let root = try DocumentReader.readJSON(SourceText(name: "c.json", bytes: Array(text.utf8)))
        let read = NodeCapture(root)
        #expect(read.json() == text)
        var before = CISInput()
        before.captures = [capture]
        var after = CISInput()
        after.captures = [read]
        #expect(
            CISBenchmark(before).report().results.map(\.outcome) == CISBenchmark(after).report().results.map(\.outcome))
    }

    @Test func etcdsAuthorityIsComparedByKeyNotByName() throws {
        let arguments = ["kube-apiserver", "--client-ca-file=/a.crt"]
        func check(_ a: String, _ b: String) throws -> CISOutcome {
            var capture = Self.capture(arguments)
            capture.processes.append(.init(pid: 2, arguments: ["etcd", "--trusted-ca-file=/b.crt"], user: 0))
            for (path, text) in [("/a.crt", a), ("/b.crt", b)] {
                capture.take(
                    .init(path, wantsContent: true),
                    [(path, .init(kind: .file, content: SourceText(name: path, bytes: Array(text.utf8))))])
            }
            return try Self.result("2.7", capture).outcome
        }
        // SEQUENCE { SEQUENCE { 1, {}, {}, {}, subject, key } } with one letter for subject and key.
        let one = "-----BEGIN CERTIFICATE-----\nMBUwEwIBATAAMAAwADADDAFhMAMMAWE=\n-----END CERTIFICATE-----\n"
        let two = "-----BEGIN CERTIFICATE-----\nMBUwEwIBATAAMAAwADADDAFiMAMMAWI=\n-----END CERTIFICATE-----\n"
        #expect(try check(one, one) == .fail)
        #expect(try check(one, two) == .pass)
        #expect(try check(one, "no certificate") == .notObservable)
    }
}
