/// dpkg's order of versions: `[epoch:]upstream[-revision]`.
///
/// Standard: Debian Policy, 5.6.12. Letters sort before everything else and `~` before the end of the text.
enum DebianVersion {
    static func order(_ left: Span<UInt8>, _ right: Span<UInt8>) -> Int {
        let a = parts(left)
        let b = parts(right)
        var order = orderOfDigits(left, a.epoch, right, b.epoch)
        if order == 0 { order = orderOfPart(left, a.upstream, right, b.upstream) }
        return order == 0 ? orderOfPart(left, a.revision, right, b.revision) : order
    }

    struct Parts {
        var epoch: Range<Int>
        var upstream: Range<Int>
        var revision: Range<Int>
    }

    static func parts(_ text: Span<UInt8>) -> Parts {
        var start = 0
        var end = text.count
        while start < end, text[start].isBlank { start += 1 }
        while end > start, text[end - 1].isBlank { end -= 1 }
        var epoch = start..<start
        var i = start
        while i < end, text[i].isDigit { i += 1 }
        if i < end, text[i] == UInt8(ascii: ":") {
            epoch = start..<i
            start = i + 1
        }
        var dash = end
        i = end - 1
        while i >= start {
            if text[i] == UInt8(ascii: "-") {
                dash = i
                break
            }
            i -= 1
        }
        return Parts(epoch: epoch, upstream: start..<dash, revision: min(dash + 1, end)..<end)
    }

    private static func weight(_ byte: UInt8) -> Int {
        if byte.isDigit { return 0 }
        if byte.isLetter { return Int(byte) }
        return byte == UInt8(ascii: "~") ? -1 : Int(byte) + 256
    }

    static func orderOfPart(
        _ left: Span<UInt8>, _ leftRun: Range<Int>, _ right: Span<UInt8>, _ rightRun: Range<Int>
    ) -> Int {
        var i = leftRun.lowerBound
        var j = rightRun.lowerBound
        while i < leftRun.upperBound || j < rightRun.upperBound {
            while (i < leftRun.upperBound && !left[i].isDigit) || (j < rightRun.upperBound && !right[j].isDigit) {
                let a = i < leftRun.upperBound ? weight(left[i]) : 0
                let b = j < rightRun.upperBound ? weight(right[j]) : 0
                if a != b { return a < b ? -1 : 1 }
                i += 1
                j += 1
            }
            i = min(i, leftRun.upperBound)
            j = min(j, rightRun.upperBound)
            let startOfLeft = i
            let startOfRight = j
            while i < leftRun.upperBound, left[i].isDigit { i += 1 }
            while j < rightRun.upperBound, right[j].isDigit { j += 1 }
            let order = orderOfDigits(left, startOfLeft..<i, right, startOfRight..<j)
            if order != 0 { return order }
        }
        return 0
    }
}
