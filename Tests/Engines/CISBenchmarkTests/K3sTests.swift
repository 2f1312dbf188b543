import CISBenchmark
import Documents
import Kubernetes
import Testing

@Suite("The components inside k3s") struct K3sTests {
    static func words(_ text: String...) -> [ComponentCommand.Word] { text.map { ComponentCommand.Word($0) } }

    static func flags(_ k3s: K3s, _ component: Component) -> [String: String] {
        let command = k3s.commands.first { $0.component == component }
        return Dictionary((command?.flags ?? []).map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
    }

    @Test func aServerHoldsAllAndAnAgentTwo() throws {
        let server = try #require(K3s(Self.words("/usr/local/bin/k3s", "server", "--kubelet-arg", "v=2")))
        #expect(
            server.commands.map(\.component) == [
                .apiServer, .controllerManager, .scheduler, .etcd, .kubelet, .proxy,
            ])
        #expect(Self.flags(server, .kubelet)["v"] == "2")
        let agent = try #require(K3s(Self.words("k3s", "agent")))
        #expect(agent.commands.map(\.component) == [.kubelet, .proxy])
        #expect(K3s(Self.words("k3s", "kubectl", "get", "pods")) == nil)
        #expect(K3s(Self.words("nginx")) == nil)
    }

    @Test func whatItWritesOverItsArgumentsIsRead() throws {
        let found = try #require(K3s(Self.words("/usr/local/bin/k3s server")))
        #expect(!found.hasArguments)
        #expect(found.commands.count == 6)
    }

    @Test func whatItIsToldTakesThePlaceOfItsOwn() throws {
        let k3s = try #require(
            K3s(
                Self.words(
                    "k3s", "server", "--kube-apiserver-arg=anonymous-auth=true",
                    "--kube-apiserver-arg=enable-admission-plugins+=EventRateLimit",
                    "--kube-apiserver-arg=authentication-config=/c", "--secrets-encryption", "--data-dir=/d")))
        let flags = Self.flags(k3s, .apiServer)
        #expect(flags["anonymous-auth"] == "true")
        #expect(flags["profiling"] == "false")
        #expect(flags["enable-admission-plugins"] == "NodeRestriction,EventRateLimit")
        #expect(flags["encryption-provider-config"] == "/d/server/cred/encryption-config.json")
        let plain = try #require(K3s(Self.words("k3s", "server", "--kube-apiserver-arg=authentication-config=/c")))
        // k3s leaves out what the file would contradict.
        #expect(Self.flags(plain, .apiServer)["anonymous-auth"] == nil)
    }

    @Test(
        "a component that is switched off is not there",
        arguments: [
            ("--disable-kube-proxy", Component.proxy), ("--disable-scheduler", .scheduler), ("--disable-etcd", .etcd),
            ("--disable-agent", .kubelet),
        ])
    func leftOut(_ flag: String, _ component: Component) throws {
        let k3s = try #require(K3s(Self.words("k3s", "server", flag)))
        #expect(!k3s.commands.contains { $0.component == component })
    }

    @Test(
        "the unit file tells what the process hides",
        arguments: [
            ("[Service]\nExecStart=/usr/local/bin/k3s \\\n    server \\\n\t'--kubelet-arg=v=3' \\\n\n", 2),
            ("[Service]\nExecStart=-/usr/local/bin/k3s server\n", 1), ("[Service]\nType=exec\n", 0), ("", 0),
            ("ExecStart=\\", 0),
        ])
    func unit(_ text: String, _ count: Int) {
        let words = K3s.command(inUnit: SourceText(name: "k3s.service", bytes: Array(text.utf8)))
        #expect(words.dropFirst().count == count)
    }

    // MARK: On a node

    static let unit = "[Service]\nExecStart=/usr/local/bin/k3s server\n"
    static let folder = "/var/lib/rancher/k3s/agent/etc/kubelet.conf.d"

    static func node(_ files: [String: String]) -> NodeCapture {
        ConfigurationTests.capture(["/usr/local/bin/k3s server", "", ""], files)
    }

    @Test func aBareServerIsJudgedByWhatK3sSets() throws {
        let capture = Self.node([
            "/etc/systemd/system/k3s.service": Self.unit,
            "\(Self.folder)/00-k3s-defaults.conf": ConfigurationTests.kubelet(
                "authentication: {anonymous: {enabled: false}, x509: {clientCAFile: /c}}, tlsCertFile: /a, "
                    + "tlsPrivateKeyFile: /b"),
        ])
        #expect(Platform.detect(capture).id == "k3s")
        let anonymous = try ConfigurationTests.result("1.2.1", capture)
        #expect(anonymous.outcome == .pass)
        #expect(anonymous.provenance == .builtIn("anonymous-auth", by: "k3s"))
        for id in ["1.2.6", "1.2.7", "1.2.14", "1.2.15", "1.3.2", "1.4.1", "4.2.1", "4.2.4", "4.2.9"] {
            let part = try ConfigurationTests.result(id, capture)
            #expect(part.outcome.isPass, "\(id) \(part.message)")
        }
        // With the unit file read, what is not set is not set.
        for id in ["1.2.16", "1.2.27"] {
            #expect(try ConfigurationTests.result(id, capture).outcome == .fail, "\(id)")
        }
        // SQLite stands behind a socket, and there is no etcd.
        #expect(try ConfigurationTests.result("1.2.23", capture).outcome == .notApplicable)
        #expect(try ConfigurationTests.result("2.1", capture).outcome == .notApplicable)
    }

    @Test func itsOwnEtcdIsReadFromItsFile() throws {
        let etcd = "/var/lib/rancher/k3s/server/db/etcd"
        var capture = Self.node(["/etc/systemd/system/k3s.service": Self.unit])
        capture.take(.init(etcd), [(etcd, .init(kind: .folder, mode: 0o700))])
        capture.take(
            .init("\(etcd)/config", wantsContent: true),
            [
                (
                    "\(etcd)/config",
                    .init(
                        kind: .file, mode: 0o600,
                        content: SourceText(
                            name: "config",
                            bytes: Array(
                                "client-transport-security: {cert-file: /a, key-file: /b, client-cert-auth: true}".utf8)
                        ))
                )
            ])
        #expect(try ConfigurationTests.result("2.2", capture).outcome == .pass)
        #expect(try ConfigurationTests.result("1.2.23", capture).outcome == .pass)
        #expect(try ConfigurationTests.result("2.3", capture).outcome == .pass)
    }

    @Test func withoutTheUnitFileWhatIsNotSetIsNotKnown() throws {
        let capture = Self.node([:])
        #expect(try ConfigurationTests.result("1.2.1", capture).outcome == .pass)
        #expect(try ConfigurationTests.result("1.2.16", capture).outcome == .notObservable)
    }

    // MARK: In a cluster

    @Test func aNodeTellsWhatItWasToldInAnAnnotation() throws {
        let text = """
            apiVersion: v1
            kind: Node
            metadata:
              name: cp-1
              labels: {node-role.kubernetes.io/control-plane: "true"}
              annotations:
                k3s.io/node-args: '["server","--kube-apiserver-arg","audit-log-path=/a","--token","********"]'
            status: {nodeInfo: {kubeletVersion: v1.35.2+k3s1}}
            """
        let set = DocumentReader.read(SourceText(name: "n.yaml", bytes: Array(text.utf8)))
        let input = CISInput(
            inventory: Inventory(set.documents.flatMap { KubernetesObject.objects(in: $0).objects }), isCluster: true)
        let report = CISBenchmark(input).report()
        #expect(report.platform.id == "k3s")
        #expect(report["1.2.16"]?.outcome == .pass)
        #expect(report["1.2.1"]?.outcome == .pass)
        #expect(report["1.2.27"]?.outcome == .fail)
        #expect(report["1.2.27"]?.parts.first?.node == "cp-1")
    }

    @Test(arguments: ["", "[", "{}", "[1, 2]", "[\"server\"", "\"server\"", "[\"kubectl\"]"])
    func anAnnotationThatIsNoneIsLeftAlone(_ text: String) {
        let manifest =
            "{apiVersion: v1, kind: Node, metadata: {name: n, annotations: {k3s.io/node-args: '\(text)'}}}"
        let set = DocumentReader.read(SourceText(name: "n.yaml", bytes: Array(manifest.utf8)))
        let input = CISInput(
            inventory: Inventory(set.documents.flatMap { KubernetesObject.objects(in: $0).objects }), isCluster: true)
        #expect(CISBenchmark(input).report()["1.2.1"]?.outcome == .notObservable)
    }
}
