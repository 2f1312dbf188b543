/// What the name of a setting says about its value: `DB_PASSWORD` holds a password, `PASSWORD_FILE` a path.
struct CredentialName: Sendable, Equatable {
    enum Kind: Sendable, Equatable {
        /// Chosen by people: may be a word.
        case password
        /// Made by machines: looks like nothing else.
        case secret
        /// The name alone says little (`key`, `auth`): only the value can tell.
        case weak
    }
    var kind: Kind

    /// Nothing where the name is not a credential's.
    init?(_ name: String) {
        let words = Self.words(of: name)
        guard let kind = Self.kind(words[...], Self.facts) else { return nil }
        self.kind = kind
    }

    /// The words of an identifier, in lower case: `jwtSigningKey`, `JWT_SIGNING_KEY` and `jwt.signing-key` read alike.
    static func words(of name: String) -> [String] {
        var words: [String] = []
        var word: [UInt8] = []
        let bytes = Array(name.utf8)
        func isUpper(_ i: Int) -> Bool { i < bytes.count && ByteClass.upper.contains(bytes[i]) }
        func isLower(_ i: Int) -> Bool { i < bytes.count && ByteClass.lower.contains(bytes[i]) }
        func flush() {
            if !word.isEmpty { words.append(String(decoding: word, as: UTF8.self)) }
            word.removeAll(keepingCapacity: true)
        }
        for (i, byte) in bytes.enumerated() {
            guard ByteClass.alphanumeric.contains(byte) else {
                flush()
                continue
            }
            if isUpper(i), i > 0 {
                // aB, and the last capital of a run that begins a word: URLPath.
                if isLower(i - 1) || (isUpper(i - 1) && isLower(i + 1)) { flush() }
            }
            word.append(isUpper(i) ? byte + 32 : byte)
        }
        flush()
        return words
    }

    private static func kind(_ all: ArraySlice<String>, _ facts: NameFacts) -> Kind? {
        var words = all
        // PASSWORD_1, TOKEN_PROD, secretKeyBase: what says which one, not what it is.
        while words.count > 1, let last = words.last, facts.qualifiers.contains(last) || last.allSatisfy(\.isNumber) {
            words.removeLast()
        }
        guard var last = words.last else { return nil }
        while let digit = last.last, digit.isNumber, last.count > 3 { last.removeLast() }
        guard !words.contains(where: facts.spoilers.contains) else { return nil }
        let before = words.dropLast().last ?? ""
        if last == "id" { return before == "secret" ? .secret : nil }
        if facts.passwords.contains(last) {
            return facts.spoilersBefore.contains(before) ? nil : .password
        }
        if last == "pass" || last == "pw" { return words.count > 1 || last == "pass" ? .password : .weak }
        if facts.secrets.contains(last) { return facts.spoilersBefore.contains(before) ? nil : .secret }
        if last == "key" || last == "keys" {
            if facts.keyOwners.contains(before) { return .secret }
            if facts.notKeys.contains(before) { return nil }
            return .weak
        }
        if facts.weak.contains(last) { return .weak }
        // dbpassword, restuserkey: words grown together.
        for suffix in facts.passwordEndings where last.hasSuffix(suffix) && !facts.otherWords.contains(last) {
            return .password
        }
        for suffix in facts.secretEndings where last.hasSuffix(suffix) && !facts.otherWords.contains(last) {
            return .secret
        }
        return nil
    }

    private static let facts = NameFacts.known
}
