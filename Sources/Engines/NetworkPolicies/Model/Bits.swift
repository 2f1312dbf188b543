/// A set of small whole numbers, dense; the peers of a rule are one of these over the classes of the model.
struct Bits: Sendable, Hashable {
    private(set) var words: [UInt64]

    init(count: Int) { words = [UInt64](repeating: 0, count: (count + 63) >> 6) }

    init(count: Int, holding only: Int) {
        self.init(count: count)
        insert(only)
    }

    /// Every number below `count`.
    init(full count: Int) {
        words = [UInt64](repeating: ~0, count: (count + 63) >> 6)
        let rest = count & 63
        if rest != 0, let last = words.indices.last { words[last] = (1 << UInt64(rest)) &- 1 }
    }

    func contains(_ index: Int) -> Bool { words[index >> 6] & (1 << UInt64(index & 63)) != 0 }
    mutating func insert(_ index: Int) { words[index >> 6] |= 1 << UInt64(index & 63) }
    mutating func remove(_ index: Int) { words[index >> 6] &= ~(1 << UInt64(index & 63)) }

    mutating func insert(_ range: Range<Int>) { for index in range { insert(index) } }

    var isEmpty: Bool {
        for word in words where word != 0 { return false }
        return true
    }

    /// The smallest member.
    var first: Int? {
        for i in words.indices where words[i] != 0 { return (i << 6) + words[i].trailingZeroBitCount }
        return nil
    }

    var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    mutating func formUnion(_ other: Bits) { for i in words.indices { words[i] |= other.words[i] } }
    mutating func formIntersection(_ other: Bits) { for i in words.indices { words[i] &= other.words[i] } }
    mutating func subtract(_ other: Bits) { for i in words.indices { words[i] &= ~other.words[i] } }

    /// Adds what is in both: `self |= a & b`, without a set in between.
    mutating func formUnion(_ a: Bits, and b: Bits) {
        for i in words.indices { words[i] |= a.words[i] & b.words[i] }
    }

    func union(_ other: Bits) -> Bits { with { $0.formUnion(other) } }
    func intersection(_ other: Bits) -> Bits { with { $0.formIntersection(other) } }
    func subtracting(_ other: Bits) -> Bits { with { $0.subtract(other) } }

    func intersects(_ other: Bits) -> Bool {
        for i in words.indices where words[i] & other.words[i] != 0 { return true }
        return false
    }

    func isSubset(of other: Bits) -> Bool {
        for i in words.indices where words[i] & ~other.words[i] != 0 { return false }
        return true
    }

    /// The members, smallest first.
    func forEach(_ body: (Int) -> Void) {
        for i in words.indices {
            var word = words[i]
            while word != 0 {
                body((i << 6) + word.trailingZeroBitCount)
                word &= word &- 1
            }
        }
    }

    var members: [Int] {
        var out: [Int] = []
        forEach { out.append($0) }
        return out
    }

    private func with(_ change: (inout Bits) -> Void) -> Bits {
        var copy = self
        change(&copy)
        return copy
    }
}
