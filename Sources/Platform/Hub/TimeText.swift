package import Findings
import FoundationEssentials
package import Store

/// Times as people and programs read them.
package enum TimeText {
    /// `2026-11-23T11:02:03Z` (RFC 3339).
    package static func rfc3339(_ time: Milliseconds) -> String {
        Date(timeIntervalSince1970: Double(time / 1000)).formatted(.iso8601)
    }

    /// Reads RFC 3339, with or without fractions of a second.
    package static func milliseconds(_ text: String) -> Milliseconds? {
        let date =
            (try? Date.ISO8601FormatStyle().parse(text))
            ?? (try? Date.ISO8601FormatStyle(includingFractionalSeconds: true).parse(text))
        guard let seconds = date?.timeIntervalSince1970, abs(seconds) < 1e11 else { return nil }
        return Milliseconds((seconds * 1000).rounded())
    }

    /// The machine's clock.
    package static let system: @Sendable () -> Milliseconds = {
        Milliseconds((Date.now.timeIntervalSince1970 * 1000).rounded(.down))
    }
}

extension CalendarDate {
    /// The day of a moment in UTC.
    package static func of(_ time: Milliseconds) -> CalendarDate {
        guard let day = CalendarDate(TimeText.rfc3339(time)) else {
            preconditionFailure("a moment in RFC 3339 begins with its day")
        }
        return day
    }
}
