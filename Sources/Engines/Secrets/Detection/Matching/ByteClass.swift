/// A set of byte values.
///
/// Four words and no vector: asking it is a choice among them and a shift. The sets that are asked for every byte are
/// constants, so that no initialiser is looked at each time.
struct ByteClass: Sendable, Hashable {
    private var words: (UInt64, UInt64, UInt64, UInt64)

    init() { words = (0, 0, 0, 0) }

    /// Bytes below 64, and those from 64 to 127, a bit for each.
    private init(_ first: UInt64, _ second: UInt64) { words = (first, second, 0, 0) }

    init(_ bytes: some Sequence<UInt8>) {
        self.init()
        for byte in bytes { insert(byte) }
    }

    init(_ text: String) { self.init(text.utf8) }

    init(_ range: ClosedRange<UInt8>) { self.init(Array(range)) }

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        let low = byte & 0x40 == 0 ? words.0 : words.1
        let high = byte & 0x40 == 0 ? words.2 : words.3
        return (byte & 0x80 == 0 ? low : high) &>> UInt64(byte & 63) & 1 == 1
    }

    mutating func insert(_ byte: UInt8) {
        let bit = UInt64(1) << UInt64(byte & 63)
        switch byte >> 6 {
        case 0: words.0 |= bit
        case 1: words.1 |= bit
        case 2: words.2 |= bit
        default: words.3 |= bit
        }
    }

    mutating func formUnion(_ other: ByteClass) {
        words.0 |= other.words.0
        words.1 |= other.words.1
        words.2 |= other.words.2
        words.3 |= other.words.3
    }

    func union(_ other: ByteClass) -> ByteClass {
        var out = self
        out.formUnion(other)
        return out
    }

    var inverted: ByteClass {
        var out = self
        out.words = (~words.0, ~words.1, ~words.2, ~words.3)
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

    static func == (a: Self, b: Self) -> Bool { a.words == b.words }

    func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }

    static var digits: ByteClass { ByteClass(0x03FF_0000_0000_0000, 0) }
    static var lower: ByteClass { ByteClass(0x0000_0000_0000_0000, 0x07FF_FFFE_0000_0000) }
    static var upper: ByteClass { ByteClass(0x0000_0000_0000_0000, 0x0000_0000_07FF_FFFE) }
    static var letters: ByteClass { ByteClass(0x0000_0000_0000_0000, 0x07FF_FFFE_07FF_FFFE) }
    static var alphanumeric: ByteClass { ByteClass(0x03FF_0000_0000_0000, 0x07FF_FFFE_07FF_FFFE) }
    /// What `\w` means, and what may not stand on both sides of a token's edge.
    static var word: ByteClass { ByteClass(0x03FF_0000_0000_0000, 0x07FF_FFFE_87FF_FFFE) }
    static var space: ByteClass { ByteClass(0x0000_0001_0000_2600, 0) }
    static var base64: ByteClass { ByteClass(0x23FF_8800_0000_0000, 0x07FF_FFFE_07FF_FFFE) }
    static var hexadecimal: ByteClass { ByteClass(0x03FF_0000_0000_0000, 0x0000_007E_0000_007E) }
    /// What names of settings are made of.
    static var name: ByteClass { ByteClass(0x03FF_6000_0000_0000, 0x07FF_FFFE_87FF_FFFE) }
    static var any: ByteClass { ByteClass().inverted }
}
