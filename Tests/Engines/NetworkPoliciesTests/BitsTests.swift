import Testing

@testable import NetworkPolicies

@Suite struct BitsTests {
    @Test func aFullSetEndsWhereItShould() {
        #expect(Bits(full: 70).count == 70)
        #expect(Bits(full: 64).count == 64)
        #expect(Bits(full: 0).isEmpty)
    }

    @Test func membersComeSmallestFirst() {
        var bits = Bits(count: 200)
        for index in [199, 0, 64, 63] { bits.insert(index) }
        #expect(bits.members == [0, 63, 64, 199])
        bits.remove(64)
        #expect(!bits.contains(64))
    }
}
