import Documents

/// How unlike a word a text is, by the pairs of its letters. Source: `Resources/letter-pairs.json`.
struct LetterPairs: Sendable {
    /// Tenths of a bit, 26 x 26.
    private let costs: [UInt8]

    static let english: LetterPairs = {
        let root = FactFile.root(PackageResources.letter_pairs_json, "letter-pairs.json")
        return LetterPairs(
            costs: root["rows"].elements.flatMap { row in row.elements.map { UInt8($0.int ?? 0) } })
    }()

    /// Mean cost in bits of a letter after the one before it: words about 3.9, chance about 6.
    func cost(_ text: Span<UInt8>, _ range: Range<Int>) -> Double {
        var sum = 0
        var pairs = 0
        var last = -1
        for i in range {
            let byte = text[i] | 0x20
            guard byte >= 0x61, byte <= 0x7A else {
                last = -1
                continue
            }
            if last >= 0 {
                sum += Int(costs[last * 26 + Int(byte - 0x61)])
                pairs += 1
            }
            last = Int(byte - 0x61)
        }
        return pairs == 0 ? 0 : Double(sum) / Double(pairs) / 10
    }
}

/// What the bytes of a value are like, in numbers.
struct ValueShape: Sendable {
    var length = 0
    var lower = 0
    var upper = 0
    var digits = 0
    var others = 0
    /// Changes from one kind of byte to another.
    var changes = 0
    /// Different bytes.
    var distinct = 0
    /// Shannon's, in bits a byte.
    var entropy = 0.0
    var letterCost = 0.0

    init(_ text: Span<UInt8>, _ range: Range<Int>) {
        length = range.count
        var counts = [UInt16](repeating: 0, count: 256)
        var last = 0
        for i in range {
            let byte = text[i]
            if counts[Int(byte)] < .max { counts[Int(byte)] += 1 }
            let kind: Int
            switch byte {
            case 0x61...0x7A:
                lower += 1
                kind = 1
            case 0x41...0x5A:
                upper += 1
                kind = 2
            case 0x30...0x39:
                digits += 1
                kind = 3
            default:
                others += 1
                kind = 4
            }
            // A capital that begins a word is no change.
            if last != 0, kind != last, !(last == 2 && kind == 1) { changes += 1 }
            last = kind
        }
        for count in counts where count > 0 {
            distinct += 1
            entropy -= Double(count) * Self.log2(Double(count) / Double(length))
        }
        entropy = length > 0 ? entropy / Double(length) : 0
        letterCost = LetterPairs.english.cost(text, range)
    }

    /// Whether chance made it: letters that follow each other as in no word, or kinds that change all the time.
    var looksRandom: Bool {
        guard length >= 8, distinct >= 5 else { return false }
        let letters = lower + upper
        let rate = Double(changes) / Double(max(1, length - 1))
        if digits > 0, letters > 0 {
            if rate >= 0.28, entropy >= 2.6 { return true }
            if letters >= 6, letterCost >= 4.9, rate >= 0.12, entropy >= 2.6 { return true }
            if letterCost >= 5.5, rate >= 0.1, entropy >= 2.6 { return true }
        }
        if letters >= 8, letterCost >= 5.3, entropy >= 2.9 { return true }
        if upper > 0, lower > 0, letters >= 8, letterCost >= 4.9, rate >= 0.2 { return true }
        if letters >= 5, others > 0, rate >= 0.3, letterCost >= 5.0 { return true }
        return false
    }

    /// A logarithm without a C library: the exponent, and a series for the rest.
    static func log2(_ x: Double) -> Double {
        guard x > 0 else { return 0 }
        let exponent = Double(x.exponent)
        let m = x.significand
        let t = (m - 1) / (m + 1)
        let t2 = t * t
        return exponent + 2 / 0.693_147_180_559_945_3 * t * (1 + t2 * (1 / 3 + t2 * (1 / 5 + t2 * (1 / 7 + t2 / 9))))
    }
}
