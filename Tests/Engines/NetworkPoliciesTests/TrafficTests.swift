import Testing

@testable import NetworkPolicies

@Suite struct TrafficTests {
    @Test(arguments: [
        ("10.0.0.1", "10.0.0.1"), ("2001:DB8::0:1", "2001:db8::1"), ("::", "::"), ("::ffff:10.0.0.1", "10.0.0.1"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
    ])
    func addressesAreReadAndWritten(_ text: String, _ written: String) {
        #expect(IPAddress(text)?.description == written)
    }

    @Test(arguments: ["10.0.0", "10.0.0.256", "010.0.0.1", "1::2::3", "12345::", ":::", "", "1:2:3:4:5:6:7", "a.b.c.d"])
    func whatIsNoAddressIsRefused(_ text: String) { #expect(IPAddress(text) == nil) }

    @Test(arguments: ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/", "::/129", "10.0.0.0/-1"])
    func whatIsNoBlockIsRefused(_ text: String) { #expect(CIDR(text) == nil) }

    @Test func blocksHoldWhatTheySay() throws {
        let block = try #require(CIDR("10.1.2.3/8"))
        #expect(block.description == "10.0.0.0/8")
        #expect(block.contains(try #require(CIDR("10.9.0.0/16"))))
        let set = AddressSet(block).subtracting(AddressSet(try #require(CIDR("10.9.0.0/16"))))
        #expect(set.contains(try #require(IPAddress("10.8.255.255"))))
        #expect(!set.contains(try #require(IPAddress("10.9.0.0"))))
        #expect(AddressSet.all.subtracting(.all).isEmpty)
    }

    @Test func atomsCutWherePoliciesTellAddressesApart() throws {
        let atoms = AddressAtoms([AddressSet(try #require(CIDR("10.0.0.0/8")))])
        #expect(
            atoms.ranges.map(\.description) == [
                "0.0.0.0-9.255.255.255", "10.0.0.0/8", "11.0.0.0-255.255.255.255", "::/0",
            ])
        #expect(atoms.index(of: try #require(IPAddress("10.255.0.0"))) == 1)
    }

    @Test func trafficIsWrittenShortly() {
        let set = TrafficSet(.tcp, 80...80).union(TrafficSet(.tcp, 8000...9000)).union(TrafficSet(.udp, 53...53))
        #expect(set.description == "TCP 80,8000-9000, UDP 53")
        #expect(TrafficSet.all.description == "all")
        #expect(TrafficSet.all.subtracting(.all).description == "none")
    }
}
