import Foundation
import Kubernetes
import Testing

@testable import NodeInspection

@Suite("Patterns of paths") struct PatternTests {
    @Test(arguments: [
        ("a.crt", "*.crt", true), ("a.crt.bak", "*.crt", false), ("x", "*", true),
        ("master-vol-1", "master-vol-*", true), ("ab", "a*b", true), ("a", "a*a", false), ("axxbyyc", "a*b*c", true),
        ("axxc", "a*b*c", false),
    ])
    func match(_ name: String, _ pattern: String, _ wanted: Bool) {
        #expect(NodeInspector.matches(name, pattern) == wanted)
    }
}

@Suite("A look at a node") struct NodeInspectorTests {
    /// A folder that is a node's `/`, removed with the value.
    final class Tree {
        let folder: URL

        init(_ files: [String: String]) throws {
            folder = FileManager.default.temporaryDirectory.appendingPathComponent("node-\(UUID().uuidString)")
            for (path, text) in files {
                let url = folder.appendingPathComponent(path)
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(text.utf8).write(to: url)
            }
        }

        deinit {
            // A folder that is left behind in the temporary directory harms nobody.
            _ = try? FileManager.default.removeItem(at: folder)
        }

        func mode(_ path: String, _ mode: Int) throws {
            try FileManager.default.setAttributes(
                [.posixPermissions: mode], ofItemAtPath: folder.appendingPathComponent(path).path)
        }

        func link(_ path: String, to target: String) throws {
            try FileManager.default.createSymbolicLink(
                atPath: folder.appendingPathComponent(path).path, withDestinationPath: target)
        }

        func capture(_ requests: [NodeCapture.Request]) -> NodeCapture {
            NodeInspector(root: folder.path, name: "n").capture { _ in requests }
        }
    }

    @Test func seesModesAndContent() throws {
        let tree = try Tree(["etc/kubernetes/a.conf": "hello", "proc/1/cmdline": "init\0"])
        try tree.mode("etc/kubernetes/a.conf", 0o640)
        let capture = tree.capture([
            .init("/etc/kubernetes/a.conf", wantsContent: true), .init("/etc/kubernetes/b.conf"),
        ])
        #expect(capture["/etc/kubernetes/a.conf"]?.mode == 0o640)
        #expect(capture["/etc/kubernetes/a.conf"]?.content.map { String(decoding: $0.bytes, as: UTF8.self) } == "hello")
        #expect(capture["/etc/kubernetes/b.conf"]?.kind == .absent)
        #expect(capture["/etc/other"] == nil)
    }

    @Test func patternsGoDownFolders() throws {
        let tree = try Tree(["pki/a.crt": "", "pki/etcd/b.crt": "", "pki/etcd/c.key": "", "proc/1/cmdline": "init\0"])
        let capture = tree.capture([.init("/pki/**.crt"), .init("/pki/*"), .init("/none/*")])
        #expect(capture.paths("/pki/**.crt") == ["/pki/a.crt", "/pki/etcd/b.crt"])
        #expect(capture.paths("/pki/*") == ["/pki/a.crt", "/pki/etcd"])
        #expect(capture.paths("/none/*") == [])
    }

    @Test func linksStayBelowTheRoot() throws {
        let tree = try Tree(["real/secret": "inside", "etc/x": "", "proc/1/cmdline": "init\0"])
        try tree.link("etc/absolute", to: "/real/secret")
        try tree.link("etc/up", to: "../../../../../../../../real/secret")
        try tree.link("etc/loop", to: "loop")
        try tree.link("etc/out", to: "/etc/hostname-of-this-machine")
        let paths = ["/etc/absolute", "/etc/up", "/etc/loop", "/etc/out"]
        let capture = tree.capture(paths.map { .init($0, wantsContent: true) })
        for path in paths.prefix(2) {
            #expect(capture[path]?.content.map { String(decoding: $0.bytes, as: UTF8.self) } == "inside", "\(path)")
        }
        #expect(capture["/etc/loop"]?.kind == .unreadable)
        #expect(capture["/etc/out"]?.kind == .absent)
    }

    @Test func keysNeverLeaveTheNode() throws {
        let tree = try Tree([
            "e.yaml": """
            apiVersion: apiserver.config.k8s.io/v1
            kind: EncryptionConfiguration
            resources:
            - resources: [secrets]
              providers:
              - secretbox: {keys: [{name: a, secret: U0VDUkVU}]}
            """, "k.pem": "-----BEGIN PRIVATE KEY-----\nU0VDUkVU\n-----END PRIVATE KEY-----\n",
            "c.conf": "{kind: Config, apiVersion: v1, users: [{name: a, user: {token: U0VDUkVU}}]}",
            "proc/1/cmdline": "init\0",
            "proc/7/cmdline": "etcd\0--name=a\0", "proc/7/environ": "ETCD_CERT_FILE=/c\0AWS_SECRET=U0VDUkVU\0",
        ])
        let capture = tree.capture(["/e.yaml", "/k.pem", "/c.conf"].map { .init($0, wantsContent: true) })
        #expect(!capture.json().contains("U0VDUkVU"))
        #expect(capture.processes.first?.environment == ["ETCD_CERT_FILE": "/c"])
        let source = try #require(capture["/e.yaml"]?.content)
        #expect(EncryptionConfiguration(source)?.writeProvider(resource: "secrets").name == "secretbox")
        #expect(EncryptionConfiguration(source)?.loads() == true)
    }

    @Test func namesComeFromTheNodesOwnFiles() throws {
        let tree = try Tree(["etc/passwd": "admin:x:\(getuid()):0::/:/bin/sh\n", "x": "", "proc/1/cmdline": "init\0"])
        #expect(tree.capture([.init("/x")])["/x"]?.owner == "admin")
    }

    @Test func processesThatAreHiddenAreSaidSo() throws {
        let none = try Tree(["etc/kubernetes/x": ""])
        #expect(none.capture([]).processProblem != nil)
        let hidden = try Tree(["proc/77/cmdline": "nginx\0"])
        #expect(hidden.capture([]).processProblem?.contains("hostPID") == true)
        let seen = try Tree(["proc/1/cmdline": "systemd\0", "proc/77/cmdline": "/usr/bin/kubelet\0--v=2\0"])
        #expect(seen.capture([]).processProblem == nil)
        #expect(seen.capture([]).processes.map(\.arguments) == [["/usr/bin/kubelet", "--v=2"]])
    }

    @Test func largeFilesAreNotRead() throws {
        let tree = try Tree(["big": String(repeating: "a", count: 5 << 20), "proc/1/cmdline": "init\0"])
        let file = tree.capture([.init("/big", wantsContent: true)])["/big"]
        #expect(file?.content == nil)
        #expect(file?.problem == "larger than 4 MiB")
    }

    @Test(
        "what opens something stays out of captured command lines",
        arguments: [
            (["k3s", "server", "--token=abc", "--v=2"], ["k3s", "server", "--token=REDACTED", "--v=2"]),
            (["k3s", "server", "--token", "abc", "--v=2"], ["k3s", "server", "--token", "REDACTED", "--v=2"]),
            (["k3s", "agent", "-t", "abc"], ["k3s", "agent", "-t", "REDACTED"]),
            (["k3s", "server", "--agent-token=abc"], ["k3s", "server", "--agent-token=REDACTED"]),
            (["k3s", "--datastore-endpoint=mysql://u:p@tcp(h)/d"], ["k3s", "--datastore-endpoint=REDACTED"]),
            (["etcd", "--discovery=https://u:p@h/x"], ["etcd", "--discovery=https:REDACTED@h/x"]),
            (["k3s", "--token", "--v=2"], ["k3s", "--token", "--v=2"]),
            (
                ["kube-apiserver", "--etcd-servers=https://127.0.0.1:2379", "--enable-bootstrap-token-auth=true"],
                ["kube-apiserver", "--etcd-servers=https://127.0.0.1:2379", "--enable-bootstrap-token-auth=true"]
            ),
        ])
    func withoutSecrets(_ arguments: [String], _ wanted: [String]) {
        let found = NodeInspector.withoutSecrets(arguments)
        #expect(found.joined(separator: " ").contains("abc") == false)
        #expect(found.joined(separator: " ").contains(":p@") == false)
        #expect(found.count == wanted.count)
        if !arguments.contains(where: { $0.contains("u:p") }) { #expect(found == wanted) }
    }

    @Test func aSwitchNamedAfterASecretIsNone() throws {
        let tree = try Tree([
            "config.yaml": "secrets-encryption: true\ntoken: geheim\nagent-token: [geheim]\n",
            "proc/1/cmdline": "init\0",
        ])
        let source = try #require(tree.capture([.init("/config.yaml", wantsContent: true)])["/config.yaml"]?.content)
        let text = String(decoding: source.bytes, as: UTF8.self)
        #expect(text.contains("secrets-encryption: true"))
        #expect(!text.contains("geheim"))
    }

    @Test func linksToFoldersAboveEndAPattern() throws {
        let tree = try Tree(["pki/a.crt": "", "pki/sub/b.crt": "", "proc/1/cmdline": "init\0"])
        try tree.link("pki/one", to: ".")
        try tree.link("pki/two", to: "..")
        try tree.link("pki/sub/three", to: "../..")
        let capture = tree.capture([.init("/pki/**.crt")])
        #expect(capture.paths("/pki/**.crt") == ["/pki/a.crt", "/pki/sub/b.crt"])
    }

    /// A file system is asked for whatever a pattern says; no pattern leads out of the tree or goes on for ever.
    @Test(arguments: 0..<20)
    func anyPatternIsLookedFor(_ seed: Int) throws {
        let tree = try Tree(["a/b/c.conf": "x", "a/d.conf": "y", "proc/1/cmdline": "init\0"])
        try tree.link("a/up", to: "../../../..")
        var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
        func next(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        let pieces = ["/", "a", "b", "*", "**", ".", "..", "c.conf", "up", "\u{0}", "é", "//"]
        for _ in 0..<30 {
            let pattern = "/" + (0..<(1 + next(6))).map { _ in pieces[next(pieces.count)] }.joined()
            let capture = tree.capture([.init(pattern, wantsContent: true)])
            let known = Set(
                capture.files.values.compactMap(\.content).map { String(decoding: $0.bytes, as: UTF8.self) })
            #expect(known.isSubset(of: ["x", "y", "init\0"]), "\(pattern)")
        }
    }
}
