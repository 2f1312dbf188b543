import Documents
import Testing

@testable import Secrets

@Suite("Decoding")
struct DecodingTests {
    @Test("SHA-256 gives the values of FIPS 180-4")
    func sha256() {
        let seal = SecretSeal.unkeyed
        #expect(seal.seal("abc".utf8) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(seal.seal("".utf8) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(
            seal.seal("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq".utf8)
                == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
    }

    @Test("HMAC gives the values of RFC 4231")
    func hmac() {
        let seal = SecretSeal(key: Array("Jefe".utf8))
        #expect(
            seal.seal("what do ya want for nothing?".utf8)
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }

    @Test("gzip is read, and bytes that are none are refused")
    func inflate() throws {
        let stored = [UInt8]([0x01, 0x03, 0x00, 0xFC, 0xFF, 0x61, 0x62, 0x63])
        #expect(try Inflate.raw(stored, limit: 10) == Array("abc".utf8))
        #expect(throws: Inflate.Failure.tooLarge) { try Inflate.raw(stored, limit: 2) }
        #expect(throws: Inflate.Failure.truncated) { try Inflate.raw(Array(stored.prefix(6)), limit: 10) }
        // "aaaaaaaaaa" with a fixed code and one copy.
        #expect(try Inflate.raw([0x4B, 0x84, 0x03, 0x00], limit: 100) == Array("aaaaaaaaaa".utf8))
    }

    @Test("any bytes end in an answer or an error", arguments: 0..<200)
    func inflateAnything(_ seed: Int) {
        var maker = TokenMaker(seed: UInt64(seed + 3))
        var bytes = (0..<120).map { _ in UInt8(maker.next(256)) }
        bytes[0] = UInt8(maker.next(8))
        do throws(Inflate.Failure) {
            let out = try Inflate.raw(bytes, limit: 1 << 16)
            #expect(out.count <= 1 << 16)
        } catch {
            #expect([.truncated, .invalid, .tooLarge].contains(error))
        }
    }

    @Test("base64 comes back as it went in, padded or not")
    func base64() {
        #expect(Base64.decode(Array("aGVsbG8=".utf8)) == Array("hello".utf8))
        #expect(Base64.decode(Array("aGVsbG8".utf8)) == Array("hello".utf8))
        #expect(Base64.decode(Array("aGVs\nbG8=".utf8)) == Array("hello".utf8))
        #expect(Base64.decode(Array("a".utf8)) == nil)
        #expect(Base64.decode(Array("a*b=".utf8)) == nil)
    }

    @Test("a hint shows at most two characters at each end")
    func hint() {
        #expect(SecretSeal.hint(Array("abcdefghijklmnop".utf8)) == "ab…op (16 characters)")
        #expect(!SecretSeal.hint(Array("hunter22".utf8)).contains("hu"))
    }
}
