/// The rules of one event source, asked about one event after the other.
///
/// Whoever has events fills the slots of `fields` and calls `match`; the fields of outputs are asked for only when a
/// rule matched. A value with caches, for one thread.
package struct Detector: Sendable {
    package let rules: [DetectionRule]
    /// The fields conditions read, by slot, with what is known of them.
    package let fields: [(field: FieldReference, info: FieldInfo)]
    package var matcher: Matcher
    let builder: ProgramBuilder
    /// By rule, the slots its condition reads.
    package let slotsOfRule: [[Int]]

    init(rules: [DetectionRule], builder: ProgramBuilder, roots: [Int], firstMatchOnly: Bool) {
        self.rules = rules
        self.builder = builder
        fields = builder.program.slots.map { ($0.field, $0.info) }
        matcher = Matcher(builder.program, roots: roots, firstMatchOnly: firstMatchOnly)
        var indexes: [FieldReference: Int] = [:]
        for (i, slot) in builder.program.slots.enumerated() { indexes[slot.field] = i }
        slotsOfRule = roots.map { Self.slots(below: $0, builder.program) }
    }

    private static func slots(below root: Int, _ program: Program) -> [Int] {
        var seen: Set<Int> = []
        var out: Set<Int> = []
        var pending = [root]
        while let node = pending.popLast() {
            guard seen.insert(node).inserted else { continue }
            switch program.nodes[node] {
            case .never: break
            case .bit(let slot, _): out.insert(slot)
            case .number(let check): out.insert(program.numberChecks[check].slot)
            case .wide(let check):
                out.formUnion(program.wideChecks[check].left.slots)
                out.formUnion(program.wideChecks[check].right?.slots ?? [])
            case .all(let below), .any(let below): pending += below
            case .not(let child): pending.append(child)
            }
        }
        return out.sorted()
    }

    /// The rules that match an event whose values `values` gives, in order.
    package mutating func match(_ values: (FieldReference, FieldInfo) -> [FieldValue]?) -> [DetectionRule] {
        match(event(values)).map { rules[$0] }
    }

    package mutating func event(_ values: (FieldReference, FieldInfo) -> [FieldValue]?) -> Matcher.Event {
        var event = matcher.blank
        for (slot, field) in fields.enumerated() {
            if let found = values(field.field, field.info) { matcher.set(slot, found, in: &event) }
        }
        return event
    }

    package mutating func match(_ event: Matcher.Event) -> [Int] { matcher.match(event) }
}
