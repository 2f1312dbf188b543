import Crypto

/// Ed25519ph (RFC 8032, 5.1): Ed25519 over the SHA-512 of a message, which the library does not offer.
///
/// Only verification, so nothing here is secret and nothing needs to take the same time always.
enum Ed25519Prehashed {
    static func isValid(_ signature: [UInt8], digest: [UInt8], key: [UInt8]) -> Bool {
        guard signature.count == 64, key.count == 32, digest.count == 64 else { return false }
        let encoded = Array(signature.prefix(32))
        let scalar = Limbs(littleEndian: signature.suffix(32))
        guard scalar.isBelow(Scalar.order), let point = CurvePoint(encoded: key) else { return false }
        // dom2(1, ""): what keeps a signature of one variant from passing for the other.
        let domain = Array("SigEd25519 no Ed25519 collisions".utf8) + [1, 0]
        let challenge = Scalar.reduced(Array(SHA512.hash(data: domain + encoded + key + digest)))
        let found = CurvePoint.base.times(scalar).plus(point.negated.times(challenge))
        return found.encoded == encoded
    }
}

/// 256 bits, least significant first.
struct Limbs: Equatable {
    var words: InlineArray<4, UInt64>

    init(_ words: InlineArray<4, UInt64>) { self.words = words }

    init(littleEndian bytes: some Collection<UInt8>) {
        words = InlineArray(repeating: 0)
        for (position, byte) in bytes.prefix(32).enumerated() {
            words[position / 8] |= UInt64(byte) << UInt64(position % 8 * 8)
        }
    }

    var littleEndian: [UInt8] {
        (0..<32).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64($0 % 8 * 8)) }
    }

    static func == (left: Limbs, right: Limbs) -> Bool { (0..<4).allSatisfy { left.words[$0] == right.words[$0] } }

    func bit(_ position: Int) -> Bool { words[position / 64] >> UInt64(position % 64) & 1 == 1 }

    func isBelow(_ other: Limbs) -> Bool { minus(other).borrow }

    func plus(_ other: Limbs) -> (sum: Limbs, carry: Bool) {
        var sum = self
        var carry: UInt64 = 0
        for position in 0..<4 {
            let (first, over) = words[position].addingReportingOverflow(other.words[position])
            let (second, again) = first.addingReportingOverflow(carry)
            sum.words[position] = second
            carry = over || again ? 1 : 0
        }
        return (sum, carry == 1)
    }

    func minus(_ other: Limbs) -> (difference: Limbs, borrow: Bool) {
        var difference = self
        var borrow: UInt64 = 0
        for position in 0..<4 {
            let (first, under) = words[position].subtractingReportingOverflow(other.words[position])
            let (second, again) = first.subtractingReportingOverflow(borrow)
            difference.words[position] = second
            borrow = under || again ? 1 : 0
        }
        return (difference, borrow == 1)
    }
}

/// Numbers modulo the order of the base point, 2^252 + 27742317777372353535851937790883648493.
enum Scalar {
    static let order = Limbs([0x5812_631a_5cf5_d3ed, 0x14de_f9de_a2f7_9cd6, 0, 0x1000_0000_0000_0000])

    static func reduced(_ littleEndian: [UInt8]) -> Limbs {
        var rest = Limbs([0, 0, 0, 0])
        for byte in littleEndian.reversed() {
            for bit in (0..<8).reversed() {
                rest = rest.plus(rest).sum
                rest.words[0] |= UInt64(byte >> UInt8(bit) & 1)
                if !rest.isBelow(order) { rest = rest.minus(order).difference }
            }
        }
        return rest
    }
}

/// Numbers modulo 2^255 - 19, kept below 2^256.
struct FieldElement: Equatable {
    private var limbs: Limbs

    init(_ limbs: Limbs) { self.limbs = limbs }
    init(_ small: UInt64) { limbs = Limbs([small, 0, 0, 0]) }

    static let prime = Limbs([
        0xffff_ffff_ffff_ffed, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0x7fff_ffff_ffff_ffff,
    ])
    static let zero = FieldElement(0)
    static let one = FieldElement(1)
    /// The curve's constant, -121665/121666.
    static let d = (zero - FieldElement(121_665)) * FieldElement(121_666).inverse
    /// A root of -1: 2^((p-1)/4).
    static let rootOfMinusOne = FieldElement(2).raised(
        to: Limbs([0xffff_ffff_ffff_fffb, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0x1fff_ffff_ffff_ffff]))

    /// The one form below the prime.
    var canonical: Limbs {
        var reduced = limbs
        while !reduced.isBelow(Self.prime) { reduced = reduced.minus(Self.prime).difference }
        return reduced
    }

    static func == (left: FieldElement, right: FieldElement) -> Bool { left.canonical == right.canonical }

    // 2^256 leaves 38.
    private static func folded(_ value: Limbs, _ excess: UInt64) -> FieldElement {
        var value = value
        var excess = excess
        while excess > 0 {
            let (sum, carry) = value.plus(Limbs([excess * 38, 0, 0, 0]))
            value = sum
            excess = carry ? 1 : 0
        }
        return FieldElement(value)
    }

    static func + (left: FieldElement, right: FieldElement) -> FieldElement {
        let (sum, carry) = left.limbs.plus(right.limbs)
        return folded(sum, carry ? 1 : 0)
    }

    static func - (left: FieldElement, right: FieldElement) -> FieldElement {
        var (difference, borrow) = left.limbs.minus(right.limbs)
        while borrow { (difference, borrow) = difference.minus(Limbs([38, 0, 0, 0])) }
        return FieldElement(difference)
    }

    static func * (left: FieldElement, right: FieldElement) -> FieldElement {
        var product = InlineArray<8, UInt64>(repeating: 0)
        for first in 0..<4 {
            var carry: UInt64 = 0
            for second in 0..<4 {
                let (high, low) = left.limbs.words[first].multipliedFullWidth(by: right.limbs.words[second])
                let (sum, over) = product[first + second].addingReportingOverflow(low)
                let (total, again) = sum.addingReportingOverflow(carry)
                product[first + second] = total
                carry = high + (over ? 1 : 0) + (again ? 1 : 0)
            }
            product[first + 4] = carry
        }
        var low = Limbs([product[0], product[1], product[2], product[3]])
        var carry: UInt64 = 0
        for position in 0..<4 {
            let (high, part) = product[position + 4].multipliedFullWidth(by: 38)
            let (sum, over) = low.words[position].addingReportingOverflow(part)
            let (total, again) = sum.addingReportingOverflow(carry)
            low.words[position] = total
            carry = high + (over ? 1 : 0) + (again ? 1 : 0)
        }
        return folded(low, carry)
    }

    func raised(to exponent: Limbs) -> FieldElement {
        var result = FieldElement.one
        for position in (0..<256).reversed() {
            result = result * result
            if exponent.bit(position) { result = result * self }
        }
        return result
    }

    var inverse: FieldElement { raised(to: Self.prime.minus(Limbs([2, 0, 0, 0])).difference) }
    var isOdd: Bool { canonical.bit(0) }
}

/// A point of the twisted Edwards curve in extended coordinates (RFC 8032, 5.1.4).
struct CurvePoint {
    private var x: FieldElement
    private var y: FieldElement
    private var z: FieldElement
    private var t: FieldElement

    static let neutral = CurvePoint(x: .zero, y: .one, z: .one, t: .zero)
    /// The point with y = 4/5 and an even x.
    static let base: CurvePoint = {
        let y = FieldElement(4) * FieldElement(5).inverse
        guard let point = CurvePoint(encoded: y.canonical.littleEndian) else {
            preconditionFailure("the base point lies on the curve")
        }
        return point
    }()

    private init(x: FieldElement, y: FieldElement, z: FieldElement, t: FieldElement) {
        self.x = x
        self.y = y
        self.z = z
        self.t = t
    }

    /// Nothing when the bytes are no point.
    init?(encoded bytes: [UInt8]) {
        guard bytes.count == 32, let last = bytes.last else { return nil }
        let limbs = Limbs(littleEndian: bytes.dropLast() + [last & 0x7F])
        guard limbs.isBelow(FieldElement.prime) else { return nil }
        let y = FieldElement(limbs)
        let square = y * y
        let above = square - .one
        let below = FieldElement.d * square + .one
        // (u/v)^((p+3)/8) is a root of u/v or of -u/v.
        let exponent = Limbs([
            0xffff_ffff_ffff_fffe, 0xffff_ffff_ffff_ffff, 0xffff_ffff_ffff_ffff, 0x0fff_ffff_ffff_ffff,
        ])
        let quotient = above * below.inverse
        var x = quotient.raised(to: exponent)
        if x * x != quotient { x = x * .rootOfMinusOne }
        guard x * x == quotient else { return nil }
        let wantsOdd = last & 0x80 != 0
        if x == .zero, wantsOdd { return nil }
        if x.isOdd != wantsOdd { x = .zero - x }
        self.init(x: x, y: y, z: .one, t: x * y)
    }

    var encoded: [UInt8] {
        let inverse = z.inverse
        var bytes = (y * inverse).canonical.littleEndian
        if (x * inverse).isOdd { bytes[31] |= 0x80 }
        return bytes
    }

    var negated: CurvePoint { CurvePoint(x: .zero - x, y: y, z: z, t: .zero - t) }

    func plus(_ other: CurvePoint) -> CurvePoint {
        let a = (y - x) * (other.y - other.x)
        let b = (y + x) * (other.y + other.x)
        let c = t * FieldElement(2) * FieldElement.d * other.t
        let d = z * FieldElement(2) * other.z
        let (e, f, g, h) = (b - a, d - c, d + c, b + a)
        return CurvePoint(x: e * f, y: g * h, z: f * g, t: e * h)
    }

    func times(_ scalar: Limbs) -> CurvePoint {
        var result = CurvePoint.neutral
        for position in (0..<256).reversed() {
            result = result.plus(result)
            if scalar.bit(position) { result = result.plus(self) }
        }
        return result
    }
}
