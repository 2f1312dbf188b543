internal import Detection
package import Sensor

/// A field of system call events as the sensor's events have it.
struct LiveField: Sendable {
    /// What a value depends on: values that only depend on the process are kept with it.
    enum Scope: Sendable { case process, event }

    let scope: Scope
    private let read: @Sendable (SensorEvent, LiveContext) -> [FieldValue]?

    private init(_ scope: Scope, _ read: @escaping @Sendable (SensorEvent, LiveContext) -> [FieldValue]?) {
        self.scope = scope
        self.read = read
    }

    func values(_ event: SensorEvent, _ context: LiveContext) -> [FieldValue]? { read(event, context) }

    /// Nil when the sensor has nothing for the field.
    init?(_ field: FieldReference) {
        let argument = field.argument.map { String(decoding: $0, as: UTF8.self) }
        if let found = Self.process(field.name, argument) ?? Self.identity(field.name, argument)
            ?? Self.event(field.name, argument) ?? Self.descriptor(field.name, argument)
        {
            self = found
        } else {
            return nil
        }
    }

    // MARK: Making fields

    static func ofProcess(_ read: @escaping @Sendable (SensorProcess, LiveContext) -> [FieldValue]?) -> LiveField {
        LiveField(.process) { read($0.process, $1) }
    }

    static func text(_ read: @escaping @Sendable (SensorProcess) -> [UInt8]?) -> LiveField {
        LiveField(.process) { event, _ in read(event.process).map { [.bytes($0)] } }
    }

    static func number(_ read: @escaping @Sendable (SensorProcess) -> Int64?) -> LiveField {
        LiveField(.process) { event, _ in read(event.process).map { [FieldValue($0)] } }
    }

    static func ofEvent(_ read: @escaping @Sendable (SensorEvent, LiveContext) -> [FieldValue]?) -> LiveField {
        LiveField(.event, read)
    }

    static func bool(_ value: Bool) -> [FieldValue] { [.number(value ? 1 : 0)] }
}

/// What values need besides the event.
package final class LiveContext {
    package var hostname: String
    let accounts = Accounts()
    /// Processes by number, for leaders of sessions and groups.
    var process: (UInt32) -> SensorProcess? = { _ in nil }
    /// Which name of a file the event is asked about: what the process wrote, or what was opened.
    var usesResolvedPath = false

    package init(hostname: String) { self.hostname = hostname }

    /// Looks processes up where the sensor keeps them.
    package func follow(_ sensor: any EventSource) { process = { [weak sensor] in sensor?.process($0) } }
}
