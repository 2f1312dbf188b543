/// A set of byte values.
struct ByteClass: Sendable, Hashable {
    private var words = SIMD4<UInt64>(repeating: 0)

    init() {}

    init(_ bytes: some Sequence<UInt8>) { for byte in bytes { insert(byte) } }

    init(_ text: String) { self.init(text.utf8) }

    init(_ range: ClosedRange<UInt8>) { self.init(Array(range)) }

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] &>> UInt64(byte & 63) & 1 == 1 }

    mutating func insert(_ byte: UInt8) { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

    mutating func formUnion(_ other: ByteClass) { words |= other.words }

    func union(_ other: ByteClass) -> ByteClass {
        var out = self
        out.formUnion(other)
        return out
    }

    var inverted: ByteClass {
        var out = self
        out.words = ~words
        return out
    }

    /// The set with the other case of every ASCII letter in it.
    var ignoringCase: ByteClass {
        var out = self
        for letter in UInt8(ascii: "a")...UInt8(ascii: "z") where contains(letter) || contains(letter - 32) {
            out.insert(letter)
            out.insert(letter - 32)
        }
        return out
    }

    var bytes: [UInt8] { (0...255).map { UInt8($0) }.filter(contains) }

    static let digits = ByteClass(0x30...0x39)
    static let lower = ByteClass(0x61...0x7A)
    static let upper = ByteClass(0x41...0x5A)
    static let letters = lower.union(upper)
    static let alphanumeric = letters.union(digits)
    /// What `\w` means, and what may not stand on both sides of a token's edge.
    static let word = alphanumeric.union(ByteClass("_"))
    static let space = ByteClass(" \t\r\n")
    static let base64 = alphanumeric.union(ByteClass("+/="))
    static let hexadecimal = digits.union(ByteClass("abcdefABCDEF"))
    static let any = ByteClass(0...255)
}
