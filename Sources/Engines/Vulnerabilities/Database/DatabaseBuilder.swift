import Documents

/// Puts feeds together to one database file.
package struct DatabaseBuilder: Sendable {
    /// One feed, built or taken from an older file.
    package struct Part: Sendable {
        package var description: FeedDescription
        package var advisories: Int
        package var affected: Int
        package var facts: Int
        package var ecosystems: [EcosystemKey]
        package var bytes: [UInt8]
    }

    private var parts: [Part] = []

    package init() {}

    /// Everything of another database but the feeds named, for an update of those.
    package init(keepingFrom database: AdvisoryDatabase, except replaced: Set<String>) {
        for feed in database.feeds where !replaced.contains(feed.description.name) {
            parts.append(
                Part(
                    description: feed.description, advisories: feed.advisories, affected: feed.affected,
                    facts: feed.facts, ecosystems: feed.ecosystems, bytes: database.bytes(of: feed)))
        }
    }

    package mutating func add(_ part: Part) { parts.append(part) }

    /// The file, unsigned; `digest` is SHA-256 in hexadecimal digits, which is no business of an engine.
    package func finish(built: CivilDate?, digest: ([UInt8]) -> String) -> [UInt8] {
        let sorted = parts.sorted { $0.description.name < $1.description.name }
        // The head says where the segments lie, which depends on its own length: offsets are padded to a fixed width.
        let digests = sorted.map { digest($0.bytes) }
        var head = writeHead(sorted, built, offsets: sorted.map { _ in 0 }, digests)
        let length = head.count
        var offset = (16 + length + AdvisoryDatabase.signatureSize + 7) / 8 * 8
        var offsets: [Int] = []
        for part in sorted {
            offsets.append(offset)
            offset += (part.bytes.count + 7) / 8 * 8
        }
        head = writeHead(sorted, built, offsets: offsets, digests)
        var out = AdvisoryDatabase.magic
        out.reserveCapacity(offset)
        for shift in stride(from: 0, to: 64, by: 8) { out.append(UInt8(truncatingIfNeeded: length >> shift)) }
        out += head
        out += Array(repeating: 0, count: AdvisoryDatabase.signatureSize)
        for part in sorted {
            while out.count % 8 != 0 { out.append(0) }
            out += part.bytes
        }
        while out.count % 8 != 0 { out.append(0) }
        return out
    }

    /// Writes a signature into a finished file.
    package static func sign(_ file: inout [UInt8], key: [UInt8], signature: [UInt8]) throws(DatabaseError) {
        let database = try AdvisoryDatabase(StoredBytes(file))
        let start = 16 + database.head.count
        guard key.count == 32, signature.count == 64 else {
            throw DatabaseError(code: .badSignature, message: "an Ed25519 key has 32 bytes and a signature 64")
        }
        file.replaceSubrange(start..<start + 96, with: key + signature)
    }

    private func writeHead(
        _ parts: [Part], _ built: CivilDate?, offsets: [Int], _ digests: [String]
    ) -> [UInt8] {
        var writer = JSONWriter(compact: true)
        writer.object { writer in
            writer.member("version", 1)
            if let built { writer.member("built", built.text) }
            writer.member(
                "feeds",
                array: { writer in
                    for (index, part) in parts.enumerated() {
                        writer.object { writer in
                            writer.member("name", part.description.name)
                            writer.member("title", part.description.title)
                            writer.member("source", part.description.source)
                            if let date = part.description.date { writer.member("date", date.text) }
                            writer.member("inputDigest", part.description.inputDigest)
                            writer.member("digest", digests[index])
                            writer.member("advisories", part.advisories)
                            writer.member("affected", part.affected)
                            writer.member("facts", part.facts)
                            writer.member("ecosystems", part.ecosystems.map(\.text))
                            writer.member("length", part.bytes.count)
                            writer.key("offset")
                            writer.raw(Self.padded(offsets[index]))
                        }
                    }
                })
        }
        return writer.bytes
    }

    /// Always as wide, whatever the number: blanks behind it.
    private static func padded(_ number: Int) -> String {
        let text = String(number)
        return text + String(repeating: " ", count: max(0, 12 - text.utf8.count))
    }
}

/// Collects what a feed's reader yields.
package struct FeedCollector: Sendable {
    private var builder = SegmentBuilder()
    private var ecosystems: Set<EcosystemKey> = []
    /// What could not be read, the first of each kind with its place.
    package private(set) var problems: [String] = []
    package private(set) var problemCount = 0

    package init() {}

    /// The newest day that a record names: what a feed without a date of its own is taken to be of.
    package private(set) var newestDate: CivilDate?

    package mutating func add(_ advisory: Advisory) {
        for day in [advisory.published, advisory.modified].compactMap(\.self) {
            newestDate = max(newestDate ?? day, day)
        }
        for affected in advisory.affected { ecosystems.insert(affected.ecosystem) }
        builder.add(advisory)
    }
    package mutating func add(_ facts: VulnerabilityFacts) {
        if let added = facts.exploited?.added { newestDate = max(newestDate ?? added, added) }
        builder.add(facts)
    }
    /// For feeds that tell their day apart from their records.
    package mutating func note(date: CivilDate) { newestDate = date }
    package mutating func add(_ lifecycle: ReleaseLifecycle) { builder.add(lifecycle) }

    package mutating func report(_ problem: String) {
        problemCount += 1
        if problems.count < 20 { problems.append(problem) }
    }

    package mutating func finish(_ description: FeedDescription) -> DatabaseBuilder.Part {
        let advisories = builder.advisoryCount
        let facts = builder.factCount
        let affected = builder.affectedCount
        return DatabaseBuilder.Part(
            description: description, advisories: advisories, affected: affected, facts: facts,
            ecosystems: ecosystems.sorted(), bytes: builder.finish())
    }
}
