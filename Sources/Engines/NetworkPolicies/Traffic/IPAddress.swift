/// An address of IPv4 or IPv6.
package struct IPAddress: Sendable, Hashable, Comparable, CustomStringConvertible {
    package enum Family: UInt8, Sendable, Hashable { case v4 = 4, v6 = 6 }

    package let family: Family
    package let value: UInt128

    package init(family: Family, value: UInt128) {
        self.family = family
        self.value = value
    }

    /// Reads `10.0.0.1` or `2001:db8::1`; nil for anything else.
    ///
    /// Leading zeros in IPv4 are refused, since readers disagree whether they mean octal (CVE-2021-29923). An IPv4
    /// address written inside IPv6 (`::ffff:10.0.0.1`) is the IPv4 address, as Go's `net` has it.
    package init?(_ text: String) {
        if let value = Self.parseV4(text.utf8[...]) {
            self.init(family: .v4, value: UInt128(value))
        } else if let value = Self.parseV6(text) {
            if value >> 32 == 0xFFFF {
                self.init(family: .v4, value: value & 0xFFFF_FFFF)
            } else {
                self.init(family: .v6, value: value)
            }
        } else {
            return nil
        }
    }

    /// Reads the bytes of an address as `init(_:)` does its text.
    init?(utf8 bytes: ArraySlice<UInt8>) {
        if let value = Self.parseV4(bytes) {
            self.init(family: .v4, value: UInt128(value))
        } else {
            self.init(String(decoding: bytes, as: UTF8.self))
        }
    }

    private static func parseV4(_ text: some Sequence<UInt8>) -> UInt32? {
        var value: UInt32 = 0
        var octet: UInt32 = 0
        var digits = 0
        var octets = 0
        for byte in text {
            if byte == UInt8(ascii: ".") {
                guard digits > 0, octets < 3 else { return nil }
                value = value << 8 | octet
                (octet, digits, octets) = (0, 0, octets + 1)
            } else {
                guard byte >= 0x30, byte <= 0x39, !(digits > 0 && octet == 0) else { return nil }
                octet = octet * 10 + UInt32(byte - 0x30)
                digits += 1
                guard octet < 256 else { return nil }
            }
        }
        guard octets == 3, digits > 0 else { return nil }
        return value << 8 | octet
    }

    private static func parseV6(_ text: String) -> UInt128? {
        guard text.utf8.contains(UInt8(ascii: ":")) else { return nil }
        let halves = text.split(separator: "::", maxSplits: 2, omittingEmptySubsequences: false)
        guard halves.count <= 2 else { return nil }
        var groups: [[UInt16]] = []
        for (index, half) in halves.enumerated() {
            guard let words = words(half, allowsV4: index == halves.count - 1) else { return nil }
            groups.append(words)
        }
        let count = groups.reduce(0) { $0 + $1.count }
        guard halves.count == 2 ? count < 8 : count == 8 else { return nil }
        var all = groups[0]
        if groups.count == 2 { all += [UInt16](repeating: 0, count: 8 - count) + groups[1] }
        return all.reduce(UInt128(0)) { $0 << 16 | UInt128($1) }
    }

    private static func words(_ text: Substring, allowsV4: Bool) -> [UInt16]? {
        guard !text.isEmpty else { return [] }
        var out: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if index == parts.count - 1, allowsV4, part.contains("."), let v4 = parseV4(part.utf8) {
                out += [UInt16(v4 >> 16), UInt16(v4 & 0xFFFF)]
                continue
            }
            guard !part.isEmpty, part.utf8.count <= 4, !part.hasPrefix("+"), !part.hasPrefix("-"),
                let word = UInt16(part, radix: 16)
            else { return nil }
            out.append(word)
        }
        return out
    }

    package var description: String {
        switch family {
        case .v4: return (0..<4).map { String((value >> (24 - 8 * UInt128($0))) & 0xFF) }.joined(separator: ".")
        case .v6:
            let words = (0..<8).map { UInt16(truncatingIfNeeded: value >> (112 - 16 * UInt128($0))) }
            // RFC 5952: the longest run of two or more zero groups, the first of equals, is "::".
            var best = 0..<0
            var start = 0
            for index in 0...8 where index == 8 || words[index] != 0 {
                if index - start > Swift.max(best.count, 1) { best = start..<index }
                start = index + 1
            }
            let text = { (range: Range<Int>) in range.map { String(words[$0], radix: 16) }.joined(separator: ":") }
            return best.isEmpty ? text(0..<8) : "\(text(0..<best.lowerBound))::\(text(best.upperBound..<8))"
        }
    }

    package static func < (a: Self, b: Self) -> Bool {
        (a.family.rawValue, a.value) < (b.family.rawValue, b.value)
    }
}

/// A block of addresses, `10.0.0.0/8`.
package struct CIDR: Sendable, Hashable, CustomStringConvertible {
    package let base: IPAddress
    package let length: Int

    /// Reads an address and a prefix length; bits behind the prefix are cut off, as the API server accepts them.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(String(parts[0])) else { return nil }
        self.init(address, parts[1])
    }

    /// Reads a block, or a lone address as the block of it.
    package init?(orAddress text: String) {
        if text.contains("/") {
            self.init(text)
        } else if let address = IPAddress(text) {
            self.init(address: address)
        } else {
            return nil
        }
    }

    package init(address: IPAddress) {
        base = address
        length = address.family == .v4 ? 32 : 128
    }

    private init?(_ address: IPAddress, _ digits: Substring) {
        let bits = address.family == .v4 ? 32 : 128
        guard !digits.isEmpty, digits.utf8.count <= 3, digits.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }),
            digits == "0" || !digits.hasPrefix("0"), let length = Int(digits), length <= bits
        else { return nil }
        let host: UInt128 = length == bits ? 0 : length == 0 ? ~0 : ((1 << UInt128(bits - length)) - 1)
        let all: UInt128 = bits == 32 ? 0xFFFF_FFFF : ~0
        base = IPAddress(family: address.family, value: address.value & ~host & all)
        self.length = length
    }

    package var last: UInt128 {
        let bits = base.family == .v4 ? 32 : 128
        return length == bits
            ? base.value
            : length == 0 ? (bits == 32 ? 0xFFFF_FFFF : .max) : base.value | ((1 << UInt128(bits - length)) - 1)
    }

    package func contains(_ other: CIDR) -> Bool {
        base.family == other.base.family && base.value <= other.base.value && other.last <= last
    }

    package var description: String { "\(base)/\(length)" }
}
