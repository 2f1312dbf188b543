import Documents
import Findings

/// Keys that carry no armour: JSON Web Keys, DER in bare base64, arrays of bytes in programs.
extension TextScanner {
    // MARK: JSON Web Key

    /// The private part of the key whose `"kty"` stands at `start`: `d` of RSA, EC and OKP, `k` of oct.
    ///
    /// Source: RFC 7517, section 4; RFC 7518, sections 6.2.2, 6.3.2 and 6.4.1; RFC 8037, section 2.
    mutating func webKey(_ text: Span<UInt8>, _ start: Int) {
        guard start > 0, Self.isQuote(text[start - 1]) else { return }
        guard let object = enclosingObject(text, start) else { return }
        var i = object.lowerBound + 1
        var depth = 0
        while i < object.upperBound {
            let byte = text[i]
            if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") { depth += 1 }
            if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") { depth -= 1 }
            guard Self.isQuote(byte), depth == 0, let name = quoted(text, i) else {
                i += 1
                continue
            }
            var j = name.upperBound
            while j < object.upperBound, "\\\"'` \t\r\n".utf8.contains(text[j]) { j += 1 }
            guard j < object.upperBound, text[j] == UInt8(ascii: ":") else {
                i = name.upperBound + 1
                continue
            }
            j += 1
            while j < object.upperBound, ByteClass.space.contains(text[j]) { j += 1 }
            guard let value = quoted(text, j), value.upperBound < object.upperBound else {
                i = j
                continue
            }
            let isPrivate = name.count == 1 && "dk".utf8.contains(text[name.lowerBound])
            if isPrivate, value.count >= 16, value.allSatisfy({ Self.webKeyBytes.contains(text[$0]) }),
                ValueShape(text, value).looksRandom
            {
                note("jwk-private-key", "Private key in a JSON Web Key", .critical, .form, value)
                return
            }
            i = value.upperBound + 1
        }
    }

    private static let webKeyBytes = ByteClass.word.union(ByteClass("-=+/"))

    /// The braces round a place, told by counting; nil where they are further than a key is long.
    private func enclosingObject(_ text: Span<UInt8>, _ place: Int) -> Range<Int>? {
        var begin = place
        var depth = 0
        let earliest = max(0, place - 8192)
        while begin > earliest {
            begin -= 1
            if text[begin] == UInt8(ascii: "}") { depth += 1 }
            if text[begin] == UInt8(ascii: "{") {
                if depth == 0 { break }
                depth -= 1
            }
        }
        guard text[begin] == UInt8(ascii: "{") else { return nil }
        var end = place
        depth = 0
        let latest = min(text.count, place + 8192)
        while end < latest {
            if text[end] == UInt8(ascii: "{") { depth += 1 }
            if text[end] == UInt8(ascii: "}") {
                if depth == 0 { return begin..<end }
                depth -= 1
            }
            end += 1
        }
        return nil
    }

    // MARK: DER without armour

    /// A private key as base64 of its DER, without the lines that say so.
    ///
    /// Source: RFC 8017, appendix A.1.2 (RSAPrivateKey); RFC 5208 (PrivateKeyInfo); RFC 5915 (ECPrivateKey). All begin
    /// with a sequence of a small version; certificates and public keys begin otherwise.
    mutating func bareKey(_ text: Span<UInt8>, _ start: Int) {
        guard text[start] == UInt8(ascii: "M"), start == 0 || !ByteClass.base64.contains(text[start - 1]) else {
            return
        }
        let head = start..<min(text.count, start + 48)
        guard head.count == 48 else { return }
        var sign = head.lowerBound
        while sign < head.upperBound, ByteClass.base64.contains(text[sign]) { sign += 1 }
        guard sign - start >= 40, let der = Base64.decode(text, start..<start + (sign - start) / 4 * 4),
            let length = Self.privateKeyLength(der)
        else { return }
        // Lines go on: blanks, line ends written as such, quotes and signs that join literals.
        var i = start
        var written: [UInt8] = []
        var last = start
        let wanted = (length + 2) / 3 * 4
        let limit = min(text.count, start + wanted * 2 + 256)
        while i < limit, written.count < wanted {
            let byte = text[i]
            if ByteClass.base64.contains(byte) {
                written.append(byte)
                last = i
            } else if byte == UInt8(ascii: "\\"), i + 1 < limit, "nrt".utf8.contains(text[i + 1]) {
                i += 1
            } else if Self.isQuote(byte), let next = nextLiteral(text, i) {
                i = next
            } else if byte == UInt8(ascii: "-") || !ByteClass.space.contains(byte) {
                break
            }
            i += 1
        }
        // What was cut off or changed is no key any more.
        while !written.count.isMultiple(of: 4), written.count < wanted { written.append(UInt8(ascii: "=")) }
        guard let whole = Base64.decode(written), Self.isPrivateKey(whole) else { return }
        while last + 1 < text.count, text[last + 1] == UInt8(ascii: "=") { last += 1 }
        note("private-key", "Private key", .critical, .structure, start..<last + 1)
    }

    /// Where the next literal's quote stands if one follows that a program joins to this: `" +`, `",`, a line end.
    private func nextLiteral(_ text: Span<UInt8>, _ quote: Int) -> Int? {
        var i = quote + 1
        let limit = min(text.count, quote + 60)
        while i < limit, ByteClass.space.contains(text[i]) || "+,\\.".utf8.contains(text[i]) { i += 1 }
        return i < limit && text[i] == text[quote] ? i : nil
    }

    /// Whether the structure holds what it says, up to its last byte: nine numbers of an RSA key, or a key in an
    /// envelope.
    private static func isPrivateKey(_ der: [UInt8]) -> Bool {
        var place = 1
        guard let body = length(der, &place), place + body <= der.count else { return false }
        let end = place + body
        var tags: [UInt8] = []
        while place < end, tags.count < 16 {
            tags.append(der[place])
            place += 1
            guard let inner = length(der, &place), place + inner <= end else { return false }
            place += inner
        }
        guard place == end else { return false }
        return tags == [UInt8](repeating: 0x02, count: 9) || tags.starts(with: [0x02, 0x30, 0x04])
            || tags.starts(with: [0x02, 0x04])
    }

    /// The length of the whole structure in bytes if it begins as a private key does.
    private static func privateKeyLength(_ der: [UInt8]) -> Int? {
        guard der.count >= 24, der[0] == 0x30 else { return nil }
        var place = 1
        guard let body = length(der, &place) else { return nil }
        let whole = place + body
        guard place + 3 < der.count, der[place] == 0x02, der[place + 1] == 0x01, der[place + 2] <= 1 else {
            return nil
        }
        let version = der[place + 2]
        place += 3
        switch der[place] {
        case 0x02 where version == 0:
            // RSA: the modulus, of 512 bits at least.
            place += 1
            guard let modulus = length(der, &place), modulus >= 64, modulus < body else { return nil }
            return whole
        case 0x30:
            // PKCS #8: an algorithm by its number.
            place += 1
            guard length(der, &place) != nil, place < der.count, der[place] == 0x06 else { return nil }
            return whole
        case 0x04 where version == 1:
            // SEC 1: the private value, of 20 bytes at least.
            place += 1
            guard let value = length(der, &place), (20...66).contains(value) else { return nil }
            return whole
        default: return nil
        }
    }

    /// A length of DER at `place`, which moves behind it.
    private static func length(_ der: [UInt8], _ place: inout Int) -> Int? {
        guard place < der.count else { return nil }
        let first = Int(der[place])
        place += 1
        if first < 0x80 { return first }
        let count = first & 0x7F
        guard (1...3).contains(count), place + count <= der.count else { return nil }
        var value = 0
        for _ in 0..<count {
            value = value << 8 | Int(der[place])
            place += 1
        }
        return value
    }

    // MARK: Arrays of bytes

    /// `AES_KEY[] = {0x35, 0x34, …}`: a key written byte by byte behind a name of one.
    mutating func byteArray(_ text: Span<UInt8>, _ word: Int, _ nameEnd: Int) {
        var i = nameEnd
        let limit = min(text.count, nameEnd + 60)
        let between = Self.beforeArray
        while i < limit, !Self.opens(text[i]) {
            guard between.contains(text[i]) else { return }
            i += 1
        }
        guard i < limit else { return }
        let begin = i + 1
        guard let bytes = numbers(text, begin), bytes.values.count >= 16 else { return }
        var seen = Set<UInt8>()
        for value in bytes.values { seen.insert(value) }
        // Tables count up or repeat; keys of sixteen bytes hardly ever do.
        let steps = zip(bytes.values, bytes.values.dropFirst()).filter { $1 == $0 &+ 1 }.count
        guard seen.count >= 8, steps * 2 < bytes.values.count else { return }
        let written = String(copying: text, nameStart(text, word)..<nameEnd)
        let words = CredentialName.words(of: written)
        let isKey = CredentialName(written)?.kind == .secret || words.contains { Self.keyArrayNames.contains($0) }
        guard isKey else { return }
        note("generic-secret", "Key written byte by byte", .high, .generic, begin..<bytes.end)
    }

    private static let beforeArray = ByteClass.word.union(ByteClass(" \t=:[]<>()"))
    private static let keyArrayNames: Set<String> = ["aeskey", "deskey", "hmackey", "rsakey", "secretkey", "xorkey"]

    private static func opens(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "{") }

    /// Numbers of one byte with commas between, as C writes them.
    private func numbers(_ text: Span<UInt8>, _ start: Int) -> (values: [UInt8], end: Int)? {
        var values: [UInt8] = []
        var i = start
        var end = start
        while i < text.count, values.count < 4096 {
            while i < text.count, ByteClass.space.contains(text[i]) || ",\\".utf8.contains(text[i]) { i += 1 }
            let begin = i
            while i < text.count, ByteClass.alphanumeric.contains(text[i]), i - begin < 5 { i += 1 }
            guard i > begin else { break }
            let word = String(copying: text, begin..<i).lowercased()
            let value =
                word.hasPrefix("0x")
                ? UInt8(word.dropFirst(2), radix: 16)
                : word.hasPrefix("0") && word.count > 1 ? UInt8(word.dropFirst(), radix: 8) : UInt8(word)
            guard let value else { return nil }
            values.append(value)
            end = i
        }
        return (values, end)
    }
}
