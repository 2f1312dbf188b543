import Encodings
import Testing

@Suite struct PercentEncodingTests {
    @Test func whatIsUnreservedStays() {
        #expect(PercentEncoding.encoded("azAZ09-._~") == "azAZ09-._~")
        #expect(PercentEncoding.encoded("a b/c?d=é\n") == "a%20b%2Fc%3Fd%3D%C3%A9%0A")
        #expect(PercentEncoding.encoded("a/b c", keeping: "/") == "a/b%20c")
    }

    @Test func everyByteComesBack() {
        let all = Array(UInt8.min...UInt8.max)
        #expect(PercentEncoding.decoded(PercentEncoding.encoded(all).utf8) == all)
    }

    @Test(arguments: ["%", "%4", "a%zz", "%+1", "%%41"]) func halfAnEscapeIsNoEscape(_ text: String) {
        #expect(PercentEncoding.decoded(text) == nil)
    }

    @Test func aLenientReaderLeavesWhatIsNoEscape() {
        #expect(PercentEncoding.decodedLeniently("100%") == "100%")
        #expect(PercentEncoding.decodedLeniently("%zz%41%") == "%zzA%")
        #expect(PercentEncoding.decodedLeniently("%%41") == "%A")
    }

    @Test func aFormsPlusIsASpace() {
        #expect(PercentEncoding.decoded("a+b%2B".utf8, plusIsSpace: true) == Array("a b+".utf8))
        #expect(PercentEncoding.decoded("a+b%2B") == "a+b+")
    }
}
