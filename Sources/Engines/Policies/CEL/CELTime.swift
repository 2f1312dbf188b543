import Foundation

/// A moment between the years 1 and 9999, to the nanosecond.
package struct CELTimestamp: Sendable, Hashable, Comparable {
    package var seconds: Int64
    package var nanoseconds: Int64

    /// 0001-01-01T00:00:00Z.
    static let lowest: Int64 = -62_135_596_800
    /// 9999-12-31T23:59:59Z.
    static let highest: Int64 = 253_402_300_799

    package init(seconds: Int64, nanoseconds: Int64) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    package static func < (a: Self, b: Self) -> Bool {
        (a.seconds, a.nanoseconds) < (b.seconds, b.nanoseconds)
    }

    var isInRange: Bool { (Self.lowest...Self.highest).contains(seconds) }

    /// The moment `duration` nanoseconds later; nil beyond the range.
    func adding(_ duration: Int64) -> CELTimestamp? {
        var seconds = self.seconds + duration / 1_000_000_000
        var nanoseconds = self.nanoseconds + duration % 1_000_000_000
        if nanoseconds < 0 {
            nanoseconds += 1_000_000_000
            seconds -= 1
        } else if nanoseconds >= 1_000_000_000 {
            nanoseconds -= 1_000_000_000
            seconds += 1
        }
        let moment = CELTimestamp(seconds: seconds, nanoseconds: nanoseconds)
        return moment.isInRange ? moment : nil
    }

    /// Nanoseconds from another moment to this one; nil beyond what a duration holds.
    func since(_ other: CELTimestamp) -> Int64? {
        let (product, overflow) = (seconds - other.seconds).multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return nil }
        let (sum, over) = product.addingReportingOverflow(nanoseconds - other.nanoseconds)
        return over ? nil : sum
    }

    // MARK: Calendar

    /// The parts of the moment at an offset from UTC in seconds.
    func parts(offset: Int64 = 0) -> CELCalendar {
        let local = seconds + offset
        let day = local >= 0 ? local / 86_400 : -((-local + 86_399) / 86_400)
        return CELCalendar(day: day, second: local - day * 86_400)
    }

    /// Seconds that a zone is ahead of UTC at this moment: an IANA name, or `±hh:mm`.
    func offset(of zone: String) -> Int64? {
        if zone == "UTC" || zone.isEmpty { return 0 }
        if let index = zone.firstIndex(of: ":") {
            var hours = zone[..<index]
            let isNegative = hours.first == "-"
            if isNegative || hours.first == "+" { hours = hours.dropFirst() }
            guard let hour = Int64(hours), let minute = Int64(zone[zone.index(after: index)...]), minute < 60
            else { return nil }
            let offset = hour * 3600 + minute * 60
            return isNegative ? -offset : offset
        }
        guard let known = TimeZone(identifier: zone) else { return nil }
        return Int64(known.secondsFromGMT(for: Date(timeIntervalSince1970: Double(seconds))))
    }

    /// RFC 3339 in UTC, with as many digits of the second as there are.
    package var text: String {
        let calendar = parts()
        func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : String(value) }
        let year = String(calendar.year)
        var text = String(repeating: "0", count: max(0, 4 - year.count)) + year
        text += "-\(two(calendar.month))-\(two(calendar.dayOfMonth))T"
        text += "\(two(calendar.hour)):\(two(calendar.minute)):\(two(calendar.second))"
        if nanoseconds != 0 {
            var digits = String(nanoseconds)
            digits = String(repeating: "0", count: 9 - digits.count) + digits
            while digits.last == "0" { digits.removeLast() }
            text += ".\(digits)"
        }
        return text + "Z"
    }

    /// Reads RFC 3339.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        var place = 0
        func number(_ digits: Int) -> Int64? {
            guard place + digits <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[place..<place + digits] {
                guard (48...57).contains(byte) else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            place += digits
            return value
        }
        func skip(_ characters: String) -> Bool {
            guard place < bytes.count, characters.utf8.contains(bytes[place]) else { return false }
            place += 1
            return true
        }
        guard let year = number(4), skip("-"), let month = number(2), skip("-"), let day = number(2), skip("Tt"),
            let hour = number(2), skip(":"), let minute = number(2), skip(":"), let second = number(2),
            (1...12).contains(month), day >= 1, day <= CELCalendar.days(in: month, of: year), hour < 24, minute < 60,
            second < 60
        else { return nil }
        var fraction: Int64 = 0
        if skip(".,") {
            var scale: Int64 = 100_000_000
            let start = place
            while place < bytes.count, (48...57).contains(bytes[place]) {
                fraction += Int64(bytes[place] - 48) * scale
                scale /= 10
                place += 1
            }
            guard place > start else { return nil }
        }
        var offset: Int64 = 0
        if !skip("Zz") {
            let isNegative = place < bytes.count && bytes[place] == UInt8(ascii: "-")
            guard skip("+-"), let hours = number(2), skip(":"), let minutes = number(2), hours < 25, minutes < 61
            else { return nil }
            offset = (hours * 3600 + minutes * 60) * (isNegative ? -1 : 1)
        }
        guard place == bytes.count else { return nil }
        let days = CELCalendar.days(year: year, month: month, day: day)
        seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        nanoseconds = fraction
        guard isInRange else { return nil }
    }
}

/// A day of the proleptic Gregorian calendar and the time in it.
struct CELCalendar {
    let year: Int64
    /// From 1.
    let month: Int64
    /// From 1.
    let dayOfMonth: Int64
    /// From 0.
    let dayOfYear: Int64
    /// Sunday is 0.
    let dayOfWeek: Int64
    let hour: Int64
    let minute: Int64
    let second: Int64

    /// From days since 1970-01-01 and the second of the day.
    init(day: Int64, second: Int64) {
        // Years that begin in March put the leap day last.
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayFromMarch = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayFromMarch + 2) / 153
        dayOfMonth = dayFromMarch - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        dayOfYear = day - Self.days(year: year, month: 1, day: 1)
        dayOfWeek = ((day % 7) + 11) % 7
        hour = second / 3600
        minute = second / 60 % 60
        self.second = second % 60
    }

    /// Days from 1970-01-01.
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayFromMarch = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayFromMarch - 719_468
    }

    static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Durations as Go writes and reads them.
enum CELDuration {
    /// Seconds with a fraction, `90.5s`: the form that `string(duration)` gives.
    static func text(_ nanoseconds: Int64) -> String {
        let seconds = nanoseconds / 1_000_000_000
        let rest = abs(nanoseconds % 1_000_000_000)
        let sign = nanoseconds < 0 && seconds == 0 ? "-" : ""
        guard rest != 0 else { return "\(seconds)s" }
        var digits = String(rest)
        digits = String(repeating: "0", count: 9 - digits.count) + digits
        while digits.last == "0" { digits.removeLast() }
        return "\(sign)\(seconds).\(digits)s"
    }

    /// Reads `1h30m`, `-1.5s`, `10ms`; nil where it is none, or beyond the range.
    static func parse(_ text: String) -> Int64? {
        var bytes = Array(text.utf8)[...]
        var isNegative = false
        if bytes.first == UInt8(ascii: "-") || bytes.first == UInt8(ascii: "+") {
            isNegative = bytes.removeFirst() == UInt8(ascii: "-")
        }
        if bytes.elementsEqual("0".utf8) { return 0 }
        guard !bytes.isEmpty else { return nil }
        var total: UInt64 = 0
        while !bytes.isEmpty {
            var whole: UInt64 = 0
            var digits = 0
            while let byte = bytes.first, (48...57).contains(byte) {
                let (product, over) = whole.multipliedReportingOverflow(by: 10)
                guard !over, product <= 1 << 63 else { return nil }
                whole = product + UInt64(byte - 48)
                bytes.removeFirst()
                digits += 1
            }
            var fraction: UInt64 = 0
            var scale = 1.0
            if bytes.first == UInt8(ascii: ".") {
                bytes.removeFirst()
                var isFull = false
                while let byte = bytes.first, (48...57).contains(byte) {
                    bytes.removeFirst()
                    digits += 1
                    if isFull || fraction > (UInt64(1) << 63 - 1) / 10 {
                        isFull = true
                        continue
                    }
                    fraction = fraction * 10 + UInt64(byte - 48)
                    scale *= 10
                }
            }
            guard digits > 0 else { return nil }
            let unit = bytes.prefix { $0 != UInt8(ascii: ".") && !(48...57).contains($0) }
            bytes = bytes.dropFirst(unit.count)
            let size: UInt64
            switch String(decoding: unit, as: UTF8.self) {
            case "ns": size = 1
            case "us", "µs", "μs": size = 1000
            case "ms": size = 1_000_000
            case "s": size = 1_000_000_000
            case "m": size = 60_000_000_000
            case "h": size = 3_600_000_000_000
            default: return nil
            }
            let (product, over) = whole.multipliedReportingOverflow(by: size)
            guard !over, product <= 1 << 63 else { return nil }
            var part = product
            if fraction > 0 { part += UInt64(Double(fraction) * (Double(size) / scale)) }
            guard part <= 1 << 63 else { return nil }
            let (sum, tooMuch) = total.addingReportingOverflow(part)
            guard !tooMuch, sum <= 1 << 63 else { return nil }
            total = sum
        }
        if isNegative { return total == 1 << 63 ? Int64.min : -Int64(total) }
        return Int64(exactly: total)
    }
}
