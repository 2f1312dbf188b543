/// What looks like a secret among variables and build steps, by its shape and by the name it stands under.
///
/// Only shapes that hardly anything else has: an image is accused before everybody who can pull it. Files are looked
/// through elsewhere, with many more shapes.
enum SecretShape {
    /// Why a variable's value is taken for a secret; nil where it is not.
    static func reason(name: String, value: String) -> String? {
        if let shape = shape(value) { return shape }
        guard isSecretName(name), isLiteral(value) else { return nil }
        return "what its name calls a secret"
    }

    /// The first secret in the text of a build step, with the variable's name where it stands under one.
    static func first(in text: String) -> (name: String, why: String)? {
        for word in text.split(whereSeparator: { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == ";" }) {
            let plain = word.drop { $0 == "\"" || $0 == "'" }
            if let equal = plain.firstIndex(of: "=") {
                let name = String(
                    plain[..<equal].reversed().prefix { $0.isLetter || $0.isNumber || $0 == "_" }.reversed())
                let value = plain[plain.index(after: equal)...].filter { $0 != "\"" && $0 != "'" }
                if let why = reason(name: name, value: String(value)) { return (name, why) }
            } else if let why = shape(String(plain)) {
                return ("", why)
            }
        }
        return nil
    }

    private static let words: Set<String> = [
        "PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "APIKEY", "CREDENTIAL", "CREDENTIALS",
    ]
    private static let pairs: Set<String> = ["API KEY", "ACCESS KEY", "PRIVATE KEY", "SECRET KEY", "AUTH KEY"]

    private static func isSecretName(_ name: String) -> Bool {
        let parts = name.uppercased().split(separator: "_").map(String.init)
        guard let last = parts.last else { return false }
        // `DB_PASSWORD_FILE` names the place of a secret, `ACCESS_KEY_ID` half of one that is no secret.
        if ["FILE", "PATH", "DIR", "URL", "URI", "ID", "NAME", "TTL", "LENGTH", "ENABLED", "TYPE", "EXPIRY"].contains(
            last)
        {
            return false
        }
        if parts.contains("PUBLIC") { return false }
        if parts.contains(where: words.contains) { return true }
        return zip(parts, parts.dropFirst()).contains { pairs.contains("\($0) \($1)") }
    }

    /// Neither a place, nor a reference to something else, nor a word that stands for nothing.
    private static func isLiteral(_ value: String) -> Bool {
        guard value.utf8.count >= 6, !value.contains("$"), !value.hasPrefix("/"), !value.hasPrefix("<"),
            !value.hasPrefix("{")
        else { return false }
        let empty = [
            "changeme", "placeholder", "example", "dummy", "required", "optional", "disabled", "enabled", "false",
        ]
        let lowered = value.lowercased()
        return !empty.contains { lowered.contains($0) } && Set(lowered).count > 2
    }

    /// Secrets that show what they are.
    static func shape(_ value: String) -> String? {
        let bytes = Array(value.utf8)
        func run(_ start: Int, _ accepts: (UInt8) -> Bool) -> Int {
            var end = start
            while end < bytes.count, accepts(bytes[end]) { end += 1 }
            return end - start
        }
        func isWord(_ byte: UInt8) -> Bool { byte.isLetter || byte.isDigit || byte == 0x5F || byte == 0x2D }
        for (start, length, title) in prefixes {
            guard let place = value.range(of: start) else { continue }
            let offset = value.utf8.distance(from: value.utf8.startIndex, to: place.upperBound)
            let before = offset - start.utf8.count
            if before > 0, isWord(bytes[before - 1]) { continue }
            if run(offset, isWord) >= length { return title }
        }
        if value.contains("PRIVATE KEY-----") { return "a private key" }
        if value.hasPrefix("eyJ"), value.split(separator: ".").count == 3, value.utf8.count > 60 {
            return "a signed token"
        }
        // `scheme://user:password@host`
        if let scheme = value.range(of: "://") {
            let rest = value[scheme.upperBound...].prefix { $0 != "/" && $0 != " " }
            if let at = rest.lastIndex(of: "@"), let colon = rest[..<at].firstIndex(of: ":") {
                let password = String(rest[rest.index(after: colon)..<at])
                if !password.isEmpty, !password.contains("$"), !password.hasPrefix("<"), password != "password" {
                    return "an address with a password in it"
                }
            }
        }
        return nil
    }

    /// Sources: the issuers' documentation of their own tokens.
    private static let prefixes: [(String, Int, String)] = [
        ("AKIA", 16, "an AWS access key"), ("ASIA", 16, "an AWS access key"), ("ghp_", 36, "a GitHub token"),
        ("gho_", 36, "a GitHub token"), ("ghs_", 36, "a GitHub token"), ("github_pat_", 60, "a GitHub token"),
        ("glpat-", 20, "a GitLab token"), ("xoxb-", 20, "a Slack token"), ("xoxp-", 20, "a Slack token"),
        ("npm_", 36, "an npm token"), ("pypi-AgE", 50, "a PyPI token"), ("sk_live_", 20, "a Stripe key"),
        ("AIza", 35, "a Google API key"), ("dop_v1_", 60, "a DigitalOcean token"), ("hvs.", 24, "a Vault token"),
    ]
}
