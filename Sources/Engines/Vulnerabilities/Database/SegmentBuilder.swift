/// Builds the part of the database that one feed gives.
///
/// A segment stands on its own, with its strings and indexes, so that a feed is replaced without touching the others
/// and the same input gives the same bytes:
///
///     magic, 10 section offsets
///     strings     offsets of 32 bits, then the bytes
///     advisories  offsets of 32 bits, then records
///     keys        sorted hashes of 64 bits, offsets of 32 bits, then entries
///     ids         sorted hashes of 64 bits, offsets of 32 bits, then lists of advisories and facts
///     lifecycles  records
struct SegmentBuilder {
    static let magic: UInt64 = 0x3130_4745_534C_564D  // "MVLSEG01"

    private var stringIDs: [String: Int] = ["": 0]
    private var strings: [String] = [""]
    private var advisories: [[UInt8]] = []
    private var entries: [Key: [Entry]] = [:]
    private var idAdvisories: [String: [Int]] = [:]
    private var facts: [String: VulnerabilityFacts] = [:]
    private var lifecycles: [ReleaseLifecycle] = []
    private(set) var affectedCount = 0

    struct Key: Hashable, Comparable {
        var ecosystem: EcosystemKey
        var name: String
        static func < (left: Key, right: Key) -> Bool {
            (left.ecosystem, left.name) < (right.ecosystem, right.name)
        }
    }

    private struct Entry {
        var advisory: Int
        var bytes: [UInt8]
    }

    var advisoryCount: Int { advisories.count }
    var factCount: Int { facts.count }

    private mutating func string(_ text: String) -> Int {
        if let id = stringIDs[text] { return id }
        let id = strings.count
        stringIDs[text] = id
        strings.append(text)
        return id
    }

    mutating func add(_ advisory: Advisory) {
        let index = advisories.count
        var writer = RecordWriter()
        writer.number(string(advisory.id))
        writer.number(advisory.aliases.count)
        for alias in advisory.aliases { writer.number(string(alias)) }
        writer.number(advisory.upstream.count)
        for id in advisory.upstream { writer.number(string(id)) }
        writer.number(string(advisory.summary))
        writer.number(advisory.severity.map { Int($0.rawValue) + 1 } ?? 0)
        writer.number(advisory.vectors.count)
        for vector in advisory.vectors { writer.number(string(vector)) }
        writer.number(advisory.published?.packed ?? 0)
        writer.number(advisory.modified?.packed ?? 0)
        writer.number(advisory.withdrawn?.packed ?? 0)
        writer.number(advisory.isDisputed ? 1 : 0)
        // Keys of what it affects, so that a new advisory finds its packages.
        let keys = Set(advisory.affected.map { Key(ecosystem: $0.ecosystem, name: $0.name) }).sorted()
        writer.number(keys.count)
        for key in keys {
            writer.number(string(key.ecosystem.text))
            writer.number(string(key.name))
        }
        advisories.append(writer.bytes)
        for id in Set([advisory.id] + advisory.aliases + advisory.upstream) {
            idAdvisories[id, default: []].append(index)
        }
        for affected in advisory.affected {
            affectedCount += 1
            let key = Key(ecosystem: affected.ecosystem, name: affected.name)
            let entry = Entry(advisory: index, bytes: record(affected))
            entries[key, default: []].append(entry)
        }
    }

    mutating func add(_ new: VulnerabilityFacts) {
        var known = facts[new.id] ?? VulnerabilityFacts(new.id)
        known.exploited = new.exploited ?? known.exploited
        known.prediction = new.prediction ?? known.prediction
        known.decision = new.decision ?? known.decision
        for vector in new.vectors where !known.vectors.contains(vector) { known.vectors.append(vector) }
        facts[new.id] = known
    }

    mutating func add(_ lifecycle: ReleaseLifecycle) { lifecycles.append(lifecycle) }

    // MARK: Records

    private mutating func record(_ affected: AffectedPackage) -> [UInt8] {
        var writer = RecordWriter()
        // The usual case of distributions: everything before one version.
        let isSimple =
            affected.ranges.count == 1 && affected.ranges[0].count == 1 && affected.ranges[0][0].comparison == .less
            && affected.fixes == [affected.ranges[0][0].version] && affected.versions.isEmpty
            && affected.unaffected.isEmpty
        let hasMore =
            affected.module != nil || !affected.architectures.isEmpty || affected.fixed != nil
            || affected.severity != nil || !affected.errata.isEmpty
        writer.number(
            Int(affected.status.rawValue) | (isSimple ? 16 : 0) | (hasMore ? 32 : 0) | (affected.note.isEmpty ? 0 : 64))
        if isSimple {
            writer.number(string(affected.fixes[0]))
        } else {
            bounds(affected.ranges, &writer)
            list(affected.versions, &writer)
            bounds(affected.unaffected, &writer)
            list(affected.fixes, &writer)
        }
        if hasMore {
            writer.number(affected.module.map { string($0) + 1 } ?? 0)
            list(affected.architectures, &writer)
            writer.number(affected.fixed?.packed ?? 0)
            writer.number(affected.severity.map { Int($0.rawValue) + 1 } ?? 0)
            list(affected.errata, &writer)
        }
        if !affected.note.isEmpty { writer.number(string(affected.note)) }
        return writer.bytes
    }

    private mutating func list(_ texts: [String], _ writer: inout RecordWriter) {
        writer.number(texts.count)
        for text in texts { writer.number(string(text)) }
    }

    private mutating func bounds(_ ranges: [VersionBounds], _ writer: inout RecordWriter) {
        writer.number(ranges.count)
        for range in ranges {
            writer.number(range.count)
            for bound in range {
                writer.number(Int(bound.comparison.code))
                writer.number(string(bound.version))
            }
        }
    }

    // MARK: The whole

    mutating func finish() -> [UInt8] {
        // Names of keys and ids are strings, too: they have to stand before the table is written.
        let keys = entries.keys.sorted()
        let keyRecords = keys.map { key in keyRecord(key) }
        let ids = Set(idAdvisories.keys).union(facts.keys).sorted()
        let idRecords = ids.map { id in idRecord(id) }
        let lifecycleBytes = lifecycleRecord()

        var out = RecordWriter()
        out.fixed64(Self.magic)
        var sections: [Int] = []
        for _ in 0..<10 { out.fixed32(0) }
        func beginSection() {
            out.align()
            sections.append(out.bytes.count)
        }
        beginSection()
        write(strings.map { Array($0.utf8) }, &out)
        beginSection()
        write(advisories, &out)
        for (hashed, records) in [
            (zip(keys, keyRecords).map { (StableHash.key($0.ecosystem.text, $0.name), $1) }, keyRecords.count),
            (zip(ids, idRecords).map { (StableHash.id($0), $1) }, idRecords.count),
        ] {
            let sorted = hashed.enumerated().sorted { ($0.element.0, $0.offset) < ($1.element.0, $1.offset) }
            beginSection()
            out.fixed64(UInt64(records))
            for item in sorted { out.fixed64(item.element.0) }
            beginSection()
            write(sorted.map(\.element.1), &out)
        }
        beginSection()
        out.bytes += lifecycleBytes
        out.align()
        for (index, offset) in sections.enumerated() {
            for byte in 0..<4 { out.bytes[8 + index * 4 + byte] = UInt8(truncatingIfNeeded: offset >> (8 * byte)) }
        }
        return out.bytes
    }

    private func write(_ records: [[UInt8]], _ out: inout RecordWriter) {
        out.fixed32(records.count)
        var offset = 0
        for record in records {
            out.fixed32(offset)
            offset += record.count
        }
        out.fixed32(offset)
        out.bytes.reserveCapacity(out.bytes.count + offset)
        for record in records { out.bytes += record }
    }

    private mutating func keyRecord(_ key: Key) -> [UInt8] {
        var writer = RecordWriter()
        writer.number(string(key.ecosystem.text))
        writer.number(string(key.name))
        let own = entries[key] ?? []
        writer.number(own.count)
        var last = 0
        for entry in own {
            writer.number(entry.advisory - last)
            last = entry.advisory
            writer.bytes += entry.bytes
        }
        return writer.bytes
    }

    private mutating func idRecord(_ id: String) -> [UInt8] {
        var writer = RecordWriter()
        writer.number(string(id))
        let naming = idAdvisories[id] ?? []
        writer.number(naming.count)
        var last = 0
        for advisory in naming {
            writer.number(advisory - last)
            last = advisory
        }
        guard let known = facts[id] else {
            writer.number(0)
            return writer.bytes
        }
        writer.number(
            1 | (known.exploited == nil ? 0 : 2) | (known.prediction == nil ? 0 : 4)
                | (known.decision == nil ? 0 : 8))
        if let exploited = known.exploited {
            writer.number(exploited.added.packed)
            writer.number(exploited.isUsedByRansomware ? 1 : 0)
        }
        if let prediction = known.prediction {
            writer.number(Int((prediction.score * 100_000).rounded()))
            writer.number(Int((prediction.percentile * 100_000).rounded()))
        }
        if let decision = known.decision {
            for text in [decision.exploitation, decision.automatable, decision.impact] { writer.number(string(text)) }
        }
        list(known.vectors, &writer)
        return writer.bytes
    }

    private mutating func lifecycleRecord() -> [UInt8] {
        var writer = RecordWriter()
        writer.number(lifecycles.count)
        for life in lifecycles {
            writer.number(string(life.product))
            writer.number(string(life.cycle))
            writer.number(life.codename.map { string($0) + 1 } ?? 0)
            writer.number(life.endOfLife?.packed ?? 0)
            writer.number(life.endOfExtendedSupport?.packed ?? 0)
            writer.number(life.isEnded ? 1 : 0)
        }
        return writer.bytes
    }
}

extension VersionConstraint.Comparison {
    private static let coded: [Self] = [.equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual]
    var code: UInt8 { UInt8(Self.coded.firstIndex(of: self) ?? 0) }
    init(code: Int) { self = Self.coded.indices.contains(code) ? Self.coded[code] : .equal }
}
