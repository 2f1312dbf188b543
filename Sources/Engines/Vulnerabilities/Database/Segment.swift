/// The part of an open database that one feed gave; a view of bytes, nothing is copied but what is asked for.
struct Segment: Sendable {
    private let bytes: any ByteSource
    private let start: Int
    private let sections: [Int]

    /// nil where the bytes are no segment.
    init?(_ bytes: any ByteSource, at range: Range<Int>) {
        let sections: [Int]? = bytes.read { span in
            guard range.upperBound <= span.count, range.count >= 48,
                RecordReader.fixed64(span, range.lowerBound) == SegmentBuilder.magic
            else { return nil }
            let offsets = (0..<7).map { RecordReader.fixed32(span, range.lowerBound + 8 + 4 * $0) }
            return offsets.allSatisfy { $0 >= 48 && $0 <= range.count } ? offsets : nil
        }
        guard let sections else { return nil }
        self.bytes = bytes
        self.start = range.lowerBound
        self.sections = sections
    }

    // MARK: Tables

    /// Where record `index` of a table lies.
    private func record(_ section: Int, _ index: Int, _ span: Span<UInt8>) -> Range<Int> {
        let table = start + sections[section]
        let count = RecordReader.fixed32(span, table)
        guard index >= 0, index < count else { return 0..<0 }
        let first = RecordReader.fixed32(span, table + 4 + 4 * index)
        let last = RecordReader.fixed32(span, table + 8 + 4 * index)
        let base = table + 8 + 4 * count
        let lower = min(base + first, span.count)
        return lower..<min(max(lower, base + last), span.count)
    }

    private func stringRange(_ id: Int, _ span: Span<UInt8>) -> Range<Int> { record(0, id, span) }

    private func string(_ id: Int, _ span: Span<UInt8>) -> String {
        let range = stringRange(id, span)
        var out: [UInt8] = []
        out.reserveCapacity(range.count)
        for index in range { out.append(span[index]) }
        return String(decoding: out, as: UTF8.self)
    }

    /// The records whose hash is `hash`.
    private func candidates(_ section: Int, _ hash: UInt64, _ span: Span<UInt8>) -> Range<Int> {
        let table = start + sections[section]
        let count = Int(truncatingIfNeeded: RecordReader.fixed64(span, table) & 0xFFFF_FFFF)
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if RecordReader.fixed64(span, table + 8 + 8 * middle) < hash { low = middle + 1 } else { high = middle }
        }
        var end = low
        while end < count, RecordReader.fixed64(span, table + 8 + 8 * end) == hash { end += 1 }
        return low..<end
    }

    private func isString(_ id: Int, _ text: String, _ span: Span<UInt8>) -> Bool {
        let range = stringRange(id, span)
        let wanted = text.utf8.span
        return range.count == wanted.count && orderOfBytes(span, range, wanted, 0..<wanted.count) == 0
    }

    // MARK: Reading

    /// Calls `body` with each entry under the key. Texts are made only by `Entry.full`.
    func entries(
        _ ecosystem: EcosystemKey, _ name: String, _ body: (borrowing EntryView) -> Void
    ) {
        let hash = StableHash.key(ecosystem.text, name)
        bytes.read { span in
            for index in candidates(2, hash, span) {
                let range = record(3, index, span)
                var reader = RecordReader(position: range.lowerBound)
                guard isString(reader.number(span), ecosystem.text, span), isString(reader.number(span), name, span)
                else { continue }
                var advisory = 0
                for _ in 0..<reader.count(span) where reader.position < range.upperBound {
                    advisory += reader.number(span)
                    let view = EntryView(segment: self, advisory: advisory, position: reader.position)
                    view.skip(&reader, span)
                    body(view)
                }
            }
        }
    }

    /// One entry, read as far as it is asked.
    struct EntryView {
        let segment: Segment
        let advisory: Int
        fileprivate let position: Int

        fileprivate func skip(_ reader: inout RecordReader, _ span: Span<UInt8>) {
            let flags = reader.number(span)
            if flags & 16 != 0 {
                _ = reader.number(span)
            } else {
                skipBounds(&reader, span)
                skipList(&reader, span)
                skipBounds(&reader, span)
                skipList(&reader, span)
            }
            if flags & 32 != 0 {
                _ = reader.number(span)
                skipList(&reader, span)
                _ = reader.number(span)
                _ = reader.number(span)
                skipList(&reader, span)
            }
            if flags & 64 != 0 { _ = reader.number(span) }
        }

        private func skipList(_ reader: inout RecordReader, _ span: Span<UInt8>) {
            for _ in 0..<reader.count(span) { _ = reader.number(span) }
        }

        private func skipBounds(_ reader: inout RecordReader, _ span: Span<UInt8>) {
            for _ in 0..<reader.count(span) {
                for _ in 0..<reader.count(span) {
                    _ = reader.number(span)
                    _ = reader.number(span)
                }
            }
        }

        /// For the usual entry: whether `version` comes before the one version that fixes; nil for other entries.
        func isBeforeOnlyFix(_ version: String, _ scheme: VersionScheme) -> Bool? {
            segment.bytes.read { span in
                var reader = RecordReader(position: position)
                let flags = reader.number(span)
                guard flags & 48 == 16, flags & 15 == 0 else { return nil }
                let range = segment.stringRange(reader.number(span), span)
                return scheme.order(version.utf8.span, span.extracting(range)) < 0
            }
        }

        /// The status alone.
        var status: AdvisoryStatus {
            segment.bytes.read { span in
                var reader = RecordReader(position: position)
                return AdvisoryStatus(rawValue: UInt8(reader.number(span) & 15)) ?? .affected
            }
        }

        func full(_ ecosystem: EcosystemKey, _ name: String) -> AffectedPackage {
            segment.bytes.read { span in
                var out = AffectedPackage(ecosystem, name)
                var reader = RecordReader(position: position)
                let flags = reader.number(span)
                out.status = AdvisoryStatus(rawValue: UInt8(flags & 15)) ?? .affected
                if flags & 16 != 0 {
                    out.fix(in: segment.string(reader.number(span), span))
                } else {
                    out.ranges = bounds(&reader, span)
                    out.versions = list(&reader, span)
                    out.unaffected = bounds(&reader, span)
                    out.fixes = list(&reader, span)
                }
                if flags & 32 != 0 {
                    let module = reader.number(span)
                    out.module = module == 0 ? nil : segment.string(module - 1, span)
                    out.architectures = list(&reader, span)
                    out.fixed = CivilDate(packed: reader.number(span))
                    let severity = reader.number(span)
                    out.severity = severity == 0 ? nil : Severity(rawValue: UInt8(truncatingIfNeeded: severity - 1))
                    out.errata = list(&reader, span)
                }
                if flags & 64 != 0 { out.note = segment.string(reader.number(span), span) }
                return out
            }
        }

        private func list(_ reader: inout RecordReader, _ span: Span<UInt8>) -> [String] {
            var out: [String] = []
            for _ in 0..<reader.count(span) { out.append(segment.string(reader.number(span), span)) }
            return out
        }

        private func bounds(_ reader: inout RecordReader, _ span: Span<UInt8>) -> [VersionBounds] {
            var out: [VersionBounds] = []
            for _ in 0..<reader.count(span) {
                var range: VersionBounds = []
                for _ in 0..<reader.count(span) {
                    let comparison = VersionConstraint.Comparison(code: reader.number(span))
                    range.append(VersionConstraint(comparison, segment.string(reader.number(span), span)))
                }
                out.append(range)
            }
            return out
        }
    }

    var advisoryCount: Int { bytes.read { RecordReader.fixed32($0, start + sections[1]) } }

    /// An advisory without what it affects.
    func advisory(_ index: Int) -> Advisory { read(index, wantsKeys: false).advisory }

    /// The same; `keys` names what it affects, which for a vulnerability of a kernel are thousands.
    func advisoryWithKeys(
        _ index: Int
    ) -> (advisory: Advisory, keys: [(ecosystem: EcosystemKey, name: String)]) {
        read(index, wantsKeys: true)
    }

    private func read(
        _ index: Int, wantsKeys: Bool
    ) -> (advisory: Advisory, keys: [(ecosystem: EcosystemKey, name: String)]) {
        bytes.read { span in
            let range = record(1, index, span)
            var reader = RecordReader(position: range.lowerBound)
            func text() -> String { string(reader.number(span), span) }
            func texts() -> [String] {
                var out: [String] = []
                for _ in 0..<reader.count(span) { out.append(text()) }
                return out
            }
            var out = Advisory(text())
            out.aliases = texts()
            out.upstream = texts()
            out.summary = text()
            let severity = reader.number(span)
            out.severity = severity == 0 ? nil : Severity(rawValue: UInt8(truncatingIfNeeded: severity - 1))
            out.vectors = texts()
            out.published = CivilDate(packed: reader.number(span))
            out.modified = CivilDate(packed: reader.number(span))
            out.withdrawn = CivilDate(packed: reader.number(span))
            out.isDisputed = reader.number(span) == 1
            var keys: [(ecosystem: EcosystemKey, name: String)] = []
            guard wantsKeys else { return (out, keys) }
            for _ in 0..<reader.count(span) { keys.append((EcosystemKey(text()), text())) }
            return (out, keys)
        }
    }

    /// The advisories that name an id, and the facts known by it.
    func lookup(_ id: String) -> (advisories: [Int], facts: VulnerabilityFacts?) {
        let hash = StableHash.id(id)
        return bytes.read { span in
            for index in candidates(4, hash, span) {
                let range = record(5, index, span)
                var reader = RecordReader(position: range.lowerBound)
                guard isString(reader.number(span), id, span) else { continue }
                var advisories: [Int] = []
                var last = 0
                for _ in 0..<reader.count(span) {
                    last += reader.number(span)
                    advisories.append(last)
                }
                return (advisories, facts(id, &reader, span))
            }
            return ([], nil)
        }
    }

    private func facts(_ id: String, _ reader: inout RecordReader, _ span: Span<UInt8>) -> VulnerabilityFacts? {
        let flags = reader.number(span)
        guard flags != 0 else { return nil }
        var out = VulnerabilityFacts(id)
        if flags & 2 != 0, let added = CivilDate(packed: reader.number(span)) {
            out.exploited = .init(added: added, isUsedByRansomware: reader.number(span) == 1)
        }
        if flags & 4 != 0 {
            let score = Double(reader.number(span)) / 100_000
            out.prediction = .init(score: score, percentile: Double(reader.number(span)) / 100_000)
        }
        if flags & 8 != 0 {
            let texts = (0..<3).map { _ in string(reader.number(span), span) }
            out.decision = .init(exploitation: texts[0], automatable: texts[1], impact: texts[2])
        }
        for _ in 0..<reader.count(span) { out.vectors.append(string(reader.number(span), span)) }
        return out
    }

    var lifecycles: [ReleaseLifecycle] {
        bytes.read { span in
            var reader = RecordReader(position: start + sections[6])
            var out: [ReleaseLifecycle] = []
            for _ in 0..<reader.count(span) {
                let product = string(reader.number(span), span)
                let cycle = string(reader.number(span), span)
                let codename = reader.number(span)
                let end = CivilDate(packed: reader.number(span))
                let extended = CivilDate(packed: reader.number(span))
                out.append(
                    ReleaseLifecycle(
                        product: product, cycle: cycle, codename: codename == 0 ? nil : string(codename - 1, span),
                        endOfLife: end, endOfExtendedSupport: extended, isEnded: reader.number(span) == 1))
            }
            return out
        }
    }

    /// The ecosystems it has keys of, by walking all keys; for status lines, not for matching.
    var keyCount: Int {
        bytes.read { Int(truncatingIfNeeded: RecordReader.fixed64($0, start + sections[2]) & 0xFFFF_FFFF) }
    }
}
