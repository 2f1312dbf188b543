/// Milliseconds since 1970 in UTC; the one form of time in the database.
package typealias Milliseconds = Int

/// An id that sorts by the time it was made: 12 hexadecimal digits of time, 16 of chance.
///
/// The caller gives both, so that tests decide them.
package enum SortableID {
    package static func make(at time: Milliseconds, random: UInt64) -> String {
        hex(UInt64(max(0, time)), 12) + hex(random, 16)
    }

    /// The least id of a moment, to cut lists by time.
    package static func least(at time: Milliseconds) -> String { hex(UInt64(max(0, time)), 12) }

    private static func hex(_ value: UInt64, _ width: Int) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
