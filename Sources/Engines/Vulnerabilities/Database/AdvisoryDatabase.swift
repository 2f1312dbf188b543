import Documents

/// What is wrong with a database file.
package struct DatabaseError: Error, Equatable {
    package enum Code: Sendable { case notOne, cut, unknownVersion, badDigest, badSignature, older }
    package var code: Code
    package var message: String
    package init(code: Code, message: String) {
        self.code = code
        self.message = message
    }
}

/// An open database of advisories: a head that says what is in it, then one segment a feed.
///
///     "MVLNDB01", length of the head (64 bits)
///     head         JSON: feeds with source, date, digests, place and size
///     signature    key (32 bytes) and Ed25519 signature of the head (64 bytes), zeros where unsigned
///     segments     each at a multiple of 8
package struct AdvisoryDatabase: Sendable {
    package static let magic = Array("MVLNDB01".utf8)
    package static let signatureSize = 96

    package struct Feed: Sendable, Hashable {
        package var description: FeedDescription
        package var advisories: Int
        package var affected: Int
        package var facts: Int
        /// Ecosystems that it speaks of, so that the rest never look into it.
        package var ecosystems: [EcosystemKey]
        /// SHA-256 of the segment.
        package var digest: String
        package var range: Range<Int>
    }

    package let feeds: [Feed]
    /// The day it was built for.
    package let built: CivilDate?
    package let isSigned: Bool
    let segments: [Segment]
    private let bytes: any ByteSource
    /// Bytes of the whole file.
    package var size: Int { bytes.count }
    private let headEnd: Int
    private let byEcosystem: [EcosystemKey: [Int]]
    package let lifecycles: [ReleaseLifecycle]

    package init(_ bytes: any ByteSource) throws(DatabaseError) {
        let size = bytes.count
        let found: [UInt8]? = bytes.read { span in
            guard span.count > 16 + Self.signatureSize else { return nil }
            for (index, byte) in Self.magic.enumerated() where span[index] != byte { return nil }
            let length = Int(truncatingIfNeeded: RecordReader.fixed64(span, 8) & 0xFFFF_FFFF)
            guard 16 + length + Self.signatureSize <= span.count else { return nil }
            return Array(span.extracting(16..<16 + length))
        }
        guard let found else {
            throw DatabaseError(code: .notOne, message: "this is no advisory database, or only the start of one")
        }
        let head: Node
        do {
            head = try DocumentReader.readJSON(SourceText(name: "", bytes: found))
        } catch {
            throw DatabaseError(code: .notOne, message: "the head of the database cannot be read")
        }
        guard head["version"].int == 1 else {
            throw DatabaseError(
                code: .unknownVersion, message: "the database is of another version of Martlet; build it again")
        }
        headEnd = 16 + found.count
        self.bytes = bytes
        built = head["built"].string.flatMap { CivilDate($0) }
        var feeds: [Feed] = []
        var segments: [Segment] = []
        for node in head["feeds"].elements {
            let start = node["offset"].int ?? -1
            let length = node["length"].int ?? -1
            guard start >= 0, length >= 0, start + length <= size,
                let segment = Segment(bytes, at: start..<start + length)
            else {
                throw DatabaseError(
                    code: .cut, message: "the part of feed \"\(node["name"].string ?? "")\" is missing or damaged")
            }
            feeds.append(Self.feed(node, start..<start + length))
            segments.append(segment)
        }
        self.feeds = feeds
        self.segments = segments
        var byEcosystem: [EcosystemKey: [Int]] = [:]
        for (index, feed) in feeds.enumerated() {
            for key in feed.ecosystems { byEcosystem[key, default: []].append(index) }
        }
        self.byEcosystem = byEcosystem
        lifecycles = segments.flatMap(\.lifecycles)
        let end = headEnd
        isSigned = bytes.read { span in (end..<end + Self.signatureSize).contains { span[$0] != 0 } }
    }

    private static func feed(_ node: Node, _ range: Range<Int>) -> Feed {
        Feed(
            description: FeedDescription(
                name: node["name"].string ?? "", title: node["title"].string ?? "",
                source: node["source"].string ?? "", date: node["date"].string.flatMap { CivilDate($0) },
                inputDigest: node["inputDigest"].string ?? ""),
            advisories: node["advisories"].int ?? 0, affected: node["affected"].int ?? 0,
            facts: node["facts"].int ?? 0, ecosystems: node["ecosystems"].strings.map { EcosystemKey($0) },
            digest: node["digest"].string ?? "", range: range)
    }

    /// The head as it stands in the file: what a signature covers. Every segment's digest is in it.
    package var head: [UInt8] { bytes.read { Array($0.extracting(16..<headEnd)) } }

    /// The signer's public key and the signature; nil where it is not signed.
    package var signature: (key: [UInt8], signature: [UInt8])? {
        guard isSigned else { return nil }
        return bytes.read { span in
            (Array(span.extracting(headEnd..<headEnd + 32)), Array(span.extracting(headEnd + 32..<headEnd + 96)))
        }
    }

    package func bytes(of feed: Feed) -> [UInt8] { bytes.read { Array($0.extracting(feed.range)) } }

    /// The same in pieces of at most `size` bytes, for who needs them once.
    package func pieces(of feed: Feed, size: Int, _ body: ([UInt8]) -> Void) {
        for start in stride(from: feed.range.lowerBound, to: feed.range.upperBound, by: max(1, size)) {
            body(bytes.read { Array($0.extracting(start..<min(start + max(1, size), feed.range.upperBound))) })
        }
    }

    /// The feeds that say anything about an ecosystem.
    package func feeds(for ecosystem: EcosystemKey) -> [Int] { byEcosystem[ecosystem] ?? [] }

    package func hasEcosystem(_ ecosystem: EcosystemKey) -> Bool { byEcosystem[ecosystem] != nil }

    /// Everything known by an id, over all feeds.
    package func facts(_ id: String) -> VulnerabilityFacts {
        var out = VulnerabilityFacts(id)
        for (index, feed) in feeds.enumerated() where feed.facts > 0 {
            guard let found = segments[index].lookup(id).facts else { continue }
            out.exploited = out.exploited ?? found.exploited
            out.prediction = out.prediction ?? found.prediction
            out.decision = out.decision ?? found.decision
            out.vectors += found.vectors.filter { !out.vectors.contains($0) }
        }
        return out
    }

    /// An advisory that names an id, with what it affects.
    package struct Record: Sendable {
        package var feed: Int
        package var advisory: Advisory
    }

    package func advisories(naming id: String) -> [Record] {
        var out: [Record] = []
        for (index, segment) in segments.enumerated() {
            for place in segment.lookup(id).advisories {
                out.append(Record(feed: index, advisory: whole(index, place)))
            }
        }
        return out
    }

    /// The advisory with its entries.
    func whole(_ feed: Int, _ place: Int) -> Advisory {
        var (advisory, keys) = segments[feed].advisoryWithKeys(place)
        for key in keys {
            segments[feed].entries(key.ecosystem, key.name) { view in
                if view.advisory == place { advisory.affected.append(view.full(key.ecosystem, key.name)) }
            }
        }
        return advisory
    }
}
