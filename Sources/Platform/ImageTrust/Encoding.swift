import Documents
package import Foundation

extension Node {
    /// The bytes of a base64 field, in either alphabet, as Protocol Buffers' JSON form has it.
    func base64(_ check: TrustCheck, _ name: String) throws(TrustError) -> [UInt8] {
        guard let text = string else { throw TrustError(check, "\(name) is missing") }
        guard let bytes = Base64.bytes(text) else { throw TrustError(check, "\(name) is not base64") }
        return bytes
    }

    /// A 64-bit number, which Protocol Buffers' JSON form writes as text.
    var int64: Int64? { int.map(Int64.init) ?? string.flatMap { Int64($0) } }
}

enum Base64 {
    /// Nothing but the alphabet, padding only at the end, and line breaks, which Go's reader of such documents passes
    /// over and which `base64` therefore may have left in them.
    static func bytes(_ text: String) -> [UInt8]? {
        var common = text.replacing("-", with: "+").replacing("_", with: "/")
        common.unicodeScalars.removeAll { $0 == "\n" || $0 == "\r" }
        let missing = (4 - common.utf8.count % 4) % 4
        guard missing < 3 else { return nil }
        return Data(base64Encoded: common + String(repeating: "=", count: missing)).map { Array($0) }
    }

    static func text(_ bytes: some Sequence<UInt8>) -> String { Data(bytes).base64EncodedString() }
}

/// PEM blocks (RFC 7468) of a text.
struct PEMBlocks {
    struct Block {
        var label: String
        var bytes: [UInt8]
    }

    var blocks: [Block] = []

    init(_ text: String) throws(TrustError) {
        var label: String?
        var body = ""
        for line in text.split(whereSeparator: \.isNewline).map({ $0.trimmingCharacters(in: .whitespaces) }) {
            if line.hasPrefix("-----BEGIN "), line.hasSuffix("-----") {
                label = String(line.dropFirst(11).dropLast(5))
                body = ""
            } else if line.hasPrefix("-----END ") {
                guard let name = label, line == "-----END \(name)-----", let bytes = Base64.bytes(body) else {
                    throw TrustError(.signer, "a PEM block is not well-formed")
                }
                blocks.append(Block(label: name, bytes: bytes))
                label = nil
            } else if label != nil {
                body += line
            }
        }
        guard label == nil else { throw TrustError(.signer, "a PEM block has no end") }
    }
}

/// Moments as documents of Sigstore write them.
package enum Moment {
    /// RFC 3339: `2023-07-12T15:56:36Z`, `2022-12-31T23:59:59.999Z`, `…+02:00`.
    package static func date(_ text: String) -> Date? {
        let bytes = Array(text.utf8)
        func number(_ range: Range<Int>) -> Int? {
            guard range.upperBound <= bytes.count else { return nil }
            var value = 0
            for byte in bytes[range] {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
            }
            return value
        }
        guard bytes.count >= 20, bytes[4] == 0x2D, bytes[7] == 0x2D, bytes[10] | 0x20 == UInt8(ascii: "t"),
            bytes[13] == 0x3A, bytes[16] == 0x3A, let year = number(0..<4), let month = number(5..<7),
            let day = number(8..<10), let hour = number(11..<13), let minute = number(14..<16),
            let second = number(17..<19), (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
            second < 61
        else { return nil }
        var position = 19
        var fraction = 0.0
        if bytes[position] == UInt8(ascii: ".") {
            var scale = 0.1
            position += 1
            while position < bytes.count, let digit = number(position..<position + 1) {
                fraction += Double(digit) * scale
                scale /= 10
                position += 1
            }
        }
        var offset = 0
        let zone = bytes[position...]
        if zone.count == 1, zone.first.map({ $0 | 0x20 }) == UInt8(ascii: "z") {
            offset = 0
        } else if zone.count == 6, bytes[position + 3] == 0x3A, let hours = number(position + 1..<position + 3),
            let minutes = number(position + 4..<position + 6)
        {
            offset = (hours * 60 + minutes) * 60
            if bytes[position] == UInt8(ascii: "-") { offset = -offset }
        } else {
            return nil
        }
        return date(year, month, day, hour, minute, second, fraction).addingTimeInterval(-Double(offset))
    }

    static func date(
        _ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int, _ second: Int, _ fraction: Double = 0
    ) -> Date {
        // Days since 1970 in the proleptic Gregorian calendar, with years that begin in March.
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        return Date(timeIntervalSince1970: Double(days * 86_400 + hour * 3_600 + minute * 60 + second) + fraction)
    }

    static func text(_ date: Date) -> String { date.formatted(.iso8601) }
}
