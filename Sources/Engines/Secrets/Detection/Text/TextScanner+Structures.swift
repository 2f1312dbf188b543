import Findings

/// Secrets that are known by what stands round them: addresses, armoured keys, headers.
extension TextScanner {
    private static let schemeBytes = ByteClass.alphanumeric.union(ByteClass("+.-"))
    private static let addressEnds = ByteClass(" \t\r\n\"'`<>|\\^")

    /// `scheme://user:password@host`.
    mutating func address(_ text: Span<UInt8>, _ colon: Int) {
        var schemeStart = colon
        while schemeStart > 0, colon - schemeStart < 24, Self.schemeBytes.contains(text[schemeStart - 1]) {
            schemeStart -= 1
        }
        guard schemeStart < colon else { return }
        let begin = colon + 3
        var i = begin
        let limit = min(text.count, begin + 1024)
        var at = -1
        var firstColon = -1
        while i < limit, !Self.addressEnds.contains(text[i]) {
            let byte = text[i]
            if byte == UInt8(ascii: "/") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#") {
                // A password may hold such bytes unescaped; then an `@` still follows before the next blank.
                if firstColon < 0 || at >= 0 { break }
                if !passwordGoesOn(text, i, limit) { break }
            }
            if byte == UInt8(ascii: "@") { at = i }
            if byte == UInt8(ascii: ":"), firstColon < 0, at < 0 { firstColon = i }
            if byte == UInt8(ascii: ",") || byte == UInt8(ascii: ")") || byte == UInt8(ascii: ";"), at >= 0 { break }
            i += 1
        }
        guard at > begin else { return }
        if firstColon < 0 {
            // https://token@host
            let range = begin..<at
            let shape = ValueShape(text, range)
            if shape.length >= 20, shape.looksRandom, !ValueJudge.isReference(text, range) {
                note("url-credential", "Credential in an address", .high, .structure, range)
            }
            return
        }
        let range = firstColon + 1..<at
        guard range.count >= 3, !ValueJudge.isReference(text, range) else { return }
        let shape = ValueShape(text, range)
        // A word such as `password` opens what it was set on; stars and brackets stand for something left out.
        if ValueJudge.isPlaceholder(text, range, shape), shape.distinct < 4 || shape.others > 0 || shape.length > 8 {
            return
        }
        guard text[begin] != UInt8(ascii: "$"), text[begin] != UInt8(ascii: "{"),
            text[range.lowerBound] != UInt8(ascii: "%")
        else { return }
        if ValueJudge.begins(text, schemeStart..<text.count, Array("http://127".utf8)) { return }
        if isDocumentation(text, user: begin..<firstColon, password: range, shape, host: at + 1) { return }
        note("url-credential", "Credential in an address", .high, .structure, range)
    }

    private static let addressUsers: Set<String> = ["username", "user", "myuser", "usr", "name", "login", "dbuser"]
    private static let reservedHosts = ["localhost", "127.", "0.0.0.0", "[::1]", "host.docker.internal"]
    /// Names and numbers that belong to nobody. Source: RFC 2606, RFC 6761, RFC 5737, RFC 3849.
    private static let documentationHosts = [
        "example.com", "example.org", "example.net", ".example", ".invalid", "192.0.2.", "198.51.100.", "203.0.113.",
        "2001:db8",
    ]

    /// Whether an address shows how one is written: its words stand for others, or its host is nobody's.
    private func isDocumentation(
        _ text: Span<UInt8>, user: Range<Int>, password: Range<Int>, _ shape: ValueShape, host: Int
    ) -> Bool {
        var end = host
        while end < text.count, end - host < 253, !Self.addressEnds.contains(text[end]), text[end] != UInt8(ascii: "/"),
            text[end] != UInt8(ascii: "?"), text[end] != UInt8(ascii: ",")
        {
            end += 1
        }
        let name = host..<end
        let isNobodys = Self.documentationHosts.contains { ValueJudge.contains(text, name, $0) }
        if isNobodys, !shape.looksRandom { return true }
        let isWord = ValueJudge.isPlaceholderWord(text, password)
        let who = String(copying: text, user).lowercased()
        // `user:password@` is nobody's anywhere; `root:password@localhost` opens what runs on the reader's machine.
        if isWord,
            Self.addressUsers.contains(who)
                || Self.reservedHosts.contains(where: {
                    ValueJudge.begins(text, name, Array($0.utf8))
                })
        {
            return true
        }
        return who == String(copying: text, password).lowercased()
    }

    private func passwordGoesOn(_ text: Span<UInt8>, _ start: Int, _ limit: Int) -> Bool {
        var i = start
        let end = min(limit, start + 64)
        while i < end, !Self.addressEnds.contains(text[i]), text[i] != UInt8(ascii: ",") {
            if text[i] == UInt8(ascii: "@") {
                // host:port/path@1.2 is no password: digits and a slash came before.
                return text[start] != UInt8(ascii: "/")
            }
            i += 1
        }
        return false
    }

    /// `-----BEGIN … PRIVATE KEY-----` with a body that is one.
    mutating func armour(_ text: Span<UInt8>, _ start: Int) {
        let headerEnd = min(text.count, start + 80)
        guard
            let label = (start + 10..<max(start + 10, headerEnd - 4)).first(where: {
                text[$0] == UInt8(ascii: "-") && text[$0 + 1] == UInt8(ascii: "-") && text[$0 + 2] == UInt8(ascii: "-")
            })
        else { return }
        let header = start..<label
        guard ValueJudge.contains(text, header, "private key"), !ValueJudge.contains(text, header, "encrypted") else {
            return
        }
        var i = label
        while i < text.count, text[i] == UInt8(ascii: "-") { i += 1 }
        let bodyStart = i
        var characters = 0
        var sum: [UInt8] = []
        let limit = min(text.count, bodyStart + 16384)
        while i < limit {
            let byte = text[i]
            if byte == UInt8(ascii: "-"), i + 4 < limit, text[i + 1] == byte, text[i + 2] == byte { break }
            if byte == UInt8(ascii: "\\"), i + 1 < limit, "nrt".utf8.contains(text[i + 1]) {
                i += 2
                continue
            }
            if ByteClass.base64.contains(byte) {
                characters += 1
                if sum.count < 400 { sum.append(byte) }
            } else if byte == UInt8(ascii: ":") {
                // Proc-Type: 4,ENCRYPTED
                let line = max(bodyStart, i - 40)..<min(limit, i + 40)
                if ValueJudge.contains(text, line, "encrypted") { return }
            } else if byte == UInt8(ascii: "<") || byte == UInt8(ascii: "{") {
                return
            }
            i += 1
        }
        guard characters >= 40 else { return }
        let shape = ValueShape(sum.span, 0..<sum.count)
        guard shape.distinct >= 12 else { return }
        // Up to the end of the last line.
        while i < limit, text[i] == UInt8(ascii: "-") { i += 1 }
        while i < min(text.count, i + 60), text[i] != UInt8(ascii: "-"), text[i] != 0x0A { i += 1 }
        while i < text.count, text[i] == UInt8(ascii: "-") { i += 1 }
        note("private-key", "Private key", .critical, .form, start..<i)
    }

    /// `Basic …` and `Bearer …` behind the name of a header.
    mutating func scheme(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
        let isBasic = ValueJudge.lower(text[start + 1]) == UInt8(ascii: "a")
        if start > 0, ByteClass.word.contains(text[start - 1]) { return }
        var i = end
        let bytes = isBasic ? ByteClass.base64 : ByteClass.base64.union(ByteClass("-_.~"))
        while i < text.count, i - end < 4096, bytes.contains(text[i]) { i += 1 }
        let range = end..<i
        guard range.count >= 8 else { return }
        if isBasic {
            guard TokenCheck.isUserAndPassword(text, range) else { return }
            note("basic-authorization", "User and password in a header", .high, .structure, range)
        } else {
            let shape = ValueShape(text, range)
            guard range.count >= 16, shape.digits > 0, shape.looksRandom,
                !ValueJudge.isPlaceholder(text, range, shape)
            else { return }
            note("bearer-token", "Token in a header", .high, .structure, range)
        }
    }

    /// `Authorization: Token …`, `Authorization: …`: schemes of providers' own.
    mutating func header(_ text: Span<UInt8>, _ end: Int) {
        var i = end
        let limit = min(text.count, end + 40)
        while i < limit, "\"'` \t:=,>\\".utf8.contains(text[i]) { i += 1 }
        guard i > end, i < limit else { return }
        // A word of letters and a blank is the scheme.
        var j = i
        while j < limit, ByteClass.letters.contains(text[j]) || text[j] == UInt8(ascii: "-") { j += 1 }
        if j > i, j < limit, text[j] == 0x20 || text[j] == UInt8(ascii: "=") { i = j + 1 }
        let start = i
        let token = ByteClass.base64.union(ByteClass("-_.~@"))
        while i < text.count, i - start < 4096, token.contains(text[i]) { i += 1 }
        let range = start..<i
        guard range.count >= 16 else { return }
        let shape = ValueShape(text, range)
        guard shape.digits >= 2, shape.looksRandom, !ValueJudge.isPlaceholder(text, range, shape),
            !ValueJudge.isReference(text, range)
        else { return }
        note("authorization-header", "Token in a header", .high, .structure, range)
    }
}
