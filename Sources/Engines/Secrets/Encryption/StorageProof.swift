/// How Secrets lie in etcd, shown by the API server's own counters.
///
/// An API server that is asked for one object reads it from etcd and undoes its encryption, and counts that under the
/// prefix the stored bytes begin with. So a metadata-only read of a Secret between two readings of the counters tells
/// which provider and key its stored bytes need, and nobody sees its value.
///
/// Shown is: at that moment the stored bytes began with this prefix, and the server could undo it. Not shown is: that
/// the key is good or kept apart, what older revisions in etcd and its snapshots and backups hold, and what other API
/// servers with another configuration write.
package struct StorageProof: Sendable {
    /// What the counters of one server said at one moment.
    package struct Counters: Sendable, Equatable {
        /// Successful reads from storage by prefix: `k8s:enc:secretbox:v1:key1:`, `identity`.
        package var reads: [String: Double]
        /// Tells servers behind one address apart: the moment the process began.
        package var process: String
        /// Whether the server counts at all.
        package var isCounting: Bool

        package init(reads: [String: Double], process: String, isCounting: Bool) {
            self.reads = reads
            self.process = process
            self.isCounting = isCounting
        }

        /// Reads the text format of Prometheus.
        package init(metrics: [UInt8]) {
            var reads: [String: Double] = [:]
            var process = ""
            var isCounting = false
            for line in metrics.split(separator: 0x0A) {
                if line.starts(with: "process_start_time_seconds ".utf8) {
                    process = String(decoding: line.dropFirst(27), as: UTF8.self)
                    continue
                }
                guard line.starts(with: Self.metric.utf8) else { continue }
                guard let sample = Sample(String(decoding: line.dropFirst(Self.metric.utf8.count), as: UTF8.self))
                else { continue }
                isCounting = true
                // Newer servers tell the resource too; older count all resources together.
                let resource = sample.labels["resource"]
                guard sample.labels["transformation_type"] == "from_storage", sample.labels["status"] ?? "OK" == "OK",
                    resource == nil || resource == "secrets", let prefix = sample.labels["transformer_prefix"]
                else { continue }
                reads[prefix, default: 0] += sample.value
            }
            self.init(reads: reads, process: process, isCounting: isCounting)
        }

        private static let metric = "apiserver_storage_transformation_operations_total{"
    }

    /// One line of the text format, from behind the opening brace.
    private struct Sample {
        var labels: [String: String] = [:]
        var value = 0.0

        init?(_ text: String) {
            var rest = text[...]
            while let equals = rest.firstIndex(of: "=") {
                let name = String(rest[..<equals]).trimming(",")
                rest = rest[rest.index(after: equals)...]
                guard rest.first == "\"" else { return nil }
                rest.removeFirst()
                var content = ""
                while let character = rest.popFirst(), character != "\"" {
                    guard character == "\\" else {
                        content.append(character)
                        continue
                    }
                    let escaped = rest.popFirst()
                    content.append(escaped == "n" ? "\n" : escaped ?? "\\")
                }
                labels[name] = content
                if rest.first == "}" { break }
            }
            guard rest.first == "}" else { return nil }
            let words = rest.dropFirst().split(separator: " ")
            guard let first = words.first, let number = Double(String(first)) else { return nil }
            value = number
        }
    }

    /// What was shown of a group of Secrets.
    package enum Verdict: Sendable, Hashable {
        /// Every one of them was stored under this prefix, and undone by the local key of this name; nil for KMS, and
        /// where other readers blur which key it was.
        case encrypted(prefix: String, key: String?)
        /// Every one of them was stored as plaintext, while the server knows keys.
        case plaintext
        /// The server undoes no encryption at all for them: none is configured.
        case notTransformed
        /// Several prefixes rose: read fewer at once.
        case mixed
        /// Nothing can be said, and why.
        case unclear(String)
    }

    /// What reading `count` Secrets, `times` times each, between two readings of the counters shows.
    ///
    /// Other clients read Secrets too, so other prefixes may rise by a little; one that rises by all that was read,
    /// and no other by as much as one Secret's part, is ours.
    package static func verdict(_ before: Counters, _ after: Counters, count: Int, times: Int) -> Verdict {
        guard before.process == after.process else {
            return .unclear("the counters came from different API servers behind one address")
        }
        let wanted = Double(count * times)
        var providers: [(prefix: String, by: Double)] = []
        var keys: [(prefix: String, by: Double)] = []
        for (prefix, value) in after.reads.sorted(by: { $0.key < $1.key }) {
            let by = value - (before.reads[prefix] ?? 0)
            // Below the prefix of a provider the server counts the local key, as `key1:`.
            guard by > 0 else { continue }
            if prefix == "identity" || prefix.hasPrefix("k8s:enc:") {
                providers.append((prefix, by))
            } else {
                keys.append((prefix, by))
            }
        }
        let own = providers.filter { $0.by >= Double(times) }
        if own.isEmpty {
            return providers.isEmpty || !after.isCounting
                ? .notTransformed : .unclear("the counters rose less than Secrets were read")
        }
        guard own.count == 1, let only = own.first else {
            return count > 1 ? .mixed : .unclear("other clients read Secrets at the same time")
        }
        guard only.by >= wanted else {
            return count > 1 ? .mixed : .unclear("the counters rose less than the Secret was read")
        }
        if only.prefix == "identity" { return .plaintext }
        let ownKeys = keys.filter { $0.by >= Double(times) }
        if ownKeys.count > 1 || ownKeys.contains(where: { $0.by < wanted }), count > 1 { return .mixed }
        let key = ownKeys.count == 1 ? ownKeys[0].prefix : nil
        return .encrypted(prefix: only.prefix, key: key.map { $0.hasSuffix(":") ? String($0.dropLast()) : $0 })
    }

    /// What a prefix means: `k8s:enc:kms:v2:name:` is `kmsv2` with the plugin `name`, `k8s:enc:secretbox:v1:` is
    /// `secretbox`.
    package static func provider(of prefix: String) -> (algorithm: String, plugin: String?) {
        let parts = prefix.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.count >= 4, parts[0] == "k8s", parts[1] == "enc" else { return (prefix, nil) }
        return parts[2] == "kms" ? ("kms\(parts[3])", parts.count > 4 ? parts[4] : nil) : (parts[2], nil)
    }
}

extension String {
    fileprivate func trimming(_ mark: Character) -> String {
        var text = self[...]
        while text.first == mark || text.first == " " { text.removeFirst() }
        return String(text)
    }
}

extension StorageProof.Verdict {
    /// State in one word, and how that is known.
    package var words: (state: String, how: String) {
        switch self {
        case .encrypted(let prefix, let key):
            let (algorithm, plugin) = StorageProof.provider(of: prefix)
            let by = [plugin.map { "plugin \($0)" }, key.map { "key \($0)" }].compactMap(\.self).joined(separator: ", ")
            return ("encrypted", by.isEmpty ? "stored by \(algorithm)" : "stored by \(algorithm) with \(by)")
        case .plaintext: return ("plaintext", "stored by identity, although the API server knows keys: rewrite it")
        case .notTransformed: return ("plaintext", "the API server undoes no encryption for it: none is configured")
        case .mixed: return ("unclear", "several prefixes rose together")
        case .unclear(let why): return ("unclear", why)
        }
    }
}
