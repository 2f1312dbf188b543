import Documents

/// What can be proved of a token without asking anybody: a checksum, or a structure inside.
enum TokenCheck: String, Sendable, CaseIterable {
    /// The last six characters are the CRC-32 of the rest, in base 62. Source: GitHub engineering blog, 2021-04-05.
    case crc32Base62 = "crc32-base62"
    /// Eight hexadecimal digits at the end: the CRC-32 of `glsa_` and the rest, lowest byte first. Source: Grafana's
    /// `satokengen`, whose prefix is `gl` and the service's letters.
    case crc32Hexadecimal = "crc32-hexadecimal"
    /// Key ids of AWS carry the account in base 32. Source: AWS IAM identifiers; the account is twelve digits.
    case awsKeyId = "aws-key-id"
    /// Header, payload: base64url of JSON (RFC 7519).
    case jwt
    /// Base64 that holds a JSON object.
    case base64JSON = "base64-json"
    /// Base64 that begins `user:` in text.
    case basicAuthorization = "basic-authorization"
    /// Digits and letters both stand in it.
    case mixed
    /// A telegram bot's number is a chat's: 8 to 10 digits, not beginning with 0.
    case telegram
    /// bech32 of age keys: the checksum is valid. Source: BIP 173.
    case bech32
    /// Upper, lower and digits all stand in it.
    case mixedCase = "mixed-case"
    /// Base64 of a number, a colon and random bytes.
    case atlassianToken = "atlassian-token"

    /// Whether the token can be one.
    func accepts(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        switch self {
        case .crc32Base62: Self.hasChecksum(text, range)
        case .crc32Hexadecimal: Self.hasHexadecimalChecksum(text, range)
        case .awsKeyId: Self.isAWSKey(text, range)
        case .jwt: Self.isJWT(text, range)
        case .base64JSON: Self.decoded(text, range)?.first == UInt8(ascii: "{")
        case .basicAuthorization: Self.isUserAndPassword(text, range)
        case .mixed: Self.isMixed(text, range)
        case .telegram: text[range.lowerBound] != UInt8(ascii: "0")
        case .bech32: Self.isBech32(text, range)
        case .atlassianToken: Self.isAtlassianToken(text, range)
        case .mixedCase: Self.isMixedCase(text, range)
        }
    }

    private static func isMixed(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        range.contains { ByteClass.digits.contains(text[$0]) }
            && range.contains { ByteClass.letters.contains(text[$0]) }
    }

    private static func isMixedCase(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        isMixed(text, range) && range.contains { ByteClass.upper.contains(text[$0]) }
            && range.contains { ByteClass.lower.contains(text[$0]) }
    }

    // MARK: GitHub, npm

    private static let base62 = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// `ghp_` 30 characters, then 6 of checksum over those 30.
    static func hasChecksum(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard let bar = range.last(where: { text[$0] == UInt8(ascii: "_") }), range.upperBound - bar > 7 else {
            return false
        }
        let body = bar + 1..<range.upperBound - 6
        var value = crc32(text, body)
        var digits: [UInt8] = []
        for _ in 0..<6 {
            digits.append(base62[Int(value % 62)])
            value /= 62
        }
        for (offset, digit) in digits.reversed().enumerated() where text[range.upperBound - 6 + offset] != digit {
            return false
        }
        return true
    }

    /// `glsa_` 32 characters, `_`, then 8 of checksum over everything before that last bar.
    static func hasHexadecimalChecksum(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard let bar = range.last(where: { text[$0] == UInt8(ascii: "_") }), range.upperBound - bar == 9 else {
            return false
        }
        let value = crc32(text, range.lowerBound..<bar)
        for index in 0..<4 {
            let place = bar + 1 + 2 * index
            let written = UInt32(String(copying: text, place..<place + 2), radix: 16)
            guard written == value >> UInt32(8 * index) & 0xFF else { return false }
        }
        return true
    }

    static func crc32(_ text: Span<UInt8>, _ range: Range<Int>) -> UInt32 {
        var crc: UInt32 = .max
        for i in range {
            crc ^= UInt32(text[i])
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }

    // MARK: AWS

    /// Whether the id can be one; the documentation's own (`…EXAMPLE`) is none.
    static func isAWSKey(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard !ValueJudge.contains(text, range, "example") else { return false }
        return ValueShape(text, range).distinct >= 7
    }

    /// The account an AWS key id belongs to; nil where the id is of the old form that does not carry it.
    ///
    /// Source: the bits behind the fourth character in base 32; the account is bits 47 to 7 of the first six bytes.
    package static func awsAccount(_ id: String) -> String? {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
        let characters = Array(id.utf8.dropFirst(4))
        guard characters.count == 16 else { return nil }
        var bits: UInt64 = 0
        for character in characters.prefix(10) {
            guard let value = alphabet.firstIndex(of: character) else { return nil }
            bits = bits << 5 | UInt64(value)
        }
        // Ten characters are 50 bits; the first six bytes are the upper 48 of them.
        let account = (bits >> 2 & 0x7FFF_FFFF_FF80) >> 7
        guard account < 1_000_000_000_000 else { return nil }
        let digits = String(account)
        return String(repeating: "0", count: 12 - digits.utf8.count) + digits
    }

    // MARK: Base64

    private static func decoded(_ text: Span<UInt8>, _ range: Range<Int>) -> [UInt8]? {
        Base64.decode(text, range)
    }

    static func isJWT(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        let end = range.first { text[$0] == UInt8(ascii: ".") } ?? range.upperBound
        guard let header = decoded(text, range.lowerBound..<end), header.first == UInt8(ascii: "{"),
            header.last == UInt8(ascii: "}")
        else { return false }
        // The shortest signature there is has 32 bytes; `.signature` stands for one. One that was cut off behind claims
        // of some length still tells whose token it was, and the rest is often near.
        if let last = range.last(where: { text[$0] == UInt8(ascii: ".") }), last > end,
            (1..<20).contains(range.upperBound - last - 1)
        {
            guard last - end > 200, range.upperBound - last > 10, isObject(text, end + 1..<last) else { return false }
        }
        let stored = header
        return ValueJudge.contains(stored.span, 0..<stored.count, "\"alg\"")
            || ValueJudge.contains(stored.span, 0..<stored.count, "\"typ\"")
            || ValueJudge.contains(stored.span, 0..<stored.count, "\"enc\"")
    }

    private static func isObject(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard let bytes = decoded(text, range) else { return false }
        return bytes.first == UInt8(ascii: "{") && bytes.last == UInt8(ascii: "}")
    }

    /// `number:` and twenty random bytes, which Jira, Confluence and Bitbucket servers make of a personal token.
    static func isAtlassianToken(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard let bytes = decoded(text, range), bytes.count == 33, bytes[12] == UInt8(ascii: ":"),
            bytes[0] != UInt8(ascii: "0")
        else { return false }
        return bytes.prefix(12).allSatisfy(ByteClass.digits.contains)
            && bytes.dropFirst(13).contains { $0 < 0x20 || $0 > 0x7E }
    }

    static func isUserAndPassword(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard let bytes = decoded(text, range), let colon = bytes.firstIndex(of: UInt8(ascii: ":")), colon < 200 else {
            return false
        }
        guard bytes.count - colon > 3 else { return false }
        let stored = bytes
        let password = colon + 1..<stored.count
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 < 0x7F || $0 >= 0x80 }) else { return false }
        return !ValueJudge.isReference(stored.span, password)
            && !ValueJudge.isPlaceholder(stored.span, password, ValueShape(stored.span, password))
    }

    // MARK: Bech32

    static func isBech32(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool { bech32Remainder(text, range) == 1 }

    /// What the letters leave of the code's polynomial: 1 where the checksum holds, 0 where they are no bech32.
    static func bech32Remainder(_ text: Span<UInt8>, _ range: Range<Int>) -> UInt32 {
        let alphabet = Array("qpzry9x8gf2tvdw0s3jn54khce6mua7l".utf8)
        guard let one = range.last(where: { text[$0] == UInt8(ascii: "1") }), range.upperBound - one > 6 else {
            return 0
        }
        var check: UInt32 = 1
        func mix(_ value: UInt32) {
            let top = check >> 25
            check = (check & 0x1FF_FFFF) << 5 ^ value
            for (bit, constant) in [0x3B6A_57B2, 0x2650_8E6D, 0x1EA1_19FA, 0x3D42_33DD, 0x2A14_62B3].enumerated()
            where top >> UInt32(bit) & 1 == 1 { check ^= UInt32(constant) }
        }
        let human = range.lowerBound..<one
        for i in human { mix(UInt32(ValueJudge.lower(text[i])) >> 5) }
        mix(0)
        for i in human { mix(UInt32(ValueJudge.lower(text[i])) & 31) }
        for i in one + 1..<range.upperBound {
            guard let value = alphabet.firstIndex(of: ValueJudge.lower(text[i])) else { return 0 }
            mix(UInt32(value))
        }
        return check
    }
}
