/// A version of a PHP package in composer's normal form, `1.2.0.0-beta3`, and PHP's order of such forms.
///
/// Standard: composer/semver 3 (VersionParser, Comparator) and PHP's `version_compare`.
enum ComposerVersion {
    /// What may follow the numbers: a stability with its number, and `-dev`.
    struct Modifier {
        var stability: String?
        var number = ""
        var isDevelopment = false

        var isNone: Bool { stability == nil && !isDevelopment }
        var text: String {
            guard stability != "stable" else { return "" }
            return (stability.map { "-\($0)\(number)" } ?? "") + (isDevelopment ? "-dev" : "")
        }
    }

    private static let stabilities = [
        ("stable", "stable"), ("beta", "beta"), ("b", "beta"), ("rc", "RC"), ("alpha", "alpha"), ("a", "alpha"),
        ("patch", "patch"), ("pl", "patch"), ("p", "patch"),
    ]

    /// Reads the rest of a text as a modifier; nil where it is none.
    static func modifier(_ cursor: inout ByteCursor) -> Modifier? {
        var out = Modifier()
        let start = cursor.position
        if let byte = cursor.current, byte == 0x2E || byte == 0x5F || byte == 0x2D { cursor.position += 1 }
        let lower = cursor.rest.map(\.lowercased)
        for (word, meaning) in stabilities where lower.starts(with: word.utf8) {
            // Of words that begin alike the longest that lets the rest be read counts.
            var attempt = cursor
            attempt.position += word.utf8.count
            let number = numbers(&attempt)
            if let end = development(attempt) {
                out.stability = meaning
                out.number = number
                out.isDevelopment = end
                cursor.position = cursor.bytes.count
                return out
            }
        }
        // A separator with nothing behind it is taken, too: `8.4.` is 8.4.
        guard let end = development(cursor) else {
            cursor.position = start
            return nil
        }
        out.isDevelopment = end
        cursor.position = cursor.bytes.count
        return out
    }

    /// `.1-2` behind a stability word, without what leads it.
    private static func numbers(_ cursor: inout ByteCursor) -> String {
        var out: [UInt8] = []
        while let byte = cursor.current {
            if byte.isDigit {
                out.append(byte)
                cursor.position += 1
            } else if byte == 0x2E || byte == 0x2D, cursor.peek(1)?.isDigit == true {
                if !out.isEmpty { out.append(byte) }
                cursor.position += 1
            } else {
                break
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Whether `dev` stands at the end; nil where something else does.
    private static func development(_ cursor: ByteCursor) -> Bool? {
        if cursor.isAtEnd { return false }
        var rest = cursor.rest.map(\.lowercased)[...]
        if rest.first == 0x2E || rest.first == 0x2D { rest = rest.dropFirst() }
        return rest.elementsEqual("dev".utf8) ? true : nil
    }

    /// composer's normal form; nil where composer refuses the text.
    static func normalized(_ text: String) -> String? {
        var text = text.trimmed
        for stability in ["@stable", "@rc", "@beta", "@alpha", "@dev"] where text.lowercased().hasSuffix(stability) {
            text = String(text.dropLast(stability.count))
        }
        if text == "master" || text == "trunk" || text == "default" { text = "dev-" + text }
        if text.lowercased().hasPrefix("dev-") { return "dev-" + text.dropFirst(4) }
        if let plus = text.firstIndex(of: "+"), plus != text.startIndex { text = String(text[..<plus]) }
        if let classic = normalizedNumbers(text) ?? normalizedDate(text) { return classic }
        let lower = text.lowercased()
        if lower.hasSuffix("dev") {
            var branch = text.dropLast(3)
            if branch.last == "." || branch.last == "-" { branch = branch.dropLast() }
            return normalizedBranch(String(branch))
        }
        return nil
    }

    private static func normalizedNumbers(_ text: String) -> String? {
        var cursor = ByteCursor(Array(text.utf8))
        if !cursor.take(UInt8(ascii: "v")) { _ = cursor.take(UInt8(ascii: "V")) }
        let first = cursor.take { $0.isDigit }
        guard (1...5).contains(first.count) else { return nil }
        var out = String(decoding: first, as: UTF8.self)
        for _ in 0..<3 {
            if cursor.current == 0x2E, cursor.peek(1)?.isDigit == true {
                cursor.position += 1
                out += "." + String(decoding: cursor.take { $0.isDigit }, as: UTF8.self)
            } else {
                out += ".0"
            }
        }
        return modifier(&cursor).map { out + $0.text }
    }

    /// `2010-01-02`, `20100102.1`, with `.`, `:` or `-` between.
    private static func normalizedDate(_ text: String) -> String? {
        var cursor = ByteCursor(Array(text.utf8))
        if !cursor.take(UInt8(ascii: "v")) { _ = cursor.take(UInt8(ascii: "V")) }
        return dateNumbers(cursor, [], pairs: 0, tails: 0)
    }

    /// `\d{4}(?:[.:-]?\d{2}){1,6}(?:[.:-]?\d{1,3}){0,2}` read greedily, taking steps back where the rest does not fit.
    private static func dateNumbers(_ cursor: ByteCursor, _ read: [UInt8], pairs: Int, tails: Int) -> String? {
        func digits(_ cursor: ByteCursor, _ count: Int) -> [UInt8]? {
            var cursor = cursor
            let run = cursor.take { $0.isDigit }.prefix(count)
            return run.count == count ? Array(run) : nil
        }
        if read.isEmpty {
            guard let year = digits(cursor, 4) else { return nil }
            var next = cursor
            next.position += 4
            return dateNumbers(next, year, pairs: 0, tails: 0)
        }
        func step(_ count: Int, pairs: Int, tails: Int) -> String? {
            for takesSeparator in [true, false] {
                var next = cursor
                if takesSeparator {
                    guard let byte = next.current, byte == 0x2E || byte == 0x3A || byte == 0x2D else { continue }
                    next.position += 1
                }
                guard let run = digits(next, count) else { continue }
                next.position += count
                let out = read + (takesSeparator ? [0x2E] : []) + run
                if let found = dateNumbers(next, out, pairs: pairs, tails: tails) { return found }
            }
            return nil
        }
        if tails == 0, pairs < 6, let found = step(2, pairs: pairs + 1, tails: 0) { return found }
        guard pairs > 0 else { return nil }
        if tails < 2 {
            for count in [3, 2, 1] { if let found = step(count, pairs: pairs, tails: tails + 1) { return found } }
        }
        var end = cursor
        return modifier(&end).map { String(decoding: read, as: UTF8.self) + $0.text }
    }

    private static func normalizedBranch(_ text: String) -> String? {
        var cursor = ByteCursor(Array(text.utf8))
        if !cursor.take(UInt8(ascii: "v")) { _ = cursor.take(UInt8(ascii: "V")) }
        var parts: [String] = []
        let first = cursor.take { $0.isDigit }
        guard !first.isEmpty else { return nil }
        parts.append(String(decoding: first, as: UTF8.self))
        while parts.count < 4, cursor.take(UInt8(ascii: ".")) {
            if let byte = cursor.current, byte == 0x78 || byte == 0x58 || byte == 0x2A {
                cursor.position += 1
                parts.append("9999999")
            } else {
                let run = cursor.take { $0.isDigit }
                guard !run.isEmpty else { return nil }
                parts.append(String(decoding: run, as: UTF8.self))
            }
        }
        guard cursor.isAtEnd else { return nil }
        while parts.count < 4 { parts.append("9999999") }
        return parts.joined(separator: ".") + "-dev"
    }

    // MARK: Order

    /// Order of two texts by their normal forms; a text without one is taken as it is.
    static func order(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        let a = String(decoding: Array(left), as: UTF8.self)
        let b = String(decoding: Array(right), as: UTF8.self)
        return phpOrder(normalized(a) ?? a, normalized(b) ?? b)
    }

    /// As PHP's `version_compare`.
    static func phpOrder(_ left: String, _ right: String) -> Int {
        let a = pieces(left)
        let b = pieces(right)
        for index in 0..<max(a.count, b.count) {
            let order: Int
            if index >= b.count {
                order = a[index].isNumber ? 1 : rank(a[index].text) - released
            } else if index >= a.count {
                order = b[index].isNumber ? -1 : released - rank(b[index].text)
            } else {
                switch (a[index].isNumber, b[index].isNumber) {
                case (true, true): order = DecimalNumber(a[index].text).order(DecimalNumber(b[index].text))
                case (true, false): order = released - rank(b[index].text)
                case (false, true): order = rank(a[index].text) - released
                case (false, false): order = rank(a[index].text) - rank(b[index].text)
                }
            }
            if order != 0 { return order < 0 ? -1 : 1 }
        }
        return 0
    }

    private struct Piece {
        var text: [UInt8]
        var isNumber: Bool
    }

    private static func pieces(_ text: String) -> [Piece] {
        var out: [Piece] = []
        var cursor = ByteCursor(Array(text.utf8))
        while let byte = cursor.current {
            if byte.isDigit {
                out.append(Piece(text: Array(cursor.take { $0.isDigit }), isNumber: true))
            } else if byte == 0x2E || byte == 0x2D || byte == 0x5F || byte == 0x2B {
                cursor.position += 1
            } else {
                let run = cursor.take { !$0.isDigit && $0 != 0x2E && $0 != 0x2D && $0 != 0x5F && $0 != 0x2B }
                out.append(Piece(text: Array(run), isNumber: false))
            }
        }
        return out
    }

    private static let ranks: [(word: String, rank: Int)] = [
        ("dev", 0), ("alpha", 1), ("a", 1), ("beta", 2), ("b", 2), ("RC", 3), ("rc", 3), ("#", 4), ("pl", 5), ("p", 5),
    ]

    /// What a number, or nothing, counts for beside a word.
    private static let released = 4

    private static func rank(_ word: [UInt8]) -> Int {
        ranks.first { word.starts(with: $0.word.utf8) }?.rank ?? -1
    }
}
