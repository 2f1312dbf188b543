import Documents
import Findings

/// `name = value` in every notation that programs and settings have.
extension TextScanner {
    private static let longestName = 100
    private static let valueWord = Array("value".utf8)
    private static let cdata = Array("<![cdata[".utf8)
    private static let alternatives = ["or ", "||", "??", "?:"].map { Array($0.utf8) }

    /// A word of credentials stands at `start..<end`: is it in a name, and does a value follow?
    mutating func assignment(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
        guard start >= namedUntil else { return }
        var nameEnd = end
        let furthest = min(text.count, start + Self.longestName)
        while nameEnd < furthest, ByteClass.name.contains(text[nameEnd]) { nameEnd += 1 }
        guard nameEnd < text.count else { return }
        namedUntil = nameEnd
        if text[nameEnd] == UInt8(ascii: "("), nameEnd == end, ValueJudge.lower(text[start]) == UInt8(ascii: "l") {
            login(text, nameEnd)
            return
        }
        // Most words are in no assignment; see that before anything is copied.
        guard let value = valueBehind(text, nameEnd, start), text[value.range.lowerBound] != UInt8(ascii: "{") else {
            byteArray(text, start, nameEnd)
            return
        }
        let nameStart = nameStart(text, start)
        if nameStart > 0, text[nameStart - 1] == UInt8(ascii: "{") || text[nameStart - 1] == UInt8(ascii: "("),
            nameStart > 1, text[nameStart - 2] == UInt8(ascii: "$")
        {
            return
        }
        let isFlag = text[nameStart] == UInt8(ascii: "-")
        if value.operation == .space, !isFlag, !standsAlone(text, nameStart, value.range) { return }
        guard let name = names.name(text, nameStart..<nameEnd) else { return }
        if value.operation == .space, name.kind == .weak { return }
        judge(text, String(copying: text, nameStart..<nameEnd), name, value)
    }

    func nameStart(_ text: Span<UInt8>, _ word: Int) -> Int {
        var start = word
        let earliest = max(0, word - Self.longestName)
        while start > earliest, ByteClass.name.contains(text[start - 1]) { start -= 1 }
        return start
    }

    /// `login("user", "password")`.
    private mutating func login(_ text: Span<UInt8>, _ parenthesis: Int) {
        guard let user = quoted(text, parenthesis + 1), user.upperBound + 1 < text.count else { return }
        var i = user.upperBound + 1
        while i < text.count, text[i] == 0x20 { i += 1 }
        guard i < text.count, text[i] == UInt8(ascii: ","), let range = quoted(text, i + 1) else { return }
        guard ValueJudge.isSecret(text, range, named: .password, in: .quotedSource), range.count >= 6 else { return }
        note("generic-password", "Password", .high, .generic, range)
    }

    mutating func judge(_ text: Span<UInt8>, _ written: String, _ name: CredentialName, _ value: AssignedValue) {
        var setting: ValueJudge.Setting =
            language == .configuration ? .configuration : value.isQuoted ? .quotedSource : .bareSource
        if value.operation == .space, !value.isQuoted { setting = .bareSource }
        if value.operation == .call { setting = .quotedSource }
        // A key of what? Of a map, mostly: only a provider's name near it makes it one of a service.
        let isBareKey =
            name.kind == .weak && written.utf8.count <= 4 && ["key", "keys"].contains(written.lowercased())
        if name.kind == .weak, value.range.count >= 12, Base64.isAlphabet(text, value.range),
            CredentialName.words(of: written).last == "auth", TokenCheck.basicAuthorization.accepts(text, value.range)
        {
            note("registry-auth", "User and password of a registry", .high, .structure, value.range)
            return
        }
        guard ValueJudge.isSecret(text, value.range, named: name.kind, in: setting) else { return }
        if name.kind != .password, !isChosenKey(text, written, value) {
            guard isToken(text, value.range) else { return }
            switch provider(text, value.range, written) {
            case .unknown: if isBareKey { return }
            case .token(let detector):
                note(detector.id, detector.title, detector.severity, .near, value.range)
                return
            case .none: return
            }
        }
        // `password: password`, `token = user_token`: a value that is made of the name's words names something.
        let words = CredentialName.words(of: written)
        if value.range.count < 40 {
            let own = CredentialName.words(of: String(copying: text, value.range))
            if !own.isEmpty, own.allSatisfy(words.contains) { return }
        }
        let title: String
        let id: String
        switch name.kind {
        case .password: (id, title) = ("generic-password", "Password")
        case .secret, .weak: (id, title) = ("generic-secret", "Secret value")
        }
        note(id, title, .high, .generic, value.range)
    }

    private static let tokenBytes = ByteClass.alphanumeric.union(ByteClass("+/=_-.:~@"))

    /// Whether a value that a machine made can be whole: machines use few signs, and what begins as a provider's tokens
    /// do and is shorter than they are was cut off or made up.
    private func isToken(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard range.allSatisfy({ Self.tokenBytes.contains(text[$0]) }) else { return false }
        for form in catalogue.forms where ValueJudge.begins(text, range, form.prefix) {
            // A token of the form has been found as one; `xyz_` and more than the form has is none either.
            let isOwn = form.prefix.count >= 4 && (form.prefix.last == UInt8(ascii: "_") || form.prefix.last == 0x2D)
            if isOwn || range.count < form.shortest { return false }
        }
        if text[range.upperBound - 1] == UInt8(ascii: ".") { return false }
        return !isPublic(text, range) && !isSpoiled(text, range)
    }

    /// Frameworks draw the key they sign with from all signs of a keyboard. Source: Django, `get_random_secret_key`.
    private func isChosenKey(_ text: Span<UInt8>, _ written: String, _ value: AssignedValue) -> Bool {
        value.isQuoted && (40...80).contains(value.range.count)
            && CredentialName.words(of: written).suffix(2).elementsEqual(["secret", "key"])
            && !value.range.contains { ByteClass.space.contains(text[$0]) }
            && value.range.contains { !Self.tokenBytes.contains(text[$0]) }
    }

    private static let publicStarts = [
        "pk_live_", "pk_test_", "pk.eyj", "sq0idp-", "pi_", "seti_", "ssh-", "did:", "urn:",
    ]
    .map { Array($0.utf8) }

    /// Whether a value begins as what is made to be shown: publishable keys, identifiers.
    private func isPublic(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        Self.publicStarts.contains { ValueJudge.begins(text, range, $0) }
    }

    /// Whether a value breaks the rules of its own alphabet: half a byte of hexadecimal digits, one letter in them
    /// that is none, padding before the end, the alphabet itself.
    private func isSpoiled(_ text: Span<UInt8>, _ range: Range<Int>) -> Bool {
        let padding = UInt8(ascii: "=")
        var foreign = 0
        var letters = 0
        var run = 1
        var longestRun = 1
        for i in range {
            let byte = ValueJudge.lower(text[i])
            if ByteClass.letters.contains(byte) { letters += 1 }
            if !ByteClass.hexadecimal.contains(byte) { foreign += 1 }
            if i > range.lowerBound {
                run = byte == ValueJudge.lower(text[i - 1]) &+ 1 && ByteClass.letters.contains(byte) ? run + 1 : 1
                longestRun = max(longestRun, run)
            }
            if byte == padding, i + 1 < range.upperBound, text[i + 1] != padding { return true }
        }
        if longestRun >= 20 { return true }
        guard letters >= 6, range.count >= 24 else { return false }
        return foreign == 0 ? !range.count.isMultiple(of: 2) : foreign == 1 && letters >= 8
    }

    private enum ProviderVerdict {
        /// No provider whose tokens are known was named shortly before.
        case unknown
        case token(Detector)
        /// One was, and the value is none of its tokens.
        case none
    }

    /// Whether the value is a token of the provider that was named shortly before.
    ///
    /// Values that lie behind a name of their own (`db_token` below a comment about a provider) are not judged by it.
    private mutating func provider(_ text: Span<UInt8>, _ range: Range<Int>, _ written: String) -> ProviderVerdict {
        guard named.end >= 0, range.lowerBound - named.end < 160 else { return .unknown }
        let family = catalogue.detectors[named.detector].family
        guard let shapes = catalogue.shapesOfFamily[family] else { return .unknown }
        for index in shapes {
            let detector = catalogue.detectors[index]
            if let match = detector.pattern.match(text, at: range.lowerBound, &threads), match.end == range.upperBound {
                return .token(detector)
            }
        }
        let words = CredentialName.words(of: written)
        let bare: Set<String> = ["api", "key", "token", "secret", "access", "auth", "client", "app", "id"]
        let own = words.filter { !bare.contains($0) }
        return own.isEmpty || own.joined().contains(family) || family.contains(own.joined()) ? .none : .unknown
    }

    /// What stands behind a name.
    struct AssignedValue {
        enum Operation { case equals, colon, comma, call, element, attribute, space }
        var range: Range<Int>
        var isQuoted: Bool
        var operation: Operation
    }

    /// The value behind the name that ends at `nameEnd`; nil where no operator follows.
    private func valueBehind(_ text: Span<UInt8>, _ nameEnd: Int, _ word: Int) -> AssignedValue? {
        var i = nameEnd
        let count = text.count
        var nameIsQuoted = false
        i = behindBackslashes(text, i)
        if i < count, Self.isQuote(text[i]) {
            nameIsQuoted = true
            i += 1
        }
        if i < count, text[i] == UInt8(ascii: "]") { i += 1 }
        let spacesFrom = i
        while i < count, text[i] == 0x20 || text[i] == 0x09 { i += 1 }
        guard i < count else { return nil }
        switch text[i] {
        case UInt8(ascii: "="), UInt8(ascii: ":"), UInt8(ascii: "|"), UInt8(ascii: "?"), UInt8(ascii: "+"):
            return operated(text, i, nameIsQuoted)
        case UInt8(ascii: ","):
            if nameIsQuoted, let value = quoted(text, i + 1) {
                return AssignedValue(range: value, isQuoted: true, operation: .comma)
            }
            return nameIsQuoted ? laterValue(text, i) : nil
        case UInt8(ascii: "("):
            guard let value = quoted(text, i + 1) else { return nil }
            return AssignedValue(range: value, isQuoted: true, operation: .call)
        case UInt8(ascii: ">"):
            return element(text, i + 1, word)
        case 0x0A, 0x0D:
            return laterValue(text, i)
        case UInt8(ascii: "/"): return nil
        default:
            guard i > spacesFrom else { return nil }
            return attribute(text, i) ?? typed(text, i) ?? spaced(text, i)
        }
    }

    /// Behind `=`, `:`, `:=`, `=>`, `||=`.
    private func operated(_ text: Span<UInt8>, _ start: Int, _ nameIsQuoted: Bool) -> AssignedValue? {
        var i = start
        let count = text.count
        var signs = 0
        var operation = AssignedValue.Operation.colon
        while i < count, signs < 5 {
            let byte = text[i]
            guard
                byte == UInt8(ascii: "=") || byte == UInt8(ascii: ":") || byte == UInt8(ascii: "|")
                    || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "+")
                    || (byte == UInt8(ascii: ">") && signs > 0)
            else { break }
            if byte == UInt8(ascii: "=") { operation = .equals }
            i += 1
            signs += 1
        }
        // a == b compares, a::b is a path.
        if signs == 2, text[start] == text[start + 1], i < count, text[i] != 0x20 || text[start] == UInt8(ascii: "=") {
            return nil
        }
        let afterSigns = i
        while i < count, text[i] == 0x20 || text[i] == 0x09 { i += 1 }
        guard i < count else { return nil }
        if operation == .colon, i == afterSigns, !nameIsQuoted, signs == 1, text[i] == UInt8(ascii: "/") { return nil }
        if let value = quoted(text, i) { return AssignedValue(range: value, isQuoted: true, operation: operation) }
        // Swift, TypeScript, Go: the type first.
        if operation == .colon, let later = typed(text, i) { return later }
        if let literal = otherwise(text, i) {
            return AssignedValue(range: literal, isQuoted: true, operation: operation)
        }
        guard let range = bare(text, i) else { return nil }
        return AssignedValue(range: range, isQuoted: false, operation: operation)
    }

    /// The literal that stands in for a variable that is not set: `getenv("NAME", "value")`, `x.get("NAME") or "value"`.
    private func otherwise(_ text: Span<UInt8>, _ start: Int) -> Range<Int>? {
        var i = start
        let limit = min(text.count, start + 160)
        while i < limit, ByteClass.word.contains(text[i]) || text[i] == UInt8(ascii: ".") || text[i] == 0x3A { i += 1 }
        guard i > start, i < limit, "([".utf8.contains(text[i]), ValueJudge.contains(text, start..<i, "env"),
            let name = quoted(text, i + 1)
        else { return nil }
        var j = name.upperBound + 1
        while j < limit, text[j] == 0x20 || text[j] == 0x09 { j += 1 }
        guard j < limit else { return nil }
        if text[j] == UInt8(ascii: ",") { return quoted(text, j + 1) }
        guard text[j] == UInt8(ascii: ")") || text[j] == UInt8(ascii: "]") else { return nil }
        j += 1
        while j < limit, text[j] == 0x20 { j += 1 }
        for sign in Self.alternatives where j + sign.count < limit && ValueJudge.begins(text, j..<limit, sign) {
            return quoted(text, j + sign.count)
        }
        return nil
    }

    private static let typeBytes = ByteClass.word.union(ByteClass("<>?[].*&"))

    /// `name string = "value"`.
    private func typed(_ text: Span<UInt8>, _ start: Int) -> AssignedValue? {
        var i = start
        let limit = min(text.count, start + 40)
        let bytes = Self.typeBytes
        while i < limit, bytes.contains(text[i]) { i += 1 }
        guard i > start, i < limit else { return nil }
        while i < limit, text[i] == 0x20 { i += 1 }
        guard i < limit, text[i] == UInt8(ascii: "="), i + 1 < text.count, text[i + 1] != UInt8(ascii: "=") else {
            return nil
        }
        i += 1
        while i < text.count, text[i] == 0x20 { i += 1 }
        guard let range = quoted(text, i) else { return nil }
        return AssignedValue(range: range, isQuoted: true, operation: .equals)
    }

    /// `<name>value</name>`, and CDATA.
    private func element(_ text: Span<UInt8>, _ start: Int, _ word: Int) -> AssignedValue? {
        var i = start
        while i < text.count, ByteClass.space.contains(text[i]), i < start + 40 { i += 1 }
        if ValueJudge.begins(text, i..<text.count, Self.cdata) { i += Self.cdata.count }
        // `<string name="token">value</string>` ends its tag too.
        var end = i
        while end < text.count, text[end] != UInt8(ascii: "<"), text[end] != UInt8(ascii: "]"), end - i < 4096 {
            end += 1
        }
        guard end < text.count, end > i else { return nil }
        while end > i, ByteClass.space.contains(text[end - 1]) { end -= 1 }
        guard end > i else { return nil }
        return AssignedValue(range: i..<end, isQuoted: true, operation: .element)
    }

    /// `name="password" value="…"`.
    private func attribute(_ text: Span<UInt8>, _ start: Int) -> AssignedValue? {
        guard start + 8 < text.count, text[start] | 0x20 == UInt8(ascii: "v"),
            ValueJudge.begins(text, start..<text.count, Self.valueWord)
        else { return nil }
        var i = start + Self.valueWord.count
        while i < text.count, text[i] == 0x20 { i += 1 }
        guard i < text.count, text[i] == UInt8(ascii: "=") || text[i] == UInt8(ascii: ":") else { return nil }
        i += 1
        while i < text.count, text[i] == 0x20 { i += 1 }
        guard let range = quoted(text, i) ?? bare(text, i) else { return nil }
        return AssignedValue(range: range, isQuoted: true, operation: .attribute)
    }

    private static let betweenPair = ByteClass.space.union(ByteClass("\",'\\{["))

    /// `name: PASSWORD` and `value: …` on the next line, as lists of variables have it.
    private func laterValue(_ text: Span<UInt8>, _ start: Int) -> AssignedValue? {
        var i = start
        let limit = min(text.count, start + 60)
        let between = Self.betweenPair
        while i < limit, between.contains(text[i]) { i += 1 }
        guard i + 7 < text.count, text[i] | 0x20 == UInt8(ascii: "v"),
            ValueJudge.begins(text, i..<text.count, Self.valueWord)
        else { return nil }
        i += Self.valueWord.count
        while i < text.count, "\"'\\ ".utf8.contains(text[i]) { i += 1 }
        guard i < text.count, text[i] == UInt8(ascii: ":") || text[i] == UInt8(ascii: "=") else { return nil }
        i += 1
        while i < text.count, text[i] == 0x20 { i += 1 }
        guard let range = quoted(text, i) ?? bare(text, i) else { return nil }
        return AssignedValue(range: range, isQuoted: true, operation: .attribute)
    }

    /// `requirepass value`: the value of settings without an operator.
    private func spaced(_ text: Span<UInt8>, _ start: Int) -> AssignedValue? {
        if let range = quoted(text, start) { return AssignedValue(range: range, isQuoted: true, operation: .space) }
        guard let range = bare(text, start) else { return nil }
        return AssignedValue(range: range, isQuoted: false, operation: .space)
    }

    /// Whether `name value` is all there is on the line, or is a pair of a netrc or SQL statement.
    private func standsAlone(_ text: Span<UInt8>, _ nameStart: Int, _ value: Range<Int>) -> Bool {
        var i = value.upperBound
        if i < text.count, Self.isQuote(text[i]) { i += 1 }
        while i < text.count, text[i] == 0x20 || text[i] == 0x09 || text[i] == 0x0D || text[i] == UInt8(ascii: ";") {
            i += 1
        }
        let quotes = value.lowerBound > 0 && Self.isQuote(text[value.lowerBound - 1])
        guard i >= text.count || text[i] == 0x0A else { return quotes }
        var j = nameStart
        while j > 0, text[j - 1] == 0x20 || text[j - 1] == 0x09 { j -= 1 }
        let beginsLine = j == 0 || text[j - 1] == 0x0A || isDeclared(text, j)
        return beginsLine || quotes || lineHas(text, nameStart, "login ")
    }

    private static let declaringWords = ["define", "global", "export", "setenv", "set", "env", "arg"]

    /// Whether the line before a name is one word that makes it a setting: `%define`, `export`, `ENV`.
    private func isDeclared(_ text: Span<UInt8>, _ nameStart: Int) -> Bool {
        var begin = nameStart
        while begin > 0, text[begin - 1] != 0x0A, nameStart - begin < 12 { begin -= 1 }
        guard begin == 0 || text[begin - 1] == 0x0A else { return false }
        let word = String(copying: text, begin..<nameStart).lowercased().drop { "%# \t".contains($0) }
        return Self.declaringWords.contains {
            word.hasPrefix($0) && word.dropFirst($0.count).allSatisfy(\.isWhitespace)
        }
    }

    private func lineHas(_ text: Span<UInt8>, _ place: Int, _ word: String) -> Bool {
        var start = place
        while start > 0, text[start - 1] != 0x0A, place - start < 200 { start -= 1 }
        return ValueJudge.contains(text, start..<place, word)
    }

    static func isQuote(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") || byte == UInt8(ascii: "`")
    }

    /// `b'…'`, `r"…"`, `u"…"`, `f"…"`, `N'…'`.
    private static func isLiteralPrefix(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "b"), UInt8(ascii: "B"), UInt8(ascii: "r"), UInt8(ascii: "R"), UInt8(ascii: "u"),
            UInt8(ascii: "U"), UInt8(ascii: "f"), UInt8(ascii: "F"), UInt8(ascii: "N"):
            true
        default: false
        }
    }

    /// The text in quotes that begin at or shortly behind `start`: `"x"`, `\"x\"`, `b'x'`, `"""x"""`.
    func quoted(_ text: Span<UInt8>, _ start: Int) -> Range<Int>? {
        var i = start
        let count = text.count
        while i < count, text[i] == 0x20 || text[i] == 0x09 || text[i] == UInt8(ascii: "@") { i += 1 }
        var letters = 0
        while i + 1 < count, letters < 2, ByteClass.letters.contains(text[i]), Self.isLiteralPrefix(text[i]),
            Self.isQuote(text[i + 1]) || Self.isLiteralPrefix(text[i + 1])
        {
            i += 1
            letters += 1
        }
        let opening = behindBackslashes(text, i)
        let escaped = opening > i
        i = opening
        guard i < count, Self.isQuote(text[i]) else { return nil }
        let quote = text[i]
        i += 1
        if !escaped, i + 1 < count, text[i] == quote, text[i + 1] == quote { i += 2 }
        let begin = i
        while i < count, i - begin <= 4096 {
            let byte = text[i]
            if byte == 0x0A { return nil }
            if byte == UInt8(ascii: "\\") {
                let closing = behindBackslashes(text, i)
                if escaped, closing > i, text[closing] == quote { return i > begin ? begin..<i : nil }
                i += 2
                continue
            }
            if byte == quote { return i > begin ? begin..<i : nil }
            i += 1
        }
        return nil
    }

    /// Behind the backslashes before a quote, of which there are more the deeper a text is quoted in others.
    private func behindBackslashes(_ text: Span<UInt8>, _ start: Int) -> Int {
        var i = start
        while i < text.count, i - start < 7, text[i] == UInt8(ascii: "\\") { i += 1 }
        return i > start && i < text.count && Self.isQuote(text[i]) ? i : start
    }

    private static let bareEnds = ByteClass(" \t\r\n\"'`<>,;)}]|")

    /// A value without quotes.
    func bare(_ text: Span<UInt8>, _ start: Int) -> Range<Int>? {
        var i = start
        let limit = min(text.count, start + 4097)
        let ends = Self.bareEnds
        while i < limit, !ends.contains(text[i]) {
            // The next pair of a query.
            if text[i] == UInt8(ascii: "&"), i > start { break }
            if text[i] == UInt8(ascii: "\\"), i + 1 < limit,
                Self.isQuote(text[i + 1]) || text[i + 1] == UInt8(ascii: "n") || text[i + 1] == UInt8(ascii: "r")
            {
                break
            }
            i += 1
        }
        if i < limit, text[i] == UInt8(ascii: "("), i > start { return nil }
        // `$(…)` and `${…}` go to their end, so that they are known as what they are.
        if i < text.count, i > start, text[i] == UInt8(ascii: ")") || text[i] == UInt8(ascii: "}"),
            (start..<i).contains(where: { "({".utf8.contains(text[$0]) })
        {
            i += 1
        }
        while i > start, text[i - 1] == UInt8(ascii: "\\") { i -= 1 }
        return i > start ? start..<i : nil
    }
}
