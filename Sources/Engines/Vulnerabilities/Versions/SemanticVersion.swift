/// Semantic versions and the orders that are built like them.
///
/// Standard: Semantic Versioning 2.0.0, section 11. Read leniently, as advisories write them: a leading `v` or `=`,
/// fewer or more than three numbers.
enum SemanticVersion {
    /// What differs between the ecosystems that number this way.
    struct Dialect {
        /// NuGet compares prerelease words without case.
        var ignoresCase = false
        /// Dart's pub orders builds, too.
        var ordersBuilds = false
        /// Bitnami writes the build of a package as `-7`, which comes after the release.
        var hasRevisions = false
    }

    private struct Parts {
        var core: Range<Int>
        var prerelease: Range<Int>
        var build: Range<Int>
        var revision: Range<Int>
    }

    static func order(_ left: Span<UInt8>, _ right: Span<UInt8>, _ dialect: Dialect = Dialect()) -> Int {
        let a = parts(left, dialect)
        let b = parts(right, dialect)
        var order = orderOfCore(left, a.core, right, b.core)
        if order != 0 { return order }
        switch (a.prerelease.isEmpty, b.prerelease.isEmpty) {
        case (true, true): order = 0
        case (true, false): return 1
        case (false, true): return -1
        case (false, false):
            order = orderOfWords(left, a.prerelease, right, b.prerelease, ignoresCase: dialect.ignoresCase)
        }
        if order == 0, dialect.hasRevisions { order = orderOfDigits(left, a.revision, right, b.revision) }
        if order == 0, dialect.ordersBuilds {
            order =
                a.build.isEmpty || b.build.isEmpty
                ? (a.build.isEmpty ? 0 : 1) - (b.build.isEmpty ? 0 : 1)
                : orderOfWords(left, a.build, right, b.build, ignoresCase: false)
        }
        return order
    }

    private static func parts(_ text: Span<UInt8>, _ dialect: Dialect) -> Parts {
        var start = 0
        var end = text.count
        while start < end, text[start].isBlank || text[start] == UInt8(ascii: "=") { start += 1 }
        while end > start, text[end - 1].isBlank { end -= 1 }
        if start < end, text[start] | 0x20 == UInt8(ascii: "v") { start += 1 }
        var i = start
        while i < end, text[i].isDigit || text[i] == UInt8(ascii: ".") { i += 1 }
        let core = start..<i
        var build = end
        for k in i..<end where text[k] == UInt8(ascii: "+") {
            build = k
            break
        }
        // `1.0rc1` has no hyphen; what follows the numbers is a prerelease all the same.
        var prerelease = i..<build
        if i < build, text[i] == UInt8(ascii: "-") { prerelease = i + 1..<build }
        var revision = end..<end
        if dialect.hasRevisions, !prerelease.isEmpty {
            var k = prerelease.upperBound
            while k > prerelease.lowerBound, text[k - 1].isDigit { k -= 1 }
            if k == prerelease.lowerBound {
                revision = prerelease
                prerelease = prerelease.upperBound..<prerelease.upperBound
            }
        }
        return Parts(core: core, prerelease: prerelease, build: min(build + 1, end)..<end, revision: revision)
    }

    private static func orderOfCore(
        _ left: Span<UInt8>, _ leftRun: Range<Int>, _ right: Span<UInt8>, _ rightRun: Range<Int>
    ) -> Int {
        var i = leftRun.lowerBound
        var j = rightRun.lowerBound
        while i < leftRun.upperBound || j < rightRun.upperBound {
            let startOfLeft = i
            let startOfRight = j
            while i < leftRun.upperBound, left[i].isDigit { i += 1 }
            while j < rightRun.upperBound, right[j].isDigit { j += 1 }
            let order = orderOfDigits(left, startOfLeft..<i, right, startOfRight..<j)
            if order != 0 { return order }
            if i < leftRun.upperBound { i += 1 }
            if j < rightRun.upperBound { j += 1 }
        }
        return 0
    }

    /// Dotted words: numbers by value and before words, fewer before more.
    static func orderOfWords(
        _ left: Span<UInt8>, _ leftRun: Range<Int>, _ right: Span<UInt8>, _ rightRun: Range<Int>, ignoresCase: Bool
    ) -> Int {
        var i = leftRun.lowerBound
        var j = rightRun.lowerBound
        while true {
            let a = word(left, i..<leftRun.upperBound)
            let b = word(right, j..<rightRun.upperBound)
            let order: Int
            switch (a.isNumber, b.isNumber) {
            case (true, true): order = orderOfDigits(left, a.range, right, b.range)
            case (true, false): return -1
            case (false, true): return 1
            case (false, false):
                order =
                    ignoresCase
                    ? orderIgnoringCase(left, a.range, right, b.range) : orderOfBytes(left, a.range, right, b.range)
            }
            if order != 0 { return order }
            i = a.range.upperBound + 1
            j = b.range.upperBound + 1
            let leftIsDone = i > leftRun.upperBound
            let rightIsDone = j > rightRun.upperBound
            if leftIsDone || rightIsDone { return leftIsDone ? (rightIsDone ? 0 : -1) : 1 }
        }
    }

    private static func word(_ text: Span<UInt8>, _ range: Range<Int>) -> (range: Range<Int>, isNumber: Bool) {
        var i = range.lowerBound
        var isNumber = true
        while i < range.upperBound, text[i] != UInt8(ascii: ".") {
            if !text[i].isDigit { isNumber = false }
            i += 1
        }
        return (range.lowerBound..<i, isNumber && i > range.lowerBound)
    }

    private static func orderIgnoringCase(
        _ left: Span<UInt8>, _ leftRun: Range<Int>, _ right: Span<UInt8>, _ rightRun: Range<Int>
    ) -> Int {
        var i = leftRun.lowerBound
        var j = rightRun.lowerBound
        while i < leftRun.upperBound, j < rightRun.upperBound {
            let a = left[i].lowercased
            let b = right[j].lowercased
            if a != b { return a < b ? -1 : 1 }
            i += 1
            j += 1
        }
        return (i < leftRun.upperBound ? 1 : 0) - (j < rightRun.upperBound ? 1 : 0)
    }
}
