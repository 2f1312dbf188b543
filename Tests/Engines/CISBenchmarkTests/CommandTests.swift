import CISBenchmark
import Documents
import Kubernetes
import Testing

@Suite("Command lines of components") struct CommandTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var words: [String]
        var found: String
        var testDescription: String { name }
    }

    static func read(_ words: [String]) -> String {
        guard let command = ComponentCommand(words.map { ComponentCommand.Word($0) }) else { return "none" }
        return ([command.component.rawValue] + command.flags.map { "\($0.name)=\($0.value)" }).joined(separator: " ")
    }

    @Test(
        "are understood as the component would",
        arguments: [
            Case(
                name: "plain", words: ["kube-apiserver", "--profiling=false"], found: "kube-apiserver profiling=false"),
            Case(
                name: "a path", words: ["/usr/local/bin/kube-scheduler", "--v=2"], found: "kube-scheduler v=2"),
            Case(
                name: "the value in the next word", words: ["kube-apiserver", "--audit-log-path", "/a", "--v", "2"],
                found: "kube-apiserver audit-log-path=/a v=2"),
            Case(
                name: "a boolean takes no next word", words: ["kube-apiserver", "--profiling", "false"],
                found: "kube-apiserver profiling=true"),
            Case(
                name: "a negative number is a value", words: ["kubelet", "--pod-max-pids", "-1"],
                found: "kubelet pod-max-pids=-1"),
            Case(
                name: "underscores are dashes", words: ["kube-apiserver", "--audit_log_path=/a"],
                found: "kube-apiserver audit-log-path=/a"),
            Case(
                name: "one dash", words: ["etcd", "-name", "a", "-client-cert-auth"],
                found: "etcd name=a client-cert-auth=true"),
            Case(
                name: "a value with an equals sign", words: ["etcd", "--initial-cluster=a=https://b"],
                found: "etcd initial-cluster=a=https://b"),
            Case(
                name: "go-runner", words: ["/go-runner", "--log-file=/l", "/usr/local/bin/kube-proxy", "--v=1"],
                found: "kube-proxy v=1"),
            Case(
                name: "a shell with a redirection",
                words: ["/bin/sh", "-c", "exec kube-apiserver --a=b \\\n --c='d e' 1>>/var/log/x 2>&1"],
                found: "kube-apiserver a=b c=d e"),
            Case(
                name: "a shell that does other things first",
                words: ["sh", "-ec", "mkdir -p /a; set -x && FOO=1 exec /usr/bin/kubelet --x=y | tee /l"],
                found: "kubelet x=y"),
            Case(name: "hyperkube", words: ["hyperkube", "apiserver", "--v=1"], found: "kube-apiserver v=1"),
            Case(name: "env", words: ["env", "A=b", "etcd", "--name=x"], found: "etcd name=x"),
            Case(name: "after two dashes nothing is a flag", words: ["etcd", "--", "--name=x"], found: "etcd"),
            Case(name: "something else", words: ["nginx", "--profiling=false"], found: "none"),
            Case(name: "a name that only looks like it", words: ["etcd-backup", "--name=x"], found: "none"),
            Case(name: "an argument that names a component", words: ["curl", "kube-apiserver"], found: "none"),
            Case(name: "nothing", words: [], found: "none"),
            Case(name: "an open quote", words: ["sh", "-c", "kubelet --a='b"], found: "kubelet a=b"),
        ])
    func understood(_ example: Case) {
        #expect(Self.read(example.words) == example.found)
    }

    /// Words at random, made of what shells and flags are made of: whatever comes, an answer comes, and a flag is never
    /// invented.
    @Test(arguments: 0..<40)
    func anyTextIsRead(_ seed: Int) {
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        func next(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        let pieces = [
            "kubelet", "etcd", "--", "-", "=", "'", "\"", "\\", " ", "\n", ";", "|", ">", "&", "#", "$(A)", "--a",
            "--b=c", "é", "",
        ]
        for _ in 0..<200 {
            let text = (0..<next(12)).map { _ in pieces[next(pieces.count)] }.joined()
            let script = ComponentCommand([.init("sh"), .init("-c"), .init(text)])
            let plain = ComponentCommand([.init("etcd"), .init(text)])
            for flag in (script?.flags ?? []) + (plain?.flags ?? []) where !flag.name.isEmpty {
                #expect(text.contains(flag.name), "\(text)")
            }
        }
    }
}
