import Encodings
import Testing

@Suite struct HexadecimalTests {
    @Test func everyByteComesBack() {
        let all = Array(UInt8.min...UInt8.max)
        let text = Hexadecimal.text(all)
        #expect(text.hasPrefix("000102") && text.hasSuffix("fdfeff"))
        #expect(text.utf8.count == 512)
        #expect(Hexadecimal.bytes(text) == all)
        #expect(Hexadecimal.bytes(text.uppercased()) == all)
    }

    @Test(arguments: ["0", "0g", "+1", " 1", "1 ", "0x", "é"]) func whatIsNoPairOfDigitsIsNothing(_ text: String) {
        #expect(Hexadecimal.bytes(text) == nil)
    }

    @Test func nothingIsNoByte() {
        #expect(Hexadecimal.bytes("") == [])
        #expect(Hexadecimal.text([]) == "")
    }
}
