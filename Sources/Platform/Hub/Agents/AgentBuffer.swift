import Compression
import Documents
import FoundationEssentials
import Store

/// What an agent has found and the hub may not have: batches on disk, and digests of everything up to them.
///
/// Batches are numbered within a stream. When too many gather, or the two sides no longer agree on where they are,
/// another stream begins: then digests by namespace say what is different, and only that is sent.
actor AgentBuffer {
    struct Limits: Sendable {
        var bytes = 256 << 20
        var age = 24 * 3_600_000
        /// Rows of one batch.
        var rows = 5000
        /// Acknowledged batches beyond this are folded into the digests.
        var folding = 4 << 20
    }

    private let cluster: String
    private let folder: String
    private let limits: Limits
    private var log: BatchLog
    private(set) var stream: String
    /// The batch that the digests on disk stand for.
    private var base: Int
    private var hasDigests: Bool
    private(set) var acknowledged: Int
    /// Batches that were dropped.
    private(set) var lost: Int
    /// Something was added.
    nonisolated let news = Hint()

    init(cluster: String, folder: String, limits: Limits = Limits()) throws {
        self.cluster = cluster
        self.folder = folder
        self.limits = limits
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        var log = try BatchLog("\(folder)/batches.log")
        let kept = try Self.kept(folder, of: cluster)
        let base = kept?.number ?? 0
        // Batches of another time: without their digests they say nothing.
        if kept == nil || log.records.first.map({ $0.number > base + 1 }) ?? false { try log.clear() }
        stream = kept?.stream ?? Self.newStream()
        lost = kept?.lost ?? 0
        acknowledged = base
        hasDigests = kept != nil
        self.base = base
        self.log = log
    }

    private static func newStream() -> String { Base64URL.encode(SecretText.bytes(12)) }

    private var last: Int { max(base, log.records.last?.number ?? base) }

    /// Batches that the hub has not acknowledged.
    var waiting: Int { last - acknowledged }

    var number: Int { last }

    // MARK: Digests on disk

    private struct Kept {
        var stream: String
        var number: Int
        var lost: Int
        var digests: PostureDigests
    }

    private static func kept(_ folder: String, of cluster: String) throws -> Kept? {
        guard let bytes = try DurableFile.read("\(folder)/digests.zst"), !bytes.isEmpty else { return nil }
        let node = try DocumentReader.readJSON(
            SourceText(name: "", bytes: try Zstandard.decompressed(bytes, limit: 1 << 30)))
        guard node["cluster"].equals(cluster), let stream = node["stream"].string, let number = node["number"].int
        else { return nil }
        return Kept(
            stream: stream, number: number, lost: node["lost"].int ?? 0,
            digests: try PostureDigests(node["namespaces"]))
    }

    private func keep(_ digests: PostureDigests, stream: String, number: Int, lost: Int) throws {
        var json = JSONWriter()
        json.object { json in
            json.member("cluster", cluster)
            json.member("stream", stream)
            json.member("number", number)
            json.member("lost", lost)
            json.member("namespaces", object: digests.write)
        }
        try DurableFile.replace("\(folder)/digests.zst", with: try Zstandard.compressed(json.bytes))
        self.stream = stream
        self.lost = lost
        base = number
        hasDigests = true
        try log.clear()
    }

    /// What the hub knows once it has taken everything.
    func digests() throws -> PostureDigests {
        var out = try Self.kept(folder, of: cluster)?.digests ?? PostureDigests()
        for record in log.records where record.number > base {
            out.apply(try BatchCoding.batch(log.read(record), of: cluster))
        }
        return out
    }

    // MARK: Adding

    /// Keeps a batch on disk; the sender hears of it.
    func add(_ batch: PostureBatch) throws {
        let parts = try batch.parts(of: limits.rows).map { try BatchCoding.bytes($0) }
        let oldest = log.records.first { $0.number > acknowledged }?.at ?? batch.at
        if batch.at - oldest > limits.age || log.size > limits.bytes { try startAgain() }
        // The stream's name must be there before its first batch.
        if !hasDigests { try keep(PostureDigests(), stream: stream, number: 0, lost: lost) }
        try log.append(parts, from: last + 1, at: batch.at)
        news.tell()
    }

    /// Drops what was never sent; the hub is told the outcome when it is back, not the way there.
    private func startAgain() throws {
        let dropped = log.records.count { $0.number > acknowledged }
        // Numbers go on, so that batches a crash left behind are never taken for those of the new stream.
        let last = last
        try keep(try digests(), stream: Self.newStream(), number: last, lost: lost + dropped)
        acknowledged = last
    }

    // MARK: Sending

    /// The first batch that was not acknowledged.
    func next() throws -> (number: Int, bytes: [UInt8])? {
        guard let record = log.records.first(where: { $0.number > acknowledged }) else { return nil }
        return (record.number, try log.read(record))
    }

    func acknowledge(_ number: Int) throws {
        acknowledged = max(acknowledged, min(number, last))
        guard acknowledged == last, log.size > limits.folding else { return }
        try keep(try digests(), stream: stream, number: last, lost: lost)
    }

    /// Whether what the hub has of a stream is a point this buffer can go on from; takes it as acknowledged if so.
    func goesOn(from serial: Int, of stream: String) -> Bool {
        guard stream == self.stream, base...last ~= serial else { return false }
        acknowledged = serial
        return true
    }

    /// Another stream, beginning with what the hub has.
    func begin(_ stream: String, at number: Int, with digests: PostureDigests) throws {
        try keep(digests, stream: stream, number: number, lost: lost)
        acknowledged = number
    }

    /// Names another stream, and the number it goes on from.
    func fresh() -> (stream: String, number: Int) { (Self.newStream(), last) }

    /// Some namespaces are not what was thought; nil when batches have come meanwhile and the comparison is old.
    func correct(_ other: PostureDigests, at number: Int) throws -> Bool {
        guard number == last, acknowledged == last else { return false }
        var digests = try digests()
        for (namespace, part) in other.parts { digests.parts[namespace] = part }
        try keep(digests, stream: stream, number: last, lost: lost)
        return true
    }

    /// The number of dropped batches has been told.
    func forgetLost(_ count: Int) { lost = max(0, lost - count) }
}
