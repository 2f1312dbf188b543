import Documents

/// Moments as managers write them, and as this adapter tells them.
enum UTCTime {
    /// `2026-11-23T08:00:00Z` of seconds since 1970, whole or with a fraction; empty for anything else.
    static func text(_ node: Node) -> String {
        guard let seconds = node.double ?? node.int.map(Double.init) else { return node.string ?? "" }
        return text(seconds)
    }

    static func text(_ seconds: Double) -> String {
        guard let parts = parts(seconds) else { return "" }
        let (year, month, day, hour, minute, second) = parts
        return "\(pad(year, 4))-\(pad(month))-\(pad(day))T\(pad(hour)):\(pad(minute)):\(pad(second))Z"
    }

    /// `20261123T080000Z`.
    static func compact(_ seconds: Double) -> String {
        guard let parts = parts(seconds) else { return "" }
        let (year, month, day, hour, minute, second) = parts
        return "\(pad(year, 4))\(pad(month))\(pad(day))T\(pad(hour))\(pad(minute))\(pad(second))Z"
    }

    /// The Gregorian date, from days since 1970-03-01 of a cycle of 400 years.
    private static func parts(_ seconds: Double) -> (Int, Int, Int, Int, Int, Int)? {
        guard seconds.isFinite, abs(seconds) < 1e12 else { return nil }
        let whole = Int(seconds.rounded(.down))
        let days = whole >= 0 ? whole / 86400 : (whole - 86399) / 86400
        let rest = whole - days * 86400
        let shifted = days + 719468
        let era = (shifted >= 0 ? shifted : shifted - 146096) / 146097
        let ofEra = shifted - era * 146097
        let year = (ofEra - ofEra / 1460 + ofEra / 36524 - ofEra / 146096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let month = (5 * ofYear + 2) / 153
        let day = ofYear - (153 * month + 2) / 5 + 1
        let civil = month < 10 ? month + 3 : month - 9
        return (year + era * 400 + (civil <= 2 ? 1 : 0), civil, day, rest / 3600, rest / 60 % 60, rest % 60)
    }

    private static func pad(_ number: Int, _ width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
