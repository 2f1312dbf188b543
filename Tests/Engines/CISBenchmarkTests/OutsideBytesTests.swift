import CISBenchmark
import Documents
import Kubernetes
import Testing

/// Bytes that a node, a cluster or a person brings, broken at random. Whatever comes, an answer comes; and what could not
/// be read is never a pass.
@Suite("Bytes from outside") struct OutsideBytesTests {
    struct Dice {
        var state: UInt64
        init(_ seed: Int) { state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1 }
        mutating func next(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }

        /// The bytes with some of them lost, doubled, changed, or cut off.
        mutating func broken(_ bytes: [UInt8]) -> [UInt8] {
            var bytes = bytes
            for _ in 0..<(1 + next(4)) where !bytes.isEmpty {
                let position = next(bytes.count)
                switch next(5) {
                case 0: bytes.remove(at: position)
                case 1: bytes.insert(UInt8(next(256)), at: position)
                case 2: bytes[position] = UInt8(next(256))
                case 3: bytes.removeLast(next(bytes.count))
                default:
                    let end = min(bytes.count, position + next(20))
                    bytes.insert(contentsOf: bytes[position..<end], at: position)
                }
            }
            return bytes
        }
    }

    static func judged(_ capture: NodeCapture) -> CISReport {
        var input = CISInput()
        input.captures = [capture]
        return CISBenchmark(input).report()
    }

    @Test(arguments: 0..<12)
    func aBrokenCaptureIsReadAsFarAsItGoes(_ seed: Int) {
        var dice = Dice(seed)
        let capture = ConfigurationTests.capture(
            ConfigurationTests.arguments,
            [
                "/k.yaml": ConfigurationTests.kubelet("podPidsLimit: 1, readOnlyPort: 0"),
                "/d/10.conf": ConfigurationTests.kubelet("authorization: {mode: Webhook}"),
            ], unreadable: ["/etc/kubernetes/kubelet.conf"])
        let whole = Array(capture.json().utf8)
        for _ in 0..<12 {
            let set = DocumentReader.read(SourceText(name: "c.json", bytes: dice.broken(whole)))
            guard let root = set.documents.first?.root else { continue }
            let read = NodeCapture(root)
            let report = Self.judged(read)
            #expect(report.results.count == 131)
            // What is read is written and read again to the same end.
            let again = DocumentReader.read(SourceText(name: "c.json", bytes: Array(read.json().utf8)))
            let second = again.documents.first.map { Self.judged(NodeCapture($0.root)) }
            #expect(second?.results.map(\.outcome) == report.results.map(\.outcome))
        }
    }

    @Test(arguments: 0..<30)
    func aBrokenDropInNeverMakesAPass(_ seed: Int) throws {
        var dice = Dice(seed)
        let weak = ConfigurationTests.kubelet(
            "authentication: {anonymous: {enabled: true}}, authorization: {mode: AlwaysAllow}, readOnlyPort: 10255")
        let good = Array(ConfigurationTests.kubelet("serializeImagePulls: true, maxPods: 110").utf8)
        for _ in 0..<10 {
            let text = String(decoding: dice.broken(good), as: UTF8.self)
            let files = ["/k.yaml": weak, "/d/10.conf": text]
            let capture = ConfigurationTests.capture(ConfigurationTests.arguments, files)
            // Nothing of the drop-in is about these, whatever is broken in it.
            for id in ["4.2.1", "4.2.2", "4.2.4"] {
                let part = try ConfigurationTests.result(id, capture)
                #expect(!part.outcome.isPass, "\(id) \(part.message): \(text)")
            }
        }
    }

    @Test(arguments: 0..<30)
    func aBrokenUnitFileIsRead(_ seed: Int) {
        var dice = Dice(seed)
        let unit = Array(
            "[Service]\nExecStart=/usr/local/bin/k3s \\\n  server \\\n  '--kubelet-arg=v=2' \"--a=b\" \\\n\n".utf8)
        for _ in 0..<50 {
            let words = K3s.command(inUnit: SourceText(name: "u", bytes: dice.broken(unit)))
            for command in K3s(words)?.commands ?? [] {
                #expect(!command.flags.isEmpty || command.component == .proxy || command.component == .etcd)
            }
        }
    }

    @Test(arguments: 0..<20)
    func aBrokenDescriptionOfAProviderIsJudged(_ seed: Int) {
        var dice = Dice(seed)
        let whole = Array(
            """
            {"cluster": {"arn": "arn:aws:eks:eu-west-1:1:cluster/c", "logging": {"clusterLogging":
            [{"types": ["api", "audit"], "enabled": true}]}, "encryptionConfig": [{"resources": ["secrets"],
            "provider": {"keyArn": "arn"}}], "resourcesVpcConfig": {"endpointPublicAccess": true}}}
            """.utf8)
        for _ in 0..<50 {
            let set = DocumentReader.read(SourceText(name: "d.json", bytes: dice.broken(whole)))
            guard let root = set.documents.first?.root, let description = ProviderDescription(root) else { continue }
            var input = CISInput()
            input.provider = description
            #expect(CISBenchmark(input).report().own.allSatisfy { !$0.parts.isEmpty })
        }
    }

    @Test(arguments: 0..<20)
    func brokenWordsOfACommandStartNothingElse(_ seed: Int) {
        var dice = Dice(seed)
        let whole = Array("kube-apiserver --authorization-mode=Node,RBAC --profiling false --anonymous_auth=0".utf8)
        for _ in 0..<100 {
            let text = String(decoding: dice.broken(whole), as: UTF8.self)
            let words = text.split(separator: " ").map { ComponentCommand.Word(String($0)) }
            guard let command = ComponentCommand(words) else { continue }
            for flag in command.flags {
                #expect(text.contains(flag.value) || flag.isBare, "\(text)")
            }
        }
    }
}
