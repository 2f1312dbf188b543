import Compression
import Documents
import Findings
import Store

/// A batch as it travels and lies on an agent's disk: JSON in a Zstandard frame.
enum BatchCoding {
    /// Largest batch after unpacking; a batch of `AgentBuffer.mostRows` rows is far below.
    static let largest = 64 << 20

    struct Fault: Error, CustomStringConvertible {
        var description: String
    }

    static func bytes(_ batch: PostureBatch) throws -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("at", batch.at)
            json.member("present", array: { json in for row in batch.present { json.object { $0.batch(row) } } })
            json.member("gone", batch.gone)
            json.member("objects", array: { json in for row in batch.objects { json.object { $0.batch(row) } } })
            json.member("goneObjects", array: { json in for key in batch.goneObjects { json.value(key) } })
            if let images = batch.images {
                json.member(
                    "images",
                    array: { json in
                        for image in images {
                            json.object { json in
                                json.member("image", image.image)
                                json.member("digest", image.digest)
                                json.member("workloads", image.workloads)
                                json.member("seenAt", image.seenAt)
                            }
                        }
                    })
            }
            if let end = batch.end { json.member("end", object: { $0.batch(end) }) }
        }
        return try Zstandard.compressed(json.bytes)
    }

    /// Reads a batch of a cluster; whatever it says of another cluster counts for this one.
    static func batch(_ bytes: [UInt8], of cluster: String) throws -> PostureBatch {
        let node = try DocumentReader.readJSON(
            SourceText(name: "", bytes: try Zstandard.decompressed(bytes, limit: largest)))
        guard let at = node["at"].int else { throw Fault(description: "a batch needs its time") }
        var batch = PostureBatch(at: at)
        batch.present = try node["present"].elements.map { try finding($0, cluster) }
        batch.gone = node["gone"].strings
        batch.objects = try node["objects"].elements.map { try object($0, cluster) }
        batch.goneObjects = try node["goneObjects"].elements.map(key)
        if node["images"].exists {
            batch.images = node["images"].elements.map { image in
                ImageRow(
                    cluster: cluster, image: image["image"].string ?? "", digest: image["digest"].string ?? "",
                    workloads: image["workloads"].int ?? 0, seenAt: image["seenAt"].int ?? at)
            }
        }
        if node["end"].exists { batch.end = end(node["end"]) }
        return batch
    }

    private static func finding(_ node: Node, _ cluster: String) throws -> FindingRow {
        guard let fingerprint = node["fingerprint"].string, !fingerprint.isEmpty, fingerprint.utf8.count <= 128,
            let rule = node["rule"].string, let severity = node["severity"].string.flatMap(Severity.init),
            let status = node["status"].string.flatMap(FindingStatus.init), status != .fixed
        else { throw Fault(description: "a finding needs fingerprint, rule, severity and status") }
        let evidence = node["evidence"].string ?? "[]"
        // Answers of the API hold it as it is.
        guard try DocumentReader.readJSON(SourceText(name: "", bytes: Array(evidence.utf8))).isArray else {
            throw Fault(description: "evidence is a list")
        }
        return FindingRow(
            cluster: cluster, fingerprint: fingerprint, rule: rule, severity: severity, status: status,
            group: node["group"].string ?? "", kind: node["kind"].string ?? "",
            namespace: node["namespace"].string ?? "", name: node["name"].string ?? "",
            file: node["file"].string ?? "", isSystem: node["system"].bool ?? false,
            title: node["title"].string ?? rule, message: node["message"].string ?? "", evidence: evidence,
            origin: node["origin"].string ?? "", waiver: node["waiver"].string,
            objectVersion: node["objectVersion"].string ?? "")
    }

    private static func object(_ node: Node, _ cluster: String) throws -> ObjectRow {
        let key = try key(node["key"])
        return ObjectRow(
            cluster: cluster, group: key.group, kind: key.kind, namespace: key.namespace, name: key.name,
            file: key.file, runsPods: node["runsPods"].bool ?? false, isSystem: node["system"].bool ?? false,
            labels: node["labels"].strings, images: node["images"].strings,
            serviceAccount: node["serviceAccount"].string ?? "", origin: node["origin"].string ?? "",
            objectVersion: node["objectVersion"].string ?? "", worst: node["worst"].string.flatMap(Severity.init),
            failing: node["failing"].int ?? 0, seenAt: node["seenAt"].int ?? 0)
    }

    static func key(_ node: Node) throws -> ObjectRow.Key {
        let parts = node.strings
        guard parts.count == 5 else { throw Fault(description: "an object is named by five texts") }
        return ObjectRow.Key(namespace: parts[0], kind: parts[1], name: parts[2], group: parts[3], file: parts[4])
    }

    private static func end(_ node: Node) -> PostureBatch.End {
        func count(_ name: String) -> Int { max(0, node[name].int ?? 0) }
        return PostureBatch.End(
            counts: ClusterRow.Counts(
                objects: count("objects"), workloads: count("workloads"), passed: count("passed"),
                failed: count("failed"), waived: count("waived"), unobservable: count("unobservable")),
            score: node["score"].double, eventAt: node["eventAt"].int, lag: node["lag"].int)
    }
}

extension JSONWriter {
    fileprivate mutating func batch(_ row: FindingRow) {
        member("fingerprint", row.fingerprint)
        member("rule", row.rule)
        member("severity", row.severity.rawValue)
        member("status", row.status.word)
        if !row.group.isEmpty { member("group", row.group) }
        member("kind", row.kind)
        if !row.namespace.isEmpty { member("namespace", row.namespace) }
        member("name", row.name)
        if !row.file.isEmpty { member("file", row.file) }
        if row.isSystem { member("system", true) }
        member("title", row.title)
        member("message", row.message)
        member("evidence", row.evidence)
        if !row.origin.isEmpty { member("origin", row.origin) }
        if let waiver = row.waiver { member("waiver", waiver) }
        if !row.objectVersion.isEmpty { member("objectVersion", row.objectVersion) }
    }

    fileprivate mutating func batch(_ row: ObjectRow) {
        key("key")
        value(row.key)
        if row.runsPods { member("runsPods", true) }
        if row.isSystem { member("system", true) }
        member("labels", row.labels)
        member("images", row.images)
        if !row.serviceAccount.isEmpty { member("serviceAccount", row.serviceAccount) }
        if !row.origin.isEmpty { member("origin", row.origin) }
        member("objectVersion", row.objectVersion)
        if let worst = row.worst { member("worst", worst.rawValue) }
        member("failing", row.failing)
        member("seenAt", row.seenAt)
    }

    mutating func value(_ key: ObjectRow.Key) {
        array { json in for part in [key.namespace, key.kind, key.name, key.group, key.file] { json.value(part) } }
    }

    fileprivate mutating func batch(_ end: PostureBatch.End) {
        member("objects", end.counts.objects)
        member("workloads", end.counts.workloads)
        member("passed", end.counts.passed)
        member("failed", end.counts.failed)
        member("waived", end.counts.waived)
        member("unobservable", end.counts.unobservable)
        if let score = end.score {
            key("score")
            value(score, digits: 6)
        }
        if let time = end.eventAt { member("eventAt", time) }
        if let lag = end.lag { member("lag", lag) }
    }
}
