/// apk's order of versions: `1.2.3a_beta1_p2~c0ffee-r4`.
///
/// Standard: apk-tools 3; a component with a leading zero sorts as text, and a text that is no version sorts before
/// where it broke off.
enum AlpineVersion {
    private enum Kind: Int {
        case firstNumber, number, letter, suffix, suffixNumber, commit, revision, end, invalid
    }

    private struct Token {
        var kind: Kind
        var range: Range<Int>
        var suffix = 0
    }

    private static let beforeRelease = ["alpha", "beta", "pre", "rc"]
    private static let afterRelease = ["cvs", "svn", "git", "hg", "p"]

    static func order(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int { order(left, right, isFuzzy: false) }

    /// With `isFuzzy`, a shorter right side stands for everything that begins with it (`~` in apk's world file).
    static func order(_ left: Span<UInt8>, _ right: Span<UInt8>, isFuzzy: Bool) -> Int {
        var i = 0
        var j = 0
        var a = first(left, &i)
        var b = first(right, &j)
        while a.kind == b.kind, a.kind.rawValue < Kind.end.rawValue {
            let order = order(left, a, right, b)
            if order != 0 { return order }
            a = next(left, &i, after: a.kind)
            b = next(right, &j, after: b.kind)
        }
        if a.kind == .invalid, b.kind == .invalid {
            // Neither is a version from here on (`5.7.1p2`, which feeds hold all the same).
            return orderOfBytes(left, a.range.lowerBound..<left.count, right, b.range.lowerBound..<right.count)
        }
        if a.kind == b.kind || (b.kind == .end && isFuzzy) { return 0 }
        if a.kind == .suffix, a.suffix < 0 { return -1 }
        if b.kind == .suffix, b.suffix < 0 { return 1 }
        return a.kind.rawValue > b.kind.rawValue ? -1 : 1
    }

    static func isValid(_ text: Span<UInt8>) -> Bool {
        var i = 0
        var token = first(text, &i)
        while token.kind.rawValue < Kind.end.rawValue { token = next(text, &i, after: token.kind) }
        return token.kind == .end
    }

    private static func order(_ left: Span<UInt8>, _ a: Token, _ right: Span<UInt8>, _ b: Token) -> Int {
        switch a.kind {
        case .number where left[a.range.lowerBound] == 0x30 || right[b.range.lowerBound] == 0x30:
            orderOfBytes(left, a.range, right, b.range)
        case .firstNumber, .number, .suffixNumber, .revision: orderOfDigits(left, a.range, right, b.range)
        case .suffix: a.suffix < b.suffix ? -1 : a.suffix > b.suffix ? 1 : 0
        default: orderOfBytes(left, a.range, right, b.range)
        }
    }

    private static func first(_ text: Span<UInt8>, _ i: inout Int) -> Token {
        guard i < text.count, text[i].isDigit else { return Token(kind: .invalid, range: i..<i) }
        return digits(text, &i, .firstNumber)
    }

    private static func digits(_ text: Span<UInt8>, _ i: inout Int, _ kind: Kind) -> Token {
        let start = i
        while i < text.count, text[i].isDigit { i += 1 }
        return Token(kind: start == i ? .invalid : kind, range: start..<i)
    }

    private static func next(_ text: Span<UInt8>, _ i: inout Int, after kind: Kind) -> Token {
        let start = i
        let invalid = Token(kind: .invalid, range: start..<start)
        guard i < text.count else { return Token(kind: .end, range: start..<start) }
        switch text[i] {
        case UInt8(ascii: "a")...UInt8(ascii: "z"):
            guard kind.rawValue <= Kind.number.rawValue else { return invalid }
            i += 1
            return Token(kind: .letter, range: start..<i)
        case UInt8(ascii: "."):
            guard kind.rawValue <= Kind.number.rawValue else { return invalid }
            i += 1
            return digits(text, &i, .number)
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            return kind == .suffix ? digits(text, &i, .suffixNumber) : invalid
        case UInt8(ascii: "_"):
            guard kind.rawValue <= Kind.suffixNumber.rawValue else { return invalid }
            i += 1
            while i < text.count, text[i].isLowercaseLetter { i += 1 }
            if let place = beforeRelease.firstIndex(where: { same(text, start + 1..<i, $0) }) {
                return Token(kind: .suffix, range: start + 1..<i, suffix: place - beforeRelease.count)
            }
            if let place = afterRelease.firstIndex(where: { same(text, start + 1..<i, $0) }) {
                return Token(kind: .suffix, range: start + 1..<i, suffix: place + 1)
            }
            return invalid
        case UInt8(ascii: "~"):
            guard kind.rawValue < Kind.commit.rawValue else { return invalid }
            i += 1
            while i < text.count, text[i].isDigit || (text[i] >= 0x61 && text[i] <= 0x66) { i += 1 }
            return i == start + 1 ? invalid : Token(kind: .commit, range: start + 1..<i)
        case UInt8(ascii: "-"):
            guard kind.rawValue < Kind.revision.rawValue, i + 1 < text.count, text[i + 1] == UInt8(ascii: "r") else {
                return invalid
            }
            i += 2
            return digits(text, &i, .revision)
        default: return invalid
        }
    }

    private static func same(_ text: Span<UInt8>, _ range: Range<Int>, _ word: String) -> Bool {
        let wanted = word.utf8.span
        return wanted.count == range.count && orderOfBytes(text, range, wanted, 0..<wanted.count) == 0
    }
}
