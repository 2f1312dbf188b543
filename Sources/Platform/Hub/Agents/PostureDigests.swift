import Crypto
import Documents
import Store

/// What is known of a cluster, namespace by namespace, as agent and hub compare it: two sides that say the same of a
/// namespace need not send it.
struct PostureDigests: Sendable, Hashable {
    struct Part: Sendable, Hashable {
        /// Digests of findings by fingerprint, of owners by key.
        var findings: [String: String] = [:]
        var objects: [ObjectRow.Key: String] = [:]

        /// Of everything in it.
        var digest: String {
            var lines = findings.map { "f\n\($0.key)\n\($0.value)" }
            lines += objects.map { "o\n\($0.key.kind)\n\($0.key.name)\n\($0.key.group)\n\($0.key.file)\n\($0.value)" }
            lines.sort()
            var hash = SHA256()
            for line in lines { hash.update(data: Array("\(line)\n\n".utf8)) }
            return Base64URL.encode(Array(hash.finalize().prefix(16)))
        }
    }

    /// By namespace; empty for what has none.
    var parts: [String: Part] = [:]

    var digests: [String: String] { parts.filter { $0.value != Part() }.mapValues(\.digest) }

    /// Of the whole, for a worker to begin with.
    var known: KnownPosture {
        var out = KnownPosture()
        for part in parts.values {
            out.findings.merge(part.findings) { $1 }
            out.objects.merge(part.objects) { $1 }
        }
        return out
    }

    /// As it is after a batch.
    mutating func apply(_ batch: PostureBatch) {
        for fingerprint in batch.gone { remove(fingerprint) }
        for row in batch.present {
            // An owner's namespace is part of its findings' fingerprints; it never changes.
            parts[row.namespace, default: Part()].findings[row.fingerprint] = row.digest
        }
        for key in batch.goneObjects { parts[key.namespace]?.objects[key] = nil }
        for row in batch.objects { parts[row.namespace, default: Part()].objects[row.key] = row.digest }
    }

    private mutating func remove(_ fingerprint: String) {
        for (namespace, part) in parts where part.findings[fingerprint] != nil {
            parts[namespace]?.findings[fingerprint] = nil
        }
    }

    // MARK: JSON

    func write(_ json: inout JSONWriter) {
        for (namespace, part) in parts.sorted(by: { $0.key < $1.key }) {
            json.member(
                namespace,
                object: { json in
                    json.member(
                        "findings",
                        object: { json in
                            for (key, digest) in part.findings.sorted(by: { $0.key < $1.key }) {
                                json.member(key, digest)
                            }
                        })
                    json.member(
                        "objects",
                        array: { json in
                            for (key, digest) in part.objects.sorted(by: { $0.value < $1.value }) {
                                json.array([key.namespace, key.kind, key.name, key.group, key.file, digest])
                            }
                        })
                })
        }
    }

    init() {}

    init(_ node: Node) throws {
        for member in node.members {
            var part = Part()
            for entry in member.value["findings"].members { part.findings[entry.key] = entry.value.string ?? "" }
            for entry in member.value["objects"].elements {
                let texts = entry.strings
                guard texts.count == 6 else { throw BatchCoding.Fault(description: "an owner has six texts here") }
                let key = ObjectRow.Key(
                    namespace: texts[0], kind: texts[1], name: texts[2], group: texts[3], file: texts[4])
                part.objects[key] = texts[5]
            }
            parts[member.key] = part
        }
    }
}

extension SQLConnection {
    /// What the store has of a cluster, as agents compare it.
    func postureDigests(of cluster: String) throws -> PostureDigests {
        var out = PostureDigests()
        let sql = "SELECT namespace, fingerprint, digest FROM findings WHERE cluster = ? AND status <> ? AND source = ?"
        for row in try rows(sql, [.text(cluster), .int(FindingStatus.fixed.rawValue), "martlet"]) {
            out.parts[try row.text(0), default: .init()].findings[try row.text(1)] = try row.text(2)
        }
        for (key, digest) in try objectDigests(of: cluster) {
            out.parts[key.namespace, default: .init()].objects[key] = digest
        }
        return out
    }
}
