import Testing

@testable import Detection

@Suite struct ConditionTests {
    @Test(arguments: [
        ("proc.name = cat", "proc.name = cat"),
        ("proc.name=cat and fd.num>=3", "(proc.name = cat and fd.num >= 3)"),
        ("not (not a.b = 1)", "not (not a.b = 1)"),
        ("not not a.b = 1", "a.b = 1"),
        ("a.b = \"\"", "a.b = \"\""),
        ("a.b = 'x y'", "a.b = \"x y\""),
        ("a.b = oneof", "a.b = \"oneof\""),
        ("a.b startswith anyof (x, \"y,z\")", "a.b startswith anyof (x, \"y,z\")"),
        ("a.b in ()", "a.b in ()"),
        ("a.b in names", "a.b in names"),
        ("tolower(a.b[k]) = val(c.d)", "tolower(a.b[k]) = val(c.d)"),
        ("shell or (x.y exists and not z)", "(shell or (x.y exists and not z))"),
        ("a.b pmatch (\"\\back\")", "a.b pmatch (\"\\x08ack\")"),
        ("a.b = 'back\\\\ slash'", "a.b = \"back\\x5c slash\""),
    ])
    func printingReadsAsTheSameTree(_ text: String, _ printed: String) throws {
        let condition = try ConditionParser.parse(text)
        #expect(condition.description == printed)
        #expect(try ConditionParser.parse(condition.bytes) == condition)
    }

    @Test(arguments: [
        ("", 0), ("a.b =", 5), ("a.b <> 3", 5), ("a.b = x y", 8), ("(a.b = x", 8), ("a.b < x", 6), ("= x", 0),
        ("a.b in (x", 9), ("a.b[] = x", 4), ("join(a.b", 8),
    ])
    func whatIsNoConditionIsRefusedWhereReadingStopped(_ text: String, _ offset: Int) {
        #expect {
            try ConditionParser.parse(text)
        } throws: {
            ($0 as? ConditionError)?.position.offset == offset
        }
    }

    @Test func depthIsBounded() throws {
        func nested(_ levels: Int) -> String {
            String(repeating: "(", count: levels) + "a.b = 1" + String(repeating: ")", count: levels)
        }
        #expect(try ConditionParser.parse(nested(10)).description == "a.b = 1")
        #expect(throws: ConditionError.self) { try ConditionParser.parse(nested(100_000)) }
        #expect(throws: ConditionError.self) {
            try ConditionParser.parse(nested(100_000), maximumDepth: ConditionParser.ruleDepth)
        }
    }

    /// Texts put together from the words of the language never trap, and what reads prints and reads again.
    @Test func anyMixtureOfWordsIsReadOrRefused() throws {
        let words = [
            "a.b", "proc.name", "=", "!=", "in", "(", ")", ",", "and", "or", "not", " ", "\"", "'", "\\", "x", "1",
            "val(", "join(", "[", "]", "exists", "startswith", "oneof", "0x1F", "\u{0}", "é", "not(", "<=", "regex ",
        ]
        var state: UInt64 = 42
        func next() -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33)
        }
        var read = 0
        for _ in 0..<20_000 {
            let text = (0..<(1 + next() % 14)).map { _ in words[next() % words.count] }.joined(
                separator: next() % 2 == 0 ? " " : "")
            guard let condition = try? ConditionParser.parse(text) else { continue }
            read += 1
            #expect(try ConditionParser.parse(condition.bytes) == condition, "\(text)")
        }
        #expect(read > 100)
    }
}

@Suite struct OperatorTests {
    private static let catalogue = FieldCatalogue([
        FieldInfo("t.text", .string), FieldInfo("t.number", .int64), FieldInfo("t.list", .string, isList: true),
        FieldInfo("t.ip", .ip), FieldInfo("t.net", .ipnet), FieldInfo("t.path", .path), FieldInfo("t.absent", .string),
    ])

    private static func holds(_ text: String) throws -> Bool {
        var filter = try ConditionFilter(try ConditionParser.parse(text), catalogue)
        return filter.holds { field in
            switch field.name {
            case "t.text": [FieldValue("Hello World")]
            case "t.number": [FieldValue(-3)]
            case "t.list": [FieldValue("a"), FieldValue("b")]
            case "t.ip", "t.net": [.bytes([10, 1, 2, 3])]
            case "t.path": [FieldValue("/etc/nginx/nginx.conf")]
            default: nil
            }
        }
    }

    @Test(arguments: [
        "t.text = \"Hello World\"", "t.text startswith Hell", "t.text endswith rld", "t.text contains \"o W\"",
        "t.text icontains WORLD", "t.text glob H*d", "t.text iglob h?llo*", "t.text regex 'H[a-z]+ .*'",
        "t.text contains oneof (Hello, Mars)", "t.text contains allof (Hello, World)", "t.number < 0",
        "t.number in (-3, 5)", "t.list intersects (b, c)", "t.list in (a, b, c)", "t.ip = 10.1.2.3",
        "t.net = 10.0.0.0/8", "t.net != 2001:db8::/32", "t.path pmatch (/etc/nginx, /var)", "t.path pmatch (/*/nginx)",
        "tolower(t.text) = \"hello world\"", "len(t.list) = 2", "basename(t.path) = nginx.conf",
        "join(\"-\", t.list) = a-b", "not t.absent = x", "t.text = val(t.text)",
    ])
    func holding(_ text: String) throws { #expect(try Self.holds(text)) }

    @Test(arguments: [
        "t.text = hello", "t.text startswith World", "t.absent != x", "t.absent exists", "t.number > 0",
        "t.list in (a)", "t.ip = 10.1.2.4", "t.net = 192.168.0.0/16", "t.path pmatch (/etc/ng)",
        "t.text regex Hello", "t.text contains oneof (Hello, World)", "toupper(t.list) intersects (A)",
    ])
    func notHolding(_ text: String) throws { #expect(try !Self.holds(text)) }

    @Test(arguments: [
        "t.number contains 3", "t.text bcontains 00", "t.list = a", "t.ip startswith 10", "t.number = x",
        "t.ip = 10.1.2", "t.net = 10.1.2.3", "t.text regex '('", "t.text = val(t.number)", "t.none = 1",
        "toupper(t.number) = 1", "t.text regex 'a{1001}'",
    ])
    func refusedWhenCompiled(_ text: String) {
        #expect(throws: CompileError.self) { try Self.holds(text) }
    }

    /// A pattern that makes a backtracking engine try forever.
    @Test func aRegularExpressionTakesTimeInProportion() throws {
        let expression = try RegularExpression(Array("(a*)*b".utf8))
        #expect(!expression.matches([UInt8](repeating: UInt8(ascii: "a"), count: 20_000)))
        #expect(expression.matches(Array("aaab".utf8)))
    }
}
