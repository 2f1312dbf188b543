/// A whole number of any length, as versions hold them: dates and hashes made of digits outgrow 64 bits.
struct DecimalNumber: Hashable, Comparable, Sendable {
    /// The value where it has at most 18 digits.
    private let small: UInt64
    /// The digits without leading zeros where there are more.
    private let large: [UInt8]

    static let zero = DecimalNumber(0)

    init(_ value: UInt64) {
        small = value
        large = []
    }

    init(_ digits: some Collection<UInt8>) {
        let significant = digits.drop { $0 == 0x30 }
        if significant.count <= 18 {
            small = significant.reduce(0) { $0 &* 10 &+ UInt64($1 &- 0x30) }
            large = []
        } else {
            small = 0
            large = Array(significant)
        }
    }

    var isZero: Bool { small == 0 && large.isEmpty }

    var next: DecimalNumber {
        guard !large.isEmpty else { return DecimalNumber(small + 1) }
        var digits = large
        var index = digits.count - 1
        while index >= 0, digits[index] == 0x39 {
            digits[index] = 0x30
            index -= 1
        }
        if index < 0 { digits.insert(0x31, at: 0) } else { digits[index] += 1 }
        return DecimalNumber(digits)
    }

    var text: String { large.isEmpty ? String(small) : String(decoding: large, as: UTF8.self) }

    static func < (left: DecimalNumber, right: DecimalNumber) -> Bool { left.order(right) < 0 }

    func order(_ other: DecimalNumber) -> Int {
        if large.isEmpty, other.large.isEmpty { return small < other.small ? -1 : small > other.small ? 1 : 0 }
        if large.count != other.large.count { return large.count < other.large.count ? -1 : 1 }
        for (left, right) in zip(large, other.large) where left != right { return left < right ? -1 : 1 }
        return 0
    }
}

/// Order of two runs of digits inside texts, leading zeros not counting; no numbers are made.
func orderOfDigits(
    _ left: Span<UInt8>, _ leftRun: Range<Int>, _ right: Span<UInt8>, _ rightRun: Range<Int>
) -> Int {
    var i = leftRun.lowerBound
    var j = rightRun.lowerBound
    while i < leftRun.upperBound, left[i] == 0x30 { i += 1 }
    while j < rightRun.upperBound, right[j] == 0x30 { j += 1 }
    let difference = (leftRun.upperBound - i) - (rightRun.upperBound - j)
    if difference != 0 { return difference < 0 ? -1 : 1 }
    while i < leftRun.upperBound {
        if left[i] != right[j] { return left[i] < right[j] ? -1 : 1 }
        i += 1
        j += 1
    }
    return 0
}

/// Order of two runs of bytes as `memcmp` with the shorter first.
func orderOfBytes(
    _ left: Span<UInt8>, _ leftRun: Range<Int>, _ right: Span<UInt8>, _ rightRun: Range<Int>
) -> Int {
    var i = leftRun.lowerBound
    var j = rightRun.lowerBound
    while i < leftRun.upperBound, j < rightRun.upperBound {
        if left[i] != right[j] { return left[i] < right[j] ? -1 : 1 }
        i += 1
        j += 1
    }
    if i < leftRun.upperBound { return 1 }
    return j < rightRun.upperBound ? -1 : 0
}

extension Collection where Element == UInt8 {
    /// Order of two byte strings, the shorter first where one begins with the other.
    func byteOrder(_ other: some Collection<UInt8>) -> Int {
        var mine = makeIterator()
        var theirs = other.makeIterator()
        while true {
            switch (mine.next(), theirs.next()) {
            case (nil, nil): return 0
            case (nil, _): return -1
            case (_, nil): return 1
            case (let left?, let right?): if left != right { return left < right ? -1 : 1 }
            }
        }
    }
}
