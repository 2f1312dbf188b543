import Testing

@testable import Vulnerabilities

@Suite struct HashTableTests {
    @Test func `a table that grows holds what a dictionary holds`() {
        var table = HashTable(expecting: 3)
        var known: [UInt64: UInt32] = [:]
        var key: UInt64 = 0
        for number in 0..<5_000 as Range<UInt32> {
            // Some keys come again, and many share their lower bits.
            key = number % 7 == 0 ? UInt64(number % 91) << 32 : key &* 6_364_136_223_846_793_005 &+ 1
            let keeps = number % 3 == 0
            table.set(key, number, keepingOlder: keeps)
            if !keeps || known[key] == nil { known[key] = number }
        }
        #expect(known.allSatisfy { table[$0.key] == $0.value })
        #expect(known[0] != nil)
        #expect((1...1_000 as ClosedRange<UInt64>).allSatisfy { table[$0 << 40 | 3] == known[$0 << 40 | 3] })
    }
}
