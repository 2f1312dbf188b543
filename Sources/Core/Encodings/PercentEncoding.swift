/// Bytes as they stand in an address: `%2F` for what would mean something there (RFC 3986, section 2.1).
package enum PercentEncoding {
    /// Keeps letters, digits and `-._~` (RFC 3986, section 2.3: unreserved), and what `others` holds.
    ///
    /// - Parameter others: ASCII characters that mean nothing where the text will stand.
    package static func encoded(_ bytes: some Sequence<UInt8>, keeping others: String = "") -> String {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.underestimatedCount)
        for byte in bytes {
            if isUnreserved(byte) || others.utf8.contains(byte) {
                out.append(byte)
            } else {
                out += [UInt8(ascii: "%"), Hexadecimal.upper(byte >> 4), Hexadecimal.upper(byte & 15)]
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    package static func encoded(_ text: some StringProtocol, keeping others: String = "") -> String {
        // Most texts hold nothing that has to be written otherwise, and are what they were.
        let plain = String(text)
        let isKept = plain.utf8.allSatisfy { isUnreserved($0) || others.utf8.contains($0) }
        return isKept ? plain : encoded(plain.utf8, keeping: others)
    }

    /// What stands behind the percent signs; nil where one of them has no two hexadecimal digits behind it.
    ///
    /// - Parameter plusIsSpace: as in a query that a form made.
    package static func decoded(_ text: some Sequence<UInt8>, plusIsSpace: Bool = false) -> [UInt8]? {
        decoded(text, plusIsSpace: plusIsSpace, isStrict: true)
    }

    /// As text; what is no UTF-8 becomes replacement characters.
    package static func decoded(_ text: some StringProtocol) -> String? {
        decoded(text.utf8).map { String(decoding: $0, as: UTF8.self) }
    }

    /// What stands behind the percent signs that have two hexadecimal digits behind them; the others stay.
    package static func decodedLeniently(_ text: some StringProtocol) -> String {
        String(decoding: decoded(text.utf8, plusIsSpace: false, isStrict: false) ?? [], as: UTF8.self)
    }

    private static func decoded(_ text: some Sequence<UInt8>, plusIsSpace: Bool, isStrict: Bool) -> [UInt8]? {
        var out: [UInt8] = []
        out.reserveCapacity(text.underestimatedCount)
        var rest = Array(text)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                out.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                continue
            }
            guard rest.count >= 2, let high = Hexadecimal.value(rest[rest.startIndex]),
                let low = Hexadecimal.value(rest[rest.startIndex + 1])
            else {
                if isStrict { return nil }
                out.append(byte)
                continue
            }
            out.append(high << 4 | low)
            rest = rest.dropFirst(2)
        }
        return out
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
