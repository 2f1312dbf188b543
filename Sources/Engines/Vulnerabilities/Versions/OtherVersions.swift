/// Gentoo's order: as Alpine's older one; a component with a leading zero sorts as a fraction.
///
/// Standard: Package Manager Specification 8, 3.3.
enum GentooVersion {
    private static let suffixes = ["alpha", "beta", "pre", "rc", "p"]

    private struct Parts {
        var numbers: [[UInt8]] = []
        var letter: UInt8 = 0
        var suffixes: [(rank: Int, number: DecimalNumber)] = []
        var revision = DecimalNumber.zero
    }

    private static func parts(_ text: Span<UInt8>) -> Parts {
        var out = Parts()
        var cursor = ByteCursor(Array(text))
        repeat { out.numbers.append(Array(cursor.take { $0.isDigit })) } while cursor.take(UInt8(ascii: "."))
        if let byte = cursor.current, byte.isLowercaseLetter {
            out.letter = byte
            cursor.position += 1
        }
        while cursor.take(UInt8(ascii: "_")) {
            let word = String(decoding: cursor.take { $0.isLetter }, as: UTF8.self)
            let rank = suffixes.firstIndex(of: word).map { $0 < 4 ? $0 - 4 : 1 } ?? 0
            out.suffixes.append((rank, cursor.takeNumber() ?? .zero))
        }
        if cursor.take("-r") { out.revision = cursor.takeNumber() ?? .zero }
        return out
    }

    static func order(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        let a = parts(left)
        let b = parts(right)
        for (index, pair) in zip(a.numbers, b.numbers).enumerated() {
            let order: Int
            if index > 0, pair.0.first == 0x30 || pair.1.first == 0x30 {
                order = pair.0.withoutTrailingZeros.byteOrder(pair.1.withoutTrailingZeros)
            } else {
                order = DecimalNumber(pair.0).order(DecimalNumber(pair.1))
            }
            if order != 0 { return order }
        }
        if a.numbers.count != b.numbers.count { return a.numbers.count < b.numbers.count ? -1 : 1 }
        if a.letter != b.letter { return a.letter < b.letter ? -1 : 1 }
        for index in 0..<max(a.suffixes.count, b.suffixes.count) {
            let mine = index < a.suffixes.count ? a.suffixes[index] : (0, .zero)
            let theirs = index < b.suffixes.count ? b.suffixes[index] : (0, .zero)
            if mine.0 != theirs.0 { return mine.0 < theirs.0 ? -1 : 1 }
            let order = mine.1.order(theirs.1)
            if order != 0 { return order }
        }
        return a.revision.order(b.revision)
    }
}

extension Array where Element == UInt8 {
    fileprivate var withoutTrailingZeros: [UInt8] {
        var out = self
        while out.last == 0x30 { out.removeLast() }
        return out
    }
}

/// Conan's order: dotted words, numbers before words; a prerelease before its release and a build behind it.
///
/// Standard: Conan 2, version ranges.
enum ConanVersion {
    private struct Parts {
        var main: [[UInt8]]
        var prerelease: [[UInt8]]?
        var build: [[UInt8]]?
    }

    private static func words(_ text: ArraySlice<UInt8>) -> [[UInt8]] {
        var out = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).map(Array.init)
        while let last = out.last, out.count > 1, last.allSatisfy({ $0 == 0x30 }), !last.isEmpty { out.removeLast() }
        return out
    }

    private static func parts(_ text: Span<UInt8>) -> Parts {
        var rest = Array(text)[...]
        var out = Parts(main: [], prerelease: nil, build: nil)
        if let plus = rest.lastIndex(of: UInt8(ascii: "+")) {
            out.build = words(rest[(plus + 1)...])
            rest = rest[..<plus]
        }
        if let dash = rest.lastIndex(of: UInt8(ascii: "-")) {
            out.prerelease = words(rest[(dash + 1)...])
            rest = rest[..<dash]
        }
        out.main = words(rest)
        return out
    }

    private static func order(_ left: [[UInt8]], _ right: [[UInt8]]) -> Int {
        for index in 0..<max(left.count, right.count) {
            guard index < left.count else { return -1 }
            guard index < right.count else { return 1 }
            let a = left[index]
            let b = right[index]
            let aIsNumber = !a.isEmpty && a.allSatisfy(\.isDigit)
            let bIsNumber = !b.isEmpty && b.allSatisfy(\.isDigit)
            let order =
                switch (aIsNumber, bIsNumber) {
                case (true, true): DecimalNumber(a).order(DecimalNumber(b))
                case (true, false): -1
                case (false, true): 1
                case (false, false): a.byteOrder(b)
                }
            if order != 0 { return order }
        }
        return 0
    }

    static func order(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        let a = parts(left)
        let b = parts(right)
        var result = order(a.main, b.main)
        if result != 0 { return result }
        switch (a.prerelease, b.prerelease) {
        case (nil, nil): result = 0
        case (nil, _?): return 1
        case (_?, nil): return -1
        case (let mine?, let theirs?): result = order(mine, theirs)
        }
        if result != 0 { return result }
        switch (a.build, b.build) {
        case (nil, nil): return 0
        case (nil, _?): return -1
        case (_?, nil): return 1
        case (let mine?, let theirs?): return order(mine, theirs)
        }
    }
}

/// OpenSSL's order: until 1.1.1 a letter, then two, counts patches; from 3 on semantic versions.
///
/// Standard: OpenSSL's release strategy.
enum OpenSSLVersion {
    static func order(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        let a = parts(left)
        let b = parts(right)
        for (mine, theirs) in zip(a.numbers, b.numbers) {
            let order = mine.order(theirs)
            if order != 0 { return order }
        }
        if a.numbers.count != b.numbers.count { return a.numbers.count < b.numbers.count ? -1 : 1 }
        // `z` is followed by `za`, so that the order of bytes is the order of patches.
        let patch = a.letters.byteOrder(b.letters)
        if patch != 0 { return patch }
        let beforeA = a.rest.starts(with: "-".utf8)
        let beforeB = b.rest.starts(with: "-".utf8)
        if beforeA != beforeB { return beforeA ? -1 : 1 }
        return a.rest.byteOrder(b.rest)
    }

    private static func parts(_ text: Span<UInt8>) -> (numbers: [DecimalNumber], letters: [UInt8], rest: [UInt8]) {
        var cursor = ByteCursor(.folded(text))
        var numbers: [DecimalNumber] = []
        repeat { if let number = cursor.takeNumber() { numbers.append(number) } } while cursor.take(UInt8(ascii: "."))
        let letters = Array(cursor.take { $0.isLetter })
        return (numbers, letters, Array(cursor.rest))
    }
}

/// Dotted or dashed whole numbers: R's CRAN, Haskell's Hackage.
enum NumberVersion {
    static func order(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        let a = numbers(left)
        let b = numbers(right)
        for (mine, theirs) in zip(a, b) {
            let order = mine.order(theirs)
            if order != 0 { return order }
        }
        return a.count == b.count ? 0 : a.count < b.count ? -1 : 1
    }

    private static func numbers(_ text: Span<UInt8>) -> [DecimalNumber] {
        Array(text).split { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }.map { DecimalNumber($0) }
    }
}

/// Instants: RFC 3339 texts in the order of time.
enum InstantVersion {
    static func order(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        guard let a = Instant(Array(left)), let b = Instant(Array(right)) else {
            return orderOfBytes(left, 0..<left.count, right, 0..<right.count)
        }
        if a.seconds != b.seconds { return a.seconds < b.seconds ? -1 : 1 }
        return a.fraction.byteOrder(b.fraction)
    }

    private struct Instant {
        var seconds: Int
        var fraction: [UInt8] = []

        init?(_ bytes: [UInt8]) {
            guard let day = CivilDate(String(decoding: bytes.prefix(10), as: UTF8.self)) else { return nil }
            var cursor = ByteCursor(bytes)
            cursor.position = 10
            guard cursor.take(UInt8(ascii: "T")), let hour = Self.two(&cursor), cursor.take(UInt8(ascii: ":")),
                let minute = Self.two(&cursor), cursor.take(UInt8(ascii: ":")), let second = Self.two(&cursor)
            else { return nil }
            seconds = day.dayNumber * 86_400 + hour * 3_600 + minute * 60 + second
            if cursor.take(UInt8(ascii: ".")) {
                fraction = Array(cursor.take { $0.isDigit })
                while fraction.last == 0x30 { fraction.removeLast() }
            }
            if cursor.take(UInt8(ascii: "Z")) { return }
            guard let sign = cursor.current, sign == 0x2B || sign == 0x2D else { return nil }
            cursor.position += 1
            guard let hours = Self.two(&cursor), cursor.take(UInt8(ascii: ":")), let minutes = Self.two(&cursor) else {
                return nil
            }
            seconds -= (hours * 3_600 + minutes * 60) * (sign == 0x2D ? -1 : 1)
        }

        private static func two(_ cursor: inout ByteCursor) -> Int? {
            guard let first = cursor.current, let second = cursor.peek(1), first.isDigit, second.isDigit else {
                return nil
            }
            cursor.position += 2
            return Int(first - 0x30) * 10 + Int(second - 0x30)
        }
    }
}
