package import Detection
package import Sensor

/// Asks the rules of system calls about the sensor's events.
///
/// What only depends on the process is looked up once and kept with it; of an event's own fields only those are made
/// that rules still need to know.
package struct LiveMatcher {
    private var detector: Detector
    private let fields: [LiveField?]
    private let processSlots: [Int]
    private let typeSlot: Int?
    /// Slots of events that rule out rules, the cheapest and most telling first, and the others.
    private let narrowing: [Int]
    private let plain: [Int]
    private let isNarrowing: [Bool]
    /// By slot, the rules that read it.
    private let readers: [Matcher.Candidates]
    private var everyRule: Matcher.Candidates
    private var typeRows: [SensorEvent.Kind: UInt32] = [:]
    private var generation = -1
    private var found: [Int] = []
    private static let mostOverflows = 50_000
    package let context: LiveContext
    /// Fields that conditions read and the sensor does not have, with the rules that read them.
    package let unavailable: [(field: String, rules: [String])]

    package var rules: [DetectionRule] { detector.rules }

    /// What is kept with a process.
    private final class Kept {
        let record: Matcher.Event
        let stamp: Int
        let generation: Int

        init(_ record: Matcher.Event, stamp: Int, generation: Int) {
            self.record = record
            self.stamp = stamp
            self.generation = generation
        }
    }

    package init(_ detector: Detector, context: LiveContext) {
        self.detector = detector
        self.context = context
        let fields = detector.fields.map { LiveField($0.field) }
        self.fields = fields
        processSlots = fields.indices.filter { fields[$0]?.scope == .process }
        let typeSlot = detector.fields.firstIndex { $0.field.name == "evt.type" && $0.field.argument == nil }
        self.typeSlot = typeSlot
        let telling = detector.matcher.narrowing.filter { fields[$0]?.scope == .event && $0 != typeSlot }
        // A flag costs next to nothing; a name has to be made and looked up.
        let flags = telling.filter { detector.fields[$0].info.type == .bool }
        narrowing = flags + telling.filter { !flags.contains($0) }
        let known = Set(narrowing + processSlots + (typeSlot.map { [$0] } ?? []))
        plain = fields.indices.filter { fields[$0] != nil && !known.contains($0) }
        let all = Set(detector.matcher.narrowing)
        isNarrowing = fields.indices.map { all.contains($0) }
        readers = fields.indices.map { slot in
            detector.matcher.candidates(detector.rules.indices.filter { detector.slotsOfRule[$0].contains(slot) })
        }
        everyRule = detector.matcher.allCandidates
        var missing: [(String, [String])] = []
        for slot in fields.indices where fields[slot] == nil {
            let rules = detector.rules.indices.filter { detector.slotsOfRule[$0].contains(slot) }
            if !rules.isEmpty {
                missing.append((detector.fields[slot].field.description, rules.map { detector.rules[$0].name }))
            }
        }
        unavailable = missing.sorted { $0.0 < $1.0 }
    }

    /// The rules that match, in order.
    package mutating func match(_ event: SensorEvent) -> [DetectionRule] {
        found.removeAll(keepingCapacity: true)
        find(event)
        if event.hasTwoNames {
            // A link is no way round a rule: the event is asked about by both names.
            context.usesResolvedPath = true
            defer { context.usesResolvedPath = false }
            find(event)
            if found.count > 1 { found = Set(found).sorted() }
        }
        guard !found.isEmpty else { return [] }
        return found.map { detector.rules[$0] }
    }

    /// Appends what matches to `found`. Values are made one after the other, the most telling first, and only for as
    /// long as a rule is left that reads them.
    private mutating func find(_ event: SensorEvent) {
        // Tables full of what a node did last week: begun anew, seldom enough not to matter.
        if detector.matcher.overflows > Self.mostOverflows { detector.matcher.reset() }
        if generation != detector.matcher.generation {
            generation = detector.matcher.generation
            typeRows.removeAll(keepingCapacity: true)
            everyRule = detector.matcher.allCandidates
        }
        var record = processRecord(event)
        var left = everyRule
        if let typeSlot {
            setType(typeSlot, event, &record)
            guard detector.matcher.narrow(&left, record, by: typeSlot) else { return }
        }
        for slot in processSlots where isNarrowing[slot] {
            guard detector.matcher.narrow(&left, record, by: slot) else { return }
        }
        for slot in narrowing where detector.matcher.concerns(left, readers[slot]) {
            set(slot, event, &record)
            guard detector.matcher.narrow(&left, record, by: slot) else { return }
        }
        for slot in plain where detector.matcher.concerns(left, readers[slot]) { set(slot, event, &record) }
        detector.matcher.match(record, among: left, into: &found)
    }

    /// The event's type is one of few: its row is kept.
    private mutating func setType(_ slot: Int, _ event: SensorEvent, _ record: inout Matcher.Event) {
        if let row = typeRows[event.kind] {
            Matcher.setRow(slot, row, in: &record)
            return
        }
        let name = Array(event.kind.name.utf8)
        let row = detector.matcher.row(slot, name.span)
        if detector.matcher.keeps(row: row, of: slot), generation == detector.matcher.generation {
            typeRows[event.kind] = row
        }
        Matcher.setRow(slot, row, in: &record)
    }

    private mutating func processRecord(_ event: SensorEvent) -> Matcher.Event {
        let process = event.process
        let stamp = process.stamp
        if let kept = process.annotation as? Kept, kept.stamp == stamp, kept.generation == detector.matcher.generation {
            return kept.record
        }
        let generation = detector.matcher.generation
        var record = detector.matcher.blank
        for slot in processSlots { set(slot, event, &record) }
        if detector.matcher.generation == generation, detector.matcher.keepsRows(of: record) {
            process.annotation = Kept(record, stamp: stamp, generation: generation)
        }
        return record
    }

    private mutating func set(_ slot: Int, _ event: SensorEvent, _ record: inout Matcher.Event) {
        guard let values = fields[slot]?.values(event, context) else { return }
        detector.matcher.set(slot, values, in: &record)
    }

    /// The values of an event, for outputs.
    package func values(_ event: SensorEvent) -> (FieldReference, FieldInfo) -> [FieldValue]? {
        { [context] field, _ in LiveField(field)?.values(event, context) }
    }
}

extension SensorProcess {
    /// Changes whenever the process, its container or one of its next ancestors does.
    fileprivate var stamp: Int {
        var out = revision &* 31 &+ (container?.revision ?? 0)
        var next = parent
        var left = 8
        while let ancestor = next, left > 0 {
            out = out &* 31 &+ ancestor.revision
            next = ancestor.parent
            left -= 1
        }
        return out
    }
}
