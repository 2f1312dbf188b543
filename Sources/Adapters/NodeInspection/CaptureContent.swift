import Documents
import Kubernetes

/// What of a file may leave the node.
enum CaptureContent {
    /// The file with the keys of an EncryptionConfiguration taken out, and the secrets of kubeconfigs; the rest as it is.
    static func cleaned(_ source: SourceText) -> SourceText {
        let text = String(decoding: source.bytes, as: UTF8.self)
        guard
            text.contains("secret") || text.contains("token") || text.contains("key-data")
                || text.contains("PRIVATE KEY")
        else { return source }
        if text.contains("PRIVATE KEY") {
            return SourceText(name: source.name, bytes: Array("# a private key stood here and was not read\n".utf8))
        }
        var ranges: [Range<Int>] = []
        for document in DocumentReader.read(source).documents {
            let root = document.root
            if EncryptionConfiguration.isOne(root) {
                for entry in root["resources"].elements {
                    for provider in entry["providers"].elements {
                        for member in provider.members {
                            for key in member.value["keys"].elements { add(key["secret"], &ranges) }
                        }
                    }
                }
            } else if root["kind"].equals("Config") {
                for user in root["users"].elements {
                    for field in ["token", "password", "client-key-data"] { add(user["user"][field], &ranges) }
                }
            } else if root["kind"].isNull {
                // A flat file such as k3s's: whatever is called after a secret is one, but for "secrets-encryption: true".
                for member in root.members where words.contains(where: member.key.contains) {
                    if let text = member.value.text, text == "true" || text == "false" { continue }
                    add(member.value, &ranges)
                }
            }
        }
        guard !ranges.isEmpty else { return source }
        var bytes = source.bytes
        for range in ranges.sorted(by: { $0.lowerBound > $1.lowerBound }) {
            bytes.replaceSubrange(range, with: Array("REDACTED".utf8))
        }
        return SourceText(name: source.name, bytes: bytes)
    }

    private static let words = ["token", "secret", "password", "datastore-endpoint", "access-key"]

    private static func add(_ node: Node, _ ranges: inout [Range<Int>]) {
        guard node.exists, let range = node.sourceRange, !ranges.contains(where: { $0.overlaps(range) }) else { return }
        ranges.append(range)
    }
}
