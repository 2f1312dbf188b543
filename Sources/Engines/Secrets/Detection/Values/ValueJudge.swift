/// Whether a value could be a secret, before anybody asks what it is called.
enum ValueJudge {
    /// How much the place of a value says.
    enum Setting: Sendable {
        /// A field whose value is the value: an environment variable, an entry of a properties file.
        case configuration
        /// A text in quotes in a program.
        case quotedSource
        /// Bytes behind an `=` in a program: as likely a variable.
        case bareSource
    }

    /// Whether a value under a name of this kind is one.
    static func isSecret(
        _ text: Span<UInt8>, _ range: Range<Int>, named kind: CredentialName.Kind, in setting: Setting
    ) -> Bool {
        guard range.count >= 4, range.count <= 4096, isEnough(text, range, kind, setting), !isReference(text, range)
        else { return false }
        let shape = ValueShape(text, range)
        if isPlaceholder(text, range, shape) || isPublished(text, range) { return false }
        guard !isOrdinary(text, range, shape), !isLabel(text, range) else { return false }
        let random = shape.looksRandom || isHexadecimal(shape, text, range)
        switch (kind, setting) {
        case (.weak, .configuration), (.weak, .quotedSource):
            return random && range.count >= 16 && shape.digits > 0 && !isUUID(text, range)
        case (.weak, .bareSource): return random && range.count >= 20 && shape.digits >= 2 && !isUUID(text, range)
        case (.password, .configuration):
            return shape.others < shape.length && !isSentence(text, range)
        case (.password, .quotedSource):
            return shape.length <= 200 && !isSentence(text, range)
        case (.password, .bareSource):
            return random || (shape.digits > 0 && shape.length >= 6 && !isIdentifier(text, range, shape))
        case (.secret, .configuration):
            return (random || (shape.digits >= 2 && shape.length >= 8 && shape.letterCost > 4.6)) && shape.length >= 8
                && !isSentence(text, range)
        case (.secret, .quotedSource):
            return (random || (shape.digits >= 3 && shape.length >= 12)) && shape.length >= 8
                && !isSentence(text, range)
        case (.secret, .bareSource): return random && shape.digits > 0 && shape.length >= 10
        }
    }

    /// Whether the length and the digits alone leave it open: most values are ruled out by looking no further.
    private static func isEnough(
        _ text: Span<UInt8>, _ range: Range<Int>, _ kind: CredentialName.Kind, _ setting: Setting
    ) -> Bool {
        let (length, digits): (Int, Int) =
            switch (kind, setting) {
            case (.weak, .bareSource): (20, 2)
            case (.weak, _): (16, 1)
            case (.secret, .bareSource): (10, 1)
            case (.secret, _): (8, 0)
            case (.password, .bareSource): (6, 0)
            case (.password, _): (4, 0)
            }
        guard range.count >= length else { return false }
        guard digits > 0 else { return true }
        var found = 0
        for i in range where ByteClass.digits.contains(text[i]) {
            found += 1
            if found == digits { return true }
        }
        return false
    }

    // MARK: References

    private static let referenceStarts: [[UInt8]] = [
        "$", "{{", "<%", "%{", "#{", "{%", "@microsoft.keyvault", "enc[", "enc(", "{cipher}", "vault:", "arn:", "op://",
        "ref+", "file:", "./", "../", "~/", "secret/", "secrets/", "kv/", "data:image", "sha256:", "sha512:", "sha1-",
        "sha256-", "sha384-", "sha512-", "ssh-rsa aaaa", "ssh-ed25519 aaaa", "ecdsa-sha2-", "-----begin cert",
        "-----begin public", "-----begin rsa public", "awskms:", "gcpkms:", "keyvault:", "akv:", "ssm:", "azurekms:",
        "process.env", "os.environ", "os.getenv", "env.", "env(", "env[", "getenv", "system.getenv", "config.",
        "settings.",
        "self.", "this.", "var.", "local.", "module.", "data.", "params.", "secrets.", "args.", "options.", "fn::",
        "!ref", "!sub", "!getatt", "!vault", "{resolve:", "{{resolve", "u002", "function(", "lambda ", "async ",
        "await ",
        "new ", "return ", "null", "nil", "undefined", "none", "true", "false", "gateway:", "dapr:", "sm://",
        "gcp:secret",
        "bao:", "conjur:", "doppler:", "infisical:", "projects/", "%env(", "@env",
    ].map { Array($0.utf8) }

    /// The starts by the byte they begin with.
    private static let referencesByByte: [[[UInt8]]] = (0...255).map { byte in
        referenceStarts.filter { $0[0] == UInt8(byte) }
    }

    /// A name of something that holds the value, or a value that is encrypted or public.
    static func isReference(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        for start in referencesByByte[Int(lower(text[range.lowerBound]))] where begins(text, range, start) {
            switch start[0] {
            case UInt8(ascii: "$"):
                // $2a$… and $6$… are hashes and $Pa55word$ may be a password; $NAME, ${…} and $(…) are references.
                guard range.count > 1 else { return true }
                let next = text[range.lowerBound + 1]
                if next == UInt8(ascii: "{") || next == UInt8(ascii: "(") { return true }
                if ByteClass.digits.contains(next) { return range.count < 4 }
                let rest = range.lowerBound + 1..<range.upperBound
                return rest.allSatisfy { ByteClass.word.contains(text[$0]) || text[$0] == 0x2E || text[$0] == 0x3A }
            case UInt8(ascii: "n"), UInt8(ascii: "t"), UInt8(ascii: "f"), UInt8(ascii: "u"):
                if start.count <= 9, start.count != range.count, !start.contains(UInt8(ascii: " ")),
                    !start.contains(UInt8(ascii: "(")), !start.contains(UInt8(ascii: ":"))
                {
                    // none, null, true: the whole value or nothing of it.
                    continue
                }
                return true
            default: return true
            }
        }
        // Something of a template inside.
        var i = range.lowerBound
        while i + 1 < range.upperBound {
            let (a, b) = (text[i], text[i + 1])
            if a == UInt8(ascii: "$"), b == UInt8(ascii: "{") || b == UInt8(ascii: "(") { return true }
            if a == UInt8(ascii: "{"), b == UInt8(ascii: "{") || b == UInt8(ascii: "%") { return true }
            if a == UInt8(ascii: "<"), b == UInt8(ascii: "%") { return true }
            if a == UInt8(ascii: "#"), b == UInt8(ascii: "{") { return true }
            if a == UInt8(ascii: "%"), b == UInt8(ascii: "(") { return true }
            i += 1
        }
        // Paths and web addresses; credentials in an address have a detector of their own.
        let first = text[range.lowerBound]
        if first == UInt8(ascii: "/") {
            let body = range.lowerBound + 1..<range.upperBound
            let slashes = body.reduce(0) { $0 + (text[$1] == UInt8(ascii: "/") ? 1 : 0) }
            let dots = body.contains { text[$0] == UInt8(ascii: ".") }
            if slashes > 0 || dots || !ValueShape(text, range).looksRandom { return true }
        }
        if contains(text, range, "://") { return true }
        if first == UInt8(ascii: "%"), text[range.upperBound - 1] == UInt8(ascii: "%"), range.count > 2 { return true }
        return false
    }

    // MARK: Placeholders

    private static let placeholderWords: [[UInt8]] = [
        "replace", "change_me", "change-me", "placeholder", "redacted", "masked", "insert", "your_", "your-",
        "yourpass",
        "yourtoken", "yoursecret", "yourkey", "yourapi", "my_api", "todo", "fixme", "dummy", "example", "xxxx", "****",
        "....", "<your", "enter_", "enter-", "goes_here", "goes-here", "goeshere", "_here", "-here", "sample",
        "not-a-", "not_a_", "notareal", "fake-", "foobar", "lorem", "not_set", "notset", "undefined", "[object",
        "hidden",
        "removed", "0000000000", "hunter2example", "to-be-", "tobe",
    ].map { Array($0.utf8) }

    private static let placeholderValues: Set<String> = [
        "password", "passwd", "secret", "token", "string", "apikey", "api_key", "api-key", "key", "value", "required",
        "optional", "enabled", "disabled", "strict", "default", "yes", "null", "none", "nil", "true", "false", "test",
        "empty", "unset", "type", "text", "basic", "bearer", "digest", "plain", "plaintext", "changeme", "changeit",
        "pass", "credentials", "credential", "username", "user", "your_password", "mypassword", "user_password", "auto",
        "generate", "generated", "random", "always", "never", "inherit", "vault", "file", "prompt", "hash",
        "access_token",
        "accesstoken", "refresh_token", "client_secret", "secretkey", "secret_key", "private_key", "id_token", "jwt",
        "x-auth-token", "x-api-key", "authorization", "required: true", "somepassword", "yourpassword", "thepassword",
    ]

    /// Whether the value is a word that stands for any value.
    static func isPlaceholderWord(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        range.count <= 16 && placeholderValues.contains(String(copying: text, range).lowercased())
    }

    static func isPlaceholder(_ text: Span<UInt8>, _ range: Range<Int>, _ shape: ValueShape) -> Bool {
        let first = text[range.lowerBound]
        let last = text[range.upperBound - 1]
        if first == UInt8(ascii: "<"), last == UInt8(ascii: ">") { return true }
        if first == UInt8(ascii: "["), last == UInt8(ascii: "]") { return true }
        if first == UInt8(ascii: "{"), last == UInt8(ascii: "}") { return true }
        if shape.distinct <= 2 { return true }
        if shape.length >= 8, shape.distinct <= 3, shape.lower + shape.upper > 0 { return true }
        if shape.lower + shape.upper + shape.digits == 0 { return true }
        if shape.length <= 16 {
            let value = String(copying: text, range).lowercased()
            if placeholderValues.contains(value) { return true }
        }
        guard shape.length <= 120 else { return false }
        for word in placeholderWords where find(text, range, word) {
            // A random value may hold any four letters; in a placeholder the words make the value.
            if word.count >= 5 || shape.length <= 32 || !shape.looksRandom { return true }
        }
        if repeatsGroups(text, range) { return true }
        // Stars or dots in a value that was shortened for people.
        var run = 1
        for i in range.dropFirst() {
            run = text[i] == text[i - 1] ? run + 1 : 1
            if run >= 6 { return shape.length < 40 || run * 3 > shape.length }
        }
        return false
    }

    /// A few characters over and over, as `eHh4eHh4eHh4eHh4`, which is base64 of `xxxxxxxxxxxx`.
    private static func repeatsGroups(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard range.count >= 20 else { return false }
        for period in 2...4 {
            var run = 0
            for i in range.dropFirst(period) {
                run = text[i] == text[i - period] ? run + 1 : 0
                if run >= 16, run * 2 > range.count { return true }
            }
        }
        return false
    }

    // MARK: Published values

    /// The key that a maker publishes for everybody: it opens an emulator on the reader's own machine.
    ///
    /// Source: Microsoft Learn, "Use the Azurite emulator", "Well-known storage account and key".
    private static let publishedStart = Array("eby8vdm02xnocqflquwjpllmetlcdxj1ouzft50usrz6ifsu".utf8)

    static func isPublished(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool { begins(text, range, publishedStart) }

    // MARK: Ordinary values

    /// `Password:` before a field of a form, `(char *)` before an expression.
    private static func isLabel(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        text[range.upperBound - 1] == UInt8(ascii: ":") || text[range.lowerBound] == UInt8(ascii: "(")
    }

    /// Numbers, dates, versions, times, addresses, classes of programs, lists of names.
    static func isOrdinary(_ text: Span<UInt8>, _ range: Range<Int>, _ shape: ValueShape) -> Bool {
        if shape.digits == shape.length { return shape.length < 6 }
        let letters = shape.lower + shape.upper
        if isNumber(text, range) || isVersioned(text, range) { return true }
        // 3600s, 10.0.0.1, 2026-11-23, v1.2.3
        if shape.digits + shape.others == shape.length, shape.length < 20 { return true }
        if letters <= 2, shape.digits > 0, shape.length <= 8, shape.others == 0 { return true }
        if letters <= 1, shape.length < 20 { return true }
        // Dotted names without a digit: com.example.Provider, spec.template.
        let dots = range.reduce(0) { $0 + (text[$1] == UInt8(ascii: ".") ? 1 : 0) }
        if dots >= 2, shape.digits == 0, shape.others == dots, shape.letterCost < 4.9 { return true }
        // name@example.com
        if let at = range.first(where: { text[$0] == UInt8(ascii: "@") }), at > range.lowerBound + 1, dots >= 1,
            (at + 1..<range.upperBound).allSatisfy({
                ByteClass.alphanumeric.contains(text[$0]) || text[$0] == 0x2E || text[$0] == 0x2D
            }), range.upperBound - at > 4, ByteClass.letters.contains(text[range.upperBound - 1]),
            shape.letterCost < 4.6
        {
            return true
        }
        return false
    }

    /// `0x81103c1452dd61cd`: a number of a program, of 64 bits at most.
    private static func isNumber(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard (3...18).contains(range.count), text[range.lowerBound] == UInt8(ascii: "0"),
            text[range.lowerBound + 1] | 0x20 == UInt8(ascii: "x")
        else { return false }
        return (range.lowerBound + 2..<range.upperBound).allSatisfy { ByteClass.hexadecimal.contains(text[$0]) }
    }

    /// `jjwt-jackson-0.11.2`: the name of something, and its version.
    private static func isVersioned(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard range.count < 80, ByteClass.digits.contains(text[range.upperBound - 1]) else { return false }
        var i = range.upperBound
        var dots = 0
        while i > range.lowerBound, ByteClass.digits.contains(text[i - 1]) || text[i - 1] == UInt8(ascii: ".") {
            if text[i - 1] == UInt8(ascii: ".") { dots += 1 }
            i -= 1
        }
        guard dots > 0, i > range.lowerBound + 2, text[i - 1] == UInt8(ascii: "-") else { return false }
        return (range.lowerBound..<i).allSatisfy {
            ByteClass.letters.contains(text[$0]) || "-_".utf8.contains(text[$0])
        }
    }

    /// Words joined as names are: `shop-db-credentials`, `getPassword()`, `user.password`.
    static func isIdentifier(_ text: Span<UInt8>, _ range: Range<Int>, _ shape: ValueShape) -> Bool {
        if text[range.upperBound - 1] == UInt8(ascii: ")") { return true }
        let joins = ByteClass("_-.:")
        return range.allSatisfy { ByteClass.alphanumeric.contains(text[$0]) || joins.contains(text[$0]) }
            && shape.letterCost < 4.7 && shape.digits <= 2
    }

    /// Several words: a text for people.
    static func isSentence(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        var spaces = 0
        for i in range where text[i] == 0x20 || text[i] == 0x0A || text[i] == 0x09 { spaces += 1 }
        return spaces >= 2 || (spaces == 1 && LetterPairs.english.cost(text, range) < 4.9)
    }

    static func isHexadecimal(_ shape: ValueShape, _ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        shape.length >= 16 && shape.digits > 0 && shape.distinct >= 6
            && range.allSatisfy { ByteClass.hexadecimal.contains(text[$0]) }
    }

    static func isUUID(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard range.count == 36 else { return false }
        for (offset, i) in range.enumerated() {
            let isDash = [8, 13, 18, 23].contains(offset)
            guard isDash ? text[i] == UInt8(ascii: "-") : ByteClass.hexadecimal.contains(text[i]) else { return false }
        }
        return true
    }

    // MARK: Bytes

    static func lower(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte + 32 : byte }

    static func begins(_ text: Span<UInt8>, _ range: Range<Int>, _ word: [UInt8]) -> Bool {
        guard range.count >= word.count else { return false }
        for (offset, byte) in word.enumerated() where lower(text[range.lowerBound + offset]) != byte { return false }
        return true
    }

    static func contains(_ text: Span<UInt8>, _ range: Range<Int>, _ word: String) -> Bool {
        find(text, range, Array(word.utf8))
    }

    /// Whether `word`, in lower case, stands somewhere in the range.
    static func find(_ text: Span<UInt8>, _ range: Range<Int>, _ word: [UInt8]) -> Bool {
        guard range.count >= word.count, let first = word.first else { return false }
        var i = range.lowerBound
        let last = range.upperBound - word.count
        while i <= last {
            if lower(text[i]) == first {
                var j = 1
                while j < word.count, lower(text[i + j]) == word[j] { j += 1 }
                if j == word.count { return true }
            }
            i += 1
        }
        return false
    }
}

extension String {
    /// The text of a range of bytes.
    init(copying text: Span<UInt8>, _ range: Range<Int>) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(range.count)
        for i in range { bytes.append(text[i]) }
        self.init(decoding: bytes, as: UTF8.self)
    }
}
