import Documents
import Testing

@Suite("Base64")
struct Base64Tests {
    /// Source: RFC 4648, section 10.
    static let vectors = [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ]

    @Test("the vectors of the standard, both ways", arguments: vectors)
    func standard(_ plain: String, _ encoded: String) {
        #expect(Base64.encoded(plain.utf8) == encoded)
        #expect(Base64.decoded(encoded) == Array(plain.utf8))
    }

    @Test("every byte comes back")
    func everyByte() {
        for count in 0..<70 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ count) }
            #expect(Base64.decoded(Base64.encoded(bytes)) == bytes)
        }
    }

    @Test(
        "what is none is refused, and overlooked only where that is asked for",
        arguments: [
            ("Zg", Base64.Tolerance.padding), ("Zg=", .padding), ("Zm9v==", .padding), ("Zm 9v", .blanks),
            ("Zm\t9v", .blanks), ("-_-_", .url), (" Z_4", .all),
        ])
    func tolerance(_ text: String, _ tolerance: Base64.Tolerance) {
        #expect(Base64.decoded(text) == nil)
        #expect(Base64.decoded(text, tolerance) != nil)
    }

    @Test("nothing makes these base64", arguments: ["Z", "Z===", "Zg==Zg==", "Zg=a", "Z*==", "====", "Zm9vY", "é"])
    func refused(_ text: String) {
        #expect(Base64.decoded(text) == nil)
        if text != "====" { #expect(Base64.decoded(text, .all) == nil) }
    }

    @Test func lineEndsAreNothing() { #expect(Base64.decoded("Zm9v\r\nYmFy\n") == Array("foobar".utf8)) }
}

@Suite("Edit distance")
struct EditDistanceTests {
    @Test(arguments: [("", "", 0), ("deploy.yaml", "deplpy.yaml", 1), ("abc", "", 3), ("kitten", "sitting", 3)])
    func counts(_ a: String, _ b: String, _ distance: Int) {
        #expect(EditDistance.between(a, b) == distance)
        #expect(EditDistance.between(b, a) == distance)
    }

    @Test(arguments: [("deplpy", "deploy"), ("sevrice", "service"), ("wholly-other", nil), ("a1", "a2")])
    func tellsTheNearest(_ name: String, _ near: String?) {
        #expect(EditDistance.nearest(to: name, in: ["service", "deploy", "a3", "a2"], within: 2, by: \.self) == near)
    }
}
