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
    private let first: [Int]
    private let typeSlot: Int?
    private let isKnown: [Bool]
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
        first = processSlots + (typeSlot.map { [$0] } ?? [])
        let known = Set(first)
        isKnown = fields.indices.map { known.contains($0) }
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
        let found = indexes(event)
        guard event.hasTwoNames else { return found.map { detector.rules[$0] } }
        // A link is no way round a rule: the event is asked about by both names.
        context.usesResolvedPath = true
        defer { context.usesResolvedPath = false }
        return Set(found + indexes(event)).sorted().map { detector.rules[$0] }
    }

    private mutating func indexes(_ event: SensorEvent) -> [Int] {
        var record = processRecord(event)
        if let typeSlot { set(typeSlot, event, &record) }
        let left = detector.matcher.candidates(record, knowing: first)
        guard !left.isEmpty else { return [] }
        var isSet = isKnown
        for rule in left {
            for slot in detector.slotsOfRule[rule] where !isSet[slot] {
                isSet[slot] = true
                set(slot, event, &record)
            }
        }
        return detector.matcher.match(record)
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
