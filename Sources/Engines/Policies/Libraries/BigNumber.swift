/// A whole number of any size, for amounts that outgrow 64 bits.
struct BigNumber: Sendable, Equatable {
    private static let base: UInt64 = 1_000_000_000
    /// Nine digits each, the lowest first; empty for zero.
    private var limbs: [UInt32] = []
    private(set) var isNegative = false

    init(_ value: Int64) {
        var rest = value.magnitude
        while rest > 0 {
            limbs.append(UInt32(rest % Self.base))
            rest /= Self.base
        }
        isNegative = value < 0
    }

    /// Digits, nothing else.
    init(digits: some Sequence<UInt8>) {
        var chunk: [UInt8] = []
        for digit in Array(digits).reversed() {
            chunk.append(digit)
            if chunk.count == 9 {
                append(chunk)
                chunk = []
            }
        }
        append(chunk)
        trim()
    }

    private mutating func append(_ reversed: [UInt8]) {
        limbs.append(reversed.reversed().reduce(0) { $0 * 10 + UInt32($1 - 48) })
    }

    private mutating func trim() {
        while limbs.last == 0 { limbs.removeLast() }
        if limbs.isEmpty { isNegative = false }
    }

    var isZero: Bool { limbs.isEmpty }
    var negated: BigNumber {
        var copy = self
        if !copy.isZero { copy.isNegative.toggle() }
        return copy
    }

    var digits: String {
        guard let last = limbs.last else { return "0" }
        var text = String(last)
        for limb in limbs.dropLast().reversed() {
            let part = String(limb)
            text += String(repeating: "0", count: 9 - part.utf8.count) + part
        }
        return (isNegative ? "-" : "") + text
    }

    var double: Double { Double(digits) ?? 0 }

    mutating func multiply(by factor: UInt32) {
        var carry: UInt64 = 0
        for index in limbs.indices {
            let product = UInt64(limbs[index]) * UInt64(factor) + carry
            limbs[index] = UInt32(product % Self.base)
            carry = product / Self.base
        }
        if carry > 0 { limbs.append(UInt32(carry)) }
        trim()
    }

    func times(tenToThe power: Int) -> BigNumber {
        var copy = self
        for _ in 0..<power { copy.multiply(by: 10) }
        return copy
    }

    /// The quotient, rounded towards zero, and the remainder's size.
    func divided(by divisor: UInt32) -> (quotient: BigNumber, remainder: UInt32) {
        var copy = self
        var rest: UInt64 = 0
        for index in copy.limbs.indices.reversed() {
            let value = rest * Self.base + UInt64(copy.limbs[index])
            copy.limbs[index] = UInt32(value / UInt64(divisor))
            rest = value % UInt64(divisor)
        }
        copy.trim()
        return (copy, UInt32(rest))
    }

    private static func order(_ a: [UInt32], _ b: [UInt32]) -> Int {
        if a.count != b.count { return a.count < b.count ? -1 : 1 }
        for (x, y) in zip(a.reversed(), b.reversed()) where x != y { return x < y ? -1 : 1 }
        return 0
    }

    func order(_ other: BigNumber) -> Int {
        if isNegative != other.isNegative { return isNegative ? -1 : 1 }
        let order = Self.order(limbs, other.limbs)
        return isNegative ? -order : order
    }

    static func + (a: BigNumber, b: BigNumber) -> BigNumber {
        var result = BigNumber(0)
        if a.isNegative == b.isNegative {
            var carry: UInt64 = 0
            for index in 0..<max(a.limbs.count, b.limbs.count) {
                let x = index < a.limbs.count ? UInt64(a.limbs[index]) : 0
                let y = index < b.limbs.count ? UInt64(b.limbs[index]) : 0
                result.limbs.append(UInt32((x + y + carry) % base))
                carry = (x + y + carry) / base
            }
            if carry > 0 { result.limbs.append(UInt32(carry)) }
            result.isNegative = a.isNegative
        } else {
            let isFirstLarger = order(a.limbs, b.limbs) >= 0
            let large = isFirstLarger ? a : b
            let small = isFirstLarger ? b : a
            var borrow: Int64 = 0
            for index in large.limbs.indices {
                var value = Int64(large.limbs[index]) - borrow
                value -= index < small.limbs.count ? Int64(small.limbs[index]) : 0
                borrow = value < 0 ? 1 : 0
                if value < 0 { value += Int64(base) }
                result.limbs.append(UInt32(value))
            }
            result.isNegative = large.isNegative
        }
        result.trim()
        return result
    }
}
