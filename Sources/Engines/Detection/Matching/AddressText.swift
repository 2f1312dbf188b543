import Encodings

/// Addresses and networks as `inet_pton` reads them, in network order: 4 or 16 bytes.
package enum AddressText {
    package static func v4(_ text: some Sequence<UInt8>) -> [UInt8]? {
        var out: [UInt8] = []
        var octet = -1
        for byte in text {
            if byte == UInt8(ascii: ".") {
                guard octet >= 0, out.count < 3 else { return nil }
                out.append(UInt8(octet))
                octet = -1
            } else {
                // A leading zero is refused: readers disagree whether it means octal.
                guard ConditionLexer.isDigit(byte), octet != 0 else { return nil }
                octet = max(octet, 0) * 10 + Int(byte - 0x30)
                guard octet < 256 else { return nil }
            }
        }
        guard octet >= 0, out.count == 3 else { return nil }
        return out + [UInt8(octet)]
    }

    package static func v6(_ text: [UInt8]) -> [UInt8]? {
        var groups: [UInt8] = []
        var gap: Int?
        var i = 0
        if text.first == UInt8(ascii: ":") {
            guard text.count > 1, text[1] == UInt8(ascii: ":") else { return nil }
            gap = 0
            i = 2
        }
        while i < text.count {
            let start = i
            var value = 0
            while i < text.count, let digit = Hexadecimal.value(text[i]) {
                value = value << 4 | Int(digit)
                i += 1
                guard i - start <= 4 else {
                    // May still be the first octet of an IPv4 tail only if it is short; five digits never are.
                    return nil
                }
            }
            if i < text.count, text[i] == UInt8(ascii: ".") {
                guard let tail = v4(text[start...]), groups.count <= 12 else { return nil }
                groups += tail
                i = text.count
                break
            }
            guard i > start, groups.count < 16 else { return nil }
            groups += [UInt8(value >> 8), UInt8(value & 0xFF)]
            guard i < text.count else { break }
            guard text[i] == UInt8(ascii: ":") else { return nil }
            i += 1
            guard i < text.count else { return nil }
            if text[i] == UInt8(ascii: ":") {
                guard gap == nil else { return nil }
                gap = groups.count
                i += 1
            }
        }
        guard let gap else { return groups.count == 16 ? groups : nil }
        guard groups.count < 16 else { return nil }
        return groups[..<gap] + [UInt8](repeating: 0, count: 16 - groups.count) + groups[gap...]
    }

    /// Either family, told apart by a dot as Falco does.
    package static func address(_ text: [UInt8]) -> [UInt8]? {
        text.contains(UInt8(ascii: ".")) ? v4(text) : v6(text)
    }

    /// The text of an address of 4 or 16 bytes.
    package static func text(_ bytes: [UInt8]) -> String {
        if bytes.count == 4 { return bytes.map { String($0) }.joined(separator: ".") }
        guard bytes.count == 16 else { return "<NA>" }
        let words = (0..<8).map { UInt16(bytes[2 * $0]) << 8 | UInt16(bytes[2 * $0 + 1]) }
        // RFC 5952: the longest run of two or more zero groups, the first of equals.
        var best = 0..<0
        var start = 0
        for index in 0...8 where index == 8 || words[index] != 0 {
            if index - start > max(best.count, 1) { best = start..<index }
            start = index + 1
        }
        func joined(_ range: Range<Int>) -> String { range.map { String(words[$0], radix: 16) }.joined(separator: ":") }
        return best.isEmpty ? joined(0..<8) : "\(joined(0..<best.lowerBound))::\(joined(best.upperBound..<8))"
    }
}

/// A network a value is tested against.
struct AddressRange: Hashable, Sendable {
    var address: [UInt8]
    var prefix: Int

    func contains(_ other: [UInt8]) -> Bool {
        guard other.count == address.count else { return false }
        var left = prefix
        for (a, b) in zip(address, other) {
            guard left > 0 else { return true }
            let mask: UInt8 = left >= 8 ? 0xFF : ~(0xFF >> UInt8(left))
            guard a & mask == b & mask else { return false }
            left -= 8
        }
        return true
    }
}
