internal import Detection
package import Sensor

/// A field of system call events as the sensor's events have it.
struct LiveField: Sendable {
    /// What a value depends on: values that only depend on the process are kept with it.
    enum Scope: Sendable { case process, event }

    /// How a value is read: most fields are one text, number or flag, which needs no list around it.
    private enum Reading: Sendable {
        case values(@Sendable (SensorEvent, LiveContext) -> [FieldValue]?)
        case bytes(@Sendable (SensorEvent, LiveContext) -> [UInt8]?)
        case number(@Sendable (SensorEvent) -> UInt64?)
        case flag(@Sendable (SensorEvent) -> Bool?)
    }

    let scope: Scope
    private let reading: Reading

    private init(_ scope: Scope, _ reading: Reading) {
        self.scope = scope
        self.reading = reading
    }

    func values(_ event: SensorEvent, _ context: LiveContext) -> [FieldValue]? {
        switch reading {
        case .values(let read): read(event, context)
        case .bytes(let read): read(event, context).map { [.bytes($0)] }
        case .number(let read): read(event).map { [.number($0)] }
        case .flag(let read): read(event).map(Self.bool)
        }
    }

    /// Puts the value into a record; a field without one is left absent.
    func set(
        _ slot: Int, _ event: SensorEvent, _ context: LiveContext, _ matcher: inout Matcher,
        _ record: inout Matcher.Event
    ) {
        switch reading {
        case .values(let read):
            guard let values = read(event, context) else { break }
            // A list may be empty and then leaves what was there.
            matcher.clear(slot, in: &record)
            return matcher.set(slot, values, in: &record)
        case .bytes(let read):
            guard let bytes = read(event, context) else { break }
            return matcher.set(slot, bytes: bytes, in: &record)
        case .number(let read):
            guard let number = read(event) else { break }
            return matcher.set(slot, number: number, in: &record)
        case .flag(let read):
            guard let flag = read(event) else { break }
            return matcher.set(slot, number: flag ? 1 : 0, in: &record)
        }
        matcher.clear(slot, in: &record)
    }

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
        LiveField(.process, .values { read($0.process, $1) })
    }

    static func text(_ read: @escaping @Sendable (SensorProcess) -> [UInt8]?) -> LiveField {
        LiveField(.process, .bytes { event, _ in read(event.process) })
    }

    static func number(_ read: @escaping @Sendable (SensorProcess) -> Int64?) -> LiveField {
        LiveField(.process, .number { event in read(event.process).map { UInt64(bitPattern: $0) } })
    }

    static func ofEvent(_ read: @escaping @Sendable (SensorEvent, LiveContext) -> [FieldValue]?) -> LiveField {
        LiveField(.event, .values(read))
    }

    static func eventText(_ read: @escaping @Sendable (SensorEvent, LiveContext) -> [UInt8]?) -> LiveField {
        LiveField(.event, .bytes(read))
    }

    static func eventNumber(_ read: @escaping @Sendable (SensorEvent) -> UInt64?) -> LiveField {
        LiveField(.event, .number(read))
    }

    static func eventFlag(_ read: @escaping @Sendable (SensorEvent) -> Bool?) -> LiveField {
        LiveField(.event, .flag(read))
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
    /// The text of the flags files were opened with: there are few.
    private var openFlags: [UInt64: [UInt8]] = [:]
    private static let mostOpenFlags = 1024

    func openFlags(_ flags: UInt64, _ make: () -> [UInt8]) -> [UInt8] {
        if let known = openFlags[flags] { return known }
        let made = make()
        if openFlags.count >= Self.mostOpenFlags { openFlags.removeAll() }
        openFlags[flags] = made
        return made
    }

    package init(hostname: String) { self.hostname = hostname }

    /// Looks processes up where the sensor keeps them.
    package func follow(_ sensor: any EventSource) { process = { [weak sensor] in sensor?.process($0) } }
}
