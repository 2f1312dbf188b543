package import Findings

/// A second of history, in UTC.
///
/// Standard: RFC 3339; a date alone is its first second. Fractions of a second are dropped.
package struct Moment: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Since 1970-01-01T00:00:00Z.
    package let seconds: Int

    package init(seconds: Int) { self.seconds = seconds }

    package init(_ day: CalendarDate) { seconds = day.daysSinceEpoch * 86_400 }

    /// Reads `2026-01-31`, `2026-01-31T12:00:00Z` and `2026-01-31T12:00:00+02:00`; nil for anything else.
    package init?(_ text: String) {
        guard let day = CalendarDate(text) else { return nil }
        let rest = Array(text.utf8.dropFirst(10))
        guard !rest.isEmpty else {
            self.init(day)
            return
        }
        guard rest.count >= 10, rest[3] == UInt8(ascii: ":"), rest[6] == UInt8(ascii: ":"),
            let hour = Self.two(rest, 1), let minute = Self.two(rest, 4), let second = Self.two(rest, 7),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        var place = 9
        if rest[place] == UInt8(ascii: ".") {
            place += 1
            while place < rest.count, UInt8(ascii: "0")...UInt8(ascii: "9") ~= rest[place] { place += 1 }
        }
        guard place < rest.count else { return nil }
        var offset = 0
        switch rest[place] {
        case UInt8(ascii: "Z"), UInt8(ascii: "z"):
            guard place + 1 == rest.count else { return nil }
        case UInt8(ascii: "+"), UInt8(ascii: "-"):
            guard place + 6 == rest.count, rest[place + 3] == UInt8(ascii: ":"),
                let hours = Self.two(rest, place + 1), let minutes = Self.two(rest, place + 4)
            else { return nil }
            offset = (hours * 60 + minutes) * (rest[place] == UInt8(ascii: "+") ? 60 : -60)
        default: return nil
        }
        self.init(seconds: day.daysSinceEpoch * 86_400 + hour * 3600 + minute * 60 + second - offset)
    }

    private static func two(_ bytes: [UInt8], _ place: Int) -> Int? {
        guard place + 1 < bytes.count else { return nil }
        let digits = bytes[place...place + 1].map { Int($0) - 0x30 }
        guard digits.allSatisfy({ 0...9 ~= $0 }) else { return nil }
        return digits[0] * 10 + digits[1]
    }

    /// `2026-01-31T12:00:00Z`.
    package var description: String {
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let rest = seconds - days * 86_400
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(Self.day(days))T\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))Z"
    }

    /// The day it is in.
    package var day: String { String(description.prefix(10)) }

    /// The date of a number of days since 1970-01-01.
    private static func day(_ days: Int) -> String {
        // Years begin in March here, so that the leap day is the last of its year; 400 years are an era.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let ofEra = shifted - era * 146_097
        let yearOfEra = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * ofYear + 2) / 153
        let day = ofYear - (153 * month + 2) / 5 + 1
        let calendarMonth = month < 10 ? month + 3 : month - 9
        let year = yearOfEra + era * 400 + (calendarMonth <= 2 ? 1 : 0)
        return CalendarDate(year: year, month: calendarMonth, day: day)?.description ?? "0000-00-00"
    }

    package static func < (a: Self, b: Self) -> Bool { a.seconds < b.seconds }
}

/// Time from a moment up to, and without, another.
package struct Period: Sendable, Hashable {
    package let start: Moment
    package let end: Moment

    /// Nil where the end does not come after the start.
    package init?(from start: Moment, to end: Moment) {
        guard start < end else { return nil }
        self.start = start
        self.end = end
    }

    package var seconds: Int { end.seconds - start.seconds }
    package var description: String { "\(start.day) to \(Moment(seconds: end.seconds - 1).day)" }
    package func contains(_ moment: Moment) -> Bool { start <= moment && moment < end }
}
