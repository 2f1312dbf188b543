package import Detection
package import Sensor

/// Keeps the last events with every field rules may ask about, for rules that are only thought of later.
///
/// What the kernel was told to drop is not in it: a changed rule set that asks for more than the present one has to be
/// tried live.
package struct LiveRecorder {
    package private(set) var ring: EventRing
    private let fields: [LiveField?]
    private let context: LiveContext

    package init(_ context: LiveContext, limit: Int) {
        let wanted = EventRing.usualFields(.syscall).filter { LiveField($0) != nil }
        ring = EventRing(fields: wanted, catalogue: .syscall, limit: limit)
        fields = ring.fields.map { LiveField($0.field) }
        self.context = context
    }

    package mutating func add(_ event: SensorEvent) {
        let (fields, context) = (fields, context)
        ring.add(type: event.kind.name) { fields[$0]?.values(event, context) }
    }
}
