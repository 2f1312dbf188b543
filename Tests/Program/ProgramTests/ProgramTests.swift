import Foundation
import Testing

/// The program as a person or a pipeline runs it: what it prints, where, and how it ends.
@Suite struct ProgramTests {
    private struct Run {
        var code: Int32
        var output: String
        var errors: String
    }

    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// The program that was built beside these tests.
    static let program: URL? = {
        let folder = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
        let beside = [folder, folder.deletingLastPathComponent()].map { $0.appending(path: "martlet") }
        let built = root.appending(path: ".build/debug/martlet")
        return (beside + [built]).first { FileManager.default.isExecutableFile(atPath: $0.path) }
    }()

    private func run(
        _ arguments: String..., input: String = "", environment: [String: String] = [:]
    ) throws -> Run {
        try run(arguments, input: input, environment: environment)
    }

    private func run(
        _ arguments: [String], input: String = "", environment: [String: String] = [:]
    ) throws -> Run {
        let process = Process()
        let program: URL = try #require(Self.program, "the program is not built")
        process.executableURL = program
        process.arguments = arguments
        process.currentDirectoryURL = Self.root
        var variables = ProcessInfo.processInfo.environment
        variables["KUBECONFIG"] = "/nonexistent/kubeconfig"
        variables["COLUMNS"] = "100"
        process.environment = variables.merging(environment) { $1 }
        let (output, errors, standardInput) = (Pipe(), Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        process.standardInput = standardInput
        try process.run()
        standardInput.fileHandleForWriting.write(Data(input.utf8))
        try standardInput.fileHandleForWriting.close()
        let text = output.fileHandleForReading.readDataToEndOfFile()
        let complaints = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return Run(
            code: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
            errors: String(decoding: complaints, as: UTF8.self))
    }

    private static let clean = """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: a, namespace: b}
        """

    /// Every question of rights and the network, asked of the example: how it ends and a word of the answer.
    @Test(arguments: [
        ("rbac who-can get secrets -n shop -f Examples/shop", Int32(0), "ServiceAccount shop/payments"),
        ("rbac can-i get secrets --as system:serviceaccount:shop:payments -f Examples/shop", 0, "payments-admin"),
        ("rbac can-i get secrets --as eve -f Examples/shop", 1, "no"),
        ("rbac rules-for system:serviceaccount:shop:payments Examples/shop -o csv", 0, "* * (*)"),
        ("rbac subjects Examples/shop", 0, "payments-admin"),
        ("rbac escalation Examples/shop", 1, "cluster-admin: 3 can reach it"),
        ("rbac escalation Examples/shop --cuts", 1, "2 of 3 paths"),
        ("rbac diff Examples/shop Examples/shop", 0, "nobody gains or loses anything"),
        ("rbac subjects Examples/shop --cluster", 2, ""),
        ("rbac subjects", 2, ""),
        ("network reach shop/cart shop/database Examples/shop --port 5432", 0, "allowed by NetworkPolicy shop/cart"),
        ("network reach shop/storefront shop/database Examples/shop --port 5432", 1, "denied"),
        ("network matrix Examples/shop --by namespace -o csv", 0, "from,to,traffic"),
        ("network exposure Examples/shop", 0, "Ingress shop/storefront"),
        ("network exposure Examples/shop --like netpol-analyzer", 0, "entire-cluster"),
        ("network lint Examples/shop", 1, "network/metadata-reachable"),
        ("network score Examples/shop -o json", 0, "\"isolation\""),
        ("network generate Examples/shop -o summary", 0, "certificate: holds"),
        ("network fix Examples/shop", 0, "169.254.169.254/32"),
        ("network diff Examples/shop Examples/shop", 0, "0 cut, 0 opened"),
        ("fix Examples/shop --check network/metadata-reachable", 0, "ipBlock.except"),
        ("policy test Examples/policies/tests.yaml", 0, "hold"),
        ("policy test Examples/shop/jobs.yaml", 2, ""),
    ])
    func everyQuestionIsAnswered(_ words: String, _ code: Int32, _ answer: String) throws {
        let parts = words.split(separator: " ").map(String.init)
        let process = try run(parts)
        #expect(process.code == code, "\(process.errors)")
        #expect(answer.isEmpty ? process.output.isEmpty : process.output.contains(answer), "\(process.output)")
    }

    @Test(
        "a mistyped path or range is told as such, with what may have been meant",
        arguments: [
            ("secrets scan Examples/shopp", "Examples/shopp: no such file or folder; did you mean Examples/shop?"),
            ("secrets scan nothing-like-it-here", "nothing-like-it-here: no such file or folder"),
            (
                "secrets encryption Examples/shop/paymnets.yaml",
                "no such file or folder; did you mean Examples/shop/payments.yaml?"
            ),
            ("secrets scan --git nosuch..HEAD", "nosuch..HEAD"),
        ])
    func mistyped(_ words: String, _ complaint: String) throws {
        let process = try run(words.split(separator: " ").map(String.init))
        #expect(process.code == 2)
        #expect(process.output.isEmpty, "\(process.output)")
        #expect(process.errors.contains(complaint), "\(process.errors)")
        #expect(!complaint.hasSuffix("folder") || !process.errors.contains("did you mean"), "\(process.errors)")
    }

    /// A policy the API server refuses, a pod that has ended, one without an address, one with an address that is none.
    private static let oddNetwork = """
        {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: shop},
         spec: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.300/8}}]}]}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: web, namespace: shop, labels: {app: web}},
         spec: {containers: [{name: c, image: i}]}, status: {phase: Running, podIP: 10.0.0.5}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: new, namespace: shop, labels: {app: new}},
         spec: {containers: [{name: c, image: i}]}, status: {phase: Pending}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: odd, namespace: shop, labels: {app: odd}},
         spec: {containers: [{name: c, image: i}]}, status: {phase: Running, podIP: 10.0.0.999}}
        ---
        {apiVersion: v1, kind: Pod, metadata: {name: done, namespace: shop, labels: {app: done}},
         spec: {containers: [{name: c, image: i}]}, status: {phase: Succeeded}}

        """

    @Test(arguments: [
        ("reach shop/new shop/web", Int32(3), "not observable"), ("matrix", 0, "not observable: all"),
        ("exposure", 0, "shop/web"), ("lint", 1, "network/invalid-policy"), ("score", 0, "isolation"),
        ("generate --output summary", 0, "policies that cannot be read"), ("fix", 0, ""),
    ])
    func everyNetworkQuestionTellsOfOddInput(_ words: String, _ code: Int32, _ answer: String) throws {
        let parts = ["network"] + words.split(separator: " ").map(String.init) + ["-"]
        let found = try run(parts, input: Self.oddNetwork)
        #expect(found.code == code, "\(found.errors)")
        #expect(answer.isEmpty || found.output.contains(answer), "\(found.output)")
        for said in [
            "\"10.0.0.300/8\" is not a CIDR", "\"10.0.0.999\" is not an address", "1 pod ended",
            "2 pods without an address",
        ] { #expect(found.errors.contains(said), "\(said): \(found.errors)") }
        // What cannot be read at all leaves a hole, and what is not there is no empty network.
        let broken = try run(parts, input: Self.oddNetwork + "---\nkind: [\n")
        #expect(broken.code == (code == 0 ? 2 : code), "\(broken.errors)")
        let missing = try run(parts.dropLast() + ["no-such-file.yaml"])
        #expect(missing.code == 2)
        #expect(missing.output.isEmpty)
    }

    @Test func theExampleHasFindingsWithPlaces() throws {
        let run = try run("scan", "Examples/shop")
        #expect(run.code == 1)
        #expect(run.output.contains("Examples/shop/payments.yaml:22:25"))
        #expect(!run.output.contains("\u{1B}["), "no colour where there is no terminal")
    }

    @Test(arguments: [("critical", 1), ("never", 0)] as [(String, Int32)])
    func failOnDecidesTheExitCode(_ severity: String, _ code: Int32) throws {
        #expect(try run("scan", "Examples/shop", "--fail-on", severity).code == code)
    }

    @Test func standardInputIsRead() throws {
        let run = try run("scan", "-", input: Self.clean)
        #expect(run.code == 0)
        #expect(run.output.contains("No findings"))
    }

    @Test func brokenInputEndsWithTwoAndNamesThePlace() throws {
        let run = try run("scan", "-", input: "apiVersion: v1\nkind: [\n")
        #expect(run.code == 2)
        #expect(run.output.contains("<stdin>:3:1"))
    }

    @Test func nothingUnderstoodIsNotClean() throws {
        let run = try run("scan", "-", input: "metadata:\n  name: {{ .Release.Name }}\n")
        #expect(run.code == 2)
        #expect(run.output.contains("unrendered Helm template"))
    }

    @Test func whatCannotBeKnownIsPartialWhenStrict() throws {
        let shape = """
            apiVersion: example.com/v1
            kind: Thing
            metadata: {name: a}
            spec: {pod: {spec: {containers: [{name: a, image: "registry.example/a:1"}]}}}
            """
        #expect(try run("scan", "-", "--check", "pod/root-allowed", input: shape).code == 0)
        #expect(try run("scan", "-", "--check", "pod/root-allowed", "--strict", input: shape).code == 3)
    }

    @Test func noClusterIsOneLineThatSaysWhatToDo() throws {
        let run = try run("scan", "--cluster")
        #expect(run.code == 2)
        #expect(run.errors.split(separator: "\n").count == 1)
        #expect(run.errors.contains("--kubeconfig"))
    }

    @Test func withoutAClusterTheFallbackIsScanned() throws {
        let run = try run("scan", "--cluster", "--otherwise", "Examples/shop", "--fail-on", "never")
        #expect(run.code == 0)
        #expect(run.output.contains("Deployment shop/payments"))
    }

    @Test func wrongFlagsEndWithTwo() throws {
        let run = try run("scan", "--outptu", "json")
        #expect(run.code == 2)
        #expect(run.errors.contains("--output"))
        #expect(try self.run("scan", "--check", "no/such-check", "Examples/shop").code == 2)
    }

    @Test func helpAndVersionEndWithZero() throws {
        #expect(try run("--help").code == 0)
        #expect(try run("--version").output.hasPrefix("0."))
        #expect(try run("pss", "plan", "--help").output.contains("audit"))
    }

    @Test func aDeviceIsWrittenToAndNotReplaced() throws {
        let run = try run(
            "scan", "Examples/shop", "--output", "json", "--output-file", "/dev/null", "--fail-on", "never")
        #expect(run.code == 0)
        let type = try FileManager.default.attributesOfItem(atPath: "/dev/null")[.type] as? FileAttributeType
        #expect(type == .typeCharacterSpecial)
    }

    @Test func fixWritesInPlaceAndASecondRunHasNothingLeftToWrite() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.copyItem(at: Self.root.appending(path: "Examples/shop"), to: folder)
        let first = try run("fix", folder.path, "--write")
        #expect(first.output.contains("wrote"))
        let text = try String(contentsOf: folder.appending(path: "storefront.yaml"), encoding: .utf8)
        #expect(text.contains("# moves under our feet"), "comments stay")
        #expect(text.contains("runAsNonRoot: true"))
        let second = try run("fix", folder.path, "--write")
        #expect(!second.output.contains("wrote"))
    }

    @Test func fixNeverTouchesACluster() throws {
        let run = try run("fix", "--cluster", "--otherwise", "Examples/shop", "--output", "patch")
        #expect(run.output.hasPrefix("--- a/"))
    }

    @Test func aBaselineLeavesOnlyWhatIsNew() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString).json")
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(try run("scan", "Examples/shop", "--write-baseline", file.path, "--fail-on", "never").code == 0)
        #expect(try run("scan", "Examples/shop", "--baseline", file.path).code == 0)
    }

    @Test func simulationSaysWhatWouldBeRefused() throws {
        let run = try run("pss", "simulate", "Examples/shop", "-n", "shop", "--level", "restricted")
        #expect(run.code == 1)
        #expect(run.output.contains("violates PodSecurity \"restricted:"))
        #expect(run.output.contains("CronJob shop/nightly-backup"))
    }

    @Test func everyCheckCanBeExplained() throws {
        let list = try run("checks")
        let ids = list.output.split(separator: "\n").compactMap { $0.split(separator: " ").dropFirst().first }
        #expect(ids.count > 60)
        #expect(Set(ids).count == ids.count)
        #expect(try run("checks", "pod/host-port").output.contains("Why:"))
    }

    @Test func rulesAreReplayedOverAnAuditLog() throws {
        let text = try run("runtime", "replay", "Examples/runtime/audit.jsonl")
        #expect(text.code == 1 && text.errors.isEmpty)
        #expect(text.output.contains("08:03:10.020000000: Critical eve bound cluster-admin"))
        let json = try run("runtime", "replay", "Examples/runtime/audit.jsonl", "-o", "json", "--priority", "critical")
        let lines = json.output.split(separator: "\n")
        #expect(lines.count == 1 && lines[0].contains("\"rule\":\"Cluster administrator granted\""))
        #expect(try run("runtime", "replay", "-", input: "nothing").code == 2)
    }

    @Test func aBrokenRuleFileIsToldWithItsCodeAndPlace() throws {
        let run = try run("runtime", "rules", "check", "-", input: "- macro: m\n  condition: a.b <> 1\n")
        #expect(run.code == 2)
        #expect(run.output.contains("-:2:") && run.output.contains("LOAD_ERR_COMPILE_CONDITION"))
    }
}
