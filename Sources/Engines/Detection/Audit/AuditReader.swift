/// Takes from an audit event what the rules of a detector still need to know, and no more.
///
/// First the fields that stand at the top of the event and rule out most rules: verb, resource, stage, user; then, for
/// the rules that are left, the fields of their conditions.
package struct AuditReader: Sendable {
    private let fields: [AuditField?]
    private let first: [Int]
    private let isFirst: [Bool]

    package init(_ detector: Detector) {
        fields = detector.fields.map { AuditField($0.field) }
        let early: Set<String> = [
            "ka.verb", "ka.target.resource", "ka.target.subresource", "ka.target.namespace", "ka.stage", "ka.user.name",
            "jevt.value[/stage]", "ka.response.code", "ka.auth.decision",
        ]
        let indexes = detector.fields.indices.filter { early.contains(detector.fields[$0].field.description) }
        first = indexes
        isFirst = detector.fields.indices.map(indexes.contains)
    }

    /// The rules that match, by index.
    package func match(_ event: AuditEvent, _ detector: inout Detector) -> [Int] {
        var record = detector.matcher.blank
        for slot in first { set(slot, event, &detector, &record) }
        let left = detector.matcher.candidates(record, knowing: first)
        guard !left.isEmpty else { return [] }
        var isSet = isFirst
        for rule in left {
            for slot in detector.slotsOfRule[rule] where !isSet[slot] {
                isSet[slot] = true
                set(slot, event, &detector, &record)
            }
        }
        return detector.matcher.match(record)
    }

    private func set(_ slot: Int, _ event: AuditEvent, _ detector: inout Detector, _ record: inout Matcher.Event) {
        guard let values = fields[slot]?.values(event) else { return }
        detector.matcher.set(slot, values, in: &record)
    }
}
