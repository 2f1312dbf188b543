/// rpm's order of versions: `[epoch:]version[-release]`, and Arch Linux's, which shares it.
///
/// Standard: rpmvercmp as of rpm 4.15 and later, with `~` (before) and `^` (after).
enum RPMVersion {
    /// As rpm orders `epoch:version-release`; a missing release comes before every release.
    static func order(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        let a = parts(left)
        let b = parts(right)
        var order = orderOfDigits(left, a.epoch, right, b.epoch)
        if order == 0 { order = orderOfSegment(left, a.version, right, b.version) }
        if order != 0 { return order }
        switch (a.release, b.release) {
        case (nil, nil): return 0
        case (nil, _): return -1
        case (_, nil): return 1
        case (let ours?, let theirs?): return orderOfSegment(left, ours, right, theirs)
        }
    }

    /// As pacman orders: a release counts only where both have one.
    ///
    /// Standard: alpm's `vercmp`.
    static func orderForArch(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        let a = parts(left)
        let b = parts(right)
        var order = orderOfDigits(left, a.epoch, right, b.epoch)
        if order == 0 { order = orderOfArchSegment(left, a.version, right, b.version) }
        if order == 0, let ours = a.release, let theirs = b.release {
            order = orderOfArchSegment(left, ours, right, theirs)
        }
        return order
    }

    struct Parts {
        var epoch: Range<Int>
        var version: Range<Int>
        var release: Range<Int>?
    }

    static func parts(_ text: Span<UInt8>) -> Parts {
        var start = 0
        let end = text.count
        var epoch = 0..<0
        var i = 0
        while i < end, text[i].isDigit { i += 1 }
        if i < end, text[i] == UInt8(ascii: ":") {
            epoch = 0..<i
            start = i + 1
        }
        i = end - 1
        while i >= start {
            if text[i] == UInt8(ascii: "-") { return Parts(epoch: epoch, version: start..<i, release: i + 1..<end) }
            i -= 1
        }
        return Parts(epoch: epoch, version: start..<end, release: nil)
    }

    private static func isSeparator(_ byte: UInt8) -> Bool {
        !byte.isDigit && !byte.isLetter && byte != UInt8(ascii: "~") && byte != UInt8(ascii: "^")
    }

    static func orderOfSegment(
        _ left: Span<UInt8>, _ leftRun: Range<Int>, _ right: Span<UInt8>, _ rightRun: Range<Int>
    ) -> Int {
        var i = leftRun.lowerBound
        var j = rightRun.lowerBound
        let m = leftRun.upperBound
        let n = rightRun.upperBound
        while i < m || j < n {
            while i < m, isSeparator(left[i]) { i += 1 }
            while j < n, isSeparator(right[j]) { j += 1 }
            let a = i < m ? left[i] : 0
            let b = j < n ? right[j] : 0
            if a == UInt8(ascii: "~") || b == UInt8(ascii: "~") {
                if a != UInt8(ascii: "~") { return 1 }
                if b != UInt8(ascii: "~") { return -1 }
                i += 1
                j += 1
                continue
            }
            if a == UInt8(ascii: "^") || b == UInt8(ascii: "^") {
                if i >= m { return -1 }
                if j >= n { return 1 }
                if a != UInt8(ascii: "^") { return 1 }
                if b != UInt8(ascii: "^") { return -1 }
                i += 1
                j += 1
                continue
            }
            guard i < m, j < n else { break }
            let startOfLeft = i
            let startOfRight = j
            let isNumber = a.isDigit
            if isNumber {
                while i < m, left[i].isDigit { i += 1 }
                while j < n, right[j].isDigit { j += 1 }
            } else {
                while i < m, left[i].isLetter { i += 1 }
                while j < n, right[j].isLetter { j += 1 }
            }
            // Numbers come after letters.
            if startOfRight == j { return isNumber ? 1 : -1 }
            let order =
                isNumber
                ? orderOfDigits(left, startOfLeft..<i, right, startOfRight..<j)
                : orderOfBytes(left, startOfLeft..<i, right, startOfRight..<j)
            if order != 0 { return order }
        }
        if i >= m, j >= n { return 0 }
        return i < m ? 1 : -1
    }

    /// The older rule that pacman kept: what is left over is newer, unless it is a letter.
    private static func orderOfArchSegment(
        _ left: Span<UInt8>, _ leftRun: Range<Int>, _ right: Span<UInt8>, _ rightRun: Range<Int>
    ) -> Int {
        var i = leftRun.lowerBound
        var j = rightRun.lowerBound
        let m = leftRun.upperBound
        let n = rightRun.upperBound
        while i < m, j < n {
            let beforeLeft = i
            let beforeRight = j
            while i < m, !left[i].isDigit, !left[i].isLetter { i += 1 }
            while j < n, !right[j].isDigit, !right[j].isLetter { j += 1 }
            guard i < m, j < n else { break }
            if i - beforeLeft != j - beforeRight { return i - beforeLeft < j - beforeRight ? -1 : 1 }
            let startOfLeft = i
            let startOfRight = j
            let isNumber = left[i].isDigit
            if isNumber {
                while i < m, left[i].isDigit { i += 1 }
                while j < n, right[j].isDigit { j += 1 }
            } else {
                while i < m, left[i].isLetter { i += 1 }
                while j < n, right[j].isLetter { j += 1 }
            }
            if startOfRight == j { return isNumber ? 1 : -1 }
            let order =
                isNumber
                ? orderOfDigits(left, startOfLeft..<i, right, startOfRight..<j)
                : orderOfBytes(left, startOfLeft..<i, right, startOfRight..<j)
            if order != 0 { return order }
        }
        if i >= m, j >= n { return 0 }
        let leftIsLetter = i < m && left[i].isLetter
        let rightIsLetter = j < n && right[j].isLetter
        return (i >= m && !rightIsLetter) || leftIsLetter ? -1 : 1
    }
}
