/// A span of time as Go writes and reads it: `1h30m`, `300ms`, `0`.
///
/// Standard: `time.ParseDuration`. Configuration files of Kubernetes components hold times in this form only, so a
/// bare number other than `0` is an error there, not seconds.
package struct GoDuration: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var nanoseconds: Int

    package init(nanoseconds: Int) { self.nanoseconds = nanoseconds }

    package init(seconds: Int) { self.nanoseconds = seconds * 1_000_000_000 }

    /// Nil for text that Go refuses, and for spans longer than about 292 years.
    package init?(_ text: String) {
        var rest = Array(text.utf8)[...]
        var isNegative = false
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            rest.removeFirst()
        }
        guard !rest.isEmpty else { return nil }
        if rest.elementsEqual("0".utf8) {
            nanoseconds = 0
            return
        }
        var total = 0.0
        while !rest.isEmpty {
            let number = rest.prefix { Self.isDigit($0) || $0 == UInt8(ascii: ".") }
            guard number.contains(where: Self.isDigit), number.count(where: { $0 == UInt8(ascii: ".") }) <= 1,
                let value = Self.decimal(number)
            else { return nil }
            rest = rest.dropFirst(number.count)
            let unit = rest.prefix { !Self.isDigit($0) && $0 != UInt8(ascii: ".") }
            guard let size = Self.units[String(decoding: unit, as: UTF8.self)] else { return nil }
            rest = rest.dropFirst(unit.count)
            total += value * size
        }
        guard total < 9.2e18 else { return nil }
        nanoseconds = isNegative ? -Int(total) : Int(total)
    }

    package var isPositive: Bool { nanoseconds > 0 }

    /// The shortest form in hours, minutes and seconds.
    package var description: String {
        guard nanoseconds != 0 else { return "0s" }
        guard nanoseconds % 1_000_000_000 == 0 else { return "\(nanoseconds)ns" }
        var left = abs(nanoseconds) / 1_000_000_000
        var text = nanoseconds < 0 ? "-" : ""
        for (unit, size) in [("h", 3600), ("m", 60), ("s", 1)] where left >= size {
            text += "\(left / size)\(unit)"
            left %= size
        }
        return text
    }

    package static func < (a: Self, b: Self) -> Bool { a.nanoseconds < b.nanoseconds }

    private static let units: [String: Double] = [
        "ns": 1, "us": 1e3, "µs": 1e3, "μs": 1e3, "ms": 1e6, "s": 1e9, "m": 6e10, "h": 3.6e12,
    ]

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func decimal(_ bytes: ArraySlice<UInt8>) -> Double? {
        var text = String(decoding: bytes, as: UTF8.self)
        if text.hasPrefix(".") { text = "0" + text }
        if text.hasSuffix(".") { text += "0" }
        return Double(text)
    }
}
